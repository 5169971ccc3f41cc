package heartbeatview

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/web/view/ui"
)

// DailyRuns has the runs of the last 30 days of one heartbeat, oldest day first.
type DailyRuns struct {
	Days       []Day
	MaxRunTime time.Duration // 0 if none is set
}

// Day counts the runs of one day by outcome.
type Day struct {
	Date                                                         time.Time
	OnTime, Late, Failed, Missed, Unknown, WithinGrace, Upcoming int
	LongestRun                                                   time.Duration // 0 if not measured
	MaxLateness                                                  time.Duration // of the latest ping
	ExitStatus                                                   int           // of the last failure; 0 if the job reported none
}

func (d Day) runs() int {
	return d.OnTime + d.Late + d.Failed + d.Missed + d.Unknown + d.WithinGrace + d.Upcoming
}

// withinGraceText describes a run that is due but not late yet.
const withinGraceText = "due, within grace"

// worst returns the outcome that the day shows. Unknown ranks below every failure
// and above every success.
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

// text describes the day: "Sat 4 Oct: late by 4m 36s, took 8m 41s".
func (d Day) text(c ui.Clock) string {
	parts := []string{d.outcome()}
	if d.LongestRun > 0 && d.runs() == 1 {
		parts = append(parts, "took "+ui.RunTime(d.LongestRun))
	} else if d.LongestRun > 0 {
		parts = append(parts, "longest "+ui.RunTime(d.LongestRun))
	}
	return c.Date(d.Date) + ": " + strings.Join(parts, ", ")
}

// outcome describes a single run in detail, and several runs by their counts.
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
		return "late by " + ui.RunTime(d.MaxLateness)
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
	var parts []string
	for _, o := range []struct {
		n     int
		words string
	}{{d.OnTime, "on time"}, {d.Late, "late"}, {d.Failed, "failed"}, {d.Missed, "missed"}, {d.Unknown, "unknown"}, {d.WithinGrace, withinGraceText}, {d.Upcoming, "upcoming"}} {
		if o.n > 0 {
			parts = append(parts, ui.Count(o.n)+" "+o.words)
		}
	}
	if len(parts) == 0 {
		return "no run expected"
	}
	return strings.Join(parts, ", ")
}

// axisLabels returns every seventh day and the last day.
func (m DailyRuns) axisLabels(c ui.Clock) []string {
	var words []string
	for i := 0; i+7 < len(m.Days)-1; i += 7 {
		words = append(words, c.Day(m.Days[i].Date))
	}
	if n := len(m.Days); n > 0 {
		words = append(words, c.Day(m.Days[n-1].Date))
	}
	return words
}

// measured returns the days with a run time.
func (m DailyRuns) measured() []Day {
	return slices.DeleteFunc(slices.Clone(m.Days), func(d Day) bool { return d.LongestRun == 0 })
}

// longest returns the day with the longest run. At least one day must be measured.
func (m DailyRuns) longest() Day {
	return slices.MaxFunc(m.measured(), func(a, b Day) int { return int(a.LongestRun - b.LongestRun) })
}

// top returns the duration of the upper axis label.
func (m DailyRuns) top() time.Duration {
	if m.MaxRunTime > 0 {
		return m.MaxRunTime
	}
	return m.longest().LongestRun
}

func (m DailyRuns) topLabel() string {
	if m.MaxRunTime > 0 {
		return "max " + ui.ExactDuration(m.MaxRunTime)
	}
	return ui.RunTime(m.top())
}

// heightPercent returns the height of a bar. A run that is longer than the maximum
// fills the whole height; its title has the number.
func (m DailyRuns) heightPercent(d time.Duration) float64 {
	return min(100, 100*ui.Ratio(d, m.top()+m.top()/10))
}

// durationBar is the bar of one day in the duration chart.
type durationBar struct{ class, x, width, y, height, title string }

// bars returns one bar for each measured day, below the cell of that day.
func (m DailyRuns) bars(c ui.Clock) []durationBar {
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
			x:     ui.Percent(step*float64(i) + step*.225),
			width: ui.Percent(step * .465),
			y:     ui.Percent(100 - h), height: ui.Percent(h),
			title: d.text(c),
		})
	}
	return all
}

// label describes the chart in one sentence.
func (m DailyRuns) label(c ui.Clock) string {
	days := m.measured()
	slices.SortFunc(days, func(a, b Day) int { return int(a.LongestRun - b.LongestRun) })
	longest := days[len(days)-1]
	words := "Duration per day: usually " + ui.RunTime(days[len(days)/2].LongestRun) +
		", longest " + ui.RunTime(longest.LongestRun) + " on " + c.Day(longest.Date)
	if m.MaxRunTime > 0 {
		words += ", limit " + ui.ExactDuration(m.MaxRunTime)
	}
	return words + "."
}
