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

// Methods says which request methods count as pings.
type Methods string

// The values of Methods, part of the API.
const (
	AnyMethod Methods = "any"
	PostOnly  Methods = "post"
)

// Rule is what a heartbeat is judged by.
type Rule struct {
	Interval     time.Duration // from one ping to the next
	Grace        time.Duration // from due to deadline
	MaxRunTime   time.Duration // from start to finish; 0: the grace period
	Methods      Methods
	ManualResume bool // a ping does not resume it
}

// runLimit is how long a run may take, 0 when nothing limits it. With neither
// a maximum nor a grace period every start would be down at once, so then only
// the interval guards.
func (r Rule) runLimit() time.Duration {
	if r.MaxRunTime > 0 {
		return r.MaxRunTime
	}
	return r.Grace
}

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
	From     time.Time // the interval is counted from here: last ping, or resumption
	Heard    time.Time // newest success, failure, pause or resumption; older pings are history only
	LastPing time.Time // arrival of the last success or failure
	Began    time.Time // arrival of the last start
	RunTime  time.Duration
	HasRun   bool // RunTime is known
	Runs     []Run
	Pings    int64  // stored since creation
	Incident string // the open one, empty when none
	Cause    Cause  // what it is down for now

	Created time.Time
	Updated time.Time // last change of its settings
	Deleted time.Time
}

// Judged reports whether silence is counted against it.
func (h Heartbeat) Judged() bool { return h.Status == Up || h.Status == Late || h.Status == Down }

// Due is when the next ping is expected, zero when none is.
func (h Heartbeat) Due() time.Time {
	if !h.Judged() || h.From.IsZero() {
		return time.Time{}
	}
	return h.From.Add(h.Rule.Interval)
}

// Deadline is when silence becomes an incident: due plus grace.
func (h Heartbeat) Deadline() time.Time {
	due := h.Due()
	if due.IsZero() {
		return due
	}
	return due.Add(h.Rule.Grace)
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
			first = sooner(first, r.Start.Add(limit))
		}
	}
	return first
}

// silentAt is when silence becomes an incident. A run that began before the
// deadline is no silence: while it is in progress only its own clock counts,
// which bounds the delay by the longest run allowed.
func (h Heartbeat) silentAt() time.Time {
	deadline := h.Deadline()
	if h.Rule.runLimit() == 0 {
		return deadline
	}
	for _, r := range h.Runs {
		if !r.Lost && !r.Start.After(deadline) {
			return time.Time{}
		}
	}
	return deadline
}

// Next is the next moment at which something happens by itself, zero when
// nothing can.
func (h Heartbeat) Next() time.Time {
	switch h.Status {
	case New:
		return h.RunDeadline()
	case Up:
		return sooner(h.Due(), h.RunDeadline())
	case Late:
		return sooner(h.silentAt(), h.RunDeadline())
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

// sooner returns the earlier of two moments, where zero means none.
func sooner(a, b time.Time) time.Time {
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
