package monitor

import "time"

// Status is how a heartbeat stands. The values are part of the API.
type Status string

// The statuses. Running is no status: it is shown beside one.
const (
	New    Status = "new"
	Up     Status = "up"
	Late   Status = "late"
	Down   Status = "down"
	Paused Status = "paused"
)

// Statuses lists every status, in the order in which people want to see them.
var Statuses = []Status{Down, Late, New, Paused, Up}

// Heartbeat is one job that is expected to ping, with all that its next
// judgement depends on.
type Heartbeat struct {
	Key     int64  // the store's number for it, never shown
	ID      string // UUID v4; whoever knows it may ping
	Ref     string // stable hash of ID that cannot ping
	Project int64

	Name        string
	Slug        string
	Description string
	Tags        []string
	Rule        Rule
	AllChannels bool     // every channel of the project is told
	Channels    []string // which channels are told otherwise

	Status       Status
	CountedFrom  time.Time     // it is counted from here: last ping, or resumption
	EarlySlot    time.Time     // that the last ping was early for, zero when it was for none
	FailedRuns   int           // bad runs in a row, as of the last ping
	Tolerated    ToleratedRuns // what the clocks counted since
	StaleBefore  time.Time     // newest success, failure, pause or resumption; older pings are history only
	LastPing     time.Time     // arrival of the last success or failure
	LastStart    time.Time     // arrival of the last start
	LastRunTime  time.Duration
	HasRunTime   bool // RunTime is known
	ActiveRuns   []ActiveRun
	FinishedRuns []FinishedRunID // with an id, the oldest first
	PingCount    int64           // stored since creation
	OpenIncident string          // the open one, empty when none
	DownCause    Cause           // what it is down for now
	History      RunHistory

	Created time.Time
	Updated time.Time // last change of its settings
	Deleted time.Time
}

// ToleratedRuns is what clocks counted as bad since the last ping, without opening an
// incident.
type ToleratedRuns struct {
	LastSlot time.Time // the last one, zero when none was
	Count    int
}

// ExpectsPings reports whether silence is counted against it.
func (h Heartbeat) ExpectsPings() bool { return h.Status == Up || h.Status == Late || h.Status == Down }

// Due is when the next ping is expected, zero when none is.
func (h Heartbeat) Due() time.Time {
	if !h.ExpectsPings() || h.CountedFrom.IsZero() {
		return time.Time{}
	}
	return h.slotAfter(h.countedUntil())
}

// Deadline is when silence becomes an incident: due plus grace, or so much
// after a later slot where some bad runs in a row are tolerated.
func (h Heartbeat) Deadline() time.Time {
	slot := h.alertingSlot()
	if slot.IsZero() {
		return slot
	}
	return slot.Add(h.Rule.Grace)
}

// Running reports whether a start waits for its finish.
func (h Heartbeat) Running() bool {
	for _, r := range h.ActiveRuns {
		if !r.Overran {
			return true
		}
	}
	return false
}

// RunDeadline is when the first of the runs in progress will have taken too
// long, zero when there is no such moment.
func (h Heartbeat) RunDeadline() time.Time {
	limit := h.Rule.runLimit()
	if limit == 0 || !(h.Status == New || h.Status == Up || h.Status == Late) {
		return time.Time{}
	}
	var first time.Time
	for _, r := range h.ActiveRuns {
		if !r.Overran {
			first = Earlier(first, r.StartedAt.Add(limit))
		}
	}
	return first
}

// missedAt is when silence becomes an incident. A run that began before the
// deadline is no silence: while it is in progress only its own clock counts,
// which bounds the delay by the longest run allowed.
func (h Heartbeat) missedAt() time.Time {
	deadline := h.Deadline()
	if h.coveredByRun(h.ActiveRuns, deadline, time.Time{}) {
		return time.Time{}
	}
	return deadline
}

// StartDeadline is the moment by which the run that is waited for must have begun,
// zero when there is no such moment. A run in progress that began by then will do.
func (h Heartbeat) StartDeadline() time.Time {
	due := h.Due()
	if due.IsZero() || !h.Rule.hasStartDeadline() {
		return time.Time{}
	}
	by := due.Add(h.Rule.StartGrace)
	if h.coveredByRun(h.ActiveRuns, by, time.Time{}) {
		return time.Time{}
	}
	return by
}

// firstPingDeadline is when it is an incident that a new heartbeat was never pinged. A
// run in progress is no silence, and a moment that passed in a pause is past.
func (h Heartbeat) firstPingDeadline() time.Time {
	by := h.Rule.ExpectFirstBy
	if !by.After(h.StaleBefore) || h.coveredByRun(h.ActiveRuns, by, time.Time{}) {
		return time.Time{}
	}
	return by
}

// NextEvaluation is the next moment at which something happens by itself, zero when
// nothing can.
func (h Heartbeat) NextEvaluation() time.Time {
	switch h.Status {
	case New:
		return Earlier(h.firstPingDeadline(), h.RunDeadline())
	case Up:
		return Earlier(h.Due(), h.RunDeadline())
	case Late:
		if h.Rule.hasStartDeadline() {
			return Earlier(h.StartDeadline(), h.RunDeadline())
		}
		return Earlier(h.missedAt(), h.RunDeadline())
	}
	return time.Time{}
}

// StatusAt is the status to show at now. Between a due time and the sweep that
// notes it, the clock decides; Down is never shown before its incident exists.
func (h Heartbeat) StatusAt(now time.Time) Status {
	if h.Status == Up && !h.Due().IsZero() && !h.Due().After(now) {
		return Late
	}
	return h.Status
}

// Earlier returns the earlier of two moments, where zero means none.
func Earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// laterOf returns the later of two moments.
func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
