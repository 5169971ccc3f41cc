package monitor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hourRule is due after an hour, with ten minutes of grace: the window of a blackout is 16 minutes.
var hourRule = Rule{Interval: time.Hour, Grace: 10 * time.Minute, Methods: AnyMethod}

// hourCalendar is hourRule as a calendar, without pings before their slot.
func hourCalendar() Rule {
	var slots []int
	for hour := range 24 {
		slots = append(slots, 3600*hour)
	}
	return Rule{Calendar: calendarOf(slots), Grace: 10 * time.Minute, Methods: AnyMethod}
}

// withRule returns a rule after a change.
func withRule(r Rule, change func(*Rule)) Rule {
	change(&r)
	return r
}

// missedAtMinute is an incident of silence.
func missedAtMinute(m float64) []expectedIncident {
	return []expectedIncident{{Cause: CauseMissed, Opened: minutes(m).Round(Precision)}}
}

// start is the first ping of each scenario.
var start = pingAt(PingSuccess, 0)

func TestBlackout_AMinorOneMovesTheDeadlineAndAnotherOneStartsTheWaitAgain(t *testing.T) {
	const second = 1.0 / 60
	short := Rule{Interval: 100 * time.Second, Grace: 40 * time.Second, Methods: AnyMethod} // a window of 50 s
	runScenarios(t, []scenarioCase{
		{
			name: "OfLessThan30SecondsAndATenthOfTheWindowItIsMinor", rule: hourRule,
			steps:  []action{start, blackout(minutes(65), minutes(65)+seconds(29)), evaluateAt(minutes(80))},
			status: Down, incidents: missedAtMinute(70 + 29*second),
		},
		{
			name: "Of30SecondsItIsNotMinor", rule: hourRule,
			steps:  []action{start, blackout(minutes(65), minutes(65.5)), evaluateAt(minutes(180))},
			status: Down, incidents: missedAtMinute(65.5 + 70),
		},
		{
			name: "OfATenthOfTheWindowItIsNotMinor", rule: short,
			steps:  []action{start, blackout(seconds(120), seconds(125)), evaluateAt(seconds(600))},
			status: Down, incidents: []expectedIncident{{Cause: CauseMissed, Opened: seconds(125 + 140)}},
		},
		{
			name: "OfLessThanATenthOfTheWindowItIsMinor", rule: short,
			steps:  []action{start, blackout(seconds(120), seconds(124)), evaluateAt(seconds(600))},
			status: Down, incidents: []expectedIncident{{Cause: CauseMissed, Opened: seconds(144)}},
		},
		{
			name: "BeforeTheWindowItChangesNothing", rule: hourRule,
			steps:  []action{start, blackout(minutes(10), minutes(54)-Precision), evaluateAt(minutes(80))},
			status: Down, incidents: missedAtMinute(70),
		},
		{
			name: "TheWindowOfAnIntervalBeginsFiveMinutesBeforeTheDueTime", rule: hourRule,
			steps:  []action{start, blackout(minutes(10), minutes(55)), evaluateAt(minutes(55+70) - Precision)},
			status: Late,
		},
		{
			name: "ThatEndsBeforeTheWindowItChangesNothing", rule: hourRule,
			steps:  []action{start, blackout(minutes(10), minutes(55)-Precision), evaluateAt(minutes(130))},
			status: Down, incidents: missedAtMinute(70),
		},
		{
			name: "TheWindowOfAShortIntervalBeginsATenthOfItBefore", rule: Rule{Interval: minutes(10), Grace: minutes(10)},
			steps:  []action{start, blackout(minutes(5), minutes(9)), evaluateAt(minutes(9+20) - Precision)},
			status: Late,
		},
		{
			name: "ThatEndsExactlyAtTheDueTimeOfACalendarItTouchesTheWindow", rule: hourCalendar(),
			steps:  []action{start, blackout(minutes(10), minutes(60)), evaluateAt(minutes(130) - Precision)},
			status: Late,
		},
		{
			name: "ThatEndsBeforeTheDueTimeOfACalendarItChangesNothing", rule: hourCalendar(),
			steps:  []action{start, blackout(minutes(10), minutes(60)-Precision), evaluateAt(minutes(130))},
			status: Down, incidents: missedAtMinute(70),
		},
		{
			name: "ThatBeginsExactlyAtTheDeadlineItTouchesTheWindow", rule: hourRule,
			steps:  []action{start, blackout(minutes(70), minutes(100)), evaluateAt(minutes(170) - Precision)},
			status: Late,
		},
		{
			name: "ThatBeginsAfterTheDeadlineItComesTooLate", rule: hourRule,
			steps:  []action{start, blackout(minutes(70)+Precision, minutes(100)), evaluateAt(minutes(100))},
			status: Down, incidents: missedAtMinute(70),
		},
	})
}

func TestBlackout_SeveralInOneSilence(t *testing.T) {
	runScenarios(t, []scenarioCase{
		{
			name: "TwoMinorOnesAddUp", rule: hourRule,
			steps:  []action{start, blackout(minutes(61), minutes(61)+seconds(20)), blackout(minutes(65), minutes(65)+seconds(10)), evaluateAt(minutes(180))},
			status: Down, incidents: missedAtMinute(70.5),
		},
		{
			name: "AMinorOneAfterALongerOneMovesTheNewDeadline", rule: hourRule,
			steps:  []action{start, blackout(minutes(61), minutes(63)), blackout(minutes(125), minutes(125)+seconds(12)), evaluateAt(minutes(180))},
			status: Down, incidents: missedAtMinute(63 + 70 + 0.2),
		},
		{
			name: "TwoLongerOnesInOneWindowStartTheWaitAgainTwice", rule: hourRule,
			steps:  []action{start, blackout(minutes(61), minutes(63)), blackout(minutes(66), minutes(118)), evaluateAt(minutes(500))},
			status: Down, incidents: missedAtMinute(118 + 70),
		},
		{
			name: "OnlyWatchedSilenceIsJudged", rule: withRule(hourRule, func(r *Rule) { r.Grace = 2 * time.Hour }),
			steps:  []action{start, blackout(minutes(55), minutes(555)), blackout(minutes(610), minutes(620)), evaluateAt(minutes(900))},
			status: Down, incidents: missedAtMinute(620 + 180),
		},
		{
			name: "TheTimeBeforeAPingInItIsNotPartOfTheSilence", rule: withRule(hourRule, func(r *Rule) { r.Grace = 2 * time.Hour }),
			steps: []action{
				start, blackout(minutes(10), minutes(300)), pingAt(PingSuccess, minutes(290)),
				blackout(minutes(345), minutes(360)), blackout(minutes(530), minutes(540)), evaluateAt(minutes(900)),
			},
			status: Down, incidents: missedAtMinute(360 + 180 + 10),
		},
		{
			name: "OneAtEachDueTimeDoesNotHideADeadJob", rule: hourRule,
			steps:  []action{start, blackout(minutes(59), minutes(61)), blackout(minutes(120), minutes(122)), blackout(minutes(131), minutes(133)), evaluateAt(minutes(500))},
			status: Down, incidents: missedAtMinute(61 + 70 + 2 + 2),
		},
		{
			name: "AtEachSlotOfACalendarItDoesNotHideADeadJob", rule: hourCalendar(),
			steps:  []action{start, blackout(minutes(59), minutes(61)), blackout(minutes(119), minutes(121)), blackout(minutes(179), minutes(181)), evaluateAt(minutes(500))},
			status: Down, incidents: missedAtMinute(120 + 10 + 2),
		},
		{
			name: "AMovedDeadlineDoesNotLengthenTheSilenceThatMustBeWatched", rule: Rule{Interval: 10 * time.Second, Methods: AnyMethod},
			steps: []action{
				start, blackout(seconds(8), seconds(12)), blackout(seconds(20), seconds(28)), blackout(seconds(29), seconds(33)), evaluateAt(minutes(500)),
			},
			status: Down, incidents: []expectedIncident{{Cause: CauseMissed, Opened: seconds(12 + 10 + 8 + 4)}},
		},
	})
}

func TestBlackout_SlotsInItAreUnknown(t *testing.T) {
	for _, c := range []struct {
		name  string
		rule  Rule
		steps []action
		at    time.Duration
		want  []expectedSpan
	}{
		{
			name: "SeveralSlotsOfACalendar", rule: hourCalendar(), at: minutes(240),
			steps: []action{start, blackout(minutes(50), minutes(200))},
			want:  []expectedSpan{{What: RunUnknown, First: minutes(60), Last: minutes(180), Count: 3}},
		},
		{
			name: "SeveralDueTimesOfAnInterval", rule: hourRule, at: minutes(260),
			steps: []action{start, blackout(minutes(58), minutes(200))},
			want:  []expectedSpan{{What: RunOnTime, Count: 1}, {What: RunUnknown, First: minutes(60), Last: minutes(180), Count: 3}},
		},
		{
			name: "OfAHeartbeatThatIsDownTheyAreUnknownToo", rule: hourCalendar(), at: minutes(240),
			steps: []action{start, evaluateAt(minutes(70)), blackout(minutes(110), minutes(200))},
			want: []expectedSpan{
				{What: RunMissed, First: minutes(60), Last: minutes(60), Count: 1},
				{What: RunUnknown, First: minutes(120), Last: minutes(180), Count: 2},
			},
		},
		{
			name: "APingWithinTheGraceOfTheLastSlotMakesItKnown", rule: hourCalendar(), at: minutes(130),
			steps: []action{start, blackout(minutes(50), minutes(125)), pingAt(PingSuccess, minutes(126))},
			want: []expectedSpan{
				{What: RunUnknown, First: minutes(60), Last: minutes(60), Count: 1},
				{What: RunLate, First: minutes(120), Last: minutes(120), Count: 1, LateBy: minutes(6)},
			},
		},
		{
			name: "APingWithinTheGraceOfAnIntervalCountsInstead", rule: hourRule, at: minutes(70),
			steps: []action{start, blackout(minutes(58), minutes(64)), pingAt(PingSuccess, minutes(66))},
			want:  []expectedSpan{{What: RunOnTime, Count: 1}, {What: RunOnTime, First: minutes(66), Last: minutes(66), Count: 1}},
		},
		{
			name: "AFailureWithinTheGraceCountsInstead", rule: hourRule, at: minutes(70),
			steps: []action{start, blackout(minutes(58), minutes(64)), pingAt(PingFail, minutes(66))},
			want:  []expectedSpan{{What: RunOnTime, Count: 1}, {What: RunFailed, First: minutes(66), Last: minutes(66), Count: 1}},
		},
		{
			name: "APingAfterTheGraceLeavesItUnknown", rule: hourCalendar(), at: minutes(130),
			steps: []action{start, blackout(minutes(50), minutes(80)), pingAt(PingSuccess, minutes(81)), pingAt(PingSuccess, minutes(120))},
			want: []expectedSpan{
				{What: RunUnknown, First: minutes(60), Last: minutes(60), Count: 1},
				{What: RunOnTime, First: minutes(120), Last: minutes(120), Count: 1},
			},
		},
		{
			name: "AMinorOneMovesTheEndOfTheGrace", rule: hourRule, at: minutes(80),
			steps: []action{start, blackout(minutes(65), minutes(65)+seconds(20)), pingAt(PingSuccess, minutes(70)+seconds(10))},
			want: []expectedSpan{
				{What: RunOnTime, Count: 1},
				{What: RunLate, First: minutes(60), Last: minutes(60), Count: 1, LateBy: minutes(10) + seconds(10)},
			},
		},
		{
			name: "APingThatLayInASocketIsNoMiss", rule: hourRule, at: minutes(100),
			steps: []action{start, blackout(minutes(58), minutes(90)), pingAt(PingSuccess, minutes(85))},
			want: []expectedSpan{
				{What: RunOnTime, Count: 1},
				{What: RunUnknown, First: minutes(60), Last: minutes(60), Count: 1},
				{What: RunOnTime, First: minutes(85), Last: minutes(85), Count: 1},
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := play(t, c.rule, append(c.steps, evaluateAt(c.at))...)
			if diff := cmp.Diff(c.want, s.history(c.at)); diff != "" {
				t.Errorf("run history (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBlackout_InARun(t *testing.T) {
	rule := withRule(hourRule, func(r *Rule) { r.MaxRunTime = 30 * time.Minute })
	overran := func(m float64) []expectedIncident {
		return []expectedIncident{{Cause: CauseOverran, Opened: minutes(m)}}
	}
	begun := pingAt(PingStart, minutes(55))
	runScenarios(t, []scenarioCase{
		{
			name: "AMinorOneMovesItsTimeLimit", rule: rule,
			steps:  []action{start, begun, blackout(minutes(70), minutes(70)+seconds(12)), evaluateAt(minutes(180))},
			status: Down, incidents: overran(85.2),
		},
		{
			name: "AfterALongerOneALateFinishIsUnknown", rule: rule,
			steps:  []action{start, begun, blackout(minutes(70), minutes(75)), evaluateAt(minutes(90)), pingAt(PingSuccess, minutes(95))},
			status: Up,
		},
		{
			name: "AfterALongerOneAFinishInTimeCounts", rule: rule,
			steps:  []action{start, begun, blackout(minutes(70), minutes(75)), pingAt(PingSuccess, minutes(80)), evaluateAt(minutes(150) - Precision)},
			status: Late,
		},
		{
			name: "AfterALongerOneARunThatNeverEndsIsMissedOnePeriodLater", rule: rule,
			steps:  []action{start, begun, blackout(minutes(70), minutes(75)), evaluateAt(minutes(300))},
			status: Down, incidents: missedAtMinute(75 + 70),
		},
		{
			name: "StartBeforeItAndFinishAfterIt", rule: rule,
			steps:  []action{start, begun, blackout(minutes(57), minutes(80)), pingAt(PingSuccess, minutes(82)), evaluateAt(minutes(130))},
			status: Up,
		},
		{
			name: "ARunInProgressKeepsItsDueTime", rule: rule,
			steps:  []action{start, pingAt(PingStart, minutes(50)), blackout(minutes(58), minutes(62)), evaluateAt(minutes(63))},
			status: Late,
		},
		{
			name: "IfTheStartIsLostTheFinishCounts", rule: rule,
			steps:  []action{start, blackout(minutes(50), minutes(62)), pingAt(PingSuccess, minutes(80)), evaluateAt(minutes(130))},
			status: Up,
		},
		{
			name: "AnEditDoesNotCountItTwice", rule: rule,
			steps: []action{
				start, begun, blackout(minutes(70), minutes(70)+seconds(12)), evaluateAt(minutes(71)),
				changeRuleAt(withRule(rule, func(r *Rule) { r.Grace = 15 * time.Minute }), minutes(75)), evaluateAt(minutes(180)),
			},
			status: Down, incidents: overran(85.2),
		},
		{
			name: "AfterItsEndTheRunIsNotAffected", rule: rule,
			steps:  []action{start, begun, blackout(minutes(86), minutes(100)), evaluateAt(minutes(100))},
			status: Down, incidents: overran(85),
		},
		{
			name: "TheFirstRunEverCanEndInIt", rule: withRule(rule, func(r *Rule) { r.ExpectFirstBy = epoch.Add(minutes(50)) }),
			steps:  []action{pingAt(PingStart, minutes(40)), blackout(minutes(45), minutes(90)), evaluateAt(minutes(100))},
			status: New,
		},
	})
}

func TestBlackout_WithOtherSettings(t *testing.T) {
	three := withRule(hourRule, func(r *Rule) { r.AlertAfter = 3 })
	first := withRule(hourRule, func(r *Rule) { r.ExpectFirstBy = epoch.Add(minutes(30)) })
	starts := withRule(hourRule, func(r *Rule) { r.StartGrace = 5 * time.Minute })
	shorter := withRule(hourRule, func(r *Rule) { r.Interval = 12 * time.Minute })
	runScenarios(t, []scenarioCase{
		{
			name: "AlertAfterCountsTheMissesBeforeIt", rule: three, // of 60 and 120; 180 is unknown
			steps:  []action{start, blackout(minutes(175), minutes(185)), evaluateAt(minutes(500))},
			status: Down, incidents: missedAtMinute(185 + 70),
		},
		{
			name: "AlertAfterCountsNoSlotInIt", rule: three,
			steps:  []action{start, blackout(minutes(55), minutes(65)), evaluateAt(minutes(500))},
			status: Down, incidents: missedAtMinute(65 + 190),
		},
		{
			name: "AFirstPingExpectedInItIsExpectedOneIntervalLater", rule: first,
			steps:  []action{blackout(minutes(20), minutes(40)), evaluateAt(minutes(500))},
			status: Down, incidents: missedAtMinute(40 + 70),
		},
		{
			name: "AnotherOneOnlyMovesTheTimeOfTheFirstPing", rule: first,
			steps:  []action{blackout(minutes(20), minutes(40)), blackout(minutes(105), minutes(115)), evaluateAt(minutes(500))},
			status: Down, incidents: missedAtMinute(40 + 70 + 10),
		},
		{
			name: "AMinorOneMovesTheTimeOfTheFirstPing", rule: first,
			steps:  []action{blackout(minutes(30)-seconds(10), minutes(30)+seconds(10)), evaluateAt(minutes(500))},
			status: Down, incidents: missedAtMinute(30 + 20.0/60),
		},
		{
			name: "TheStartIsExpectedAgainAfterIt", rule: starts,
			steps:  []action{start, blackout(minutes(62), minutes(64)), evaluateAt(minutes(500))},
			status: Down, incidents: []expectedIncident{{Cause: CauseNotStarted, Opened: minutes(64 + 65)}},
		},
		{
			name: "AMinorOneMovesTheDeadlineOfTheStart", rule: starts,
			steps:  []action{start, blackout(minutes(62), minutes(62)+seconds(6)), evaluateAt(minutes(500))},
			status: Down, incidents: []expectedIncident{{Cause: CauseNotStarted, Opened: minutes(65) + seconds(6)}},
		},
		{
			name: "OfAPausedHeartbeatItChangesNothing", rule: hourRule,
			steps:  []action{start, pauseAt(minutes(10)), blackout(minutes(20), minutes(90)), resumeAt(minutes(100)), evaluateAt(minutes(500))},
			status: Down, incidents: missedAtMinute(100 + 70),
		},
		{
			name: "AResumptionInItCounts", rule: hourRule,
			steps:  []action{start, pauseAt(minutes(10)), resumeAt(minutes(80)), blackout(minutes(70), minutes(90)), evaluateAt(minutes(500))},
			status: Down, incidents: missedAtMinute(80 + 70),
		},
		{
			name: "AManualResumptionAfterAPingInAPauseCounts", rule: withRule(hourRule, func(r *Rule) { r.ManualResume = true }),
			steps:  []action{start, pauseAt(minutes(10)), blackout(minutes(20), minutes(30)), pingAt(PingSuccess, minutes(40)), resumeAt(minutes(50)), evaluateAt(minutes(500))},
			status: Down, incidents: missedAtMinute(50 + 70),
		},
		{
			name: "AnEditAfterItIsJudgedWithIt", rule: hourRule,
			steps:  []action{start, blackout(minutes(10), minutes(20)), evaluateAt(minutes(24)), changeRuleAt(shorter, minutes(25)), evaluateAt(minutes(42) - Precision)},
			status: Late,
		},
		{
			name: "AnEditDoesNotCountItTwice", rule: hourRule,
			steps: []action{
				start, blackout(minutes(61), minutes(61)+seconds(24)), evaluateAt(minutes(62)),
				changeRuleAt(withRule(hourRule, func(r *Rule) { r.Grace = 15 * time.Minute }), minutes(65)), evaluateAt(minutes(500)),
			},
			status: Down, incidents: missedAtMinute(75.4),
		},
		{
			name: "DownBeforeItIsNotAlertedAgain", rule: hourRule,
			steps:  []action{start, evaluateAt(minutes(71)), blackout(minutes(75), minutes(200)), evaluateAt(minutes(500))},
			status: Down, incidents: missedAtMinute(70),
		},
		{
			name: "APingInItStartsANewWait", rule: hourRule,
			steps:  []action{start, blackout(minutes(58), minutes(90)), pingAt(PingSuccess, minutes(85)), evaluateAt(minutes(155) - Precision), evaluateAt(minutes(155))},
			status: Down, incidents: missedAtMinute(85 + 70),
		},
		{
			name: "APingAfterItResetsWhatItChanged", rule: hourRule,
			steps:  []action{start, blackout(minutes(61), minutes(61)+seconds(20)), pingAt(PingSuccess, minutes(65)), evaluateAt(minutes(500))},
			status: Down, incidents: missedAtMinute(65 + 70),
		},
		{
			name: "ALatePingAfterItIsNoMiss", rule: hourRule,
			steps:  []action{start, blackout(minutes(61), minutes(90)), pingAt(PingSuccess, minutes(120)), evaluateAt(minutes(180))},
			status: Late,
		},
	})
}

func TestBlackout_EffectsAreReportedOnce(t *testing.T) {
	shorter := withRule(hourRule, func(r *Rule) { r.Interval = 12 * time.Minute })
	runs := withRule(hourRule, func(r *Rule) { r.MaxRunTime = 30 * time.Minute })
	for name, c := range map[string]struct {
		rule  Rule
		steps []action
		want  []BlackoutEffect
	}{
		"ByAnEditThatFindsThem": {
			hourRule,
			[]action{start, blackout(minutes(10), minutes(20)), evaluateAt(minutes(24)), changeRuleAt(shorter, minutes(25)), evaluateAt(minutes(30))},
			[]BlackoutEffect{{Blackout: 1, Kind: BlackoutUnknown, Due: epoch.Add(minutes(12)), Next: epoch.Add(minutes(32))}},
		},
		"NotOfAHeartbeatThatIsDown": {
			runs, []action{start, pingAt(PingFail, minutes(30)), pingAt(PingStart, minutes(40)), blackout(minutes(45), minutes(60)), evaluateAt(minutes(61))}, nil,
		},
		"OfARunThatReachedItsLimitInIt": {
			runs,
			[]action{start, pingAt(PingStart, minutes(40)), blackout(minutes(65), minutes(75)), evaluateAt(minutes(80))},
			[]BlackoutEffect{{Blackout: 1, Kind: BlackoutUnknown, Due: epoch.Add(minutes(60)), Next: epoch.Add(minutes(75 + 60))}},
		},
		"OfARunThatReachesItsLimitLater": {
			runs,
			[]action{start, pingAt(PingStart, minutes(50)), blackout(minutes(65), minutes(75)), evaluateAt(minutes(78))},
			[]BlackoutEffect{{Blackout: 1, Kind: BlackoutUnknown, Due: epoch.Add(minutes(60)), Next: epoch.Add(minutes(80))}},
		},
		"OfTheFirstRunEver": {
			runs,
			[]action{pingAt(PingStart, minutes(40)), blackout(minutes(65), minutes(75)), evaluateAt(minutes(80))},
			[]BlackoutEffect{{Blackout: 1, Kind: BlackoutUnknown}},
		},
		"OfAPingInABlackout": {
			hourRule,
			[]action{start, blackout(minutes(58), minutes(90)), pingAt(PingSuccess, minutes(85)), evaluateAt(minutes(100))},
			[]BlackoutEffect{{Blackout: 1, Kind: BlackoutUnknown, Due: epoch.Add(minutes(60)), Next: epoch.Add(minutes(85+60) - Precision)}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, play(t, c.rule, c.steps...).effects); diff != "" {
				t.Errorf("effects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBlackout_APingResetsWhatItChanged(t *testing.T) {
	rule := withRule(hourRule, func(r *Rule) { r.MaxRunTime = 3 * time.Hour })
	moved := []action{start, blackout(minutes(61), minutes(61)+seconds(20)), evaluateAt(minutes(62))}
	s := play(t, rule, append(moved, pingAt(PingSuccess, minutes(65)))...)
	if s.h.Blackout != (BlackoutState{}) {
		t.Errorf("state after a ping: %+v; want none", s.h.Blackout)
	}
	s = play(t, rule, append(moved, pingOfRun(PingStart, "a", minutes(63)), pingOfRun(PingSuccess, "b", minutes(65)))...)
	if got := sinceEpoch(s.h.Deadline()); got != minutes(65+70) {
		t.Errorf("deadline with another run in progress: %v; want an interval and grace after the ping", got)
	}
	if s.h.Blackout != (BlackoutState{Applied: 1}) {
		t.Errorf("state with another run in progress: %+v; want that the blackout is applied to it", s.h.Blackout)
	}
}

func TestShiftBack_MovesWaitsRunsAndStalePings(t *testing.T) {
	rule := withRule(hourRule, func(r *Rule) { r.MaxRunTime = 30 * time.Minute })
	s := play(t, rule, pingAt(PingSuccess, minutes(100)), pingOfRun(PingStart, "a", minutes(110)), pingOfRun(PingStart, "b", minutes(111)), pingOfRun(PingSuccess, "b", minutes(112)))
	before := s.h
	s.h = s.h.ShiftBack(time.Hour, time.Time{})
	if got, want := s.h.Deadline(), before.Deadline().Add(-time.Hour); !got.Equal(want) {
		t.Errorf("deadline %v; want %v", sinceEpoch(got), sinceEpoch(want))
	}
	if got, want := s.h.RunDeadline(), before.RunDeadline().Add(-time.Hour); !got.Equal(want) {
		t.Errorf("deadline of the run %v; want %v", sinceEpoch(got), sinceEpoch(want))
	}
	if !before.ActiveRuns[0].StartedAt.Equal(epoch.Add(minutes(110))) {
		t.Error("the runs of the receiver were changed")
	}
	pingOfRun(PingStart, "b", minutes(53))(s)
	if len(s.h.ActiveRuns) != 1 {
		t.Errorf("runs in progress: %+v; want only a: b has ended", s.h.ActiveRuns)
	}
	pingAt(PingSuccess, minutes(60))(s) // after the shift, it is not out of order
	if got := sinceEpoch(s.h.LastPing); got != minutes(60) {
		t.Errorf("last ping %v; want 1h", got)
	}
	s = play(t, rule, pingOfRun(PingStart, "b", minutes(111)), pingOfRun(PingSuccess, "b", minutes(112)))
	s.h = s.h.ShiftBack(time.Hour, time.Time{})
	if pingOfRun(PingStart, "b", minutes(113))(s); len(s.h.ActiveRuns) != 1 { // an hour after its end
		t.Error("a start of a run that ended an hour ago was ignored")
	}
	slots := play(t, hourCalendar(), pingAt(PingSuccess, minutes(100)))
	if slots.h = slots.h.ShiftBack(time.Hour, time.Time{}); sinceEpoch(slots.h.Due()) != minutes(60) {
		t.Errorf("next slot %v; want that after the shifted ping", sinceEpoch(slots.h.Due()))
	}
}
