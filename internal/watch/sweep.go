package watch

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"overdue/internal/loop"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Limits of a sweep.
const (
	defaultPerSweep = 500     // heartbeats evaluated in one transaction, the first one
	maxPerSweep     = 2000    // however fast the database is
	maxBacklog      = 100_000 // keys of due heartbeats in memory
	parallelSweeps  = 2       // transactions at the same time, on PostgreSQL
	sweepsTogether  = 4       // transactions in a row, on PostgreSQL

	minWait       = 5 * time.Millisecond  // another node may hold the rows that are due
	heldWait      = 50 * time.Millisecond // while a ping holds back an evaluation
	maxWaitAlone  = 5 * time.Second       // a single node wakes itself after each of its changes
	maxWaitShared = 2 * time.Second       // pings on another node may make a heartbeat due sooner
)

// pace limits the transactions of a sweep: the number of heartbeats at least, and the time that
// they should take.
type pace struct {
	minimum int
	time    time.Duration
}

// The paces on SQLite, where everything that writes waits for a transaction, and on PostgreSQL,
// where only what opens or resolves incidents of the same project does.
var (
	paceAlone  = pace{250, 25 * time.Millisecond}
	paceShared = pace{500, 200 * time.Millisecond}
)

// sweepState is what Sweep remembers between two transactions.
type sweepState struct {
	mu sync.Mutex // of transactions at the same time
	// backlog has the keys of due heartbeats that are not evaluated yet, if more are due than one
	// transaction evaluates. Their order is that of the tables: each page is written once. It is
	// nil if the next transaction is to find out what is due.
	backlog []int64
	held    bool // a ping in flight held back a heartbeat of the backlog
	rows    int  // heartbeats of the next transaction; 0: the default

	others bool // other nodes run
}

// perSweep returns the number of heartbeats of the next transaction.
func (s *sweepState) perSweep() int {
	if s.rows == 0 {
		return defaultPerSweep
	}
	return s.rows
}

// adapt sets the number of heartbeats of the next transaction, after one with n heartbeats
// took some time. It grows by half at most: the time of one transaction says little.
func (s *sweepState) adapt(n int, took time.Duration, p pace) {
	rows := n + n/2
	if took > 0 {
		rows = min(rows, int(time.Duration(n)*p.time/took))
	}
	s.rows = min(max(rows, p.minimum), maxPerSweep)
}

// pace returns the pace on the database of the watcher.
func (w *Watcher) pace() pace {
	if w.DB.IsShared() {
		return paceShared
	}
	return paceAlone
}

// Sweep evaluates the heartbeats that are due, and returns how long to wait until the
// next one is due.
func (w *Watcher) Sweep(ctx context.Context, _ time.Time) (wait time.Duration, err error) {
	s := &w.sweep
	if len(s.backlog) == 0 {
		s.backlog = nil
	}
	if len(s.backlog) > s.perSweep() && w.DB.IsShared() {
		return w.sweepTogether(ctx)
	}
	r, err := w.sweepOnce(ctx)
	if err != nil {
		s.backlog = nil // it is listed again
		return 0, err
	}
	return r.wait(w.DB.Now()), nil
}

// sweepTogether runs several transactions of a backlog, some of them at the same time. While one
// of them adds incidents, which locks the project, another one does everything else.
func (w *Watcher) sweepTogether(ctx context.Context) (wait time.Duration, err error) {
	s := &w.sweep
	var all sync.WaitGroup
	var results [parallelSweeps]sweepResult
	var errs [parallelSweeps]error
	for i := range parallelSweeps {
		all.Go(func() {
			for range sweepsTogether {
				results[i], errs[i] = w.sweepOnce(ctx)
				if r := results[i]; errs[i] != nil || !r.more || r.idle {
					return
				}
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		s.backlog = nil // it is listed again
		return 0, err
	}
	r := sweepResult{more: true, held: s.held}
	for _, one := range results {
		r.idle = r.idle || one.idle
		r.alone = one.alone
	}
	if len(s.backlog) == 0 {
		r.more = !s.held
	}
	return r.wait(w.DB.Now()), nil
}

// sweepResult is the result of one transaction of a sweep.
type sweepResult struct {
	full    bool      // as many heartbeats were due as one transaction evaluates
	held    bool      // a ping in flight holds back a heartbeat that is due, on any node
	idle    bool      // all heartbeats of the transaction that are due are held back
	pending int       // alerts enqueued
	changed []int64   // keys of the heartbeats that were evaluated
	more    bool      // more heartbeats may be due
	until   time.Time // heartbeats without a ping in flight are evaluated as of it
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

// take removes the keys of the next transaction from the backlog, and returns how many
// heartbeats it evaluates at most. ok is false if another transaction has taken the last ones.
func (s *sweepState) take() (keys []int64, limit int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit = s.perSweep()
	if s.backlog == nil {
		return nil, limit, true
	}
	n := min(limit, len(s.backlog))
	keys, s.backlog = s.backlog[:n:n], s.backlog[n:]
	return keys, limit, n > 0
}

// sweepOnce runs one transaction. It evaluates the next heartbeats of the backlog, or those
// that have been due longest. If there can be more, it lists them: they are the new backlog.
func (w *Watcher) sweepOnce(ctx context.Context) (r sweepResult, err error) {
	s, snapshot := &w.sweep, w.Snapshot()
	keys, limit, ok := s.take()
	if !ok {
		return r, nil
	}
	if keys == nil {
		next, others, err := w.DB.NextDue(ctx, snapshot.Now)
		if err != nil || next.IsZero() || next.After(snapshot.Now) {
			return sweepResult{next: next, alone: others == 0}, err
		}
		s.others = others > 0
	}
	if err := w.publishWatermark(ctx, snapshot); err != nil {
		return r, err
	}
	var begun time.Time
	var listed []int64
	err = w.DB.Update(ctx, func(tx *store.Tx) (err error) {
		begun, listed = time.Now(), nil
		if r, err = w.evaluateDue(tx, snapshot, keys, limit); err != nil || len(keys) > 0 {
			return err
		}
		if r.full {
			listed, err = tx.DueKeys(r.until, maxBacklog)
		} else {
			r.next, err = tx.NextDue()
			r.held = r.held || r.next.After(r.until) && !r.next.After(snapshot.Now)
		}
		return err
	})
	if err != nil {
		return r, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.full {
		s.adapt(limit, time.Since(begun), w.pace())
	}
	s.advance(&r, keys == nil, listed)
	w.Signals.Send(loop.Effects{Pending: r.pending > 0, Changed: r.changed})
	return r, nil
}

// advance updates the backlog after a transaction: the first one lists it, the last one ends it.
// The result is then that of the whole backlog.
func (s *sweepState) advance(r *sweepResult, first bool, listed []int64) {
	if !first {
		r.held = r.held || s.held
	} else if s.backlog = listed; len(listed) > 0 && !r.alone { // another node probably has the same list
		at := rand.IntN(len(listed))
		s.backlog = append(listed[at:len(listed):len(listed)], listed[:at]...)
	}
	s.held = r.held
	r.more = len(s.backlog) > 0 || (!first || r.full) && !r.held
}

// publishWatermark publishes the watermark of this node if there are others: they wait
// for it. It does so before any heartbeat is locked: the row can be locked by Publish, which can
// wait for another node.
func (w *Watcher) publishWatermark(ctx context.Context, snapshot Snapshot) error {
	if !w.sweep.others {
		return nil
	}
	return w.DB.Update(ctx, func(tx *store.Tx) error { return tx.PublishWatermark(snapshot.Now, snapshot.Watermark) })
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
	// Heartbeats that are due later cannot be evaluated yet. They are not locked, so that
	// their pings are stored.
	r.until = peers.Watermark("", snapshot.EvaluableUntil(""))
	var due []monitor.Heartbeat
	if len(keys) > 0 {
		due, err = tx.DueAmong(r.until, keys)
	} else {
		due, err = tx.DueForEvaluation(r.until, limit)
	}
	if err != nil {
		return r, err
	}
	r.full = len(due) >= limit
	transitions := make([]store.Transition, 0, len(due))
	for _, h := range due {
		until := peers.Watermark(h.ID, snapshot.EvaluableUntil(h.ID))
		if next := h.EvaluationDue(); next.After(until) && !next.After(snapshot.Now) {
			r.held = true
			w.reportStored(h)
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

// reportStored calls Stored for a heartbeat that is held back.
func (w *Watcher) reportStored(h monitor.Heartbeat) {
	if w.Stored != nil && !h.LastPing.IsZero() {
		w.Stored(h.ID, h.LastPing)
	}
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
