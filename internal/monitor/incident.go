package monitor

import "time"

// Cause is why an incident opened. The values are part of the API.
type Cause string

// The causes.
const (
	CauseMissed     Cause = "missed"      // no ping by the deadline
	CauseFailure    Cause = "failure"     // the job reported a failure
	CauseOverran    Cause = "overran"     // a run exceeded its time limit
	CauseTooShort   Cause = "too_short"   // a run was shorter than the minimum run time
	CauseNotStarted Cause = "not_started" // no run started by the start deadline
)

// ResolutionReason is why an incident was resolved. The values are part of the API.
type ResolutionReason string

// The reasons.
const (
	ResolvedByPing   ResolutionReason = "recovered"
	ResolvedByEdit   ResolutionReason = "edited"
	ResolvedByPause  ResolutionReason = "paused"
	ResolvedByDelete ResolutionReason = "deleted"
	ResolvedByRepair ResolutionReason = "repaired" // by overdue check --repair
)

// IncidentState is the state of an incident. The values are part of the API.
type IncidentState string

// The states.
const (
	StateOpen         IncidentState = "open"
	StateAcknowledged IncidentState = "acknowledged"
	StateResolved     IncidentState = "resolved"
)

// Incident is a time during which a heartbeat was down.
type Incident struct {
	ID        string
	Number    int64 // counts from 1 per project
	Project   int64
	Heartbeat int64 // Heartbeat.Key

	Cause      Cause
	OpenedAt   time.Time // the deadline
	DetectedAt time.Time // when the server noticed it
	Due        time.Time // when the ping was expected, zero if none was
	LastPing   time.Time // last ping before it opened, zero if none
	Reason     string    // the calculation when it opened, as a sentence
	PingNumber int64     // number of the ping that reported the failure, 0 if none did
	Host       string    // host of the failed run, or of the newest run before it: a name or an address, "" if unknown

	AcknowledgedAt time.Time
	AcknowledgedBy string
	SnoozedUntil   time.Time // end of the last snooze, zero if it was never snoozed
	ResolvedAt     time.Time
	Resolution     ResolutionReason

	Group int64 // number of its group, 0 if it is in none or this is not decided yet

	// Of the heartbeat, for alerts. Set only when the incident is read from the database.
	HeartbeatID, HeartbeatRef, HeartbeatName string
	Severity                                 Severity
}

// State returns the state of the incident.
func (i Incident) State() IncidentState {
	switch {
	case !i.ResolvedAt.IsZero():
		return StateResolved
	case !i.AcknowledgedAt.IsZero():
		return StateAcknowledged
	}
	return StateOpen
}

// Snoozed reports whether the incident is snoozed at now. A snooze only quiets what follows an alert:
//
//	opening, also if it is pending; acknowledgement; resolution   are sent as always
//	reminder                                                     is left out
//	at the end, if the incident is open                          each channel is reminded once
//
// An acknowledgement ends it, because it ends reminders.
func (i Incident) Snoozed(now time.Time) bool {
	return i.State() == StateOpen && now.Before(i.SnoozedUntil)
}

// SnoozeEnded reports whether the last snooze ended by time, while the incident was open.
func (i Incident) SnoozeEnded(now time.Time) bool {
	end := i.SnoozedUntil
	return !end.IsZero() && !now.Before(end) && (i.AcknowledgedAt.IsZero() || end.Before(i.AcknowledgedAt)) && (i.ResolvedAt.IsZero() || end.Before(i.ResolvedAt))
}

// SnoozeReminder is the subject of the reminder that ends a snooze.
const SnoozeReminder = "snooze"

// Duration returns how long the heartbeat was down, up to now if it still is.
func (i Incident) Duration(now time.Time) time.Duration {
	if !i.ResolvedAt.IsZero() {
		now = i.ResolvedAt
	}
	return max(0, now.Sub(i.OpenedAt))
}

// TimelineEntry is one line of the timeline of an incident.
type TimelineEntry struct {
	At   time.Time
	Kind string // due, late, opened, failure, reminder, acknowledged, note, escalation, grouped, flapping, undelivered, recovered, resolved
	Text string
}
