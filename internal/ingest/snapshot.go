package ingest

import (
	"cmp"
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Limits of the watermark that a node publishes.
const (
	// maxHolds is the maximum number of heartbeats that a node lists. Pings of
	// further heartbeats hold back all heartbeats on the other nodes.
	maxHolds = 256
	// maxUnlisted is the maximum time that a complete ping waits for the disk before its
	// heartbeat is listed. Nearly all pings are stored sooner.
	maxUnlisted = 250 * time.Millisecond
)

// Snapshot is a point in time with the pings that were in flight.
type Snapshot struct {
	// Now is the time of the snapshot. Every ping that arrived earlier is stored or
	// held.
	Now time.Time
	// Watermark tells other nodes until when all pings of this node are stored.
	Watermark store.Watermark
	held      map[string]time.Time
	evaluable time.Time // until when heartbeats without a ping in flight can be evaluated
}

// EvaluableUntil returns the time until which the heartbeat with the given id can
// be evaluated: just before its oldest ping in flight.
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
	t := a.Now()
	a.detectSuspension(t)
	free := a.evaluableUntil(t)
	if rest := a.rejectedRest.hold(t); !rest.IsZero() {
		free = earliest(free, rest)
	}
	cut := Snapshot{Now: storedTime(t), evaluable: free, held: make(map[string]time.Time, len(a.active)+len(a.rejected))}
	cut.Watermark = store.Watermark{All: free, Default: free, Holds: map[string]time.Time{}}
	var holds []hold
	for _, h := range a.holds(t) {
		cut.held[h.id] = h.oldest
		cut.Watermark.All = h.lower(cut.Watermark.All)
		if h.complete && !h.rejected && cut.Now.Sub(h.oldest) <= maxUnlisted {
			cut.Watermark.Default = h.lower(cut.Watermark.Default)
		} else {
			holds = append(holds, h)
		}
	}
	// Holds that could affect other heartbeats are listed first, then the
	// oldest, so those beyond the list are recent.
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

// hold describes how the pings in flight of one heartbeat hold back
// evaluations.
type hold struct {
	id        string
	oldest    time.Time // oldest arrival
	confirmed time.Time // oldest arrival that may hold back other heartbeats, zero when none may
	complete  bool      // all requests are complete
	rejected  bool      // a ping was answered 503
}

// holds returns the holds of all heartbeats at t.
func (a *InFlight) holds(t time.Time) []hold {
	a.forgetOldRejected(t)
	all := make([]hold, 0, len(a.active)+len(a.rejected))
	for _, heartbeat := range a.active {
		h := newHold(heartbeat.id, heartbeat.pings)
		if r, found := a.rejected[h.id]; found {
			h.reject(r.at, heartbeat.known)
		}
		all = append(all, h)
	}
	for id, r := range a.rejected {
		if heartbeat := a.byID[id]; heartbeat == nil || len(heartbeat.pings) == 0 {
			h := hold{id: id, complete: true}
			h.reject(r.at, heartbeat != nil)
			all = append(all, h)
		}
	}
	return all
}

// reject adds a rejected ping. It can hold back other heartbeats if its own is known to
// exist.
func (h *hold) reject(at time.Time, known bool) {
	h.rejected, h.oldest = true, monitor.Earlier(h.oldest, at)
	if known {
		h.confirmed = monitor.Earlier(h.confirmed, at)
	}
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

// lower returns the watermark of all heartbeats, lowered by this one.
func (h hold) lower(watermark time.Time) time.Time {
	if h.confirmed.IsZero() {
		return watermark
	}
	return earliest(watermark, h.confirmed.Add(-monitor.Precision))
}

// priority orders holds. Complete requests leave the list soon, and requests with
// unconfirmed ids hold back no other heartbeat.
func (h hold) priority() int {
	switch {
	case h.confirmed.IsZero():
		return 0
	case h.complete && !h.rejected:
		return 1
	}
	return 2
}
