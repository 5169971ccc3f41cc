package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
	"overdue/internal/store/writebehind"
)

// Limits of flushes.
const (
	heartbeatsPerFlush = 256             // whose pings one transaction saves
	smallFlushInterval = time.Second     // until a small number of pending pings is flushed, so that the tables are up to date
	smallBuffer        = 2048            // pending pings; flushing more each second would cost pages
	flushTimeout       = time.Minute     // for a flush that no caller waits for any longer
	maxReadFlushWait   = time.Second     // after that, a read uses the tables as they are
	readFlushPause     = 2 * time.Second // in which reads do not wait, after one that timed out
)

// When a transaction would hold all heartbeats while many pings are pending, these are flushed
// first, in small transactions. Saving all of them in its own transaction would take seconds, in
// which no ping is stored.
const (
	maxHeldPings        = 4096
	maxFlushesForUpdate = 3 // then it saves what came meanwhile
)

// errManyPending means that pings must be flushed before a transaction holds all heartbeats.
var errManyPending = errors.New("many pings are pending")

// flusher runs the flushes of the write-behind buffer.
type flusher struct {
	mu   sync.Mutex
	next *sharedFlush // nil if no caller waits for one

	failedAt atomic.Int64 // when a read last timed out, in ns since 1970

	maxHeldPings int // see maxHeldPings

	smallBuffer int // up to this number of pending pings, they are flushed each second

	stop    chan struct{} // closed to stop the flushes in the background
	stopped chan struct{} // closed when they have stopped
}

// sharedFlush is one flush of everything, for all callers that wait for it.
type sharedFlush struct {
	done chan struct{} // closed when it has ended
	err  error
}

// updateBuffered runs fn in a transaction of a server. While fn holds heartbeats, their
// pings wait; all other pings are appended meanwhile.
//
// A disk that hangs can block a commit without limit. The caller waits no longer
// than ctx. The locks stay taken until the commit has ended, so that nothing is
// evaluated on tables that can still change.
func (db *DB) updateBuffered(ctx context.Context, holdMany bool, fn func(*Tx) error) error {
	b := db.buffer
	if err := db.files.VerifyInPlace(); err != nil {
		return err
	}
	if err := b.LockTables(ctx); err != nil {
		return err
	}
	tx := &Tx{ctx: ctx, db: db, d: db.dialect, writable: true, taken: b.NewTaken(), holdMany: holdMany}
	committing := false
	defer func() {
		if !committing { // an error, or fn panicked
			tx.taken.Saved(false, false)
			b.UnlockTables()
		}
	}()
	begun, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", db.dialect.Classify(err))
	}
	defer func() {
		if !committing {
			_ = begun.Rollback() // the first error counts
		}
	}()
	tx.tx = begun
	if err := fn(tx); err != nil {
		return db.contextCause(ctx, err)
	}
	committing = true
	return db.commitBuffered(ctx, tx)
}

// commitBuffered commits, releases the heartbeats and the tables, and waits for the
// commit until ctx ends.
func (db *DB) commitBuffered(ctx context.Context, tx *Tx) error {
	committed := make(chan error, 1)
	go func() {
		defer db.buffer.UnlockTables()
		end := db.beginListChange(&tx.changes)
		err := tx.tx.Commit()
		tx.countRowChange()
		if err == nil {
			db.breaker.Load().RecordProgress()
		}
		tx.taken.Saved(err == nil, tx.changedHeartbeats)
		end(err) // after Saved: a load of the lists that waited for it must not read the old state from the buffer
		if err == nil {
			err = db.files.VerifyInPlace()
		}
		committed <- err
	}()
	select {
	case err := <-committed:
		if err != nil {
			return fmt.Errorf("commit: %w", db.contextCause(ctx, db.dialect.Classify(err)))
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("commit: %w: %w", dialect.ErrNoAnswer, ctx.Err())
	}
}

// holdHeartbeat makes pings of a heartbeat that was read wait until the transaction
// ends, and returns it after its pending pings, which saveHeld must save. A transaction
// that changes nothing holds nothing.
func (tx *Tx) holdHeartbeat(h monitor.Heartbeat) (monitor.Heartbeat, error) {
	if tx.taken == nil {
		return h, nil
	}
	if tx.heldKeys == nil {
		tx.heldKeys = map[int64]struct{}{}
	}
	tx.heldKeys[h.Key] = struct{}{}
	return tx.taken.Hold(tx.ctx, h)
}

// holdAll makes all pings wait until the transaction ends, and saves all pending pings.
func (tx *Tx) holdAll() error {
	if tx.taken == nil {
		return nil
	}
	if !tx.holdMany && tx.db.buffer.Len() > tx.db.flusher.maxHeldPings {
		return errManyPending
	}
	if err := tx.taken.HoldAll(tx.ctx); err != nil {
		return err
	}
	tx.heldAll = true
	return tx.saveHeld()
}

// saveHeld saves the pending pings of the heartbeats that were held since the last call.
func (tx *Tx) saveHeld() error {
	if tx.taken == nil || len(tx.taken.Transitions) == tx.savedHeld {
		return nil
	}
	transitions := tx.taken.Transitions[tx.savedHeld:]
	tx.savedHeld = len(tx.taken.Transitions)
	return tx.saveBuffered(transitions)
}

// saveBuffered saves transitions whose pings were stored in the WAL before.
func (tx *Tx) saveBuffered(transitions []Transition) error {
	changed, changes := tx.changedHeartbeats, tx.changes
	tx.savingHeld = true
	if _, err := tx.Save(tx.db.Now(), transitions); err != nil {
		return fmt.Errorf("flush pings: %w", err)
	}
	// The state in memory is right, and the lists have it since the pings were buffered.
	tx.changedHeartbeats, tx.changes, tx.savingHeld = changed, changes, false
	return nil
}

// UpdateAll is Update for changes that concern all heartbeats: all pending pings are in
// the tables, and pings wait until the transaction ends.
func (db *DB) UpdateAll(ctx context.Context, fn func(*Tx) error) error {
	return db.Update(ctx, func(tx *Tx) error {
		if err := tx.holdAll(); err != nil {
			return err
		}
		return fn(tx)
	})
}

// flush flushes all pending pings. The flush continues if the caller gives up:
// otherwise a slow disk would never finish one. All waiting callers share one flush.
func (db *DB) flush(ctx context.Context) error {
	if db.buffer.Len() == 0 {
		return nil
	}
	f := db.flusher
	f.mu.Lock()
	s := f.next
	if s == nil {
		s = &sharedFlush{done: make(chan struct{})}
		f.next = s
		go db.runFlush(s)
	}
	f.mu.Unlock()
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return fmt.Errorf("%w: pending pings: %w", dialect.ErrNoAnswer, ctx.Err())
	}
}

// runFlush runs a shared flush. Callers that arrive after it began wait for the next one.
func (db *DB) runFlush(s *sharedFlush) {
	defer close(s.done)
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if s.err = db.buffer.LockTables(ctx); s.err == nil {
		db.buffer.UnlockTables()
	}
	f := db.flusher
	f.mu.Lock()
	f.next = nil
	f.mu.Unlock()
	if s.err == nil {
		s.err = db.flushAll(ctx)
	}
}

// flushAll flushes all pings that are pending when it begins: what is left of the
// current round, and a whole one.
func (db *DB) flushAll(ctx context.Context) error {
	for rounds := 0; rounds < 2; {
		taken, err := db.flushSome(ctx, true)
		if err != nil || taken == nil {
			return err
		}
		if taken.EndsRound {
			rounds++
		}
	}
	return nil
}

// flushBriefly is flush with a short timeout: afterwards, or while the database
// does not answer, the caller reads the tables as they are.
func (db *DB) flushBriefly(ctx context.Context) error {
	breaker := db.breaker.Load()
	if breaker == nil {
		return db.flush(ctx)
	}
	if time.Since(time.Unix(0, db.flusher.failedAt.Load())) < readFlushPause {
		return nil
	}
	err := breaker.Guard(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, maxReadFlushWait)
		defer cancel()
		return db.flush(ctx)
	})
	if errors.Is(err, ErrUnavailable) {
		db.flusher.failedAt.Store(time.Now().UnixNano())
	}
	return err
}

// flushInBackground flushes a part of the buffer whenever it is above its threshold,
// and a small one after a second, until the flusher stops.
func (db *DB) flushInBackground() {
	defer close(db.flusher.stopped)
	var later <-chan time.Time // nil: no flush of a small number is planned
	for {
		// After an error, the next ping or the next second tries again, and a caller that
		// needs the tables gets the error.
		select {
		case <-db.flusher.stop:
			return
		case <-db.buffer.Wake():
			for more := true; more; {
				taken, err := db.flushSome(context.Background(), false)
				more = taken != nil && err == nil
			}
		case <-later:
			later = nil
			if db.buffer.Len() <= db.flusher.smallBuffer {
				_ = db.flushAll(context.Background())
			}
		}
		if later == nil && db.buffer.Len() > 0 {
			later = time.After(smallFlushInterval)
		}
	}
}

// flushSome flushes some pings in one transaction, while others are appended: below the
// threshold, only with all. It returns nil if there was nothing to flush.
func (db *DB) flushSome(ctx context.Context, all bool) (*writebehind.Taken, error) {
	b := db.buffer
	if err := b.LockBoth(ctx); err != nil {
		return nil, err
	}
	defer b.UnlockTables()
	taken := b.Take(heartbeatsPerFlush, all)
	b.Unlock()
	if taken == nil {
		return nil, nil
	}
	err := db.files.VerifyInPlace()
	if err == nil {
		err = db.runTx(ctx, db.writer, nil, func(tx *Tx) error { return tx.saveBuffered(taken.Transitions) })
	}
	taken.Saved(err == nil, false)
	return taken, err
}

// NextDue returns a time not later than the next evaluation that is due, zero for
// none. others is the number of other live nodes.
func (db *DB) NextDue(ctx context.Context, now time.Time) (next time.Time, others int, err error) {
	err = db.Update(ctx, func(tx *Tx) error {
		peers, err := tx.Peers(now)
		if err != nil {
			return err
		}
		others = peers.Count
		next, err = tx.NextDue()
		return err
	})
	return next, others, err
}

// ReleaseMemory flushes all pending pings and frees the caches; with forget, also the
// heartbeats in memory.
func (db *DB) ReleaseMemory(ctx context.Context, forget bool) error {
	b := db.buffer
	if b == nil {
		return nil
	}
	if err := db.flush(ctx); err != nil {
		return err
	}
	if err := b.LockTables(ctx); err != nil {
		return err
	}
	defer b.UnlockTables()
	if forget {
		b.DropStates()
	}
	// SQLite frees cached pages only on request.
	if _, err := db.writer.ExecContext(ctx, `PRAGMA shrink_memory`); err != nil {
		return db.dialect.Classify(err)
	}
	return nil
}
