package provider

import (
	"crypto/sha256"
	"encoding/hex"

	"overdue/internal/notify/message"
)

// isNotice reports whether nothing ends the alert of an event: a test, a heartbeat that is late, a blackout, or a group. An
// on-call tool keeps an alert open until something ends it, so a notice is closed in the same attempt: it is recorded
// and calls no one.
func isNotice(n message.Notification) bool {
	return n.IsEvent(message.EventTest, message.EventLate, message.EventBlackout, message.EventGrouped)
}

// steps returns what a notification does to the alert at the service, in order.
func steps(n message.Notification) []step {
	if isNotice(n) {
		return []step{lifecycleTrigger, lifecycleResolve}
	}
	return []step{lifecycle(n)}
}

// alertSeverity returns the severity of an alert at a tool: that of a notice is always "info". It is the same from the
// opening to the recovery, because it can be part of what identifies an alert.
func alertSeverity(n message.Notification) string {
	switch {
	case isNotice(n):
		return "info"
	case n.Failing != nil:
		return "warning"
	}
	return severity(n)
}

// priority returns the priority of an alert, from P1 to P5.
func priority(n message.Notification) string {
	return map[string]string{"critical": "P1", "warning": "P3", "info": "P5"}[alertSeverity(n)]
}

// failingKey identifies a failing channel and its recovery: names can be the same, change, or have no ASCII letters.
func failingKey(n message.Notification) string {
	f := n.Failing
	name := f.ID
	if name == "" { // an alert of an earlier version
		name = n.ProjectSlug + "\x00" + f.Channel
	}
	sum := sha256.Sum256([]byte(name + "\x00" + f.Recipient))
	return "channel-" + hex.EncodeToString(sum[:12])
}

// fullText returns everything of a message except its subject, as plain text.
func fullText(m message.Message, limit int) string {
	return layout{markup: plain(), limit: limit, noTitle: true}.text(m)
}

// factDetails returns the facts by label, each cut to a number of characters.
func factDetails(m message.Message, limit int) map[string]string {
	all := map[string]string{}
	for _, f := range m.Facts {
		all[f.Label] = message.Shorten(f.Value, limit)
	}
	return all
}
