package channelview

import (
	"time"

	"overdue/internal/web/view/ui"
)

// PendingAlert is an alert that is not delivered yet.
type PendingAlert struct {
	Event          string // "Down"
	Heartbeat      string
	IncidentNumber int64 // 0 if it is not about an incident
	IncidentPath   string
	Recipient      string // the only recipient; empty: all
	State          string // retrying or waiting
	Attempts       int
	Created        time.Time
	NextAttempt    time.Time // zero while an attempt is in progress
	Blocked        bool      // it waits for an earlier alert of the heartbeat
}

// title returns what the alert is about.
func (a PendingAlert) title() string {
	if a.Heartbeat == "" {
		return a.Event
	}
	return a.Event + ": " + a.Heartbeat
}

// pendingHint returns how many pending alerts the list leaves out.
func (p FormPage) pendingHint() string {
	if more := p.Channel.Pending - len(p.Pending); more > 0 {
		return "Oldest first, and " + ui.Count(more) + " more"
	}
	return "Oldest first"
}
