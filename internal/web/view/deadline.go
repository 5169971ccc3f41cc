package view

import (
	"strings"
	"time"

	"github.com/a-h/templ"
)

// Places on the deadline bar, in percent. It is not to scale on purpose: an
// interval of a day and a grace of ten minutes must both be seen.
const (
	duePercent       = 58.0
	alertPercent     = 80.0
	maxNeedlePercent = 97.0 // the needle never leaves the bar
)

// Deadline is the bar from the last ping to the alert.
type Deadline struct {
	ID    string // unique on the page; names the hatching
	Label string // the bar in one sentence

	// Ping, Due and Alert make the bar live: the needle shows now. All zero for
	// a bar that only explains.
	Ping, Due, Alert time.Time

	// ShowEarly shows that a ping counts for a while before it is due, StartBy that a
	// run must have begun before the alert.
	ShowEarly, ShowStartMark bool

	Marks [3]DeadlineMark
}

// DeadlineMark is one of the three places that are named under the bar.
type DeadlineMark struct {
	Label          string    // "Last ping", "Due", "Alert"
	At             time.Time // the moment; zero when there is none yet
	WithoutSeconds bool      // without seconds
	Text           string    // instead of a time: "any time"
	Note           string    // instead of the date: "every 1 h"
}

// WatchedDeadline is the bar of a heartbeat that is being watched.
func WatchedDeadline(c Clock, ping, due, alert time.Time) Deadline {
	return Deadline{
		ID:    "d",
		Label: "Last ping " + c.Spoken(ping) + ". Due " + c.Spoken(due) + ". Alert " + c.Spoken(alert) + "." + needleText(c.Now, due, alert),
		Ping:  ping, Due: due, Alert: alert,
		Marks: [3]DeadlineMark{{Label: "Last ping", At: ping}, {Label: "Due", At: due}, {Label: "Alert", At: alert}},
	}
}

// needleText says in words what the needle shows.
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

// live tells whether the needle can be placed. Times that contradict each other,
// as a change of schedule may leave behind, make a bar that only explains.
func (d Deadline) live() bool {
	return !d.Ping.IsZero() && d.Due.After(d.Ping) && !d.Alert.Before(d.Due)
}

// needle is where now lies. Each stretch is linear on its own; past the alert
// the needle slows down, so that a long outage still moves. The script does
// the same sum.
func (d Deadline) needle(now time.Time) string {
	switch {
	case !now.After(d.Due):
		return percent(duePercent * max(0, ratio(now.Sub(d.Ping), d.Due.Sub(d.Ping))))
	case !now.After(d.Alert):
		return percent(duePercent + (alertPercent-duePercent)*ratio(now.Sub(d.Due), d.Alert.Sub(d.Due)))
	default:
		over := now.Sub(d.Alert)
		return percent(min(maxNeedlePercent, alertPercent+(100-alertPercent)*ratio(over, over+d.Alert.Sub(d.Ping))))
	}
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// data is what the script moves the needle by.
func (d Deadline) data() templ.Attributes {
	if !d.live() {
		return nil
	}
	return templ.Attributes{"data-ping": rfc3339(d.Ping), "data-due": rfc3339(d.Due), "data-alert": rfc3339(d.Alert)}
}

// tick is one line of the ruler between ping and due.
type tick struct{ x, y string }

// ticks divide the interval into 24, every sixth longer.
func ticks() []tick {
	var all []tick
	for i := 1; i < 24; i++ {
		y := "46"
		if i%6 == 0 {
			y = "43"
		}
		all = append(all, tick{decimals(duePercent*float64(i)/24, 3) + "%", y})
	}
	return all
}

func (m DeadlineMark) time(c Clock) string {
	if m.WithoutSeconds {
		return c.Minute(m.At)
	}
	return c.Time(m.At)
}

// date splits off the month, which yields where space is short.
func (m DeadlineMark) date(c Clock) (day, month string) {
	d := c.Date(m.At)
	i := strings.LastIndex(c.local(m.At).Format("Mon 2 Jan"), " ")
	return d[:i], d[i:]
}

func (m DeadlineMark) day(c Clock) string   { d, _ := m.date(c); return d }
func (m DeadlineMark) month(c Clock) string { _, mo := m.date(c); return mo }
