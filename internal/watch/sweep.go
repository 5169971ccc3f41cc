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

	aheadPatience = 50 * time.Millisecond // for heartbeats that are read ahead, after the current transaction

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
	paceAlone  = pace{250, 50 * time.Millisecond}
	paceShared = pace{500, 200 * time.Millisecond}
)

// sweepState is what Sweep remembers between two transactions.
type sweepState struct {
	mu sync.Mutex // of transactions at the same time
	// backlog has the keys of due heartbeats that are not evaluated yet, if more are due than one
	// transaction evaluates. Their order is that of the tables: each page is written once. It is
	// nil if the next transaction is to find out what is due.
	backlog []int64
	next    *batch // of the next transaction, already removed from the backlog; nil: none
	held    bool   // a ping in flight held back a heartbeat of the backlog
	rounds  int    // of sweepTogether for this backlog
	rows    int    // heartbeats of the next transaction; 0: the default

	others bool // other nodes run
}

// batch is what one transaction evaluates.
type batch struct {
	keys  []int64      // nil: what has been due longest
	limit int          // heartbeats at most
	ahead *store.Ahead // its heartbeats, if they were read before; nil: they were not
}

// clear forgets the backlog: it is listed again.
func (s *sweepState) clear() { s.backlog, s.next, s.rounds = nil, nil, 0 }

// isEmpty reports whether no heartbeat of the backlog is left.
func (s *sweepState) isEmpty() bool { return len(s.backlog) == 0 && s.next == nil }

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
	if s.isEmpty() {
		s.clear()
	}
	if len(s.backlog) > s.perSweep() && w.DB.IsShared() {
		return w.sweepTogether(ctx)
	}
	r, err := w.sweepOnce(ctx)
	if err != nil {
		s.clear()
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
		s.clear()
		return 0, err
	}
	if s.rounds++; s.rounds&(s.rounds-1) == 0 { // the first, second, fourth and so on
		w.DB.CountNewRows(ctx)
	}
	r := sweepResult{more: true, held: s.held}
	for _, one := range results {
		r.idle = r.idle || one.idle
		r.alone = one.alone
	}
	if s.isEmpty() {
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

// take returns the next batch of the backlog. ok is false if another transaction has taken the last
// one.
func (s *sweepState) take() (b *batch, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.next != nil:
		b, s.next = s.next, nil
		return b, true
	case s.backlog == nil:
		return &batch{limit: s.perSweep()}, true
	}
	return s.cut()
}

// cut removes the keys of a batch from the backlog. ok is false if none is left.
func (s *sweepState) cut() (b *batch, ok bool) {
	b = &batch{limit: s.perSweep()}
	n := min(b.limit, len(s.backlog))
	b.keys, s.backlog = s.backlog[:n:n], s.backlog[n:]
	return b, n > 0
}

// sweepOnce runs one transaction. It evaluates the next heartbeats of the backlog, or those
// that have been due longest. If there can be more, it lists them: they are the new backlog.
func (w *Watcher) sweepOnce(ctx context.Context) (r sweepResult, err error) {
	s, snapshot := &w.sweep, w.Snapshot()
	b, ok := s.take()
	if !ok {
		return r, nil
	}
	if b.keys == nil {
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
	reader := w.newReader(b)
	err = w.DB.Update(ctx, func(tx *store.Tx) (err error) {
		begun, listed = time.Now(), nil
		if err := reader.start(ctx, tx, snapshot.Now); err != nil {
			return err
		}
		if r, err = w.evaluateDue(tx, snapshot, b); err != nil || len(b.keys) > 0 {
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
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = reader.wait()
	if err != nil {
		return r, err
	}
	if r.full {
		s.adapt(b.limit, time.Since(begun), w.pace())
	}
	s.advance(&r, b.keys == nil, listed)
	w.Signals.Send(loop.Effects{Pending: r.pending > 0, Changed: r.changed})
	return r, nil
}

// reader reads the heartbeats of the next batch while the current one is evaluated.
type reader struct {
	db      *store.DB
	next    *batch // nil: there is nothing to read
	reading sync.WaitGroup
	cancel  context.CancelFunc
}

// newReader returns a reader of the batch after b. It reads nothing on a shared database, where
// rows that are not locked can change.
func (w *Watcher) newReader(b *batch) *reader {
	r := &reader{db: w.DB}
	if b.keys != nil && !w.DB.IsShared() {
		if next, ok := w.sweep.cut(); ok {
			r.next = next
		}
	}
	return r
}

// start starts to read, for a transaction that runs.
func (r *reader) start(ctx context.Context, tx *store.Tx, now time.Time) error {
	if r.next == nil {
		return nil
	}
	r.wait() // for an earlier try of the transaction
	mark, ok, err := tx.Mark()
	if !ok {
		return err
	}
	ctx, r.cancel = context.WithCancel(ctx)
	r.reading.Go(func() {
		// After an error, the next transaction reads them.
		r.next.ahead, _ = r.db.ReadAhead(ctx, mark, now, r.next.keys)
	})
	return nil
}

// wait waits until everything is read, and returns the next batch. If that takes long after
// the transaction, because others use all connections, the next transaction reads it.
func (r *reader) wait() *batch {
	if r.cancel != nil {
		defer r.cancel()
		patience, end := context.WithTimeout(context.Background(), aheadPatience)
		defer end()
		defer context.AfterFunc(patience, r.cancel)()
	}
	r.reading.Wait()
	return r.next
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
	r.more = !s.isEmpty() || (!first || r.full) && !r.held
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

// evaluateDue evaluates the heartbeats of a batch that are due, and saves them.
//
// It reads the watermarks of the other nodes before the heartbeats: so the heartbeats include
// every ping up to these watermarks.
func (w *Watcher) evaluateDue(tx *store.Tx, snapshot Snapshot, b *batch) (r sweepResult, err error) {
	peers, err := tx.Peers(snapshot.Now)
	if err != nil {
		return r, err
	}
	r.alone = peers.Count == 0
	// Heartbeats that are due later cannot be evaluated yet. They are not locked, so that
	// their pings are stored.
	r.until = peers.Watermark("", snapshot.EvaluableUntil(""))
	var due []monitor.Heartbeat
	if len(b.keys) > 0 {
		due, err = tx.DueAmong(r.until, b.keys, b.ahead)
	} else {
		due, err = tx.DueForEvaluation(r.until, b.limit)
	}
	if err != nil {
		return r, err
	}
	r.full = len(due) >= b.limit
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
	deadline := before.EvaluationDue()
	if change.Opened != nil {
		deadline = change.Opened.At
	}
	w.Metrics.DeadlinePassed(now.Sub(deadline))
}
