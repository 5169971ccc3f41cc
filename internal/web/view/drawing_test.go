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
	OnTime:   "MX 22v-7h4v7z",
	Late:     "MX 22v-14h4v14z",
	Failed:   "MX 22v-20h4v20z",
	Missed:   "MX 21.4v-18.8h2.75v18.8z",
	Unknown:  "MX 21v-2h2v2zMX 17v-2h2v2zMX 13v-2h2v2z",
	Upcoming: "MX 21.5v-6h3v6z",
	Running:  "MX 22v-7h4v7zMX 13v-3h4v3z",
}

func TestEveryRunOfAStripIsDrawnOnceByItsGrammar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Strip(rapid.SliceOfN(rapid.SampledFrom([]string{OnTime, Late, Failed, Missed, Unknown, Upcoming, Running}), 0, 40).Draw(t, "runs"))
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

func TestAStripStandsAtTheRightWithTheNewestRunLast(t *testing.T) {
	got := Strip{Late, Missed, Upcoming}.strokes()
	want := []stroke{
		{"s-late", "M191 22v-14h4v14z"},
		{"s-missed", "M198.625 21.4v-18.8h2.75v18.8z"},
		{"s-upcoming", "M205.5 21.5v-6h3v6z"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(stroke{})); diff != "" {
		t.Errorf("strip (-want +got):\n%s", diff)
	}
}

func TestAStripIsToldInOneSentence(t *testing.T) {
	for want, s := range map[string]Strip{
		"No runs yet":                               {Upcoming},
		"The only expected run: late":               {Late, Upcoming},
		"Last 3 expected runs: 2 on time, 1 missed": {OnTime, Missed, OnTime, Running, Upcoming},
		"Last 30 expected runs: 30 late":            Strip(slices.Repeat([]string{Late}, 45)),
	} {
		if got := s.label(); got != want {
			t.Errorf("%v reads %q; want %q", s, got, want)
		}
	}
}

func TestTheCurveOfRunTimesEndsAtTheNewest(t *testing.T) {
	s := Spark{10 * time.Second, 20 * time.Second}
	if got := s.points(); got != "64.5,9.0 69.0,3.0" {
		t.Errorf("points are %q", got)
	}
	if x, y := s.end(); x != "69.0" || y != "3.0" {
		t.Errorf("the newest lies at %s,%s", x, y)
	}
	if long := make(Spark, 40); len(strings.Fields(long.points())) != sparkPoints || !strings.HasPrefix(long.points(), "1.0,15.0") {
		t.Errorf("a long curve is %q", long.points())
	}
}

func moment(s string) time.Time {
	t, _ := time.Parse(time.RFC3339, s)
	return t
}

func TestTheNeedleMovesByStretches(t *testing.T) {
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

func TestABarWithoutAPingDoesNotMove(t *testing.T) {
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

func TestTheComingHourIsDrawnToScale(t *testing.T) {
	c := Clock{Now: moment("2025-10-14T20:09:04Z")}
	a := Ahead{From: c.Now, Down: 2, Late: 3}
	a.PerMinute[0], a.PerMinute[1], a.PerMinute[6], a.PerMinute[51] = 34, 12, 51, 120
	want := []bar{
		{"8.40%", 27, 10, "20:09: 34 due"},
		{"9.93%", 34, 3, "20:10: 12 due"},
		{"17.58%", 23, 14, "20:15: 51 due"},
		{"86.43%", 3, 34, "21:00: 120 due"},
	}
	if diff := cmp.Diff(want, a.bars(c), cmp.AllowUnexported(bar{})); diff != "" {
		t.Errorf("bars (-want +got):\n%s", diff)
	}
	if got := a.label(c); got != "217 pings are due in the next hour, at most 120 in one minute, at 21:00. 5 heartbeats are overdue." {
		t.Errorf("the hour reads %q", got)
	}
	if got := (Ahead{}).label(c); got != "No ping is due in the next hour." {
		t.Errorf("an empty hour reads %q", got)
	}
}

func TestWhatIsOverdueStaysLeftOfTheNeedle(t *testing.T) {
	for _, a := range []Ahead{{Down: 2, Late: 3}, {Down: 900, Late: 900}, {Late: 70}, {}} {
		down, late := a.overdue()
		if len(down)+len(late) > mostMarks || len(down) != min(a.Down, mostMarks) {
			t.Errorf("%d Down and %d Late draw %d and %d marks", a.Down, a.Late, len(down), len(late))
		}
	}
	down, late := Ahead{Down: 2, Late: 3}.overdue()
	if diff := cmp.Diff([][]string{{"0%", "1.5%"}, {"3.4%", "4.9%", "6.4%"}}, [][]string{down, late}); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
}

func TestADayIsDrawnByItsWorstRun(t *testing.T) {
	c := Clock{Now: moment("2025-10-14T20:09:04Z")}
	date := moment("2025-10-04T01:00:00Z")
	for _, x := range []struct {
		day          Day
		worst, words string
	}{
		{Day{OnTime: 1, Took: 224 * time.Second}, OnTime, "Sat 4 Oct: on time, took 3m 44s"},
		{Day{Late: 1, LateBy: 276 * time.Second, Took: 521 * time.Second}, Late, "Sat 4 Oct: late by 4m 36s, took 8m 41s"},
		{Day{Failed: 1, Exit: 1, Took: 131 * time.Second}, Failed, "Sat 4 Oct: failed, exit status 1, took 2m 11s"},
		{Day{Failed: 1}, Failed, "Sat 4 Oct: failed"},
		{Day{Missed: 1}, Missed, "Sat 4 Oct: missed"},
		{Day{Unknown: 1}, Unknown, "Sat 4 Oct: unknown, Overdue was not watching"},
		{Day{Upcoming: 1}, Upcoming, "Sat 4 Oct: upcoming"},
		{Day{Open: 1}, Open, "Sat 4 Oct: due, within grace"},
		{Day{OnTime: 2, Open: 1}, OnTime, "Sat 4 Oct: 2 on time, 1 due, within grace"},
		{Day{}, "none", "Sat 4 Oct: no run expected"},
		{Day{OnTime: 1430, Late: 9, Failed: 1, Took: time.Minute}, Failed, "Sat 4 Oct: 1,430 on time, 9 late, 1 failed, longest 1m"},
		{Day{OnTime: 20, Unknown: 4}, Unknown, "Sat 4 Oct: 20 on time, 4 unknown"},
	} {
		x.day.Date = date
		if x.day.worst() != x.worst || x.day.words(c) != x.words {
			t.Errorf("%+v is %q and reads %q", x.day, x.day.worst(), x.day.words(c))
		}
	}
}

func TestRunTimesAreDrawnAgainstTheLimit(t *testing.T) {
	c := Clock{Now: moment("2025-10-14T20:09:04Z")}
	m := Month{Limit: 10 * time.Minute, Days: make([]Day, 30)}
	for i := range m.Days {
		m.Days[i].Date = moment("2025-09-16T01:00:00Z").Add(time.Duration(i) * day)
	}
	m.Days[0].OnTime, m.Days[0].Took = 1, 330*time.Second
	m.Days[29].Late, m.Days[29].Took = 1, 3*time.Hour
	want := []column{
		{"", "0.75%", "1.55%", "50.00%", "50.00%", "Tue 16 Sep: on time, took 5m 30s"},
		{"b-late", "97.42%", "1.55%", "0.00%", "100.00%", "Wed 15 Oct: late by 0s, took 3h"},
	}
	if diff := cmp.Diff(want, m.columns(c), cmp.AllowUnexported(column{})); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"16 Sep", "23 Sep", "30 Sep", "7 Oct", "15 Oct"}, m.axis(c)); diff != "" {
		t.Errorf("axis (-want +got):\n%s", diff)
	}
	m.Limit = 0
	if got := m.topLabel(); got != "3h" {
		t.Errorf("without a limit the top is %q; want the longest run", got)
	}
}
