package view

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Month is the last 30 days of one heartbeat, oldest first.
type Month struct {
	Days  []Day
	Limit time.Duration // a longer run opens an incident; 0 when none is set
}

// Day counts the expected runs of one day by outcome.
type Day struct {
	Date                                                  time.Time
	OnTime, Late, Failed, Missed, Unknown, Open, Upcoming int
	Took                                                  time.Duration // the longest run; 0 when not measured
	LateBy                                                time.Duration // the latest ping
	Exit                                                  int           // exit status of the last failure; 0 if none was reported
}

func (d Day) runs() int {
	return d.OnTime + d.Late + d.Failed + d.Missed + d.Unknown + d.Open + d.Upcoming
}

// openWords is a run that may still come in time.
const openWords = "due, within grace"

// worst is the outcome by which the day is drawn. What was not watched counts
// for less than trouble and for more than health.
func (d Day) worst() string {
	switch {
	case d.Failed > 0:
		return Failed
	case d.Missed > 0:
		return Missed
	case d.Late > 0:
		return Late
	case d.Unknown > 0:
		return Unknown
	case d.OnTime > 0:
		return OnTime
	case d.Open > 0:
		return Open
	case d.Upcoming > 0:
		return Upcoming
	default:
		return "none"
	}
}

// words tells the day: "Sat 4 Oct: late by 4m 36s, took 8m 41s".
func (d Day) words(c Clock) string {
	told := []string{d.outcome()}
	if d.Took > 0 && d.runs() == 1 {
		told = append(told, "took "+Took(d.Took))
	} else if d.Took > 0 {
		told = append(told, "longest "+Took(d.Took))
	}
	return c.Date(d.Date) + ": " + strings.Join(told, ", ")
}

// outcome tells a single run in full, and many runs by their counts.
func (d Day) outcome() string {
	if d.runs() != 1 {
		return d.counts()
	}
	switch d.worst() {
	case Failed:
		if d.Exit > 0 {
			return "failed, exit status " + strconv.Itoa(d.Exit)
		}
		return "failed"
	case Late:
		return "late by " + Took(d.LateBy)
	case Unknown:
		return "unknown, Overdue was not watching"
	case OnTime:
		return "on time"
	case Open:
		return openWords
	default:
		return d.worst()
	}
}

func (d Day) counts() string {
	var told []string
	for _, o := range []struct {
		n     int
		words string
	}{{d.OnTime, "on time"}, {d.Late, "late"}, {d.Failed, "failed"}, {d.Missed, "missed"}, {d.Unknown, "unknown"}, {d.Open, openWords}, {d.Upcoming, "upcoming"}} {
		if o.n > 0 {
			told = append(told, Count(o.n)+" "+o.words)
		}
	}
	if len(told) == 0 {
		return "no run expected"
	}
	return strings.Join(told, ", ")
}

// axis names every seventh day and the last.
func (m Month) axis(c Clock) []string {
	var words []string
	for i := 0; i+7 < len(m.Days)-1; i += 7 {
		words = append(words, c.Day(m.Days[i].Date))
	}
	if n := len(m.Days); n > 0 {
		words = append(words, c.Day(m.Days[n-1].Date))
	}
	return words
}

// measured are the days with a run time.
func (m Month) measured() []Day {
	return slices.DeleteFunc(slices.Clone(m.Days), func(d Day) bool { return d.Took == 0 })
}

// longest is asked for only when something was measured.
func (m Month) longest() Day {
	return slices.MaxFunc(m.measured(), func(a, b Day) int { return int(a.Took - b.Took) })
}

// top is the duration that the upper label names.
func (m Month) top() time.Duration {
	if m.Limit > 0 {
		return m.Limit
	}
	return m.longest().Took
}

func (m Month) topLabel() string {
	if m.Limit > 0 {
		return "max " + Span(m.Limit)
	}
	return Took(m.top())
}

// fill is how much of the height a duration takes. A run beyond the limit is
// cut off at the top of the picture; its title has the number.
func (m Month) fill(d time.Duration) float64 {
	return min(100, 100*ratio(d, m.top()+m.top()/10))
}

// column is one day of the duration chart.
type column struct{ class, x, width, y, height, title string }

// columns place one column for each day with a run time, under the cell of that
// day in the month above.
func (m Month) columns(c Clock) []column {
	step := 100 / float64(max(len(m.Days), 1))
	var all []column
	for i, d := range m.Days {
		if d.Took == 0 {
			continue
		}
		class := ""
		if w := d.worst(); w == Late || w == Failed {
			class = "b-" + w
		}
		h := m.fill(d.Took)
		all = append(all, column{
			class: class,
			x:     percent(step*float64(i) + step*.225),
			width: percent(step * .465),
			y:     percent(100 - h), height: percent(h),
			title: d.words(c),
		})
	}
	return all
}

// label is the chart in one sentence.
func (m Month) label(c Clock) string {
	days := m.measured()
	slices.SortFunc(days, func(a, b Day) int { return int(a.Took - b.Took) })
	longest := days[len(days)-1]
	words := "Duration per day: usually " + Took(days[len(days)/2].Took) +
		", longest " + Took(longest.Took) + " on " + c.Day(longest.Date)
	if m.Limit > 0 {
		words += ", limit " + Span(m.Limit)
	}
	return words + "."
}
