package monitor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// missedAtMinute7 is the incident of most scenarios: last ping at 0, then silence.
var missedAtMinute7 = expectedIncident{Cause: CauseMissed, Opened: minutes(7)}

// resolvedByPing is an incident that a success resolved.
func resolvedByPing(e expectedIncident, at time.Duration) expectedIncident {
	e.Resolved, e.How = at, ResolvedByPing
	return e
}

func TestEvaluate_SilenceBecomesLateThenDown(t *testing.T) {
	runScenarios(t, []scenarioCase{
		{
			name:   "NewNeverAlertsByItself",
			steps:  []action{evaluateAt(minutes(60 * 24 * 365))},
			status: New,
		},
		{
			name:   "TheFirstSuccessMakesItUp",
			steps:  []action{pingAt(PingSuccess, 0)},
			status: Up,
		},
		{
			name:   "AMicrosecondBeforeDueItIsUp",
			steps:  []action{pingAt(PingSuccess, 0), evaluateAt(minutes(5) - Precision)},
			status: Up,
		},
		{
			name:   "AtDueExactlyItIsLate",
			steps:  []action{pingAt(PingSuccess, 0), evaluateAt(minutes(5))},
			status: Late,
		},
		{
			name:   "AMicrosecondBeforeTheDeadlineItIsLate",
			steps:  []action{pingAt(PingSuccess, 0), evaluateAt(minutes(7) - Precision)},
			status: Late,
		},
		{
			name:      "AtTheDeadlineExactlyItIsDown",
			steps:     []action{pingAt(PingSuccess, 0), evaluateAt(minutes(7))},
			status:    Down,
			incidents: []expectedIncident{missedAtMinute7},
		},
		{
			name:      "AnIncidentNoticedLateIsDatedAtItsDeadline",
			steps:     []action{pingAt(PingSuccess, 0), evaluateAt(minutes(600))},
			status:    Down,
			incidents: []expectedIncident{missedAtMinute7},
		},
		{
			name:      "ItIsToldOnce",
			steps:     []action{pingAt(PingSuccess, 0), evaluateAt(minutes(7)), evaluateAt(minutes(8)), evaluateAt(minutes(90))},
			status:    Down,
			incidents: []expectedIncident{missedAtMinute7},
		},
		{
			name:      "WithoutGraceDueIsTheDeadline",
			rule:      Rule{Interval: 5 * time.Minute, Methods: AnyMethod},
			steps:     []action{pingAt(PingSuccess, 0), evaluateAt(minutes(5) - Precision), evaluateAt(minutes(5))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(5)}},
		},
	})
}

func TestApplyPing_APingAtTheDeadlineIsInTime(t *testing.T) {
	runScenarios(t, []scenarioCase{
		{
			name:   "APingExactlyAtDueKeepsItUp",
			steps:  []action{pingAt(PingSuccess, 0), pingAt(PingSuccess, minutes(5)), evaluateAt(minutes(10) - Precision)},
			status: Up,
		},
		{
			name:   "APingWithinGraceKeepsItUp",
			steps:  []action{pingAt(PingSuccess, 0), evaluateAt(minutes(5)), pingAt(PingSuccess, minutes(6))},
			status: Up,
		},
		{
			name:   "APingExactlyAtTheDeadlineIsInTime",
			steps:  []action{pingAt(PingSuccess, 0), pingAt(PingSuccess, minutes(7))},
			status: Up,
		},
		{
			name:      "APingAMicrosecondAfterTheDeadlineRecovers",
			steps:     []action{pingAt(PingSuccess, 0), pingAt(PingSuccess, minutes(7)+Precision)},
			status:    Up,
			incidents: []expectedIncident{resolvedByPing(missedAtMinute7, minutes(7)+Precision)},
		},
		{
			name:      "TheNextIntervalCountsFromTheLatePing",
			steps:     []action{pingAt(PingSuccess, 0), pingAt(PingSuccess, minutes(6)), evaluateAt(minutes(13) - Precision), evaluateAt(minutes(13))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(13)}},
		},
		{
			name:      "AMissNobodyLookedAtIsStillToldAndRecovered",
			steps:     []action{pingAt(PingSuccess, 0), pingAt(PingSuccess, minutes(600))},
			status:    Up,
			incidents: []expectedIncident{resolvedByPing(missedAtMinute7, minutes(600))},
		},
	})
}

func TestApplyPing_AFailureOpensAnIncident(t *testing.T) {
	failed := expectedIncident{Cause: CauseFailure, Opened: minutes(1)}
	twice := failed
	twice.Failures = 1
	missedThenFailed := missedAtMinute7
	missedThenFailed.Failures = 1
	runScenarios(t, []scenarioCase{
		{
			name:      "AFailureTakesItDownAtOnce",
			steps:     []action{pingAt(PingSuccess, 0), pingAt(PingFail, minutes(1))},
			status:    Down,
			incidents: []expectedIncident{failed},
		},
		{
			name:      "AFailureOfANewHeartbeatTakesItDown",
			steps:     []action{pingAt(PingFail, minutes(1))},
			status:    Down,
			incidents: []expectedIncident{failed},
		},
		{
			name:      "ASecondFailureIsAnEntryOfTheSameIncident",
			steps:     []action{pingAt(PingSuccess, 0), pingAt(PingFail, minutes(1)), pingAt(PingFail, minutes(2))},
			status:    Down,
			incidents: []expectedIncident{twice},
		},
		{
			name:      "SilenceAfterAFailureOpensNothing",
			steps:     []action{pingAt(PingFail, minutes(1)), evaluateAt(minutes(90))},
			status:    Down,
			incidents: []expectedIncident{failed},
		},
		{
			name:      "AFailureAfterAMissIsAnEntry",
			steps:     []action{pingAt(PingSuccess, 0), evaluateAt(minutes(8)), pingAt(PingFail, minutes(9))},
			status:    Down,
			incidents: []expectedIncident{missedThenFailed},
		},
		{
			name:      "AFailureAfterAMissThatNobodyNoticedIsAnEntry",
			steps:     []action{pingAt(PingSuccess, 0), pingAt(PingFail, minutes(9))},
			status:    Down,
			incidents: []expectedIncident{missedThenFailed},
		},
		{
			name:      "AFailureExactlyAtTheDeadlineIsNoMiss",
			steps:     []action{pingAt(PingSuccess, 0), pingAt(PingFail, minutes(7))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseFailure, Opened: minutes(7)}},
		},
		{
			name:      "ASuccessRecovers",
			steps:     []action{pingAt(PingFail, minutes(1)), pingAt(PingSuccess, minutes(3))},
			status:    Up,
			incidents: []expectedIncident{resolvedByPing(failed, minutes(3))},
		},
	})
}

func TestApplyPing_AFailureHasItsExitCodeAndItsPing(t *testing.T) {
	h := play(t, fiveMinuteRule, pingAt(PingSuccess, 0)).h
	p := Ping{Kind: PingFail, At: epoch.Add(minutes(1)), ExitCode: 3, Method: "POST"}
	_, change := h.ApplyPing(p, p.At)
	if change.Opened == nil {
		t.Fatal("no incident opened")
	}
	got, because := change.Opened, "The job reported exit code 3 at 2026-03-01 00:01:00 UTC."
	if got.Cause != CauseFailure || !got.At.Equal(p.At) || got.PingNumber != 2 || got.Reason != because {
		t.Errorf("opening %+v", got)
	}
}

func TestEvaluate_AMissHasTheExpectedTime(t *testing.T) {
	h := play(t, fiveMinuteRule, pingAt(PingSuccess, 0)).h
	h, change := h.Evaluate(epoch.Add(minutes(30)))
	if change.Opened == nil {
		t.Fatal("no incident opened")
	}
	if !change.Opened.Due.Equal(epoch.Add(minutes(5))) || !change.Opened.LastPing.Equal(epoch) || change.Opened.Reason == "" || change.Opened.PingNumber != 0 {
		t.Errorf("opening %+v", change.Opened)
	}
	if h.DownCause != CauseMissed || !change.LateSince.IsZero() {
		t.Errorf("cause %s, late %v; a heartbeat that is down is not told late", h.DownCause, change.LateSince)
	}
}

func TestEvaluate_LateIsReportedOnceAndDatedAtDue(t *testing.T) {
	s := play(t, fiveMinuteRule, pingAt(PingSuccess, 0), evaluateAt(minutes(6)), evaluateAt(minutes(6.5)), pingAt(PingStart, minutes(6.7)))
	if diff := cmp.Diff([]time.Duration{minutes(5)}, s.lateTimes); diff != "" {
		t.Errorf("told late (-want +got):\n%s", diff)
	}
}

func TestApplyPing_AStartWhileLateReportsLate(t *testing.T) {
	s := play(t, fiveMinuteRule, pingAt(PingSuccess, 0), pingAt(PingStart, minutes(6)))
	if diff := cmp.Diff([]time.Duration{minutes(5)}, s.lateTimes); diff != "" || s.h.Status != Late {
		t.Errorf("%s, told late (-want +got):\n%s", s.h.Status, diff)
	}
}

func TestApplyPing_ASuccessWithinGraceDoesNotReportLate(t *testing.T) {
	if s := play(t, fiveMinuteRule, pingAt(PingSuccess, 0), pingAt(PingSuccess, minutes(6))); len(s.lateTimes) > 0 {
		t.Errorf("told late at %v", s.lateTimes)
	}
}
