package web

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

func TestRunsAreToldByWhatCameAndWhatDidNot(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	at := func(hours float64) time.Time { return start.Add(time.Duration(hours * float64(time.Hour))) }
	ping := func(hours float64) monitor.Ping {
		return monitor.Ping{Kind: monitor.Success, At: at(hours), ExitCode: monitor.NoExitCode}
	}
	fail := func(hours float64) monitor.Ping { return monitor.Ping{Kind: monitor.Fail, At: at(hours), ExitCode: 1} }
	outage := func(cause monitor.Cause, from, to float64) manage.Outage {
		o := manage.Outage{Cause: cause, Opened: at(from)}
		if to > 0 {
			o.Resolved = at(to)
		}
		return o
	}
	rule := monitor.Rule{Interval: time.Hour, Grace: 30 * time.Minute}
	standing := func(status monitor.Status, cause monitor.Cause, from float64) monitor.Heartbeat {
		return monitor.Heartbeat{Rule: rule, Status: status, Cause: cause, From: at(from), LastPing: at(from)}
	}
	for name, c := range map[string]struct {
		w    manage.Watched
		now  float64
		want view.Strip
	}{
		"new": {manage.Watched{Heartbeat: monitor.Heartbeat{Rule: rule, Status: monitor.New}}, 1, nil},
		"on time, at the boundary and late": {
			manage.Watched{Heartbeat: standing(monitor.Up, "", 3.2), Pings: []monitor.Ping{ping(0), ping(1), ping(1.9), ping(3.2)}},
			3.3,
			view.Strip{view.OnTime, view.OnTime, view.OnTime, view.Late, view.Upcoming},
		},
		"a failure": {
			manage.Watched{Heartbeat: standing(monitor.Down, monitor.Failure, 1), Pings: []monitor.Ping{ping(0), fail(1)}},
			5,
			view.Strip{view.OnTime, view.Failed},
		},
		"a silence that is over": {
			manage.Watched{Heartbeat: standing(monitor.Up, "", 3.5), Pings: []monitor.Ping{ping(0), ping(3.5)}, Outages: []manage.Outage{outage(monitor.Missed, 1.5, 3.5)}},
			3.6,
			view.Strip{view.OnTime, view.Missed, view.Missed, view.Missed, view.OnTime, view.Upcoming},
		},
		"a silence that goes on": {
			manage.Watched{Heartbeat: standing(monitor.Down, monitor.Missed, 0), Pings: []monitor.Ping{ping(0)}, Outages: []manage.Outage{outage(monitor.Missed, 1.5, 0)}},
			2.5,
			view.Strip{view.OnTime, view.Missed, view.Missed},
		},
		"a pause is no silence": {
			manage.Watched{Heartbeat: standing(monitor.Up, "", 9), Pings: []monitor.Ping{ping(0), ping(9)}},
			9,
			view.Strip{view.OnTime, view.OnTime, view.Upcoming},
		},
		"a run that took too long": {
			manage.Watched{Heartbeat: standing(monitor.Up, "", 1), Pings: []monitor.Ping{ping(0), ping(1)}, Outages: []manage.Outage{outage(monitor.Overran, .9, 1)}},
			1,
			view.Strip{view.OnTime, view.Failed, view.Upcoming},
		},
	} {
		if diff := cmp.Diff(c.want, strip(runs(c.w, at(c.now)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestASilenceIsToldInBoundedSpace(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	all := missed(time.Second, start, start.Add(90*24*time.Hour))
	if len(all) != mostMissed || !all[len(all)-1].at.Equal(start.Add(90*24*time.Hour-time.Second)) {
		t.Errorf("%d runs up to %v", len(all), all[len(all)-1].at)
	}
	if one := missed(time.Hour, start, start.Add(time.Minute)); len(one) != 1 {
		t.Errorf("%d runs; an incident missed at least one", len(one))
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
		{at: time.Date(2026, 3, 29, 21, 59, 0, 0, time.UTC), outcome: view.OnTime},
		{at: time.Date(2026, 3, 29, 22, 0, 0, 0, time.UTC), outcome: view.Late, lateBy: time.Minute},
		{at: now.AddDate(0, -3, 0), outcome: view.Failed},
	}, time.Hour, c)
	if len(m.Days) != daysShown || m.Days[28].OnTime != 1 || m.Days[29].Late != 1 || m.Days[29].LateBy != time.Minute {
		t.Errorf("%+v", m.Days[27:])
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
		{at: now, outcome: view.OnTime, took: 3 * time.Second},
		{at: now, outcome: view.Late, took: time.Second},
		{at: now, outcome: view.Missed},
		{at: now, outcome: view.Upcoming},
		{at: now.AddDate(0, -2, 0), outcome: view.OnTime},
	}, []manage.Outage{{Opened: now.AddDate(0, -2, 0), Resolved: now.Add(-29 * 24 * time.Hour)}, {Opened: now.Add(-time.Hour)}}, now)
	want := view.MonthStats{OnTime: 1, Watched: 3, Usual: time.Second, Slowest: 3 * time.Second, Down: 25 * time.Hour}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
