package ingest

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// InFlight holds the pings that have arrived and are not stored yet. It
// prevents false alarms when the disk is slow: no deadline is evaluated while a
// ping in flight could still meet it.
type InFlight struct {
	// Now returns the current time. NewInFlight sets it to the clock of this machine.
	Now func() time.Time

	mu         sync.Mutex
	byID       map[string]*heartbeatPings // those with pings in flight, and known ones
	active     []*heartbeatPings          // those with pings in flight
	incomplete map[string]int             // incomplete requests, by id of an existing heartbeat
	rejected   map[string]rejectedPing    // by id

	rejectedRest rejectedPing // of the heartbeats that have no place in rejected

	lastPulse      time.Time // the last time at which this process was known to run; zero before the first Pulse
	lastSuspension suspension
}

// heartbeatPings holds the pings in flight of one id. A ping finds it once, when it is
// added.
type heartbeatPings struct {
	id    string
	known bool // a ping of it was stored, so the heartbeat exists
	place int  // in InFlight.active, while there are pings
	pings []*InFlightPing
}

// InFlightPing is one ping that is not stored yet.
type InFlightPing struct {
	At        time.Time // when the request arrived, in microseconds
	heartbeat *heartbeatPings
	batch     *batch      // the batch of the ping, nil while it waits
	request   *queuedPing // nil if no request waits for the commit
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
	// postponed is true while it waits for a heartbeat that another session has locked.
	postponed bool
}

// maxKnownIDs is the maximum number of remembered ids. When it is reached, all
// ids are dropped: for a short time, incomplete requests then hold back
// heartbeats on this node only.
const maxKnownIDs = 100_000

// NewInFlight returns an empty register.
func NewInFlight() *InFlight {
	return &InFlight{
		Now: time.Now, byID: map[string]*heartbeatPings{}, incomplete: map[string]int{}, rejected: map[string]rejectedPing{},
	}
}

// Add registers a ping for the heartbeat with the given id, and reads the clock
// in the same step: every later snapshot contains the ping or has an earlier
// time.
//
// waited returns how long the request has waited in its socket, if known. It is
// called only shortly after a suspension.
func (a *InFlight) Add(id string, waited func() (time.Duration, bool)) *InFlightPing {
	arrival := &InFlightPing{}
	a.addTo(arrival, id, waited)
	return arrival
}

// addTo is Add with the memory for the ping.
func (a *InFlight) addTo(arrival *InFlightPing, id string, waited func() (time.Duration, bool)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.add(arrival, id, waited)
	if arrival.confirmed {
		a.incomplete[arrival.heartbeat.id]++
	}
}

// addComplete is addTo and Complete in one step, for a request without a body.
func (a *InFlight) addComplete(arrival *InFlightPing, id string, waited func() (time.Duration, bool)) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.add(arrival, id, waited)
	return a.complete(arrival)
}

// add is Add without the count of incomplete requests. It overwrites the ping.
func (a *InFlight) add(arrival *InFlightPing, id string, waited func() (time.Duration, bool)) {
	t, delayed := a.Now(), false
	a.detectSuspension(t)
	if a.lastSuspension.endedWithin(t, maxBacklog) {
		if d, sure := waited(); sure {
			t, delayed = a.lastSuspension.arrival(t, d)
		}
	}
	h := a.byID[id]
	if h == nil {
		h = &heartbeatPings{id: strings.Clone(id)} // id is a part of a whole request
		a.byID[h.id] = h
	}
	if len(h.pings) == 0 {
		h.place = len(a.active)
		a.active = append(a.active, h)
	}
	*arrival = InFlightPing{At: storedTime(t), heartbeat: h, request: arrival.request, confirmed: h.known, delayed: delayed}
	h.pings = append(h.pings, arrival)
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
		a.incomplete[arrival.heartbeat.id]++
	}
}

// Complete records that the whole request has arrived. It returns how long the ping
// must wait before it is stored: see draining.
func (a *InFlight) Complete(arrival *InFlightPing) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requestEnded(arrival)
	return a.complete(arrival)
}

// complete is Complete without the count of incomplete requests.
func (a *InFlight) complete(arrival *InFlightPing) time.Duration {
	arrival.confirmed, arrival.complete, arrival.completedAt = true, true, time.Now()
	if a.lastSuspension.to.IsZero() {
		return 0
	}
	return a.lastSuspension.draining(a.Now())
}

// Postpone records that a ping waits for a locked heartbeat.
func (a *InFlight) Postpone(arrival *InFlightPing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	arrival.postponed = true
}

// StoringSince returns since when the ping that is being stored for longest is complete.
// Pings of locked heartbeats do not count.
func (a *InFlight) StoringSince() (oldest time.Time, found bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.active {
		for _, p := range h.pings {
			if p.complete && !p.postponed && (!found || p.completedAt.Before(oldest)) {
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
	id := arrival.heartbeat.id
	if a.incomplete[id]--; a.incomplete[id] == 0 {
		delete(a.incomplete, id)
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
		a.removeStored(arrival)
	}
}

// removeBatch removes the pings of a batch whose result is answerOf.
func (a *InFlight) removeBatch(b *batch, answerOf func(*queuedPing) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range b.pings {
		switch err := answerOf(w); {
		case err == nil:
			a.removeStored(&w.inFlight)
		case errors.Is(err, errUnknownID):
			a.remove(&w.inFlight)
		default:
			a.rejectPing(&w.inFlight)
		}
	}
}

// removeStored removes a stored ping and remembers its id.
func (a *InFlight) removeStored(arrival *InFlightPing) {
	if !arrival.heartbeat.known {
		if len(a.byID) > maxKnownIDs {
			a.forgetKnown()
		}
		arrival.heartbeat.known = true
	}
	a.forgetRejected(arrival.heartbeat.id, arrival.At)
	a.remove(arrival)
}

// forgetKnown forgets which ids are known.
func (a *InFlight) forgetKnown() {
	a.byID = make(map[string]*heartbeatPings, len(a.active))
	for _, h := range a.active {
		h.known = false
		a.byID[h.id] = h
	}
}

// remove removes one ping.
func (a *InFlight) remove(arrival *InFlightPing) {
	a.requestEnded(arrival)
	h := arrival.heartbeat
	i := slices.Index(h.pings, arrival)
	if i < 0 {
		return
	}
	if h.pings = slices.Delete(h.pings, i, i+1); len(h.pings) > 0 {
		return
	}
	last := len(a.active) - 1
	a.active[h.place] = a.active[last]
	a.active[h.place].place = h.place
	a.active[last] = nil
	a.active = a.active[:last]
	if !h.known {
		delete(a.byID, h.id)
	}
}

// assign assigns the pings to batch b and appends them to received, each with its
// watermark: all earlier pings of its heartbeat are stored or in the same batch.
func (a *InFlight) assign(b *batch, received []store.ReceivedPing) []store.ReceivedPing {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range b.pings {
		w.inFlight.batch = b
	}
	for _, w := range b.pings {
		watermark := w.inFlight.At
		for _, other := range w.inFlight.heartbeat.pings {
			if other.batch != b {
				watermark = earliest(watermark, other.At)
			}
		}
		if r, found := a.rejected[w.id]; found {
			watermark = earliest(watermark, r.at)
		}
		received = append(received, store.ReceivedPing{ID: w.id, Ping: w.ping, Watermark: watermark})
	}
	return received
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
	for _, h := range a.active {
		n += len(h.pings)
	}
	return n
}
