package writebehind

import (
	"overdue/internal/monitor"
	"overdue/internal/store/pingblock"
	"overdue/internal/store/staterow"
)

// entry is a heartbeat in memory. A heartbeat that was not used for long is packed: it
// takes a tenth of the memory, and its settings are read again before its next ping.
type entry struct {
	id   string
	key  int64
	used bool // since pack last considered it

	heartbeat *monitor.Heartbeat // after all its pings; nil if it is packed
	packed    []byte             // its state
	count     int64              // number of its pings
	due       int64              // its next evaluation, in µs since 1970; 0: none
	calendar  bool               // its rule is a calendar

	pending     []PendingPing // not in the tables, in the order of their numbers
	packedPings []pingblock.Block
	taken       int   // how many of them, from the first, a transaction is saving
	takenDue    int64 // tablesDue after the taken pings
	tablesDue   int64 // the next evaluation according to the tables; 0: none, or it is not known
	queued      int64 // the time of its item in Buffer.sooner; 0: it has none
}

// dueOf returns the time of the next evaluation in µs since 1970, or 0 without one.
func dueOf(h *monitor.Heartbeat) int64 {
	due := h.EvaluationDue()
	if due.IsZero() {
		return 0
	}
	return due.UnixMicro()
}

// set sets the heartbeat, which is not packed, to a copy of h.
func (e *entry) set(h *monitor.Heartbeat) {
	*e.heartbeat, e.packed, e.used = *h, nil, true
	e.count, e.due, e.calendar = h.PingCount, dueOf(h), h.Rule.Calendar != nil
}

// after returns the heartbeat after all its pings. h has its settings.
func (e *entry) after(h monitor.Heartbeat) (monitor.Heartbeat, error) {
	if e.heartbeat != nil {
		return *e.heartbeat, nil
	}
	return unpack(h, e.packed)
}

// unpack returns a heartbeat with a packed state.
func unpack(h monitor.Heartbeat, packed []byte) (monitor.Heartbeat, error) {
	row, err := staterow.Unpack(packed)
	if err != nil {
		return h, err
	}
	return h, row.Apply(&h)
}

// isDueSooner reports whether it is due sooner than the tables say.
func (e *entry) isDueSooner() bool {
	return e.hasPending() && e.due != 0 && (e.tablesDue == 0 || e.due < e.tablesDue)
}

// keepsDue reports whether the tables can keep the time of the next evaluation. It is indexed,
// so a change of it writes two more pages. A time in the second half of the wait after the last
// ping stays if it is not later than the right one: a sweep then finds nothing to evaluate, and
// stores the right one. With a calendar, the right one is always stored, because lists are sorted
// by it. It is also stored if the same transaction has taken earlier pings: these can have changed
// what the tables say.
func (e *entry) keepsDue() bool {
	if e.calendar || e.tablesDue == 0 || e.tablesDue > e.due || e.taken > 0 {
		return false
	}
	last := e.pending[len(e.pending)-1].Ping.At.UnixMicro()
	return e.tablesDue >= last+(e.due-last)/2
}

// hasPending reports whether it has pending pings.
func (e *entry) hasPending() bool { return len(e.pending)+len(e.packedPings) > 0 }

// pendingCount returns the number of pending pings.
func (e *entry) pendingCount() int {
	n := len(e.pending)
	for i := range e.packedPings {
		n += int(e.packedPings[i].Count)
	}
	return n
}

// pack packs the heartbeat, and its pings if their transitions changed nothing else.
func (e *entry) pack() {
	row := staterow.Of(e.heartbeat)
	e.packed, e.heartbeat = row.Pack(), nil
	if e.taken > 0 {
		return // a transaction saves them
	}
	var encoder pingblock.Encoder
	for i := range e.pending {
		p := &e.pending[i]
		if len(p.Spans)+len(p.Effects) > 0 {
			return
		}
		encoder.Add(e.key, &p.Ping)
	}
	e.packedPings, e.pending = encoder.Blocks(), nil
}

// pendingPings returns the pending pings, unpacked.
func (e *entry) pendingPings() []PendingPing {
	for i := range e.packedPings {
		pings, _ := e.packedPings[i].Decode() // cannot fail: pack encoded it
		for _, p := range pings {
			e.pending = append(e.pending, PendingPing{Ping: p})
		}
	}
	e.packedPings = nil
	return e.pending
}
