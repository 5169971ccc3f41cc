// Package sqlite is the only place that opens a SQLite database, and that knows
// which files belong to it: their paths, owners, copies and replacement.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	sqlitedriver "modernc.org/sqlite" // registers the driver "sqlite"

	"overdue/internal/store/filelock"
)

// MaxReaders is the maximum number of connections that read at the same time.
const MaxReaders = 8

// Cache limits the page caches of the connections.
type Cache struct {
	WriterKiB       int // page cache of the connection that writes
	CheckpointPages int // pages in SQLite's WAL before they are copied to the file: each page that many pings changed is copied once
}

// ReaderKiB returns the page cache of each reading connection: there are several.
func (c Cache) ReaderKiB() int { return max(1, c.WriterKiB/4) }

// PrepareFile returns the real path of a database file, and creates an empty one
// if there is none. It completes an interrupted restore first.
func PrepareFile(ctx context.Context, address string) (string, error) {
	if address == "" || strings.HasPrefix(address, ":") {
		return "", fmt.Errorf("database %q: name a file, for example overdue.db, or a postgres:// address", address)
	}
	path, err := ResolvePath(address)
	if err != nil {
		return "", err
	}
	if err := FinishSwap(ctx, path); err != nil {
		return "", fmt.Errorf("finish the restore of %s: %w", path, err)
	}
	if err := CreateFile(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("database file: %w%s", err, filelock.OpenAdvice(err))
	}
	return path, nil
}

// CreateFile creates an empty file that only its owner can read. It does not open
// an existing file: closing a file ends the locks that SQLite holds on it for this
// process (https://www.sqlite.org/howtocorrupt.html, section 2.2).
func CreateFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Open opens a file for a server that holds its lock, or for another command. It
// returns one connection that writes and up to MaxReaders that read.
func Open(ctx context.Context, path string, isServer bool, cache Cache) (writer, reader *sql.DB, err error) {
	// With OFD locks, closing another descriptor of the file does not end SQLite's
	// locks. SQLite uses POSIX locks if there are none.
	if _, err := sqlitedriver.OFDLocking(true); err != nil && !errors.Is(err, sqlitedriver.ErrOFDLockingUnavailable) {
		return nil, nil, fmt.Errorf("database %s: %w", path, err)
	}
	wait := commandLockTimeout
	if isServer {
		wait = serverLockTimeout
	}
	connector, err := NewConnector(dsn(path, false, cache, wait))
	if err != nil {
		return nil, nil, fmt.Errorf("database %s: %w", path, err)
	}
	writer = sql.OpenDB(connector)
	if reader, err = sql.Open("sqlite", dsn(path, true, cache, wait)); err != nil {
		return nil, nil, fmt.Errorf("database %s: %w", path, errors.Join(err, writer.Close()))
	}
	writer.SetMaxOpenConns(1)
	reader.SetMaxOpenConns(MaxReaders)
	reader.SetMaxIdleConns(MaxReaders)
	if err := connectFirst(ctx, path, isServer, writer); err != nil {
		return nil, nil, fmt.Errorf("database %s: %w", path, errors.Join(err, writer.Close(), reader.Close()))
	}
	return writer, reader, nil
}

// connectFirst connects to the file, one process at a time: SQLite waits for no
// lock while it switches a new file to WAL, and fails instead. The files next to
// the database are checked before SQLite reads them. While a server runs, that
// server has checked them.
func connectFirst(ctx context.Context, path string, isServer bool, writer *sql.DB) error {
	unlock, err := filelock.LockSchema(ctx, path)
	if err != nil {
		return err
	}
	defer unlock()
	if isServer || !filelock.IsServed(path) {
		if err := errors.Join(rejectHardLinks(path), CheckNeighbours(ctx, path)); err != nil {
			return err
		}
	}
	return writer.PingContext(ctx)
}

// How long to wait for the lock of another process. A ping that needs the tables must
// be answered within two seconds. A command can wait for a server with a slow disk.
const (
	serverLockTimeout  = 1500 * time.Millisecond
	commandLockTimeout = 4 * time.Second
)

// DSN returns the data source name of a file for a command.
func DSN(path string, readOnly bool, cache Cache) string {
	return dsn(path, readOnly, cache, commandLockTimeout)
}

// dsn returns the data source name of a file. It contains the pragmas, because a
// PRAGMA statement reaches only one connection of a pool.
func dsn(path string, readOnly bool, cache Cache, wait time.Duration) string {
	q := url.Values{}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", wait.Milliseconds()))
	if readOnly {
		q.Add("_pragma", "query_only(1)")
		q.Add("_pragma", fmt.Sprintf("cache_size(-%d)", cache.ReaderKiB()))
	} else {
		q.Add("_pragma", "journal_mode(WAL)")
		q.Add("_pragma", "synchronous(FULL)")
		q.Add("_pragma", "foreign_keys(1)")
		q.Add("_pragma", fmt.Sprintf("cache_size(-%d)", cache.WriterKiB))
		q.Add("_pragma", fmt.Sprintf("wal_autocheckpoint(%d)", cache.CheckpointPages))
		q.Add("_txlock", "immediate")
	}
	return fileURI(path, q)
}

// fileURI returns the URI of a file for SQLite.
func fileURI(path string, q url.Values) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}
