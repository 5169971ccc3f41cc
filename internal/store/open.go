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
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"
	sqlitedriver "modernc.org/sqlite" // registers the driver "sqlite"

	"overdue/internal/seal"
)

// DB is everything Overdue keeps. It is safe for concurrent use.
type DB struct {
	dialect    *dialect
	writer     *sql.DB
	reader     *sql.DB
	serverLock *serverLock                   // SQLite: held while serving
	files      atomic.Pointer[[]trackedFile] // SQLite: where the files of a server are; a probe may still ask while it closes
	path       string                        // SQLite: the file, by its real path
	limits     memoryLimits                  // SQLite
	node       string                        // see Join
	pool       *pgxpool.Pool
	prober     *sql.DB     // PostgreSQL: for rehearsals, apart from the pool
	dialer     *poolDialer // PostgreSQL: dials for the pool

	circuit      atomic.Pointer[circuitBreaker] // nil unless the database is watched
	lastTestPing atomic.Int64                   // PostgreSQL: when a ping could last be stored, in ns since 1970

	writerStmts map[string]*sql.Stmt // SQLite: prepared on the writer, by text
	readerStmts map[string]*sql.Stmt // SQLite: prepared on the readers, by text
	buffer      *writeBehind         // SQLite: kept while serving

	calendars calendars
	key       *seal.Key // that secrets are sealed with; nil until UseKey
}

// DescribeAddress says which database an address names, for people: a file or a server,
// without its password.
func DescribeAddress(address string) string {
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
	db, err := connect(ctx, address, 0)
	if err != nil {
		return nil, err
	}
	return db.finishOpening(ctx)
}

// ServeOptions are what a server needs of its database besides the address.
type ServeOptions struct {
	// Memory is how many bytes the process may use in all, 0 for no limit: what
	// is kept in memory is sized by it.
	Memory int64
	// OnLockWait is called while the start waits for a lock. It may be nil.
	OnLockWait LockWaitFunc
}

// OpenToServe is Open and Serve. A SQLite file is claimed before SQLite opens
// it: a newer program must not upgrade it below a server that runs.
func OpenToServe(ctx context.Context, address string, o ServeOptions) (*DB, error) {
	if isPostgres(address) {
		db, err := connect(ctx, address, o.Memory)
		if err == nil {
			db, err = db.finishOpening(ctx)
		}
		if err != nil {
			return nil, err
		}
		if err := db.checkConnectionLimit(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", DescribeAddress(address), errors.Join(err, db.Close()))
		}
		return db, nil
	}
	path, err := prepareFile(ctx, address)
	if err != nil {
		return nil, err
	}
	lock, err := lockServer(ctx, path, o.OnLockWait)
	if err != nil {
		return nil, err
	}
	db, err := openSQLite(ctx, path, lock, limitsFor(o.Memory))
	if err != nil {
		return nil, errors.Join(err, lock.release())
	}
	if db, err = db.finishOpening(ctx); err != nil {
		return nil, err
	}
	if err := db.recoverWAL(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// finishOpening completes the opening of a database, or closes it after an error.
func (db *DB) finishOpening(ctx context.Context) (*DB, error) {
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := db.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// connect opens the database as it is.
func connect(ctx context.Context, address string, memory int64) (*DB, error) {
	if isPostgres(address) {
		return openPostgres(ctx, address)
	}
	path, err := prepareFile(ctx, address)
	if err != nil {
		return nil, err
	}
	return openSQLite(ctx, path, nil, limitsFor(memory))
}

// maxReaders is how many connections look at the same time.
const maxReaders = 8

// prepareFile returns the real path of a database file, and makes an empty one
// if there is none. It completes an interrupted restore first.
func prepareFile(ctx context.Context, address string) (string, error) {
	if address == "" || strings.HasPrefix(address, ":") {
		return "", fmt.Errorf("database %q: name a file, for example overdue.db, or a postgres:// address", address)
	}
	path, err := resolvePath(address)
	if err != nil {
		return "", err
	}
	if err := finishRestore(ctx, path); err != nil {
		return "", fmt.Errorf("finish the restore of %s: %w", path, err)
	}
	if err := createFile(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("database file: %w%s", err, openAdvice(err))
	}
	return path, nil
}

// openSQLite opens a file: one connection that writes, some that read. lock is
// that of a server, nil for another command.
func openSQLite(ctx context.Context, path string, lock *serverLock, size memoryLimits) (*DB, error) {
	// So that no other descriptor of the file, when it is closed, ends SQLite's
	// locks. Where there are no such locks SQLite uses POSIX locks.
	if _, err := sqlitedriver.OFDLocking(true); err != nil && !errors.Is(err, sqlitedriver.ErrOFDLockingUnavailable) {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	writer, err := sql.Open("sqlite", sqliteDSN(path, false, size))
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	reader, err := sql.Open("sqlite", sqliteDSN(path, true, size))
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, errors.Join(err, writer.Close()))
	}
	writer.SetMaxOpenConns(1)
	reader.SetMaxOpenConns(maxReaders)
	reader.SetMaxIdleConns(maxReaders)
	db := &DB{dialect: &sqliteDialect, writer: writer, reader: reader, path: path, limits: size, writerStmts: map[string]*sql.Stmt{}, readerStmts: map[string]*sql.Stmt{}}
	if err := db.connectFirst(ctx, lock != nil); err != nil {
		return nil, fmt.Errorf("database %s: %w", path, errors.Join(err, db.Close()))
	}
	db.serverLock = lock
	return db, nil
}

// connectFirst connects to the file. It lets one process at a time do so:
// SQLite waits for no lock while it turns a new file to WAL, and fails instead.
// What lies next to the file is checked before SQLite reads it; below a server,
// that server has done so.
func (db *DB) connectFirst(ctx context.Context, serving bool) error {
	unlock, err := lockSchema(ctx, db.path)
	if err != nil {
		return err
	}
	defer unlock()
	if serving || !isServed(db.path) {
		if err := errors.Join(rejectHardLinks(db.path), checkNeighbours(ctx, db.path)); err != nil {
			return err
		}
	}
	return db.writer.PingContext(ctx)
}

// createFile makes an empty file that only its owner may read. One that exists is
// not touched: to close a file ends the locks that SQLite holds on it for this
// process (https://www.sqlite.org/howtocorrupt.html, section 2.2).
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// sqliteDSN is the data source name of a file. The pragmas stand in it, because
// a PRAGMA sent to a pool reaches one of its connections only.
func sqliteDSN(path string, readOnly bool, size memoryLimits) string {
	q := url.Values{}
	q.Add("_pragma", "busy_timeout(4000)")
	q.Add("_pragma", "journal_mode(WAL)")
	q.Add("_pragma", "synchronous(FULL)")
	q.Add("_pragma", "foreign_keys(1)")
	q.Add("_pragma", fmt.Sprintf("cache_size(-%d)", size.cacheKiB))
	if readOnly {
		q.Set("_pragma", "busy_timeout(4000)")
		q.Add("_pragma", "query_only(1)")
		q.Add("_pragma", fmt.Sprintf("cache_size(-%d)", size.readerCacheKiB()))
	} else {
		q.Add("_pragma", fmt.Sprintf("wal_autocheckpoint(%d)", size.checkpointPages))
		q.Add("_txlock", "immediate")
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// Serve claims the database for a server. A SQLite file has one server at a
// time; a second is rejected. What a server that died had only in its journal
// is put into the tables. On PostgreSQL any number may serve.
func (db *DB) Serve(ctx context.Context) error {
	if db.path == "" {
		return nil
	}
	lock, err := lockServer(ctx, db.path, nil)
	if err != nil {
		return err
	}
	db.serverLock = lock
	return db.recoverWAL(ctx)
}

// Close ends all connections.
func (db *DB) Close() error {
	db.stopCircuit()
	var errs []error
	if db.buffer != nil {
		errs = append(errs, db.closeWriteBehind())
	}
	for _, prepared := range []map[string]*sql.Stmt{db.writerStmts, db.readerStmts} {
		for _, s := range prepared {
			errs = append(errs, s.Close())
		}
	}
	errs = append(errs, db.writer.Close())
	if db.reader != db.writer {
		errs = append(errs, db.reader.Close())
	}
	if db.pool != nil {
		errs = append(errs, db.prober.Close())
		db.pool.Close()
	}
	if db.serverLock != nil {
		errs = append(errs, db.serverLock.release())
		db.serverLock = nil
	}
	return errors.Join(errs...)
}

// Writers is how many transactions may usefully write at the same time.
func (db *DB) Writers() int { return int(db.dialect.writers) }
