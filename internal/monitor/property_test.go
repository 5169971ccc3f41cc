package monitor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawRule draws a rule with small numbers, so that deadlines often coincide, without settings that
// an edit evaluates differently.
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

// drawSlots draws the slots of a calendar, which can end before the scenario does.
func drawSlots(t *rapid.T) []int {
	at, slots := 0, []int{}
	for range rapid.IntRange(1, 60).Draw(t, "slots") {
		at += rapid.SampledFrom([]int{2, 2, 3, 4, 6, 8, 12, 20}).Draw(t, "gap")
		slots = append(slots, at)
	}
	return slots
}

// drawFullRule draws a rule with all settings.
func drawFullRule(t *rapid.T) modelRule {
	r := drawRule(t)
	r.early = rapid.SampledFrom([]int{-1, -1, 0, 1, 3}).Draw(t, "early")
	r.shortest = rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "shortest")
	r.startGrace = rapid.SampledFrom([]int{0, 0, 1, 9}).Draw(t, "startGrace")
	r.after = rapid.SampledFrom([]int{0, 1, 2, 3}).Draw(t, "after")
	r.firstBy = rapid.SampledFrom([]int{0, 0, 1, 5, 12}).Draw(t, "firstBy")
	return r
}

// drawEvents draws the events of a heartbeat, in order.
func drawEvents(t *rapid.T) []modelEvent {
	return drawEventsOf(t, "success", "success", "start", "start", "fail", "log", "pause", "resume", "edit")
}

// drawUnedited is drawEvents without edits.
func drawUnedited(t *rapid.T) []modelEvent {
	return drawEventsOf(t, "success", "success", "success", "start", "start", "fail", "log", "pause", "resume")
}

// drawEventsOf draws events of some kinds, in order.
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

// slotList is a schedule with a list of slots.
type slotList []time.Time

// calendarOf returns a calendar with slots at the given seconds.
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

// action returns the event as an action of a scenario.
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

// visibleState is the state on which the two implementations must agree.
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

// lastEffect returns a second at which all events have taken effect.
func lastEffect(events []modelEvent) int { return events[len(events)-1].at + 20 }

// With an evaluation every second, the rules agree with the model at the end of every second.
func TestEvaluate_EverySecondAgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, events := drawRule(t), drawEvents(t)
		s := play(t, rule.rule())
		left := events
		for second := 0; second <= lastEffect(events); second++ {
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

// The number and times of evaluations do not change the result.
func TestEvaluate_AtAnyTimesAgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, events := drawRule(t), drawEvents(t)
		s := play(t, rule.rule())
		for i, e := range events {
			e.action()(s)
			// An evaluation covers only the time before the watermark, never the
			// exact time of a later ping.
			until := seconds(lastEffect(events))
			if i+1 < len(events) {
				until = seconds(events[i+1].at) - Precision
			}
			drawEvaluations(t, s, seconds(e.at), until)
		}
		evaluateAt(seconds(lastEffect(events)))(s)
		want := replay(rule, events, lastEffect(events)).visibleState()
		if diff := cmp.Diff(want, s.visibleState()); diff != "" {
			t.Fatalf("(-model +rules):\n%s", diff)
		}
	})
}

// With all settings, the rules and the run history agree with the model, whenever evaluations
// happen.
func TestRunHistory_AgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, events := drawFullRule(t), drawUnedited(t)
		s := play(t, rule.rule())
		for i, e := range events {
			e.action()(s)
			until := seconds(lastEffect(events))
			if i+1 < len(events) {
				until = seconds(events[i+1].at) - Precision
			}
			drawEvaluations(t, s, seconds(e.at), until)
			// The state between evaluations agrees, too.
			if at := int(until / time.Second); at >= e.at {
				evaluateAt(seconds(at))(s)
				checkAgreement(t, s, replay(rule, events[:i+1], at), at)
			}
		}
	})
}

// checkAgreement compares a scenario with the model at the end of a second.
func checkAgreement(t *rapid.T, s *scenario, m *model, at int) {
	t.Helper()
	if diff := cmp.Diff(m.visibleState(), s.visibleState()); diff != "" {
		t.Fatalf("at second %d (-model +rules):\n%s", at, diff)
	}
	if diff := cmp.Diff(m.spans(), s.history(seconds(at))); diff != "" {
		t.Fatalf("run history at second %d (-model +rules):\n%s", at, diff)
	}
}

// drawEvaluations evaluates up to three times between two times, often at a whole second or
// directly next to one.
func drawEvaluations(t *rapid.T, s *scenario, from, until time.Duration) {
	if until < from {
		return
	}
	var ats []time.Duration
	for range rapid.IntRange(0, 3).Draw(t, "sweeps") {
		at := from + seconds(rapid.IntRange(0, 20).Draw(t, "sweep")) +
			rapid.SampledFrom([]time.Duration{-Precision, 0, Precision}).Draw(t, "offset")
		ats = append(ats, min(max(at, from), until))
	}
	slices.Sort(ats)
	for _, at := range ats {
		evaluateAt(at)(s)
	}
}

// drawScenario draws a heartbeat with a history, and the current time.
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

// Nothing changes before NextEvaluation, and something changes at NextEvaluation.
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

func TestAlertTime_IsWhenAnIncidentOpensWithoutASignal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, events := drawRule(t).rule(), drawEvents(t)
		rule.AlertAfter = 1 // a tolerated run changes the time
		s := play(t, rule)
		for _, e := range events {
			e.action()(s)
		}
		want, isLate := time.Duration(-1), false
		for second := events[len(events)-1].at; second <= lastEffect(events) && s.h.Status != Down; second++ {
			evaluateAt(seconds(second))(s)
			if s.h.Status == Late && !isLate {
				want, isLate = sinceEpoch(s.h.AlertTime()), true
			}
		}
		if s.h.Status != Down || !isLate {
			return
		}
		opened := s.visibleState().Episodes
		if got := opened[len(opened)-1].Opened; got != want {
			t.Fatalf("the incident opened at %v, and AlertTime was %v", got, want)
		}
	})
}

// A second evaluation at the same time changes nothing.
func TestEvaluate_IsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := drawScenario(t)
		at := epoch.Add(now + seconds(rapid.IntRange(0, 20).Draw(t, "later")))
		once, _ := s.h.Evaluate(at)
		twice, change := once.Evaluate(at)
		if diff := cmp.Diff(once, twice); diff != "" || change.Notable() {
			t.Fatalf("the second evaluation returned %+v:\n%s", change, diff)
		}
	})
}

// No method writes to the active runs of its receiver, nor to the capacity behind them.
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
