package monitor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// paused is an incident that a pause resolved.
func paused(e episode, at time.Duration) episode {
	e.Resolved, e.How = at, PausedIt
	return e
}

// edited is an incident that an edit resolved.
func edited(e episode, at time.Duration) episode {
	e.Resolved, e.How = at, Edited
	return e
}

func TestPausing(t *testing.T) {
	byHand := nightly
	byHand.ManualResume = true
	run(t, []outcome{
		{
			name:   "PausedIsNotJudged",
			steps:  []step{hear(Success, 0), pause(minutes(1)), sweep(minutes(600))},
			status: Paused,
		},
		{
			name:   "PausingANewHeartbeatPausesIt",
			steps:  []step{pause(minutes(1))},
			status: Paused,
		},
		{
			name:     "PausingResolvesTheIncident",
			steps:    []step{hear(Success, 0), sweep(minutes(7)), pause(minutes(9))},
			status:   Paused,
			episodes: []episode{paused(missedAtSeven, minutes(9))},
		},
		{
			name:     "AMissThatNobodyHadNoticedIsToldWhenPausing",
			steps:    []step{hear(Success, 0), pause(minutes(9))},
			status:   Paused,
			episodes: []episode{paused(missedAtSeven, minutes(9))},
		},
		{
			name:     "PausingTwiceIsPausingOnce",
			steps:    []step{hear(Success, 0), sweep(minutes(7)), pause(minutes(9)), pause(minutes(10))},
			status:   Paused,
			episodes: []episode{paused(missedAtSeven, minutes(9))},
		},
		{
			name:   "APingResumes",
			steps:  []step{hear(Success, 0), pause(minutes(1)), hear(Success, minutes(60))},
			status: Up,
		},
		{
			name:     "AfterAPingResumedTheIntervalCountsFromIt",
			steps:    []step{hear(Success, 0), pause(minutes(1)), hear(Success, minutes(60)), sweep(minutes(67) - Tick), sweep(minutes(70))},
			status:   Down,
			episodes: []episode{{Cause: Missed, Opened: minutes(67)}},
		},
		{
			name:     "AFailureResumesAndTakesItDown",
			steps:    []step{hear(Success, 0), pause(minutes(1)), hear(Fail, minutes(60))},
			status:   Down,
			episodes: []episode{{Cause: Failure, Opened: minutes(60)}},
		},
		{
			name:   "AStartDoesNotResume",
			steps:  []step{hear(Success, 0), pause(minutes(1)), hear(Start, minutes(60)), sweep(minutes(90))},
			status: Paused,
		},
		{
			name:   "ALogDoesNotResume",
			steps:  []step{hear(Success, 0), pause(minutes(1)), hear(Log, minutes(60))},
			status: Paused,
		},
		{
			name:   "APingAcceptedBeforeThePauseAndStoredAfterDoesNotResume",
			steps:  []step{hear(Success, 0), pause(minutes(2)), hear(Success, minutes(1))},
			status: Paused,
		},
		{
			name:   "WithManualResumeNoPingResumes",
			rule:   byHand,
			steps:  []step{hear(Success, 0), pause(minutes(1)), hear(Success, minutes(60)), hear(Fail, minutes(61)), hear(Start, minutes(62))},
			status: Paused,
		},
		{
			name:   "ARunThatTookTooLongDuringThePauseOpensNothing",
			steps:  []step{pause(0), hearRun(Start, "a", minutes(1)), hearRun(Success, "b", minutes(60)), sweep(minutes(61))},
			status: Up,
		},
		{
			name:   "ARunFromBeforeThePauseIsForgotten",
			steps:  []step{hearRun(Start, "a", 0), pause(minutes(1)), hearRun(Success, "b", minutes(1.5)), sweep(minutes(3))},
			status: Up,
		},
	})
}

func TestResuming(t *testing.T) {
	byHand := nightly
	byHand.ManualResume = true
	run(t, []outcome{
		{
			name:     "ResumingCountsFromNow",
			steps:    []step{hear(Success, 0), pause(minutes(1)), resume(minutes(60)), sweep(minutes(67) - Tick), sweep(minutes(70))},
			status:   Down,
			episodes: []episode{{Cause: Missed, Opened: minutes(67)}},
		},
		{
			name:   "ResumingTellsNobodyAndIsUp",
			steps:  []step{hear(Success, 0), pause(minutes(1)), resume(minutes(60)), sweep(minutes(65) - Tick)},
			status: Up,
		},
		{
			name:   "AHeartbeatThatNeverPingedIsNewAgain",
			steps:  []step{pause(minutes(1)), resume(minutes(60)), sweep(minutes(600))},
			status: New,
		},
		{
			name:   "OneThatPingedDuringThePauseIsNotNew",
			rule:   byHand,
			steps:  []step{pause(minutes(1)), hear(Success, minutes(2)), resume(minutes(60))},
			status: Up,
		},
		{
			name:   "ResumingWhatIsNotPausedDoesNothing",
			steps:  []step{hear(Success, 0), resume(minutes(4)), sweep(minutes(5))},
			status: Late,
		},
		{
			name:     "ResumingWhatIsDownDoesNotRecoverIt",
			steps:    []step{hear(Success, 0), sweep(minutes(7)), resume(minutes(8))},
			status:   Down,
			episodes: []episode{missedAtSeven},
		},
		{
			name:   "ARunThatBeganDuringThePauseIsForgotten",
			steps:  []step{hear(Success, 0), pause(minutes(1)), hear(Start, minutes(2)), resume(minutes(3)), sweep(minutes(8) - Tick)},
			status: Up,
		},
		{
			name:   "AFailureFromBeforeTheResumptionIsHistory",
			steps:  []step{hear(Success, 0), pause(minutes(1)), resume(minutes(3)), hear(Fail, minutes(2))},
			status: Up,
		},
	})
}

func TestEditing(t *testing.T) {
	with := func(interval, grace, longest float64) Rule {
		return Rule{Interval: minutes(interval), Grace: minutes(grace), MaxRunTime: minutes(longest), Methods: AnyMethod}
	}
	missedThenFailed := missedAtSeven
	missedThenFailed.Failures = 1
	run(t, []outcome{
		{
			name:     "ALongerIntervalResolvesTheMiss",
			steps:    []step{hear(Success, 0), sweep(minutes(7)), amend(with(60, 2, 0), minutes(9))},
			status:   Up,
			episodes: []episode{edited(missedAtSeven, minutes(9))},
		},
		{
			name:     "ALongerGraceResolvesTheMissAndLeavesItLate",
			steps:    []step{hear(Success, 0), sweep(minutes(7)), amend(with(5, 30, 0), minutes(9))},
			status:   Late,
			episodes: []episode{edited(missedAtSeven, minutes(9))},
		},
		{
			name:     "ADeadlineExactlyNowResolvesNothing",
			steps:    []step{hear(Success, 0), sweep(minutes(7)), amend(with(7, 2, 0), minutes(9))},
			status:   Down,
			episodes: []episode{missedAtSeven},
		},
		{
			name:     "ALongerRuleThatIsExceededAllTheSameResolvesNothing",
			steps:    []step{hear(Success, 0), sweep(minutes(7)), amend(with(6, 2, 0), minutes(9))},
			status:   Down,
			episodes: []episode{missedAtSeven},
		},
		{
			name:     "AMissThatNobodyHadNoticedIsToldAndResolved",
			steps:    []step{hear(Success, 0), amend(with(60, 2, 0), minutes(9))},
			status:   Up,
			episodes: []episode{edited(missedAtSeven, minutes(9))},
		},
		{
			name:     "AMissThatNobodyHadNoticedStaysWhenTheNewRuleMissesToo",
			steps:    []step{hear(Success, 0), amend(with(1, 2, 0), minutes(9))},
			status:   Down,
			episodes: []episode{missedAtSeven},
		},
		{
			name:     "AShorterRuleOpensAtOnceDatedAtItsDeadline",
			steps:    []step{hear(Success, 0), amend(with(1, 1, 0), minutes(4))},
			status:   Down,
			episodes: []episode{{Cause: Missed, Opened: minutes(2)}},
		},
		{
			name:   "AShorterIntervalMakesItLateAtOnce",
			steps:  []step{hear(Success, 0), amend(with(1, 5, 0), minutes(4))},
			status: Late,
		},
		{
			name:   "ALongerIntervalMakesALateOneUp",
			steps:  []step{hear(Success, 0), sweep(minutes(6)), amend(with(60, 2, 0), minutes(6.5))},
			status: Up,
		},
		{
			name:     "AFailureStaysDown",
			steps:    []step{hear(Fail, minutes(1)), amend(with(60, 60, 60), minutes(9))},
			status:   Down,
			episodes: []episode{{Cause: Failure, Opened: minutes(1)}},
		},
		{
			name:     "AMissWithALaterFailureStaysDown",
			steps:    []step{hear(Success, 0), sweep(minutes(7)), hear(Fail, minutes(8)), amend(with(60, 60, 60), minutes(9))},
			status:   Down,
			episodes: []episode{missedThenFailed},
		},
		{
			name:     "ALongerRunTimeResolvesAnOverrun",
			steps:    []step{hear(Success, 0), hear(Start, minutes(1)), sweep(minutes(3)), amend(with(5, 2, 30), minutes(4))},
			status:   Up,
			episodes: []episode{edited(episode{Cause: Overran, Opened: minutes(3)}, minutes(4))},
		},
		{
			name: "TheRunThatWasResolvedHasItsClockAgain",
			steps: []step{
				hear(Success, 0), hear(Start, minutes(1)), sweep(minutes(3)), amend(with(5, 2, 30), minutes(4)), sweep(minutes(31)),
			},
			status: Down,
			episodes: []episode{
				edited(episode{Cause: Overran, Opened: minutes(3)}, minutes(4)),
				{Cause: Overran, Opened: minutes(31)},
			},
		},
		{
			name:     "AnOverrunOfTheFirstRunIsResolvedToNew",
			steps:    []step{hear(Start, minutes(1)), sweep(minutes(3)), amend(with(5, 2, 30), minutes(4))},
			status:   New,
			episodes: []episode{edited(episode{Cause: Overran, Opened: minutes(3)}, minutes(4))},
		},
		{
			name:     "AShorterRunTimeOpensAtOnceAlsoWhenNew",
			steps:    []step{hear(Start, minutes(1)), amend(with(5, 2, 1), minutes(2.5))},
			status:   Down,
			episodes: []episode{{Cause: Overran, Opened: minutes(2)}},
		},
		{
			name:   "EditingWhileNewExpectsNothing",
			steps:  []step{amend(with(1, 1, 0), minutes(60))},
			status: New,
		},
		{
			name:   "EditingWhilePausedJudgesNothing",
			steps:  []step{hear(Success, 0), pause(minutes(1)), amend(with(1, 1, 0), minutes(60))},
			status: Paused,
		},
		{
			name:     "ARuleEditedWhilePausedHoldsAfterwards",
			steps:    []step{hear(Success, 0), pause(minutes(1)), amend(with(1, 1, 0), minutes(2)), resume(minutes(3)), sweep(minutes(5))},
			status:   Down,
			episodes: []episode{{Cause: Missed, Opened: minutes(5)}},
		},
		{
			name:     "AfterAResumptionAnEditJudgesFromTheResumption",
			steps:    []step{hear(Success, 0), pause(minutes(1)), resume(minutes(60)), amend(with(2, 1, 0), minutes(64))},
			status:   Down,
			episodes: []episode{{Cause: Missed, Opened: minutes(63)}},
		},
	})
}

func TestAnEditKeepsTheCauseOfTheIncidentThatStaysOpen(t *testing.T) {
	rule := nightly
	rule.Interval = 10 * time.Minute // under which the run overran at 10, before the deadline at 12
	s := tell(t, nightly, hear(Success, 0), sweep(minutes(7)), hear(Start, minutes(8)), amend(rule, minutes(20)))
	if s.h.Status != Down || s.h.Cause != Missed || s.h.Incident == "" {
		t.Errorf("%s for %q, incident %q", s.h.Status, s.h.Cause, s.h.Incident)
	}
}

func TestAnEditTellsLateOnceOnly(t *testing.T) {
	longer := nightly
	longer.Grace = 10 * time.Minute
	for name, steps := range map[string][]step{
		"ToldBefore":         {hear(Success, 0), sweep(minutes(6)), amend(longer, minutes(6.5)), sweep(minutes(6.6))},
		"NoticedByTheEdit":   {hear(Success, 0), amend(longer, minutes(6.5)), sweep(minutes(6.6))},
		"NoticedAfterwards":  {hear(Success, 0), amend(longer, minutes(4)), sweep(minutes(6.6))},
		"PausedRightAfterIt": {hear(Success, 0), sweep(minutes(6)), pause(minutes(6.5))},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]time.Duration{minutes(5)}, tell(t, nightly, steps...).lates); diff != "" {
				t.Errorf("told late (-want +got):\n%s", diff)
			}
		})
	}
	if s := tell(t, nightly, hear(Success, 0), pause(minutes(6))); len(s.lates) > 0 {
		t.Errorf("a pause told that it is late: %v", s.lates)
	}
}

func TestDeleting(t *testing.T) {
	run(t, []outcome{
		{
			name:   "ADeletedHeartbeatIsNotJudged",
			steps:  []step{hear(Success, 0), remove(minutes(1)), sweep(minutes(600))},
			status: Paused,
		},
		{
			name:     "DeletingResolvesTheIncident",
			steps:    []step{hear(Fail, minutes(1)), remove(minutes(2))},
			status:   Paused,
			episodes: []episode{{Cause: Failure, Opened: minutes(1), Resolved: minutes(2), How: Deleted}},
		},
		{
			name:     "AMissThatNobodyHadNoticedIsToldWhenDeleting",
			steps:    []step{hear(Success, 0), remove(minutes(9))},
			status:   Paused,
			episodes: []episode{{Cause: Missed, Opened: minutes(7), Resolved: minutes(9), How: Deleted}},
		},
	})
	h := tell(t, nightly, hear(Success, 0), remove(minutes(1))).h
	if sinceEpoch(h.Deleted) != minutes(1) || !h.Next().IsZero() {
		t.Errorf("deleted at %v, next %v", sinceEpoch(h.Deleted), h.Next())
	}
}

func TestAmend_CountsSilenceOnlyAsFarAsEveryPingIsKnown(t *testing.T) {
	with := func(interval, grace float64) Rule {
		return Rule{Interval: minutes(interval), Grace: minutes(grace), Methods: AnyMethod}
	}
	run(t, []outcome{
		{
			name:   "APingThatArrivedBeforeTheDeadlineIsStoredAfterAnEdit",
			steps:  []step{hear(Success, 0), amendHeld(with(60, 2), minutes(9), minutes(6.9)-Tick), hear(Success, minutes(6.9))},
			status: Up,
		},
		{
			name:   "APingThatArrivedBeforeTheDeadlineIsStoredAfterAPause",
			steps:  []step{hear(Success, 0), pauseHeld(minutes(9), minutes(6.9)-Tick), hear(Success, minutes(6.9))},
			status: Paused,
		},
		{
			name:   "ADeletionOpensNoIncidentThatAPingOnItsWayCouldPrevent",
			steps:  []step{hear(Success, 0), removeHeld(minutes(9), minutes(6.9)-Tick)},
			status: Paused,
		},
		{
			name:     "WhatLapsedBeforeThePingOnItsWayIsReported",
			steps:    []step{hear(Success, 0), pauseHeld(minutes(9), minutes(7))},
			status:   Paused,
			episodes: []episode{paused(missedAtSeven, minutes(9))},
		},
		{
			name:     "TheRestOfTheSilenceIsJudgedByTheNextSweepUnderTheNewRule",
			steps:    []step{hear(Success, 0), amendHeld(with(1, 1), minutes(4), minutes(1.5)), sweep(minutes(4))},
			status:   Down,
			episodes: []episode{{Cause: Missed, Opened: minutes(2)}},
		},
		{
			name:     "AnOpenIncidentThatTheNewRuleWouldHaveOpenedByNowIsNotResolvedInBetween",
			steps:    []step{hear(Success, 0), sweep(minutes(7)), amendHeld(with(6, 2.5), minutes(9), minutes(8)), sweep(minutes(9))},
			status:   Down,
			episodes: []episode{missedAtSeven},
		},
	})
}
