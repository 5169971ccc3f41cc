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

	Status   Status
	From     time.Time // it is counted from here: last ping, or resumption
	Slot     time.Time // that the last ping was early for, zero when it was for none
	Bad      int       // bad runs in a row, as of the last ping
	Lapsed   Lapsed    // what the clocks counted since
	Heard    time.Time // newest success, failure, pause or resumption; older pings are history only
	LastPing time.Time // arrival of the last success or failure
	Began    time.Time // arrival of the last start
	RunTime  time.Duration
	HasRun   bool // RunTime is known
	Runs     []Run
	Finished []FinishedRun // with an id, the oldest first
	Pings    int64         // stored since creation
	Incident string        // the open one, empty when none
	Cause    Cause         // what it is down for now
	Ledger   Ledger

	Created time.Time
	Updated time.Time // last change of its settings
	Deleted time.Time
}

// Lapsed is what clocks counted as bad since the last ping, without opening an
// incident.
type Lapsed struct {
	Slot time.Time // the last one, zero when none was
	Runs int
}

// Judged reports whether silence is counted against it.
func (h Heartbeat) Judged() bool { return h.Status == Up || h.Status == Late || h.Status == Down }

// Due is when the next ping is expected, zero when none is.
func (h Heartbeat) Due() time.Time {
	if !h.Judged() || h.From.IsZero() {
		return time.Time{}
	}
	return h.slotAfter(h.counted())
}

// Deadline is when silence becomes an incident: due plus grace, or so much
// after a later slot where some bad runs in a row are tolerated.
func (h Heartbeat) Deadline() time.Time {
	slot := h.lastChance()
	if slot.IsZero() {
		return slot
	}
	return slot.Add(h.Rule.Grace)
}

// Running reports whether a start waits for its finish.
func (h Heartbeat) Running() bool {
	for _, r := range h.Runs {
		if !r.Lost {
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
	for _, r := range h.Runs {
		if !r.Lost {
			first = Sooner(first, r.Start.Add(limit))
		}
	}
	return first
}

// silentAt is when silence becomes an incident. A run that began before the
// deadline is no silence: while it is in progress only its own clock counts,
// which bounds the delay by the longest run allowed.
func (h Heartbeat) silentAt() time.Time {
	deadline := h.Deadline()
	if h.excused(h.Runs, deadline, time.Time{}) {
		return time.Time{}
	}
	return deadline
}

// StartBy is the moment by which the run that is waited for must have begun,
// zero when there is no such moment. A run in progress that began by then will do.
func (h Heartbeat) StartBy() time.Time {
	due := h.Due()
	if due.IsZero() || !h.Rule.startClock() {
		return time.Time{}
	}
	by := due.Add(h.Rule.StartGrace)
	if h.excused(h.Runs, by, time.Time{}) {
		return time.Time{}
	}
	return by
}

// firstBy is when it is an incident that a new heartbeat was never pinged. A
// run in progress is no silence, and a moment that passed in a pause is past.
func (h Heartbeat) firstBy() time.Time {
	by := h.Rule.ExpectFirstBy
	if !by.After(h.Heard) || h.excused(h.Runs, by, time.Time{}) {
		return time.Time{}
	}
	return by
}

// Next is the next moment at which something happens by itself, zero when
// nothing can.
func (h Heartbeat) Next() time.Time {
	switch h.Status {
	case New:
		return Sooner(h.firstBy(), h.RunDeadline())
	case Up:
		return Sooner(h.Due(), h.RunDeadline())
	case Late:
		if h.Rule.startClock() {
			return Sooner(h.StartBy(), h.RunDeadline())
		}
		return Sooner(h.silentAt(), h.RunDeadline())
	}
	return time.Time{}
}

// Shown is the status to show at now. Between a due time and the sweep that
// notes it, the clock decides; Down is never shown before its incident exists.
func (h Heartbeat) Shown(now time.Time) Status {
	if h.Status == Up && !h.Due().IsZero() && !h.Due().After(now) {
		return Late
	}
	return h.Status
}

// Sooner returns the earlier of two moments, where zero means none.
func Sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// later returns the later of two moments.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
