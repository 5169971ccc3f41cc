package heartbeatview

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/web/view/ui"
)

func TestNextHour_ScalesBarsToTheBusiestMinute(t *testing.T) {
	c := ui.Clock{Now: moment("2025-10-14T20:09:04Z")}
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
