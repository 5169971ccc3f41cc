package monitor

import (
	"testing"
	"time"
)

func TestEvaluate_RunsHaveTheirOwnDeadlines(t *testing.T) {
	long := fiveMinuteRule
	long.MaxRunTime = 20 * time.Minute
	overran := expectedIncident{Cause: CauseOverran, Opened: minutes(3)}
	runScenarios(t, []scenarioCase{
		{
			name:   "AStartAloneLeavesItUp",
			steps:  []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(1)), evaluateAt(minutes(3) - Precision)},
			status: Up,
		},
		{
			name:      "WithoutAMaximumRunTimeTheGraceIsTheLimit",
			steps:     []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(1)), evaluateAt(minutes(3))},
			status:    Down,
			incidents: []expectedIncident{overran},
		},
		{
			name:      "TheMaximumRunTimeIsTheLimit",
			rule:      long,
			steps:     []action{pingAt(PingStart, minutes(1)), evaluateAt(minutes(21) - Precision), evaluateAt(minutes(21))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseOverran, Opened: minutes(21)}},
		},
		{
			name:      "AnOverrunNoticedLateIsDatedAtItsLimit",
			steps:     []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(1)), evaluateAt(minutes(4))},
			status:    Down,
			incidents: []expectedIncident{overran},
		},
		{
			name:      "TheFirstRunOfANewHeartbeatMayOverrun",
			steps:     []action{pingAt(PingStart, minutes(1)), evaluateAt(minutes(3))},
			status:    Down,
			incidents: []expectedIncident{overran},
		},
		{
			name:   "AFinishExactlyAtTheLimitIsInTime",
			steps:  []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(1)), pingAt(PingSuccess, minutes(3))},
			status: Up,
		},
		{
			name:      "AFinishAMicrosecondAfterTheLimitRecovers",
			steps:     []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(1)), pingAt(PingSuccess, minutes(3)+Precision)},
			status:    Up,
			incidents: []expectedIncident{resolvedByPing(overran, minutes(3)+Precision)},
		},
		{
			name:      "WithNeitherMaximumNorGraceOnlyTheIntervalGuards",
			rule:      Rule{Interval: 5 * time.Minute, Methods: AnyMethod},
			steps:     []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(1)), evaluateAt(minutes(5) - Precision), evaluateAt(minutes(9))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(5)}},
		},
		{
			name:   "ARunThatBeganByTheDeadlineIsNoSilence",
			rule:   long,
			steps:  []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(7)), evaluateAt(minutes(27) - Precision)},
			status: Late,
		},
		{
			name:      "ARunIsAnExcuseUntilItsOwnLimitOnly",
			rule:      long,
			steps:     []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(7)), evaluateAt(minutes(27))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseOverran, Opened: minutes(27)}},
		},
		{
			name:      "ARunThatBeganAfterTheDeadlineIsNoExcuse",
			rule:      long,
			steps:     []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(7)+Precision)},
			status:    Down,
			incidents: []expectedIncident{missedAtMinute7},
		},
		{
			name:      "AJobThatCrashesAndBeginsAgainCannotPostponeTheIncident",
			rule:      long,
			steps:     []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(6)), pingAt(PingStart, minutes(8)), evaluateAt(minutes(8))},
			status:    Down,
			incidents: []expectedIncident{missedAtMinute7},
		},
		{
			name: "NorWithAnIdOfItsOwnForEachRun",
			rule: long,
			steps: []action{
				pingAt(PingSuccess, 0), pingOfRun(PingStart, "a", minutes(6)), pingOfRun(PingStart, "b", minutes(16)),
				pingOfRun(PingStart, "c", minutes(25)), evaluateAt(minutes(26)),
			},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseOverran, Opened: minutes(26)}},
		},
		{
			name: "TheFinishOfOneRunDoesNotStopTheClockOfAnother",
			steps: []action{
				pingOfRun(PingStart, "a", minutes(1)), pingOfRun(PingStart, "b", minutes(2)),
				pingOfRun(PingSuccess, "b", minutes(2.5)), evaluateAt(minutes(3)),
			},
			status:    Down,
			incidents: []expectedIncident{overran},
		},
		{
			name: "ARunIsToldOnceAlsoWhenItNeverFinishes",
			steps: []action{
				pingOfRun(PingStart, "a", minutes(1)), evaluateAt(minutes(3)), pingOfRun(PingSuccess, "b", minutes(4)), evaluateAt(minutes(9) - Precision),
			},
			status:    Up,
			incidents: []expectedIncident{resolvedByPing(overran, minutes(4))},
		},
		{
			name: "ARunGivenUpInTheInstantOfTheRecoveryIsNoExcuseLater",
			rule: long,
			steps: []action{
				pingOfRun(PingStart, "a", 0), changeRuleAt(fiveMinuteRule, minutes(2)), pingOfRun(PingSuccess, "b", minutes(2)),
				changeRuleAt(long, minutes(3)), evaluateAt(minutes(9)),
			},
			status: Down,
			incidents: []expectedIncident{
				resolvedByPing(expectedIncident{Cause: CauseOverran, Opened: minutes(2)}, minutes(2)),
				{Cause: CauseMissed, Opened: minutes(9)},
			},
		},
		{
			name: "ARunInProgressWhileAnotherOverranKeepsItsClock",
			steps: []action{
				pingOfRun(PingStart, "a", minutes(1)), pingOfRun(PingStart, "b", minutes(2)), evaluateAt(minutes(3)),
				pingOfRun(PingSuccess, "a", minutes(3.5)), evaluateAt(minutes(4)),
			},
			status:    Down,
			incidents: []expectedIncident{resolvedByPing(overran, minutes(3.5)), {Cause: CauseOverran, Opened: minutes(4)}},
		},
		{
			name: "ARunWhoseTimeIsUpInTheInstantOfTheRecoveryIsTold",
			steps: []action{
				pingAt(PingFail, minutes(1)), pingOfRun(PingStart, "a", minutes(8)), pingOfRun(PingSuccess, "b", minutes(10)), evaluateAt(minutes(10)),
			},
			status: Down,
			incidents: []expectedIncident{
				resolvedByPing(expectedIncident{Cause: CauseFailure, Opened: minutes(1)}, minutes(10)),
				{Cause: CauseOverran, Opened: minutes(10)},
			},
		},
		{
			name: "ARunThatTookTooLongWhileDownOpensNothingAfterTheRecovery",
			steps: []action{
				pingAt(PingFail, minutes(1)), pingOfRun(PingStart, "a", minutes(2)), pingOfRun(PingSuccess, "b", minutes(10)), evaluateAt(minutes(11)),
			},
			status:    Up,
			incidents: []expectedIncident{resolvedByPing(expectedIncident{Cause: CauseFailure, Opened: minutes(1)}, minutes(10))},
		},
		{
			name: "ARunInProgressAtTheRecoveryKeepsItsClock",
			steps: []action{
				pingAt(PingFail, minutes(1)), pingOfRun(PingStart, "a", minutes(9)), pingOfRun(PingSuccess, "b", minutes(10)), evaluateAt(minutes(11)),
			},
			status: Down,
			incidents: []expectedIncident{
				resolvedByPing(expectedIncident{Cause: CauseFailure, Opened: minutes(1)}, minutes(10)),
				{Cause: CauseOverran, Opened: minutes(11)},
			},
		},
	})
}

func TestApplyPing_PingsStoredOutOfOrder(t *testing.T) {
	in := func(kind PingKind, run string, at time.Duration) Ping {
		return Ping{Kind: kind, RunID: run, At: epoch.Add(at), ExitCode: NoExitCode}
	}
	long := fiveMinuteRule
	long.MaxRunTime = 20 * time.Minute
	runScenarios(t, []scenarioCase{
		{
			name: "APingAcceptedBeforeTheDeadlineAndStoredAfterTheNextIsInTime",
			steps: []action{
				pingAt(PingSuccess, 0),
				applyPingWithWatermark(in(PingSuccess, "", minutes(8)), minutes(6.9)), applyPingWithWatermark(in(PingSuccess, "", minutes(6.9)), minutes(6.9)),
			},
			status: Up,
		},
		{
			name: "ALapseAtTheHorizonItselfWaitsForThePingThatIsTheHorizon",
			steps: []action{
				pingAt(PingSuccess, 0),
				applyPingWithWatermark(in(PingSuccess, "", minutes(8)), minutes(7)), applyPingWithWatermark(in(PingSuccess, "", minutes(7)), minutes(7)),
			},
			status: Up,
		},
		{
			name:      "WhatLapsedBeforeTheHorizonIsTold",
			steps:     []action{pingAt(PingSuccess, 0), applyPingWithWatermark(in(PingSuccess, "", minutes(8)), minutes(7)+Precision)},
			status:    Up,
			incidents: []expectedIncident{resolvedByPing(missedAtMinute7, minutes(8))},
		},
		{
			name:      "AHorizonAfterThePingJudgesNoFurtherThanThePing",
			steps:     []action{pingAt(PingSuccess, 0), applyPingWithWatermark(in(PingSuccess, "", minutes(7)), minutes(60)), evaluateAt(minutes(14))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(14)}},
		},
		{
			name:   "AnOlderFailureDoesNotUndoASuccess",
			steps:  []action{pingAt(PingSuccess, minutes(2)), pingAt(PingFail, minutes(1))},
			status: Up,
		},
		{
			name:      "AnOlderSuccessDoesNotUndoAFailure",
			steps:     []action{pingAt(PingFail, minutes(2)), pingAt(PingSuccess, minutes(1))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseFailure, Opened: minutes(2)}},
		},
		{
			name:      "PingsOfOneInstantCountInTheOrderOfStoring",
			steps:     []action{pingAt(PingFail, minutes(2)), pingAt(PingSuccess, minutes(2))},
			status:    Up,
			incidents: []expectedIncident{resolvedByPing(expectedIncident{Cause: CauseFailure, Opened: minutes(2)}, minutes(2))},
		},
		{
			name:      "AnOlderSuccessDoesNotMoveTheDeadlineBack",
			steps:     []action{pingAt(PingSuccess, minutes(2)), pingAt(PingSuccess, minutes(1)), evaluateAt(minutes(9) - Precision), evaluateAt(minutes(10))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(9)}},
		},
		{
			name:   "AStartStoredAfterItsFinishIsNoRun",
			steps:  []action{pingAt(PingSuccess, minutes(2)), pingAt(PingStart, minutes(1)), evaluateAt(minutes(4))},
			status: Up,
		},
		{
			name: "ASuccessBeforeTheDeadlineDoesNotLoseToAStartStoredSooner",
			steps: []action{
				pingAt(PingSuccess, 0),
				applyPingWithWatermark(in(PingStart, "", minutes(7)+Precision), minutes(6.9)), applyPingWithWatermark(in(PingSuccess, "", minutes(6.9)), minutes(6.9)),
				evaluateAt(minutes(9)),
			},
			status: Up,
		},
		{
			name: "AFailureIsNotLostForAStartStoredSooner",
			steps: []action{
				applyPingWithWatermark(in(PingStart, "b", minutes(2)), minutes(1.5)), applyPingWithWatermark(in(PingFail, "a", minutes(1.5)), minutes(1.5)),
			},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseFailure, Opened: minutes(1.5)}},
		},
		{
			name:      "AnOlderStartDoesNotReplaceALaterOne",
			steps:     []action{pingAt(PingStart, minutes(2)), pingAt(PingStart, minutes(1)), evaluateAt(minutes(4) - Precision), evaluateAt(minutes(4))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseOverran, Opened: minutes(4)}},
		},
		{
			name: "AnOlderStartOfAnotherRunIsFollowed",
			rule: long,
			steps: []action{
				pingAt(PingSuccess, 0),
				applyPingWithWatermark(in(PingStart, "b", minutes(8)), minutes(6)), applyPingWithWatermark(in(PingStart, "a", minutes(6)), minutes(6)),
				evaluateAt(minutes(26) - Precision),
			},
			status: Late,
		},
		{
			name: "AFinishEndsTheOnlyRunThatHadBegunByThen",
			steps: []action{
				pingAt(PingSuccess, 0), pingOfRun(PingStart, "a", minutes(1)),
				applyPingWithWatermark(in(PingStart, "", minutes(3)), minutes(2)), applyPingWithWatermark(in(PingSuccess, "", minutes(2)), minutes(2)),
				evaluateAt(minutes(5) - Precision),
			},
			status: Up,
		},
	})
}
