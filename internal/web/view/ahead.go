package view

import (
	"math"
	"strconv"
	"time"
)

// NextHour is the coming hour of a project: how many pings are due in each minute
// from now, and how many heartbeats are overdue already.
type NextHour struct {
	From       time.Time // that the first minute begins at
	PerMinute  [60]int
	Down, Late int
}

// Places in the drawing: the needle stands at 8 %, the minutes lie to its
// right, what is overdue to its left. Heights are pixels above the line at 37.
const (
	hourBaseline    = 37
	maxBarHeight    = 34
	minBarHeight    = 3
	maxOverdueMarks = 5 // so many marks fit between the edge and the needle
)

// minuteBar is one minute with at least one ping due.
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

// peak is the busiest minute, the first of them.
func (a NextHour) peak() (minute, due int) {
	for i, n := range a.PerMinute {
		if n > due {
			minute, due = i, n
		}
	}
	return minute, due
}

// bars draws the minutes in which anything is due. Heights are relative to the
// busiest minute; the least is still seen.
func (a NextHour) bars(c Clock) []minuteBar {
	_, most := a.peak()
	var bars []minuteBar
	for i, n := range a.PerMinute {
		if n == 0 {
			continue
		}
		h := max(minBarHeight, int(math.Round(maxBarHeight*float64(n)/float64(most))))
		bars = append(bars, minuteBar{
			x:     percent(8.4 + 1.53*float64(i)),
			y:     hourBaseline - h,
			h:     h,
			title: a.minute(c, i) + ": " + Count(n) + " due",
		})
	}
	return bars
}

// minute is the time of day at which one of the minutes begins.
func (a NextHour) minute(c Clock, i int) string {
	return c.Minute(a.From.Add(time.Duration(i) * time.Minute))
}

// overdueMarks places the marks left of the needle: Down first, then Late. There is
// room for few; the sentence of the drawing has the full number.
func (a NextHour) overdueMarks() (down, late []string) {
	downs := min(a.Down, maxOverdueMarks)
	for i := range downs {
		down = append(down, coordinate(1.5*float64(i))+"%")
	}
	gap := 0.4
	if downs == 0 {
		gap = 0
	}
	for i := range min(a.Late, maxOverdueMarks-downs) {
		late = append(late, decimals(1.5*float64(downs+i)+gap, 1)+"%")
	}
	return down, late
}

func (a NextHour) downMarks() []string { down, _ := a.overdueMarks(); return down }
func (a NextHour) lateMarks() []string { _, late := a.overdueMarks(); return late }

// label is the hour in words.
func (a NextHour) label(c Clock) string {
	minute, most := a.peak()
	words := "No ping is due in the next hour."
	if total := a.total(); total == 1 {
		words = "1 ping is due in the next hour, at " + a.minute(c, minute) + "."
	} else if total > 1 {
		words = Count(total) + " pings are due in the next hour, at most " + Count(most) +
			" in one minute, at " + a.minute(c, minute) + "."
	}
	switch n := a.Down + a.Late; n {
	case 0:
		return words
	case 1:
		return words + " 1 heartbeat is overdue."
	default:
		return words + " " + Count(n) + " heartbeats are overdue."
	}
}

// axisLabels are the words under the line, one for each ten minutes.
func (a NextHour) axisLabels(c Clock) []string {
	var words []string
	for i := range 6 {
		words = append(words, a.minute(c, 10*i))
	}
	return words
}

// itoa writes a number that is not counted: a coordinate, an incident's number.
func itoa(n int) string { return strconv.Itoa(n) }
