package ingest

import (
	"cmp"
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Limits of what a node publishes about pings that are not stored yet.
const (
	// maxHolds is the maximum number of heartbeats that a node lists. Pings of
	// further heartbeats hold back all heartbeats on the other nodes.
	maxHolds = 256
	// maxUnlisted is how long a complete ping may wait for the disk before its
	// heartbeat is listed. Nearly all pings are stored sooner.
	maxUnlisted = 250 * time.Millisecond
)

// Cut is a moment, and which pings had arrived by then without being stored.
type Cut struct {
	// Now is the moment. Every ping that arrived before it is stored or held.
	Now time.Time
	// Horizon is up to when all pings of this node are stored, for other nodes.
	Horizon store.Horizon
	held    map[string]time.Time
	free    time.Time // as of which heartbeats without a ping on its way may be judged
}

// Until is the moment as of which the heartbeat with the given id may be
// judged: just before the oldest ping for it that is on its way.
func (c Cut) Until(id string) time.Time {
	if at, held := c.held[id]; held && !at.After(c.Now) {
		return earlier(c.free, at.Add(-monitor.Tick))
	}
	return c.free
}

// Cut reads the clock and the register in one step.
func (a *Arrivals) Cut() Cut {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := time.Now()
	a.detectSuspension(t)
	free := a.evaluableUntil(t)
	cut := Cut{Now: stamp(t), free: free, held: make(map[string]time.Time, len(a.byID))}
	cut.Horizon = store.Horizon{All: free, Rest: free, Holds: map[string]time.Time{}}
	var holds []hold
	for id, arrivals := range a.byID {
		h := newHold(id, arrivals)
		cut.held[id] = h.first
		cut.Horizon.All = h.before(cut.Horizon.All)
		if h.complete && cut.Now.Sub(h.first) <= maxUnlisted {
			cut.Horizon.Rest = h.before(cut.Horizon.Rest)
		} else {
			holds = append(holds, h)
		}
	}
	// Those that could hold back other heartbeats are listed first, then the
	// oldest: what finds no place on the list is young.
	slices.SortFunc(holds, func(x, y hold) int {
		return cmp.Or(cmp.Compare(y.weight(), x.weight()), x.first.Compare(y.first))
	})
	for i, h := range holds {
		if i < maxHolds {
			cut.Horizon.Holds[h.id] = h.first.Add(-monitor.Tick)
		} else {
			cut.Horizon.Rest = h.before(cut.Horizon.Rest)
		}
	}
	return cut
}

// hold is how the pings of one heartbeat that are on their way hold back
// judgements.
type hold struct {
	id       string
	first    time.Time // the oldest arrival
	binding  time.Time // the oldest arrival that may hold back other heartbeats, zero when none may
	complete bool      // all requests are complete
}

// newHold sums up the arrivals of one heartbeat.
func newHold(id string, arrivals []*Arrival) hold {
	h := hold{id: id, complete: true}
	for _, arrival := range arrivals {
		h.first = monitor.Sooner(h.first, arrival.At)
		if arrival.binding {
			h.binding = monitor.Sooner(h.binding, arrival.At)
		}
		h.complete = h.complete && arrival.complete
	}
	return h
}

// before returns the horizon of all heartbeats, lowered by this one.
func (h hold) before(horizon time.Time) time.Time {
	if h.binding.IsZero() {
		return horizon
	}
	return earlier(horizon, h.binding.Add(-monitor.Tick))
}

// weight orders holds: complete requests leave the list by themselves, and those
// of ids that nobody has looked up hold back nothing else.
func (h hold) weight() int {
	switch {
	case h.binding.IsZero():
		return 0
	case h.complete:
		return 1
	}
	return 2
}
