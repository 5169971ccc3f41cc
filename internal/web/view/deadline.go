package view

import (
	"strings"
	"time"

	"github.com/a-h/templ"
)

// Places on the deadline bar, in percent. It is not to scale on purpose: an
// interval of a day and a grace of ten minutes must both be seen.
const (
	dueAt    = 58.0
	alertAt  = 80.0
	farthest = 97.0 // the needle never leaves the bar
)

// Deadline is the bar from the last ping to the alert.
type Deadline struct {
	ID    string // unique on the page; names the hatching
	Label string // the bar in one sentence

	// Ping, Due and Alert make the bar live: the needle shows now. All zero for
	// a bar that only explains.
	Ping, Due, Alert time.Time

	// Early shows that a ping counts for a while before it is due, StartBy that a
	// run must have begun before the alert.
	Early, StartBy bool

	Marks [3]Mark
}

// Mark is one of the three places that are named under the bar.
type Mark struct {
	Word  string    // "Last ping", "Due", "Alert"
	At    time.Time // the moment; zero when there is none yet
	Short bool      // without seconds
	Text  string    // instead of a time: "any time"
	Note  string    // instead of the date: "every 1 h"
}

// LiveDeadline is the bar of a heartbeat that is being watched.
func LiveDeadline(c Clock, ping, due, alert time.Time) Deadline {
	return Deadline{
		ID:    "d",
		Label: "Last ping " + c.Spoken(ping) + ". Due " + c.Spoken(due) + ". Alert " + c.Spoken(alert) + "." + past(c.Now, due, alert),
		Ping:  ping, Due: due, Alert: alert,
		Marks: [3]Mark{{Word: "Last ping", At: ping}, {Word: "Due", At: due}, {Word: "Alert", At: alert}},
	}
}

// past says in words what the needle shows.
func past(now, due, alert time.Time) string {
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
		return percent(dueAt * max(0, ratio(now.Sub(d.Ping), d.Due.Sub(d.Ping))))
	case !now.After(d.Alert):
		return percent(dueAt + (alertAt-dueAt)*ratio(now.Sub(d.Due), d.Alert.Sub(d.Due)))
	default:
		over := now.Sub(d.Alert)
		return percent(min(farthest, alertAt+(100-alertAt)*ratio(over, over+d.Alert.Sub(d.Ping))))
	}
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// data is what the script moves the needle by.
func (d Deadline) data() templ.Attributes {
	if !d.live() {
		return nil
	}
	return templ.Attributes{"data-ping": machine(d.Ping), "data-due": machine(d.Due), "data-alert": machine(d.Alert)}
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
		all = append(all, tick{fixed(dueAt*float64(i)/24, 3) + "%", y})
	}
	return all
}

func (m Mark) time(c Clock) string {
	if m.Short {
		return c.Minute(m.At)
	}
	return c.Time(m.At)
}

// date splits off the month, which yields where space is short.
func (m Mark) date(c Clock) (day, month string) {
	d := c.Date(m.At)
	i := strings.LastIndex(c.local(m.At).Format("Mon 2 Jan"), " ")
	return d[:i], d[i:]
}

func (m Mark) day(c Clock) string   { d, _ := m.date(c); return d }
func (m Mark) month(c Clock) string { _, mo := m.date(c); return mo }
