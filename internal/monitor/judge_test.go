package monitor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// missedAtSeven is the incident of most stories: last ping at 0, silence.
var missedAtSeven = episode{Cause: Missed, Opened: minutes(7)}

// recovered is an incident that a success resolved.
func recovered(e episode, at time.Duration) episode {
	e.Resolved, e.How = at, Recovered
	return e
}

func TestSilence(t *testing.T) {
	run(t, []outcome{
		{
			name:   "NewNeverAlertsByItself",
			steps:  []step{sweep(minutes(60 * 24 * 365))},
			status: New,
		},
		{
			name:   "TheFirstSuccessMakesItUp",
			steps:  []step{hear(Success, 0)},
			status: Up,
		},
		{
			name:   "AMicrosecondBeforeDueItIsUp",
			steps:  []step{hear(Success, 0), sweep(minutes(5) - Tick)},
			status: Up,
		},
		{
			name:   "AtDueExactlyItIsLate",
			steps:  []step{hear(Success, 0), sweep(minutes(5))},
			status: Late,
		},
		{
			name:   "AMicrosecondBeforeTheDeadlineItIsLate",
			steps:  []step{hear(Success, 0), sweep(minutes(7) - Tick)},
			status: Late,
		},
		{
			name:     "AtTheDeadlineExactlyItIsDown",
			steps:    []step{hear(Success, 0), sweep(minutes(7))},
			status:   Down,
			episodes: []episode{missedAtSeven},
		},
		{
			name:     "AnIncidentNoticedLateIsDatedAtItsDeadline",
			steps:    []step{hear(Success, 0), sweep(minutes(600))},
			status:   Down,
			episodes: []episode{missedAtSeven},
		},
		{
			name:     "ItIsToldOnce",
			steps:    []step{hear(Success, 0), sweep(minutes(7)), sweep(minutes(8)), sweep(minutes(90))},
			status:   Down,
			episodes: []episode{missedAtSeven},
		},
		{
			name:     "WithoutGraceDueIsTheDeadline",
			rule:     Rule{Interval: 5 * time.Minute, Methods: AnyMethod},
			steps:    []step{hear(Success, 0), sweep(minutes(5) - Tick), sweep(minutes(5))},
			status:   Down,
			episodes: []episode{{Cause: Missed, Opened: minutes(5)}},
		},
	})
}

func TestPingsAtTheBoundaries(t *testing.T) {
	run(t, []outcome{
		{
			name:   "APingExactlyAtDueKeepsItUp",
			steps:  []step{hear(Success, 0), hear(Success, minutes(5)), sweep(minutes(10) - Tick)},
			status: Up,
		},
		{
			name:   "APingWithinGraceKeepsItUp",
			steps:  []step{hear(Success, 0), sweep(minutes(5)), hear(Success, minutes(6))},
			status: Up,
		},
		{
			name:   "APingExactlyAtTheDeadlineIsInTime",
			steps:  []step{hear(Success, 0), hear(Success, minutes(7))},
			status: Up,
		},
		{
			name:     "APingAMicrosecondAfterTheDeadlineRecovers",
			steps:    []step{hear(Success, 0), hear(Success, minutes(7)+Tick)},
			status:   Up,
			episodes: []episode{recovered(missedAtSeven, minutes(7)+Tick)},
		},
		{
			name:     "TheNextIntervalCountsFromTheLatePing",
			steps:    []step{hear(Success, 0), hear(Success, minutes(6)), sweep(minutes(13) - Tick), sweep(minutes(13))},
			status:   Down,
			episodes: []episode{{Cause: Missed, Opened: minutes(13)}},
		},
		{
			name:     "AMissNobodyLookedAtIsStillToldAndRecovered",
			steps:    []step{hear(Success, 0), hear(Success, minutes(600))},
			status:   Up,
			episodes: []episode{recovered(missedAtSeven, minutes(600))},
		},
	})
}

func TestFailures(t *testing.T) {
	failed := episode{Cause: Failure, Opened: minutes(1)}
	twice := failed
	twice.Failures = 1
	missedThenFailed := missedAtSeven
	missedThenFailed.Failures = 1
	run(t, []outcome{
		{
			name:     "AFailureTakesItDownAtOnce",
			steps:    []step{hear(Success, 0), hear(Fail, minutes(1))},
			status:   Down,
			episodes: []episode{failed},
		},
		{
			name:     "AFailureOfANewHeartbeatTakesItDown",
			steps:    []step{hear(Fail, minutes(1))},
			status:   Down,
			episodes: []episode{failed},
		},
		{
			name:     "ASecondFailureIsAnEntryOfTheSameIncident",
			steps:    []step{hear(Success, 0), hear(Fail, minutes(1)), hear(Fail, minutes(2))},
			status:   Down,
			episodes: []episode{twice},
		},
		{
			name:     "SilenceAfterAFailureOpensNothing",
			steps:    []step{hear(Fail, minutes(1)), sweep(minutes(90))},
			status:   Down,
			episodes: []episode{failed},
		},
		{
			name:     "AFailureAfterAMissIsAnEntry",
			steps:    []step{hear(Success, 0), sweep(minutes(8)), hear(Fail, minutes(9))},
			status:   Down,
			episodes: []episode{missedThenFailed},
		},
		{
			name:     "AFailureAfterAMissThatNobodyNoticedIsAnEntry",
			steps:    []step{hear(Success, 0), hear(Fail, minutes(9))},
			status:   Down,
			episodes: []episode{missedThenFailed},
		},
		{
			name:     "AFailureExactlyAtTheDeadlineIsNoMiss",
			steps:    []step{hear(Success, 0), hear(Fail, minutes(7))},
			status:   Down,
			episodes: []episode{{Cause: Failure, Opened: minutes(7)}},
		},
		{
			name:     "ASuccessRecovers",
			steps:    []step{hear(Fail, minutes(1)), hear(Success, minutes(3))},
			status:   Up,
			episodes: []episode{recovered(failed, minutes(3))},
		},
	})
}

func TestAFailureTellsItsExitCodeAndItsPing(t *testing.T) {
	h := tell(t, nightly, hear(Success, 0)).h
	p := Ping{Kind: Fail, At: epoch.Add(minutes(1)), ExitCode: 3, Method: "POST"}
	_, change := h.Hear(p, p.At)
	if change.Opened == nil {
		t.Fatal("no incident opened")
	}
	got, because := change.Opened, "The job reported exit code 3 at 2026-03-01 00:01:00 UTC."
	if got.Cause != Failure || !got.At.Equal(p.At) || got.Ping != 2 || got.Because != because {
		t.Errorf("opening %+v", got)
	}
}

func TestAMissTellsWhatWasExpected(t *testing.T) {
	h := tell(t, nightly, hear(Success, 0)).h
	h, change := h.Lapse(epoch.Add(minutes(30)))
	if change.Opened == nil {
		t.Fatal("no incident opened")
	}
	if !change.Opened.Due.Equal(epoch.Add(minutes(5))) || !change.Opened.Last.Equal(epoch) || change.Opened.Because == "" || change.Opened.Ping != 0 {
		t.Errorf("opening %+v", change.Opened)
	}
	if h.Cause != Missed || !change.Late.IsZero() {
		t.Errorf("cause %s, late %v; a heartbeat that is down is not told late", h.Cause, change.Late)
	}
}

func TestLateIsToldOnceAndDatedAtDue(t *testing.T) {
	s := tell(t, nightly, hear(Success, 0), sweep(minutes(6)), sweep(minutes(6.5)), hear(Start, minutes(6.7)))
	if diff := cmp.Diff([]time.Duration{minutes(5)}, s.lates); diff != "" {
		t.Errorf("told late (-want +got):\n%s", diff)
	}
}

func TestAStartWhileLateTellsThatItIsLate(t *testing.T) {
	s := tell(t, nightly, hear(Success, 0), hear(Start, minutes(6)))
	if diff := cmp.Diff([]time.Duration{minutes(5)}, s.lates); diff != "" || s.h.Status != Late {
		t.Errorf("%s, told late (-want +got):\n%s", s.h.Status, diff)
	}
}

func TestASuccessWithinGraceTellsNobodyThatItWasLate(t *testing.T) {
	if s := tell(t, nightly, hear(Success, 0), hear(Success, minutes(6))); len(s.lates) > 0 {
		t.Errorf("told late at %v", s.lates)
	}
}

func TestRuns(t *testing.T) {
	long := nightly
	long.MaxRunTime = 20 * time.Minute
	overran := episode{Cause: Overran, Opened: minutes(3)}
	run(t, []outcome{
		{
			name:   "AStartAloneLeavesItUp",
			steps:  []step{hear(Success, 0), hear(Start, minutes(1)), sweep(minutes(3) - Tick)},
			status: Up,
		},
		{
			name:     "WithoutAMaximumRunTimeTheGraceIsTheLimit",
			steps:    []step{hear(Success, 0), hear(Start, minutes(1)), sweep(minutes(3))},
			status:   Down,
			episodes: []episode{overran},
		},
		{
			name:     "TheMaximumRunTimeIsTheLimit",
			rule:     long,
			steps:    []step{hear(Start, minutes(1)), sweep(minutes(21) - Tick), sweep(minutes(21))},
			status:   Down,
			episodes: []episode{{Cause: Overran, Opened: minutes(21)}},
		},
		{
			name:     "AnOverrunNoticedLateIsDatedAtItsLimit",
			steps:    []step{hear(Success, 0), hear(Start, minutes(1)), sweep(minutes(4))},
			status:   Down,
			episodes: []episode{overran},
		},
		{
			name:     "TheFirstRunOfANewHeartbeatMayOverrun",
			steps:    []step{hear(Start, minutes(1)), sweep(minutes(3))},
			status:   Down,
			episodes: []episode{overran},
		},
		{
			name:   "AFinishExactlyAtTheLimitIsInTime",
			steps:  []step{hear(Success, 0), hear(Start, minutes(1)), hear(Success, minutes(3))},
			status: Up,
		},
		{
			name:     "AFinishAMicrosecondAfterTheLimitRecovers",
			steps:    []step{hear(Success, 0), hear(Start, minutes(1)), hear(Success, minutes(3)+Tick)},
			status:   Up,
			episodes: []episode{recovered(overran, minutes(3)+Tick)},
		},
		{
			name:     "WithNeitherMaximumNorGraceOnlyTheIntervalGuards",
			rule:     Rule{Interval: 5 * time.Minute, Methods: AnyMethod},
			steps:    []step{hear(Success, 0), hear(Start, minutes(1)), sweep(minutes(5) - Tick), sweep(minutes(9))},
			status:   Down,
			episodes: []episode{{Cause: Missed, Opened: minutes(5)}},
		},
		{
			name:   "ARunThatBeganByTheDeadlineIsNoSilence",
			rule:   long,
			steps:  []step{hear(Success, 0), hear(Start, minutes(7)), sweep(minutes(27) - Tick)},
			status: Late,
		},
		{
			name:     "ARunIsAnExcuseUntilItsOwnLimitOnly",
			rule:     long,
			steps:    []step{hear(Success, 0), hear(Start, minutes(7)), sweep(minutes(27))},
			status:   Down,
			episodes: []episode{{Cause: Overran, Opened: minutes(27)}},
		},
		{
			name:     "ARunThatBeganAfterTheDeadlineIsNoExcuse",
			rule:     long,
			steps:    []step{hear(Success, 0), hear(Start, minutes(7)+Tick)},
			status:   Down,
			episodes: []episode{missedAtSeven},
		},
		{
			name:     "AJobThatCrashesAndBeginsAgainCannotPostponeTheIncident",
			rule:     long,
			steps:    []step{hear(Success, 0), hear(Start, minutes(6)), hear(Start, minutes(8)), sweep(minutes(8))},
			status:   Down,
			episodes: []episode{missedAtSeven},
		},
		{
			name: "NorWithAnIdOfItsOwnForEachRun",
			rule: long,
			steps: []step{
				hear(Success, 0), hearRun(Start, "a", minutes(6)), hearRun(Start, "b", minutes(16)),
				hearRun(Start, "c", minutes(25)), sweep(minutes(26)),
			},
			status:   Down,
			episodes: []episode{{Cause: Overran, Opened: minutes(26)}},
		},
		{
			name: "TheFinishOfOneRunDoesNotStopTheClockOfAnother",
			steps: []step{
				hearRun(Start, "a", minutes(1)), hearRun(Start, "b", minutes(2)),
				hearRun(Success, "b", minutes(2.5)), sweep(minutes(3)),
			},
			status:   Down,
			episodes: []episode{overran},
		},
		{
			name: "ARunIsToldOnceAlsoWhenItNeverFinishes",
			steps: []step{
				hearRun(Start, "a", minutes(1)), sweep(minutes(3)), hearRun(Success, "b", minutes(4)), sweep(minutes(9) - Tick),
			},
			status:   Up,
			episodes: []episode{recovered(overran, minutes(4))},
		},
		{
			name: "ARunGivenUpInTheInstantOfTheRecoveryIsNoExcuseLater",
			rule: long,
			steps: []step{
				hearRun(Start, "a", 0), amend(nightly, minutes(2)), hearRun(Success, "b", minutes(2)),
				amend(long, minutes(3)), sweep(minutes(9)),
			},
			status: Down,
			episodes: []episode{
				recovered(episode{Cause: Overran, Opened: minutes(2)}, minutes(2)),
				{Cause: Missed, Opened: minutes(9)},
			},
		},
		{
			name: "ARunInProgressWhileAnotherOverranKeepsItsClock",
			steps: []step{
				hearRun(Start, "a", minutes(1)), hearRun(Start, "b", minutes(2)), sweep(minutes(3)),
				hearRun(Success, "a", minutes(3.5)), sweep(minutes(4)),
			},
			status:   Down,
			episodes: []episode{recovered(overran, minutes(3.5)), {Cause: Overran, Opened: minutes(4)}},
		},
		{
			name: "ARunWhoseTimeIsUpInTheInstantOfTheRecoveryIsTold",
			steps: []step{
				hear(Fail, minutes(1)), hearRun(Start, "a", minutes(8)), hearRun(Success, "b", minutes(10)), sweep(minutes(10)),
			},
			status: Down,
			episodes: []episode{
				recovered(episode{Cause: Failure, Opened: minutes(1)}, minutes(10)),
				{Cause: Overran, Opened: minutes(10)},
			},
		},
		{
			name: "ARunThatTookTooLongWhileDownOpensNothingAfterTheRecovery",
			steps: []step{
				hear(Fail, minutes(1)), hearRun(Start, "a", minutes(2)), hearRun(Success, "b", minutes(10)), sweep(minutes(11)),
			},
			status:   Up,
			episodes: []episode{recovered(episode{Cause: Failure, Opened: minutes(1)}, minutes(10))},
		},
		{
			name: "ARunInProgressAtTheRecoveryKeepsItsClock",
			steps: []step{
				hear(Fail, minutes(1)), hearRun(Start, "a", minutes(9)), hearRun(Success, "b", minutes(10)), sweep(minutes(11)),
			},
			status: Down,
			episodes: []episode{
				recovered(episode{Cause: Failure, Opened: minutes(1)}, minutes(10)),
				{Cause: Overran, Opened: minutes(11)},
			},
		},
	})
}

func TestTheOrderOfStoring(t *testing.T) {
	in := func(kind PingKind, run string, at time.Duration) Ping {
		return Ping{Kind: kind, RunID: run, At: epoch.Add(at), ExitCode: NoExitCode}
	}
	long := nightly
	long.MaxRunTime = 20 * time.Minute
	run(t, []outcome{
		{
			name: "APingAcceptedBeforeTheDeadlineAndStoredAfterTheNextIsInTime",
			steps: []step{
				hear(Success, 0),
				hearWhile(in(Success, "", minutes(8)), minutes(6.9)), hearWhile(in(Success, "", minutes(6.9)), minutes(6.9)),
			},
			status: Up,
		},
		{
			name: "ALapseAtTheHorizonItselfWaitsForThePingThatIsTheHorizon",
			steps: []step{
				hear(Success, 0),
				hearWhile(in(Success, "", minutes(8)), minutes(7)), hearWhile(in(Success, "", minutes(7)), minutes(7)),
			},
			status: Up,
		},
		{
			name:     "WhatLapsedBeforeTheHorizonIsTold",
			steps:    []step{hear(Success, 0), hearWhile(in(Success, "", minutes(8)), minutes(7)+Tick)},
			status:   Up,
			episodes: []episode{recovered(missedAtSeven, minutes(8))},
		},
		{
			name:     "AHorizonAfterThePingJudgesNoFurtherThanThePing",
			steps:    []step{hear(Success, 0), hearWhile(in(Success, "", minutes(7)), minutes(60)), sweep(minutes(14))},
			status:   Down,
			episodes: []episode{{Cause: Missed, Opened: minutes(14)}},
		},
		{
			name:   "AnOlderFailureDoesNotUndoASuccess",
			steps:  []step{hear(Success, minutes(2)), hear(Fail, minutes(1))},
			status: Up,
		},
		{
			name:     "AnOlderSuccessDoesNotUndoAFailure",
			steps:    []step{hear(Fail, minutes(2)), hear(Success, minutes(1))},
			status:   Down,
			episodes: []episode{{Cause: Failure, Opened: minutes(2)}},
		},
		{
			name:     "PingsOfOneInstantCountInTheOrderOfStoring",
			steps:    []step{hear(Fail, minutes(2)), hear(Success, minutes(2))},
			status:   Up,
			episodes: []episode{recovered(episode{Cause: Failure, Opened: minutes(2)}, minutes(2))},
		},
		{
			name:     "AnOlderSuccessDoesNotMoveTheDeadlineBack",
			steps:    []step{hear(Success, minutes(2)), hear(Success, minutes(1)), sweep(minutes(9) - Tick), sweep(minutes(10))},
			status:   Down,
			episodes: []episode{{Cause: Missed, Opened: minutes(9)}},
		},
		{
			name:   "AStartStoredAfterItsFinishIsNoRun",
			steps:  []step{hear(Success, minutes(2)), hear(Start, minutes(1)), sweep(minutes(4))},
			status: Up,
		},
		{
			name: "ASuccessBeforeTheDeadlineDoesNotLoseToAStartStoredSooner",
			steps: []step{
				hear(Success, 0),
				hearWhile(in(Start, "", minutes(7)+Tick), minutes(6.9)), hearWhile(in(Success, "", minutes(6.9)), minutes(6.9)),
				sweep(minutes(9)),
			},
			status: Up,
		},
		{
			name: "AFailureIsNotLostForAStartStoredSooner",
			steps: []step{
				hearWhile(in(Start, "b", minutes(2)), minutes(1.5)), hearWhile(in(Fail, "a", minutes(1.5)), minutes(1.5)),
			},
			status:   Down,
			episodes: []episode{{Cause: Failure, Opened: minutes(1.5)}},
		},
		{
			name:     "AnOlderStartDoesNotReplaceALaterOne",
			steps:    []step{hear(Start, minutes(2)), hear(Start, minutes(1)), sweep(minutes(4) - Tick), sweep(minutes(4))},
			status:   Down,
			episodes: []episode{{Cause: Overran, Opened: minutes(4)}},
		},
		{
			name: "AnOlderStartOfAnotherRunIsFollowed",
			rule: long,
			steps: []step{
				hear(Success, 0),
				hearWhile(in(Start, "b", minutes(8)), minutes(6)), hearWhile(in(Start, "a", minutes(6)), minutes(6)),
				sweep(minutes(26) - Tick),
			},
			status: Late,
		},
		{
			name: "AFinishEndsTheOnlyRunThatHadBegunByThen",
			steps: []step{
				hear(Success, 0), hearRun(Start, "a", minutes(1)),
				hearWhile(in(Start, "", minutes(3)), minutes(2)), hearWhile(in(Success, "", minutes(2)), minutes(2)),
				sweep(minutes(5) - Tick),
			},
			status: Up,
		},
	})
}
