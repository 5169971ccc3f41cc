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
	// writable says that it runs on the connection that statements are prepared
	// on, touched that it changed a row of heartbeats.
	writable, changedHeartbeats bool
}

// maxTransactionTries bounds how often a transaction is run that others interrupted.
const maxTransactionTries = 10

// Update runs fn in a transaction that may write, and commits it. When another
// transaction interrupts it, fn runs again: it may touch only tx and what it
// sets anew each time.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	return db.guard(ctx, func(ctx context.Context) error { return db.update(ctx, fn) })
}

// update is Update without a watch on how long it takes.
func (db *DB) update(ctx context.Context, fn func(*Tx) error) error {
	for try := 1; ; try++ {
		err := db.updateOnce(ctx, fn)
		if !errors.Is(err, errRetryTransaction) || try == maxTransactionTries {
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
	if db.buffer == nil {
		return db.runTx(ctx, db.writer, nil, fn)
	}
	pending, err := db.pendingPings(ctx)
	if err != nil {
		return err
	}
	if pending >= flushFirstAbove {
		if err := db.waitForFlush(ctx); err != nil {
			return err
		}
	}
	return db.flushThen(ctx, fn)
}

// View runs fn in a transaction that sees one consistent state and changes
// nothing.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	if db.buffer == nil {
		return db.guard(ctx, func(ctx context.Context) error { return db.viewTables(ctx, fn) })
	}
	// A full or hanging disk does not prevent reads. The result may lack the last
	// pings, which are in the journal.
	if err := db.waitForFlushBriefly(ctx); err != nil && !errors.Is(err, ErrUnavailable) {
		return err
	}
	if db.circuit.Load() != nil {
		limited, cancel := withDefaultDeadline(ctx)
		defer cancel()
		ctx = limited
	}
	return db.viewTables(ctx, fn)
}

// viewTables runs fn in a transaction that changes nothing, on the tables as they are.
func (db *DB) viewTables(ctx context.Context, fn func(*Tx) error) error {
	return db.runTx(ctx, db.reader, &sql.TxOptions{ReadOnly: true, Isolation: db.dialect.viewIsolation()}, fn)
}

// viewIsolation is the isolation of a View: SQLite's readers always see one state.
func (d *dialect) viewIsolation() sql.IsolationLevel {
	if d == &sqliteDialect {
		return sql.LevelDefault
	}
	return sql.LevelRepeatableRead
}

// runTx is one try.
func (db *DB) runTx(ctx context.Context, pool *sql.DB, opts *sql.TxOptions, fn func(*Tx) error) (err error) {
	tx, err := pool.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin: %w", db.dialect.classify(err))
	}
	defer func() {
		// After a commit this does nothing; before one the first error counts.
		_ = tx.Rollback()
	}()
	if err := fn(&Tx{ctx: ctx, tx: tx, db: db, d: db.dialect, writable: opts == nil}); err != nil {
		return db.contextCause(ctx, err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", db.contextCause(ctx, db.dialect.classify(err)))
	}
	if opts == nil {
		db.recordProgress()
	}
	return nil
}

// contextCause says why a transaction was over before its function was: database/sql
// rolls it back when the context ends, and tells only that it is over.
func (db *DB) contextCause(ctx context.Context, err error) error {
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return db.dialect.classify(fmt.Errorf("%w: %w", ctx.Err(), err))
	}
	return err
}

// exec runs a statement that returns no rows and says how many it changed.
func (tx *Tx) exec(text string, args ...any) (int64, error) {
	// Read from the text, so that no statement can forget to tell.
	tx.changedHeartbeats = tx.changedHeartbeats || strings.Contains(text, "heartbeats")
	result, err := tx.tx.ExecContext(tx.ctx, text, args...)
	if err != nil {
		return 0, tx.d.classify(err)
	}
	return result.RowsAffected()
}

// scanner is a row: *sql.Row or *sql.Rows.
type scanner interface{ Scan(...any) error }

// queryOne runs a query for at most one row; found tells whether there was one.
func queryOne[T any](tx *Tx, scan func(scanner) (T, error), text string, args ...any) (value T, found bool, err error) {
	value, err = scan(tx.tx.QueryRowContext(tx.ctx, text, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return value, false, nil
	}
	if err != nil {
		return value, false, tx.d.classify(err)
	}
	return value, true, nil
}

// queryAll runs a query and reads all of its rows before it returns: one
// connection serves one statement at a time.
func queryAll[T any](tx *Tx, scan func(scanner) (T, error), text string, args ...any) ([]T, error) {
	query := tx.tx.QueryContext
	prepared := tx.db.readerStmts
	if tx.writable {
		prepared = tx.db.writerStmts
	}
	if s := prepared[text]; s != nil {
		query = func(ctx context.Context, _ string, args ...any) (*sql.Rows, error) {
			return tx.tx.StmtContext(ctx, s).QueryContext(ctx, args...)
		}
	}
	rows, err := query(tx.ctx, text, args...)
	if err != nil {
		return nil, tx.d.classify(err)
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
		return nil, tx.d.classify(err)
	}
	return all, nil
}

// notFound is the fault for a thing that does not exist.
func notFound(what string) error {
	return monitor.Faultf(monitor.NotFound, "", "There is no such %s.", what)
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

// timeFromMicros reads a stored moment.
func timeFromMicros(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}

// validText is a text as both databases keep it: PostgreSQL refuses NUL and what
// is no UTF-8, and what a stranger sent must not spoil the whole batch.
func validText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// nullableText is how an optional text is stored; an empty one is NULL.
func nullableText(s string) any {
	if s == "" {
		return nil
	}
	return s
}
