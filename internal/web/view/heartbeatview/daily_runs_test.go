package heartbeatview

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/web/view/ui"
)

func TestDay_SaysWhatItsRunsAre(t *testing.T) {
	c := ui.Clock{Now: moment("2025-10-14T20:09:04Z")}
	date := moment("2025-10-04T01:00:00Z")
	for _, x := range []struct {
		day         Day
		kind, words string
	}{
		{Day{OnTime: 1, LongestRun: 224 * time.Second}, "runs", "Sat 4 Oct: on time, took 3m 44s"},
		{Day{Late: 1, MaxLateness: 276 * time.Second, LongestRun: 521 * time.Second}, "runs", "Sat 4 Oct: late by 4m 36s, took 8m 41s"},
		{Day{Failed: 1, ExitStatus: 1, LongestRun: 131 * time.Second}, "runs", "Sat 4 Oct: failed, exit code 1, took 2m 11s"},
		{Day{Failed: 1}, "runs", "Sat 4 Oct: failed"},
		{Day{Missed: 1}, "runs", "Sat 4 Oct: missed"},
		{Day{Unknown: 1}, OutcomeUnknown, "Sat 4 Oct: unknown, Overdue was not watching"},
		{Day{Upcoming: 1}, OutcomeUpcoming, "Sat 4 Oct: upcoming"},
		{Day{WithinGrace: 1}, OutcomeUpcoming, "Sat 4 Oct: due, within grace"},
		{Day{OnTime: 2, WithinGrace: 1}, "runs", "Sat 4 Oct: 2 of 2 good, 1 due, within grace"},
		{Day{}, "none", "Sat 4 Oct: no run expected"},
		{Day{OnTime: 1430, Late: 9, Failed: 1, LongestRun: time.Minute}, "runs", "Sat 4 Oct: 1,439 of 1,440 good, 9 late, 1 failed, longest 1m"},
		{Day{OnTime: 20, Unknown: 4}, "runs", "Sat 4 Oct: 20 of 20 good, 4 unknown"},
	} {
		x.day.Date = date
		if x.day.kind() != x.kind || x.day.text(c) != x.words {
			t.Errorf("%+v is %q and reads %q", x.day, x.day.kind(), x.day.text(c))
		}
	}
}

func TestDay_ShowsTheShareOfFailedRuns(t *testing.T) {
	for name, x := range map[string]struct {
		day  Day
		want []dayBar
	}{
		"one good run":       {Day{OnTime: 1}, []dayBar{{"d-ok", "24.00", "12.00"}}},
		"one failed run":     {Day{Failed: 1}, []dayBar{{"d-bad", "0.00", "36.00"}}},
		"one missed run":     {Day{Missed: 1}, []dayBar{{"d-miss", "0.75", "34.50"}}},
		"one of 16 missed":   {Day{OnTime: 15, Missed: 1}, []dayBar{{"d-ok", "24.75", "11.25"}, {"d-miss", "21.50", "2.50"}}},
		"one of 1000 failed": {Day{OnTime: 999, Failed: 1}, []dayBar{{"d-ok", "24.01", "11.99"}, {"d-bad", "21.01", "3.00"}}},
		"half late":          {Day{OnTime: 1, Late: 1}, []dayBar{{"d-ok", "30.00", "6.00"}, {"d-late2", "18.00", "12.00"}}},
		"only unknown":       {Day{Unknown: 3}, nil},
	} {
		if diff := cmp.Diff(x.want, x.day.bars(), cmp.AllowUnexported(dayBar{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
