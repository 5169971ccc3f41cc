package monitor

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A ping older than the last decisive one is stored, and has no other effect.
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
		// It can end its run, and it is counted.
		after.ActiveRuns, after.PingCount, after.FinishedRuns = before.ActiveRuns, before.PingCount, before.FinishedRuns
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("changed (-before +after):\n%s", diff)
		}
	})
}

// A job whose pings arrive in time opens no incident, in whatever order the pings are stored, if
// the watermark is correct: nodes store at different speeds. "In time" means that the successes
// alone meet every deadline: an active run can be replaced by the start of the next one if that was
// stored before its finish.
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

// In whatever order finishes are stored, the newest one decides.
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
			want.Cause = got.Cause // the rules do not always record an incident that was resolved earlier
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-model +rules):\n%s", diff)
		}
	})
}

// drawPings draws pings of the given kinds by POST, without run ids, each at a different time. (A
// start with an id that is stored after a later finish starts nothing: it can be the start of the
// run that finished.)
func drawPings(t *rapid.T, kinds ...string) []modelEvent {
	at := 0
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) modelEvent {
		at += rapid.SampledFrom([]int{1, 1, 2, 2, 3, 4, 6}).Draw(t, "after")
		return modelEvent{at: at, what: rapid.SampledFrom(kinds).Draw(t, "what")}
	}), 1, 8).Draw(t, "pings")
}

// shuffled returns pings in any order, each with its watermark: the arrival of the oldest ping that
// is not stored yet. An evaluation as of the watermark follows each.
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
