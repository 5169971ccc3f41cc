package ingest

import (
	"time"

	"overdue/internal/monitor"
)

// Limits of the detection of suspensions.
const (
	// PulseInterval is the interval at which Pulse must be called.
	PulseInterval = time.Second
	// maxPulseGap is the longest time between two pulses. A longer one means that
	// the process did not run.
	maxPulseGap = 3 * time.Second
	// drainTime is the time after a suspension in which no deadline during it is
	// evaluated: the requests that wait in the sockets are read first.
	drainTime = 2 * time.Second
	// maxBacklog is the maximum time after a suspension for which a request can be unread.
	maxBacklog = time.Minute
)

// suspension is a period in which this process did not run: it was stopped by a
// signal, its machine slept, or its clock was set forward. The zero value means
// that there was none.
//
// Requests that arrived during the suspension waited in their sockets. They must
// not count as sent when the process resumes: that would open an incident and
// resolve it at once, and give a dead job a new interval.
type suspension struct {
	from time.Time // the last pulse before it
	to   time.Time // the first moment after it
}

// endedWithin reports whether the process has resumed no longer than d before t.
func (s suspension) endedWithin(t time.Time, d time.Duration) bool {
	return !s.to.IsZero() && t.Sub(s.to) < d
}

// draining returns how long the requests that waited in the sockets are still being
// read at t. No ping is stored before: the order of reading is arbitrary, and a late ping
// would open an incident that an earlier one prevents.
func (s suspension) draining(t time.Time) time.Duration {
	if s.to.IsZero() {
		return 0
	}
	return max(0, drainTime-t.Sub(s.to))
}

// arrival returns when a request arrived whose last data had waited for the given
// time at t, and whether it arrived before the process resumed.
//
// The waiting time does not include sleep of the machine. If the machine slept,
// the request arrived shortly before or after; the earlier time is assumed, so a
// dead job gets no new interval.
func (s suspension) arrival(t time.Time, waited time.Duration) (at time.Time, during bool) {
	beforeResume := waited - t.Sub(s.to)
	if beforeResume <= 0 {
		return t, false
	}
	return s.from.Add(s.to.Sub(s.from) - beforeResume), true
}

// Pulse records that the process runs. Until the first call, no suspension is
// detected.
func (a *InFlight) Pulse() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lastPulse.IsZero() {
		a.lastPulse = a.Now()
	}
	a.detectSuspension(a.Now())
}

// detectSuspension records a suspension that ended just before t. All code that
// reads the clock calls it first, because any of it may be the first to run after a
// suspension. It compares wall clock times: the monotonic clock stops while the
// machine sleeps.
func (a *InFlight) detectSuspension(t time.Time) {
	if a.lastPulse.IsZero() {
		return
	}
	if t.Round(0).Sub(a.lastPulse.Round(0)) > maxPulseGap {
		a.lastSuspension = suspension{from: a.lastPulse, to: t}
	}
	a.lastPulse = t
}

// evaluableUntil returns the moment up to which evaluations are possible at t:
// shortly after a suspension, the moment before it.
func (a *InFlight) evaluableUntil(t time.Time) time.Time {
	if a.lastSuspension.endedWithin(t, drainTime) {
		t = a.lastSuspension.from
	}
	return storedTime(t).Add(-monitor.Precision)
}
