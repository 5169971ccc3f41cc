package message_test

import (
	"strings"
	"testing"

	"overdue/internal/notify/message/messagetest"
)

func TestMessage_NamesASeverityOtherThanCritical(t *testing.T) {
	for severity, want := range map[string]struct{ subject, lead string }{
		"critical": {"[Down] Nightly backup: ", "Nightly backup is Down"},
		"warning":  {"[Down, warning] Nightly backup: ", "Warning: Nightly backup is Down"},
		"info":     {"[Down, info] Nightly backup: ", "Info: Nightly backup is Down"},
	} {
		n := messagetest.Missed()
		n.Notice.Heartbeat.Severity = severity
		m := n.Message()
		if !strings.HasPrefix(m.Subject, want.subject) || !strings.HasPrefix(m.Lead, want.lead) {
			t.Errorf("%s: subject %q, lead %q", severity, m.Subject, m.Lead)
		}
		named := false
		for _, f := range m.Facts {
			named = named || f.Label == "Severity"
		}
		if named != (severity != "critical") {
			t.Errorf("%s: facts %v", severity, m.Facts)
		}
	}
}
