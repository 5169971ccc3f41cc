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
	flushTimeout = time.Minute     // for a flush that nobody waits for any more
	lookSoon     = 3 * time.Second // then a look sees what is in the tables already
	manyPending  = 4096            // pings: more are put into the tables first, in a transaction of their own
)

// settling runs fn in a transaction that first puts into the tables what is
// pending. It begins before it takes the turn: while another process holds the
// file's lock, quiet pings go on.
//
// A disk that hangs can block a commit without limit. The caller waits no longer
// than ctx; the gates stay locked until the commit has ended, so that nothing is
// evaluated on tables that may still change.
func (db *DB) settling(ctx context.Context, fn func(*Tx) error) error {
	b := db.backlog
	if err := db.inPlace(); err != nil {
		return err
	}
	if err := b.writing.take(ctx); err != nil {
		return err
	}
	release := b.writing.give
	committing := false
	defer func() {
		if !committing { // an error, or fn panicked
			release()
		}
	}()
	begun, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", db.dialect.sort(err))
	}
	defer func() {
		if !committing {
			_ = begun.Rollback() // the first error counts
		}
	}()
	if err := b.turn.take(ctx); err != nil {
		return err
	}
	release = b.giveBoth
	tx := &Tx{ctx: ctx, tx: begun, db: db, d: db.dialect, writes: true}
	if err := tx.settle(fn); err != nil {
		return db.ended(ctx, err)
	}
	committing = true
	return db.commitSettled(ctx, tx)
}

// settle does the work of settling.
func (tx *Tx) settle(fn func(*Tx) error) error {
	b := tx.db.backlog
	if b.count > 0 {
		if err := tx.saveAway(b.judgements(slices.Sorted(maps.Keys(b.pending)))); err != nil {
			return err
		}
	}
	tx.touched = false
	return fn(tx)
}

// commitSettled commits, gives both gates back, and waits for that until ctx
// ends.
func (db *DB) commitSettled(ctx context.Context, tx *Tx) error {
	b, committed := db.backlog, make(chan error, 1)
	go func() {
		defer b.giveBoth()
		err := tx.tx.Commit()
		if err == nil {
			db.progress()
			b.forget()
			if tx.touched {
				clear(b.states)
			}
			err = db.inPlace()
		}
		committed <- err
	}()
	select {
	case err := <-committed:
		if err != nil {
			return fmt.Errorf("commit: %w", db.ended(ctx, db.dialect.sort(err)))
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("commit: %w: %w", errSilent, ctx.Err())
	}
}

// flush is one round that writes all pending pings into the tables.
type flush struct {
	done chan struct{} // closed when it has ended
	err  error
}

// settled writes all pending pings into the tables before a read. The flush continues
// if the caller gives up: otherwise a slow disk would never finish one. All callers
// that wait share one flush.
func (db *DB) settled(ctx context.Context) error {
	pending, err := db.pending(ctx)
	if pending == 0 || err != nil {
		return err
	}
	b := db.backlog
	b.flushing.Lock()
	f := b.flush
	if f == nil {
		f = &flush{done: make(chan struct{})}
		b.flush = f
		go db.runFlush(f)
	}
	b.flushing.Unlock()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return fmt.Errorf("%w: pending pings: %w", errSilent, ctx.Err())
	}
}

// runFlush runs a flush. Callers that arrive after it began wait for the next one.
func (db *DB) runFlush(f *flush) {
	defer close(f.done)
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	b := db.backlog
	if f.err = b.both(ctx); f.err == nil {
		b.giveBoth()
	}
	b.flushing.Lock()
	b.flush = nil
	b.flushing.Unlock()
	if f.err == nil {
		f.err = db.settling(ctx, func(*Tx) error { return nil })
	}
}

// settledSoon is settled with a short timeout: afterwards, or while the database
// gives no answer, the caller reads the tables as they are.
func (db *DB) settledSoon(ctx context.Context) error {
	if db.circuit.Load() == nil {
		return db.settled(ctx)
	}
	return db.guarded(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, lookSoon)
		defer cancel()
		return db.settled(ctx)
	})
}

// pending returns the number of pings in the journal that are not in the tables.
func (db *DB) pending(ctx context.Context) (int, error) {
	b := db.backlog
	if err := b.turn.take(ctx); err != nil {
		return 0, err
	}
	defer b.turn.give()
	return b.count, nil
}

// Rest writes all pending pings into the tables and frees the caches.
func (db *DB) Rest(ctx context.Context) error {
	if db.backlog == nil {
		return nil
	}
	if err := db.settled(ctx); err != nil {
		return err
	}
	if err := db.backlog.both(ctx); err != nil {
		return err
	}
	defer db.backlog.giveBoth()
	if db.backlog.count == 0 {
		db.backlog.empty()
	}
	// SQLite frees cached pages only on request.
	if _, err := db.writer.ExecContext(ctx, `PRAGMA shrink_memory`); err != nil {
		return db.dialect.sort(err)
	}
	return nil
}
