package ingest

import (
	"strings"
	"time"

	"overdue/internal/monitor"
)

// Limits of the rejected pings that are remembered.
const (
	// rejectedTimeout is the time for which a rejected ping holds back its heartbeat. The
	// commands that Overdue prints send a ping again for 45 s.
	rejectedTimeout = time.Minute
	// maxRejected is the number of heartbeats whose rejected pings are remembered one by
	// one. Those of further ones hold back all heartbeats. At most half of them are not
	// known to exist: a client could invent these.
	maxRejected = 10_000
)

// rejectedPing is a ping that was answered 503 and is not stored. Its job ran, and sends
// it again. If the deadline passed in between, that would be our failure, not that of the
// job. So its heartbeat is not evaluated past the ping until a later one is stored.
type rejectedPing struct {
	at    time.Time // arrival of the first one
	until time.Time // until when it counts
}

// add adds a ping that was rejected at now.
func (r *rejectedPing) add(at, now time.Time) {
	if r.at.IsZero() || now.After(r.until) || at.Before(r.at) {
		r.at = at
	}
	r.until = now.Add(rejectedTimeout)
}

// hold returns the time just before the ping, zero if it no longer counts.
func (r rejectedPing) hold(now time.Time) time.Time {
	if r.at.IsZero() || now.After(r.until) {
		return time.Time{}
	}
	return r.at.Add(-monitor.Precision)
}

// Reject records that a ping which just arrived for a heartbeat is answered 503.
func (a *InFlight) Reject(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reject(id, storedTime(a.Now()))
}

// RejectPing removes a ping in flight that is answered 503 and will not be stored.
func (a *InFlight) RejectPing(arrival *InFlightPing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rejectPing(arrival)
}

// rejectPing is RejectPing for a caller that has the lock.
func (a *InFlight) rejectPing(arrival *InFlightPing) {
	a.reject(arrival.heartbeat.id, arrival.At)
	a.remove(arrival)
}

// reject remembers a rejected ping.
func (a *InFlight) reject(id string, at time.Time) {
	now, h := a.Now(), a.byID[id]
	r, found := a.rejected[id]
	switch known := h != nil && h.known; {
	case !found && !known && len(a.rejected) >= maxRejected/2:
		return
	case !found && len(a.rejected) >= maxRejected:
		a.rejectedRest.add(at, now)
		return
	case !found:
		id = strings.Clone(id) // it is a part of a whole request
	}
	r.add(at, now)
	a.rejected[id] = r
}

// ForgetRejected records that a ping of a heartbeat which arrived at the given time is
// stored, on any node.
func (a *InFlight) ForgetRejected(id string, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forgetRejected(id, at)
}

// forgetRejected is ForgetRejected for a caller that has the lock.
func (a *InFlight) forgetRejected(id string, at time.Time) {
	if r, found := a.rejected[id]; found && !at.Before(r.at) {
		delete(a.rejected, id)
	}
}

// forgetOldRejected forgets the rejected pings that no longer count.
func (a *InFlight) forgetOldRejected(now time.Time) {
	for id, r := range a.rejected {
		if r.hold(now).IsZero() {
			delete(a.rejected, id)
		}
	}
}
