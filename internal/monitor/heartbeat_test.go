package monitor

import (
	"testing"
	"time"
)

func TestMomentsOfAHeartbeat(t *testing.T) {
	long := nightly
	long.MaxRunTime = 20 * time.Minute
	type moments struct{ due, deadline, run, next time.Duration }
	for _, row := range []struct {
		name  string
		rule  Rule
		steps []step
		want  moments // -1 for none
	}{
		{"NewExpectsNothing", nightly, nil, moments{-1, -1, -1, -1}},
		{"UpWaitsForDue", nightly, []step{hear(Success, minutes(1))}, moments{minutes(6), minutes(8), -1, minutes(6)}},
		{
			"LateWaitsForTheDeadline", nightly,
			[]step{hear(Success, minutes(1)), sweep(minutes(6))},
			moments{minutes(6), minutes(8), -1, minutes(8)},
		},
		{
			"DownWaitsForNothingAndKeepsItsDue", nightly,
			[]step{hear(Success, minutes(1)), sweep(minutes(8))},
			moments{minutes(6), minutes(8), -1, -1},
		},
		{
			"PausedExpectsNothing", nightly,
			[]step{hear(Success, minutes(1)), pause(minutes(2)), hear(Start, minutes(3))},
			moments{-1, -1, -1, -1},
		},
		{
			"TheFirstRunHasAClockBeforeAnythingIsDue", nightly,
			[]step{hear(Start, minutes(1))},
			moments{-1, -1, minutes(3), minutes(3)},
		},
		{
			"ARunMayBeOverSoonerThanDue", nightly,
			[]step{hear(Success, 0), hear(Start, minutes(1))},
			moments{minutes(5), minutes(7), minutes(3), minutes(3)},
		},
		{
			"TheEarliestOfSeveralRunsCounts", nightly,
			[]step{hear(Success, 0), hearRun(Start, "a", minutes(1)), hearRun(Start, "b", minutes(2))},
			moments{minutes(5), minutes(7), minutes(3), minutes(3)},
		},
		{
			"ARunThatHoldsOffTheDeadlineIsWhatIsWaitedFor", long,
			[]step{hear(Success, 0), hear(Start, minutes(6))},
			moments{minutes(5), minutes(7), minutes(26), minutes(26)},
		},
		{
			"AfterAStartPastTheDeadlineTheDeadlineIsOverdue", long,
			[]step{hear(Success, 0), hear(Start, minutes(6)), hear(Start, minutes(8))},
			moments{minutes(5), minutes(7), minutes(28), minutes(7)},
		},
		{
			"AFailureCountsTheIntervalAnew", nightly,
			[]step{hear(Success, 0), hear(Fail, minutes(1))},
			moments{minutes(6), minutes(8), -1, -1},
		},
		{
			"DownByItsFirstRunExpectsNothing", nightly,
			[]step{hear(Start, minutes(1)), sweep(minutes(3))},
			moments{-1, -1, -1, -1},
		},
		{
			"WithNeitherMaximumNorGraceARunHasNoClock",
			Rule{Interval: 5 * time.Minute, Methods: AnyMethod},
			[]step{hear(Success, 0), hear(Start, minutes(1))},
			moments{minutes(5), minutes(5), -1, minutes(5)},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := tell(t, row.rule, row.steps...).h
			got := moments{
				sinceEpoch(h.Due()), sinceEpoch(h.Deadline()), sinceEpoch(h.RunDeadline()), sinceEpoch(h.Next()),
			}
			if got != row.want {
				t.Errorf("due, deadline, run, next = %v; want %v", got, row.want)
			}
		})
	}
}

func TestShownFollowsTheClockToLateButNeverToDown(t *testing.T) {
	h := tell(t, nightly, hear(Success, 0)).h
	for at, want := range map[time.Duration]Status{
		minutes(5) - Tick: Up,
		minutes(5):        Late,
		minutes(7):        Late, // no incident exists yet
	} {
		if got := h.Shown(epoch.Add(at)); got != want {
			t.Errorf("at %v shown %s; want %s", at, got, want)
		}
	}
	for want, h := range map[Status]Heartbeat{
		New:    tell(t, nightly).h,
		Paused: tell(t, nightly, hear(Success, 0), pause(minutes(1))).h,
		Down:   tell(t, nightly, hear(Success, 0), sweep(minutes(7))).h,
	} {
		if got := h.Shown(epoch.Add(minutes(60))); got != want {
			t.Errorf("%s is shown %s", want, got)
		}
	}
}

func TestRunningIsAStartWithoutItsFinishThatIsNotGivenUp(t *testing.T) {
	for _, row := range []struct {
		name  string
		steps []step
		want  bool
	}{
		{"Never", []step{hear(Success, 0)}, false},
		{"Started", []step{hear(Success, 0), hear(Start, minutes(1))}, true},
		{"Finished", []step{hear(Start, minutes(1)), hear(Success, minutes(2))}, false},
		{"FinishedByAFailure", []step{hear(Start, minutes(1)), hear(Fail, minutes(2))}, false},
		{"TakenTooLong", []step{hear(Start, minutes(1)), sweep(minutes(3))}, false},
		{"StartedAgainWhileDown", []step{hear(Start, minutes(1)), sweep(minutes(3)), hear(Start, minutes(4))}, true},
		{"OneOfTwoFinished", []step{
			hearRun(Start, "a", minutes(1)), hearRun(Start, "b", minutes(2)), hearRun(Success, "a", minutes(2)),
		}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := tell(t, nightly, row.steps...).h.Running(); got != row.want {
				t.Errorf("running %v; want %v", got, row.want)
			}
		})
	}
}

func TestARunWithoutALimitIsFollowedAlsoThroughAFailure(t *testing.T) {
	rule := Rule{Interval: 5 * time.Minute, Methods: AnyMethod}
	s := tell(t, rule, hear(Fail, minutes(1)), hearRun(Start, "a", minutes(2)), hearRun(Success, "b", minutes(60)))
	if !s.h.Running() {
		t.Error("the run was forgotten, though nothing limits it")
	}
}

func TestEveryStatusIsListedOnce(t *testing.T) {
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
