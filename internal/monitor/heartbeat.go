package monitor

import "time"

// Status is the state of a heartbeat. The values are part of the API.
type Status string

// The statuses. Running is not a status: it is shown next to one.
const (
	New    Status = "new"
	Up     Status = "up"
	Late   Status = "late"
	Down   Status = "down"
	Paused Status = "paused"
)

// Statuses lists every status, the most urgent first.
var Statuses = []Status{Down, Late, New, Paused, Up}

// Severity is how urgent the alerts of a heartbeat are. It changes no decision. The values are
// part of the API.
type Severity string

// The severities.
const (
	SeverityCritical Severity = "critical" // the default
	SeverityWarning  Severity = "warning"
	SeverityInfo     Severity = "info"
)

// Heartbeat is one job that is expected to ping, with everything that its next evaluation depends
// on.
type Heartbeat struct {
	Key     int64  // database key, never shown
	ID      string // UUID v4; anyone who knows it can ping
	Ref     string // stable hash of ID that does not allow pings
	Project int64

	Name        string
	Slug        string
	Description string
	Tags        []string
	Severity    Severity
	Rule        Rule
	AllChannels bool     // alerts go to every channel of the project
	Channels    []string // ids of the channels for alerts if AllChannels is false
	Policy      string   // slug of the policy that it names; "": the default policy applies, if there is one
	// MutedUntil is the end of the mute of its alerts, zero if they were never muted. It changes no
	// decision about the status.
	MutedUntil time.Time
	// FlappingAlerts is what happens to its alerts while it flaps, and Flapping how often it changed.
	// They change no decision about the status.
	FlappingAlerts FlappingAlerts
	Flapping       Flapping

	Status       Status
	CountedFrom  time.Time     // start of the current wait: the last ping or the resumption
	EarlySlot    time.Time     // slot that the last ping was early for, zero if none
	FailedRuns   int           // consecutive failed runs as of the last ping
	Tolerated    ToleratedRuns // failed runs that timers counted since the last ping
	StaleBefore  time.Time     // newest success, failure, pause or resumption; older pings only enter the history
	LastPing     time.Time     // arrival of the last success or failure
	LastStart    time.Time     // arrival of the last start
	LastHost     string        // host of the newest start, success or failure, see Ping.HostOrSource
	Hosts        []HostState   // by name; nil if any host is enough
	LastRunTime  time.Duration
	HasRunTime   bool // LastRunTime is known
	ActiveRuns   []ActiveRun
	FinishedRuns []FinishedRunID // oldest first
	PingCount    int64           // stored since creation
	OpenIncident string          // id of the open incident, "" if none
	DownCause    Cause           // current cause while Down, which can differ from that of the incident
	History      RunHistory
	Blackout     BlackoutState
	Maintenance  *MaintenanceState // nil if none was ever planned
	// Blackouts are all that are known, see WithBlackouts. They are not stored.
	Blackouts []Blackout
	// PendingBlackouts are not taken into account yet, see WithBlackouts. They are not stored.
	PendingBlackouts []Blackout

	Created time.Time
	Updated time.Time // last change of its settings
	Deleted time.Time
}

// ToleratedRuns are failed runs that timers counted since the last ping, without opening an
// incident.
type ToleratedRuns struct {
	LastSlot time.Time // latest slot of them, zero if none
	Count    int
}

// expectsPings reports whether silence counts as missed.
func (h *Heartbeat) expectsPings() bool {
	return h.Status == Up || h.Status == Late || h.Status == Down
}

// due returns when the next ping is expected, or zero if none is.
func (h *Heartbeat) due() time.Time {
	if !h.expectsPings() || h.CountedFrom.IsZero() {
		return time.Time{}
	}
	return h.slotAfter(h.countedUntil())
}

// deadline returns when silence opens an incident: the due time plus grace, or a later slot plus
// grace if the rule tolerates some failed runs in a row. A short blackout moves it.
func (h *Heartbeat) deadline() time.Time {
	slot := h.alertingSlot()
	if slot.IsZero() {
		return slot
	}
	return slot.Add(h.Rule.Grace + h.credit())
}

// IsCanary reports whether this is the heartbeat with which a node tests itself. No user
// sees it.
func (h Heartbeat) IsCanary() bool { return h.Project < 0 }

// Running reports whether a run has started, has not finished, and has not overrun.
func (h Heartbeat) Running() bool {
	for _, r := range h.ActiveRuns {
		if !r.Overran {
			return true
		}
	}
	return false
}

// runDeadline returns when the first of the active runs exceeds its time limit, or zero if none
// can.
func (h *Heartbeat) runDeadline() time.Time {
	limit := h.Rule.runLimit()
	if limit == 0 || !(h.Status == New || h.Status == Up || h.Status == Late) {
		return time.Time{}
	}
	var first time.Time
	for _, r := range h.ActiveRuns {
		if !r.Overran {
			first = Earlier(first, r.deadline(limit))
		}
	}
	return first
}

// missedAt returns when silence opens an incident. A run that started before the deadline is not
// silence: while it is active only its own time limit counts, which bounds the delay by the maximum
// run time.
func (h *Heartbeat) missedAt() time.Time {
	deadline := h.deadline()
	if h.coveredByRun(h.ActiveRuns, deadline, time.Time{}) {
		return time.Time{}
	}
	return deadline
}

// AlertTime returns when an incident opens if no signal arrives, or zero if none would. A run in
// progress can move it: while a run that started before the deadline is active, its time limit
// counts instead.
func (h Heartbeat) AlertTime() time.Time {
	if h.Rule.alertThreshold()-h.consecutiveFailures() > 1 {
		return h.missedAt() // a run that exceeds its limit, or does not start, is tolerated
	}
	if h.Rule.hasStartDeadline() {
		return Earlier(h.startDeadline(), h.runDeadline())
	}
	return Earlier(h.missedAt(), h.runDeadline())
}

// startDeadline returns the time by which the expected run must start, or zero if none exists, or
// if a run that started by then is active.
func (h *Heartbeat) startDeadline() time.Time {
	due := h.due()
	if due.IsZero() || !h.Rule.hasStartDeadline() {
		return time.Time{}
	}
	by := due.Add(h.Rule.StartGrace + h.credit())
	if h.coveredByRun(h.ActiveRuns, by, time.Time{}) {
		return time.Time{}
	}
	return by
}

// firstPingDeadline returns when a missing first ping opens an incident, or zero if it does not. An
// active run is not silence, and a time that passed during a pause does not count.
func (h *Heartbeat) firstPingDeadline() time.Time {
	by := h.Rule.ExpectFirstBy
	if !by.IsZero() {
		by = by.Add(h.credit())
	}
	if !by.After(h.StaleBefore) || h.coveredByRun(h.ActiveRuns, by, time.Time{}) {
		return time.Time{}
	}
	return by
}

// nextEvaluation returns the next time at which the heartbeat changes without a ping, or zero if it
// cannot.
func (h *Heartbeat) nextEvaluation() time.Time {
	switch h.Status {
	case New:
		return Earlier(h.firstPingDeadline(), h.runDeadline())
	case Up:
		return Earlier(h.due(), h.runDeadline())
	case Late:
		if h.Rule.hasStartDeadline() {
			return Earlier(h.startDeadline(), h.runDeadline())
		}
		return Earlier(h.missedAt(), h.runDeadline())
	}
	return time.Time{}
}

// StatusAt returns the status to show at now. Between the due time and the sweep that records it,
// the clock decides. Down is never shown before its incident exists.
func (h Heartbeat) StatusAt(now time.Time) Status {
	if h.Status == Up && !h.due().IsZero() && !h.due().After(now) {
		return Late
	}
	return h.Status
}

// A Heartbeat is a value of about one kilobyte. Applying a ping calls about fifty methods, and
// copying the value for each call took longer than their work. So inside this package, methods
// that only read have pointer receivers. The exported methods below call them on a value.

// ExpectsPings reports whether silence counts as missed.
func (h Heartbeat) ExpectsPings() bool { return h.expectsPings() }

// Due returns when the next ping is expected, or zero if none is.
func (h Heartbeat) Due() time.Time { return h.due() }

// Deadline returns when silence opens an incident: the due time plus grace, or a later slot plus
// grace if the rule tolerates some failed runs in a row. A short blackout moves it.
func (h Heartbeat) Deadline() time.Time { return h.deadline() }

// RunDeadline returns when the first of the active runs exceeds its time limit, or zero if none
// can.
func (h Heartbeat) RunDeadline() time.Time { return h.runDeadline() }

// StartDeadline returns the time by which the expected run must start, or zero if none exists, or
// if a run that started by then is active.
func (h Heartbeat) StartDeadline() time.Time { return h.startDeadline() }

// NextEvaluation returns the next time at which the heartbeat changes without a ping, or zero if it
// cannot.
func (h Heartbeat) NextEvaluation() time.Time { return h.nextEvaluation() }

// ConsecutiveFailures returns the number of failed runs in a row, before the current silence.
func (h Heartbeat) ConsecutiveFailures() int { return h.consecutiveFailures() }

// Earlier returns the earlier of two times. Zero means none.
func Earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// laterOf returns the later of two times.
func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
