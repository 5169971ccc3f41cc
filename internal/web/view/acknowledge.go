package view

import "time"

// AcknowledgePage is reached by the signed link in an alert, by someone who
// need not be signed in. Opening it changes nothing, because mail scanners open
// links too: one click on its button does.
type AcknowledgePage struct {
	SignedOutShell
	Number       int
	Heartbeat    string
	Cause        string
	State        string
	Opened       time.Time
	Action       string // the signed address, posted to
	By           string // who the link was made for: an address or a channel
	Acknowledged bool   // the click has happened
	Note         Input
	NoteNotSaved bool   // a note was sent and not kept, because it came too late
	IncidentPath string // address of the incident, for those with an account
}

// settled tells that there is nothing left to acknowledge.
func (p AcknowledgePage) settled() bool { return p.State != "open" }

// outcome says how things stand when there is no button to press.
func (p AcknowledgePage) outcome() string {
	switch {
	case p.Acknowledged:
		return "Acknowledged. Reminders have stopped for everyone. The incident closes when a ping arrives."
	case p.State == "resolved":
		return "The incident is over; there is nothing left to do."
	default:
		return "Someone has acknowledged it already. Reminders have stopped."
	}
}
