package notify

import (
	"fmt"
	"strconv"
	"time"
)

// facts returns the details that are known.
func (n Notification) facts() []Fact {
	var facts []Fact
	add := func(label, value string) {
		if value != "" {
			facts = append(facts, Fact{label, value})
		}
	}
	at := func(label string, t time.Time) {
		if !t.IsZero() {
			add(label, n.clock().full(t))
		}
	}
	add("Heartbeat", n.name())
	add("Project", cleanLine(n.Project))
	if n.Number > 0 {
		add("Incident", "#"+strconv.FormatInt(n.Number, 10))
	}
	add("Cause", n.causeText())
	at("Down since", n.DownSince)
	if n.DownFor > 0 {
		add(n.downLabel(), formatDuration(n.DownFor))
	}
	at("Last ping", n.LastPing)
	add("Expected", cleanLine(n.Schedule))
	at("Due", n.Due)
	if n.Grace > 0 {
		add("Grace period", formatDuration(n.Grace))
	}
	at("Incident opens", n.lateDeadline())
	at("Next ping due", n.NextDue)
	add("Why", shorten(oneLine(n.Explanation), maxDetail))
	if len(facts) > 0 {
		add("Times in", n.clock().zone.String())
	}
	return facts
}

// lateDeadline is the deadline while it is still to come.
func (n Notification) lateDeadline() time.Time {
	if n.Event == EventLate {
		return n.Deadline
	}
	return time.Time{}
}

// downLabel tells a span that has ended from one that goes on.
func (n Notification) downLabel() string {
	if n.Event == EventResolved {
		return "Was Down for"
	}
	return "Down for"
}

// causeText names the cause for people.
func (n Notification) causeText() string {
	switch n.Cause {
	case "":
		return ""
	case causeFailure:
		if n.ExitCode != nil {
			return "Failure, exit code " + strconv.Itoa(*n.ExitCode)
		}
		return "Failure"
	case causeOverran:
		return "Ran too long"
	case causeTooShort:
		return "Ran too short"
	case causeNotStarted:
		return "Not started"
	}
	return "Missed ping"
}

// links returns where to go from here.
func (n Notification) links() []Link {
	var links []Link
	if n.URL != "" {
		label := "Open Overdue"
		if n.Number > 0 {
			label = "Open incident #" + strconv.FormatInt(n.Number, 10)
		}
		links = append(links, Link{label, oneLine(n.URL)})
	}
	if n.acknowledgeable() {
		links = append(links, Link{"Acknowledge", oneLine(n.AckURL)})
	}
	return links
}

// footer says through which channel this came.
func (n Notification) footer() string {
	if n.Channel == "" {
		return "Sent by Overdue for the project " + cleanLine(n.Project) + "."
	}
	return fmt.Sprintf("Sent by Overdue through the channel %s of the project %s.", cleanLine(n.Channel), cleanLine(n.Project))
}
