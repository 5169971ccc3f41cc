package ui

import (
	"strings"
	"time"

	"github.com/a-h/templ"
)

// Positions on the deadline bar, in percent. The bar is not to scale: an interval
// of a day and a grace period of ten minutes must both be visible.
const (
	duePercent       = 58.0
	alertPercent     = 80.0
	maxNeedlePercent = 97.0 // keeps the needle on the bar
)

// Deadline is the bar from the last ping to the alert.
type Deadline struct {
	ID    string // unique on the page; part of the id of the hatching pattern
	Label string // the bar as a sentence, for screen readers

	// Ping, Due and Alert make the bar live: a needle shows the current time. For a
	// bar without a needle, all three are zero.
	Ping, Due, Alert time.Time

	// ShowEarly marks the time before the due time in which a ping already counts.
	// ShowStartMark marks the latest start of the run.
	ShowEarly, ShowStartMark bool

	Marks [3]DeadlineMark

	// Sections are the words of the three sections; empty for Up, Late and Down.
	Sections [3]string
}

// section returns the word of a section.
func (d Deadline) section(i int) string {
	if d.Sections[i] != "" {
		return d.Sections[i]
	}
	return [3]string{"Up", "Late", "Down"}[i]
}

// DeadlineMark is one of the three labelled positions of the bar.
type DeadlineMark struct {
	Label          string    // "Last ping", "Due", "Alert"
	At             time.Time // zero if not known yet
	WithoutSeconds bool      // shows 03:00 instead of 03:00:04
	Text           string    // instead of a time: "any time"
	Note           string    // instead of the date: "every 1 h"
}

// WatchedDeadline returns the live bar of a heartbeat.
func WatchedDeadline(c Clock, ping, due, alert time.Time) Deadline {
	return Deadline{
		ID:    "d",
		Label: "Last ping " + c.Spoken(ping) + ". Due " + c.Spoken(due) + ". Alert " + c.Spoken(alert) + "." + needleText(c.Now, due, alert),
		Ping:  ping, Due: due, Alert: alert,
		Marks: [3]DeadlineMark{{Label: "Last ping", At: ping}, {Label: "Due", At: due}, {Label: "Alert", At: alert}},
	}
}

// RunDeadline returns the live bar of a run whose time limit decides: its start,
// the time by which 95 % of the runs are done, and the limit.
func RunDeadline(c Clock, started, usual, limit time.Time) Deadline {
	return Deadline{
		ID:    "d",
		Label: "The run started " + c.Spoken(started) + ". 95 percent of the runs are done by " + c.Spoken(usual) + ". The limit " + If(c.Now.After(limit), "was ", "is ") + c.Spoken(limit) + ".",
		Ping:  started, Due: usual, Alert: limit,
		Marks:    [3]DeadlineMark{{Label: "Started", At: started}, {Label: "95% done", At: usual}, {Label: "Limit, alert", At: limit}},
		Sections: [3]string{"Running", "Slow", "Too long"},
	}
}

// needleText returns the position of the needle in words.
func needleText(now, due, alert time.Time) string {
	switch {
	case now.After(alert):
		return " Now past the alert."
	case now.After(due):
		return " Now past due."
	default:
		return ""
	}
}

// live reports whether the bar has a needle. After a change of the schedule the
// times can contradict each other: then there is none.
func (d Deadline) live() bool {
	return !d.Ping.IsZero() && d.Due.After(d.Ping) && !d.Alert.Before(d.Due)
}

// needle returns the position of the current time. Each section is linear. Past
// the alert the needle slows down, because it must not reach the end during a long
// outage. app.js computes the same position.
func (d Deadline) needle(now time.Time) string {
	switch {
	case !now.After(d.Due):
		return Percent(duePercent * max(0, Ratio(now.Sub(d.Ping), d.Due.Sub(d.Ping))))
	case !now.After(d.Alert):
		return Percent(duePercent + (alertPercent-duePercent)*Ratio(now.Sub(d.Due), d.Alert.Sub(d.Due)))
	default:
		over := now.Sub(d.Alert)
		return Percent(min(maxNeedlePercent, alertPercent+(100-alertPercent)*Ratio(over, over+d.Alert.Sub(d.Ping))))
	}
}

// data returns the times by which the script moves the needle.
func (d Deadline) data() templ.Attributes {
	if !d.live() {
		return nil
	}
	return templ.Attributes{"data-ping": RFC3339(d.Ping), "data-due": RFC3339(d.Due), "data-alert": RFC3339(d.Alert)}
}

// tick is one line of the scale between the last ping and the due time.
type tick struct{ x, y string }

// ticks divides the interval into 24 parts. Every sixth tick is longer.
func ticks() []tick {
	var all []tick
	for i := 1; i < 24; i++ {
		y := "46"
		if i%6 == 0 {
			y = "43"
		}
		all = append(all, tick{Decimals(duePercent*float64(i)/24, 3) + "%", y})
	}
	return all
}

func (m DeadlineMark) time(c Clock) string {
	if m.WithoutSeconds {
		return c.Minute(m.At)
	}
	return c.Time(m.At)
}

// date returns day and month apart: narrow pages hide the month.
func (m DeadlineMark) date(c Clock) (day, month string) {
	d := c.Date(m.At)
	i := strings.LastIndex(c.InZone(m.At).Format("Mon 2 Jan"), " ")
	return d[:i], d[i:]
}

func (m DeadlineMark) day(c Clock) string { d, _ := m.date(c); return d }

func (m DeadlineMark) month(c Clock) string { _, mo := m.date(c); return mo }
