package watch

import (
	"context"
	"math/rand/v2"
	"time"

	"overdue/internal/loop"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Limits of a sweep.
const (
	minPerSweep     = 250     // heartbeats evaluated in one transaction
	defaultPerSweep = 500     // in the first one
	maxPerSweep     = 2000    // however fast the database is
	maxBacklog      = 100_000 // keys of due heartbeats in memory

	// The time of a transaction. On SQLite, everything that writes waits for it, on PostgreSQL
	// only what opens or resolves incidents of the same project.
	sweepTimeAlone  = 25 * time.Millisecond
	sweepTimeShared = 100 * time.Millisecond

	minWait       = 5 * time.Millisecond  // another node may hold the rows that are due
	heldWait      = 50 * time.Millisecond // while a ping holds back an evaluation
	maxWaitAlone  = 5 * time.Second       // a single node wakes itself after each of its changes
	maxWaitShared = 2 * time.Second       // pings on another node may make a heartbeat due sooner
)

// sweepState is what Sweep remembers between two transactions.
type sweepState struct {
	// backlog has the keys of due heartbeats that are not evaluated yet, if more are due than one
	// transaction evaluates. Their order is that of the tables: each page is written once.
	backlog []int64
	held    bool // a ping in flight held back a heartbeat of the backlog
	rows    int  // heartbeats of the next transaction; 0: the default
}

// perSweep returns the number of heartbeats of the next transaction.
func (s *sweepState) perSweep() int {
	if s.rows == 0 {
		return defaultPerSweep
	}
	return s.rows
}

// adapt sets the number of heartbeats of the next transaction, after one with n heartbeats
// took some time instead of the given one. It grows by half at most: the time of one
// transaction says little.
func (s *sweepState) adapt(n int, took, want time.Duration) {
	rows := n + n/2
	if took > 0 {
		rows = min(rows, int(time.Duration(n)*want/took))
	}
	s.rows = min(max(rows, minPerSweep), maxPerSweep)
}

// sweepTime returns how long a transaction should take.
func (w *Watcher) sweepTime() time.Duration {
	if w.DB.IsShared() {
		return sweepTimeShared
	}
	return sweepTimeAlone
}

// Sweep evaluates the heartbeats that are due, and returns how long to wait until the
// next one is due.
func (w *Watcher) Sweep(ctx context.Context, _ time.Time) (wait time.Duration, err error) {
	result, err := w.sweepOnce(ctx)
	if err != nil {
		return 0, err
	}
	w.Signals.Send(loop.Effects{Pending: result.pending > 0, Changed: result.changed})
	return result.wait(w.DB.Now()), nil
}

// sweepResult is the result of one transaction of a sweep.
type sweepResult struct {
	full    bool      // as many heartbeats were due as one transaction evaluates
	held    bool      // a ping in flight holds back a heartbeat that is due, on any node
	idle    bool      // all heartbeats of the transaction that are due are held back
	pending int       // alerts enqueued
	changed []int64   // keys of the heartbeats that were evaluated
	more    bool      // more heartbeats may be due
	next    time.Time // when the next heartbeat is due; zero: none
	alone   bool      // no other node is running
}

// wait returns how long to wait until the next sweep. It gets the current time, because
// the transaction took time.
func (r sweepResult) wait(now time.Time) time.Duration {
	maxWait := maxWaitShared
	if r.alone {
		maxWait = maxWaitAlone
	}
	switch {
	case r.more && !r.idle:
		return 0
	case r.held:
		return heldWait
	case r.next.IsZero():
		return maxWait
	}
	// The margin is needed because heartbeats are evaluated just before the current
	// time.
	return min(max(r.next.Sub(now)+2*monitor.Precision, minWait), maxWait)
}

// sweepOnce runs one transaction. It evaluates the next heartbeats of the backlog, or those
// that have been due longest. If there can be more, it lists them: they are the new backlog.
func (w *Watcher) sweepOnce(ctx context.Context) (r sweepResult, err error) {
	s, snapshot := &w.sweep, w.Snapshot()
	if len(s.backlog) == 0 {
		next, others, err := w.DB.NextDue(ctx, snapshot.Now)
		if err != nil || next.IsZero() || next.After(snapshot.Now) {
			return sweepResult{next: next, alone: others == 0}, err
		}
	}
	limit := s.perSweep()
	keys := s.backlog[:min(limit, len(s.backlog))]
	var begun time.Time
	var listed []int64
	err = w.DB.Update(ctx, func(tx *store.Tx) (err error) {
		begun, listed = time.Now(), nil
		if r, err = w.evaluateDue(tx, snapshot, keys, limit); err != nil || len(keys) > 0 {
			return err
		}
		if r.full {
			listed, err = tx.DueKeys(snapshot.Now, maxBacklog)
		} else {
			r.next, err = tx.NextDue()
		}
		return err
	})
	if err != nil {
		return r, err
	}
	if r.full {
		s.adapt(limit, time.Since(begun), w.sweepTime())
	}
	s.advance(&r, len(keys), listed)
	return r, nil
}

// advance updates the backlog after a transaction that read its first n heartbeats, or after
// one that listed a new backlog. The result is then that of the whole backlog.
func (s *sweepState) advance(r *sweepResult, n int, listed []int64) {
	if n > 0 {
		s.backlog, r.held = s.backlog[n:], r.held || s.held
	} else if s.backlog = listed; len(listed) > 0 && !r.alone { // another node probably has the same list
		at := rand.IntN(len(listed))
		s.backlog = append(listed[at:len(listed):len(listed)], listed[:at]...)
	}
	if s.held = r.held; len(s.backlog) == 0 {
		s.backlog = nil // frees the memory
	}
	r.more = len(s.backlog) > 0 || (n > 0 || r.full) && !r.held
}

// evaluateDue evaluates the heartbeats with the given keys that are due, or up to limit
// heartbeats if there are no keys, and saves them.
//
// It reads the watermarks of the other nodes before the heartbeats: so the heartbeats include
// every ping up to these watermarks.
func (w *Watcher) evaluateDue(tx *store.Tx, snapshot Snapshot, keys []int64, limit int) (r sweepResult, err error) {
	peers, err := tx.Peers(snapshot.Now)
	if err != nil {
		return r, err
	}
	r.alone = peers.Count == 0
	var due []monitor.Heartbeat
	if len(keys) > 0 {
		due, err = tx.DueAmong(snapshot.Now, keys)
	} else {
		due, err = tx.DueForEvaluation(snapshot.Now, limit)
	}
	if err != nil {
		return r, err
	}
	r.full = len(due) >= limit
	if len(due) > 0 && !r.alone {
		if err := tx.PublishWatermark(snapshot.Now, snapshot.Watermark); err != nil {
			return r, err
		}
	}
	transitions := make([]store.Transition, 0, len(due))
	for _, h := range due {
		until := peers.Watermark(h.ID, snapshot.EvaluableUntil(h.ID))
		if next := h.EvaluationDue(); next.After(until) && !next.After(snapshot.Now) {
			r.held = true
			continue
		}
		after, change := h.Evaluate(until)
		transitions = append(transitions, store.Transition{Heartbeat: after, Change: change})
		if next := h.EvaluationDue(); next.After(until) {
			continue // the stored time was earlier; Save stores the right one
		}
		w.recordLateness(h, change, snapshot.Now)
		r.changed = append(r.changed, h.Key)
	}
	r.idle = r.held && len(transitions) == 0
	r.pending, err = tx.Save(snapshot.Now, transitions)
	return r, err
}

// recordLateness records how late a passed deadline was found.
func (w *Watcher) recordLateness(before monitor.Heartbeat, change monitor.Change, now time.Time) {
	if before.IsCanary() {
		return
	}
	deadline := before.NextEvaluation()
	if change.Opened != nil {
		deadline = change.Opened.At
	}
	w.Metrics.DeadlinePassed(now.Sub(deadline))
}
