package view

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// DailyRuns is the last 30 days of one heartbeat, oldest first.
type DailyRuns struct {
	Days       []Day
	MaxRunTime time.Duration // a longer run opens an incident; 0 when none is set
}

// Day counts the expected runs of one day by outcome.
type Day struct {
	Date                                                         time.Time
	OnTime, Late, Failed, Missed, Unknown, WithinGrace, Upcoming int
	LongestRun                                                   time.Duration // the longest run; 0 when not measured
	MaxLateness                                                  time.Duration // the latest ping
	ExitStatus                                                   int           // exit status of the last failure; 0 if none was reported
}

func (d Day) runs() int {
	return d.OnTime + d.Late + d.Failed + d.Missed + d.Unknown + d.WithinGrace + d.Upcoming
}

// withinGraceText is a run that may still come in time.
const withinGraceText = "due, within grace"

// worst is the outcome by which the day is drawn. What was not watched counts
// for less than trouble and for more than health.
func (d Day) worst() string {
	switch {
	case d.Failed > 0:
		return OutcomeFailed
	case d.Missed > 0:
		return OutcomeMissed
	case d.Late > 0:
		return OutcomeLate
	case d.Unknown > 0:
		return OutcomeUnknown
	case d.OnTime > 0:
		return OutcomeOnTime
	case d.WithinGrace > 0:
		return OutcomeWithinGrace
	case d.Upcoming > 0:
		return OutcomeUpcoming
	default:
		return "none"
	}
}

// text tells the day: "Sat 4 Oct: late by 4m 36s, took 8m 41s".
func (d Day) text(c Clock) string {
	told := []string{d.outcome()}
	if d.LongestRun > 0 && d.runs() == 1 {
		told = append(told, "took "+RunTime(d.LongestRun))
	} else if d.LongestRun > 0 {
		told = append(told, "longest "+RunTime(d.LongestRun))
	}
	return c.Date(d.Date) + ": " + strings.Join(told, ", ")
}

// outcome tells a single run in full, and many runs by their counts.
func (d Day) outcome() string {
	if d.runs() != 1 {
		return d.counts()
	}
	switch d.worst() {
	case OutcomeFailed:
		if d.ExitStatus > 0 {
			return "failed, exit status " + strconv.Itoa(d.ExitStatus)
		}
		return "failed"
	case OutcomeLate:
		return "late by " + RunTime(d.MaxLateness)
	case OutcomeUnknown:
		return "unknown, Overdue was not watching"
	case OutcomeOnTime:
		return "on time"
	case OutcomeWithinGrace:
		return withinGraceText
	default:
		return d.worst()
	}
}

func (d Day) counts() string {
	var told []string
	for _, o := range []struct {
		n     int
		words string
	}{{d.OnTime, "on time"}, {d.Late, "late"}, {d.Failed, "failed"}, {d.Missed, "missed"}, {d.Unknown, "unknown"}, {d.WithinGrace, withinGraceText}, {d.Upcoming, "upcoming"}} {
		if o.n > 0 {
			told = append(told, Count(o.n)+" "+o.words)
		}
	}
	if len(told) == 0 {
		return "no run expected"
	}
	return strings.Join(told, ", ")
}

// axisLabels names every seventh day and the last.
func (m DailyRuns) axisLabels(c Clock) []string {
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
func (m DailyRuns) measured() []Day {
	return slices.DeleteFunc(slices.Clone(m.Days), func(d Day) bool { return d.LongestRun == 0 })
}

// longest is asked for only when something was measured.
func (m DailyRuns) longest() Day {
	return slices.MaxFunc(m.measured(), func(a, b Day) int { return int(a.LongestRun - b.LongestRun) })
}

// top is the duration that the upper label names.
func (m DailyRuns) top() time.Duration {
	if m.MaxRunTime > 0 {
		return m.MaxRunTime
	}
	return m.longest().LongestRun
}

func (m DailyRuns) topLabel() string {
	if m.MaxRunTime > 0 {
		return "max " + ExactDuration(m.MaxRunTime)
	}
	return RunTime(m.top())
}

// heightPercent is how much of the height a duration takes. A run beyond the limit is
// cut off at the top of the picture; its title has the number.
func (m DailyRuns) heightPercent(d time.Duration) float64 {
	return min(100, 100*ratio(d, m.top()+m.top()/10))
}

// durationBar is one day of the duration chart.
type durationBar struct{ class, x, width, y, height, title string }

// bars place one column for each day with a run time, under the cell of that
// day in the month above.
func (m DailyRuns) bars(c Clock) []durationBar {
	step := 100 / float64(max(len(m.Days), 1))
	var all []durationBar
	for i, d := range m.Days {
		if d.LongestRun == 0 {
			continue
		}
		class := ""
		if w := d.worst(); w == OutcomeLate || w == OutcomeFailed {
			class = "b-" + w
		}
		h := m.heightPercent(d.LongestRun)
		all = append(all, durationBar{
			class: class,
			x:     percent(step*float64(i) + step*.225),
			width: percent(step * .465),
			y:     percent(100 - h), height: percent(h),
			title: d.text(c),
		})
	}
	return all
}

// label is the chart in one sentence.
func (m DailyRuns) label(c Clock) string {
	days := m.measured()
	slices.SortFunc(days, func(a, b Day) int { return int(a.LongestRun - b.LongestRun) })
	longest := days[len(days)-1]
	words := "Duration per day: usually " + RunTime(days[len(days)/2].LongestRun) +
		", longest " + RunTime(longest.LongestRun) + " on " + c.Day(longest.Date)
	if m.MaxRunTime > 0 {
		words += ", limit " + ExactDuration(m.MaxRunTime)
	}
	return words + "."
}
