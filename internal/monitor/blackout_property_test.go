package monitor

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawLongRule draws a rule with deadlines of minutes, so that blackouts of some seconds can be
// minor.
func drawLongRule(t *rapid.T) Rule {
	r := drawFullRule(t)
	r.postOnly = false
	r.interval, r.grace, r.longest, r.shortest, r.startGrace, r.firstBy = 30*r.interval, 30*r.grace, 30*r.longest, 30*r.shortest, 30*r.startGrace, 30*r.firstBy
	for i := range r.slots {
		r.slots[i] *= 30
	}
	if r.early > 0 {
		r.early *= 30
	}
	return r.rule()
}

// blackoutLengths are in seconds, with both sides of each limit.
var blackoutLengths = []int{4, 5, 8, 11, 20, 29, 30, 31, 45, 60, 90, 200, 400}

// drawBlackouts draws blackouts in the time up to end that do not overlap.
func drawBlackouts(t *rapid.T, end int) (all []Blackout) {
	at := 0
	for range rapid.IntRange(0, 5).Draw(t, "blackouts") {
		from := at + rapid.SampledFrom([]int{1, 5, 20, 29, 30, 31, 60, 90, 150, 300}).Draw(t, "from")
		to := from + rapid.SampledFrom(blackoutLengths).Draw(t, "length")
		if to > end {
			break
		}
		all = append(all, Blackout{Key: int64(len(all) + 1), From: epoch.Add(seconds(from)), To: epoch.Add(seconds(to)), Cause: BlackoutCrash})
		at = to
	}
	return all
}

// within returns the blackout with an instant in it, if one exists.
func within(all []Blackout, at time.Time) (Blackout, bool) {
	for _, b := range all {
		if !b.From.After(at) && b.To.After(at) {
			return b, true
		}
	}
	return Blackout{}, false
}

// recordedBy returns the blackouts that had ended at a time.
func recordedBy(all []Blackout, at time.Time) []Blackout {
	n := 0
	for n < len(all) && !all[n].To.After(at) {
		n++
	}
	return all[:n]
}

// drawWatchedEvents draws events. In a blackout, only pings arrive, in sockets.
func drawWatchedEvents(t *rapid.T, all []Blackout, kinds ...string) []modelEvent {
	events := drawEventsOf(t, kinds...)
	for i := range events {
		events[i].at = events[i].at * 30 / rapid.SampledFrom([]int{1, 1, 3}).Draw(t, "scale")
		events[i].get = false
	}
	slices.SortStableFunc(events, func(a, b modelEvent) int { return a.at - b.at })
	return slices.DeleteFunc(events, func(e modelEvent) bool {
		_, unwatched := within(all, epoch.Add(seconds(e.at)))
		inSocket := (e.what == "success" || e.what == "fail") && rapid.IntRange(0, 2).Draw(t, "inSocket") == 0
		return unwatched && !inSocket
	})
}

// watched is the kinds of events in a scenario with blackouts.
var watchedKinds = []string{"success", "success", "success", "start", "start", "fail", "log", "pause", "resume"}

// watchedScenario is a scenario with blackouts, which become known when they end.
type watchedScenario struct {
	*scenario
	all []Blackout
}

// evaluate evaluates at a time as far as Overdue does: not past the start of a blackout that has not
// ended.
func (s watchedScenario) evaluate(at time.Duration) {
	now := epoch.Add(at)
	s.blackouts = recordedBy(s.all, now)
	if b, unwatched := within(s.all, now); unwatched {
		at = b.From.Sub(epoch) - Precision
	}
	evaluateAt(at)(s.scenario)
}

// apply applies an event when the blackouts before it are recorded.
func (s watchedScenario) apply(e modelEvent) {
	s.blackouts = recordedBy(s.all, epoch.Add(seconds(e.at)))
	if b, inSocket := within(s.all, epoch.Add(seconds(e.at))); inSocket {
		s.blackouts = append(slices.Clip(s.blackouts), b)
	}
	e.action()(s.scenario)
}

// applyBeforeRecord is apply for a ping that is stored before the blackout in which it arrived is
// recorded.
func (s watchedScenario) applyBeforeRecord(e modelEvent) {
	at := epoch.Add(seconds(e.at))
	b, inSocket := within(s.all, at)
	if !inSocket {
		s.apply(e)
		return
	}
	b.To = at.Add(time.Millisecond)
	s.blackouts = append(slices.Clip(recordedBy(s.all, at)), b)
	p := Ping{Kind: PingKind(e.what), At: at, RunID: e.run, ExitCode: NoExitCode, Method: "POST"}
	applyPingWithWatermark(p, b.From.Sub(epoch))(s.scenario)
}

// result is everything that must not depend on when evaluations ran.
func (s watchedScenario) result(at time.Duration) any {
	return []any{s.visibleState(), s.history(at), s.h.ConsecutiveFailures(), s.h.ActiveRuns, s.h.Blackout.Credit, s.effects}
}

func TestBlackout_TheResultDoesNotDependOnWhenEvaluateRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, all := drawLongRule(t), drawBlackouts(t, 4000)
		events := drawWatchedEvents(t, all, watchedKinds...)
		end := seconds(4500)
		lazy, eager := watchedScenario{play(t, rule), all}, watchedScenario{play(t, rule), all}
		for i, e := range events {
			lazy.apply(e)
			eager.applyBeforeRecord(e)
			until := end
			if i+1 < len(events) {
				until = seconds(events[i+1].at) - Precision
			}
			var ats []time.Duration
			for range rapid.IntRange(0, 3).Draw(t, "sweeps") {
				ats = append(ats, min(until, seconds(e.at)+time.Duration(rapid.Int64Range(0, int64(seconds(600)/time.Second)*2).Draw(t, "sweep"))*time.Second/2))
			}
			slices.Sort(ats)
			for _, at := range ats {
				if at >= seconds(e.at) {
					eager.evaluate(at)
				}
			}
		}
		lazy.evaluate(end)
		eager.evaluate(end)
		if diff := cmp.Diff(lazy.result(end), eager.result(end)); diff != "" {
			t.Fatalf("blackouts %v\nevents %+v\n(-once +often):\n%s", spansOf(all), events, diff)
		}
	})
}

// spansOf returns the start and end of blackouts, for messages.
func spansOf(all []Blackout) (spans [][2]time.Duration) {
	for _, b := range all {
		spans = append(spans, [2]time.Duration{b.From.Sub(epoch), b.To.Sub(epoch)})
	}
	return spans
}

// drawWatchedScenario draws a heartbeat that Overdue watches at the returned time, after blackouts.
func drawWatchedScenario(t *rapid.T) (watchedScenario, time.Duration) {
	s := watchedScenario{nil, drawBlackouts(t, 3000)}
	s.scenario = play(t, drawLongRule(t))
	now := time.Duration(0)
	for _, e := range drawWatchedEvents(t, s.all, watchedKinds...) {
		s.apply(e)
		now = seconds(e.at)
	}
	now += seconds(rapid.IntRange(0, 300).Draw(t, "later"))
	if b, unwatched := within(s.all, epoch.Add(now)); unwatched {
		now = b.To.Sub(epoch)
	}
	s.all = recordedBy(s.all, epoch.Add(now))
	s.evaluate(now)
	return s, now
}

func TestEvaluate_IsIdempotentAfterBlackouts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := drawWatchedScenario(t)
		s.h.PendingBlackouts = nil
		twice, change := s.h.WithBlackouts(s.all).Evaluate(epoch.Add(now))
		twice.PendingBlackouts = nil
		if diff := cmp.Diff(s.h, twice); diff != "" || change.Notable() || len(change.BlackoutEffects)+len(change.ClosedSpans) > 0 {
			t.Fatalf("the second evaluation returned %+v:\n%s", change, diff)
		}
	})
}

func TestNextEvaluation_AfterBlackoutsIsExactlyWhenSomethingChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := drawWatchedScenario(t)
		next := s.h.NextEvaluation()
		until := now + seconds(2000)
		if !next.IsZero() {
			until = next.Sub(epoch) - Precision
			if until < now {
				t.Fatalf("next is %v, which is before the evaluation at %v", sinceEpoch(next), now)
			}
			if after, _ := s.h.Evaluate(next); cmp.Equal(after, s.h) {
				t.Fatalf("nothing changes at next, %v", sinceEpoch(next))
			}
		}
		if after, change := s.h.Evaluate(epoch.Add(until)); !cmp.Equal(after, s.h) {
			t.Fatalf("next is %v, and by %v: %v, %+v", sinceEpoch(next), until, after.Status, change)
		}
	})
}

func TestBlackout_NoIncidentOfSilenceOpensInOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawBlackouts(t, 4000)
		s := watchedScenario{play(t, drawLongRule(t)), all}
		for _, e := range drawWatchedEvents(t, all, append(watchedKinds, "edit", "edit")...) {
			if e.what == "edit" {
				e.rule = modelRule{} // drawn below, with deadlines of minutes
				s.blackouts = recordedBy(all, epoch.Add(seconds(e.at)))
				changeRuleAt(drawLongRule(t), seconds(e.at))(s.scenario)
				continue
			}
			s.apply(e)
		}
		s.evaluate(seconds(4500))
		for _, i := range s.incidents {
			if i.Cause == CauseFailure || i.Cause == CauseTooShort {
				continue
			}
			for _, b := range all {
				if at := epoch.Add(i.Opened); !at.Before(b.From) && at.Before(b.To) {
					t.Fatalf("%s opened at %v; blackouts %v", i.Cause, i.Opened, spansOf(all))
				}
			}
		}
	})
}

// retryDelay is the time after a blackout by which jobs have tried again.
const retryDelay = 2 * time.Second

func TestBlackout_AJobThatRetriesIsNeverMissed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := drawLongRule(t)
		rule.StartGrace, rule.MinRunTime, rule.AlertAfter, rule.ExpectFirstBy = 0, 0, 0, time.Time{}
		rule.Early = DefaultEarly
		rule.Grace = max(rule.Grace, 10*time.Second)
		all := drawBlackouts(t, 4000)
		s := watchedScenario{play(t, rule), all}
		ping := func(at time.Time) time.Time {
			if b, unwatched := within(all, at.Add(-Precision)); unwatched || at.Equal(b.From) {
				at = b.To.Add(time.Duration(rapid.Int64Range(0, int64(retryDelay)).Draw(t, "retry")).Truncate(Precision))
			}
			if b, unwatched := within(all, at); unwatched {
				at = b.To // the next blackout began at once
			}
			s.evaluate(at.Sub(epoch) - Precision)
			s.blackouts = recordedBy(all, at)
			pingAt(PingSuccess, at.Sub(epoch))(s.scenario)
			return at
		}
		// Shorter than the grace, by more than the delay of a retry, and not near the next slot of a calendar.
		jitter := func() time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(min(rule.Grace-retryDelay-time.Second, 40*time.Second))).Draw(t, "jitter")).Truncate(Precision)
		}
		at := ping(epoch)
		for at.Before(epoch.Add(seconds(4200))) {
			planned := at.Add(rule.Interval)
			if rule.Calendar != nil {
				var found bool
				if planned, found = rule.Calendar.schedule.Next(at); !found {
					break
				}
			}
			at = ping(planned.Add(jitter()))
		}
		if len(s.incidents) > 0 {
			t.Fatalf("incidents %+v of a healthy job with rule %+v; blackouts %v", s.incidents, rule, spansOf(all))
		}
		for _, span := range s.history(at.Sub(epoch)) {
			if span.What == RunMissed {
				t.Fatalf("run history %+v of a healthy job; blackouts %v", s.history(at.Sub(epoch)), spansOf(all))
			}
		}
	})
}

// A job that died after its first ping is noticed in bounded time: one interval and grace after a
// blackout, and after two of them in which Overdue was watching, whatever blackouts happen.
func TestBlackout_ADeadJobIsNoticedInBoundedTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := Rule{Interval: seconds(rapid.IntRange(10, 200).Draw(t, "interval")), Grace: seconds(rapid.IntRange(0, 100).Draw(t, "grace")), Methods: AnyMethod}
		step := rule.Interval
		if rapid.Bool().Draw(t, "calendar") {
			rule.Interval, rule.Early = 0, DefaultEarly
			var slots []int
			for at := 0; at < 10000; at += int(step / time.Second) {
				slots = append(slots, at)
			}
			rule.Calendar = calendarOf(slots)
		}
		period := step + rule.Grace
		s := watchedScenario{play(t, rule, pingAt(PingSuccess, seconds(1))), nil}
		// Mostly, Overdue stops just before the job is due.
		watched, last := time.Duration(0), seconds(1)
		for len(s.incidents) == 0 {
			next := s.h.Due().Sub(epoch) + seconds(rapid.SampledFrom([]int{-2, -1, 0, 1, 2}).Draw(t, "offset"))
			if rapid.IntRange(0, 4).Draw(t, "random") == 0 {
				next = last + seconds(rapid.IntRange(1, 200).Draw(t, "watching"))
			}
			next = max(next, last+time.Second)
			s.evaluate(next - Precision)
			if len(s.incidents) > 0 {
				break
			}
			if watched += next - last; watched > 2*period+step {
				t.Fatalf("not noticed in %v of watching; period %v, blackouts %v", watched, period, spansOf(s.all))
			}
			last = next + seconds(rapid.SampledFrom(blackoutLengths).Draw(t, "length"))
			s.all = append(s.all, Blackout{Key: int64(len(s.all) + 1), From: epoch.Add(next), To: epoch.Add(last)})
			s.evaluate(last)
			// Without another blackout, it is noticed within one interval and grace, or at the next slot and grace.
			by := last + period
			if after, _ := s.h.Evaluate(epoch.Add(by)); after.Status != Down {
				t.Fatalf("still %s at %v, a period after a blackout; deadline %v, blackouts %v", after.Status, by, sinceEpoch(after.Deadline()), spansOf(s.all))
			}
		}
	})
}
