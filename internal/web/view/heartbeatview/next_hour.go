package heartbeatview

import (
	"math"
	"time"

	"overdue/internal/web/view/ui"
)

// NextHour has the number of pings that are due in each minute of the next hour,
// and the number of heartbeats that are overdue now.
type NextHour struct {
	From       time.Time // start of the first minute
	PerMinute  [60]int
	Down, Late int
}

// Geometry of the chart. The needle is at 8 %, the minutes are to its right, the
// overdue marks to its left. Heights are pixels above the baseline.
const (
	hourBaseline    = 37
	maxBarHeight    = 34
	minBarHeight    = 3
	maxOverdueMarks = 5 // as many fit left of the needle
)

// minuteBar is the bar of a minute with at least one due ping.
type minuteBar struct {
	x     string
	y, h  int
	title string
}

func (a NextHour) total() int {
	n := 0
	for _, due := range a.PerMinute {
		n += due
	}
	return n
}

// peak returns the first of the busiest minutes.
func (a NextHour) peak() (minute, due int) {
	for i, n := range a.PerMinute {
		if n > due {
			minute, due = i, n
		}
	}
	return minute, due
}

// bars returns a bar for each minute with due pings. The busiest minute has the
// full height; every bar has at least the minimum height.
func (a NextHour) bars(c ui.Clock) []minuteBar {
	_, most := a.peak()
	var bars []minuteBar
	for i, n := range a.PerMinute {
		if n == 0 {
			continue
		}
		h := max(minBarHeight, int(math.Round(maxBarHeight*float64(n)/float64(most))))
		bars = append(bars, minuteBar{
			x:     ui.Percent(8.4 + 1.53*float64(i)),
			y:     hourBaseline - h,
			h:     h,
			title: a.minute(c, i) + ": " + ui.Count(n) + " due",
		})
	}
	return bars
}

// minute returns the time of day at which the i-th minute begins.
func (a NextHour) minute(c ui.Clock, i int) string {
	return c.Minute(a.From.Add(time.Duration(i) * time.Minute))
}

// overdueMarks returns the positions of the marks left of the needle: Down first,
// then Late. The label of the chart has the full numbers.
func (a NextHour) overdueMarks() (down, late []string) {
	downs := min(a.Down, maxOverdueMarks)
	for i := range downs {
		down = append(down, ui.Coordinate(1.5*float64(i))+"%")
	}
	gap := 0.4
	if downs == 0 {
		gap = 0
	}
	for i := range min(a.Late, maxOverdueMarks-downs) {
		late = append(late, ui.Decimals(1.5*float64(downs+i)+gap, 1)+"%")
	}
	return down, late
}

func (a NextHour) downMarks() []string { down, _ := a.overdueMarks(); return down }

func (a NextHour) lateMarks() []string { _, late := a.overdueMarks(); return late }

// label describes the chart in words.
func (a NextHour) label(c ui.Clock) string {
	minute, most := a.peak()
	words := "No ping is due in the next hour."
	if total := a.total(); total == 1 {
		words = "1 ping is due in the next hour, at " + a.minute(c, minute) + "."
	} else if total > 1 {
		words = ui.Count(total) + " pings are due in the next hour, at most " + ui.Count(most) +
			" in one minute, at " + a.minute(c, minute) + "."
	}
	switch n := a.Down + a.Late; n {
	case 0:
		return words
	case 1:
		return words + " 1 heartbeat is overdue."
	default:
		return words + " " + ui.Count(n) + " heartbeats are overdue."
	}
}

// axisLabels returns the labels below the chart, one for every ten minutes.
func (a NextHour) axisLabels(c ui.Clock) []string {
	var words []string
	for i := range 6 {
		words = append(words, a.minute(c, 10*i))
	}
	return words
}
