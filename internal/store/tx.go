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
	"overdue/internal/store/dialect"
	"overdue/internal/store/listindex"
	"overdue/internal/store/sqlite"
	"overdue/internal/store/writebehind"
)

// Tx is one transaction. It belongs to the goroutine that runs it and ends when
// the function that got it returns.
type Tx struct {
	ctx context.Context
	tx  *sql.Tx
	db  *DB
	d   *dialect.Dialect

	writable          bool // it runs on the connection that has the prepared statements
	changedHeartbeats bool // it changed a row of heartbeats
	wroteHeartbeats   bool // the same, and also for the pings of the write-behind buffer

	reader     *writebehind.Reader // of a transaction that only reads, next to a write-behind buffer
	taken      *writebehind.Taken  // of a transaction that can write, next to a write-behind buffer
	heldKeys   map[int64]struct{}  // heartbeats that taken holds
	heldAll    bool
	holdMany   bool // it can hold all heartbeats although many pings are pending
	savedHeld  int  // transitions of taken that are saved
	savingHeld bool // while they are saved
	writesGone bool // see execOnGone

	lists   *listindex.Index // of a ViewLists; nil: lists come from the tables
	changes listChanges
}

// maxTransactionTries is the maximum number of runs of a transaction that others interrupt.
const maxTransactionTries = 10

// Update runs fn in a transaction that can write, and commits it. If another
// transaction interrupts it, fn runs again: it must change only tx and variables
// that it sets again on each run.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	for flushes := 0; ; flushes++ {
		holdMany := flushes == maxFlushesForUpdate
		err := db.breaker.Load().Guard(ctx, func(ctx context.Context) error { return db.update(ctx, holdMany, fn) })
		if !errors.Is(err, errManyPending) {
			return err
		}
		if err := db.flush(ctx); err != nil {
			return err
		}
	}
}

// update is Update without a limit on its duration. Without holdMany, it fails with
// errManyPending if fn holds all heartbeats while many pings are pending.
func (db *DB) update(ctx context.Context, holdMany bool, fn func(*Tx) error) error {
	for try := 1; ; try++ {
		err := db.updateOnce(ctx, holdMany, fn)
		if !errors.Is(err, dialect.ErrRetry) || try == maxTransactionTries {
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
func (db *DB) updateOnce(ctx context.Context, holdMany bool, fn func(*Tx) error) error {
	if db.buffer == nil {
		return db.runTx(ctx, db.writer, nil, fn)
	}
	return db.updateBuffered(ctx, holdMany, fn)
}

// View runs fn in a transaction that sees one consistent state and changes nothing.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	breaker := db.breaker.Load()
	if db.buffer == nil {
		return breaker.Guard(ctx, func(ctx context.Context) error { return db.viewTables(ctx, fn) })
	}
	// Without Guard: a full or hanging disk does not prevent reads.
	limited, cancel := breaker.WithDeadline(ctx)
	defer cancel()
	return db.viewTables(limited, fn)
}

// ViewAll is View for queries that the write-behind buffer cannot complete: all pending
// pings are in the tables, unless that takes too long.
func (db *DB) ViewAll(ctx context.Context, fn func(*Tx) error) error {
	if db.buffer != nil {
		if err := db.flushBriefly(ctx); err != nil && !errors.Is(err, ErrUnavailable) {
			return err
		}
	}
	return db.View(ctx, fn)
}

// viewTables runs fn in a transaction that changes nothing, without a flush.
func (db *DB) viewTables(ctx context.Context, fn func(*Tx) error) error {
	return db.runTx(ctx, db.reader, &sql.TxOptions{ReadOnly: true, Isolation: db.dialect.ViewIsolation}, fn)
}

// runTx is one run of a transaction.
func (db *DB) runTx(ctx context.Context, pool *sql.DB, opts *sql.TxOptions, fn func(*Tx) error) (err error) {
	tx, err := pool.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin: %w", db.dialect.Classify(err))
	}
	defer func() {
		// It has no effect after a commit. Before one, the first error counts.
		_ = tx.Rollback()
	}()
	if err := db.applySettings(ctx, tx, opts); err != nil {
		return db.contextCause(ctx, err)
	}
	t := &Tx{ctx: ctx, tx: tx, db: db, d: db.dialect, writable: opts == nil}
	if opts != nil && db.buffer != nil {
		t.reader = db.buffer.StartReading()
		defer t.reader.End()
	}
	if err := fn(t); err != nil {
		return db.contextCause(ctx, err)
	}
	end := db.beginListChange(&t.changes)
	err = tx.Commit()
	t.countRowChange()
	end(err)
	if err != nil {
		return fmt.Errorf("commit: %w", db.contextCause(ctx, db.dialect.Classify(err)))
	}
	if opts == nil {
		db.breaker.Load().RecordProgress()
	}
	return nil
}

// CountNewRows makes PostgreSQL analyze the tables that many incidents have just made larger. It keeps
// the plans of prepared statements until then, and a plan for a few rows reads all of them each time. By
// itself, it analyzes a table a minute or two later. While another session analyzes or vacuums
// them, it does nothing. On SQLite, it does nothing.
func (db *DB) CountNewRows(ctx context.Context) {
	if !db.IsShared() {
		return
	}
	// After an error, only later statements are slower.
	_ = db.runTx(ctx, db.writer, nil, func(tx *Tx) error {
		for _, text := range []string{`SELECT set_config('lock_timeout', '100ms', true)`, `ANALYZE alerts, incidents`} {
			if _, err := tx.exec(text); err != nil {
				return err
			}
		}
		return nil
	})
}

// countRowChange counts a commit that changed rows of heartbeats. A commit that failed can have
// changed them, too.
func (tx *Tx) countRowChange() {
	if tx.wroteHeartbeats {
		tx.db.rowChanges.Add(1)
	}
}

// applySettings applies the settings of a transaction that writes.
func (db *DB) applySettings(ctx context.Context, tx *sql.Tx, opts *sql.TxOptions) error {
	if db.postgres == nil || db.postgres.TransactionSettings == "" || opts != nil {
		return nil
	}
	if _, err := tx.ExecContext(ctx, db.postgres.TransactionSettings); err != nil {
		return fmt.Errorf("settings of the transaction: %w", db.dialect.Classify(err))
	}
	return nil
}

// contextCause adds the error of the context to that of a transaction which ended
// early: database/sql rolls it back when the context ends, and returns only
// sql.ErrTxDone.
func (db *DB) contextCause(ctx context.Context, err error) error {
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return db.dialect.Classify(fmt.Errorf("%w: %w", ctx.Err(), err))
	}
	return err
}

// TraceStatements calls fn with every statement of a transaction, except those that load the
// index of lists. It is for tests, which read the query plans.
func (db *DB) TraceStatements(fn func(text string, args []any)) { db.trace.Store(&fn) }

// observe records a statement that will run.
func (tx *Tx) observe(text string, args []any) {
	if tx.changes.observe(text) {
		tx.wroteHeartbeats = true
	}
	if fn := tx.db.trace.Load(); fn != nil {
		(*fn)(text, args)
	}
}

// exec runs a statement that returns no rows, and returns the number of changed rows.
func (tx *Tx) exec(text string, args ...any) (int64, error) {
	if err := tx.holdWritten(text, [][]any{args}); err != nil {
		return 0, err
	}
	tx.observe(text, args)
	result, err := tx.tx.ExecContext(tx.ctx, text, args...)
	if err != nil {
		return 0, tx.d.Classify(err)
	}
	return result.RowsAffected()
}

// execOnGone is exec for a statement that writes no heartbeats except those that were deleted long ago:
// they get no pings and are in no list, so no ping waits for it.
func (tx *Tx) execOnGone(text string, args ...any) (int64, error) {
	changed, changes := tx.changedHeartbeats, tx.changes
	tx.writesGone = true
	n, err := tx.exec(text, args...)
	tx.changedHeartbeats, tx.changes, tx.writesGone = changed, changes, false
	return n, err
}

// holdWritten makes pings wait if a statement is about to change heartbeats that the
// transaction does not hold: those whose key is the first argument, or all. It reads
// that from the text, so that no statement can forget it.
func (tx *Tx) holdWritten(text string, rows [][]any) error {
	if !strings.Contains(text, "heartbeats") {
		return nil
	}
	tx.changedHeartbeats = true
	if tx.taken == nil || tx.savingHeld || tx.writesGone || tx.heldAll || !strings.HasPrefix(text, "UPDATE heartbeats") && !strings.HasPrefix(text, "DELETE FROM heartbeats") {
		return nil
	}
	for _, args := range rows {
		key, byKey := int64(0), false
		if len(args) > 0 && (strings.Contains(text, "WHERE key = $1") || text == stateUpdate || text == changedStateUpdate) {
			key, byKey = args[0].(int64)
		}
		if _, held := tx.heldKeys[key]; !byKey || !held {
			return tx.holdAll()
		}
	}
	return nil
}

// preparedBatches are the batches of the hot paths.
var preparedBatches = []struct {
	*dialect.Batch
	isUpdate bool
}{
	{&blockBatch, false},
	{&stateBatch, true},
	{&keptStateBatch, true},
	{&changedStateBatch, true},
	{&incidentBatch, false},
	{&timelineBatch, false},
	{&newAlertBatch, false},
	{&alertBatch, false},
	{&attemptBatch, false},
	{&spanBatch, false},
	{&effectBatch, false},
}

// hotStatements are the other statements of the hot paths.
func hotStatements(d *dialect.Dialect) []string {
	texts := append(deliverySQL(d), pruneRows...)
	return append(texts, heartbeatsForPingsSQL(d, ""), dueForEvaluationSQL(d), dueAmongSQL(d))
}

// prepare prepares the statements of the hot paths once. The SQLite driver would
// compile each text again on each call.
func (db *DB) prepare(ctx context.Context) error {
	if db.dialect.ArrayArguments {
		return nil
	}
	texts := hotStatements(db.dialect)
	for _, b := range preparedBatches {
		if b.isUpdate {
			texts = append(texts, b.UpdateRow())
		} else {
			texts = append(texts, b.InsertRow())
		}
	}
	for _, text := range texts {
		s, err := db.writer.PrepareContext(ctx, text)
		if err != nil {
			return fmt.Errorf("prepare %s: %w", text, err)
		}
		db.writerStmts[text] = s
	}
	for _, text := range []string{storedHeartbeatsSQL(db.dialect), dueAmongSQL(db.dialect)} {
		s, err := db.reader.PrepareContext(ctx, text)
		if err != nil {
			return fmt.Errorf("prepare %s: %w", text, err)
		}
		db.readerStmts[text] = s
	}
	return nil
}

// insertBatch inserts rows.
func (tx *Tx) insertBatch(b *dialect.Batch, rows [][]any) error {
	return tx.execBatch(b, rows, 0, b.InsertRow, b.InsertArrays)
}

// updateBatch updates the rows that the leading columns of the batch identify.
func (tx *Tx) updateBatch(b *dialect.Batch, rows [][]any) error {
	return tx.execBatch(b, rows, b.KeyColumns, b.UpdateRow, b.UpdateArrays)
}

// execBatch runs one statement for all rows, or one per row, as the dialect requires. last is
// the number of leading columns that are the last arguments of the latter.
func (tx *Tx) execBatch(b *dialect.Batch, rows [][]any, last int, perRow, arrays func() string) error {
	switch {
	case len(rows) == 0:
		return nil
	case tx.d.ArrayArguments:
		_, err := tx.exec(arrays(), b.Arrays(rows)...)
		return err
	}
	return tx.execRows(perRow(), sqlite.Rows{Values: rows, Last: last})
}

// execEach runs a statement once per row. It is fast if it is prepared.
func (tx *Tx) execEach(text string, rows [][]any) error {
	return tx.execRows(text, sqlite.Rows{Values: rows})
}

// execRows is execEach, with an order of the arguments.
func (tx *Tx) execRows(text string, rows sqlite.Rows) error {
	if err := tx.holdWritten(text, rows.Values); err != nil {
		return err
	}
	tx.observe(text, nil)
	if prepared := tx.db.writerStmts[text]; prepared != nil {
		s := tx.tx.StmtContext(tx.ctx, prepared)
		rows.Progress = tx.db.breaker.Load().RecordProgress
		_, err := s.ExecContext(tx.ctx, rows)
		return tx.d.Classify(err)
	}
	for _, row := range rows.Values {
		if _, err := tx.tx.ExecContext(tx.ctx, text, rows.Args(row)...); err != nil {
			return tx.d.Classify(err)
		}
	}
	return nil
}

// scanner is a row: *sql.Row or *sql.Rows.
type scanner interface{ Scan(...any) error }

// queryOne runs a query for at most one row. found reports whether there is one.
func queryOne[T any](tx *Tx, scan func(scanner) (T, error), text string, args ...any) (value T, found bool, err error) {
	tx.observe(text, args)
	value, err = scan(tx.tx.QueryRowContext(tx.ctx, text, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return value, false, nil
	}
	if err != nil {
		return value, false, tx.d.Classify(err)
	}
	return value, true, tx.saveHeld()
}

// queryAll runs a query and reads all of its rows before it returns: a connection
// runs one statement at a time.
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
	tx.observe(text, args)
	rows, err := query(tx.ctx, text, args...)
	if err != nil {
		return nil, tx.d.Classify(err)
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
		return nil, tx.d.Classify(err)
	}
	if err := rows.Close(); err != nil {
		return nil, tx.d.Classify(err)
	}
	return all, tx.saveHeld()
}

// queryTime runs a query for a single time.
func queryTime(tx *Tx, query string, args ...any) (time.Time, error) {
	t, _, err := queryOne(tx, func(row scanner) (time.Time, error) {
		var n sql.NullInt64
		err := row.Scan(&n)
		return timeFromMicros(n), err
	}, query, args...)
	return t, err
}

// scanInt reads a single number.
func scanInt(row scanner) (n int, err error) { return n, row.Scan(&n) }

// scanPlusLast reads one more column after those that a scan function knows.
type scanPlusLast struct {
	scanner
	into any
}

// Scan reads the known columns and the additional one.
func (s scanPlusLast) Scan(into ...any) error { return s.scanner.Scan(append(into, s.into)...) }

// scannerWithFirst is a row with one more column before those that a scan function reads.
type scannerWithFirst struct {
	scanner
	into any
}

// Scan reads the additional column and the known ones.
func (s scannerWithFirst) Scan(into ...any) error {
	return s.scanner.Scan(append([]any{s.into}, into...)...)
}

// notFound returns the fault for something that does not exist. Further sentences can
// say why.
func notFound(what string, why ...string) error {
	sentences := append([]string{"There is no such " + what + "."}, why...)
	return monitor.Faultf(monitor.NotFound, "", "%s", strings.TrimSpace(strings.Join(sentences, " ")))
}

// newID returns an id for a row. Such ids grow with time and can be guessed: they
// are never credentials.
func newID() string {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.NewString() // only the order of ids is lost
	}
	return id.String()
}

// micros returns a time as it is stored; zero is NULL.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// timeFromMicros returns a stored time; NULL is zero.
func timeFromMicros(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}

// durationFromMicros returns a stored duration.
func durationFromMicros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

// validText returns a text that both databases accept: the text of an
// unauthenticated client must not fail the whole batch.
func validText(s string) string { return dialect.ValidText(s) }

// nullableText returns an optional text as it is stored; an empty one is NULL.
func nullableText(s string) any {
	if s == "" {
		return nil
	}
	return s
}
