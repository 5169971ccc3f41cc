package monitor

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/schedule"
)

// calendarAt is nightly with slots at the given minutes.
func calendarAt(at ...int) Rule {
	slots := make([]int, 0, len(at))
	for _, m := range at {
		slots = append(slots, 60*m)
	}
	r := nightly
	r.Interval, r.Calendar, r.Early = 0, listed(slots), UsualEarly
	return r
}

// kept checks the ledger at the end of a story.
func kept(t *testing.T, s *story, now time.Duration, want ...stretch) {
	t.Helper()
	if diff := cmp.Diff(want, s.ledger(now)); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestEarlyPings(t *testing.T) {
	hourly := calendarAt(60, 120, 180, 240)
	never := hourly
	never.Early = 0
	run(t, []outcome{
		{
			name:     "APingWithinTheUsualWindowCountsForTheSlotAndNotForTheNext",
			rule:     hourly,
			steps:    []step{hear(Success, minutes(59)), sweep(minutes(122) - Tick), sweep(minutes(122))},
			status:   Down,
			episodes: []episode{{Cause: Missed, Opened: minutes(122)}},
		},
		{
			name:     "ASecondPingInTheWindowCountsForNoOtherSlot",
			rule:     hourly,
			steps:    []step{hear(Success, minutes(58)), hear(Success, minutes(59)), sweep(minutes(122))},
			status:   Down,
			episodes: []episode{{Cause: Missed, Opened: minutes(122)}},
		},
		{
			name:     "BeforeTheWindowItCountsForNothing",
			rule:     hourly,
			steps:    []step{hear(Success, minutes(58)-Tick), sweep(minutes(62))},
			status:   Down,
			episodes: []episode{{Cause: Missed, Opened: minutes(62)}},
		},
		{
			name:     "WithoutAWindowAPingASecondEarlyCountsForNothing",
			rule:     never,
			steps:    []step{hear(Success, minutes(60)-time.Second), sweep(minutes(62))},
			status:   Down,
			episodes: []episode{{Cause: Missed, Opened: minutes(62)}},
		},
		{
			name:     "AJobWhoseClockIsFastDoesNotFlapAfterOneMiss",
			rule:     hourly,
			steps:    []step{hear(Success, minutes(59)), hear(Success, minutes(179)), sweep(minutes(241))},
			status:   Late,
			episodes: []episode{recovered(episode{Cause: Missed, Opened: minutes(122)}, minutes(179))},
		},
		{
			name:   "AfterTheLastSlotNothingIsExpected",
			rule:   calendarAt(60),
			steps:  []step{hear(Success, minutes(60)), sweep(minutes(6000))},
			status: Up,
		},
	})
}

func TestAPingWithinGraceOfADueSlotCountsForThatAndNotForTheNext(t *testing.T) {
	rule := calendarAt(60, 62, 64, 66)
	rule.Early = time.Minute
	s := tell(t, rule, hear(Success, minutes(60)), hear(Success, minutes(63.5)))
	kept(t, s, minutes(63.5),
		stretch{RunOnTime, minutes(60), minutes(60), 1, 0}, stretch{RunLate, minutes(62), minutes(62), 1, minutes(1.5)})
	if got := sinceEpoch(s.h.Due()); got != minutes(64) {
		t.Errorf("due at %v; want 64m", got)
	}
}

func TestEditingTheCalendarForgetsWhatWasEarly(t *testing.T) {
	s := tell(t, calendarAt(60, 120), hear(Success, minutes(59)))
	if got := sinceEpoch(s.h.Due()); got != minutes(120) {
		t.Fatalf("due at %v; want 120m: the first slot is counted", got)
	}
	amend(calendarAt(65, 120), minutes(59))(s)
	if got := sinceEpoch(s.h.Due()); got != minutes(65) {
		t.Errorf("due at %v; want 65m: six minutes early is not early for it", got)
	}
	amend(calendarAt(61, 120), minutes(59))(s)
	if got := sinceEpoch(s.h.Due()); got != minutes(120) {
		t.Errorf("due at %v; want 120m: two minutes early is early for the new slot", got)
	}
	quicker := calendarAt(61, 120)
	quicker.MaxRunTime = time.Minute
	amend(quicker, minutes(59))(s)
	if got := sinceEpoch(s.h.Due()); got != minutes(120) {
		t.Errorf("due at %v; want 120m: the schedule is the same", got)
	}
}

func TestRunRules(t *testing.T) {
	short, start, thrice, first := nightly, nightly, nightly, nightly
	short.MinRunTime = time.Minute
	start.StartGrace = time.Minute
	thrice.AlertAfter = 3
	first.ExpectFirstBy = epoch.Add(minutes(30))
	quick := []step{hear(Start, 0), hear(Success, minutes(0.5))}
	tooShort := episode{Cause: TooShort, Opened: minutes(0.5)}
	again := tooShort
	again.Failures = 1
	thriceLong := thrice
	thriceLong.MaxRunTime = 10 * time.Minute
	relaxed, twice := short, short
	relaxed.MinRunTime, twice.AlertAfter = 30*time.Second, 2
	edited := tooShort
	edited.How, edited.Resolved = Edited, minutes(2)
	failed := episode{Cause: Failure, Opened: minutes(1), How: Edited, Resolved: minutes(2)}
	run(t, []outcome{
		{name: "ARunBelowTheMinimumIsBad", rule: short, steps: quick, status: Down, episodes: []episode{tooShort}},
		{name: "ARunOfTheMinimumIsGood", rule: relaxed, steps: quick, status: Up},
		{name: "ASuccessWithoutAStartIsNeverTooShort", rule: short, steps: []step{hear(Success, 0)}, status: Up},
		{
			name: "AShortRunDoesNotRecover", rule: short,
			steps:  append(quick, hear(Start, minutes(1)), hear(Success, minutes(1.5))),
			status: Down, episodes: []episode{again},
		},
		{name: "ALowerMinimumResolvesIt", rule: short, steps: append(quick, amend(relaxed, minutes(2))), status: Up, episodes: []episode{edited}},
		{name: "ToleratingItResolvesIt", rule: short, steps: append(quick, amend(twice, minutes(2))), status: Up, episodes: []episode{edited}},
		{
			name: "ToleratingAFailureResolvesIt", steps: []step{hear(Fail, minutes(1)), amend(thrice, minutes(2))},
			status: Up, episodes: []episode{failed},
		},
		{
			name: "NothingBegunByTheStartGraceIsAnIncident", rule: start,
			steps:  []step{hear(Success, 0), sweep(minutes(6) - Tick), sweep(minutes(6))},
			status: Down, episodes: []episode{{Cause: NotStarted, Opened: minutes(6)}},
		},
		{
			name: "AStartAtTheStartGraceIsInTime", rule: start,
			steps:  []step{hear(Success, 0), hear(Start, minutes(6)), sweep(minutes(7.5))},
			status: Late,
		},
		{
			name: "AFinishAtTheStartGraceIsInTime", rule: start,
			steps:  []step{hear(Success, 0), hear(Success, minutes(6))},
			status: Up,
		},
		{
			name: "OnlyTheThirdBadRunInARowIsTold", rule: thrice,
			steps:  []step{hear(Fail, 0), hear(Fail, minutes(1)), hear(Fail, minutes(2))},
			status: Down, episodes: []episode{{Cause: Failure, Opened: minutes(2)}},
		},
		{
			name: "AGoodRunBeginsTheCountAnew", rule: thrice,
			steps:  []step{hear(Fail, 0), hear(Fail, minutes(1)), hear(Success, minutes(2)), hear(Fail, minutes(3)), hear(Fail, minutes(4))},
			status: Up,
		},
		{
			name: "SilenceIsToldAfterAsManySlots", rule: thrice,
			steps:  []step{hear(Success, 0), sweep(minutes(17) - Tick), sweep(minutes(17))},
			status: Down, episodes: []episode{{Cause: Missed, Opened: minutes(17)}},
		},
		{
			name: "AFailureAndSilenceCountTogether", rule: thrice,
			steps:  []step{hear(Fail, 0), sweep(minutes(12))},
			status: Down, episodes: []episode{{Cause: Missed, Opened: minutes(12)}},
		},
		{
			name: "ARunThatOverranIsNotMissedAsWell", rule: thrice,
			steps:  []step{hear(Success, 0), hear(Start, minutes(5)), sweep(minutes(17) - Tick), sweep(minutes(17))},
			status: Down, episodes: []episode{{Cause: Missed, Opened: minutes(17)}},
		},
		{
			name: "ANewHeartbeatThatIsExpectedIsToldOfWhenItsTimeIsOver", rule: first,
			steps:  []step{sweep(minutes(30) - Tick), sweep(minutes(30))},
			status: Down, episodes: []episode{{Cause: Missed, Opened: minutes(30)}},
		},
		{
			name: "ARunInProgressIsAFirstSign", rule: first,
			steps:  []step{hear(Start, minutes(29)), sweep(minutes(30))},
			status: New,
		},
		{
			name: "APauseBeginsTheCountAnew", rule: thrice,
			steps:  []step{hear(Fail, 0), hear(Fail, minutes(1)), pause(minutes(2)), resume(minutes(3)), hear(Fail, minutes(4))},
			status: Up,
		},
		{
			name: "AnEditLetsTheClocksCountAgain", rule: thrice,
			// The run overran and its slot was not waited for; under the new rule it has not.
			steps:  []step{hear(Success, 0), hear(Start, minutes(5)), sweep(minutes(8)), amend(thriceLong, minutes(8)), sweep(minutes(9))},
			status: Late,
		},
		{name: "AFirstPingAtThatMomentIsInTime", rule: first, steps: []step{hear(Success, minutes(30))}, status: Up},
		{
			name: "AMomentThatPassedInAPauseIsPast", rule: first,
			steps:  []step{pause(minutes(1)), resume(minutes(31)), sweep(minutes(99))},
			status: New,
		},
	})
}

func TestAStretchKeepsTheWorstLatenessAndTheNewestPing(t *testing.T) {
	s := tell(t, nightly, hear(Success, 0), hear(Success, minutes(6.5)), hear(Success, minutes(12)), hear(Success, minutes(18)))
	kept(t, s, minutes(18), stretch{RunOnTime, 0, 0, 1, 0}, stretch{RunLate, minutes(5), minutes(17), 3, minutes(1.5)})
	if at := s.h.Ledger.Tail.At; sinceEpoch(at) != minutes(18) {
		t.Errorf("decided at %v; want 18m", sinceEpoch(at))
	}
}

func TestWhatSilenceDecidedStaysWhenTheRuleIsEditedOrTheHeartbeatEnds(t *testing.T) {
	silent := []stretch{{RunOnTime, 0, 0, 1, 0}, {RunMissed, minutes(5), minutes(15), 3, 0}}
	daily, brief, long := nightly, nightly, nightly
	daily.Interval, brief.MaxRunTime, long.MaxRunTime = 24*time.Hour, time.Minute, 10*time.Minute
	for name, last := range map[string]step{"edited": amend(daily, minutes(18)), "paused": pause(minutes(18)), "deleted": remove(minutes(18))} {
		t.Run(name, func(t *testing.T) { kept(t, tell(t, nightly, hear(Success, 0), last), minutes(99), silent...) })
	}
	t.Run("anew", func(t *testing.T) {
		s := tell(t, long, hear(Success, 0), hear(Start, minutes(1)), amend(brief, minutes(4)))
		kept(t, s, minutes(4), stretch{RunOnTime, 0, 0, 1, 0}, stretch{RunOverran, minutes(2), minutes(2), 1, 0})
	})
}

func TestAResumptionDoesNotExpectASlotThatIsCountedAndAnEditDoes(t *testing.T) {
	s := tell(t, calendarAt(61, 120), hear(Success, minutes(59.5)), pause(minutes(59.6)), resume(minutes(59.7)))
	if got := sinceEpoch(s.h.Due()); got != minutes(120) {
		t.Errorf("due at %v; want 120m", got)
	}
	amend(calendarAt(60, 120), minutes(59.8))(s)
	if got := sinceEpoch(s.h.Due()); got != minutes(60) {
		t.Errorf("due at %v; want 60m: nothing came for the new slot", got)
	}
}

func TestAStretchEndsWithTheDay(t *testing.T) {
	hourly := nightly
	hourly.Interval = time.Hour
	s := tell(t, hourly, hear(Success, 0), sweep(minutes(60*50)), hear(Success, minutes(60*50+30)))
	kept(t, s, minutes(60*50+30),
		stretch{RunOnTime, 0, 0, 1, 0},
		stretch{RunMissed, minutes(60), minutes(60 * 23), 23, 0},
		stretch{RunMissed, minutes(60 * 24), minutes(60 * 47), 24, 0},
		stretch{RunMissed, minutes(60 * 48), minutes(60 * 50), 3, 0},
		stretch{RunOnTime, minutes(60*50 + 30), minutes(60*50 + 30), 1, 0},
	)
	if len(s.decided) != 4 {
		t.Errorf("%d stretches are closed; want the first four", len(s.decided))
	}
}

func TestALongSilenceIsNeitherForgottenNorWalkedForEver(t *testing.T) {
	every := nightly
	every.Interval = time.Second
	s := tell(t, every, hear(Success, 0))
	year := 365 * 24 * time.Hour
	n := int64(0)
	for _, st := range s.ledger(year) {
		if st.What == RunMissed {
			n += st.Count
		}
	}
	if want := int64(longestSilence / time.Second); n != want {
		t.Errorf("%d slots are told; want the %d of ninety days", n, want)
	}
	if days := len(s.h.Unwritten(epoch.Add(year), 3)); days != 4 {
		t.Errorf("%d stretches; want three days and the tail", days)
	}
}

func TestACalendarIsReadAndCompared(t *testing.T) {
	read := func(kind CalendarKind, zone string, lines ...string) *Calendar {
		c, err := NewCalendar(kind, lines, zone)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := read(Cron, "US/Eastern", "0  3 * * *", "", "30 4 * * 1")
	if c.Kind() != Cron || c.Zone() != "US/Eastern" || c.ZoneToday() != "America/New_York" || !cmp.Equal(c.Lines(), []string{"0 3 * * *", "30 4 * * 1"}) || c.Words() == "" {
		t.Errorf("read as %s %q in %s: %s", c.Kind(), c.Lines(), c.Zone(), c.Words())
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
	if (Rule{Calendar: c}).Words() != c.Words() || nightly.Words() != "every 5\u00a0min" {
		t.Errorf("words %q and %q", Rule{Calendar: c}.Words(), nightly.Words())
	}
}

func TestRulesAreComparedByWhatTheySay(t *testing.T) {
	a, b := calendarAt(1), calendarAt(1)
	a.ExpectFirstBy, b.ExpectFirstBy = epoch, epoch.In(time.FixedZone("", 3600))
	if !a.Equal(b) {
		t.Error("the same rule is another")
	}
	b.AlertAfter = 2
	if a.Equal(b) || a.Equal(nightly) {
		t.Error("another rule is the same")
	}
}

func TestPingsThatComeWholeHoursAfterTheirSlotsHintAtTheZone(t *testing.T) {
	daily, err := NewCalendar(Cron, []string{"0 3 * * *"}, "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	rule := Rule{Calendar: daily}
	at := func(n int, offsets ...time.Duration) (pings []Ping) {
		slot := epoch
		for i := range n {
			slot, _ = daily.slots.Next(slot)
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
		{"AnInterval", nightly, at(5, 2*time.Hour), false},
		{"NoSlotBefore", Rule{Calendar: listed([]int{1})}, []Ping{{At: epoch}, {}, {}, {}, {}}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.rule.ZoneHint(row.pings); (got != "") != row.hint {
				t.Errorf("hint %q; want one: %v", got, row.hint)
			}
		})
	}
}

func TestOnTimeAndLateAreGood(t *testing.T) {
	for _, o := range Outcomes {
		if want := o == "on_time" || o == "late"; o.Good() != want {
			t.Errorf("%s is good: %v", o, o.Good())
		}
	}
}
