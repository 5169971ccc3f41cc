package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"overdue/internal/seal"
)

// DB is everything Overdue keeps. It is safe for concurrent use.
type DB struct {
	dialect *dialect
	writer  *sql.DB
	reader  *sql.DB
	lock    *os.File // SQLite: held while serving
	path    string   // SQLite: the file
	pool    *pgxpool.Pool

	stmts   map[string]*sql.Stmt // SQLite: prepared on the writer, by text
	lookups map[string]*sql.Stmt // SQLite: prepared on the readers, by text
	backlog *backlog             // SQLite: kept while serving

	calendars calendars
	key       *seal.Key // that secrets are sealed with; nil until UseKey
}

// Where says which database an address names, for people: a file or a server,
// without its password.
func Where(address string) string {
	if !isPostgres(address) {
		if abs, err := filepath.Abs(address); err == nil {
			return "SQLite file " + abs
		}
		return "SQLite file " + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return "PostgreSQL"
	}
	if q := u.Query(); q.Has("password") {
		q.Set("password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return "PostgreSQL " + u.Redacted()
}

// isPostgres reports whether the address names a PostgreSQL server.
func isPostgres(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// Open connects to the database and brings its schema up to date. The address
// is a file name, or a URL that begins with postgres://.
func Open(ctx context.Context, address string) (*DB, error) {
	return openWith(ctx, address, func(*DB) error { return nil })
}

// OpenToServe is Open and Serve. A SQLite file is claimed before its schema is
// touched: a newer program must not upgrade it below a server that runs.
func OpenToServe(ctx context.Context, address string) (*DB, error) {
	db, err := openWith(ctx, address, func(db *DB) error { return db.claim(ctx) })
	if err != nil {
		return nil, err
	}
	if err := db.replay(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// openWith opens a database, with a first step before its schema is touched.
func openWith(ctx context.Context, address string, first func(*DB) error) (*DB, error) {
	db, err := connect(ctx, address)
	if err != nil {
		return nil, err
	}
	if err := first(db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := db.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// connect opens the database as it is.
func connect(ctx context.Context, address string) (*DB, error) {
	if isPostgres(address) {
		return openPostgres(ctx, address)
	}
	return openSQLite(ctx, address)
}

// readers is how many connections look at the same time.
const readers = 8

// openSQLite opens a file: one connection that writes, some that read.
func openSQLite(ctx context.Context, path string) (*DB, error) {
	if path == "" || strings.HasPrefix(path, ":") {
		return nil, fmt.Errorf("database %q: name a file, for example overdue.db, or a postgres:// address", path)
	}
	if dir := filepath.Dir(path); dir != "." {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("database directory: %w", err)
		}
	}
	if err := newFile(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("database file: %w", err)
	}
	writer, err := sql.Open("sqlite", sqliteDSN(path, false))
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	reader, err := sql.Open("sqlite", sqliteDSN(path, true))
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, errors.Join(err, writer.Close()))
	}
	writer.SetMaxOpenConns(1)
	reader.SetMaxOpenConns(readers)
	reader.SetMaxIdleConns(readers)
	db := &DB{dialect: &sqlite, writer: writer, reader: reader, path: path, stmts: map[string]*sql.Stmt{}, lookups: map[string]*sql.Stmt{}}
	if err := db.firstContact(ctx); err != nil {
		return nil, fmt.Errorf("database %s: %w", path, errors.Join(err, db.Close()))
	}
	return db, nil
}

// firstContact connects to the file. It lets one process at a time do so:
// SQLite waits for no lock while it turns a new file to WAL, and fails instead.
func (db *DB) firstContact(ctx context.Context) error {
	unlock, err := waitForLock(ctx, db.path+".migrate.lock")
	if err != nil {
		return err
	}
	defer unlock()
	return db.writer.PingContext(ctx)
}

// newFile makes an empty file that only its owner may read. One that exists is
// not touched: to close a file ends the locks that SQLite holds on it for this
// process (https://www.sqlite.org/howtocorrupt.html, section 2.2).
func newFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// sqliteDSN is the data source name of a file. The pragmas stand in it, because
// a PRAGMA sent to a pool reaches one of its connections only.
func sqliteDSN(path string, readOnly bool) string {
	q := url.Values{}
	q.Add("_pragma", "busy_timeout(10000)")
	q.Add("_pragma", "journal_mode(WAL)")
	q.Add("_pragma", "synchronous(FULL)")
	q.Add("_pragma", "foreign_keys(1)")
	q.Add("_pragma", "cache_size(-8000)")
	if readOnly {
		q.Set("_pragma", "busy_timeout(10000)")
		q.Add("_pragma", "query_only(1)")
	} else {
		// Fewer, larger checkpoints: each page that many pings touched is copied once.
		q.Add("_pragma", "wal_autocheckpoint(8000)")
		q.Add("_txlock", "immediate")
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// sessionSettings are how our connections to PostgreSQL behave, unless the
// address says otherwise: 200 means synced whatever the server's default is,
// and nothing waits for ever for a row that somebody forgot to let go.
var sessionSettings = map[string]string{
	"synchronous_commit":                  "on",
	"lock_timeout":                        "3s",
	"idle_in_transaction_session_timeout": "15s",
}

// openPostgres connects to a server. It waits for none: a server that is away
// at start is an error with its reason.
func openPostgres(ctx context.Context, address string) (*DB, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("database address: %w", err)
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	for name, value := range sessionSettings {
		if _, given := config.ConnConfig.RuntimeParams[name]; !given {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	config.MaxConns = max(config.MaxConns, postgres.writers+readers)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Where(address), err)
	}
	conns := stdlib.OpenDBFromPool(pool)
	db := &DB{dialect: &postgres, writer: conns, reader: conns, pool: pool}
	if err := conns.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("%s does not answer: %w", Where(address), errors.Join(err, db.Close()))
	}
	return db, nil
}

// Serve claims the database for a server. A SQLite file has one server at a
// time; a second is refused. What a server that died had only in its journal
// is put into the tables. On PostgreSQL any number may serve.
func (db *DB) Serve(ctx context.Context) error {
	if err := db.claim(ctx); err != nil {
		return err
	}
	return db.replay(ctx)
}

// claim takes the lock that a server holds.
func (db *DB) claim(ctx context.Context) error {
	if db.path == "" {
		return nil
	}
	for patience := 50; ; patience-- {
		lock, err := lockFile(db.path + ".lock")
		if err == nil {
			db.lock = lock
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || patience == 0 {
			return fmt.Errorf("%s is served by another overdue already; stop that one, or use PostgreSQL for several nodes (%w)", db.path, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// lockFile takes an exclusive lock that ends with the process.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return f, nil
}

// Close ends all connections.
func (db *DB) Close() error {
	var errs []error
	if db.backlog != nil {
		errs = append(errs, db.endBacklog())
	}
	for _, prepared := range []map[string]*sql.Stmt{db.stmts, db.lookups} {
		for _, s := range prepared {
			errs = append(errs, s.Close())
		}
	}
	errs = append(errs, db.writer.Close())
	if db.reader != db.writer {
		errs = append(errs, db.reader.Close())
	}
	if db.pool != nil {
		db.pool.Close()
	}
	if db.lock != nil {
		errs = append(errs, db.lock.Close())
		db.lock = nil
	}
	return errors.Join(errs...)
}

// Writers is how many transactions may usefully write at the same time.
func (db *DB) Writers() int { return int(db.dialect.writers) }
