package monitor

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// hourlyRule is a rule with every kind of deadline, either as an interval or as a calendar with a
// slot at each full hour.
func hourlyRule(calendar bool) Rule {
	r := Rule{
		Interval: time.Hour, Grace: 20 * time.Minute, MaxRunTime: 10 * time.Minute, MinRunTime: time.Minute,
		StartGrace: 5 * time.Minute, Methods: AnyMethod,
	}
	if calendar {
		var slots []int
		for hour := 1; hour <= 12; hour++ {
			slots = append(slots, 3600*hour)
		}
		r.Interval, r.Calendar, r.Early = 0, calendarOf(slots), DefaultEarly
	}
	return r
}

// A failed run is in the history whatever its failure and whatever came before it: nothing, a
// resumption, or an edit.
func TestRunHistory_RecordsAFailedRunWhateverCameBeforeIt(t *testing.T) {
	tried := minutes(100) // not near a slot of the calendar
	bad := []struct {
		what  Outcome
		cause Cause
		at    time.Duration
		steps []action
	}{
		{RunFailed, CauseFailure, tried, []action{pingAt(PingFail, tried)}},
		{RunOverran, CauseOverran, tried, []action{pingAt(PingStart, tried-minutes(10)), evaluateAt(tried)}},
		{RunTooShort, CauseTooShort, tried, []action{pingAt(PingStart, tried-minutes(0.5)), pingAt(PingSuccess, tried)}},
	}
	longer := func(r Rule) Rule { r.Grace += time.Minute; return r }
	for _, calendar := range []bool{false, true} {
		rule := hourlyRule(calendar)
		before := map[string][]action{
			"FirstRunEver":            nil,
			"AfterAPauseWithoutAPing": {pauseAt(minutes(62)), resumeAt(minutes(85))},
			"AfterAResumption":        {pingAt(PingSuccess, minutes(61)), pauseAt(minutes(62)), resumeAt(minutes(85))},
			"AfterAnEdit":             {pingAt(PingSuccess, minutes(61)), changeRuleAt(longer(rule), minutes(85))},
			"AfterAnEditWithoutAPing": {changeRuleAt(longer(rule), minutes(85))},
			"AfterASuccess":           {pingAt(PingSuccess, minutes(61))},
		}
		for name, past := range before {
			for _, run := range bad {
				t.Run(map[bool]string{false: "Interval", true: "Calendar"}[calendar]+name+string(run.what), func(t *testing.T) {
					s := play(t, rule, append(past, run.steps...)...)
					all := s.history(tried)
					if s.h.Status != Down || s.h.DownCause != run.cause {
						t.Fatalf("status %s, cause %s", s.h.Status, s.h.DownCause)
					}
					if len(all) == 0 {
						t.Fatal("the history is empty")
					}
					if got, want := all[len(all)-1], (expectedSpan{run.what, run.at, run.at, 1, 0}); got != want {
						t.Errorf("newest is %+v; want %+v", got, want)
					}
					// It stays one run after an edit, and after its finish.
					changeRuleAt(longer(longer(s.h.Rule)), tried+minutes(0.1))(s)
					if n := len(s.history(tried)); n != len(all) {
						t.Errorf("%d stretches after an edit; want %d", n, len(all))
					}
				})
			}
		}
	}
}

func TestRunHistory_RecordsASilenceWhateverCameBeforeIt(t *testing.T) {
	for _, calendar := range []bool{false, true} {
		rule := hourlyRule(calendar)
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
			steps []action
			want  expectedSpan
		}{
			{"NotStartedAfterAResumption", rule, []action{pingAt(PingSuccess, minutes(61)), pauseAt(minutes(62)), resumeAt(minutes(85))}, expectedSpan{RunNotStarted, slot, slot, 1, 0}},
			{"NotStartedAfterAnEdit", missing, []action{pingAt(PingSuccess, minutes(85)), changeRuleAt(rule, minutes(86))}, expectedSpan{RunNotStarted, slot, slot, 1, 0}},
			{"MissedAfterAResumption", missing, []action{pingAt(PingSuccess, minutes(61)), pauseAt(minutes(62)), resumeAt(minutes(85))}, expectedSpan{RunMissed, slot, slot, 1, 0}},
			{"MissedAfterAnEdit", rule, []action{pingAt(PingSuccess, minutes(85)), changeRuleAt(missing, minutes(86))}, expectedSpan{RunMissed, slot, slot, 1, 0}},
			{"NeverPinged", first, nil, expectedSpan{RunMissed, minutes(100), minutes(100), 1, 0}},
		} {
			t.Run(map[bool]string{false: "Interval", true: "Calendar"}[calendar]+row.name, func(t *testing.T) {
				s := play(t, row.rule, append(row.steps, evaluateAt(slot+minutes(25)))...)
				all := s.history(slot + minutes(25))
				if s.h.Status != Down || len(all) == 0 || all[len(all)-1] != row.want {
					t.Errorf("%s, %+v; want down and %+v last", s.h.Status, all, row.want)
				}
			})
		}
	}
}

func TestRunHistory_CountsARunOnceHoweverItEnds(t *testing.T) {
	twice := fiveMinuteRule
	twice.Interval, twice.Grace, twice.AlertAfter = time.Hour, 5*time.Minute, 2
	overran := expectedSpan{RunOverran, minutes(5), minutes(5), 1, 0}
	for _, row := range []struct {
		name     string
		steps    []action
		status   Status
		want     []expectedSpan
		episodes int
	}{
		{"ItSucceedsAfterAll", []action{pingAt(PingSuccess, minutes(8))}, Up, []expectedSpan{overran}, 0},
		{"ItFailsAfterAll", []action{pingAt(PingFail, minutes(8))}, Up, []expectedSpan{overran}, 0},
		{
			"AnotherRunFails",
			[]action{pingAt(PingStart, minutes(7)), pingAt(PingFail, minutes(8))},
			Down,
			[]expectedSpan{overran, {RunFailed, minutes(8), minutes(8), 1, 0}},
			1,
		},
		{
			"AnotherRunSucceeds",
			[]action{pingAt(PingStart, minutes(7)), pingAt(PingSuccess, minutes(8)), pingAt(PingFail, minutes(9))},
			Up,
			[]expectedSpan{overran, {RunOnTime, minutes(8), minutes(8), 1, 0}, {RunFailed, minutes(9), minutes(9), 1, 0}},
			0,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := play(t, twice, append([]action{pingAt(PingStart, 0), evaluateAt(minutes(6))}, row.steps...)...)
			checkHistory(t, s, minutes(10), row.want...)
			if s.h.Status != row.status || len(s.incidents) != row.episodes {
				t.Errorf("%s with %d incidents; want %s with %d", s.h.Status, len(s.incidents), row.status, row.episodes)
			}
		})
	}
}

// An interval much shorter than its grace has one open slot until grace is over.
func TestRunHistory_WithinGraceOneSlotIsOpenAndNothingIsMissed(t *testing.T) {
	rule := Rule{Interval: 40 * time.Second, Grace: 2 * time.Hour, Methods: AnyMethod}
	first := expectedSpan{RunOnTime, 0, 0, 1, 0}
	due, deadline := 40*time.Second, 40*time.Second+2*time.Hour
	t.Run("Interval", func(t *testing.T) {
		s := play(t, rule, pingAt(PingSuccess, 0), evaluateAt(minutes(20)))
		checkHistory(t, s, minutes(20), first)
		checkHistory(t, s, deadline-Precision, first)
		checkHistory(t, s, deadline, first, expectedSpan{RunMissed, due, due, 1, 0})
		checkHistory(t, s, deadline+2*due, first, expectedSpan{RunMissed, due, 3 * due, 3, 0})
	})
	t.Run("AnIntervalsPingAnswersTheOpenSlot", func(t *testing.T) {
		s := play(t, rule, pingAt(PingSuccess, 0), pingAt(PingSuccess, minutes(20)))
		checkHistory(t, s, minutes(20), first, expectedSpan{RunLate, due, due, 1, minutes(20) - due})
	})
	t.Run("AnIntervalsPingAfterTheDeadline", func(t *testing.T) {
		s := play(t, rule, pingAt(PingSuccess, 0), pingAt(PingSuccess, deadline+due+Precision))
		checkHistory(t, s, minutes(180), first, expectedSpan{RunMissed, due, 2 * due, 2, 0}, expectedSpan{RunLate, 3 * due, 3 * due, 1, 2*time.Hour - due + Precision})
	})
	t.Run("AFailureWithinGraceIsOneFailedRun", func(t *testing.T) {
		thrice := rule
		thrice.AlertAfter = 3
		s := play(t, thrice, pingAt(PingSuccess, 0), pingAt(PingFail, minutes(20)))
		checkHistory(t, s, minutes(20), first, expectedSpan{RunFailed, due, due, 1, 0})
		if s.h.Status != Up || s.h.ConsecutiveFailures() != 1 {
			t.Errorf("%s with %d failed runs; want up with 1", s.h.Status, s.h.ConsecutiveFailures())
		}
	})
	calendar := calendarRule(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	calendar.Grace = 2 * time.Hour
	t.Run("Calendar", func(t *testing.T) {
		s := play(t, calendar, pingAt(PingSuccess, minutes(1)), evaluateAt(minutes(9)))
		one := expectedSpan{RunOnTime, minutes(1), minutes(1), 1, 0}
		checkHistory(t, s, minutes(122)-Precision, one)
		checkHistory(t, s, minutes(123), one, expectedSpan{RunMissed, minutes(2), minutes(3), 2, 0})
	})
	t.Run("ACalendarsPingCountsForTheLastSlotAndPassesOverTheOthers", func(t *testing.T) {
		s := play(t, calendar, pingAt(PingSuccess, minutes(1)), pingAt(PingSuccess, minutes(4)))
		checkHistory(t, s, minutes(4), expectedSpan{RunOnTime, minutes(1), minutes(1), 1, 0},
			expectedSpan{RunMissed, minutes(2), minutes(3), 2, 0}, expectedSpan{RunOnTime, minutes(4), minutes(4), 1, 0})
	})
}

// Whatever opened an incident is in the run history, including the first run.
func TestRunHistory_RecordsTheFailedRunOfEveryIncident(t *testing.T) {
	outcomes := map[Cause]Outcome{CauseMissed: RunMissed, CauseFailure: RunFailed, CauseTooShort: RunTooShort, CauseOverran: RunOverran, CauseNotStarted: RunNotStarted}
	rapid.Check(t, func(t *rapid.T) {
		drawn, events := drawFullRule(t), drawUnedited(t)
		rule := drawn.rule()
		if drawn.firstBy > 0 {
			rule.ExpectFirstBy = rule.ExpectFirstBy.Add(time.Second / 2) // no run ends at this time
		}
		s := play(t, rule)
		for _, e := range events {
			e.action()(s)
		}
		at := seconds(lastEffect(events))
		evaluateAt(at)(s)
		want, got := map[Outcome]int64{}, map[Outcome]int64{}
		for _, e := range s.incidents {
			want[outcomes[e.Cause]]++
		}
		for _, st := range s.history(at) {
			got[st.What] += st.Count
		}
		for what, n := range want {
			if got[what] < n {
				t.Fatalf("%d %s in the history of %d incidents: %+v, %+v", got[what], what, n, s.history(at), s.incidents)
			}
		}
	})
}

// Silence within grace decides nothing.
func TestRunHistory_RecordsNoMissWithinGrace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, events := drawFullRule(t), drawUnedited(t)
		rule.grace, rule.firstBy = rapid.IntRange(5, 60).Draw(t, "grace"), 0
		s := play(t, rule.rule())
		for _, e := range events {
			e.action()(s)
		}
		from := s.h.CountedFrom
		for at := seconds(events[len(events)-1].at); at < seconds(lastEffect(events)); at += time.Second {
			evaluateAt(at)(s)
			if s.h.Status != Late && s.h.Status != Up {
				break
			}
			for _, st := range s.h.UnstoredSpans(epoch.Add(at), 0) {
				if st.Outcome == RunMissed && st.Last.Add(s.h.Rule.Grace).After(epoch.Add(at)) && st.Last.After(from) {
					t.Fatalf("%s at %v, and missed: %+v", s.h.Status, at, st)
				}
			}
		}
	})
}
