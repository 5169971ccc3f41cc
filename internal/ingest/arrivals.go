package ingest

import (
	"sync"
	"time"

	"overdue/internal/monitor"
)

// Arrivals knows which pings have arrived and are not yet stored. It is what
// keeps a slow disk from raising a false alarm: nothing is judged that a ping
// on its way could still prevent.
type Arrivals struct {
	mu    sync.Mutex
	byID  map[string][]*Arrival
	known map[string]struct{} // ids that pings were stored for
	open  map[string]int      // incomplete requests, by id of a heartbeat that exists

	pulse     time.Time // when this process last ran for certain; zero before the first Pulse
	suspended suspension
}

// Arrival is one ping on its way.
type Arrival struct {
	At   time.Time // when its request arrived, in µs
	id   string
	with *batch // the commit that it travels in, nil while it waits
	// binding says that its id is known to be that of a heartbeat, or that its
	// request is complete. Only then may it hold back other heartbeats on other
	// nodes: otherwise anybody could do so with a made-up id.
	binding bool
	// complete says that the whole request is there.
	complete bool
	// delayed says that the request waited in its socket while the process was suspended.
	delayed bool
}

// mostKnown bounds the memory for ids. When it is full all are forgotten: then
// for a moment slow bodies bind only this node.
const mostKnown = 100_000

// NewArrivals makes an empty register.
func NewArrivals() *Arrivals {
	return &Arrivals{byID: map[string][]*Arrival{}, known: map[string]struct{}{}, open: map[string]int{}}
}

// Begin registers a ping for the heartbeat with the given id and stamps it.
// Stamp and register are one step: whoever asks later either sees the ping or
// has an earlier clock reading.
//
// waited returns how long the request has waited in its socket, if known. It is
// called only shortly after a suspension.
func (a *Arrivals) Begin(id string, waited func() (time.Duration, bool)) *Arrival {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.known[id]
	t, delayed := time.Now(), false
	a.detectSuspension(t)
	if a.suspended.endedWithin(t, maxBacklog) {
		if d, sure := waited(); sure {
			t, delayed = a.suspended.arrival(t, d)
		}
	}
	arrival := &Arrival{At: stamp(t), id: id, binding: known, delayed: delayed}
	a.byID[id] = append(a.byID[id], arrival)
	if known {
		a.open[id]++
	}
	return arrival
}

// Binding reports whether the ping's id is known to be that of a heartbeat.
func (a *Arrivals) Binding(arrival *Arrival) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return arrival.binding
}

// Bind notes that the ping's id is that of a heartbeat.
func (a *Arrivals) Bind(arrival *Arrival) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !arrival.binding {
		arrival.binding = true
		a.open[arrival.id]++
	}
}

// Complete notes that the whole request of the ping is there. It returns how long the
// ping must wait before it is stored: see draining.
func (a *Arrivals) Complete(arrival *Arrival) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.close(arrival)
	arrival.binding, arrival.complete = true, true
	return a.suspended.draining()
}

// close notes that nothing more comes of a request.
func (a *Arrivals) close(arrival *Arrival) {
	if !arrival.binding || arrival.complete {
		return
	}
	if a.open[arrival.id]--; a.open[arrival.id] == 0 {
		delete(a.open, arrival.id)
	}
}

// Crowded reports whether so many heartbeats have an incomplete request that one
// more could hold back all others on other nodes.
func (a *Arrivals) Crowded() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.open) > maxHolds
}

// stamp is a moment as it is stored.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(monitor.Tick) }

// End takes pings off the register: they are stored, or never will be.
func (a *Arrivals) End(arrivals ...*Arrival) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, arrival := range arrivals {
		a.end(arrival)
	}
}

// Stored is End for pings of heartbeats that exist.
func (a *Arrivals) Stored(arrivals ...*Arrival) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, arrival := range arrivals {
		a.end(arrival)
		if len(a.known) >= mostKnown {
			clear(a.known)
		}
		a.known[arrival.id] = struct{}{}
	}
}

// end takes one ping off the register.
func (a *Arrivals) end(arrival *Arrival) {
	a.close(arrival)
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

// Horizons notes that pings travel in batch b, and returns for each the moment
// before which everything that arrived for its heartbeat is either stored or in
// the same batch.
func (a *Arrivals) Horizons(b *batch) []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range b.pings {
		w.arrival.with = b
	}
	horizons := make([]time.Time, len(b.pings))
	for i, w := range b.pings {
		horizons[i] = w.arrival.At
		for _, other := range a.byID[w.arrival.id] {
			if other.with != b {
				horizons[i] = earlier(horizons[i], other.At)
			}
		}
	}
	return horizons
}

// earlier returns the earlier of two moments.
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Waiting is how many pings are on their way.
func (a *Arrivals) Waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, arrivals := range a.byID {
		n += len(arrivals)
	}
	return n
}
