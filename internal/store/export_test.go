package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	sqlitedriver "modernc.org/sqlite"
)

// OnSQLite tells which of the two databases a store is on.
func OnSQLite(db *DB) bool { return db.dialect == &sqliteDialect }

// EndServer does what the end of the server's process would.
func EndServer(db *DB) error {
	if b := db.buffer; b != nil {
		close(b.stop)
		<-b.stopped
		db.buffer = nil
		if err := b.log.Close(); err != nil {
			return err
		}
	}
	lock := db.serverLock
	db.serverLock = nil
	db.files.Store(nil)
	return lock.release()
}

// QueryWriter runs a statement past all methods, on a connection that may write,
// and returns the first column of its first row, if there is one.
func QueryWriter(db *DB, text string, args ...any) (string, error) {
	return firstColumn(db.writer, text, args...)
}

// QueryReader is Written on a connection that only looks.
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

// QueryPlans runs fn on a SQLite store and returns how SQLite carries out each of
// its statements: the statement's text, then a line per step of its plan.
func QueryPlans(db *DB, fn func(*Tx) error) ([]string, error) {
	r := &planRecorder{dsn: sqliteDSN(db.path, false, fullLimits)}
	pool := sql.OpenDB(r)
	defer pool.Close()
	watched := &DB{dialect: db.dialect, writer: pool, reader: pool, writerStmts: map[string]*sql.Stmt{}, readerStmts: map[string]*sql.Stmt{}}
	if err := watched.prepare(context.Background()); err != nil {
		return nil, err
	}
	// What is prepared already would not be seen when it runs.
	delete(watched.writerStmts, watched.dialect.heartbeatsForPingsSQL())
	if err := watched.Update(context.Background(), fn); err != nil {
		return nil, err
	}
	return r.plans, nil
}

// planRecorder connects to SQLite and asks for the plan of all that is asked.
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
	return &planConn{sqliteConn: c.(sqliteConn), recorder: r}, nil
}

// sqliteConn is what the SQLite driver's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.QueryerContext
	driver.ExecerContext
}

// planConn is a connection whose statements are noted.
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

// explain notes the plan of one statement, see
// https://www.sqlite.org/eqp.html.
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

// FlushSome does what goes on in the background while many pings are pending.
func FlushSome(db *DB) (more bool, err error) { return db.flushSome(context.Background()) }

// SetFlushThreshold sets how many pings must gather before any is put away.
func SetFlushThreshold(db *DB, few int) error {
	if err := db.buffer.lockBoth(context.Background()); err != nil {
		return err
	}
	defer db.buffer.unlockBoth()
	db.buffer.limits.flushThreshold = few
	return nil
}

// ExecPostgres runs several statements at once, past all methods, on PostgreSQL.
func ExecPostgres(db *DB, statements string) error {
	_, err := db.pool.Exec(context.Background(), statements, pgx.QueryExecModeSimpleProtocol)
	return err
}

// WithTableLocked runs fn while the transaction has a table all to itself.
func WithTableLocked(tx *Tx, table string, fn func()) error {
	if _, err := tx.exec("LOCK TABLE " + table); err != nil {
		return err
	}
	fn()
	return nil
}

// RestoreInterrupted is a restore that is killed after some steps of its swap; done
// tells that there were no more.
func RestoreInterrupted(address, backup string, steps int) (done bool, err error) {
	ctx := context.Background()
	path, err := resolvePath(address)
	if err != nil {
		return false, err
	}
	plan := planSwap(path, time.Now())
	if _, err := stageBackup(ctx, backup, filepath.Join(filepath.Dir(path), plan.Staged)); err != nil || steps == 0 {
		return false, err
	}
	if err := plan.save(path); err != nil {
		return false, err
	}
	all := plan.steps(path)
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

// MigrateDown takes back all migrations after one.
func MigrateDown(ctx context.Context, db *DB, to int64) error {
	provider, err := db.migrationProvider()
	if err == nil {
		_, err = provider.DownTo(ctx, to)
	}
	return err
}
