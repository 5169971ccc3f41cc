package notify

import "slices"

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
	// Footer says why the reader gets the message.
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
	m := Message{
		Status: h.status, Tone: h.tone, Lead: h.lead, Preview: n.preview(h.lead),
		Description: n.description(), Facts: n.facts(), Links: n.links(), Footer: n.footer(),
	}
	m.Subject = shorten("["+h.status+"] "+h.subject, maxLineLength)
	if n.isEvent(EventOpened, EventReminder) {
		m.Output = outputTail(n.Output)
	}
	return m
}

// isEvent reports whether the event is one of the given events.
func (n Notification) isEvent(events ...string) bool {
	return slices.Contains(events, n.Event)
}
