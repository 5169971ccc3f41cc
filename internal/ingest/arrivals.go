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
}

// Arrival is one ping on its way.
type Arrival struct {
	At   time.Time // when its request arrived, in µs
	id   string
	with *batch // the commit that it travels in, nil while it waits
	// binding says that other nodes wait for it too. A request whose body is
	// still coming binds them only where its id is known to be one: otherwise
	// any stranger could hold them all back with a made-up id.
	binding bool
}

// mostKnown bounds the memory for ids. When it is full all are forgotten: then
// for a moment slow bodies bind only this node.
const mostKnown = 100_000

// NewArrivals makes an empty register.
func NewArrivals() *Arrivals {
	return &Arrivals{byID: map[string][]*Arrival{}, known: map[string]struct{}{}}
}

// Begin registers a ping for the heartbeat with the given id and stamps it.
// Stamp and register are one step: whoever asks later either sees the ping or
// has an earlier clock reading.
func (a *Arrivals) Begin(id string) *Arrival {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.known[id]
	arrival := &Arrival{At: now(), id: id, binding: known}
	a.byID[id] = append(a.byID[id], arrival)
	return arrival
}

// Binding reports whether other nodes wait for the ping.
func (a *Arrivals) Binding(arrival *Arrival) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return arrival.binding
}

// Bind makes other nodes wait for the ping: its id is one, or the whole
// request is there.
func (a *Arrivals) Bind(arrival *Arrival) {
	a.mu.Lock()
	defer a.mu.Unlock()
	arrival.binding = true
}

// now is the clock as stored.
func now() time.Time { return time.Now().UTC().Truncate(monitor.Tick) }

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

// Cut is a moment, and which pings had arrived by then without being stored.
type Cut struct {
	// Now is the moment. Every ping that arrived before it is stored or held.
	Now time.Time
	// Horizon is up to when all pings of this node are stored, as far as other
	// nodes have to wait for them.
	Horizon time.Time
	held    map[string]time.Time
}

// Cut reads the clock and the register in one step.
func (a *Arrivals) Cut() Cut {
	a.mu.Lock()
	defer a.mu.Unlock()
	cut := Cut{Now: now(), held: make(map[string]time.Time, len(a.byID))}
	cut.Horizon = cut.Now.Add(-monitor.Tick)
	for id, arrivals := range a.byID {
		first := arrivals[0].At
		for _, arrival := range arrivals {
			first = earlier(first, arrival.At)
			if arrival.binding {
				cut.Horizon = earlier(cut.Horizon, arrival.At.Add(-monitor.Tick))
			}
		}
		cut.held[id] = first
	}
	return cut
}

// earlier returns the earlier of two moments.
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Until is the moment as of which the heartbeat with the given id may be
// judged: just before the oldest ping for it that is on its way.
func (c Cut) Until(id string) time.Time {
	if at, held := c.held[id]; held && !at.After(c.Now) {
		return at.Add(-monitor.Tick)
	}
	return c.Now.Add(-monitor.Tick)
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
