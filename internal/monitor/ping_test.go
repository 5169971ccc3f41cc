package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPingsThatJudgeNothing(t *testing.T) {
	postOnly := nightly
	postOnly.Methods = PostOnly
	by := func(method string, kind PingKind) Ping {
		return Ping{Kind: kind, At: epoch.Add(minutes(6)), Method: method, ExitCode: NoExitCode}
	}
	for _, row := range []struct {
		name string
		rule Rule
		ping Ping
		kind PingKind // as it is kept
		want Status
	}{
		{"ALogKeepsTheStatus", nightly, by("POST", Log), Log, Up},
		{"AGetCountsByDefault", nightly, by("GET", Fail), Fail, Down},
		{"AHeadCountsByDefault", nightly, by("HEAD", Fail), Fail, Down},
		{"APostCountsWherePostIsAskedFor", postOnly, by("POST", Fail), Fail, Down},
		{"AGetIsIgnoredThere", postOnly, by("GET", Fail), Ignored, Up},
		{"AHeadIsIgnoredThere", postOnly, by("HEAD", Success), Ignored, Up},
		{"AStartByGetIsIgnoredThere", postOnly, by("GET", Start), Ignored, Up},
		{"WhatCameInAsIgnoredStaysIgnored", nightly, by("POST", Ignored), Ignored, Up},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := tell(t, row.rule, hear(Success, 0)).h
			after, change := before.Hear(row.ping, row.ping.At)
			if change.Ping.Kind != row.kind || change.Ping.N != 2 {
				t.Errorf("kept as %s, number %d; want %s, number 2", change.Ping.Kind, change.Ping.N, row.kind)
			}
			if after.Status != row.want || after.Pings != 2 {
				t.Errorf("%s after %d pings; want %s after 2", after.Status, after.Pings, row.want)
			}
			if row.kind == Log || row.kind == Ignored {
				after.Pings = before.Pings
				if diff := cmp.Diff(before, after); diff != "" || change.News() {
					t.Errorf("it judged something (-before +after):\n%s", diff)
				}
			}
		})
	}
}

func TestALogDoesNotKeepTheDeadline(t *testing.T) {
	s := tell(t, nightly, hear(Success, 0), hear(Log, minutes(6)), sweep(minutes(7)))
	if s.h.Status != Down {
		t.Errorf("%s; want down", s.h.Status)
	}
}

func TestRunTimes(t *testing.T) {
	const unknown = time.Duration(-1)
	for _, row := range []struct {
		name  string
		steps []step
		want  []time.Duration // of each ping
		last  time.Duration   // of the heartbeat
	}{
		{"AFinishWithoutAStartHasNone", []step{hear(Success, minutes(1))}, []time.Duration{unknown}, unknown},
		{
			"ASuccessEndsTheRun",
			[]step{hear(Start, minutes(1)), hear(Success, minutes(2))},
			[]time.Duration{unknown, minutes(1)},
			minutes(1),
		},
		{
			"AFailureEndsTheRun",
			[]step{hear(Start, minutes(1)), hear(Fail, minutes(2))},
			[]time.Duration{unknown, minutes(1)},
			minutes(1),
		},
		{
			"ALogEndsNothing",
			[]step{hear(Start, minutes(1)), hear(Log, minutes(2)), hear(Success, minutes(3))},
			[]time.Duration{unknown, unknown, minutes(2)},
			minutes(2),
		},
		{
			"AFinishInTheInstantOfItsStartTookNoTime",
			[]step{hear(Start, minutes(1)), hear(Success, minutes(1))},
			[]time.Duration{unknown, 0},
			0,
		},
		{
			"ARunIsMeasuredOnce",
			[]step{hear(Start, minutes(1)), hear(Success, minutes(2)), hear(Success, minutes(3))},
			[]time.Duration{unknown, minutes(1), unknown},
			minutes(1),
		},
		{
			"AStartWithoutIdReplacesTheEarlier",
			[]step{hear(Start, minutes(1)), hear(Start, minutes(2)), hear(Success, minutes(3))},
			[]time.Duration{unknown, unknown, minutes(1)},
			minutes(1),
		},
		{
			"OverlappingRunsArePairedByTheirIds",
			[]step{
				hearRun(Start, "a", minutes(1)), hearRun(Start, "b", minutes(1.5)),
				hearRun(Success, "a", minutes(2.5)), hearRun(Success, "b", minutes(2.75)),
			},
			[]time.Duration{unknown, unknown, minutes(1.5), minutes(1.25)},
			minutes(1.25),
		},
		{
			"AFinishWithAnotherIdEndsNothing",
			[]step{hearRun(Start, "a", minutes(1)), hearRun(Success, "b", minutes(2))},
			[]time.Duration{unknown, unknown},
			unknown,
		},
		{
			"AFinishWithoutIdEndsTheOnlyRun",
			[]step{hearRun(Start, "a", minutes(1)), hear(Success, minutes(2))},
			[]time.Duration{unknown, minutes(1)},
			minutes(1),
		},
		{
			"AFinishWithoutIdEndsNoneOfSeveral",
			[]step{hearRun(Start, "a", minutes(1)), hearRun(Start, "b", minutes(1)), hear(Success, minutes(2))},
			[]time.Duration{unknown, unknown, unknown},
			unknown,
		},
		{
			"AFinishWithoutIdPrefersTheRunWithoutId",
			[]step{hearRun(Start, "a", minutes(1)), hear(Start, minutes(1.5)), hear(Success, minutes(2))},
			[]time.Duration{unknown, unknown, minutes(0.5)},
			minutes(0.5),
		},
		{
			"ARunThatTookTooLongIsStillMeasured",
			[]step{hear(Start, minutes(1)), sweep(minutes(4)), hear(Success, minutes(5))},
			[]time.Duration{unknown, minutes(4)},
			minutes(4),
		},
		{
			"AFinishOutOfOrderMeasuresItsRunAndNotTheHeartbeat",
			[]step{hearRun(Start, "a", minutes(1)), hear(Start, minutes(1)), hear(Success, minutes(2.5)), hearRun(Success, "a", minutes(2))},
			[]time.Duration{unknown, unknown, minutes(1.5), minutes(1)},
			minutes(1.5),
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := tell(t, nightly, row.steps...)
			var got []time.Duration
			for _, p := range s.kept {
				if !p.HasRun {
					p.RunTime = unknown
				}
				got = append(got, p.RunTime)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("run times (-want +got):\n%s", diff)
			}
			if !s.h.HasRun {
				s.h.RunTime = unknown
			}
			if s.h.RunTime != row.last {
				t.Errorf("last run time %v; want %v", s.h.RunTime, row.last)
			}
		})
	}
}

func TestNoMoreRunsAreFollowedThanAllowedAndTheOldestStay(t *testing.T) {
	var starts []step
	for i := range mostRuns + 5 {
		starts = append(starts, hearRun(Start, fmt.Sprint("run ", i), time.Duration(i)*time.Millisecond))
	}
	h := tell(t, nightly, starts...).h
	if len(h.Runs) != mostRuns || h.Runs[0].ID != "run 0" {
		t.Fatalf("%d runs, the first is %q; want %d from run 0 on", len(h.Runs), h.Runs[0].ID, mostRuns)
	}
	if got := sinceEpoch(h.RunDeadline()); got != nightly.Grace {
		t.Errorf("the first clock runs out at %v; want %v", got, nightly.Grace)
	}
}

func TestTheLastStartAndPingAreNoted(t *testing.T) {
	h := tell(t, nightly, hear(Success, minutes(1)), hear(Start, minutes(2)), hear(Log, minutes(3))).h
	if sinceEpoch(h.LastPing) != minutes(1) || sinceEpoch(h.Began) != minutes(2) {
		t.Errorf("last ping %v, last start %v; want 1m and 2m", sinceEpoch(h.LastPing), sinceEpoch(h.Began))
	}
	h = tell(t, nightly, hearRun(Start, "b", minutes(2)), hearRun(Start, "a", minutes(1))).h
	if sinceEpoch(h.Began) != minutes(2) {
		t.Errorf("an older start moved the last start back to %v", sinceEpoch(h.Began))
	}
}
