package web

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

func TestRunsAreDrawnAsTheLedgerTellsThem(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	at := func(hours float64) time.Time { return start.Add(time.Duration(hours * float64(time.Hour))) }
	told := func(outcome monitor.Outcome, count int64) monitor.Stretch {
		return monitor.Stretch{Outcome: outcome, First: at(0), Last: at(1), Count: count}
	}
	standing := func(status monitor.Status, runs ...monitor.Run) monitor.Heartbeat {
		return monitor.Heartbeat{Rule: monitor.Rule{Interval: time.Hour}, Status: status, From: at(0), LastPing: at(0), Runs: runs}
	}
	const on, late, failed, missed = view.OnTime, view.Late, view.Failed, view.Missed
	for name, c := range map[string]struct {
		h     monitor.Heartbeat
		slots []monitor.Stretch
		want  view.Strip
	}{
		"new":      {monitor.Heartbeat{Status: monitor.New}, nil, nil},
		"good":     {standing(monitor.Up), []monitor.Stretch{told(monitor.RunOnTime, 2), told(monitor.RunLate, 1)}, view.Strip{on, on, late, view.Open}},
		"upcoming": {monitor.Heartbeat{Rule: monitor.Rule{Interval: 3 * time.Hour}, Status: monitor.Up, From: at(0)}, nil, view.Strip{view.Upcoming}},
		"running":  {standing(monitor.Up, monitor.Run{Start: at(1)}), []monitor.Stretch{told(monitor.RunOnTime, 1)}, view.Strip{on, view.Running}},
		"bad runs": {standing(monitor.Down), []monitor.Stretch{told(monitor.RunFailed, 1), told(monitor.RunTooShort, 1), told(monitor.RunOverran, 1)}, view.Strip{failed, failed, failed}},
		"silence":  {standing(monitor.Down), []monitor.Stretch{told(monitor.RunMissed, 2), told(monitor.RunNotStarted, 1)}, view.Strip{missed, missed, missed}},
		"unknown":  {standing(monitor.Down), []monitor.Stretch{told(monitor.RunUnknown, 1)}, view.Strip{view.Unknown}},
	} {
		w := manage.Watched{Heartbeat: c.h, Slots: c.slots, Pings: []monitor.Ping{{Kind: monitor.Success, At: at(0)}}}
		if diff := cmp.Diff(c.want, strip(runs(w, at(2)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	w := manage.Watched{Heartbeat: standing(monitor.Down), Slots: []monitor.Stretch{told(monitor.RunOnTime, 5), told(monitor.RunMissed, 1<<40)}}
	if s := strip(runs(w, at(2))); len(s) != stripRuns || s[0] != missed {
		t.Errorf("a long silence is drawn as %v", s)
	}
}

func TestEveryOutcomeIsDrawn(t *testing.T) {
	for _, o := range monitor.Outcomes {
		if outcomes[o] == "" {
			t.Errorf("%s is drawn as nothing", o)
		}
	}
}

func TestTheMonthCountsDaysAsTheProjectHasThem(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 30, 10, 0, 0, 0, time.UTC) // the day after the clocks went forward
	c := view.Clock{Now: now, Zone: berlin}
	m := month([]run{
		{at: time.Date(2026, 3, 29, 21, 59, 0, 0, time.UTC), count: 1, outcome: view.OnTime},
		{at: time.Date(2026, 3, 29, 22, 0, 0, 0, time.UTC), count: 1, outcome: view.Late, lateBy: time.Minute},
		{at: now.AddDate(0, -3, 0), count: 1, outcome: view.Failed},
		// Hourly in UTC, so that two of them are of the next day in Berlin.
		{at: time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC), last: time.Date(2026, 3, 27, 23, 0, 0, 0, time.UTC), count: 24, outcome: view.Missed},
		{at: time.Date(2026, 3, 27, 1, 0, 0, 0, time.UTC), took: time.Minute, exit: 3},
	}, time.Hour, c)
	if len(m.Days) != daysShown || m.Days[28].OnTime != 1 || m.Days[29].Late != 1 || m.Days[29].LateBy != time.Minute {
		t.Errorf("%+v", m.Days[27:])
	}
	if m.Days[26].Missed != 23 || m.Days[27].Missed != 1 || m.Days[26].Took != time.Minute || m.Days[26].Exit != 3 {
		t.Errorf("%+v", m.Days[26:28])
	}
	for i, d := range m.Days {
		if want := time.Date(2026, 3, 1+i, 12, 0, 0, 0, berlin); !d.Date.Equal(want) {
			t.Errorf("day %d is %v", i, d.Date)
		}
		if d.Failed > 0 {
			t.Error("a run of long ago is counted")
		}
	}
	s := stats([]run{
		{at: now, count: 1, outcome: view.OnTime},
		{at: now, count: 1, outcome: view.Late},
		{at: now, count: 1, outcome: view.Missed},
		{at: now, count: 2, outcome: view.Unknown},
		{at: now, took: 3 * time.Second},
		{at: now, took: time.Second},
		{at: now, count: 1, outcome: view.Upcoming},
		{at: now.AddDate(0, -2, 0), count: 1, outcome: view.OnTime},
	}, []manage.Outage{{Opened: now.AddDate(0, -2, 0), Resolved: now.Add(-29 * 24 * time.Hour)}, {Opened: now.Add(-time.Hour)}}, now)
	want := view.MonthStats{Good: 2, Late: 1, Watched: 3, Usual: time.Second, Slowest: 3 * time.Second, Down: 25 * time.Hour}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
