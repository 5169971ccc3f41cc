package monitor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// resolvedByPause is an incident that a pause resolved.
func resolvedByPause(e expectedIncident, at time.Duration) expectedIncident {
	e.Resolved, e.How = at, ResolvedByPause
	return e
}

// resolvedByEdit is an incident that an edit resolved.
func resolvedByEdit(e expectedIncident, at time.Duration) expectedIncident {
	e.Resolved, e.How = at, ResolvedByEdit
	return e
}

func TestPause_ResolvesAndStopsCounting(t *testing.T) {
	byHand := fiveMinuteRule
	byHand.ManualResume = true
	runScenarios(t, []scenarioCase{
		{
			name:   "PausedIsNotJudged",
			steps:  []action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), evaluateAt(minutes(600))},
			status: Paused,
		},
		{
			name:   "PausingANewHeartbeatPausesIt",
			steps:  []action{pauseAt(minutes(1))},
			status: Paused,
		},
		{
			name:      "PausingResolvesTheIncident",
			steps:     []action{pingAt(PingSuccess, 0), evaluateAt(minutes(7)), pauseAt(minutes(9))},
			status:    Paused,
			incidents: []expectedIncident{resolvedByPause(missedAtMinute7, minutes(9))},
		},
		{
			name:      "AMissThatNobodyHadNoticedIsToldWhenPausing",
			steps:     []action{pingAt(PingSuccess, 0), pauseAt(minutes(9))},
			status:    Paused,
			incidents: []expectedIncident{resolvedByPause(missedAtMinute7, minutes(9))},
		},
		{
			name:      "PausingTwiceIsPausingOnce",
			steps:     []action{pingAt(PingSuccess, 0), evaluateAt(minutes(7)), pauseAt(minutes(9)), pauseAt(minutes(10))},
			status:    Paused,
			incidents: []expectedIncident{resolvedByPause(missedAtMinute7, minutes(9))},
		},
		{
			name:   "APingResumes",
			steps:  []action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), pingAt(PingSuccess, minutes(60))},
			status: Up,
		},
		{
			name:      "AfterAPingResumedTheIntervalCountsFromIt",
			steps:     []action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), pingAt(PingSuccess, minutes(60)), evaluateAt(minutes(67) - Precision), evaluateAt(minutes(70))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(67)}},
		},
		{
			name:      "AFailureResumesAndTakesItDown",
			steps:     []action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), pingAt(PingFail, minutes(60))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseFailure, Opened: minutes(60)}},
		},
		{
			name:   "AStartDoesNotResume",
			steps:  []action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), pingAt(PingStart, minutes(60)), evaluateAt(minutes(90))},
			status: Paused,
		},
		{
			name:   "ALogDoesNotResume",
			steps:  []action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), pingAt(PingLog, minutes(60))},
			status: Paused,
		},
		{
			name:   "APingAcceptedBeforeThePauseAndStoredAfterDoesNotResume",
			steps:  []action{pingAt(PingSuccess, 0), pauseAt(minutes(2)), pingAt(PingSuccess, minutes(1))},
			status: Paused,
		},
		{
			name:   "WithManualResumeNoPingResumes",
			rule:   byHand,
			steps:  []action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), pingAt(PingSuccess, minutes(60)), pingAt(PingFail, minutes(61)), pingAt(PingStart, minutes(62))},
			status: Paused,
		},
		{
			name:   "ARunThatTookTooLongDuringThePauseOpensNothing",
			steps:  []action{pauseAt(0), pingOfRun(PingStart, "a", minutes(1)), pingOfRun(PingSuccess, "b", minutes(60)), evaluateAt(minutes(61))},
			status: Up,
		},
		{
			name:   "ARunFromBeforeThePauseIsForgotten",
			steps:  []action{pingOfRun(PingStart, "a", 0), pauseAt(minutes(1)), pingOfRun(PingSuccess, "b", minutes(1.5)), evaluateAt(minutes(3))},
			status: Up,
		},
	})
}

func TestResume_CountsFromTheResumption(t *testing.T) {
	byHand := fiveMinuteRule
	byHand.ManualResume = true
	runScenarios(t, []scenarioCase{
		{
			name:      "ResumingCountsFromNow",
			steps:     []action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), resumeAt(minutes(60)), evaluateAt(minutes(67) - Precision), evaluateAt(minutes(70))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(67)}},
		},
		{
			name:   "ResumingTellsNobodyAndIsUp",
			steps:  []action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), resumeAt(minutes(60)), evaluateAt(minutes(65) - Precision)},
			status: Up,
		},
		{
			name:   "AHeartbeatThatNeverPingedIsNewAgain",
			steps:  []action{pauseAt(minutes(1)), resumeAt(minutes(60)), evaluateAt(minutes(600))},
			status: New,
		},
		{
			name:   "OneThatPingedDuringThePauseIsNotNew",
			rule:   byHand,
			steps:  []action{pauseAt(minutes(1)), pingAt(PingSuccess, minutes(2)), resumeAt(minutes(60))},
			status: Up,
		},
		{
			name:   "ResumingWhatIsNotPausedDoesNothing",
			steps:  []action{pingAt(PingSuccess, 0), resumeAt(minutes(4)), evaluateAt(minutes(5))},
			status: Late,
		},
		{
			name:      "ResumingWhatIsDownDoesNotRecoverIt",
			steps:     []action{pingAt(PingSuccess, 0), evaluateAt(minutes(7)), resumeAt(minutes(8))},
			status:    Down,
			incidents: []expectedIncident{missedAtMinute7},
		},
		{
			name:   "ARunThatBeganDuringThePauseIsForgotten",
			steps:  []action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), pingAt(PingStart, minutes(2)), resumeAt(minutes(3)), evaluateAt(minutes(8) - Precision)},
			status: Up,
		},
		{
			name:   "AFailureFromBeforeTheResumptionIsHistory",
			steps:  []action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), resumeAt(minutes(3)), pingAt(PingFail, minutes(2))},
			status: Up,
		},
	})
}

func TestChangeRule_EvaluatesAgainFromTheLastPing(t *testing.T) {
	with := func(interval, grace, longest float64) Rule {
		return Rule{Interval: minutes(interval), Grace: minutes(grace), MaxRunTime: minutes(longest), Methods: AnyMethod}
	}
	missedThenFailed := missedAtMinute7
	missedThenFailed.Failures = 1
	runScenarios(t, []scenarioCase{
		{
			name:      "ALongerIntervalResolvesTheMiss",
			steps:     []action{pingAt(PingSuccess, 0), evaluateAt(minutes(7)), changeRuleAt(with(60, 2, 0), minutes(9))},
			status:    Up,
			incidents: []expectedIncident{resolvedByEdit(missedAtMinute7, minutes(9))},
		},
		{
			name:      "ALongerGraceResolvesTheMissAndLeavesItLate",
			steps:     []action{pingAt(PingSuccess, 0), evaluateAt(minutes(7)), changeRuleAt(with(5, 30, 0), minutes(9))},
			status:    Late,
			incidents: []expectedIncident{resolvedByEdit(missedAtMinute7, minutes(9))},
		},
		{
			name:      "ADeadlineExactlyNowResolvesNothing",
			steps:     []action{pingAt(PingSuccess, 0), evaluateAt(minutes(7)), changeRuleAt(with(7, 2, 0), minutes(9))},
			status:    Down,
			incidents: []expectedIncident{missedAtMinute7},
		},
		{
			name:      "ALongerRuleThatIsExceededAllTheSameResolvesNothing",
			steps:     []action{pingAt(PingSuccess, 0), evaluateAt(minutes(7)), changeRuleAt(with(6, 2, 0), minutes(9))},
			status:    Down,
			incidents: []expectedIncident{missedAtMinute7},
		},
		{
			name:      "AMissThatNobodyHadNoticedIsToldAndResolved",
			steps:     []action{pingAt(PingSuccess, 0), changeRuleAt(with(60, 2, 0), minutes(9))},
			status:    Up,
			incidents: []expectedIncident{resolvedByEdit(missedAtMinute7, minutes(9))},
		},
		{
			name:      "AMissThatNobodyHadNoticedStaysWhenTheNewRuleMissesToo",
			steps:     []action{pingAt(PingSuccess, 0), changeRuleAt(with(1, 2, 0), minutes(9))},
			status:    Down,
			incidents: []expectedIncident{missedAtMinute7},
		},
		{
			name:      "AShorterRuleOpensAtOnceDatedAtItsDeadline",
			steps:     []action{pingAt(PingSuccess, 0), changeRuleAt(with(1, 1, 0), minutes(4))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(2)}},
		},
		{
			name:   "AShorterIntervalMakesItLateAtOnce",
			steps:  []action{pingAt(PingSuccess, 0), changeRuleAt(with(1, 5, 0), minutes(4))},
			status: Late,
		},
		{
			name:   "ALongerIntervalMakesALateOneUp",
			steps:  []action{pingAt(PingSuccess, 0), evaluateAt(minutes(6)), changeRuleAt(with(60, 2, 0), minutes(6.5))},
			status: Up,
		},
		{
			name:      "AFailureStaysDown",
			steps:     []action{pingAt(PingFail, minutes(1)), changeRuleAt(with(60, 60, 60), minutes(9))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseFailure, Opened: minutes(1)}},
		},
		{
			name:      "AMissWithALaterFailureStaysDown",
			steps:     []action{pingAt(PingSuccess, 0), evaluateAt(minutes(7)), pingAt(PingFail, minutes(8)), changeRuleAt(with(60, 60, 60), minutes(9))},
			status:    Down,
			incidents: []expectedIncident{missedThenFailed},
		},
		{
			name:      "ALongerRunTimeResolvesAnOverrun",
			steps:     []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(1)), evaluateAt(minutes(3)), changeRuleAt(with(5, 2, 30), minutes(4))},
			status:    Up,
			incidents: []expectedIncident{resolvedByEdit(expectedIncident{Cause: CauseOverran, Opened: minutes(3)}, minutes(4))},
		},
		{
			name: "TheRunThatWasResolvedHasItsClockAgain",
			steps: []action{
				pingAt(PingSuccess, 0), pingAt(PingStart, minutes(1)), evaluateAt(minutes(3)), changeRuleAt(with(5, 2, 30), minutes(4)), evaluateAt(minutes(31)),
			},
			status: Down,
			incidents: []expectedIncident{
				resolvedByEdit(expectedIncident{Cause: CauseOverran, Opened: minutes(3)}, minutes(4)),
				{Cause: CauseOverran, Opened: minutes(31)},
			},
		},
		{
			name:      "AnOverrunOfTheFirstRunIsResolvedToNew",
			steps:     []action{pingAt(PingStart, minutes(1)), evaluateAt(minutes(3)), changeRuleAt(with(5, 2, 30), minutes(4))},
			status:    New,
			incidents: []expectedIncident{resolvedByEdit(expectedIncident{Cause: CauseOverran, Opened: minutes(3)}, minutes(4))},
		},
		{
			name:      "AShorterRunTimeOpensAtOnceAlsoWhenNew",
			steps:     []action{pingAt(PingStart, minutes(1)), changeRuleAt(with(5, 2, 1), minutes(2.5))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseOverran, Opened: minutes(2)}},
		},
		{
			name:   "EditingWhileNewExpectsNothing",
			steps:  []action{changeRuleAt(with(1, 1, 0), minutes(60))},
			status: New,
		},
		{
			name:   "EditingWhilePausedJudgesNothing",
			steps:  []action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), changeRuleAt(with(1, 1, 0), minutes(60))},
			status: Paused,
		},
		{
			name:      "ARuleEditedWhilePausedHoldsAfterwards",
			steps:     []action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), changeRuleAt(with(1, 1, 0), minutes(2)), resumeAt(minutes(3)), evaluateAt(minutes(5))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(5)}},
		},
		{
			name:      "AfterAResumptionAnEditJudgesFromTheResumption",
			steps:     []action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), resumeAt(minutes(60)), changeRuleAt(with(2, 1, 0), minutes(64))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(63)}},
		},
	})
}

func TestChangeRule_KeepsTheCauseOfAnIncidentThatStaysOpen(t *testing.T) {
	rule := fiveMinuteRule
	rule.Interval = 10 * time.Minute // the run overruns at 10, before the deadline at 12
	s := play(t, fiveMinuteRule, pingAt(PingSuccess, 0), evaluateAt(minutes(7)), pingAt(PingStart, minutes(8)), changeRuleAt(rule, minutes(20)))
	if s.h.Status != Down || s.h.DownCause != CauseMissed || s.h.OpenIncident == "" {
		t.Errorf("%s for %q, incident %q", s.h.Status, s.h.DownCause, s.h.OpenIncident)
	}
}

func TestChangeRule_ReportsLateOnce(t *testing.T) {
	longer := fiveMinuteRule
	longer.Grace = 10 * time.Minute
	for name, steps := range map[string][]action{
		"ToldBefore":         {pingAt(PingSuccess, 0), evaluateAt(minutes(6)), changeRuleAt(longer, minutes(6.5)), evaluateAt(minutes(6.6))},
		"NoticedByTheEdit":   {pingAt(PingSuccess, 0), changeRuleAt(longer, minutes(6.5)), evaluateAt(minutes(6.6))},
		"NoticedAfterwards":  {pingAt(PingSuccess, 0), changeRuleAt(longer, minutes(4)), evaluateAt(minutes(6.6))},
		"PausedRightAfterIt": {pingAt(PingSuccess, 0), evaluateAt(minutes(6)), pauseAt(minutes(6.5))},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]time.Duration{minutes(5)}, play(t, fiveMinuteRule, steps...).lateTimes); diff != "" {
				t.Errorf("told late (-want +got):\n%s", diff)
			}
		})
	}
	if s := play(t, fiveMinuteRule, pingAt(PingSuccess, 0), pauseAt(minutes(6))); len(s.lateTimes) > 0 {
		t.Errorf("a pause told that it is late: %v", s.lateTimes)
	}
}

func TestDelete_ResolvesTheOpenIncident(t *testing.T) {
	runScenarios(t, []scenarioCase{
		{
			name:   "ADeletedHeartbeatIsNotJudged",
			steps:  []action{pingAt(PingSuccess, 0), deleteAt(minutes(1)), evaluateAt(minutes(600))},
			status: Paused,
		},
		{
			name:      "DeletingResolvesTheIncident",
			steps:     []action{pingAt(PingFail, minutes(1)), deleteAt(minutes(2))},
			status:    Paused,
			incidents: []expectedIncident{{Cause: CauseFailure, Opened: minutes(1), Resolved: minutes(2), How: ResolvedByDelete}},
		},
		{
			name:      "AMissThatNobodyHadNoticedIsToldWhenDeleting",
			steps:     []action{pingAt(PingSuccess, 0), deleteAt(minutes(9))},
			status:    Paused,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(7), Resolved: minutes(9), How: ResolvedByDelete}},
		},
	})
	h := play(t, fiveMinuteRule, pingAt(PingSuccess, 0), deleteAt(minutes(1))).h
	if sinceEpoch(h.Deleted) != minutes(1) || !h.NextEvaluation().IsZero() {
		t.Errorf("deleted at %v, next %v", sinceEpoch(h.Deleted), h.NextEvaluation())
	}
}

func TestChangeRule_CountsSilenceOnlyUpToTheWatermark(t *testing.T) {
	with := func(interval, grace float64) Rule {
		return Rule{Interval: minutes(interval), Grace: minutes(grace), Methods: AnyMethod}
	}
	runScenarios(t, []scenarioCase{
		{
			name:   "APingThatArrivedBeforeTheDeadlineIsStoredAfterAnEdit",
			steps:  []action{pingAt(PingSuccess, 0), changeRuleWithWatermark(with(60, 2), minutes(9), minutes(6.9)-Precision), pingAt(PingSuccess, minutes(6.9))},
			status: Up,
		},
		{
			name:   "APingThatArrivedBeforeTheDeadlineIsStoredAfterAPause",
			steps:  []action{pingAt(PingSuccess, 0), pauseWithWatermark(minutes(9), minutes(6.9)-Precision), pingAt(PingSuccess, minutes(6.9))},
			status: Paused,
		},
		{
			name:   "ADeletionOpensNoIncidentThatAPingOnItsWayCouldPrevent",
			steps:  []action{pingAt(PingSuccess, 0), deleteWithWatermark(minutes(9), minutes(6.9)-Precision)},
			status: Paused,
		},
		{
			name:      "WhatLapsedBeforeThePingOnItsWayIsReported",
			steps:     []action{pingAt(PingSuccess, 0), pauseWithWatermark(minutes(9), minutes(7))},
			status:    Paused,
			incidents: []expectedIncident{resolvedByPause(missedAtMinute7, minutes(9))},
		},
		{
			name:      "TheRestOfTheSilenceIsJudgedByTheNextSweepUnderTheNewRule",
			steps:     []action{pingAt(PingSuccess, 0), changeRuleWithWatermark(with(1, 1), minutes(4), minutes(1.5)), evaluateAt(minutes(4))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(2)}},
		},
		{
			name:      "AnOpenIncidentThatTheNewRuleWouldHaveOpenedByNowIsNotResolvedInBetween",
			steps:     []action{pingAt(PingSuccess, 0), evaluateAt(minutes(7)), changeRuleWithWatermark(with(6, 2.5), minutes(9), minutes(8)), evaluateAt(minutes(9))},
			status:    Down,
			incidents: []expectedIncident{missedAtMinute7},
		},
	})
}
