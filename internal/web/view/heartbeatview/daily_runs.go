package heartbeatview

import (
	"strconv"
	"strings"
	"time"

	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// DailyRuns has the runs of the last 30 days of one heartbeat, oldest day first.
type DailyRuns struct {
	Days     []Day
	PagePath string    // address of the page
	OpenDay  time.Time // the day that the log shows; zero means all
}

// Day counts the runs of one day by outcome.
type Day struct {
	Date                                                                  time.Time
	OnTime, Late, Failed, Missed, Unknown, Excused, WithinGrace, Upcoming int
	LongestRun                                                            time.Duration // 0 if not measured
	MaxLateness                                                           time.Duration // of the latest ping
	ExitStatus                                                            int           // of the last failure; 0 if the job reported none
}

func (d Day) runs() int {
	return d.OnTime + d.Late + d.Failed + d.Missed + d.Unknown + d.Excused + d.WithinGrace + d.Upcoming
}

// withinGraceText describes a run that is due but not late yet.
const withinGraceText = "due, within grace"

// knownRuns returns the number of runs with a known outcome.
func (d Day) knownRuns() int { return d.OnTime + d.Late + d.Failed + d.Missed }

// kind describes how the cell of the day is drawn: with the shares of its runs, or as a day
// without any.
func (d Day) kind() string {
	switch {
	case d.knownRuns() > 0:
		return "runs"
	case d.Unknown+d.Excused > 0:
		return OutcomeUnknown
	case d.WithinGrace+d.Upcoming > 0:
		return OutcomeUpcoming
	default:
		return "none"
	}
}

// Heights in the cell of a day, which is 36 high. A day with only good runs is short,
// a day with only bad ones fills the cell.
const (
	dayHeight     = 36.0
	onTimeHeight  = 12.0
	lateHeight    = 24.0
	leastFailed   = 3.0 // keeps a single failed run among many visible
	leastMissed   = 4.0
	missedOutline = .75
)

// dayBar is one part of the cell of a day.
type dayBar struct{ class, y, height string }

// bars returns the shares of the outcomes, from the bottom up.
func (d Day) bars() []dayBar {
	var all []dayBar
	top := dayHeight
	add := func(class string, n int, full, least, inset float64) {
		if n == 0 {
			return
		}
		height := min(top, max(least, full*float64(n)/float64(d.knownRuns())))
		top -= height
		all = append(all, dayBar{class, ui.Decimals(top+inset, 2), ui.Decimals(max(.5, height-2*inset), 2)})
	}
	add("d-ok", d.OnTime, onTimeHeight, 0, 0)
	add("d-late2", d.Late, lateHeight, leastFailed, 0)
	add("d-bad", d.Failed, dayHeight, leastFailed, 0)
	add("d-miss", d.Missed, dayHeight, leastMissed, missedOutline)
	return all
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
	switch {
	case d.Failed > 0 && d.ExitStatus > 0:
		return "failed, exit code " + strconv.Itoa(d.ExitStatus)
	case d.Failed > 0:
		return "failed"
	case d.Late > 0:
		return "late by " + ui.RunTime(d.MaxLateness)
	case d.Unknown > 0:
		return "unknown, Overdue was not watching"
	case d.Excused > 0:
		return "excused, in maintenance"
	case d.OnTime > 0:
		return "on time"
	case d.WithinGrace > 0:
		return withinGraceText
	case d.Missed > 0:
		return OutcomeMissed
	default:
		return OutcomeUpcoming
	}
}

func (d Day) counts() string {
	var parts []string
	if d.knownRuns() > 0 {
		parts = append(parts, ui.Count(d.OnTime+d.Late)+" of "+ui.Count(d.knownRuns())+" good")
	}
	for _, o := range []struct {
		n     int
		words string
	}{{d.Late, "late"}, {d.Failed, "failed"}, {d.Missed, "missed"}, {d.Unknown, "unknown"}, {d.Excused, "excused"}, {d.WithinGrace, withinGraceText}, {d.Upcoming, "upcoming"}} {
		if o.n > 0 {
			parts = append(parts, ui.Count(o.n)+" "+o.words)
		}
	}
	if len(parts) == 0 {
		return "no run expected"
	}
	return strings.Join(parts, ", ")
}

// weekday returns the day of the week, 1 for Monday to 7 for Sunday.
func (d Day) weekday() string { return ui.Itoa((int(d.Date.Weekday())+6)%7 + 1) }

// number returns the day of the month.
func (d Day) number() string { return ui.Itoa(d.Date.Day()) }

// month returns the name of the month for the first cell and the first of a month.
func (m DailyRuns) month(i int) string {
	if i > 0 && m.Days[i].Date.Day() > 1 {
		return ""
	}
	return m.Days[i].Date.Format("Jan")
}

// logPath returns the address of the log of a day.
func (m DailyRuns) logPath(d Day) string {
	return m.PagePath + paths.Query("day", d.Date.Format(time.DateOnly)) + "#log"
}

// isOpen reports whether the log shows this day.
func (m DailyRuns) isOpen(d Day) bool {
	return !m.OpenDay.IsZero() && m.OpenDay.Format(time.DateOnly) == d.Date.Format(time.DateOnly)
}

// weekdays are the heads of the columns on narrow pages.
var weekdays = []string{"Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"}
