package ingest

import (
	"slices"
	"sync"
	"time"
)

// maxLockedHeartbeats is the number of locked heartbeats whose pings wait at the same
// time. Each uses a connection of the pool. Pings of further ones are answered 503.
const maxLockedHeartbeats = 4

// lockedPings are pings of heartbeats whose rows another session has locked. They wait
// apart from the workers, so that they delay no other ping.
type lockedPings struct {
	goroutines sync.WaitGroup

	mu    sync.Mutex
	queue map[string][]*queuedPing // by id; an id has one goroutine
}

// take removes from a batch the pings of heartbeats that earlier pings wait for, so
// that they stay in order.
func (l *lockedPings) take(gathered *batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return
	}
	gathered.pings = slices.DeleteFunc(gathered.pings, func(w *queuedPing) bool {
		waiting, found := l.queue[w.id]
		if found {
			l.queue[w.id] = append(waiting, w)
		}
		return found
	})
}

// next returns the pings that wait for a heartbeat, or ends its queue if there are none.
func (l *lockedPings) next(id string) []*queuedPing {
	l.mu.Lock()
	defer l.mu.Unlock()
	pings := l.queue[id]
	if len(pings) == 0 {
		delete(l.queue, id)
	} else {
		l.queue[id] = nil
	}
	return pings
}

// waitForLocks moves the pings of locked heartbeats out of a batch and stores them as
// soon as the locks end.
func (b *Batcher) waitForLocks(gathered *batch, locked map[string]bool) {
	l := &b.locked
	l.mu.Lock()
	if l.queue == nil {
		l.queue = map[string][]*queuedPing{}
	}
	rejected := &batch{}
	gathered.pings = slices.DeleteFunc(gathered.pings, func(w *queuedPing) bool {
		if !locked[w.id] {
			return false
		}
		waiting, found := l.queue[w.id]
		if !found && len(l.queue) == maxLockedHeartbeats {
			rejected.pings = append(rejected.pings, w)
			return true
		}
		l.queue[w.id] = append(waiting, w)
		if !found {
			l.goroutines.Go(func() { b.storeLocked(w.id) })
		}
		return true
	})
	l.mu.Unlock()
	b.answer(rejected, time.Now(), nil, errTooManyLocks)
}

// storeLocked stores the pings of a locked heartbeat until none waits. If the lock
// does not end in time, it answers all of them, because the next would wait as long.
func (b *Batcher) storeLocked(id string) {
	for pings := b.locked.next(id); len(pings) > 0; pings = b.locked.next(id) {
		begun, gathered := time.Now(), &batch{pings: pings}
		result, err := b.store(gathered, b.db.ApplyPings)
		if err != nil {
			gathered.pings = append(gathered.pings, b.locked.waiting(id)...)
		}
		b.answer(gathered, begun, result.Unknown, err)
	}
}

// waiting takes the pings that came while earlier ones waited.
func (l *lockedPings) waiting(id string) []*queuedPing {
	l.mu.Lock()
	defer l.mu.Unlock()
	pings := l.queue[id]
	l.queue[id] = nil
	return pings
}
