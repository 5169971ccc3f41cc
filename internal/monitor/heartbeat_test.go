package monitor

import (
	"testing"
	"time"
)

func TestHeartbeat_DueDeadlineAndNextEvaluation(t *testing.T) {
	long := fiveMinuteRule
	long.MaxRunTime = 20 * time.Minute
	type moments struct{ due, deadline, run, next time.Duration }
	for _, row := range []struct {
		name  string
		rule  Rule
		steps []action
		want  moments // -1 for none
	}{
		{"NewExpectsNothing", fiveMinuteRule, nil, moments{-1, -1, -1, -1}},
		{"UpWaitsForDue", fiveMinuteRule, []action{pingAt(PingSuccess, minutes(1))}, moments{minutes(6), minutes(8), -1, minutes(6)}},
		{
			"LateWaitsForTheDeadline", fiveMinuteRule,
			[]action{pingAt(PingSuccess, minutes(1)), evaluateAt(minutes(6))},
			moments{minutes(6), minutes(8), -1, minutes(8)},
		},
		{
			"DownWaitsForNothingAndKeepsItsDue", fiveMinuteRule,
			[]action{pingAt(PingSuccess, minutes(1)), evaluateAt(minutes(8))},
			moments{minutes(6), minutes(8), -1, -1},
		},
		{
			"PausedExpectsNothing", fiveMinuteRule,
			[]action{pingAt(PingSuccess, minutes(1)), pauseAt(minutes(2)), pingAt(PingStart, minutes(3))},
			moments{-1, -1, -1, -1},
		},
		{
			"TheFirstRunHasAClockBeforeAnythingIsDue", fiveMinuteRule,
			[]action{pingAt(PingStart, minutes(1))},
			moments{-1, -1, minutes(3), minutes(3)},
		},
		{
			"ARunMayBeOverSoonerThanDue", fiveMinuteRule,
			[]action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(1))},
			moments{minutes(5), minutes(7), minutes(3), minutes(3)},
		},
		{
			"TheEarliestOfSeveralRunsCounts", fiveMinuteRule,
			[]action{pingAt(PingSuccess, 0), pingOfRun(PingStart, "a", minutes(1)), pingOfRun(PingStart, "b", minutes(2))},
			moments{minutes(5), minutes(7), minutes(3), minutes(3)},
		},
		{
			"ARunThatHoldsOffTheDeadlineIsWhatIsWaitedFor", long,
			[]action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(6))},
			moments{minutes(5), minutes(7), minutes(26), minutes(26)},
		},
		{
			"AfterAStartPastTheDeadlineTheDeadlineIsOverdue", long,
			[]action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(6)), pingAt(PingStart, minutes(8))},
			moments{minutes(5), minutes(7), minutes(28), minutes(7)},
		},
		{
			"AFailureCountsTheIntervalAnew", fiveMinuteRule,
			[]action{pingAt(PingSuccess, 0), pingAt(PingFail, minutes(1))},
			moments{minutes(6), minutes(8), -1, -1},
		},
		{
			"DownByItsFirstRunExpectsNothing", fiveMinuteRule,
			[]action{pingAt(PingStart, minutes(1)), evaluateAt(minutes(3))},
			moments{-1, -1, -1, -1},
		},
		{
			"WithNeitherMaximumNorGraceARunHasNoClock",
			Rule{Interval: 5 * time.Minute, Methods: AnyMethod},
			[]action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(1))},
			moments{minutes(5), minutes(5), -1, minutes(5)},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := play(t, row.rule, row.steps...).h
			got := moments{
				sinceEpoch(h.Due()), sinceEpoch(h.Deadline()), sinceEpoch(h.RunDeadline()), sinceEpoch(h.NextEvaluation()),
			}
			if got != row.want {
				t.Errorf("due, deadline, run, next = %v; want %v", got, row.want)
			}
		})
	}
}

func TestStatusAt_FollowsTheClockToLateButNeverToDown(t *testing.T) {
	h := play(t, fiveMinuteRule, pingAt(PingSuccess, 0)).h
	for at, want := range map[time.Duration]Status{
		minutes(5) - Precision: Up,
		minutes(5):             Late,
		minutes(7):             Late, // no incident exists yet
	} {
		if got := h.StatusAt(epoch.Add(at)); got != want {
			t.Errorf("at %v shown %s; want %s", at, got, want)
		}
	}
	for want, h := range map[Status]Heartbeat{
		New:    play(t, fiveMinuteRule).h,
		Paused: play(t, fiveMinuteRule, pingAt(PingSuccess, 0), pauseAt(minutes(1))).h,
		Down:   play(t, fiveMinuteRule, pingAt(PingSuccess, 0), evaluateAt(minutes(7))).h,
	} {
		if got := h.StatusAt(epoch.Add(minutes(60))); got != want {
			t.Errorf("%s is shown %s", want, got)
		}
	}
}

func TestRunning_IsAStartWithoutAFinishThatDidNotOverrun(t *testing.T) {
	for _, row := range []struct {
		name  string
		steps []action
		want  bool
	}{
		{"Never", []action{pingAt(PingSuccess, 0)}, false},
		{"Started", []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(1))}, true},
		{"Finished", []action{pingAt(PingStart, minutes(1)), pingAt(PingSuccess, minutes(2))}, false},
		{"FinishedByAFailure", []action{pingAt(PingStart, minutes(1)), pingAt(PingFail, minutes(2))}, false},
		{"TakenTooLong", []action{pingAt(PingStart, minutes(1)), evaluateAt(minutes(3))}, false},
		{"StartedAgainWhileDown", []action{pingAt(PingStart, minutes(1)), evaluateAt(minutes(3)), pingAt(PingStart, minutes(4))}, true},
		{"OneOfTwoFinished", []action{
			pingOfRun(PingStart, "a", minutes(1)), pingOfRun(PingStart, "b", minutes(2)), pingOfRun(PingSuccess, "a", minutes(2)),
		}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := play(t, fiveMinuteRule, row.steps...).h.Running(); got != row.want {
				t.Errorf("running %v; want %v", got, row.want)
			}
		})
	}
}

func TestApplyPing_ARunWithoutALimitStaysActiveAfterAFailure(t *testing.T) {
	rule := Rule{Interval: 5 * time.Minute, Methods: AnyMethod}
	s := play(t, rule, pingAt(PingFail, minutes(1)), pingOfRun(PingStart, "a", minutes(2)), pingOfRun(PingSuccess, "b", minutes(60)))
	if !s.h.Running() {
		t.Error("the run was forgotten, though nothing limits it")
	}
}

func TestStatuses_ListsEveryStatusOnce(t *testing.T) {
	seen := map[Status]int{}
	for _, s := range Statuses {
		seen[s]++
	}
	for _, s := range []Status{New, Up, Late, Down, Paused} {
		if seen[s] != 1 {
			t.Errorf("%s is listed %d times", s, seen[s])
		}
	}
}
