package policyview

import (
	"fmt"
	"strings"
	"time"

	"overdue/internal/web/view/ui"
)

// Preview is what a policy does. The zero Preview is one of steps that are not valid.
type Preview struct {
	Lanes  []Lane     // one per channel
	Times  []LaneTime // of the steps
	Every  string     // time between reminders, "" for none
	Alerts []Alert    // of the tried incident
	Opened time.Time  // when the tried incident opens
	Tried  string     // name of the tried heartbeat, "" for any
	Rule   string     // why another rule decides for the heartbeat now, "" if this policy does
	Steps  []StepLine // in words
}

// Lane is the line of one channel in the ruler.
type Lane struct {
	Channel, Kind string
	Marks         []int // indexes of Times at which it is notified
	Reminded      bool  // after the last step
}

// LaneTime is the time of one step.
type LaneTime struct{ Text string }

// Alert is one alert of the tried incident.
type Alert struct {
	Due      time.Time // by the steps
	At       time.Time // when it is sent, zero if that is not known
	Channels []string
	What     string // "Step 2", "Reminder, then every 30m"
	Reminder bool
	Held     string // why it is sent later or not at all, "" if it is not
	Failing  []string
}

// x returns the position of a time on the ruler, in percent. Times have equal distances: it is not to
// scale.
func (p Preview) x(n int) string {
	end := 96.0
	if p.Every != "" {
		end = 62
	}
	if len(p.Times) < 2 {
		return "4%"
	}
	return fmt.Sprintf("%.2f%%", 4+(end-4)*float64(n)/float64(len(p.Times)-1))
}

// anchor keeps the label of the last time inside the ruler.
func (p Preview) anchor(n int) string {
	switch {
	case n == 0:
		return "start"
	case p.Every == "" && n == len(p.Times)-1:
		return "end"
	}
	return "middle"
}

// reminders are the positions of the first reminders.
var reminders = []string{"77%", "86%", "95%"}

// label describes a lane for people who do not see it.
func (p Preview) label(l Lane) string {
	var at []string
	for _, n := range l.Marks {
		at = append(at, p.Times[n].Text)
	}
	text := l.Channel + ": notified " + strings.Join(at, ", ")
	if l.Reminded {
		text += ", then every " + p.Every
	}
	return text
}

// title returns the heading of the result.
func (p Preview) title(c ui.Clock) string { return c.ShortDateTime(p.Opened) }

// openedText describes the opening of the tried incident.
func (p Preview) openedText() string {
	if p.Tried == "" {
		return "Of any heartbeat that uses this policy."
	}
	return p.Tried
}

// status returns the sign of an alert.
func (a Alert) status() (status, icon string) {
	switch {
	case a.Held != "":
		return "late", "pause"
	case a.Reminder:
		return "", "retry"
	}
	return "delivered", "dl-ok"
}

// when returns the time at which an alert is sent, or is due if it is not sent.
func (a Alert) when() time.Time {
	if a.At.IsZero() {
		return a.Due
	}
	return a.At
}

// clockText is the time of an alert, with its date if that differs from the one of the opening.
func (p Preview) clockText(c ui.Clock, t time.Time) string {
	if c.Date(t) == c.Date(p.Opened) {
		return c.Minute(t)
	}
	return c.ShortDateTime(t)
}

// note describes what is special about an alert.
func (a Alert) note(c ui.Clock, p Preview) string {
	text := a.What
	if a.Held != "" {
		text += ". Due at " + p.clockText(c, a.Due) + ", but " + a.Held
	}
	if len(a.Failing) > 0 {
		text += ". " + ui.JoinWords(a.Failing) + ui.If(len(a.Failing) == 1, " is failing now", " are failing now")
	}
	return text + "."
}
