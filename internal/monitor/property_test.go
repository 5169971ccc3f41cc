package monitor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawRule draws a rule so small that boundaries often meet, without what an
// edit judges in ways of its own.
func drawRule(t *rapid.T) modelRule {
	r := modelRule{
		interval: rapid.IntRange(1, 8).Draw(t, "interval"),
		grace:    rapid.IntRange(0, 5).Draw(t, "grace"),
		longest:  rapid.SampledFrom([]int{0, 0, 1, 2, 4, 9}).Draw(t, "longest"),
		postOnly: rapid.IntRange(0, 4).Draw(t, "postOnly") == 4,
		manual:   rapid.IntRange(0, 2).Draw(t, "manual") == 2,
	}
	if rapid.Bool().Draw(t, "calendar") {
		r.interval, r.slots = 0, drawSlots(t)
	}
	return r
}

// drawSlots draws the slots of a calendar, which may end before the story does.
func drawSlots(t *rapid.T) []int {
	at, slots := 0, []int{}
	for range rapid.IntRange(1, 60).Draw(t, "slots") {
		at += rapid.SampledFrom([]int{2, 2, 3, 4, 6, 8, 12, 20}).Draw(t, "gap")
		slots = append(slots, at)
	}
	return slots
}

// drawFullRule draws a rule with everything there is.
func drawFullRule(t *rapid.T) modelRule {
	r := drawRule(t)
	r.early = rapid.SampledFrom([]int{-1, -1, 0, 1, 3}).Draw(t, "early")
	r.shortest = rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "shortest")
	r.startGrace = rapid.SampledFrom([]int{0, 0, 1, 9}).Draw(t, "startGrace")
	r.after = rapid.SampledFrom([]int{0, 1, 2, 3}).Draw(t, "after")
	r.firstBy = rapid.SampledFrom([]int{0, 0, 1, 5, 12}).Draw(t, "firstBy")
	return r
}

// drawEvents draws what happens to a heartbeat, in its order.
func drawEvents(t *rapid.T) []modelEvent {
	return drawEventsOf(t, "success", "success", "start", "start", "fail", "log", "pause", "resume", "edit")
}

// drawUnedited is drawEvents without edits.
func drawUnedited(t *rapid.T) []modelEvent {
	return drawEventsOf(t, "success", "success", "success", "start", "start", "fail", "log", "pause", "resume")
}

// drawEventsOf draws events of some kinds, in their order.
func drawEventsOf(t *rapid.T, whats ...string) []modelEvent {
	at := 0
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) modelEvent {
		at += rapid.SampledFrom([]int{0, 1, 1, 2, 3, 4, 6, 9, 13}).Draw(t, "after")
		e := modelEvent{at: at, what: rapid.SampledFrom(whats).Draw(t, "what")}
		switch e.what {
		case "pause", "resume":
		case "edit":
			e.rule = drawRule(t)
		default:
			e.run = rapid.SampledFrom([]string{"", "", "", "a", "b", "c", "d", "e"}).Draw(t, "run")
			e.get = rapid.Bool().Draw(t, "get")
		}
		return e
	}), 1, 25).Draw(t, "events")
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func (r modelRule) rule() Rule {
	rule := Rule{
		Interval: seconds(r.interval), Grace: seconds(r.grace), MaxRunTime: seconds(r.longest),
		MinRunTime: seconds(r.shortest), StartGrace: seconds(r.startGrace), AlertAfter: r.after,
		Methods: AnyMethod, ManualResume: r.manual,
	}
	if r.slots != nil {
		rule.Early = DefaultEarly
		if r.early >= 0 {
			rule.Early = seconds(r.early)
		}
		rule.Calendar = calendarOf(r.slots)
	}
	if r.firstBy > 0 {
		rule.ExpectFirstBy = epoch.Add(seconds(r.firstBy))
	}
	if r.postOnly {
		rule.Methods = PostOnly
	}
	return rule
}

// slotList is a schedule that knows its slots one by one.
type slotList []time.Time

// calendarOf is a calendar with slots at the given seconds.
func calendarOf(slots []int) *Calendar {
	c := &Calendar{kind: Cron, lines: []string{fmt.Sprint(slots)}, zone: "UTC", canonicalZone: "UTC"}
	var all slotList
	for _, s := range slots {
		all = append(all, epoch.Add(seconds(s)))
	}
	c.schedule = all
	return c
}

func (l slotList) Next(after time.Time) (time.Time, bool) {
	for _, s := range l {
		if s.After(after) {
			return s, true
		}
	}
	return time.Time{}, false
}

func (l slotList) Prev(before time.Time) (time.Time, bool) {
	for _, s := range slices.Backward(l) {
		if s.Before(before) {
			return s, true
		}
	}
	return time.Time{}, false
}

func (l slotList) Describe() string { return "as listed" }

// action is what the event is in a story.
func (e modelEvent) action() action {
	at := seconds(e.at)
	switch e.what {
	case "pause":
		return pauseAt(at)
	case "resume":
		return resumeAt(at)
	case "edit":
		return changeRuleAt(e.rule.rule(), at)
	}
	p := Ping{Kind: PingKind(e.what), At: epoch.Add(at), RunID: e.run, ExitCode: NoExitCode, Method: "POST"}
	if e.get {
		p.Method = "GET"
	}
	return applyPing(p)
}

// visibleState is what the two implementations have to agree on.
type visibleState struct {
	Status        Status
	Cause         Cause
	Due, Deadline time.Duration // -1 for none
	Episodes      []expectedIncident
}

func (s *scenario) visibleState() visibleState {
	return visibleState{
		Status: s.h.Status, Cause: s.h.DownCause,
		Due: sinceEpoch(s.h.Due()), Deadline: sinceEpoch(s.h.Deadline()),
		Episodes: s.incidents,
	}
}

func (m *model) visibleState() visibleState {
	st := visibleState{Status: Status(m.status), Cause: Cause(m.cause), Due: -1, Deadline: -1}
	if m.from >= 0 && m.status != "new" && m.status != "paused" {
		if due := m.due(); due >= 0 {
			st.Due = seconds(due)
		}
		if deadline := m.deadline(); deadline >= 0 {
			st.Deadline = seconds(deadline)
		}
	}
	for _, i := range m.incidents {
		e := expectedIncident{Cause: Cause(i.Cause), Opened: seconds(i.Opened), How: ResolutionReason(i.How), Failures: i.Failures}
		if i.How != "" {
			e.Resolved = seconds(i.Resolved)
		}
		st.Episodes = append(st.Episodes, e)
	}
	return st
}

// end is a second by which all that was drawn has had its consequences.
func end(events []modelEvent) int { return events[len(events)-1].at + 20 }

// The rules agree with the model at the end of every second, when a sweep
// looks at every second.
func TestEvaluate_EverySecondAgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, events := drawRule(t), drawEvents(t)
		s := play(t, rule.rule())
		left := events
		for second := 0; second <= end(events); second++ {
			for len(left) > 0 && left[0].at == second {
				left[0].action()(s)
				left = left[1:]
			}
			evaluateAt(seconds(second))(s)
			want := replay(rule, events, second).visibleState()
			if diff := cmp.Diff(want, s.visibleState()); diff != "" {
				t.Fatalf("at second %d (-model +rules):\n%s", second, diff)
			}
		}
	})
}

// How often a sweep looks, and when, changes nothing in the end.
func TestEvaluate_AtAnyTimesAgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, events := drawRule(t), drawEvents(t)
		s := play(t, rule.rule())
		for i, e := range events {
			e.action()(s)
			// A sweep sees what is before the horizon, so never the very
			// instant of a ping that is still to come.
			until := seconds(end(events))
			if i+1 < len(events) {
				until = seconds(events[i+1].at) - Precision
			}
			drawEvaluations(t, s, seconds(e.at), until)
		}
		evaluateAt(seconds(end(events)))(s)
		want := replay(rule, events, end(events)).visibleState()
		if diff := cmp.Diff(want, s.visibleState()); diff != "" {
			t.Fatalf("(-model +rules):\n%s", diff)
		}
	})
}

// With everything there is, the rules and their ledger agree with the model
// however often a sweep looks.
func TestRunHistory_AgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, events := drawFullRule(t), drawUnedited(t)
		s := play(t, rule.rule())
		for i, e := range events {
			e.action()(s)
			until := seconds(end(events))
			if i+1 < len(events) {
				until = seconds(events[i+1].at) - Precision
			}
			drawEvaluations(t, s, seconds(e.at), until)
			// What is read in between agrees, too.
			if at := int(until / time.Second); at >= e.at {
				evaluateAt(seconds(at))(s)
				checkAgreement(t, s, replay(rule, events[:i+1], at), at)
			}
		}
	})
}

// checkAgreement compares a story with the model at the end of a second.
func checkAgreement(t *rapid.T, s *scenario, m *model, at int) {
	t.Helper()
	if diff := cmp.Diff(m.visibleState(), s.visibleState()); diff != "" {
		t.Fatalf("at second %d (-model +rules):\n%s", at, diff)
	}
	if diff := cmp.Diff(m.spans(), s.history(seconds(at))); diff != "" {
		t.Fatalf("ledger at second %d (-model +rules):\n%s", at, diff)
	}
}

// drawEvaluations sweeps up to three times between two moments, often at a whole
// second or beside one.
func drawEvaluations(t *rapid.T, s *scenario, from, until time.Duration) {
	if until < from {
		return
	}
	var ats []time.Duration
	for range rapid.IntRange(0, 3).Draw(t, "sweeps") {
		at := from + seconds(rapid.IntRange(0, 20).Draw(t, "sweep")) +
			rapid.SampledFrom([]time.Duration{-Precision, 0, Precision}).Draw(t, "beside")
		ats = append(ats, min(max(at, from), until))
	}
	slices.Sort(ats)
	for _, at := range ats {
		evaluateAt(at)(s)
	}
}

// drawScenario draws a heartbeat with a past, and the moment it has reached.
func drawScenario(t *rapid.T) (*scenario, time.Duration) {
	rule, events := drawRule(t), drawEvents(t)
	s := play(t, rule.rule())
	for _, e := range events {
		e.action()(s)
	}
	now := seconds(events[len(events)-1].at)
	if rapid.Bool().Draw(t, "swept") {
		evaluateAt(now)(s)
	}
	return s, now
}

// Nothing happens by itself before Next, and something does at Next.
func TestNextEvaluation_IsExactlyWhenEvaluateChangesSomething(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := drawScenario(t)
		next := s.h.NextEvaluation()
		for at := epoch; at.Before(epoch.Add(now + seconds(20))); at = at.Add(time.Second / 2) {
			due := !next.IsZero() && !next.After(at)
			if lapsed, change := s.h.Evaluate(at); due != (change.Notable() || !cmp.Equal(lapsed, s.h)) {
				t.Fatalf("next is %v, but a sweep at %v: %v, %+v", sinceEpoch(next), sinceEpoch(at), lapsed.Status, change)
			}
		}
		if next.IsZero() {
			return
		}
		if lapsed, change := s.h.Evaluate(next.Add(-Precision)); change.Notable() || !cmp.Equal(lapsed, s.h) {
			t.Fatalf("a microsecond before next, %v: %v, %+v", sinceEpoch(next), lapsed.Status, change)
		}
		if lapsed, change := s.h.Evaluate(next); !change.Notable() || lapsed.Status == s.h.Status {
			t.Fatalf("at next, %v: %v, %+v", sinceEpoch(next), lapsed.Status, change)
		}
	})
}

// A second sweep at the same moment finds nothing left to do.
func TestEvaluate_IsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := drawScenario(t)
		at := epoch.Add(now + seconds(rapid.IntRange(0, 20).Draw(t, "later")))
		once, _ := s.h.Evaluate(at)
		twice, change := once.Evaluate(at)
		if diff := cmp.Diff(once, twice); diff != "" || change.Notable() {
			t.Fatalf("the second sweep told %+v:\n%s", change, diff)
		}
	})
}

// A ping older than what moved the heartbeat is kept, and does nothing else.
func TestApplyPing_AStalePingIsHistoryOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := drawScenario(t)
		if s.h.StaleBefore.IsZero() {
			pingAt(PingSuccess, now)(s)
		}
		before := s.h
		p := Ping{
			Kind:   rapid.SampledFrom([]PingKind{PingSuccess, PingStart, PingFail}).Draw(t, "kind"),
			At:     before.StaleBefore.Add(-seconds(rapid.IntRange(0, 20).Draw(t, "older")) - Precision),
			RunID:  rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "run"),
			Method: "POST",
		}
		after, change := before.ApplyPing(p, p.At)
		if change.Notable() {
			t.Fatalf("told %+v", change)
		}
		if change.Ping.Number != before.PingCount+1 || change.Ping.Kind != p.Kind {
			t.Fatalf("kept %+v", change.Ping)
		}
		// It may end the run that it belongs to, and it is counted.
		after.ActiveRuns, after.PingCount, after.FinishedRuns = before.ActiveRuns, before.PingCount, before.FinishedRuns
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("changed (-before +after):\n%s", diff)
		}
	})
}

// A job whose pings arrive in time raises no alarm in whatever order they are
// stored, as long as the horizon is told: the disk of one node is slower than
// that of another. In time means that the successes alone keep every deadline:
// a run in progress may be forgotten for the start of the next that was
// stored sooner than its finish.
func TestApplyPing_NoOrderOfStoringRaisesAFalseAlarm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := modelRule{
			interval: rapid.IntRange(1, 8).Draw(t, "interval"),
			grace:    rapid.IntRange(0, 4).Draw(t, "grace"),
			longest:  rapid.SampledFrom([]int{0, 0, 8}).Draw(t, "longest"),
		}
		events := drawPings(t, "success", "success", "start")
		last := events[len(events)-1].at
		successes := slices.DeleteFunc(slices.Clone(events), func(e modelEvent) bool { return e.what == "start" })
		for _, alarm := range append(replay(rule, events, last).incidents, replay(rule, successes, last).incidents...) {
			last = min(last, alarm.Opened-1)
		}
		events = slices.DeleteFunc(events, func(e modelEvent) bool { return e.at > last })
		s := play(t, rule.rule())
		for _, e := range shuffled(t, events) {
			e(s)
		}
		evaluateAt(seconds(last))(s)
		if len(s.incidents) > 0 {
			t.Fatalf("false alarm: %+v", s.incidents)
		}
	})
}

// Whatever the order in which finishes are stored, the newest decides.
func TestApplyPing_TheNewestFinishDecidesInAnyOrderOfStoring(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, events := drawRule(t), drawPings(t, "success", "fail")
		s := play(t, rule.rule())
		for _, e := range shuffled(t, events) {
			e(s)
		}
		last := events[len(events)-1].at
		evaluateAt(seconds(last + 4))(s)
		want := replay(rule, events, last+4).visibleState()
		got := s.visibleState()
		want.Episodes, got.Episodes = nil, nil
		if want.Status == Down && got.Status == Down {
			want.Cause = got.Cause // an incident that was over sooner may not have been told
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-model +rules):\n%s", diff)
		}
	})
}

// drawPings draws pings of the given kinds by POST, without run ids, no two at
// one moment. (A start with an id that is stored after a later finish is not
// followed: it may be the start of the run that finished.)
func drawPings(t *rapid.T, kinds ...string) []modelEvent {
	at := 0
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) modelEvent {
		at += rapid.SampledFrom([]int{1, 1, 2, 2, 3, 4, 6}).Draw(t, "after")
		return modelEvent{at: at, what: rapid.SampledFrom(kinds).Draw(t, "what")}
	}), 1, 8).Draw(t, "pings")
}

// shuffled puts pings into any order, each with the horizon of its moment: the
// arrival of the oldest that is still to be stored. A sweep as of the horizon
// follows each.
func shuffled(t *rapid.T, events []modelEvent) []action {
	var steps []action
	left := slices.Clone(events)
	for len(left) > 0 {
		i := rapid.IntRange(0, len(left)-1).Draw(t, "next")
		e, horizon := left[i], seconds(left[0].at)
		left = slices.Delete(left, i, i+1)
		p := Ping{Kind: PingKind(e.what), At: epoch.Add(seconds(e.at)), RunID: e.run, ExitCode: NoExitCode}
		steps = append(steps, applyPingWithWatermark(p, horizon))
		if len(left) > 0 {
			steps = append(steps, evaluateAt(seconds(left[0].at)-Precision))
		}
	}
	return steps
}

// No method writes to the runs of the heartbeat that it is called on, nor to
// the room behind them.
func TestHeartbeat_NoMethodWritesToItsReceiver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := drawScenario(t)
		room := slices.Grow(slices.Clone(s.h.ActiveRuns), 4)
		room = room[:cap(room)]
		s.h.ActiveRuns = room[:len(s.h.ActiveRuns)]
		before, kept := fmt.Sprintf("%+v", s.h), slices.Clone(room)
		h, at := s.h, epoch.Add(now+seconds(rapid.IntRange(0, 20).Draw(t, "later")))
		for _, kind := range []PingKind{PingSuccess, PingStart, PingFail, PingLog} {
			for _, run := range []string{"", "a", "b", "c"} {
				h.ApplyPing(Ping{Kind: kind, At: at, RunID: run, Method: "POST"}, at)
			}
		}
		h.Evaluate(at)
		h.Pause(at, at)
		h.Delete(at, at)
		h.Resume(at)
		h.ChangeRule(drawRule(t).rule(), at, at)
		if diff := cmp.Diff(kept, room); diff != "" {
			t.Fatalf("the runs were written to (-before +after):\n%s", diff)
		}
		if after := fmt.Sprintf("%+v", h); after != before {
			t.Fatalf("before %s\nafter  %s", before, after)
		}
	})
}
