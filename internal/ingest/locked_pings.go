package ingest

import (
	"slices"
	"sync"
	"time"

	"overdue/internal/store"
)

// maxLockedHeartbeats is the number of locked heartbeats whose pings wait at the same
// time on PostgreSQL. Each uses a connection of the pool. Pings of further ones are
// answered 503.
const maxLockedHeartbeats = 4

// lockedPings are pings of heartbeats that another transaction has locked. They wait
// apart from the workers, so that they delay no other ping.
type lockedPings struct {
	// together makes all of them wait in one queue, which has no limit. On SQLite, locks
	// are short and waiting uses no connection.
	together   bool
	goroutines sync.WaitGroup

	mu     sync.Mutex
	queues map[string][]*queuedPing // by queueOf; a queue has one goroutine
	ids    map[string]bool          // of the heartbeats in all queues, or being stored from one
}

// queueOf returns the name of the queue for a heartbeat.
func (l *lockedPings) queueOf(id string) string {
	if l.together {
		return ""
	}
	return id
}

// add adds a ping to its queue. isNew reports whether the queue is new.
func (l *lockedPings) add(w *queuedPing) (isNew bool) {
	name := l.queueOf(w.id)
	waiting, found := l.queues[name]
	if l.queues == nil {
		l.queues, l.ids = map[string][]*queuedPing{}, map[string]bool{}
	}
	l.queues[name] = append(waiting, w)
	l.ids[w.id] = true
	return !found
}

// take removes from a batch the pings of heartbeats that earlier pings wait for, so
// that they stay in order.
func (l *lockedPings) take(gathered *batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queues) == 0 {
		return
	}
	gathered.pings = slices.DeleteFunc(gathered.pings, func(w *queuedPing) bool {
		waits := l.ids[w.id]
		if waits {
			l.add(w)
		}
		return waits
	})
}

// next returns the pings of a queue, or ends the queue if there are none. answered are the
// ids of those that it returned before.
func (l *lockedPings) next(name string, answered []string) []*queuedPing {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range answered {
		delete(l.ids, id)
	}
	pings := l.queues[name]
	if len(pings) == 0 {
		delete(l.queues, name)
		return nil
	}
	for _, w := range pings {
		l.ids[w.id] = true
	}
	l.queues[name] = nil
	return pings
}

// waiting takes the pings that came while earlier ones waited.
func (l *lockedPings) waiting(name string) []*queuedPing {
	l.mu.Lock()
	defer l.mu.Unlock()
	pings := l.queues[name]
	l.queues[name] = nil
	return pings
}

// waitForLocks moves the pings of locked heartbeats out of a batch and stores them as
// soon as the locks end.
func (b *Batcher) waitForLocks(gathered *batch, locked map[string]bool) {
	l := &b.locked
	l.mu.Lock()
	rejected := &batch{}
	gathered.pings = slices.DeleteFunc(gathered.pings, func(w *queuedPing) bool {
		if !locked[w.id] {
			return false
		}
		if !l.together && !l.ids[w.id] && len(l.queues) == maxLockedHeartbeats {
			rejected.pings = append(rejected.pings, w)
			return true
		}
		if l.add(w) {
			name := l.queueOf(w.id)
			l.goroutines.Go(func() { b.storeLocked(name) })
		}
		return true
	})
	l.mu.Unlock()
	b.answer(rejected, time.Now(), &store.ApplyResult{}, errTooManyLocks)
}

// storeLocked stores the pings of a queue until none waits. If a lock does not end in
// time, it answers all of them, because the next would wait as long.
func (b *Batcher) storeLocked(name string) {
	var answered []string
	for pings := b.locked.next(name, nil); len(pings) > 0; pings = b.locked.next(name, answered) {
		begun, gathered := time.Now(), &batch{pings: pings}
		result, err := b.store(gathered, b.db.ApplyPings)
		if err != nil {
			gathered.pings = append(gathered.pings, b.locked.waiting(name)...)
		}
		answered = answered[:0]
		for _, w := range gathered.pings {
			answered = append(answered, w.id) // before it is answered: then it can be another ping
		}
		b.answer(gathered, begun, &result, err)
	}
}
