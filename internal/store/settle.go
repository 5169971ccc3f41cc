package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Limits of who waits until pending pings are in the tables.
const (
	longestSettle = time.Minute     // for a flush that nobody waits for any more
	lookSoon      = 3 * time.Second // then a look sees what is in the tables already
	manyPending   = 4096            // pings: more are put into the tables first, in a transaction of their own
)

// settling runs fn in a transaction that first puts into the tables what is
// pending. It begins before it takes the turn: while another process holds the
// file's lock, quiet pings go on.
//
// A disk that hangs holds a commit for as long as it likes. The caller waits
// no longer than ctx; the gates stay taken until the commit has ended one way or
// the other, so nobody judges by tables that may still change.
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

// flush is one round of putting into the tables all that is pending.
type flush struct {
	done chan struct{} // closed when it has ended
	err  error
}

// settled puts what is pending into the tables, for those who want to look. The
// work goes on when the caller leaves: a disk that is too slow for one request
// must not be too slow for ever. All who wait share one flush.
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

// runFlush is the work of a flush. Who comes once it has begun gets the next.
func (db *DB) runFlush(f *flush) {
	defer close(f.done)
	ctx, cancel := context.WithTimeout(context.Background(), longestSettle)
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

// settledSoon is settled for those who would rather see the tables as they are
// than wait long, or at all while the database gives no answer.
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

// pending is how many pings are in the journal and not in the tables.
func (db *DB) pending(ctx context.Context) (int, error) {
	b := db.backlog
	if err := b.turn.take(ctx); err != nil {
		return 0, err
	}
	defer b.turn.give()
	return b.count, nil
}

// Rest puts what is pending into the tables, and lets go of what was kept in
// memory to be quick.
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
	// SQLite keeps the pages that it has read for ever, unless it is asked.
	if _, err := db.writer.ExecContext(ctx, `PRAGMA shrink_memory`); err != nil {
		return db.dialect.sort(err)
	}
	return nil
}
