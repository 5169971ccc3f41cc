package incidentview

import (
	"time"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// AcknowledgePage is the page that the signed link in an alert opens. It needs no
// session. Opening it changes nothing, because mail scanners open links, too: the
// reader has to press its button.
type AcknowledgePage struct {
	layout.SignedOutShell
	Number       int
	Heartbeat    string
	Cause        string
	State        string
	Severity     string // critical, warning or info
	Opened       time.Time
	Action       string // signed address that the form is sent to
	By           string // recipient of the link: an address or a channel
	Acknowledged bool   // the reader has pressed the button
	Note         ui.Input
	NoteNotSaved bool   // the note came too late and was not saved
	IncidentPath string // page of the incident, which needs a session
}

// needsNoAcknowledgement reports whether the incident needs no acknowledgement.
func (p AcknowledgePage) needsNoAcknowledgement() bool { return p.State != "open" }

// outcome returns the text that replaces the button.
func (p AcknowledgePage) outcome() string {
	switch {
	case p.Acknowledged:
		return "Acknowledged. Reminders have stopped for everyone. The incident is resolved when a ping arrives."
	case p.State == "resolved":
		return "The incident is already resolved."
	default:
		return "The incident is already acknowledged. Reminders have stopped."
	}
}
