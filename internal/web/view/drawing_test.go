package view

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// grammar is how each outcome is drawn, by the design of the strip; X stands
// for a coordinate.
var grammar = map[string]string{
	OutcomeOnTime:   "MX 22v-7h4v7z",
	OutcomeLate:     "MX 22v-14h4v14z",
	OutcomeFailed:   "MX 22v-20h4v20z",
	OutcomeMissed:   "MX 21.4v-18.8h2.75v18.8z",
	OutcomeUnknown:  "MX 21v-2h2v2zMX 17v-2h2v2zMX 13v-2h2v2z",
	OutcomeUpcoming: "MX 21.5v-6h3v6z",
	OutcomeRunning:  "MX 22v-7h4v7zMX 13v-3h4v3z",
}

func TestRunStrip_DrawsEveryRunOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := RunStrip(rapid.SliceOfN(rapid.SampledFrom([]string{OutcomeOnTime, OutcomeLate, OutcomeFailed, OutcomeMissed, OutcomeUnknown, OutcomeUpcoming, OutcomeRunning}), 0, 40).Draw(t, "runs"))
		drawn := 0
		for _, p := range s.strokes() {
			outcome := strings.TrimPrefix(p.class, "s-")
			one := strings.ReplaceAll(regexp.QuoteMeta(grammar[outcome]), "X", `(\d+(?:\.\d+)?)`)
			if !regexp.MustCompile(`^(?:` + one + `)+$`).MatchString(p.d) {
				t.Fatalf("%s is drawn %q", outcome, p.d)
			}
			drawn += len(regexp.MustCompile(one).FindAllString(p.d, -1))
		}
		if want := min(len(s), 30); drawn != want {
			t.Fatalf("%d runs are drawn; want %d", drawn, want)
		}
	})
}

func TestRunStrip_NewestRunIsAtTheRightEdge(t *testing.T) {
	got := RunStrip{OutcomeLate, OutcomeMissed, OutcomeUpcoming}.strokes()
	want := []stroke{
		{"s-late", "M191 22v-14h4v14z"},
		{"s-missed", "M198.625 21.4v-18.8h2.75v18.8z"},
		{"s-upcoming", "M205.5 21.5v-6h3v6z"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(stroke{})); diff != "" {
		t.Errorf("strip (-want +got):\n%s", diff)
	}
}

func TestRunStrip_LabelIsOneSentence(t *testing.T) {
	for want, s := range map[string]RunStrip{
		"No runs yet":                               {OutcomeUpcoming},
		"The only expected run: late":               {OutcomeLate, OutcomeUpcoming},
		"Last 3 expected runs: 2 on time, 1 missed": {OutcomeOnTime, OutcomeMissed, OutcomeOnTime, OutcomeRunning, OutcomeUpcoming},
		"Last 30 expected runs: 30 late":            RunStrip(slices.Repeat([]string{OutcomeLate}, 45)),
	} {
		if got := s.label(); got != want {
			t.Errorf("%v reads %q; want %q", s, got, want)
		}
	}
}

func TestDurationSparkline_EndsAtTheNewestRun(t *testing.T) {
	s := DurationSparkline{10 * time.Second, 20 * time.Second}
	if got := s.points(); got != "64.5,9.0 69.0,3.0" {
		t.Errorf("points are %q", got)
	}
	if x, y := s.end(); x != "69.0" || y != "3.0" {
		t.Errorf("the newest lies at %s,%s", x, y)
	}
	if long := make(DurationSparkline, 40); len(strings.Fields(long.points())) != sparkPoints || !strings.HasPrefix(long.points(), "1.0,15.0") {
		t.Errorf("a long curve is %q", long.points())
	}
}

func moment(s string) time.Time {
	t, _ := time.Parse(time.RFC3339, s)
	return t
}

func TestDeadline_NeedleIsLinearWithinEachSection(t *testing.T) {
	d := Deadline{Ping: moment("2025-10-14T16:44:13Z"), Due: moment("2025-10-14T17:44:13Z"), Alert: moment("2025-10-14T17:54:13Z")}
	for now, want := range map[string]string{
		"2025-10-14T16:00:00Z": "0.00%", // a clock that is behind
		"2025-10-14T16:44:13Z": "0.00%",
		"2025-10-14T17:14:13Z": "29.00%",
		"2025-10-14T17:44:13Z": "58.00%",
		"2025-10-14T17:49:13Z": "69.00%",
		"2025-10-14T17:54:13Z": "80.00%",
		"2025-10-14T20:09:04Z": "93.17%",
		"2026-10-14T20:09:04Z": "97.00%",
	} {
		if got := d.needle(moment(now)); got != want {
			t.Errorf("at %s the needle is at %s; want %s", now, got, want)
		}
	}
}

func TestDeadline_DoesNotMoveWithoutAPing(t *testing.T) {
	for name, d := range map[string]Deadline{
		"nothing":  {},
		"no due":   {Ping: moment("2025-10-14T16:44:13Z")},
		"inverted": {Ping: moment("2025-10-14T16:44:13Z"), Due: moment("2025-10-14T15:44:13Z"), Alert: moment("2025-10-14T17:44:13Z")},
	} {
		if d.live() || d.data() != nil {
			t.Errorf("%s: the bar moves", name)
		}
	}
}

func TestNextHour_ScalesBarsToTheBusiestMinute(t *testing.T) {
	c := Clock{Now: moment("2025-10-14T20:09:04Z")}
	a := NextHour{From: c.Now, Down: 2, Late: 3}
	a.PerMinute[0], a.PerMinute[1], a.PerMinute[6], a.PerMinute[51] = 34, 12, 51, 120
	want := []minuteBar{
		{"8.40%", 27, 10, "20:09: 34 due"},
		{"9.93%", 34, 3, "20:10: 12 due"},
		{"17.58%", 23, 14, "20:15: 51 due"},
		{"86.43%", 3, 34, "21:00: 120 due"},
	}
	if diff := cmp.Diff(want, a.bars(c), cmp.AllowUnexported(minuteBar{})); diff != "" {
		t.Errorf("bars (-want +got):\n%s", diff)
	}
	if got := a.label(c); got != "217 pings are due in the next hour, at most 120 in one minute, at 21:00. 5 heartbeats are overdue." {
		t.Errorf("the hour reads %q", got)
	}
	if got := (NextHour{}).label(c); got != "No ping is due in the next hour." {
		t.Errorf("an empty hour reads %q", got)
	}
}

func TestNextHour_OverdueMarksStayLeftOfTheNeedle(t *testing.T) {
	for _, a := range []NextHour{{Down: 2, Late: 3}, {Down: 900, Late: 900}, {Late: 70}, {}} {
		down, late := a.overdueMarks()
		if len(down)+len(late) > maxOverdueMarks || len(down) != min(a.Down, maxOverdueMarks) {
			t.Errorf("%d Down and %d Late draw %d and %d marks", a.Down, a.Late, len(down), len(late))
		}
	}
	down, late := NextHour{Down: 2, Late: 3}.overdueMarks()
	if diff := cmp.Diff([][]string{{"0%", "1.5%"}, {"3.4%", "4.9%", "6.4%"}}, [][]string{down, late}); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
}

func TestDay_ShowsItsWorstRun(t *testing.T) {
	c := Clock{Now: moment("2025-10-14T20:09:04Z")}
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
	c := Clock{Now: moment("2025-10-14T20:09:04Z")}
	m := DailyRuns{MaxRunTime: 10 * time.Minute, Days: make([]Day, 30)}
	for i := range m.Days {
		m.Days[i].Date = moment("2025-09-16T01:00:00Z").Add(time.Duration(i) * day)
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
