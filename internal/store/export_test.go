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
func OnSQLite(db *DB) bool { return db.dialect == &sqlite }

// Unserve does what the end of the server's process would.
func Unserve(db *DB) error {
	if b := db.backlog; b != nil {
		close(b.ending)
		<-b.stopped
		db.backlog = nil
		if err := b.log.Close(); err != nil {
			return err
		}
	}
	lock := db.lock
	db.lock = nil
	db.places.Store(nil)
	return lock.release()
}

// Written runs a statement past all methods, on a connection that may write,
// and returns the first column of its first row, if there is one.
func Written(db *DB, text string, args ...any) (string, error) {
	return first(db.writer, text, args...)
}

// Looked is Written on a connection that only looks.
func Looked(db *DB, text string, args ...any) (string, error) {
	return first(db.reader, text, args...)
}

func first(pool *sql.DB, text string, args ...any) (string, error) {
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

// Plans runs fn on a SQLite store and returns how SQLite carries out each of
// its statements: the statement's text, then a line per step of its plan.
func Plans(db *DB, fn func(*Tx) error) ([]string, error) {
	r := &recorder{dsn: sqliteDSN(db.path, false, fullSizes)}
	pool := sql.OpenDB(r)
	defer pool.Close()
	watched := &DB{dialect: db.dialect, writer: pool, reader: pool, stmts: map[string]*sql.Stmt{}, lookups: map[string]*sql.Stmt{}}
	if err := watched.prepare(context.Background()); err != nil {
		return nil, err
	}
	// What is prepared already would not be seen when it runs.
	delete(watched.stmts, watched.dialect.pinged())
	if err := watched.Update(context.Background(), fn); err != nil {
		return nil, err
	}
	return r.plans, nil
}

// recorder connects to SQLite and asks for the plan of all that is asked.
type recorder struct {
	dsn    string
	driver sqlitedriver.Driver
	plans  []string
}

func (r *recorder) Driver() driver.Driver { return &r.driver }

func (r *recorder) Connect(context.Context) (driver.Conn, error) {
	c, err := r.driver.Open(r.dsn)
	if err != nil {
		return nil, err
	}
	return &recorded{liveConn: c.(liveConn), to: r}, nil
}

// liveConn is what the SQLite driver's connections can do.
type liveConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.QueryerContext
	driver.ExecerContext
}

// recorded is a connection whose statements are noted.
type recorded struct {
	liveConn
	to *recorder
}

func (c *recorded) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.explain(ctx, text, args); err != nil {
		return nil, err
	}
	return c.liveConn.QueryContext(ctx, text, args)
}

func (c *recorded) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.explain(ctx, text, args); err != nil {
		return nil, err
	}
	return c.liveConn.ExecContext(ctx, text, args)
}

// explain notes the plan of one statement, see
// https://www.sqlite.org/eqp.html.
func (c *recorded) explain(ctx context.Context, text string, args []driver.NamedValue) error {
	rows, err := c.liveConn.QueryContext(ctx, "EXPLAIN QUERY PLAN "+text, args)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	defer rows.Close()
	plan := []string{text}
	step := make([]driver.Value, 4)
	for rows.Next(step) == nil {
		plan = append(plan, fmt.Sprint(step[3]))
	}
	c.to.plans = append(c.to.plans, strings.Join(plan, "\n"))
	return nil
}

// PutSomeAway does what goes on in the background while many pings are pending.
func PutSomeAway(db *DB) (more bool, err error) { return db.putSomeAway(context.Background()) }

// FewPending sets how many pings must gather before any is put away.
func FewPending(db *DB, few int) error {
	if err := db.backlog.both(context.Background()); err != nil {
		return err
	}
	defer db.backlog.giveBoth()
	db.backlog.sizes.few = few
	return nil
}

// Ran runs several statements at once, past all methods, on PostgreSQL.
func Ran(db *DB, statements string) error {
	_, err := db.pool.Exec(context.Background(), statements, pgx.QueryExecModeSimpleProtocol)
	return err
}

// Locked runs fn while the transaction has a table all to itself.
func Locked(tx *Tx, table string, fn func()) error {
	if _, err := tx.exec("LOCK TABLE " + table); err != nil {
		return err
	}
	fn()
	return nil
}

// RestoreCutOff is a restore that is killed after some steps of its swap; done
// tells that there were no more.
func RestoreCutOff(address, backup string, steps int) (done bool, err error) {
	ctx := context.Background()
	path, err := realPath(address)
	if err != nil {
		return false, err
	}
	plan := newSwap(path, time.Now())
	if _, err := stage(ctx, backup, filepath.Join(filepath.Dir(path), plan.Staged)); err != nil || steps == 0 {
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

// MigratedDown takes back all migrations after one.
func MigratedDown(ctx context.Context, db *DB, to int64) error {
	provider, err := db.migrator()
	if err == nil {
		_, err = provider.DownTo(ctx, to)
	}
	return err
}
