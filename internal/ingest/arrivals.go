package ingest

import (
	"sync"
	"time"

	"overdue/internal/monitor"
)

// InFlight knows which pings have arrived and are not yet stored. It is what
// keeps a slow disk from raising a false alarm: nothing is judged that a ping
// on its way could still prevent.
type InFlight struct {
	mu         sync.Mutex
	byID       map[string][]*InFlightPing
	knownIDs   map[string]struct{} // ids that pings were stored for
	incomplete map[string]int      // incomplete requests, by id of a heartbeat that exists

	lastPulse      time.Time // when this process last ran for certain; zero before the first Pulse
	lastSuspension suspension
}

// InFlightPing is one ping on its way.
type InFlightPing struct {
	At    time.Time // when its request arrived, in µs
	id    string
	batch *batch // the commit that it travels in, nil while it waits
	// confirmed says that its id is known to be that of a heartbeat, or that its
	// request is complete. Only then may it hold back other heartbeats on other
	// nodes: otherwise anybody could do so with a made-up id.
	confirmed bool
	// complete says that the whole request is there.
	complete bool
	// delayed says that the request waited in its socket while the process was suspended.
	delayed bool
}

// maxKnownIDs bounds the memory for ids. When it is full all are forgotten: then
// for a moment slow bodies bind only this node.
const maxKnownIDs = 100_000

// NewInFlight makes an empty register.
func NewInFlight() *InFlight {
	return &InFlight{byID: map[string][]*InFlightPing{}, knownIDs: map[string]struct{}{}, incomplete: map[string]int{}}
}

// Add registers a ping for the heartbeat with the given id and stamps it.
// Stamp and register are one step: whoever asks later either sees the ping or
// has an earlier clock reading.
//
// waited returns how long the request has waited in its socket, if known. It is
// called only shortly after a suspension.
func (a *InFlight) Add(id string, waited func() (time.Duration, bool)) *InFlightPing {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.knownIDs[id]
	t, delayed := time.Now(), false
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

// Confirmed reports whether the ping's id is known to be that of a heartbeat.
func (a *InFlight) Confirmed(arrival *InFlightPing) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return arrival.confirmed
}

// Confirm notes that the ping's id is that of a heartbeat.
func (a *InFlight) Confirm(arrival *InFlightPing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !arrival.confirmed {
		arrival.confirmed = true
		a.incomplete[arrival.id]++
	}
}

// Complete notes that the whole request of the ping is there. It returns how long the
// ping must wait before it is stored: see draining.
func (a *InFlight) Complete(arrival *InFlightPing) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requestEnded(arrival)
	arrival.confirmed, arrival.complete = true, true
	return a.lastSuspension.draining()
}

// requestEnded notes that nothing more comes of a request.
func (a *InFlight) requestEnded(arrival *InFlightPing) {
	if !arrival.confirmed || arrival.complete {
		return
	}
	if a.incomplete[arrival.id]--; a.incomplete[arrival.id] == 0 {
		delete(a.incomplete, arrival.id)
	}
}

// Crowded reports whether so many heartbeats have an incomplete request that one
// more could hold back all others on other nodes.
func (a *InFlight) Crowded() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.incomplete) > maxHolds
}

// storedTime is a moment as it is stored.
func storedTime(t time.Time) time.Time { return t.UTC().Truncate(monitor.Precision) }

// Remove takes pings off the register: they are stored, or never will be.
func (a *InFlight) Remove(arrivals ...*InFlightPing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, arrival := range arrivals {
		a.remove(arrival)
	}
}

// RemoveStored is End for pings of heartbeats that exist.
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

// remove takes one ping off the register.
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

// Watermarks notes that pings travel in batch b, and returns for each the moment
// before which everything that arrived for its heartbeat is either stored or in
// the same batch.
func (a *InFlight) Watermarks(b *batch) []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range b.pings {
		w.inFlight.batch = b
	}
	horizons := make([]time.Time, len(b.pings))
	for i, w := range b.pings {
		horizons[i] = w.inFlight.At
		for _, other := range a.byID[w.inFlight.id] {
			if other.batch != b {
				horizons[i] = earliest(horizons[i], other.At)
			}
		}
	}
	return horizons
}

// earliest returns the earlier of two moments.
func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Count is how many pings are on their way.
func (a *InFlight) Count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, arrivals := range a.byID {
		n += len(arrivals)
	}
	return n
}
