package monitor

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// hourlyAt is a rule with every clock, either as an interval or as a calendar
// with a slot at each full hour.
func hourlyAt(calendar bool) Rule {
	r := Rule{
		Interval: time.Hour, Grace: 20 * time.Minute, MaxRunTime: 10 * time.Minute, MinRunTime: time.Minute,
		StartGrace: 5 * time.Minute, Methods: AnyMethod,
	}
	if calendar {
		var slots []int
		for hour := 1; hour <= 12; hour++ {
			slots = append(slots, 3600*hour)
		}
		r.Interval, r.Calendar, r.Early = 0, listed(slots), UsualEarly
	}
	return r
}

// A bad run is in the history whatever was bad about it and whatever came before
// it: nothing, a resumption, or an edit.
func TestLedger_HoldsABadRunWhateverCameBeforeIt(t *testing.T) {
	tried := minutes(100) // no slot of the calendar is near
	bad := []struct {
		what  Outcome
		cause Cause
		at    time.Duration
		steps []step
	}{
		{RunFailed, Failure, tried, []step{hear(Fail, tried)}},
		{RunOverran, Overran, tried, []step{hear(Start, tried-minutes(10)), sweep(tried)}},
		{RunTooShort, TooShort, tried, []step{hear(Start, tried-minutes(0.5)), hear(Success, tried)}},
	}
	longer := func(r Rule) Rule { r.Grace += time.Minute; return r }
	for _, calendar := range []bool{false, true} {
		rule := hourlyAt(calendar)
		before := map[string][]step{
			"FirstRunEver":            nil,
			"AfterAPauseWithoutAPing": {pause(minutes(62)), resume(minutes(85))},
			"AfterAResumption":        {hear(Success, minutes(61)), pause(minutes(62)), resume(minutes(85))},
			"AfterAnEdit":             {hear(Success, minutes(61)), amend(longer(rule), minutes(85))},
			"AfterAnEditWithoutAPing": {amend(longer(rule), minutes(85))},
			"AfterASuccess":           {hear(Success, minutes(61))},
		}
		for name, past := range before {
			for _, run := range bad {
				t.Run(map[bool]string{false: "Interval", true: "Calendar"}[calendar]+name+string(run.what), func(t *testing.T) {
					s := tell(t, rule, append(past, run.steps...)...)
					all := s.ledger(tried)
					if s.h.Status != Down || s.h.Cause != run.cause {
						t.Fatalf("status %s, cause %s", s.h.Status, s.h.Cause)
					}
					if len(all) == 0 {
						t.Fatal("the history is empty")
					}
					if got, want := all[len(all)-1], (stretch{run.what, run.at, run.at, 1, 0}); got != want {
						t.Errorf("newest is %+v; want %+v", got, want)
					}
					// It stays one run when an edit judges it again, and when its finish comes.
					amend(longer(longer(s.h.Rule)), tried+minutes(0.1))(s)
					if n := len(s.ledger(tried)); n != len(all) {
						t.Errorf("%d stretches after an edit; want %d", n, len(all))
					}
				})
			}
		}
	}
}

func TestLedger_HoldsASilenceWhateverCameBeforeIt(t *testing.T) {
	for _, calendar := range []bool{false, true} {
		rule := hourlyAt(calendar)
		slot := minutes(120)
		if !calendar {
			slot = minutes(145)
		}
		missing := rule
		missing.StartGrace = 0
		first := rule
		first.ExpectFirstBy = epoch.Add(minutes(100))
		for _, row := range []struct {
			name  string
			rule  Rule
			steps []step
			want  stretch
		}{
			{"NotStartedAfterAResumption", rule, []step{hear(Success, minutes(61)), pause(minutes(62)), resume(minutes(85))}, stretch{RunNotStarted, slot, slot, 1, 0}},
			{"NotStartedAfterAnEdit", missing, []step{hear(Success, minutes(85)), amend(rule, minutes(86))}, stretch{RunNotStarted, slot, slot, 1, 0}},
			{"MissedAfterAResumption", missing, []step{hear(Success, minutes(61)), pause(minutes(62)), resume(minutes(85))}, stretch{RunMissed, slot, slot, 1, 0}},
			{"MissedAfterAnEdit", rule, []step{hear(Success, minutes(85)), amend(missing, minutes(86))}, stretch{RunMissed, slot, slot, 1, 0}},
			{"NeverPinged", first, nil, stretch{RunMissed, minutes(100), minutes(100), 1, 0}},
		} {
			t.Run(map[bool]string{false: "Interval", true: "Calendar"}[calendar]+row.name, func(t *testing.T) {
				s := tell(t, row.rule, append(row.steps, sweep(slot+minutes(25)))...)
				all := s.ledger(slot + minutes(25))
				if s.h.Status != Down || len(all) == 0 || all[len(all)-1] != row.want {
					t.Errorf("%s, %+v; want down and %+v last", s.h.Status, all, row.want)
				}
			})
		}
	}
}

func TestLedger_ARunIsCountedOnceHoweverItEnds(t *testing.T) {
	twice := nightly
	twice.Interval, twice.Grace, twice.AlertAfter = time.Hour, 5*time.Minute, 2
	overran := stretch{RunOverran, minutes(5), minutes(5), 1, 0}
	for _, row := range []struct {
		name     string
		steps    []step
		status   Status
		want     []stretch
		episodes int
	}{
		{"ItSucceedsAfterAll", []step{hear(Success, minutes(8))}, Up, []stretch{overran}, 0},
		{"ItFailsAfterAll", []step{hear(Fail, minutes(8))}, Up, []stretch{overran}, 0},
		{
			"AnotherRunFails",
			[]step{hear(Start, minutes(7)), hear(Fail, minutes(8))},
			Down,
			[]stretch{overran, {RunFailed, minutes(8), minutes(8), 1, 0}},
			1,
		},
		{
			"AnotherRunSucceeds",
			[]step{hear(Start, minutes(7)), hear(Success, minutes(8)), hear(Fail, minutes(9))},
			Up,
			[]stretch{overran, {RunOnTime, minutes(8), minutes(8), 1, 0}, {RunFailed, minutes(9), minutes(9), 1, 0}},
			0,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := tell(t, twice, append([]step{hear(Start, 0), sweep(minutes(6))}, row.steps...)...)
			kept(t, s, minutes(10), row.want...)
			if s.h.Status != row.status || len(s.episodes) != row.episodes {
				t.Errorf("%s with %d incidents; want %s with %d", s.h.Status, len(s.episodes), row.status, row.episodes)
			}
		})
	}
}

// An interval much shorter than its grace has one open slot until grace is over.
func TestLedger_WithinGraceOneSlotIsOpenAndNothingIsMissed(t *testing.T) {
	rule := Rule{Interval: 40 * time.Second, Grace: 2 * time.Hour, Methods: AnyMethod}
	first := stretch{RunOnTime, 0, 0, 1, 0}
	due, deadline := 40*time.Second, 40*time.Second+2*time.Hour
	t.Run("Interval", func(t *testing.T) {
		s := tell(t, rule, hear(Success, 0), sweep(minutes(20)))
		kept(t, s, minutes(20), first)
		kept(t, s, deadline-Tick, first)
		kept(t, s, deadline, first, stretch{RunMissed, due, due, 1, 0})
		kept(t, s, deadline+2*due, first, stretch{RunMissed, due, 3 * due, 3, 0})
	})
	t.Run("AnIntervalsPingAnswersTheOpenSlot", func(t *testing.T) {
		s := tell(t, rule, hear(Success, 0), hear(Success, minutes(20)))
		kept(t, s, minutes(20), first, stretch{RunLate, due, due, 1, minutes(20) - due})
	})
	t.Run("AnIntervalsPingAfterTheDeadline", func(t *testing.T) {
		s := tell(t, rule, hear(Success, 0), hear(Success, deadline+due+Tick))
		kept(t, s, minutes(180), first, stretch{RunMissed, due, 2 * due, 2, 0}, stretch{RunLate, 3 * due, 3 * due, 1, 2*time.Hour - due + Tick})
	})
	t.Run("AFailureWithinGraceIsOneBadRun", func(t *testing.T) {
		thrice := rule
		thrice.AlertAfter = 3
		s := tell(t, thrice, hear(Success, 0), hear(Fail, minutes(20)))
		kept(t, s, minutes(20), first, stretch{RunFailed, due, due, 1, 0})
		if s.h.Status != Up || s.h.BadRuns() != 1 {
			t.Errorf("%s with %d bad runs; want up with 1", s.h.Status, s.h.BadRuns())
		}
	})
	calendar := calendarAt(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	calendar.Grace = 2 * time.Hour
	t.Run("Calendar", func(t *testing.T) {
		s := tell(t, calendar, hear(Success, minutes(1)), sweep(minutes(9)))
		one := stretch{RunOnTime, minutes(1), minutes(1), 1, 0}
		kept(t, s, minutes(122)-Tick, one)
		kept(t, s, minutes(123), one, stretch{RunMissed, minutes(2), minutes(3), 2, 0})
	})
	t.Run("ACalendarsPingCountsForTheLastSlotAndPassesOverTheOthers", func(t *testing.T) {
		s := tell(t, calendar, hear(Success, minutes(1)), hear(Success, minutes(4)))
		kept(t, s, minutes(4), stretch{RunOnTime, minutes(1), minutes(1), 1, 0},
			stretch{RunMissed, minutes(2), minutes(3), 2, 0}, stretch{RunOnTime, minutes(4), minutes(4), 1, 0})
	})
}

// Whatever opened an incident is in the history of runs, the first run included.
func TestLedger_HoldsTheBadRunOfEveryIncident(t *testing.T) {
	outcomes := map[Cause]Outcome{Missed: RunMissed, Failure: RunFailed, TooShort: RunTooShort, Overran: RunOverran, NotStarted: RunNotStarted}
	rapid.Check(t, func(t *rapid.T) {
		drawn, events := drawFullRule(t), drawUnedited(t)
		rule := drawn.rule()
		if drawn.firstBy > 0 {
			rule.ExpectFirstBy = rule.ExpectFirstBy.Add(time.Second / 2) // no run ends at this moment
		}
		s := tell(t, rule)
		for _, e := range events {
			e.step()(s)
		}
		at := seconds(end(events))
		sweep(at)(s)
		want, got := map[Outcome]int64{}, map[Outcome]int64{}
		for _, e := range s.episodes {
			want[outcomes[e.Cause]]++
		}
		for _, st := range s.ledger(at) {
			got[st.What] += st.Count
		}
		for what, n := range want {
			if got[what] < n {
				t.Fatalf("%d %s in the history of %d incidents: %+v, %+v", got[what], what, n, s.ledger(at), s.episodes)
			}
		}
	})
}

// As long as silence is within grace, it has decided nothing.
func TestLedger_HoldsNoMissWithinGrace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, events := drawFullRule(t), drawUnedited(t)
		rule.grace, rule.firstBy = rapid.IntRange(5, 60).Draw(t, "grace"), 0
		s := tell(t, rule.rule())
		for _, e := range events {
			e.step()(s)
		}
		from := s.h.From
		for at := seconds(events[len(events)-1].at); at < seconds(end(events)); at += time.Second {
			sweep(at)(s)
			if s.h.Status != Late && s.h.Status != Up {
				break
			}
			for _, st := range s.h.Unwritten(epoch.Add(at), 0) {
				if st.Outcome == RunMissed && st.Last.Add(s.h.Rule.Grace).After(epoch.Add(at)) && st.Last.After(from) {
					t.Fatalf("%s at %v, and missed: %+v", s.h.Status, at, st)
				}
			}
		}
	})
}
