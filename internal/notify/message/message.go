package message

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/safetext"
)

// Message is a notification as text. Every kind of channel renders the same
// message.
//
// Its texts are clean single lines, except the description and the output. They
// are not escaped: renderers of markup must escape them.
type Message struct {
	// Status is the first word: "Down".
	Status string
	// Tone selects the color: "down", "late", "up" or "quiet".
	Tone string
	// Subject is the summary in one short line, with the status first.
	Subject string
	// Lead is the summary in one to three complete sentences.
	Lead string
	// Preview is the text that mail clients show next to the subject.
	Preview string
	// Description is the description of the heartbeat, often a runbook.
	Description string
	// Facts are the details, most important first.
	Facts []Fact
	// Output is the end of the output of the job.
	Output string
	// Links are the links, most important first.
	Links []Link
	// Footer describes why the reader gets the message.
	Footer string
}

// Fact is one detail of a message.
type Fact struct{ Label, Value string }

// Link is one link of a message.
type Link struct{ Label, URL string }

// Message returns the notification as text. The result depends only on n, so
// every attempt sends the same text.
func (n Notification) Message() Message {
	h := n.headline()
	status := h.status
	if severity := n.severityLabel(); severity != "" {
		status += ", " + strings.ToLower(severity)
		h.lead = severity + ": " + h.lead
	}
	m := Message{
		Status: h.status, Tone: h.tone, Lead: h.lead, Preview: n.preview(h.lead),
		Description: n.description(), Facts: n.facts(), Links: n.links(), Footer: n.footer(),
	}
	m.Subject = Shorten("["+status+"] "+h.subject, maxLineLength)
	if n.IsEvent(EventOpened, EventReminder) {
		m.Output = outputTail(n.Output)
	}
	return m
}

// severityLabel names the severity of the heartbeat, empty for critical: most heartbeats are, and
// their messages are shorter without it.
func (n Notification) severityLabel() string {
	if n.Notice.Heartbeat == nil {
		return ""
	}
	return map[string]string{"warning": "Warning", "info": "Info"}[n.Notice.Heartbeat.Severity]
}

// IsEvent reports whether the event is one of the given events.
func (n Notification) IsEvent(events ...string) bool {
	return slices.Contains(events, n.Event)
}

// facts returns the known details.
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
	add("Heartbeat", n.Name())
	add("Project", CleanLine(n.Project))
	if n.Number > 0 {
		add("Incident", "#"+strconv.FormatInt(n.Number, 10))
	}
	add("Severity", n.severityLabel())
	add("Cause", n.causeText())
	at("Down since", n.DownSince)
	if n.DownFor > 0 {
		add(n.downLabel(), FormatDuration(n.DownFor))
	}
	at("Last ping", n.LastPing)
	add("Expected", CleanLine(n.Schedule))
	at("Due", n.Due)
	if n.Grace > 0 {
		add("Grace period", FormatDuration(n.Grace))
	}
	at("Incident opens", n.lateDeadline())
	at("Next ping due", n.NextDue)
	if n.Event == EventGrouped {
		n.addGroupFacts(add)
	}
	if n.Event == EventBlackout && n.Blackout != nil {
		add("Evaluated again", n.evaluatedAgain())
		add("Moved", n.movedText())
	}
	add("Why", Shorten(safetext.LocalTimes(OneLine(n.Explanation), n.clock().full), MaxDetail))
	if len(facts) > 0 {
		add("Times in", n.clock().zone.String())
	}
	return facts
}

// lateDeadline returns the deadline if it has not passed yet.
func (n Notification) lateDeadline() time.Time {
	if n.Event == EventLate {
		return n.Deadline
	}
	return time.Time{}
}

// downLabel returns the label of the downtime, depending on whether it has ended.
func (n Notification) downLabel() string {
	if n.Event == EventResolved {
		return "Was Down for"
	}
	return "Down for"
}

// causeText returns the cause for people.
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

// links returns the links of the message.
func (n Notification) links() []Link {
	var links []Link
	if n.URL != "" {
		label := "Open Overdue"
		if n.Event == EventBlackout {
			label = "Show the affected heartbeats"
		}
		if n.Event == EventGrouped {
			label = "Show the list"
		}
		if n.Number > 0 {
			label = "Open incident #" + strconv.FormatInt(n.Number, 10)
		}
		links = append(links, Link{label, OneLine(n.URL)})
	}
	if n.acknowledgeable() {
		links = append(links, Link{"Acknowledge", OneLine(n.AckURL)})
	}
	return links
}

// footer names the channel and the project.
func (n Notification) footer() string {
	if n.Channel == "" {
		return "Sent by Overdue for the project " + CleanLine(n.Project) + "."
	}
	return fmt.Sprintf("Sent by Overdue through the channel %s of the project %s.", CleanLine(n.Channel), CleanLine(n.Project))
}
