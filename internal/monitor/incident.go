package monitor

import "time"

// Cause is why an incident opened. The values are part of the API.
type Cause string

// The causes.
const (
	CauseMissed     Cause = "missed"      // silence beyond the grace period
	CauseFailure    Cause = "failure"     // the job said so
	CauseOverran    Cause = "overran"     // a run took too long
	CauseTooShort   Cause = "too_short"   // a run took less than it must
	CauseNotStarted Cause = "not_started" // nothing had begun by the start grace
)

// ResolutionReason is how an incident was resolved. The values are part of the API.
type ResolutionReason string

// The endings.
const (
	ResolvedByPing   ResolutionReason = "recovered"
	ResolvedByEdit   ResolutionReason = "edited"
	ResolvedByPause  ResolutionReason = "paused"
	ResolvedByDelete ResolutionReason = "deleted"
)

// IncidentState is how far people are with an incident. The values are part of the API.
type IncidentState string

// The states.
const (
	StateOpen         IncidentState = "open"
	StateAcknowledged IncidentState = "acknowledged"
	StateResolved     IncidentState = "resolved"
)

// Incident is a time in which a heartbeat was down.
type Incident struct {
	ID        string
	Number    int64 // counts from 1 per project
	Project   int64
	Heartbeat int64 // Heartbeat.Key

	Cause      Cause
	OpenedAt   time.Time // the deadline
	DetectedAt time.Time // when that was noticed
	Due        time.Time // when the ping was expected, zero when none was
	LastPing   time.Time // at the opening, zero when none had come
	Reason     string    // the arithmetic at the opening, in a sentence
	PingNumber int64     // the ping that reported the failure, 0 when none did

	AcknowledgedAt time.Time
	AcknowledgedBy string
	ResolvedAt     time.Time
	Resolution     ResolutionReason

	// Of the heartbeat, for telling people; filled when read.
	HeartbeatID, HeartbeatRef, HeartbeatName string
}

// State tells how far people are with it.
func (i Incident) State() IncidentState {
	switch {
	case !i.ResolvedAt.IsZero():
		return StateResolved
	case !i.AcknowledgedAt.IsZero():
		return StateAcknowledged
	}
	return StateOpen
}

// Duration is how long the heartbeat was down, as of now while it still is.
func (i Incident) Duration(now time.Time) time.Duration {
	if !i.ResolvedAt.IsZero() {
		now = i.ResolvedAt
	}
	return max(0, now.Sub(i.OpenedAt))
}

// TimelineEntry is one line of an incident's timeline.
type TimelineEntry struct {
	At   time.Time
	Kind string // due, late, opened, failure, reminder, acknowledged, note, undelivered, recovered, resolved
	Text string
}
