package ingest

import (
	"errors"
	"slices"
	"sync"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Limits of the pings of locked heartbeats.
const (
	// lockPatience is the time after which the request of a ping is answered 503. The ping
	// itself waits on: it was in time, and can still be stored.
	lockPatience = 1700 * time.Millisecond
	// maxLockWait is the time after which a ping is dropped.
	maxLockWait = time.Minute
	// maxLockedPings is the number of pings that wait at the same time.
	maxLockedPings = maxQueued
	// maxWaitingBody is the size of the body of a ping whose request is answered. The rest is
	// dropped, because its memory is no longer reserved.
	maxWaitingBody = 1000

	minLockRetry = 5 * time.Millisecond // between two attempts to store them
	maxLockRetry = 200 * time.Millisecond
)

// errTooManyLocked means that too many pings of locked heartbeats wait.
var errTooManyLocked = errors.Join(store.ErrLocked, errQueueFull)

// lockedPings are pings of heartbeats that another transaction has locked. They wait
// apart from the workers, so that they delay no other ping. One goroutine stores those
// whose lock has ended. On SQLite it waits for the locks; on PostgreSQL that would use a
// connection for each of them, so it tries again and again.
type lockedPings struct {
	wait       bool // for locks
	goroutines sync.WaitGroup

	mu       sync.Mutex
	waiting  []*queuedPing
	ids      map[string]int // number of pings of each heartbeat that wait or are being stored
	running  bool           // the goroutine
	stopping bool
}

// add adds a ping.
func (l *lockedPings) add(w *queuedPing) {
	if l.ids == nil {
		l.ids = map[string]int{}
	}
	l.waiting = append(l.waiting, w)
	l.ids[w.id]++
}

// take removes from a batch the pings of heartbeats that earlier pings wait for, so
// that they stay in order.
func (l *lockedPings) take(gathered *batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ids) == 0 {
		return
	}
	gathered.pings = slices.DeleteFunc(gathered.pings, func(w *queuedPing) bool {
		waits := l.ids[w.id] > 0 && len(l.waiting) < maxLockedPings
		if waits {
			l.add(w)
		}
		return waits
	})
}

// next returns the pings that wait for longest, at most a batch. If there are none, the
// goroutine ends.
func (l *lockedPings) next() *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.waiting), maxBatch)
	gathered := &batch{pings: slices.Clone(l.waiting[:n])}
	l.waiting = slices.Delete(l.waiting, 0, n)
	l.running = n > 0
	return gathered
}

// keep lets pings that are still locked wait again, behind those of other heartbeats.
func (l *lockedPings) keep(still *batch) {
	if len(still.pings) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := make(map[string]bool, len(still.pings))
	for _, w := range still.pings {
		ids[w.id] = true
	}
	var later []*queuedPing // of the same heartbeats: they stay in order
	l.waiting = slices.DeleteFunc(l.waiting, func(w *queuedPing) bool {
		if ids[w.id] {
			later = append(later, w)
		}
		return ids[w.id]
	})
	l.waiting = slices.Concat(l.waiting, still.pings, later)
}

// remove forgets pings that are answered, by the id of each.
func (l *lockedPings) remove(ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if l.ids[id]--; l.ids[id] == 0 {
			delete(l.ids, id)
		}
	}
}

// stop lets pings wait no longer than their requests, and returns when none waits.
func (l *lockedPings) stop() {
	l.mu.Lock()
	l.stopping = true
	l.mu.Unlock()
	l.goroutines.Wait()
}

// limit returns how long a ping waits at most.
func (l *lockedPings) limit() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping {
		return lockPatience
	}
	return maxLockWait
}

// waitForLocks moves the pings of locked heartbeats out of a batch and stores them as
// soon as the locks end.
func (b *Batcher) waitForLocks(gathered *batch, locked map[string]bool) {
	l, rejected := &b.locked, &batch{}
	l.mu.Lock()
	for _, w := range gathered.remove(locked).pings {
		if len(l.waiting) >= maxLockedPings {
			rejected.pings = append(rejected.pings, w)
			continue
		}
		l.add(w)
	}
	if start := len(l.waiting) > 0 && !l.running; start {
		l.running = true
		l.goroutines.Go(b.storeLocked)
	}
	l.mu.Unlock()
	b.answer(rejected, time.Now(), &store.ApplyResult{}, errTooManyLocked)
}

// storeLocked stores the pings of locked heartbeats until none waits.
func (b *Batcher) storeLocked() {
	pause := minLockRetry
	for {
		gathered := b.locked.next()
		n := len(gathered.pings)
		if n == 0 {
			return
		}
		still := b.tryLocked(gathered)
		b.locked.keep(still)
		if pause = min(2*pause, maxLockRetry); len(still.pings) < n {
			pause = minLockRetry
		}
		if len(still.pings) > 0 {
			<-time.After(pause)
		}
	}
}

// tryLocked tries to store pings of locked heartbeats, answers those that are stored or
// can wait no longer, and returns the others.
func (b *Batcher) tryLocked(gathered *batch) (still *batch) {
	begun, apply := time.Now(), b.db.ApplyUnlockedPings
	if b.locked.wait {
		apply = b.db.ApplyPings
	}
	result, err := b.store(gathered, apply)
	switch {
	case err == nil:
		still = gathered.remove(result.Locked)
	case b.locked.wait:
		still = &batch{}
	case errors.Is(err, store.ErrLocked):
		still, gathered = gathered, &batch{}
	case errors.Is(err, store.ErrUnavailable) || len(gathered.pings) == 1:
		still = &batch{}
	default: // one ping is the cause
		still = &batch{}
		for _, w := range gathered.pings {
			still.pings = append(still.pings, b.tryLocked(&batch{pings: []*queuedPing{w}}).pings...)
		}
		return still
	}
	expired := b.answerLocked(still)
	b.answerAndRemove(expired, begun, &store.ApplyResult{}, store.ErrLocked)
	b.answerAndRemove(gathered, begun, &result, err)
	return still
}

// answerAndRemove answers pings that wait no longer.
func (b *Batcher) answerAndRemove(gathered *batch, begun time.Time, result *store.ApplyResult, err error) {
	ids := make([]string, 0, len(gathered.pings))
	for _, w := range gathered.pings {
		ids = append(ids, w.id) // before it is answered: then it can be another ping
	}
	b.answer(gathered, begun, result, err)
	b.locked.remove(ids)
}

// answerLocked answers the requests of pings that have waited for long. It removes the
// pings that have waited for too long, and returns them.
func (b *Batcher) answerLocked(still *batch) (expired *batch) {
	now, limit := time.Now(), b.locked.limit()
	expired = &batch{}
	still.pings = slices.DeleteFunc(still.pings, func(w *queuedPing) bool {
		waited := now.Sub(w.inFlight.completedAt)
		if waited > limit {
			expired.pings = append(expired.pings, w)
			return true
		}
		if waited > lockPatience && w.waiting.Load() {
			b.inFlight.Postpone(&w.inFlight)
			w.answer(store.ErrLocked)
		}
		if !w.waiting.Load() && len(w.ping.Body) > maxWaitingBody {
			w.ping.Body, w.ping.BodySize = slices.Clone(w.ping.Body[:maxWaitingBody]), maxWaitingBody
			w.ping.Flags |= monitor.BodyTruncated
		}
		return false
	})
	return expired
}
