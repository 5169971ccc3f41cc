package ingest

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"overdue/internal/store"
)

// patience answers the pings whose commit takes too long. One goroutine does it for all
// requests, while any of them waits: a timer and a select per request would be a tenth
// of the cost of a ping.
type patience struct {
	watching   atomic.Bool
	goroutines sync.WaitGroup
	stopped    chan struct{} // closed by stop; nil: never
}

// errTooSlow is the answer to a ping whose commit takes too long while the database
// stores other pings, or while another process has locked it.
var errTooSlow = errors.New("not stored in time")

// Times of patience.
const (
	// patienceMargin is the time after which a ping is answered although the circuit did
	// not open, for example because another process has locked the tables of SQLite.
	patienceMargin = 100 * time.Millisecond
	// openInterval is the time between two checks of the pings in flight while the circuit
	// is open. They all arrived before it opened, because later pings are answered at once.
	openInterval = 50 * time.Millisecond
)

// stop ends the goroutine. Every ping must have its answer.
func (p *patience) stop() {
	close(p.stopped)
	p.goroutines.Wait()
}

// watchWaiting makes sure that pings which wait for an answer are watched. Call it after
// one began to wait.
func (b *Batcher) watchWaiting() {
	if p := &b.patience; !p.watching.Load() && p.watching.CompareAndSwap(false, true) {
		p.goroutines.Go(b.watch)
	}
}

// watch answers pings that wait too long. If the database stops answering, it answers all
// at once. They may still be stored, so they stay registered until their commit has ended.
func (b *Batcher) watch() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		opened, cause := b.db.Unavailable()
		if cause != nil {
			opened = nil // it is closed
		}
		wait, waiting := b.answerLate(cause != nil)
		if !waiting {
			b.patience.watching.Store(false)
			// A request that began to wait just before relies on this goroutine.
			if _, waiting = b.answerLate(false); !waiting || !b.patience.watching.CompareAndSwap(false, true) {
				return
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-opened:
			b.answerLate(true)
		case <-timer.C:
		case <-b.patience.stopped:
			return
		}
	}
}

// answerLate answers the pings that have waited too long, or all of them. It returns the
// time until the next check, and whether any pings waited.
func (b *Batcher) answerLate(all bool) (wait time.Duration, waiting bool) {
	first, now := b.db.Patience()+patienceMargin, time.Now()
	wait = first
	if all {
		wait = openInterval
	}
	b.inFlight.mu.Lock()
	defer b.inFlight.mu.Unlock()
	for _, h := range b.inFlight.active {
		for _, p := range h.pings {
			if p.request == nil || !p.request.waiting.Load() {
				continue
			}
			waiting = true
			limit, waited := first, now.Sub(p.completedAt)
			if waited >= first && b.storedSince(p.completedAt) {
				limit = commitWaitTimeout // a busy or slow database stores other pings first
			}
			switch {
			case all:
				p.request.answer(store.ErrUnavailable)
			case waited >= limit:
				p.request.answer(errTooSlow)
			default:
				wait = min(wait, limit-waited)
			}
		}
	}
	return wait, waiting
}
