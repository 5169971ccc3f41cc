package writebehind

import (
	"container/heap"
	"time"
)

// dueHeap orders heartbeats by the time of their next evaluation. A heartbeat has one item,
// whose time is not later than its next evaluation; entry.queued is that time. Items with
// another time are out of date.
type dueHeap []dueItem

type dueItem struct {
	key int64
	at  int64 // µs since 1970
}

func (q dueHeap) Len() int           { return len(q) }
func (q dueHeap) Less(i, j int) bool { return q[i].at < q[j].at }
func (q dueHeap) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push adds an item, for package heap.
func (q *dueHeap) Push(x any) { *q = append(*q, x.(dueItem)) }

// Pop removes the last item, for package heap.
func (q *dueHeap) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// push adds a heartbeat.
func (q *dueHeap) push(e *entry) {
	e.queued = e.due
	heap.Push(q, dueItem{e.key, e.due})
}

// first returns the first time at which a heartbeat is due, or zero.
func (q *dueHeap) first(byKey map[int64]*entry) time.Time {
	for len(*q) > 0 {
		first := (*q)[0]
		e := byKey[first.key]
		if e == nil || e.queued != first.at {
			heap.Pop(q)
			continue
		}
		if e.isDueSooner() && e.due == first.at {
			return time.UnixMicro(first.at).UTC()
		}
		heap.Pop(q)
		if e.queued = 0; e.isDueSooner() {
			q.push(e)
		}
	}
	return time.Time{}
}

// DueBefore adds the pending pings of all heartbeats to t that are due at or before now,
// sooner than the tables say. The transaction saves them, so that the tables are right.
func (t *Taken) DueBefore(now time.Time) {
	b := t.buffer
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		due := b.sooner.first(b.byKey)
		if due.IsZero() || due.After(now) {
			return
		}
		e := b.byKey[b.sooner[0].key]
		t.add(e)
		e.queued = 0
		heap.Pop(&b.sooner)
	}
}
