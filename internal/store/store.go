// Package store is the only place with SQL. It gives the same guarantees on SQLite
// and on PostgreSQL.
//
//	DB.Update(ctx, fn)   one transaction that can write; fn can run again
//	DB.View(ctx, fn)     one consistent read
//	Tx.…                 queries and changes inside a transaction
//
// Invariants, which the contract suite checks on both databases:
//
//   - Everything that Update returned nil for is on disk, synced.
//   - A heartbeat, the incident that its change opened or resolved, and the
//     pending alerts are one transaction.
//   - An alert's id is derived from its subject: no alert becomes pending twice.
//   - "Sent" is stored after sending, and only for the attempt that claimed it.
//   - Rows of heartbeats are locked in the order of their keys.
//
// The package does not interpret pings or silence: package monitor does. Times
// are stored as BIGINT microseconds, and only this package converts them.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/seal"
	"overdue/internal/store/calendars"
	"overdue/internal/store/circuit"
	"overdue/internal/store/dbclock"
	"overdue/internal/store/dialect"
	"overdue/internal/store/filelock"
	"overdue/internal/store/listindex"
	"overdue/internal/store/migrations"
	"overdue/internal/store/postgres"
	"overdue/internal/store/sqlite"
	"overdue/internal/store/urgency"
	"overdue/internal/store/writebehind"
	"overdue/internal/wal"
)

// Errors that callers test for.
var (
	// ErrUnavailable means that the database cannot store anything now; a later
	// attempt can succeed.
	ErrUnavailable = dialect.ErrUnavailable
	// ErrDisk is the ErrUnavailable of a disk that is full or fails.
	ErrDisk = dialect.ErrDisk
	// ErrLocked is the ErrUnavailable of a row or table that another session has locked.
	ErrLocked = dialect.ErrLocked
	// ErrFilesMoved is the ErrUnavailable of database files that were deleted, moved
	// or replaced while the server runs.
	ErrFilesMoved = sqlite.ErrFilesMoved
	// ErrTaken means that a unique name or number is in use.
	ErrTaken = dialect.ErrTaken
)

// DB is the database of Overdue. It is safe for concurrent use.
type DB struct {
	dialect *dialect.Dialect
	writer  *sql.DB
	reader  *sql.DB
	path    string       // SQLite: the real path of the file
	limits  memoryLimits // SQLite
	node    string       // see SetNode

	retention  monitor.Retention // see SetRetention
	nodeInfo   Node              // see SetNodeInfo
	clock      *dbclock.Clock    // see Now
	serverTime func() time.Time
	lastCommit atomic.Int64 // see LastCommit, in µs since 1970

	serverLock *filelock.Server    // SQLite: held by a server
	files      sqlite.Files        // SQLite: the files of a server
	buffer     *writebehind.Buffer // SQLite: of a server
	flusher    *flusher            // SQLite: of a server

	onDamagedWAL func(WALDamage) // see ServeOptions

	postgres     *postgres.Conns
	known        *postgres.RowCache[knownHeartbeat]
	lastTestPing atomic.Int64 // when a test ping, or on PostgreSQL a ping, was last stored, in ns since 1970

	loss atomic.Pointer[Loss] // PostgreSQL: not reported yet

	breaker atomic.Pointer[circuit.Breaker] // nil unless the availability is watched

	writerStmts map[string]*sql.Stmt // SQLite: prepared on the writer, by text
	readerStmts map[string]*sql.Stmt // SQLite: prepared on the readers, by text

	lists     *listindex.Index   // of a server, see UseListIndex
	outgoing  listindex.Outgoing // PostgreSQL: changes that are not published yet
	published atomic.Int64       // number of the last row of PublishListChanges
	remote    remoteLists
	costly    listindex.CostlyResults
	trace     atomic.Pointer[func(text string, args []any)] // see TraceStatements

	calendars calendars.Cache
	watching  watchingCache
	bursts    urgency.Bursts

	rowChanges atomic.Int64 // number of commits that changed rows of heartbeats
	key        *seal.Key    // that secrets are sealed with; nil until UseSecretKey
}

// DescribeAddress returns which database an address names, for people: a file or
// a server, without its password.
func DescribeAddress(address string) string {
	if postgres.IsAddress(address) {
		return postgres.DescribeAddress(address)
	}
	if abs, err := filepath.Abs(address); err == nil {
		return "SQLite file " + abs
	}
	return "SQLite file " + address
}

// Open connects to the database and updates its schema. The address is a file
// name, or a URL that begins with postgres://.
func Open(ctx context.Context, address string) (*DB, error) {
	db, err := connect(ctx, address, 0)
	if err != nil {
		return nil, err
	}
	return db.finishOpening(ctx)
}

// LockWaitFunc is called while a server waits for a lock, with the lock file and
// the holder, as far as it is known.
type LockWaitFunc = filelock.WaitFunc

// ServeOptions are the options of OpenToServe.
type ServeOptions struct {
	// Memory is the number of bytes that the process can use in total, 0 for no
	// limit. It determines the sizes of caches and buffers.
	Memory int64
	// OnLockWait is called while the start waits for a lock. It can be nil.
	OnLockWait LockWaitFunc
	// OnDamagedWAL is called for each part of the WAL that cannot be read, with the name
	// under which its file is kept. It can be nil.
	OnDamagedWAL func(WALDamage)
}

// WALDamage is a part of the WAL that cannot be read.
type WALDamage = wal.Damage

// OpenToServe is Open and Serve. It locks a SQLite file before SQLite opens it: a
// newer program must not upgrade the schema of a running server.
func OpenToServe(ctx context.Context, address string, o ServeOptions) (*DB, error) {
	db, err := connectLocked(ctx, address, o)
	if err != nil {
		return nil, err
	}
	// Before the schema changes: the database is not for this server.
	if err := db.CheckNotMoved(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if db, err = db.finishOpening(ctx); err != nil {
		return nil, err
	}
	if db.postgres != nil {
		if err := db.postgres.CheckConnectionLimit(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", DescribeAddress(address), errors.Join(err, db.Close()))
		}
		db.UseListIndex()
		return db, nil
	}
	db.onDamagedWAL = o.OnDamagedWAL
	if err := db.startBuffer(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	db.UseListIndex()
	return db, nil
}

// connectLocked opens the database without changing it, and locks a SQLite file for
// this process.
func connectLocked(ctx context.Context, address string, o ServeOptions) (*DB, error) {
	if postgres.IsAddress(address) {
		return connect(ctx, address, o.Memory)
	}
	path, err := sqlite.PrepareFile(ctx, address)
	if err != nil {
		return nil, err
	}
	lock, err := filelock.LockServer(ctx, path, o.OnLockWait)
	if err != nil {
		return nil, err
	}
	db, err := openSQLite(ctx, path, lock, limitsFor(o.Memory))
	if err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return db, nil
}

// OpenExisting opens a database that exists and leaves its schema unchanged:
// commands that only read or copy must not upgrade it. needsMigration reports
// whether a server of this version would migrate it first.
func OpenExisting(ctx context.Context, address string) (db *DB, needsMigration bool, err error) {
	if !postgres.IsAddress(address) {
		_, missing := os.Stat(address)
		_, noSwap := os.Stat(sqlite.SwapPath(address)) // an interrupted restore is completed below
		if errors.Is(missing, fs.ErrNotExist) && noSwap != nil {
			return nil, false, fmt.Errorf("there is no %s; start the server first, which creates it, or name another with --database", DescribeAddress(address))
		}
	}
	db, err = connect(ctx, address, 0)
	if err != nil {
		return nil, false, err
	}
	needsMigration, err = db.schema().IsOlder(ctx)
	if err != nil {
		return nil, false, errors.Join(err, db.Close())
	}
	return db, needsMigration, nil
}

// OpenToRepair opens a database for repairs. It fails if a server uses it, or if the
// schema is older than the program.
func OpenToRepair(ctx context.Context, address string, now time.Time) (*DB, error) {
	db, older, err := OpenExisting(ctx, address)
	if err != nil {
		return nil, err
	}
	if older {
		err = errors.New("the database schema is older than this program; start the server of this version first")
	} else if err = db.ClaimWithoutServer(ctx, now); err == nil {
		err = db.prepare(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// RecoverPings stores pings that a killed server had only in its WAL. On PostgreSQL
// there are none.
func (db *DB) RecoverPings(ctx context.Context) error { return db.startBuffer(ctx) }

// finishOpening migrates a database and prepares statements, or closes it after
// an error.
func (db *DB) finishOpening(ctx context.Context) (*DB, error) {
	if err := db.schema().Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := db.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// schema returns the schema of the database.
func (db *DB) schema() migrations.Schema {
	return migrations.Schema{DB: db.writer, Dialect: db.dialect, Path: db.path}
}

// connect opens the database without changing it.
func connect(ctx context.Context, address string, memory int64) (*DB, error) {
	if postgres.IsAddress(address) {
		conns, err := postgres.Open(ctx, address)
		if err != nil {
			return nil, err
		}
		conns.Prober.SetMaxOpenConns(circuit.MaxProbes)
		return &DB{
			clock: dbclock.New(), dialect: &dialect.PostgreSQL, writer: conns.DB, reader: conns.DB, postgres: conns,
			known: postgres.NewRowCache[knownHeartbeat](limitsFor(memory).buffer.MaxStates), retention: monitor.DefaultRetention,
		}, nil
	}
	path, err := sqlite.PrepareFile(ctx, address)
	if err != nil {
		return nil, err
	}
	return openSQLite(ctx, path, nil, limitsFor(memory))
}

// openSQLite opens a file. lock is the lock of a server, nil for another command.
func openSQLite(ctx context.Context, path string, lock *filelock.Server, limits memoryLimits) (*DB, error) {
	writer, reader, err := sqlite.Open(ctx, path, lock != nil, limits.cache)
	if err != nil {
		return nil, err
	}
	return &DB{
		clock: dbclock.New(), dialect: &dialect.SQLite, writer: writer, reader: reader, path: path, limits: limits, serverLock: lock,
		retention:   monitor.DefaultRetention,
		writerStmts: map[string]*sql.Stmt{}, readerStmts: map[string]*sql.Stmt{},
	}, nil
}

// Serve locks the database for a server and recovers pings that a server that died
// had only in its WAL. A SQLite file has one server at a time: a second one is
// rejected. On PostgreSQL any number can serve.
func (db *DB) Serve(ctx context.Context) error {
	if db.path == "" {
		return nil
	}
	lock, err := filelock.LockServer(ctx, db.path, nil)
	if err != nil {
		return err
	}
	db.serverLock = lock
	return db.startBuffer(ctx)
}

// CheckFiles returns ErrFilesMoved if files of the running server were deleted,
// moved or replaced. It creates a deleted lock file again. On PostgreSQL it does nothing.
func (db *DB) CheckFiles(context.Context) error {
	if db.serverLock == nil {
		return nil
	}
	if err := db.files.VerifyInPlace(); err != nil {
		return err
	}
	return db.serverLock.Recreate()
}

// Close flushes pending pings and ends all connections.
func (db *DB) Close() error {
	db.stopWatching()
	var errs []error
	if db.buffer != nil {
		errs = append(errs, db.closeBuffer())
	}
	for _, prepared := range []map[string]*sql.Stmt{db.writerStmts, db.readerStmts} {
		for _, s := range prepared {
			errs = append(errs, s.Close())
		}
	}
	if db.postgres != nil {
		errs = append(errs, db.postgres.Close())
	} else {
		errs = append(errs, db.writer.Close(), db.reader.Close())
	}
	if db.serverLock != nil {
		errs = append(errs, db.serverLock.Release())
		db.serverLock = nil
	}
	return errors.Join(errs...)
}

// Writers returns the number of transactions that can write at the same time.
func (db *DB) Writers() int { return int(db.dialect.Writers) }

// memoryLimits bound what a SQLite store keeps in memory.
type memoryLimits struct {
	cache  sqlite.Cache
	buffer writebehind.Limits
}

// fullLimits serve a burst of pings on a machine of any size.
var fullLimits = memoryLimits{
	cache:  sqlite.Cache{WriterKiB: 8000, CheckpointPages: 8000},
	buffer: writebehind.Limits{FlushThreshold: 200_000, MaxPending: 400_000, MaxStates: 20_000, MaxBodyBytes: 32 << 20},
}

// fullLimitsMemory is the memory limit, in bytes, from which the full limits apply.
const fullLimitsMemory = 512 << 20

// limitsFor returns the limits for a process with a memory limit in bytes; 0 means
// no limit. Below fullLimitsMemory, all limits shrink in proportion.
func limitsFor(memory int64) memoryLimits {
	if memory <= 0 || memory >= fullLimitsMemory {
		return fullLimits
	}
	scale := func(full int64) int64 { return full * (memory >> 10) / (fullLimitsMemory >> 10) }
	c, b := fullLimits.cache, fullLimits.buffer
	return memoryLimits{
		cache: sqlite.Cache{WriterKiB: int(scale(int64(c.WriterKiB))), CheckpointPages: int(scale(int64(c.CheckpointPages)))},
		buffer: writebehind.Limits{
			FlushThreshold: int(scale(int64(b.FlushThreshold))), MaxPending: int(scale(int64(b.MaxPending))),
			MaxStates: int(scale(int64(b.MaxStates))), MaxBodyBytes: scale(b.MaxBodyBytes),
		},
	}
}
