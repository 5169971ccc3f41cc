package notify

import "slices"

// Message is one piece of news in words. Every kind of channel renders the same
// message, so that an e-mail and a chat never disagree.
//
// Its texts are clean, single lines (the tail: lines) but not escaped: what
// renders them into a markup must.
type Message struct {
	// Status is the word to see first: "Down".
	Status string
	// Tone is how it should look: "down", "late", "up" or "quiet".
	Tone string
	// Subject is the whole in one short line, status first.
	Subject string
	// Lead is one to three sentences that stand for themselves.
	Lead string
	// Preview is what mail clients show next to the subject: more than the subject
	// says.
	Preview string
	// Description is the heartbeat's, in lines: often the runbook.
	Description string
	// Facts are the details, most important first.
	Facts []Fact
	// Output is the end of the job's output.
	Output string
	// Links are where to go next, most important first.
	Links []Link
	// Footer says why the reader gets this.
	Footer string
}

// Fact is one detail of a message.
type Fact struct{ Label, Value string }

// Link is one place to go from a message.
type Link struct{ Label, URL string }

// Message returns the news in words. It depends on nothing but n, so that every
// attempt says the same.
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

// isEvent reports whether n is one of the events.
func (n Notification) isEvent(events ...string) bool {
	return slices.Contains(events, n.Event)
}
