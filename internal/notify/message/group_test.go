package message_test

import (
	"strings"
	"testing"

	"overdue/internal/notify/message"
	"overdue/internal/notify/message/messagetest"
)

func TestMessage_AGroupOfRemindersOrAcknowledgementsNamesItsEvent(t *testing.T) {
	for event, want := range map[string]string{
		message.EventReminder:     "[Still down] 20,000 heartbeats are still Down: missed ping",
		message.EventAcknowledged: "[Acknowledged] 20,000 incidents were acknowledged: missed ping",
	} {
		n := messagetest.Grouped()
		g := *n.Group
		g.Event = event
		n.Group = &g
		if got := n.Message().Subject; !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q; want %q", event, got, want)
		}
	}
}
