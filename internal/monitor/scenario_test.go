package monitor

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// epoch is the start of every scenario. Times are durations since then.
var epoch = time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)

// minutes returns the time n minutes into a scenario.
func minutes(n float64) time.Duration { return time.Duration(n * float64(time.Minute)) }

// fiveMinuteRule is the rule of most scenarios: due after five minutes, with two minutes of grace.
var fiveMinuteRule = Rule{Interval: 5 * time.Minute, Grace: 2 * time.Minute, Methods: AnyMethod}

// expectedIncident is an incident of a scenario.
type expectedIncident struct {
	Cause    Cause
	Opened   time.Duration
	Resolved time.Duration    // 0 while open
	How      ResolutionReason // empty while open
	Failures int              // further failures while it was open
}

// scenario is one heartbeat over time, with what the store would keep.
type scenario struct {
	t         rapid.TB
	h         Heartbeat
	incidents []expectedIncident
	lateTimes []time.Duration
	pings     []Ping
	closed    []Span
	blackouts []Blackout // all that are recorded so far
	effects   []BlackoutEffect
}

// action is one step of a scenario.
type action func(*scenario)

// play starts a scenario with a new heartbeat and runs the actions.
func play(t rapid.TB, rule Rule, steps ...action) *scenario {
	t.Helper()
	s := &scenario{t: t, h: Heartbeat{Key: 1, Project: 1, Status: New, Rule: rule, AllChannels: true, Created: epoch}}
	for _, next := range steps {
		next(s)
	}
	return s
}

// pingAt is a ping by POST, without a run id, after every earlier one is stored.
func pingAt(kind PingKind, at time.Duration) action {
	return applyPing(Ping{Kind: kind, At: epoch.Add(at), ExitCode: NoExitCode})
}

// pingOfRun is a ping with a run id.
func pingOfRun(kind PingKind, run string, at time.Duration) action {
	return applyPing(Ping{Kind: kind, At: epoch.Add(at), RunID: run, ExitCode: NoExitCode})
}

// applyPing is any ping, after every earlier one is stored.
func applyPing(p Ping) action { return applyPingWithWatermark(p, p.At.Sub(epoch)) }

// applyPingWithWatermark is any ping, when only those before the watermark are stored.
func applyPingWithWatermark(p Ping, horizon time.Duration) action {
	return func(s *scenario) {
		if p.Method == "" {
			p.Method = "POST"
		}
		var c Change
		s.h, c = s.h.WithBlackouts(s.blackouts).ApplyPing(p, epoch.Add(horizon))
		s.pings = append(s.pings, c.Ping)
		s.record(c)
	}
}

// blackout records a blackout. The next action takes it into account.
func blackout(from, to time.Duration) action {
	return func(s *scenario) {
		s.blackouts = append(s.blackouts, Blackout{Key: int64(len(s.blackouts) + 1), From: epoch.Add(from), To: epoch.Add(to), Cause: BlackoutCrash})
	}
}

func evaluateAt(at time.Duration) action {
	return func(s *scenario) {
		var c Change
		s.h, c = s.h.WithBlackouts(s.blackouts).Evaluate(epoch.Add(at))
		s.record(c)
	}
}

func pauseAt(at time.Duration) action { return pauseWithWatermark(at, at) }

// pauseWithWatermark is a pause that counts silence only up to the watermark.
func pauseWithWatermark(at, until time.Duration) action {
	return func(s *scenario) {
		var c Change
		s.h, c = s.h.WithBlackouts(s.blackouts).Pause(epoch.Add(at), epoch.Add(until))
		s.record(c)
	}
}

func resumeAt(at time.Duration) action {
	return func(s *scenario) { s.h = s.h.Resume(epoch.Add(at)) }
}

func deleteAt(at time.Duration) action { return deleteWithWatermark(at, at) }

// deleteWithWatermark is a deletion that counts silence only up to the watermark.
func deleteWithWatermark(at, until time.Duration) action {
	return func(s *scenario) {
		var c Change
		s.h, c = s.h.WithBlackouts(s.blackouts).Delete(epoch.Add(at), epoch.Add(until))
		s.record(c)
	}
}

func changeRuleAt(rule Rule, at time.Duration) action { return changeRuleWithWatermark(rule, at, at) }

// changeRuleWithWatermark is an edit that counts silence only up to the watermark.
func changeRuleWithWatermark(rule Rule, at, until time.Duration) action {
	return func(s *scenario) {
		var c Change
		s.h, c = s.h.WithBlackouts(s.blackouts).ChangeRule(rule, epoch.Add(at), epoch.Add(until))
		s.record(c)
	}
}

// record keeps a change, as the store does, and fails on impossible ones.
func (s *scenario) record(c Change) {
	s.t.Helper()
	s.closed = append(s.closed, c.ClosedSpans...)
	s.effects = append(s.effects, c.BlackoutEffects...)
	if !c.LateSince.IsZero() {
		s.lateTimes = append(s.lateTimes, c.LateSince.Sub(epoch))
		if s.h.Status != Late {
			s.t.Fatalf("told late while %s", s.h.Status)
		}
	}
	if c.Opened != nil {
		if s.hasOpenIncident() {
			s.t.Fatalf("a second incident opened at %v", c.Opened.At.Sub(epoch))
		}
		s.incidents = append(s.incidents, expectedIncident{Cause: c.Opened.Cause, Opened: c.Opened.At.Sub(epoch)})
		if s.h.Status == Down {
			s.h.OpenIncident = "incident"
		}
	}
	if c.FailedAgain {
		s.openIncident("a further failure").Failures++
	}
	if c.Resolved != nil {
		last := s.openIncident("a resolution")
		last.How, last.Resolved = c.Resolved.Reason, c.Resolved.At.Sub(epoch)
		if (c.Resolved.Incident == "incident") != (c.Opened == nil) {
			s.t.Fatalf("resolved incident %q, opened now: %v", c.Resolved.Incident, c.Opened != nil)
		}
	}
	down := s.h.Status == Down
	if (s.h.DownCause != "") != down || (s.h.OpenIncident != "") != down || s.hasOpenIncident() != down {
		s.t.Fatalf("status %s with cause %q, incident %q, open %v", s.h.Status, s.h.DownCause, s.h.OpenIncident, s.hasOpenIncident())
	}
}

// expectedSpan is a Span of a scenario.
type expectedSpan struct {
	What        Outcome
	First, Last time.Duration
	Count       int64
	LateBy      time.Duration
}

// history returns everything that is decided at a time.
func (s *scenario) history(now time.Duration) []expectedSpan {
	var all []expectedSpan
	for _, st := range append(slices.Clone(s.closed), s.h.UnstoredSpans(epoch.Add(now), 0)...) {
		all = append(all, expectedSpan{st.Outcome, st.First.Sub(epoch), st.Last.Sub(epoch), st.Count, st.LateBy})
	}
	return all
}

// hasOpenIncident reports whether the last incident is open.
func (s *scenario) hasOpenIncident() bool {
	return len(s.incidents) > 0 && s.incidents[len(s.incidents)-1].How == ""
}

// openIncident returns the open incident, which the given event requires.
func (s *scenario) openIncident(news string) *expectedIncident {
	s.t.Helper()
	if !s.hasOpenIncident() {
		s.t.Fatalf("%s while no incident is open", news)
	}
	return &s.incidents[len(s.incidents)-1]
}

// scenarioCase is the expected end of a scenario.
type scenarioCase struct {
	name      string
	rule      Rule // default: fiveMinuteRule
	steps     []action
	status    Status
	incidents []expectedIncident
}

// runScenarios runs each scenario as a subtest.
func runScenarios(t *testing.T, rows []scenarioCase) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if row.rule.Interval == 0 && row.rule.Calendar == nil {
				row.rule = fiveMinuteRule
			}
			s := play(t, row.rule, row.steps...)
			if s.h.Status != row.status {
				t.Errorf("status %s; want %s", s.h.Status, row.status)
			}
			if diff := cmp.Diff(row.incidents, s.incidents); diff != "" {
				t.Errorf("incidents (-want +got):\n%s", diff)
			}
		})
	}
}

// sinceEpoch returns a time as the duration since epoch, and -1 for zero.
func sinceEpoch(at time.Time) time.Duration {
	if at.IsZero() {
		return -1
	}
	return at.Sub(epoch)
}
