package monitor

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/schedule"
)

// calendarRule is fiveMinuteRule with slots at the given minutes.
func calendarRule(at ...int) Rule {
	slots := make([]int, 0, len(at))
	for _, m := range at {
		slots = append(slots, 60*m)
	}
	r := fiveMinuteRule
	r.Interval, r.Calendar, r.Early = 0, calendarOf(slots), DefaultEarly
	return r
}

// checkHistory compares the run history at the end of a scenario.
func checkHistory(t *testing.T, s *scenario, now time.Duration, want ...expectedSpan) {
	t.Helper()
	if diff := cmp.Diff(want, s.history(now)); diff != "" {
		t.Errorf("run history (-want +got):\n%s", diff)
	}
}

func TestApplyPing_AnEarlyPingCountsForTheNextSlot(t *testing.T) {
	hourly := calendarRule(60, 120, 180, 240)
	never := hourly
	never.Early = 0
	runScenarios(t, []scenarioCase{
		{
			name:      "APingWithinTheUsualWindowCountsForTheSlotAndNotForTheNext",
			rule:      hourly,
			steps:     []action{pingAt(PingSuccess, minutes(59)), evaluateAt(minutes(122) - Precision), evaluateAt(minutes(122))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(122)}},
		},
		{
			name:      "ASecondPingInTheWindowCountsForNoOtherSlot",
			rule:      hourly,
			steps:     []action{pingAt(PingSuccess, minutes(58)), pingAt(PingSuccess, minutes(59)), evaluateAt(minutes(122))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(122)}},
		},
		{
			name:      "BeforeTheWindowItCountsForNothing",
			rule:      hourly,
			steps:     []action{pingAt(PingSuccess, minutes(58)-Precision), evaluateAt(minutes(62))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(62)}},
		},
		{
			name:      "WithoutAWindowAPingASecondEarlyCountsForNothing",
			rule:      never,
			steps:     []action{pingAt(PingSuccess, minutes(60)-time.Second), evaluateAt(minutes(62))},
			status:    Down,
			incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(62)}},
		},
		{
			name:      "AJobWhoseClockIsFastDoesNotFlapAfterOneMiss",
			rule:      hourly,
			steps:     []action{pingAt(PingSuccess, minutes(59)), pingAt(PingSuccess, minutes(179)), evaluateAt(minutes(241))},
			status:    Late,
			incidents: []expectedIncident{resolvedByPing(expectedIncident{Cause: CauseMissed, Opened: minutes(122)}, minutes(179))},
		},
		{
			name:   "AfterTheLastSlotNothingIsExpected",
			rule:   calendarRule(60),
			steps:  []action{pingAt(PingSuccess, minutes(60)), evaluateAt(minutes(6000))},
			status: Up,
		},
	})
}

func TestAssign_APingWithinGraceCountsForTheDueSlot(t *testing.T) {
	rule := calendarRule(60, 62, 64, 66)
	rule.Early = time.Minute
	s := play(t, rule, pingAt(PingSuccess, minutes(60)), pingAt(PingSuccess, minutes(63.5)))
	checkHistory(t, s, minutes(63.5),
		expectedSpan{RunOnTime, minutes(60), minutes(60), 1, 0}, expectedSpan{RunLate, minutes(62), minutes(62), 1, minutes(1.5)})
	if got := sinceEpoch(s.h.Due()); got != minutes(64) {
		t.Errorf("due at %v; want 64m", got)
	}
}

func TestChangeRule_ANewCalendarForgetsTheEarlySlot(t *testing.T) {
	s := play(t, calendarRule(60, 120), pingAt(PingSuccess, minutes(59)))
	if got := sinceEpoch(s.h.Due()); got != minutes(120) {
		t.Fatalf("due at %v; want 120m: the first slot is counted", got)
	}
	changeRuleAt(calendarRule(65, 120), minutes(59))(s)
	if got := sinceEpoch(s.h.Due()); got != minutes(65) {
		t.Errorf("due at %v; want 65m: six minutes early is not early for it", got)
	}
	changeRuleAt(calendarRule(61, 120), minutes(59))(s)
	if got := sinceEpoch(s.h.Due()); got != minutes(120) {
		t.Errorf("due at %v; want 120m: two minutes early is early for the new slot", got)
	}
	quicker := calendarRule(61, 120)
	quicker.MaxRunTime = time.Minute
	changeRuleAt(quicker, minutes(59))(s)
	if got := sinceEpoch(s.h.Due()); got != minutes(120) {
		t.Errorf("due at %v; want 120m: the schedule is the same", got)
	}
}

func TestEvaluate_RulesForRuns(t *testing.T) {
	short, start, thrice, first := fiveMinuteRule, fiveMinuteRule, fiveMinuteRule, fiveMinuteRule
	short.MinRunTime = time.Minute
	start.StartGrace = time.Minute
	thrice.AlertAfter = 3
	first.ExpectFirstBy = epoch.Add(minutes(30))
	quick := []action{pingAt(PingStart, 0), pingAt(PingSuccess, minutes(0.5))}
	tooShort := expectedIncident{Cause: CauseTooShort, Opened: minutes(0.5)}
	again := tooShort
	again.Failures = 1
	thriceLong := thrice
	thriceLong.MaxRunTime = 10 * time.Minute
	relaxed, twice := short, short
	relaxed.MinRunTime, twice.AlertAfter = 30*time.Second, 2
	edited := tooShort
	edited.How, edited.Resolved = ResolvedByEdit, minutes(2)
	failed := expectedIncident{Cause: CauseFailure, Opened: minutes(1), How: ResolvedByEdit, Resolved: minutes(2)}
	runScenarios(t, []scenarioCase{
		{name: "ARunBelowTheMinimumIsBad", rule: short, steps: quick, status: Down, incidents: []expectedIncident{tooShort}},
		{name: "ARunOfTheMinimumIsGood", rule: relaxed, steps: quick, status: Up},
		{name: "ASuccessWithoutAStartIsNeverTooShort", rule: short, steps: []action{pingAt(PingSuccess, 0)}, status: Up},
		{
			name: "AShortRunDoesNotRecover", rule: short,
			steps:  append(quick, pingAt(PingStart, minutes(1)), pingAt(PingSuccess, minutes(1.5))),
			status: Down, incidents: []expectedIncident{again},
		},
		{name: "ALowerMinimumResolvesIt", rule: short, steps: append(quick, changeRuleAt(relaxed, minutes(2))), status: Up, incidents: []expectedIncident{edited}},
		{name: "ToleratingItResolvesIt", rule: short, steps: append(quick, changeRuleAt(twice, minutes(2))), status: Up, incidents: []expectedIncident{edited}},
		{
			name: "ToleratingAFailureResolvesIt", steps: []action{pingAt(PingFail, minutes(1)), changeRuleAt(thrice, minutes(2))},
			status: Up, incidents: []expectedIncident{failed},
		},
		{
			name: "NothingBegunByTheStartGraceIsAnIncident", rule: start,
			steps:  []action{pingAt(PingSuccess, 0), evaluateAt(minutes(6) - Precision), evaluateAt(minutes(6))},
			status: Down, incidents: []expectedIncident{{Cause: CauseNotStarted, Opened: minutes(6)}},
		},
		{
			name: "AStartAtTheStartGraceIsInTime", rule: start,
			steps:  []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(6)), evaluateAt(minutes(7.5))},
			status: Late,
		},
		{
			name: "AFinishAtTheStartGraceIsInTime", rule: start,
			steps:  []action{pingAt(PingSuccess, 0), pingAt(PingSuccess, minutes(6))},
			status: Up,
		},
		{
			name: "OnlyTheThirdConsecutiveFailureOpensAnIncident", rule: thrice,
			steps:  []action{pingAt(PingFail, 0), pingAt(PingFail, minutes(1)), pingAt(PingFail, minutes(2))},
			status: Down, incidents: []expectedIncident{{Cause: CauseFailure, Opened: minutes(2)}},
		},
		{
			name: "AGoodRunBeginsTheCountAnew", rule: thrice,
			steps:  []action{pingAt(PingFail, 0), pingAt(PingFail, minutes(1)), pingAt(PingSuccess, minutes(2)), pingAt(PingFail, minutes(3)), pingAt(PingFail, minutes(4))},
			status: Up,
		},
		{
			name: "SilenceIsToldAfterAsManySlots", rule: thrice,
			steps:  []action{pingAt(PingSuccess, 0), evaluateAt(minutes(17) - Precision), evaluateAt(minutes(17))},
			status: Down, incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(17)}},
		},
		{
			name: "AFailureAndSilenceCountTogether", rule: thrice,
			steps:  []action{pingAt(PingFail, 0), evaluateAt(minutes(12))},
			status: Down, incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(12)}},
		},
		{
			name: "ARunThatOverranIsNotMissedAsWell", rule: thrice,
			steps:  []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(5)), evaluateAt(minutes(17) - Precision), evaluateAt(minutes(17))},
			status: Down, incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(17)}},
		},
		{
			name: "ANewHeartbeatThatIsExpectedIsToldOfWhenItsTimeIsOver", rule: first,
			steps:  []action{evaluateAt(minutes(30) - Precision), evaluateAt(minutes(30))},
			status: Down, incidents: []expectedIncident{{Cause: CauseMissed, Opened: minutes(30)}},
		},
		{
			name: "ARunInProgressIsAFirstSign", rule: first,
			steps:  []action{pingAt(PingStart, minutes(29)), evaluateAt(minutes(30))},
			status: New,
		},
		{
			name: "APauseBeginsTheCountAnew", rule: thrice,
			steps:  []action{pingAt(PingFail, 0), pingAt(PingFail, minutes(1)), pauseAt(minutes(2)), resumeAt(minutes(3)), pingAt(PingFail, minutes(4))},
			status: Up,
		},
		{
			name: "AnEditLetsTheClocksCountAgain", rule: thrice,
			// The run overran and its slot was no longer expected; under the new rule it did not overrun.
			steps:  []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(5)), evaluateAt(minutes(8)), changeRuleAt(thriceLong, minutes(8)), evaluateAt(minutes(9))},
			status: Late,
		},
		{name: "AFirstPingAtThatMomentIsInTime", rule: first, steps: []action{pingAt(PingSuccess, minutes(30))}, status: Up},
		{
			name: "AMomentThatPassedInAPauseIsPast", rule: first,
			steps:  []action{pauseAt(minutes(1)), resumeAt(minutes(31)), evaluateAt(minutes(99))},
			status: New,
		},
	})
}

func TestSpan_KeepsTheWorstLatenessAndTheNewestPing(t *testing.T) {
	s := play(t, fiveMinuteRule, pingAt(PingSuccess, 0), pingAt(PingSuccess, minutes(6.5)), pingAt(PingSuccess, minutes(12)), pingAt(PingSuccess, minutes(18)))
	checkHistory(t, s, minutes(18), expectedSpan{RunOnTime, 0, 0, 1, 0}, expectedSpan{RunLate, minutes(5), minutes(17), 3, minutes(1.5)})
	if at := s.h.History.Latest.LastPing; sinceEpoch(at) != minutes(18) {
		t.Errorf("decided at %v; want 18m", sinceEpoch(at))
	}
}

func TestRunHistory_MissedSlotsSurviveEditPauseAndDelete(t *testing.T) {
	silent := []expectedSpan{{RunOnTime, 0, 0, 1, 0}, {RunMissed, minutes(5), minutes(15), 3, 0}}
	daily, brief, long := fiveMinuteRule, fiveMinuteRule, fiveMinuteRule
	daily.Interval, brief.MaxRunTime, long.MaxRunTime = 24*time.Hour, time.Minute, 10*time.Minute
	for name, last := range map[string]action{"edited": changeRuleAt(daily, minutes(18)), "paused": pauseAt(minutes(18)), "deleted": deleteAt(minutes(18))} {
		t.Run(name, func(t *testing.T) {
			checkHistory(t, play(t, fiveMinuteRule, pingAt(PingSuccess, 0), last), minutes(99), silent...)
		})
	}
	t.Run("evaluated again", func(t *testing.T) {
		s := play(t, long, pingAt(PingSuccess, 0), pingAt(PingStart, minutes(1)), changeRuleAt(brief, minutes(4)))
		checkHistory(t, s, minutes(4), expectedSpan{RunOnTime, 0, 0, 1, 0}, expectedSpan{RunOverran, minutes(2), minutes(2), 1, 0})
	})
}

func TestResume_DoesNotExpectACountedSlotAgain(t *testing.T) {
	s := play(t, calendarRule(61, 120), pingAt(PingSuccess, minutes(59.5)), pauseAt(minutes(59.6)), resumeAt(minutes(59.7)))
	if got := sinceEpoch(s.h.Due()); got != minutes(120) {
		t.Errorf("due at %v; want 120m", got)
	}
	changeRuleAt(calendarRule(60, 120), minutes(59.8))(s)
	if got := sinceEpoch(s.h.Due()); got != minutes(60) {
		t.Errorf("due at %v; want 60m: nothing came for the new slot", got)
	}
}

func TestSpan_EndsWithTheDay(t *testing.T) {
	hourly := fiveMinuteRule
	hourly.Interval = time.Hour
	s := play(t, hourly, pingAt(PingSuccess, 0), evaluateAt(minutes(60*50)), pingAt(PingSuccess, minutes(60*50+30)))
	checkHistory(t, s, minutes(60*50+30),
		expectedSpan{RunOnTime, 0, 0, 1, 0},
		expectedSpan{RunMissed, minutes(60), minutes(60 * 23), 23, 0},
		expectedSpan{RunMissed, minutes(60 * 24), minutes(60 * 47), 24, 0},
		expectedSpan{RunMissed, minutes(60 * 48), minutes(60 * 50), 3, 0},
		expectedSpan{RunOnTime, minutes(60*50 + 30), minutes(60*50 + 30), 1, 0},
	)
	if len(s.closed) != 4 {
		t.Errorf("%d stretches are closed; want the first four", len(s.closed))
	}
}

func TestUnstoredSpans_ALongSilenceIsBounded(t *testing.T) {
	every := fiveMinuteRule
	every.Interval = time.Second
	s := play(t, every, pingAt(PingSuccess, 0))
	year := 365 * 24 * time.Hour
	n := int64(0)
	for _, st := range s.history(year) {
		if st.What == RunMissed {
			n += st.Count
		}
	}
	if want := int64(maxRecordedSilence / time.Second); n != want {
		t.Errorf("%d slots are recorded; want the %d of ninety days", n, want)
	}
	if days := len(s.h.UnstoredSpans(epoch.Add(year), 3)); days != 4 {
		t.Errorf("%d stretches; want three days and the tail", days)
	}
}

func TestCalendar_ParsesAndCompares(t *testing.T) {
	read := func(kind CalendarKind, zone string, lines ...string) *Calendar {
		c, err := NewCalendar(kind, lines, zone)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := read(Cron, "US/Eastern", "0  3 * * *", "", "30 4 * * 1")
	if c.Kind() != Cron || c.Zone() != "US/Eastern" || c.CanonicalZone() != "America/New_York" || !cmp.Equal(c.Lines(), []string{"0 3 * * *", "30 4 * * 1"}) || c.Describe() == "" {
		t.Errorf("read as %s %q in %s: %s", c.Kind(), c.Lines(), c.Zone(), c.Describe())
	}
	for _, other := range []*Calendar{nil, read(Cron, "UTC", "0 3 * * *", "30 4 * * 1"), read(Cron, "US/Eastern", "0 3 * * *"), read(OnCalendar, "US/Eastern", "03:00")} {
		if c.Equal(other) || other.Equal(c) {
			t.Errorf("%+v equals %+v", c, other)
		}
	}
	if !c.Equal(read(Cron, " US/Eastern ", "0 3 * * *", "30 4 * * 1")) {
		t.Error("the same text is another calendar")
	}
	var problem *schedule.Problem
	if _, err := NewCalendar(Cron, []string{"0 3 * * *"}, "Nowhere/Atall"); !errors.As(err, &problem) {
		t.Errorf("%v; want a problem", err)
	}
	if _, err := NewCalendar(Cron, []string{"0 3 * * *", "0 25 * * *"}, ""); !errors.As(err, &problem) || problem.Line != 2 {
		t.Errorf("%v; want a problem of line 2", err)
	}
	if (Rule{Calendar: c}).Describe() != c.Describe() || fiveMinuteRule.Describe() != "every 5\u00a0min" {
		t.Errorf("words %q and %q", Rule{Calendar: c}.Describe(), fiveMinuteRule.Describe())
	}
}

func TestRule_EqualComparesTheSettings(t *testing.T) {
	a, b := calendarRule(1), calendarRule(1)
	a.ExpectFirstBy, b.ExpectFirstBy = epoch, epoch.In(time.FixedZone("", 3600))
	if !a.Equal(b) {
		t.Error("the same rule is another")
	}
	b.AlertAfter = 2
	if a.Equal(b) || a.Equal(fiveMinuteRule) {
		t.Error("another rule is the same")
	}
}

func TestZoneHint_PingsWholeHoursAfterTheirSlots(t *testing.T) {
	daily, err := NewCalendar(Cron, []string{"0 3 * * *"}, "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	rule := Rule{Calendar: daily}
	at := func(n int, offsets ...time.Duration) (pings []Ping) {
		slot := epoch
		for i := range n {
			slot, _ = daily.schedule.Next(slot)
			pings = append(pings, Ping{At: slot.Add(offsets[i%len(offsets)])})
		}
		return pings
	}
	for _, row := range []struct {
		name  string
		rule  Rule
		pings []Ping
		hint  bool
	}{
		{"TwoHours", rule, at(5, 2*time.Hour+5*time.Minute, 2*time.Hour-9*time.Minute), true},
		{"Fourteen", rule, at(6, 14*time.Hour), true},
		{"Fifteen", rule, at(6, 15*time.Hour), false},
		{"TooFew", rule, at(4, 2*time.Hour), false},
		{"Punctual", rule, at(5, time.Minute), false},
		{"NotWhole", rule, at(5, 2*time.Hour+15*time.Minute), false},
		{"NotTheSame", rule, at(5, 2*time.Hour, 3*time.Hour), false},
		{"AnInterval", fiveMinuteRule, at(5, 2*time.Hour), false},
		{"NoSlotBefore", Rule{Calendar: calendarOf([]int{1})}, []Ping{{At: epoch}, {}, {}, {}, {}}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.rule.ZoneHint(row.pings); (got != "") != row.hint {
				t.Errorf("hint %q; want one: %v", got, row.hint)
			}
		})
	}
}

func TestOutcome_GoodIsOnTimeOrLate(t *testing.T) {
	for _, o := range Outcomes {
		if want := o == "on_time" || o == "late"; o.Good() != want {
			t.Errorf("%s is good: %v", o, o.Good())
		}
	}
}
