package ingest

import (
	"sync"
	"time"

	"overdue/internal/monitor"
)

// InFlight holds the pings that have arrived and are not stored yet. It
// prevents false alarms when the disk is slow: no deadline is evaluated while a
// ping in flight could still meet it.
type InFlight struct {
	// Now returns the current time. NewInFlight sets it to the clock of this machine.
	Now func() time.Time

	mu         sync.Mutex
	byID       map[string][]*InFlightPing
	knownIDs   map[string]struct{} // heartbeat ids of stored pings
	incomplete map[string]int      // incomplete requests, by id of an existing heartbeat

	lastPulse      time.Time // the last time at which this process was known to run; zero before the first Pulse
	lastSuspension suspension
}

// InFlightPing is one ping that is not stored yet.
type InFlightPing struct {
	At    time.Time // when the request arrived, in microseconds
	id    string
	batch *batch // the batch of the ping, nil while it waits
	// confirmed is true if the heartbeat is known to exist or the request is
	// complete. Only then can the ping hold back other heartbeats on other
	// nodes: otherwise a client could do so with a made-up id.
	confirmed bool
	// complete is true if the whole request has arrived.
	complete    bool
	completedAt time.Time
	// delayed is true if the request waited in its socket while the process was
	// suspended.
	delayed bool
}

// maxKnownIDs is the maximum number of remembered ids. When it is reached, all
// ids are dropped: for a short time, incomplete requests then hold back
// heartbeats on this node only.
const maxKnownIDs = 100_000

// NewInFlight returns an empty register.
func NewInFlight() *InFlight {
	return &InFlight{Now: time.Now, byID: map[string][]*InFlightPing{}, knownIDs: map[string]struct{}{}, incomplete: map[string]int{}}
}

// Add registers a ping for the heartbeat with the given id, and reads the clock
// in the same step: every later snapshot contains the ping or has an earlier
// time.
//
// waited returns how long the request has waited in its socket, if known. It is
// called only shortly after a suspension.
func (a *InFlight) Add(id string, waited func() (time.Duration, bool)) *InFlightPing {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.knownIDs[id]
	t, delayed := a.Now(), false
	a.detectSuspension(t)
	if a.lastSuspension.endedWithin(t, maxBacklog) {
		if d, sure := waited(); sure {
			t, delayed = a.lastSuspension.arrival(t, d)
		}
	}
	arrival := &InFlightPing{At: storedTime(t), id: id, confirmed: known, delayed: delayed}
	a.byID[id] = append(a.byID[id], arrival)
	if known {
		a.incomplete[id]++
	}
	return arrival
}

// Confirmed reports whether the ping is known to belong to a heartbeat.
func (a *InFlight) Confirmed(arrival *InFlightPing) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return arrival.confirmed
}

// Confirm records that the ping belongs to a heartbeat.
func (a *InFlight) Confirm(arrival *InFlightPing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !arrival.confirmed {
		arrival.confirmed = true
		a.incomplete[arrival.id]++
	}
}

// Complete records that the whole request has arrived. It returns how long the ping
// must wait before it is stored: see draining.
func (a *InFlight) Complete(arrival *InFlightPing) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requestEnded(arrival)
	arrival.confirmed, arrival.complete, arrival.completedAt = true, true, time.Now()
	return a.lastSuspension.draining(a.Now())
}

// StoringSince returns since when the ping that is being stored for longest is complete.
func (a *InFlight) StoringSince() (oldest time.Time, found bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, list := range a.byID {
		for _, p := range list {
			if p.complete && (!found || p.completedAt.Before(oldest)) {
				oldest, found = p.completedAt, true
			}
		}
	}
	return oldest, found
}

// requestEnded records that a request is complete or has ended.
func (a *InFlight) requestEnded(arrival *InFlightPing) {
	if !arrival.confirmed || arrival.complete {
		return
	}
	if a.incomplete[arrival.id]--; a.incomplete[arrival.id] == 0 {
		delete(a.incomplete, arrival.id)
	}
}

// Crowded reports whether so many heartbeats have an incomplete request that
// another one could hold back all heartbeats on other nodes.
func (a *InFlight) Crowded() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.incomplete) > maxHolds
}

// storedTime returns a time in the precision of the database.
func storedTime(t time.Time) time.Time { return t.UTC().Truncate(monitor.Precision) }

// Remove removes pings: they are stored, or will not be.
func (a *InFlight) Remove(arrivals ...*InFlightPing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, arrival := range arrivals {
		a.remove(arrival)
	}
}

// RemoveStored removes stored pings and remembers their ids.
func (a *InFlight) RemoveStored(arrivals ...*InFlightPing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, arrival := range arrivals {
		a.remove(arrival)
		if len(a.knownIDs) >= maxKnownIDs {
			clear(a.knownIDs)
		}
		a.knownIDs[arrival.id] = struct{}{}
	}
}

// remove removes one ping.
func (a *InFlight) remove(arrival *InFlightPing) {
	a.requestEnded(arrival)
	rest := a.byID[arrival.id]
	if len(rest) == 1 {
		delete(a.byID, arrival.id)
		return
	}
	for i, other := range rest {
		if other == arrival {
			a.byID[arrival.id] = append(rest[:i:i], rest[i+1:]...)
		}
	}
}

// Watermarks assigns the pings to batch b. It returns a watermark for each ping:
// all earlier pings of its heartbeat are stored or in the same batch.
func (a *InFlight) Watermarks(b *batch) []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range b.pings {
		w.inFlight.batch = b
	}
	watermarks := make([]time.Time, len(b.pings))
	for i, w := range b.pings {
		watermarks[i] = w.inFlight.At
		for _, other := range a.byID[w.inFlight.id] {
			if other.batch != b {
				watermarks[i] = earliest(watermarks[i], other.At)
			}
		}
	}
	return watermarks
}

// earliest returns the earlier of two moments.
func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Count returns the number of pings that are not stored yet.
func (a *InFlight) Count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, arrivals := range a.byID {
		n += len(arrivals)
	}
	return n
}
