package heartbeatview

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/web/view/ui"
)

func TestDay_ShowsItsWorstRun(t *testing.T) {
	c := ui.Clock{Now: moment("2025-10-14T20:09:04Z")}
	date := moment("2025-10-04T01:00:00Z")
	for _, x := range []struct {
		day          Day
		worst, words string
	}{
		{Day{OnTime: 1, LongestRun: 224 * time.Second}, OutcomeOnTime, "Sat 4 Oct: on time, took 3m 44s"},
		{Day{Late: 1, MaxLateness: 276 * time.Second, LongestRun: 521 * time.Second}, OutcomeLate, "Sat 4 Oct: late by 4m 36s, took 8m 41s"},
		{Day{Failed: 1, ExitStatus: 1, LongestRun: 131 * time.Second}, OutcomeFailed, "Sat 4 Oct: failed, exit status 1, took 2m 11s"},
		{Day{Failed: 1}, OutcomeFailed, "Sat 4 Oct: failed"},
		{Day{Missed: 1}, OutcomeMissed, "Sat 4 Oct: missed"},
		{Day{Unknown: 1}, OutcomeUnknown, "Sat 4 Oct: unknown, Overdue was not watching"},
		{Day{Upcoming: 1}, OutcomeUpcoming, "Sat 4 Oct: upcoming"},
		{Day{WithinGrace: 1}, OutcomeWithinGrace, "Sat 4 Oct: due, within grace"},
		{Day{OnTime: 2, WithinGrace: 1}, OutcomeOnTime, "Sat 4 Oct: 2 on time, 1 due, within grace"},
		{Day{}, "none", "Sat 4 Oct: no run expected"},
		{Day{OnTime: 1430, Late: 9, Failed: 1, LongestRun: time.Minute}, OutcomeFailed, "Sat 4 Oct: 1,430 on time, 9 late, 1 failed, longest 1m"},
		{Day{OnTime: 20, Unknown: 4}, OutcomeUnknown, "Sat 4 Oct: 20 on time, 4 unknown"},
	} {
		x.day.Date = date
		if x.day.worst() != x.worst || x.day.text(c) != x.words {
			t.Errorf("%+v is %q and reads %q", x.day, x.day.worst(), x.day.text(c))
		}
	}
}

func TestDailyRuns_ScalesBarsToTheMaxRunTime(t *testing.T) {
	c := ui.Clock{Now: moment("2025-10-14T20:09:04Z")}
	m := DailyRuns{MaxRunTime: 10 * time.Minute, Days: make([]Day, 30)}
	for i := range m.Days {
		m.Days[i].Date = moment("2025-09-16T01:00:00Z").Add(time.Duration(i) * 24 * time.Hour)
	}
	m.Days[0].OnTime, m.Days[0].LongestRun = 1, 330*time.Second
	m.Days[29].Late, m.Days[29].LongestRun = 1, 3*time.Hour
	want := []durationBar{
		{"", "0.75%", "1.55%", "50.00%", "50.00%", "Tue 16 Sep: on time, took 5m 30s"},
		{"b-late", "97.42%", "1.55%", "0.00%", "100.00%", "Wed 15 Oct: late by 0s, took 3h"},
	}
	if diff := cmp.Diff(want, m.bars(c), cmp.AllowUnexported(durationBar{})); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"16 Sep", "23 Sep", "30 Sep", "7 Oct", "15 Oct"}, m.axisLabels(c)); diff != "" {
		t.Errorf("axis (-want +got):\n%s", diff)
	}
	m.MaxRunTime = 0
	if got := m.topLabel(); got != "3h" {
		t.Errorf("without a limit the top is %q; want the longest run", got)
	}
}
