package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestApplyPing_PingsThatDoNotAffectTheStatus(t *testing.T) {
	postOnly := fiveMinuteRule
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
		{"ALogKeepsTheStatus", fiveMinuteRule, by("POST", PingLog), PingLog, Up},
		{"AGetCountsByDefault", fiveMinuteRule, by("GET", PingFail), PingFail, Down},
		{"AHeadCountsByDefault", fiveMinuteRule, by("HEAD", PingFail), PingFail, Down},
		{"APostCountsWherePostIsAskedFor", postOnly, by("POST", PingFail), PingFail, Down},
		{"AGetIsIgnoredThere", postOnly, by("GET", PingFail), PingIgnored, Up},
		{"AHeadIsIgnoredThere", postOnly, by("HEAD", PingSuccess), PingIgnored, Up},
		{"AStartByGetIsIgnoredThere", postOnly, by("GET", PingStart), PingIgnored, Up},
		{"WhatCameInAsIgnoredStaysIgnored", fiveMinuteRule, by("POST", PingIgnored), PingIgnored, Up},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := play(t, row.rule, pingAt(PingSuccess, 0)).h
			after, change := before.ApplyPing(row.ping, row.ping.At)
			if change.Ping.Kind != row.kind || change.Ping.Number != 2 {
				t.Errorf("kept as %s, number %d; want %s, number 2", change.Ping.Kind, change.Ping.Number, row.kind)
			}
			if after.Status != row.want || after.PingCount != 2 {
				t.Errorf("%s after %d pings; want %s after 2", after.Status, after.PingCount, row.want)
			}
			if row.kind == PingLog || row.kind == PingIgnored {
				after.PingCount = before.PingCount
				if diff := cmp.Diff(before, after); diff != "" || change.Notable() {
					t.Errorf("the heartbeat changed (-before +after):\n%s", diff)
				}
			}
		})
	}
}

func TestApplyPing_ALogDoesNotMeetTheDeadline(t *testing.T) {
	s := play(t, fiveMinuteRule, pingAt(PingSuccess, 0), pingAt(PingLog, minutes(6)), evaluateAt(minutes(7)))
	if s.h.Status != Down {
		t.Errorf("%s; want down", s.h.Status)
	}
}

func TestApplyPing_MeasuresRunTimes(t *testing.T) {
	const unknown = time.Duration(-1)
	for _, row := range []struct {
		name  string
		steps []action
		want  []time.Duration // of each ping
		last  time.Duration   // of the heartbeat
	}{
		{"AFinishWithoutAStartHasNone", []action{pingAt(PingSuccess, minutes(1))}, []time.Duration{unknown}, unknown},
		{
			"ASuccessEndsTheRun",
			[]action{pingAt(PingStart, minutes(1)), pingAt(PingSuccess, minutes(2))},
			[]time.Duration{unknown, minutes(1)},
			minutes(1),
		},
		{
			"AFailureEndsTheRun",
			[]action{pingAt(PingStart, minutes(1)), pingAt(PingFail, minutes(2))},
			[]time.Duration{unknown, minutes(1)},
			minutes(1),
		},
		{
			"ALogEndsNothing",
			[]action{pingAt(PingStart, minutes(1)), pingAt(PingLog, minutes(2)), pingAt(PingSuccess, minutes(3))},
			[]time.Duration{unknown, unknown, minutes(2)},
			minutes(2),
		},
		{
			"AFinishInTheInstantOfItsStartTookNoTime",
			[]action{pingAt(PingStart, minutes(1)), pingAt(PingSuccess, minutes(1))},
			[]time.Duration{unknown, 0},
			0,
		},
		{
			"ARunIsMeasuredOnce",
			[]action{pingAt(PingStart, minutes(1)), pingAt(PingSuccess, minutes(2)), pingAt(PingSuccess, minutes(3))},
			[]time.Duration{unknown, minutes(1), unknown},
			minutes(1),
		},
		{
			"AStartWithoutIdReplacesTheEarlier",
			[]action{pingAt(PingStart, minutes(1)), pingAt(PingStart, minutes(2)), pingAt(PingSuccess, minutes(3))},
			[]time.Duration{unknown, unknown, minutes(1)},
			minutes(1),
		},
		{
			"OverlappingRunsArePairedByTheirIds",
			[]action{
				pingOfRun(PingStart, "a", minutes(1)), pingOfRun(PingStart, "b", minutes(1.5)),
				pingOfRun(PingSuccess, "a", minutes(2.5)), pingOfRun(PingSuccess, "b", minutes(2.75)),
			},
			[]time.Duration{unknown, unknown, minutes(1.5), minutes(1.25)},
			minutes(1.25),
		},
		{
			"AFinishWithAnotherIdEndsNothing",
			[]action{pingOfRun(PingStart, "a", minutes(1)), pingOfRun(PingSuccess, "b", minutes(2))},
			[]time.Duration{unknown, unknown},
			unknown,
		},
		{
			"AFinishWithoutIdEndsTheOnlyRun",
			[]action{pingOfRun(PingStart, "a", minutes(1)), pingAt(PingSuccess, minutes(2))},
			[]time.Duration{unknown, minutes(1)},
			minutes(1),
		},
		{
			"AFinishWithoutIdEndsNoneOfSeveral",
			[]action{pingOfRun(PingStart, "a", minutes(1)), pingOfRun(PingStart, "b", minutes(1)), pingAt(PingSuccess, minutes(2))},
			[]time.Duration{unknown, unknown, unknown},
			unknown,
		},
		{
			"AFinishWithoutIdPrefersTheRunWithoutId",
			[]action{pingOfRun(PingStart, "a", minutes(1)), pingAt(PingStart, minutes(1.5)), pingAt(PingSuccess, minutes(2))},
			[]time.Duration{unknown, unknown, minutes(0.5)},
			minutes(0.5),
		},
		{
			"ARunThatTookTooLongIsStillMeasured",
			[]action{pingAt(PingStart, minutes(1)), evaluateAt(minutes(4)), pingAt(PingSuccess, minutes(5))},
			[]time.Duration{unknown, minutes(4)},
			minutes(4),
		},
		{
			"AFinishOutOfOrderMeasuresItsRunAndNotTheHeartbeat",
			[]action{pingOfRun(PingStart, "a", minutes(1)), pingAt(PingStart, minutes(1)), pingAt(PingSuccess, minutes(2.5)), pingOfRun(PingSuccess, "a", minutes(2))},
			[]time.Duration{unknown, unknown, minutes(1.5), minutes(1)},
			minutes(1.5),
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := play(t, fiveMinuteRule, row.steps...)
			var got []time.Duration
			for _, p := range s.pings {
				if !p.HasRunTime {
					p.RunTime = unknown
				}
				got = append(got, p.RunTime)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("run times (-want +got):\n%s", diff)
			}
			if !s.h.HasRunTime {
				s.h.LastRunTime = unknown
			}
			if s.h.LastRunTime != row.last {
				t.Errorf("last run time %v; want %v", s.h.LastRunTime, row.last)
			}
		})
	}
}

func TestApplyPing_KeepsTheOldestRunsUpToTheMaximum(t *testing.T) {
	var starts []action
	for i := range maxActiveRuns + 5 {
		starts = append(starts, pingOfRun(PingStart, fmt.Sprint("run ", i), time.Duration(i)*time.Millisecond))
	}
	h := play(t, fiveMinuteRule, starts...).h
	if len(h.ActiveRuns) != maxActiveRuns || h.ActiveRuns[0].ID != "run 0" {
		t.Fatalf("%d runs, the first is %q; want %d from run 0 on", len(h.ActiveRuns), h.ActiveRuns[0].ID, maxActiveRuns)
	}
	if got := sinceEpoch(h.RunDeadline()); got != fiveMinuteRule.Grace {
		t.Errorf("the first clock runs out at %v; want %v", got, fiveMinuteRule.Grace)
	}
}

func TestApplyPing_RecordsTheLastStartAndPing(t *testing.T) {
	h := play(t, fiveMinuteRule, pingAt(PingSuccess, minutes(1)), pingAt(PingStart, minutes(2)), pingAt(PingLog, minutes(3))).h
	if sinceEpoch(h.LastPing) != minutes(1) || sinceEpoch(h.LastStart) != minutes(2) {
		t.Errorf("last ping %v, last start %v; want 1m and 2m", sinceEpoch(h.LastPing), sinceEpoch(h.LastStart))
	}
	h = play(t, fiveMinuteRule, pingOfRun(PingStart, "b", minutes(2)), pingOfRun(PingStart, "a", minutes(1))).h
	if sinceEpoch(h.LastStart) != minutes(2) {
		t.Errorf("an older start moved the last start back to %v", sinceEpoch(h.LastStart))
	}
}
