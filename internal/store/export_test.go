package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	sqlitedriver "modernc.org/sqlite"

	"overdue/internal/monitor"
	"overdue/internal/store/dbclock"
	"overdue/internal/store/dialect"
	"overdue/internal/store/listindex"
	"overdue/internal/store/pingblock"
	"overdue/internal/store/sqlite"
	"overdue/internal/store/writebehind"
)

// OnSQLite reports whether a store is on SQLite.
func OnSQLite(db *DB) bool { return db.dialect == &dialect.SQLite }

// EndServer releases the resources that the end of the process would release.
func EndServer(db *DB) error {
	if b := db.buffer; b != nil {
		close(db.flusher.stop)
		<-db.flusher.stopped
		db.buffer = nil
		if err := b.Close(false); err != nil {
			return err
		}
	}
	lock := db.serverLock
	db.serverLock = nil
	db.files.Untrack()
	return lock.Release()
}

// QueryWriter runs a statement directly on a connection that can write, and
// returns the first column of its first row, if there is one.
func QueryWriter(db *DB, text string, args ...any) (string, error) {
	return firstColumn(db.writer, text, args...)
}

// QueryReader is QueryWriter on a connection that only reads.
func QueryReader(db *DB, text string, args ...any) (string, error) {
	return firstColumn(db.reader, text, args...)
}

func firstColumn(pool *sql.DB, text string, args ...any) (string, error) {
	rows, err := pool.Query(text, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var value sql.NullString
	if rows.Next() {
		if err := rows.Scan(&value); err != nil {
			return "", err
		}
	}
	return value.String, rows.Err()
}

// QueryPlans runs fn on a SQLite store and returns the query plan of each of its
// statements: the text of the statement, then a line per step of its plan.
func QueryPlans(db *DB, fn func(*Tx) error) ([]string, error) {
	return queryPlans(db, func(recorded *DB) error { return recorded.Update(context.Background(), fn) })
}

// RecordPlans is QueryPlans for anything that uses a store. A statement that is run once per
// row of a batch is not recorded.
func RecordPlans(db *DB, run func(recorded *DB, plans func() []string) error) error {
	_, err := recordPlans(db, func(recorded *DB, r *planRecorder) error { return run(recorded, func() []string { return r.plans }) })
	return err
}

// Explain runs a statement on PostgreSQL and returns its plan with the actual numbers of rows.
func Explain(db *DB, text string, args ...any) (string, error) {
	rows, err := db.writer.Query("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) "+text, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return "", err
		}
		plan.WriteString(line + "\n")
	}
	return plan.String(), rows.Err()
}

// HotStatements returns the statements that are prepared once.
func HotStatements(db *DB) []string { return hotStatements(db.dialect) }

// DeliverySQL returns the statements that every run of the delivery loop sends.
func DeliverySQL(db *DB) []string { return deliverySQL(db.dialect) }

// queryPlans returns the query plans of the statements of a store that run sends.
func queryPlans(db *DB, run func(recorded *DB) error) ([]string, error) {
	return recordPlans(db, func(recorded *DB, _ *planRecorder) error { return run(recorded) })
}

// recordPlans runs run on a copy of a store that records the plans of its statements.
func recordPlans(db *DB, run func(recorded *DB, r *planRecorder) error) ([]string, error) {
	r := &planRecorder{dsn: sqlite.DSN(db.path, false, fullLimits.cache)}
	pool := sql.OpenDB(r)
	defer pool.Close()
	recorded := &DB{clock: dbclock.New(), dialect: db.dialect, retention: db.retention, writer: pool, reader: pool, writerStmts: map[string]*sql.Stmt{}, readerStmts: map[string]*sql.Stmt{}}
	if err := recorded.prepare(context.Background()); err != nil {
		return nil, err
	}
	// A prepared statement would not be recorded when it runs.
	for _, text := range hotStatements(recorded.dialect) {
		delete(recorded.writerStmts, text)
	}
	if err := run(recorded, r); err != nil {
		return nil, err
	}
	return r.plans, nil
}

// CountStatements runs fn in a transaction, and returns the number of statements that it sends
// to the database. A statement with the arguments of many rows counts once.
func CountStatements(db *DB, fn func(*Tx) error) (int, error) {
	c := &statementCounter{}
	if db.postgres != nil {
		c.Connector = stdlib.GetPoolConnector(db.postgres.Pool)
	} else {
		var err error
		if c.Connector, err = sqlite.NewConnector(sqlite.DSN(db.path, false, fullLimits.cache)); err != nil {
			return 0, err
		}
	}
	pool := sql.OpenDB(c)
	defer pool.Close()
	counted := &DB{clock: db.clock, dialect: db.dialect, retention: db.retention, node: db.node, writer: pool, reader: pool, writerStmts: map[string]*sql.Stmt{}, readerStmts: map[string]*sql.Stmt{}}
	pool.SetMaxOpenConns(1)
	if err := counted.prepare(context.Background()); err != nil {
		return 0, err
	}
	c.statements = 0
	err := counted.Update(context.Background(), fn)
	return c.statements, err
}

// statementCounter opens connections that count their statements.
type statementCounter struct {
	driver.Connector
	statements int
}

func (c *statementCounter) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &countingConn{conn.(preparingConn), c}, nil
}

type preparingConn interface {
	sqliteConn
	driver.ConnPrepareContext
}

type countingConn struct {
	preparingConn
	counter *statementCounter
}

func (c *countingConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.preparingConn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c *countingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.counter.statements++
	return c.preparingConn.QueryContext(ctx, text, args)
}

func (c *countingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.counter.statements++
	return c.preparingConn.ExecContext(ctx, text, args)
}

func (c *countingConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.preparingConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return &countingStmt{s.(contextStmt), c.counter}, nil
}

type contextStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	driver.NamedValueChecker
}

type countingStmt struct {
	contextStmt
	counter *statementCounter
}

func (s *countingStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.counter.statements++
	return s.contextStmt.QueryContext(ctx, args)
}

func (s *countingStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.counter.statements++
	return s.contextStmt.ExecContext(ctx, args)
}

// planRecorder connects to SQLite and asks for the plan of every statement.
type planRecorder struct {
	dsn    string
	driver sqlitedriver.Driver
	plans  []string
}

func (r *planRecorder) Driver() driver.Driver { return &r.driver }

func (r *planRecorder) Connect(context.Context) (driver.Conn, error) {
	c, err := r.driver.Open(r.dsn)
	if err != nil {
		return nil, err
	}
	if c, err = sqlite.AcceptRows(c); err != nil {
		return nil, err
	}
	return &planConn{sqliteConn: c.(sqliteConn), recorder: r}, nil
}

// sqliteConn is the interface of the connections of the SQLite driver.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.QueryerContext
	driver.ExecerContext
}

// planConn is a connection that records the plans of its statements.
type planConn struct {
	sqliteConn
	recorder *planRecorder
}

func (c *planConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.explain(ctx, text, args); err != nil {
		return nil, err
	}
	return c.sqliteConn.QueryContext(ctx, text, args)
}

func (c *planConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.explain(ctx, text, args); err != nil {
		return nil, err
	}
	return c.sqliteConn.ExecContext(ctx, text, args)
}

// explain records the plan of one statement, see https://www.sqlite.org/eqp.html.
func (c *planConn) explain(ctx context.Context, text string, args []driver.NamedValue) error {
	rows, err := c.sqliteConn.QueryContext(ctx, "EXPLAIN QUERY PLAN "+text, args)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	defer rows.Close()
	plan := []string{text}
	step := make([]driver.Value, 4)
	for rows.Next(step) == nil {
		plan = append(plan, fmt.Sprint(step[3]))
	}
	c.recorder.plans = append(c.recorder.plans, strings.Join(plan, "\n"))
	return nil
}

// FlushSome runs one step of the background flush.
func FlushSome(db *DB) (more bool, err error) {
	taken, err := db.flushSome(context.Background(), false)
	return taken != nil, err
}

// Flush flushes all pending pings.
func Flush(db *DB) error { return db.flush(context.Background()) }

// ReadStoredHeartbeat reads the heartbeat with an id as a batch of pings does.
func ReadStoredHeartbeat(tx *Tx, id string) (*writebehind.StoredHeartbeat, error) {
	found, err := tx.storedHeartbeats([]string{id})
	return found[id], err
}

// SetFlushThreshold sets the number of pending pings above which some are flushed.
func SetFlushThreshold(db *DB, pings int) { db.buffer.SetFlushThreshold(pings) }

// OnlyFlushAboveThreshold stops the flush of a small number of pings each second. It must
// be called before the first ping.
func OnlyFlushAboveThreshold(db *DB) { db.flusher.smallBuffer = -1 }

// EvaluateTouched makes the heartbeats due that a blackout may touch, with statements for a
// number of keys each.
func EvaluateTouched(tx *Tx, end time.Time, keys int64) error { return tx.evaluateTouched(end, keys) }

// StatesInMemory returns the number of heartbeats in memory.
func StatesInMemory(db *DB) (n int) {
	db.buffer.EachState(func(*monitor.Heartbeat) { n++ }, func(int64) { n++ })
	return n
}

// SetMaxHeldPings sets the number of pending pings that a transaction saves if it holds all
// heartbeats.
func SetMaxHeldPings(db *DB, n int) { db.flusher.maxHeldPings = n }

// HeldPings returns the number of pending pings that a transaction saves.
func HeldPings(tx *Tx) int { return len(tx.taken.Transitions) }

// CountListLoads counts how often the index of lists is loaded next to a write-behind buffer.
func CountListLoads(db *DB) *int {
	loads, buffered := new(int), db.lists.Buffered
	db.lists.Buffered = func(ctx context.Context, add func([]listindex.State)) error {
		*loads++
		return buffered(ctx, add)
	}
	return loads
}

// ExecPostgres runs several statements at once on PostgreSQL.
func ExecPostgres(db *DB, statements string) error {
	_, err := db.postgres.Pool.Exec(context.Background(), statements, pgx.QueryExecModeSimpleProtocol)
	return err
}

// WithTableLocked runs fn while the transaction locks a table exclusively.
func WithTableLocked(tx *Tx, table string, fn func()) error {
	for _, text := range []string{"SET LOCAL idle_in_transaction_session_timeout = 0", "LOCK TABLE " + table} {
		if _, err := tx.exec(text); err != nil {
			return err
		}
	}
	fn()
	return nil
}

// RestoreInterrupted is a restore that is killed after some steps of its swap. done
// reports that there are no more steps.
func RestoreInterrupted(address, backup string, steps int) (done bool, err error) {
	ctx := context.Background()
	path, err := sqlite.ResolvePath(address)
	if err != nil {
		return false, err
	}
	swap := sqlite.PlanSwap(path, time.Now())
	if _, err := stageBackup(ctx, backup, swap.StagedPath(path)); err != nil || steps == 0 {
		return false, err
	}
	if err := swap.Save(path); err != nil {
		return false, err
	}
	all := swap.Steps(path)
	for n, step := range all {
		if n+1 == steps {
			return false, nil
		}
		if err := step(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// MigrateDown reverts all migrations after one.
func MigrateDown(ctx context.Context, db *DB, to int64) error {
	provider, err := db.schema().Provider()
	if err == nil {
		_, err = provider.DownTo(ctx, to)
	}
	return err
}

// CleanupPlans is QueryPlans of a whole round of a cleanup at now.
func CleanupPlans(db *DB, now time.Time) ([]string, error) {
	return queryPlans(db, func(recorded *DB) error {
		c := recorded.NewCleanup()
		for {
			if step, err := c.Step(context.Background(), now); err != nil || step.Done {
				return err
			}
		}
	})
}

// LockCleanup claims the cleanup until the transaction ends.
func LockCleanup(tx *Tx) error {
	busy, err := tx.deleteRows(nil, nil)
	if err == nil && busy {
		err = errors.New("another node deletes")
	}
	return err
}

// rowBatch is a row of the table pings, as servers of earlier versions write it.
var rowBatch = dialect.Batch{Table: "pings", Columns: dialect.Columns(`
	heartbeat bigint, n bigint, kind text, at bigint, run_time bigint, exit_code bigint,
	run_id text, method text, source text, user_agent text, body_size bigint, flags text,
	body bytea`)}

// InsertPingRows stores pings as servers of earlier versions do.
func InsertPingRows(tx *Tx, heartbeat int64, pings []monitor.Ping) error {
	for _, p := range pings {
		row := []any{
			heartbeat, p.Number, string(p.Kind), p.At.UnixMicro(), nil, nil, nullableText(validText(p.RunID)),
			validText(p.Method), validText(p.Source), validText(p.UserAgent), int64(len(p.Body)), nullableText(p.Flags.String()), nil,
		}
		if p.HasRunTime {
			row[4] = p.RunTime.Microseconds()
		}
		if p.ExitCode != monitor.NoExitCode {
			row[5] = int64(p.ExitCode)
		}
		if len(p.Body) > 0 {
			row[12] = p.Body
		}
		text, args := rowBatch.InsertRow(), row
		if tx.d.ArrayArguments {
			text, args = rowBatch.InsertArrays(), rowBatch.Arrays([][]any{row})
		}
		if _, err := tx.exec(text, args...); err != nil {
			return err
		}
	}
	return nil
}

// InsertPingBlocks stores pings as blocks.
func InsertPingBlocks(tx *Tx, heartbeat int64, pings []monitor.Ping) error {
	var encoder pingblock.Encoder
	for i := range pings {
		encoder.Add(heartbeat, &pings[i])
	}
	return tx.addBlocks(encoder.Blocks())
}

// SetPingCount sets the number of the newest ping of a heartbeat.
func SetPingCount(tx *Tx, heartbeat, n int64) error {
	_, err := tx.exec(`UPDATE heartbeats SET pings = $2 WHERE key = $1`, heartbeat, n)
	return err
}
