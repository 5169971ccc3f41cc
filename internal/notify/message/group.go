package message

import (
	"strconv"
	"strings"

	"overdue/client"
)

// groupHeadline returns the headline of many alerts that are sent as one message: how many there are,
// what they have in common, and the first ones.
func (n Notification) groupHeadline() headline {
	g := n.group()
	h := headline{status: "Down", tone: "down"}
	is, are := " heartbeat is Down", " heartbeats are Down"
	switch g.Event {
	case EventAcknowledged:
		h.status, h.tone, is, are = "Acknowledged", "quiet", " incident was acknowledged", " incidents were acknowledged"
	case EventResolved:
		h.status, h.tone, is, are = "Up", "up", " incident was resolved", " incidents were resolved"
	case EventReminder:
		h.status, is, are = "Still down", " heartbeat is still Down", " heartbeats are still Down"
	case EventLate:
		h.status, h.tone, is, are = "Late", "late", " heartbeat is Late", " heartbeats are Late"
	}
	h.subject = groupThousands(g.Count) + are
	if g.Count == 1 {
		h.subject = "1" + is
	}
	h.lead = h.subject
	if cause := n.groupCause(); cause != "" {
		h.subject += ": " + strings.ToLower(cause[:1]) + cause[1:]
	}
	if len(g.Tags) > 0 {
		h.subject += ", tag " + Shorten(CleanLine(g.Tags[0]), maxSubjectName)
	}
	if g.Count > 0 {
		h.lead += ": " + groupNames(g)
	}
	h.lead += "."
	if recovered := g.Count - g.Open; recovered > 0 && (g.Event == EventOpened || g.Event == EventReminder) {
		h.lead += " " + Quantity(recovered, "of these incidents was", "of these incidents were") + " resolved before this message was sent."
	}
	return h
}

// group returns the group that the notification is about.
func (n Notification) group() client.IncidentGroup {
	if n.Group == nil {
		return client.IncidentGroup{}
	}
	return *n.Group
}

// groupCause returns the common cause of the incidents for people.
func (n Notification) groupCause() string {
	n.Cause = n.group().Cause
	return n.causeText()
}

// groupNames lists the first heartbeats of a group.
func groupNames(g client.IncidentGroup) string {
	var names []string
	for _, i := range g.Incidents {
		names = append(names, Shorten(CleanLine(i.HeartbeatName), maxSubjectName))
	}
	text := strings.Join(names, ", ")
	if more := g.Count - len(names); more > 0 {
		text += " and " + groupThousands(more) + " more"
	}
	return text
}

// addGroupFacts adds what the members of a group have in common.
func (n Notification) addGroupFacts(add func(label, value string)) {
	g := n.group()
	add("Count", groupThousands(g.Count))
	add("Cause", n.groupCause())
	var tags []string
	for _, tag := range g.Tags {
		tags = append(tags, CleanLine(tag))
	}
	add("In common", Shorten(strings.Join(tags, ", "), MaxDetail))
	if g.Event == EventOpened || g.Event == EventReminder {
		add("Still open", groupThousands(g.Open))
	}
	if g.Event != EventLate && !g.From.IsZero() {
		span := n.clock().full(g.From)
		if !g.To.Equal(g.From) {
			span += " to " + n.clock().full(g.To)
		}
		add("Down since", span)
	}
}

// Quantity returns a number with what it counts: "1 other incident", "19,994 other incidents".
func Quantity(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return groupThousands(n) + " " + many
}

// groupThousands returns a number with a comma between thousands.
func groupThousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
