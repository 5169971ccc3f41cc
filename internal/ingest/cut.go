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

// Snapshot is a moment, and which pings had arrived by then without being stored.
type Snapshot struct {
	// Now is the moment. Every ping that arrived before it is stored or held.
	Now time.Time
	// Watermark is up to when all pings of this node are stored, for other nodes.
	Watermark store.Watermark
	held      map[string]time.Time
	evaluable time.Time // as of which heartbeats without a ping on its way may be judged
}

// EvaluableUntil is the moment as of which the heartbeat with the given id may be
// judged: just before the oldest ping for it that is on its way.
func (c Snapshot) EvaluableUntil(id string) time.Time {
	if at, held := c.held[id]; held && !at.After(c.Now) {
		return earliest(c.evaluable, at.Add(-monitor.Precision))
	}
	return c.evaluable
}

// Snapshot reads the clock and the register in one step.
func (a *InFlight) Snapshot() Snapshot {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := time.Now()
	a.detectSuspension(t)
	free := a.evaluableUntil(t)
	cut := Snapshot{Now: storedTime(t), evaluable: free, held: make(map[string]time.Time, len(a.byID))}
	cut.Watermark = store.Watermark{All: free, Default: free, Holds: map[string]time.Time{}}
	var holds []hold
	for id, arrivals := range a.byID {
		h := newHold(id, arrivals)
		cut.held[id] = h.oldest
		cut.Watermark.All = h.lower(cut.Watermark.All)
		if h.complete && cut.Now.Sub(h.oldest) <= maxUnlisted {
			cut.Watermark.Default = h.lower(cut.Watermark.Default)
		} else {
			holds = append(holds, h)
		}
	}
	// Those that could hold back other heartbeats are listed first, then the
	// oldest: what finds no place on the list is young.
	slices.SortFunc(holds, func(x, y hold) int {
		return cmp.Or(cmp.Compare(y.priority(), x.priority()), x.oldest.Compare(y.oldest))
	})
	for i, h := range holds {
		if i < maxHolds {
			cut.Watermark.Holds[h.id] = h.oldest.Add(-monitor.Precision)
		} else {
			cut.Watermark.Default = h.lower(cut.Watermark.Default)
		}
	}
	return cut
}

// hold is how the pings of one heartbeat that are on their way hold back
// judgements.
type hold struct {
	id        string
	oldest    time.Time // the oldest arrival
	confirmed time.Time // the oldest arrival that may hold back other heartbeats, zero when none may
	complete  bool      // all requests are complete
}

// newHold sums up the arrivals of one heartbeat.
func newHold(id string, arrivals []*InFlightPing) hold {
	h := hold{id: id, complete: true}
	for _, arrival := range arrivals {
		h.oldest = monitor.Earlier(h.oldest, arrival.At)
		if arrival.confirmed {
			h.confirmed = monitor.Earlier(h.confirmed, arrival.At)
		}
		h.complete = h.complete && arrival.complete
	}
	return h
}

// lower returns the horizon of all heartbeats, lowered by this one.
func (h hold) lower(horizon time.Time) time.Time {
	if h.confirmed.IsZero() {
		return horizon
	}
	return earliest(horizon, h.confirmed.Add(-monitor.Precision))
}

// priority orders holds: complete requests leave the list by themselves, and those
// of ids that nobody has looked up hold back nothing else.
func (h hold) priority() int {
	switch {
	case h.confirmed.IsZero():
		return 0
	case h.complete:
		return 1
	}
	return 2
}
