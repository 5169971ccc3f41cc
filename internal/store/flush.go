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
)

// Limits of flushes.
const (
	pingsPerFlush      = 512             // pings, or a few more, per transaction in the background
	separateFlushAbove = 4096            // pending pings: more are flushed first, in a separate transaction
	flushTimeout       = time.Minute     // for a flush that no caller waits for any longer
	maxReadFlushWait   = time.Second     // after that, a read uses the tables as they are
	readFlushPause     = 2 * time.Second // in which reads do not wait, after one that timed out
)

// flusher runs the flushes of the write-behind buffer.
type flusher struct {
	mu   sync.Mutex
	next *sharedFlush // nil if no caller waits for one

	failedAt atomic.Int64 // when a read last timed out, in ns since 1970

	stop    chan struct{} // closed to stop the flushes in the background
	stopped chan struct{} // closed when they have stopped
}

// sharedFlush is one flush of everything, for all callers that wait for it.
type sharedFlush struct {
	done chan struct{} // closed when it has ended
	err  error
}

// flushThen runs fn in a transaction that first flushes the buffer. The
// transaction begins before it locks the buffer: while another process holds the
// lock of the file, pings are still appended.
//
// A disk that hangs can block a commit without limit. The caller waits no longer
// than ctx. The locks stay taken until the commit has ended, so that nothing is
// evaluated on tables that can still change.
func (db *DB) flushThen(ctx context.Context, fn func(*Tx) error) error {
	b := db.buffer
	if err := db.files.VerifyInPlace(); err != nil {
		return err
	}
	if err := b.LockTables(ctx); err != nil {
		return err
	}
	unlock := b.UnlockTables
	committing := false
	defer func() {
		if !committing { // an error, or fn panicked
			unlock()
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
	if err := b.Lock(ctx); err != nil {
		return err
	}
	unlock = b.UnlockBoth
	tx := &Tx{ctx: ctx, tx: begun, db: db, d: db.dialect, writable: true}
	if err := tx.flushAndRun(fn); err != nil {
		return db.contextCause(ctx, err)
	}
	committing = true
	return db.commitFlush(ctx, tx)
}

// flushAndRun saves all pending pings and runs fn.
func (tx *Tx) flushAndRun(fn func(*Tx) error) error {
	if b := tx.db.buffer; b.Len() > 0 {
		if err := tx.saveBuffered(b.Pending()); err != nil {
			return err
		}
	}
	tx.changedHeartbeats = false
	return fn(tx)
}

// saveBuffered saves transitions whose pings were stored in the WAL before.
func (tx *Tx) saveBuffered(transitions []Transition) error {
	if _, err := tx.Save(tx.db.Now(), transitions); err != nil {
		return fmt.Errorf("flush pings: %w", err)
	}
	tx.changes = listChanges{} // the index has them since they were buffered
	return nil
}

// commitFlush commits, releases both locks, and waits for the commit until ctx ends.
func (db *DB) commitFlush(ctx context.Context, tx *Tx) error {
	b, committed := db.buffer, make(chan error, 1)
	go func() {
		defer b.UnlockBoth()
		end := db.beginListChange(&tx.changes)
		err := tx.tx.Commit()
		end(err)
		if err == nil {
			db.breaker.Load().RecordProgress()
			b.Flushed()
			if tx.changedHeartbeats {
				b.ForgetStates()
			}
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

// flush flushes all pending pings. The flush continues if the caller gives up:
// otherwise a slow disk would never finish one. All waiting callers share one flush.
func (db *DB) flush(ctx context.Context) error {
	pending, err := db.pendingPings(ctx)
	if pending == 0 || err != nil {
		return err
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
	if s.err = db.buffer.LockBoth(ctx); s.err == nil {
		db.buffer.UnlockBoth()
	}
	f := db.flusher
	f.mu.Lock()
	f.next = nil
	f.mu.Unlock()
	if s.err == nil {
		s.err = db.flushThen(ctx, func(*Tx) error { return nil })
	}
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

// pendingPings returns the number of pings that are in the WAL and not in the tables.
func (db *DB) pendingPings(ctx context.Context) (int, error) {
	if err := db.buffer.Lock(ctx); err != nil {
		return 0, err
	}
	defer db.buffer.Unlock()
	return db.buffer.Len(), nil
}

// flushInBackground flushes a part of the buffer whenever it is above its
// threshold, until the flusher stops.
func (db *DB) flushInBackground() {
	defer close(db.flusher.stopped)
	for {
		select {
		case <-db.flusher.stop:
			return
		case <-db.buffer.Wake():
		}
		// After an error, the next ping wakes this loop again, and a caller that needs
		// the tables gets the error.
		for more := true; more; {
			more, _ = db.flushSome(context.Background())
		}
	}
}

// flushSome flushes some pings in one transaction, while others are appended. It
// reports whether more should be flushed.
func (db *DB) flushSome(ctx context.Context) (more bool, err error) {
	b := db.buffer
	if err := b.LockBoth(ctx); err != nil {
		return false, err
	}
	defer b.UnlockTables()
	taken := b.Take(pingsPerFlush)
	b.Unlock()
	if len(taken) == 0 {
		return false, nil
	}
	err = db.updateTables(ctx, func(tx *Tx) error { return tx.saveBuffered(taken) })
	if err := b.Lock(ctx); err != nil {
		return false, err
	}
	defer b.Unlock()
	if err != nil {
		b.PutBack(taken)
		return false, err
	}
	b.ConfirmTaken(taken)
	return b.AboveThreshold(), nil
}

// updateTables runs one transaction of a server without a flush. After an error it
// can have been committed nevertheless, to files that no longer exist.
func (db *DB) updateTables(ctx context.Context, fn func(*Tx) error) error {
	if err := db.files.VerifyInPlace(); err != nil {
		return err
	}
	return db.runTx(ctx, db.writer, nil, fn)
}

// UpdateWithoutFlush is Update for data that pending pings do not change: it
// flushes nothing, and no ping waits.
func (db *DB) UpdateWithoutFlush(ctx context.Context, fn func(*Tx) error) error {
	if db.buffer == nil {
		return db.Update(ctx, fn)
	}
	return db.breaker.Load().Guard(ctx, func(ctx context.Context) error {
		if err := db.buffer.LockTables(ctx); err != nil {
			return err
		}
		defer db.buffer.UnlockTables()
		if err := db.updateTables(ctx, fn); err != nil {
			return err
		}
		return db.files.VerifyInPlace()
	})
}

// ViewWithoutFlush is View for data that pending pings do not change: it flushes
// nothing, and no ping waits.
func (db *DB) ViewWithoutFlush(ctx context.Context, fn func(*Tx) error) error {
	return db.viewTables(ctx, fn)
}

// NextDue returns a time not later than the next evaluation that is due, zero for
// none. others is the number of other live nodes. It flushes nothing, so it costs
// little while nothing is due.
func (db *DB) NextDue(ctx context.Context, now time.Time) (next time.Time, others int, err error) {
	var pending time.Time
	err = db.breaker.Load().Guard(ctx, func(ctx context.Context) error {
		if b := db.buffer; b != nil {
			// First the buffer, then the tables: a ping that is flushed in between is
			// in both.
			if err := b.Lock(ctx); err != nil {
				return err
			}
			pending = b.NextDue()
			b.Unlock()
		}
		return db.UpdateWithoutFlush(ctx, func(tx *Tx) error {
			peers, err := tx.Peers(now)
			if err != nil {
				return err
			}
			others = peers.Count
			next, err = tx.NextDue()
			return err
		})
	})
	return monitor.Earlier(next, pending), others, err
}

// ReleaseMemory flushes all pending pings and frees the caches.
func (db *DB) ReleaseMemory(ctx context.Context) error {
	b := db.buffer
	if b == nil {
		return nil
	}
	if err := db.flush(ctx); err != nil {
		return err
	}
	if err := b.LockBoth(ctx); err != nil {
		return err
	}
	defer b.UnlockBoth()
	if b.Len() == 0 {
		b.DropStates()
	}
	// SQLite frees cached pages only on request.
	if _, err := db.writer.ExecContext(ctx, `PRAGMA shrink_memory`); err != nil {
		return db.dialect.Classify(err)
	}
	return nil
}
