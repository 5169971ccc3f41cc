package present

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/ui"
)

func TestRuns_FollowTheRunHistory(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	at := func(hours float64) time.Time { return start.Add(time.Duration(hours * float64(time.Hour))) }
	decided := func(outcome monitor.Outcome, count int64) monitor.Span {
		return monitor.Span{Outcome: outcome, First: at(0), Last: at(1), Count: count}
	}
	standing := func(status monitor.Status, runs ...monitor.ActiveRun) monitor.Heartbeat {
		return monitor.Heartbeat{Rule: monitor.Rule{Interval: time.Hour}, Status: status, CountedFrom: at(0), LastPing: at(0), ActiveRuns: runs}
	}
	const on, late, failed, missed = heartbeatview.OutcomeOnTime, heartbeatview.OutcomeLate, heartbeatview.OutcomeFailed, heartbeatview.OutcomeMissed
	for name, c := range map[string]struct {
		h     monitor.Heartbeat
		slots []monitor.Span
		want  heartbeatview.RunStrip
	}{
		"new":      {monitor.Heartbeat{Status: monitor.New}, nil, nil},
		"good":     {standing(monitor.Up), []monitor.Span{decided(monitor.RunOnTime, 2), decided(monitor.RunLate, 1)}, heartbeatview.RunStrip{on, on, late, heartbeatview.OutcomeWithinGrace}},
		"upcoming": {monitor.Heartbeat{Rule: monitor.Rule{Interval: 3 * time.Hour}, Status: monitor.Up, CountedFrom: at(0)}, nil, heartbeatview.RunStrip{heartbeatview.OutcomeUpcoming}},
		"running":  {standing(monitor.Up, monitor.ActiveRun{StartedAt: at(1)}), []monitor.Span{decided(monitor.RunOnTime, 1)}, heartbeatview.RunStrip{on, heartbeatview.OutcomeRunning}},
		"failed":   {standing(monitor.Down), []monitor.Span{decided(monitor.RunFailed, 1), decided(monitor.RunTooShort, 1), decided(monitor.RunOverran, 1)}, heartbeatview.RunStrip{failed, failed, failed}},
		"silence":  {standing(monitor.Down), []monitor.Span{decided(monitor.RunMissed, 2), decided(monitor.RunNotStarted, 1)}, heartbeatview.RunStrip{missed, missed, missed}},
		"unknown":  {standing(monitor.Down), []monitor.Span{decided(monitor.RunUnknown, 1)}, heartbeatview.RunStrip{heartbeatview.OutcomeUnknown}},
	} {
		w := manage.HeartbeatHistory{Heartbeat: c.h, Spans: c.slots, Pings: []monitor.Ping{{Kind: monitor.PingSuccess, At: at(0)}}}
		if diff := cmp.Diff(c.want, RunStrip(Runs(w, at(2)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	w := manage.HeartbeatHistory{Heartbeat: standing(monitor.Down), Spans: []monitor.Span{decided(monitor.RunOnTime, 5), decided(monitor.RunMissed, 1<<40)}}
	if s := RunStrip(Runs(w, at(2))); len(s) != stripLength || s[0] != missed {
		t.Errorf("a long silence: %v", s)
	}
}

func TestRuns_EveryOutcomeHasAName(t *testing.T) {
	for _, o := range monitor.Outcomes {
		if outcomeNames[o] == "" {
			t.Errorf("outcome %s has no name", o)
		}
	}
}

func TestMonth_CountsDaysInTheProjectsZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 30, 10, 0, 0, 0, time.UTC) // the day after the clocks went forward
	c := ui.Clock{Now: now, Zone: berlin}
	m := DailyRuns([]Run{
		{at: time.Date(2026, 3, 29, 21, 59, 0, 0, time.UTC), count: 1, outcome: heartbeatview.OutcomeOnTime},
		{at: time.Date(2026, 3, 29, 22, 0, 0, 0, time.UTC), count: 1, outcome: heartbeatview.OutcomeLate, lateBy: time.Minute},
		{at: now.AddDate(0, -3, 0), count: 1, outcome: heartbeatview.OutcomeFailed},
		// Hourly in UTC, so that two of them are of the next day in Berlin.
		{at: time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC), last: time.Date(2026, 3, 27, 23, 0, 0, 0, time.UTC), count: 24, outcome: heartbeatview.OutcomeMissed},
		{at: time.Date(2026, 3, 27, 1, 0, 0, 0, time.UTC), took: time.Minute, exit: 3},
	}, c)
	if len(m.Days) != daysShown || m.Days[28].OnTime != 1 || m.Days[29].Late != 1 || m.Days[29].MaxLateness != time.Minute {
		t.Errorf("%+v", m.Days[27:])
	}
	if m.Days[26].Missed != 23 || m.Days[27].Missed != 1 || m.Days[26].LongestRun != time.Minute || m.Days[26].ExitStatus != 3 {
		t.Errorf("%+v", m.Days[26:28])
	}
	for i, d := range m.Days {
		if want := time.Date(2026, 3, 1+i, 12, 0, 0, 0, berlin); !d.Date.Equal(want) {
			t.Errorf("day %d is %v", i, d.Date)
		}
		if d.Failed > 0 {
			t.Error("a run before the period is counted")
		}
	}
	s := RunStats([]Run{
		{at: now, count: 1, outcome: heartbeatview.OutcomeOnTime},
		{at: now, count: 1, outcome: heartbeatview.OutcomeLate},
		{at: now, count: 1, outcome: heartbeatview.OutcomeMissed},
		{at: now, count: 2, outcome: heartbeatview.OutcomeUnknown},
		{at: now, took: 3 * time.Second},
		{at: now, took: time.Second},
		{at: now, count: 1, outcome: heartbeatview.OutcomeUpcoming},
		{at: now.AddDate(0, -2, 0), count: 1, outcome: heartbeatview.OutcomeOnTime},
	}, []manage.Outage{{Opened: now.AddDate(0, -2, 0), Resolved: now.Add(-29 * 24 * time.Hour)}, {Opened: now.Add(-time.Hour)}}, now)
	want := heartbeatview.RunStats{Good: 2, Late: 1, Watched: 3, UsualRunTime: time.Second, MostRunTime: 3 * time.Second, SlowestRunTime: 3 * time.Second, TimeDown: 25 * time.Hour, GrowingSince: now.Add(-25 * time.Hour), NotWatched: 2}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRunStats_TheTimeDownGrowsWhileTheHeartbeatIsDown(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	over := manage.Outage{Opened: now.Add(-3 * time.Hour), Resolved: now.Add(-2 * time.Hour)}
	if s := RunStats(nil, []manage.Outage{over}, now); s.TimeDown != time.Hour || !s.GrowingSince.IsZero() {
		t.Errorf("after it has recovered: %s, growing since %v", s.TimeDown, s.GrowingSince)
	}
	outages := []manage.Outage{over, {Opened: now.Add(-time.Minute)}}
	if s := RunStats(nil, outages, now); !s.GrowingSince.Equal(now.Add(-61 * time.Minute)) {
		t.Errorf("while it is Down: growing since %v; want 61 minutes ago", s.GrowingSince)
	}
	// The page must not change because time passes: the browser counts.
	if s := RunStats(nil, outages, now.Add(time.Second)); !s.GrowingSince.Equal(now.Add(-61 * time.Minute)) {
		t.Errorf("one second later: growing since %v; want the same", s.GrowingSince)
	}
}

func TestStartOfDay_ADayCanBeginAfterMidnight(t *testing.T) {
	for _, c := range []struct{ zone, day, start, next string }{
		{"UTC", "2026-03-08", "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z"},
		{"Europe/Berlin", "2026-03-29", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"},
		{"America/Havana", "2026-03-07", "2026-03-07T00:00:00-05:00", "2026-03-08T01:00:00-04:00"},
		{"America/Havana", "2026-03-08", "2026-03-08T01:00:00-04:00", "2026-03-09T00:00:00-04:00"},
		{"America/Santiago", "2026-09-06", "2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		noon, err := time.ParseInLocation("2006-01-02T15", c.day+"T12", zone)
		if err != nil {
			t.Fatal(err)
		}
		start, next := StartOfDay(noon).Format(time.RFC3339), StartOfDay(noon.AddDate(0, 0, 1)).Format(time.RFC3339)
		if start != c.start || next != c.next {
			t.Errorf("%s in %s lasts from %s to %s; want %s to %s", c.day, c.zone, start, next, c.start, c.next)
		}
	}
}
