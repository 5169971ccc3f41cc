package writebehind

import (
	"slices"

	"overdue/internal/monitor"
)

// Reader adds to a read of the tables what the tables lacked when the read began. It
// can only add: the tables that a transaction sees do not change until it ends.
type Reader struct {
	buffer *Buffer
	began  uint64 // generation of the tables when it began; it can see a later one
}

// readers are the open readers, and what was saved since the first of them began: the
// tables that it sees lack it.
type readers struct {
	generation uint64 // of the tables: the number of transactions that saved pings
	open       map[uint64]int
	retired    map[int64][]retired
	count      int // of retired pings
}

// retired are pings of a heartbeat that became part of the tables.
type retired struct {
	generation uint64 // the last one in which the tables lacked them
	heartbeat  *monitor.Heartbeat
	packed     []byte // its state, if heartbeat is nil
	count      int64  // of all its pings
	pings      []PendingPing
}

// StartReading returns a Reader for a transaction that begins afterwards. End must
// follow.
func (b *Buffer) StartReading() *Reader {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.readers.open == nil {
		b.readers.open, b.readers.retired = map[uint64]int{}, map[int64][]retired{}
	}
	b.readers.open[b.readers.generation]++
	return &Reader{b, b.readers.generation}
}

// generation returns the generation of the tables.
func (b *Buffer) generation() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.readers.generation
}

// End ends the read.
func (r *Reader) End() {
	b := r.buffer
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.readers.open[r.began]--; b.readers.open[r.began] > 0 {
		return
	}
	delete(b.readers.open, r.began)
	b.readers.prune()
}

// maxRetired bounds the pings that are kept for readers. If a read takes so long that
// there are more, it can lack pings that were saved meanwhile.
const maxRetired = 100_000

// retire keeps taken pings for the open readers.
func (r *readers) retire(e *entry) {
	if len(r.open) == 0 || e.taken == 0 {
		return
	}
	if r.count > maxRetired {
		clear(r.retired)
		r.count = 0
	}
	x := retired{r.generation, nil, e.packed, e.count, slices.Clone(e.pending[:e.taken])}
	if e.heartbeat != nil {
		x.heartbeat = new(*e.heartbeat) // the next ping changes that of the entry
	}
	r.retired[e.key] = append(r.retired[e.key], x)
	r.count += e.taken
}

// prune frees the pings that the tables contain for every open reader.
func (r *readers) prune() {
	if len(r.open) == 0 {
		clear(r.retired)
		r.count = 0
		return
	}
	oldest := r.generation
	for began := range r.open {
		oldest = min(oldest, began)
	}
	for key, list := range r.retired {
		kept := slices.DeleteFunc(list, func(x retired) bool {
			if x.generation < oldest {
				r.count -= len(x.pings)
				return true
			}
			return false
		})
		if r.retired[key] = kept; len(kept) == 0 {
			delete(r.retired, key)
		}
	}
}

// Heartbeat returns a heartbeat that was read from the tables after all its pings.
func (r *Reader) Heartbeat(h monitor.Heartbeat) (monitor.Heartbeat, error) {
	b := r.buffer
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.byKey[h.Key]; e != nil && e.count > h.PingCount {
		return e.after(h)
	}
	for _, x := range slices.Backward(b.readers.retired[h.Key]) {
		switch {
		case x.generation < r.began || x.count <= h.PingCount:
		case x.heartbeat != nil:
			return *x.heartbeat, nil
		default:
			return unpack(h, x.packed)
		}
	}
	return h, nil
}

// Pings returns the pings of a heartbeat with numbers above after, the number of its
// newest ping in the tables, oldest first.
func (r *Reader) Pings(key, after int64) []PendingPing {
	b := r.buffer
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []PendingPing
	add := func(list []PendingPing) {
		for _, p := range list {
			if p.Ping.Number > after {
				found = append(found, p)
				after = p.Ping.Number
			}
		}
	}
	for _, x := range b.readers.retired[key] {
		if x.generation >= r.began {
			add(x.pings)
		}
	}
	if e := b.byKey[key]; e != nil {
		add(e.pendingPings())
	}
	return found
}

// HasPings reports whether Pings can return something for a heartbeat.
func (r *Reader) HasPings(key int64) bool {
	b := r.buffer
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.byKey[key]
	return e != nil && e.hasPending() || len(b.readers.retired[key]) > 0
}
