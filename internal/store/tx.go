package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
)

// Tx is one transaction. It belongs to the goroutine that runs it and ends
// with the function that it was given to.
type Tx struct {
	ctx context.Context
	tx  *sql.Tx
	db  *DB
	d   *dialect
	// writes says that it runs on the connection that statements are prepared
	// on, touched that it changed a row of heartbeats.
	writes, touched bool
}

// mostTries bounds how often a transaction is run that others interrupted.
const mostTries = 10

// Update runs fn in a transaction that may write, and commits it. When another
// transaction interrupts it, fn runs again: it may touch only tx and what it
// sets anew each time.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	return db.guarded(ctx, func(ctx context.Context) error { return db.update(ctx, fn) })
}

// update is Update without a watch on how long it takes.
func (db *DB) update(ctx context.Context, fn func(*Tx) error) error {
	for try := 1; ; try++ {
		err := db.updateOnce(ctx, fn)
		if !errors.Is(err, errAgain) || try == mostTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(time.Duration(try) * 10 * time.Millisecond)):
		}
	}
}

// updateOnce is one try of Update.
func (db *DB) updateOnce(ctx context.Context, fn func(*Tx) error) error {
	if db.backlog == nil {
		return db.run(ctx, db.writer, nil, fn)
	}
	pending, err := db.pending(ctx)
	if err != nil {
		return err
	}
	if pending >= manyPending {
		if err := db.settled(ctx); err != nil {
			return err
		}
	}
	return db.settling(ctx, fn)
}

// View runs fn in a transaction that sees one consistent state and changes
// nothing.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	if db.backlog == nil {
		return db.guarded(ctx, func(ctx context.Context) error { return db.look(ctx, fn) })
	}
	// A full or hanging disk does not prevent reads. The result may lack the last
	// pings, which are in the journal.
	if err := db.settledSoon(ctx); err != nil && !errors.Is(err, ErrAway) {
		return err
	}
	if db.circuit.Load() != nil {
		limited, cancel := limit(ctx)
		defer cancel()
		ctx = limited
	}
	return db.look(ctx, fn)
}

// look runs fn in a transaction that changes nothing, on the tables as they are.
func (db *DB) look(ctx context.Context, fn func(*Tx) error) error {
	return db.run(ctx, db.reader, &sql.TxOptions{ReadOnly: true, Isolation: db.dialect.viewing()}, fn)
}

// viewing is the isolation of a View: SQLite's readers always see one state.
func (d *dialect) viewing() sql.IsolationLevel {
	if d == &sqlite {
		return sql.LevelDefault
	}
	return sql.LevelRepeatableRead
}

// run is one try.
func (db *DB) run(ctx context.Context, pool *sql.DB, opts *sql.TxOptions, fn func(*Tx) error) (err error) {
	tx, err := pool.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin: %w", db.dialect.sort(err))
	}
	defer func() {
		// After a commit this does nothing; before one the first error counts.
		_ = tx.Rollback()
	}()
	if err := fn(&Tx{ctx: ctx, tx: tx, db: db, d: db.dialect, writes: opts == nil}); err != nil {
		return db.ended(ctx, err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", db.ended(ctx, db.dialect.sort(err)))
	}
	if opts == nil {
		db.progress()
	}
	return nil
}

// ended says why a transaction was over before its function was: database/sql
// rolls it back when the context ends, and tells only that it is over.
func (db *DB) ended(ctx context.Context, err error) error {
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return db.dialect.sort(fmt.Errorf("%w: %w", ctx.Err(), err))
	}
	return err
}

// exec runs a statement that returns no rows and says how many it changed.
func (tx *Tx) exec(text string, args ...any) (int64, error) {
	// Read from the text, so that no statement can forget to tell.
	tx.touched = tx.touched || strings.Contains(text, "heartbeats")
	result, err := tx.tx.ExecContext(tx.ctx, text, args...)
	if err != nil {
		return 0, tx.d.sort(err)
	}
	return result.RowsAffected()
}

// scanner is a row: *sql.Row or *sql.Rows.
type scanner interface{ Scan(...any) error }

// one runs a query for at most one row; found tells whether there was one.
func one[T any](tx *Tx, scan func(scanner) (T, error), text string, args ...any) (value T, found bool, err error) {
	value, err = scan(tx.tx.QueryRowContext(tx.ctx, text, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return value, false, nil
	}
	if err != nil {
		return value, false, tx.d.sort(err)
	}
	return value, true, nil
}

// many runs a query and reads all of its rows before it returns: one
// connection serves one statement at a time.
func many[T any](tx *Tx, scan func(scanner) (T, error), text string, args ...any) ([]T, error) {
	query := tx.tx.QueryContext
	prepared := tx.db.lookups
	if tx.writes {
		prepared = tx.db.stmts
	}
	if s := prepared[text]; s != nil {
		query = func(ctx context.Context, _ string, args ...any) (*sql.Rows, error) {
			return tx.tx.StmtContext(ctx, s).QueryContext(ctx, args...)
		}
	}
	rows, err := query(tx.ctx, text, args...)
	if err != nil {
		return nil, tx.d.sort(err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		value, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	if err := rows.Err(); err != nil {
		return nil, tx.d.sort(err)
	}
	return all, nil
}

// missing is the fault for a thing that does not exist.
func missing(what string) error {
	return monitor.Wrong(monitor.Missing, "", "There is no such %s.", what)
}

// newID makes an id for a row. Such ids grow with time and can be guessed:
// they never open anything.
func newID() string {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.NewString() // only the order of ids is lost
	}
	return id.String()
}

// micros is how a moment is stored; none is NULL.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// moment reads a stored moment.
func moment(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}

// legible is a text as both databases keep it: PostgreSQL refuses NUL and what
// is no UTF-8, and what a stranger sent must not spoil the whole batch.
func legible(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// text is how an optional text is stored; an empty one is NULL.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}
