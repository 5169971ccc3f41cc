package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Timeouts of callers that wait until pending pings are in the tables.
const (
	flushTimeout     = time.Minute     // for a flush that nobody waits for any more
	maxReadFlushWait = 3 * time.Second // then a look sees what is in the tables already
	flushFirstAbove  = 4096            // pings: more are put into the tables first, in a transaction of their own
)

// flushThen runs fn in a transaction that first puts into the tables what is
// pending. It begins before it takes the turn: while another process holds the
// file's lock, quiet pings go on.
//
// A disk that hangs can block a commit without limit. The caller waits no longer
// than ctx; the gates stay locked until the commit has ended, so that nothing is
// evaluated on tables that may still change.
func (db *DB) flushThen(ctx context.Context, fn func(*Tx) error) error {
	b := db.buffer
	if err := db.checkInPlace(); err != nil {
		return err
	}
	if err := b.tables.Lock(ctx); err != nil {
		return err
	}
	release := b.tables.Unlock
	committing := false
	defer func() {
		if !committing { // an error, or fn panicked
			release()
		}
	}()
	begun, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", db.dialect.classify(err))
	}
	defer func() {
		if !committing {
			_ = begun.Rollback() // the first error counts
		}
	}()
	if err := b.buffer.Lock(ctx); err != nil {
		return err
	}
	release = b.unlockBoth
	tx := &Tx{ctx: ctx, tx: begun, db: db, d: db.dialect, writable: true}
	if err := tx.flushAndRun(fn); err != nil {
		return db.contextCause(ctx, err)
	}
	committing = true
	return db.commitFlush(ctx, tx)
}

// flushAndRun does the work of settling.
func (tx *Tx) flushAndRun(fn func(*Tx) error) error {
	b := tx.db.buffer
	if b.count > 0 {
		if err := tx.saveBuffered(b.pendingTransitions(slices.Sorted(maps.Keys(b.pending)))); err != nil {
			return err
		}
	}
	tx.changedHeartbeats = false
	return fn(tx)
}

// commitFlush commits, gives both gates back, and waits for that until ctx
// ends.
func (db *DB) commitFlush(ctx context.Context, tx *Tx) error {
	b, committed := db.buffer, make(chan error, 1)
	go func() {
		defer b.unlockBoth()
		err := tx.tx.Commit()
		if err == nil {
			db.recordProgress()
			b.flushed()
			if tx.changedHeartbeats {
				clear(b.states)
			}
			err = db.checkInPlace()
		}
		committed <- err
	}()
	select {
	case err := <-committed:
		if err != nil {
			return fmt.Errorf("commit: %w", db.contextCause(ctx, db.dialect.classify(err)))
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("commit: %w: %w", errNoAnswer, ctx.Err())
	}
}

// pendingFlush is one round that writes all pending pings into the tables.
type pendingFlush struct {
	done chan struct{} // closed when it has ended
	err  error
}

// waitForFlush writes all pending pings into the tables before a read. The flush continues
// if the caller gives up: otherwise a slow disk would never finish one. All callers
// that wait share one flush.
func (db *DB) waitForFlush(ctx context.Context) error {
	pending, err := db.pendingPings(ctx)
	if pending == 0 || err != nil {
		return err
	}
	b := db.buffer
	b.flushing.Lock()
	f := b.flush
	if f == nil {
		f = &pendingFlush{done: make(chan struct{})}
		b.flush = f
		go db.runFlush(f)
	}
	b.flushing.Unlock()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return fmt.Errorf("%w: pending pings: %w", errNoAnswer, ctx.Err())
	}
}

// runFlush runs a flush. Callers that arrive after it began wait for the next one.
func (db *DB) runFlush(f *pendingFlush) {
	defer close(f.done)
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	b := db.buffer
	if f.err = b.lockBoth(ctx); f.err == nil {
		b.unlockBoth()
	}
	b.flushing.Lock()
	b.flush = nil
	b.flushing.Unlock()
	if f.err == nil {
		f.err = db.flushThen(ctx, func(*Tx) error { return nil })
	}
}

// waitForFlushBriefly is settled with a short timeout: afterwards, or while the database
// gives no answer, the caller reads the tables as they are.
func (db *DB) waitForFlushBriefly(ctx context.Context) error {
	if db.circuit.Load() == nil {
		return db.waitForFlush(ctx)
	}
	return db.guard(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, maxReadFlushWait)
		defer cancel()
		return db.waitForFlush(ctx)
	})
}

// pendingPings returns the number of pings in the journal that are not in the tables.
func (db *DB) pendingPings(ctx context.Context) (int, error) {
	b := db.buffer
	if err := b.buffer.Lock(ctx); err != nil {
		return 0, err
	}
	defer b.buffer.Unlock()
	return b.count, nil
}

// ReleaseMemory writes all pending pings into the tables and frees the caches.
func (db *DB) ReleaseMemory(ctx context.Context) error {
	if db.buffer == nil {
		return nil
	}
	if err := db.waitForFlush(ctx); err != nil {
		return err
	}
	if err := db.buffer.lockBoth(ctx); err != nil {
		return err
	}
	defer db.buffer.unlockBoth()
	if db.buffer.count == 0 {
		db.buffer.dropStates()
	}
	// SQLite frees cached pages only on request.
	if _, err := db.writer.ExecContext(ctx, `PRAGMA shrink_memory`); err != nil {
		return db.dialect.classify(err)
	}
	return nil
}
