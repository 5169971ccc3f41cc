package monitor

import "time"

// Cause is why an incident opened. The values are part of the API.
type Cause string

// The causes.
const (
	Missed     Cause = "missed"      // silence beyond the grace period
	Failure    Cause = "failure"     // the job said so
	Overran    Cause = "overran"     // a run took too long
	TooShort   Cause = "too_short"   // a run took less than it must
	NotStarted Cause = "not_started" // nothing had begun by the start grace
)

// Ending is how an incident was resolved. The values are part of the API.
type Ending string

// The endings.
const (
	Recovered Ending = "recovered"
	Edited    Ending = "edited"
	PausedIt  Ending = "paused"
	Deleted   Ending = "deleted"
)

// State is how far people are with an incident. The values are part of the API.
type State string

// The states.
const (
	Open         State = "open"
	Acknowledged State = "acknowledged"
	Resolved     State = "resolved"
)

// Incident is a time in which a heartbeat was down.
type Incident struct {
	ID        string
	Number    int64 // counts from 1 per project
	Project   int64
	Heartbeat int64 // Heartbeat.Key

	Cause    Cause
	Opened   time.Time // the deadline
	Detected time.Time // when that was noticed
	Due      time.Time // when the ping was expected, zero when none was
	LastPing time.Time // at the opening, zero when none had come
	Because  string    // the arithmetic at the opening, in a sentence
	Ping     int64     // the ping that reported the failure, 0 when none did

	AcknowledgedAt time.Time
	AcknowledgedBy string
	ResolvedAt     time.Time
	Resolution     Ending

	// Of the heartbeat, for telling people; filled when read.
	HeartbeatID, HeartbeatRef, HeartbeatName string
}

// State tells how far people are with it.
func (i Incident) State() State {
	switch {
	case !i.ResolvedAt.IsZero():
		return Resolved
	case !i.AcknowledgedAt.IsZero():
		return Acknowledged
	}
	return Open
}

// Down is how long the heartbeat was down, as of now while it still is.
func (i Incident) Down(now time.Time) time.Duration {
	if !i.ResolvedAt.IsZero() {
		now = i.ResolvedAt
	}
	return max(0, now.Sub(i.Opened))
}

// Entry is one line of an incident's timeline.
type Entry struct {
	At   time.Time
	Kind string // due, late, opened, failure, reminder, acknowledged, note, undelivered, recovered, resolved
	Text string
}
