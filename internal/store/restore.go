package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"overdue/internal/journal"
)

// RestoreResult is the result of a restore.
type RestoreResult struct {
	Database       string // the file that was replaced
	PreviousFile   string // where the database from before is now; empty: there was none
	NeedsMigration bool   // the next start of a server brings the schema up to date
	Heartbeats     int64  // in the restored database; unknown when it is older
	LastPing       time.Time
}

// Restore replaces a SQLite database with a copy of a backup. The previous database
// is kept under another name, with all its files. If the restore is interrupted, the
// next open finds either the previous or the restored database, complete.
func Restore(ctx context.Context, address, file string, now time.Time) (done RestoreResult, err error) {
	if isPostgres(address) {
		return done, errors.New("restore replaces a SQLite database only; for PostgreSQL, stop all servers and use pg_restore, or psql for a plain dump")
	}
	backup, err := filepath.EvalSymlinks(file)
	if err != nil {
		return done, fmt.Errorf("backup file: %w", err)
	}
	path, err := resolvePath(address)
	if err != nil {
		return done, err
	}
	unlock, err := lockTarget(ctx, path, backup)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := removeLeftovers(path); err != nil {
		return done, err
	}
	plan := planSwap(path, now)
	done, err = stageBackup(ctx, backup, filepath.Join(filepath.Dir(path), plan.Staged))
	if err == nil {
		err = errors.Join(chownStaged(path, plan), plan.save(path))
	}
	if err != nil {
		return done, errors.Join(err, plan.discard(path))
	}
	done.Database = path
	if _, err := os.Stat(path); err == nil {
		done.PreviousFile = filepath.Join(filepath.Dir(path), plan.Previous)
	}
	return done, plan.finish(path)
}

// lockTarget keeps servers and other commands away from a database that is
// replaced. The backup must not be in use either.
func lockTarget(ctx context.Context, path, backup string) (unlock func() error, err error) {
	if isServed(backup) {
		return nil, fmt.Errorf("%s is the database of a running server and not a backup; create a backup with overdue backup", backup)
	}
	if err := finishRestore(ctx, path); err != nil {
		return nil, fmt.Errorf("finish the interrupted restore: %w", err)
	}
	var server *serverLock
	switch about, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		named, err := waitForLock(ctx, path+".lock", 0, nil)
		if err != nil {
			return nil, err
		}
		server = &serverLock{path: path, lockFile: named}
	case err != nil:
		return nil, fmt.Errorf("database file: %w", err)
	default:
		if from, err := os.Stat(backup); err == nil && os.SameFile(about, from) {
			return nil, fmt.Errorf("%s is the database itself; name a backup of it", backup)
		}
		if server, err = lockServer(ctx, path, nil); err != nil {
			return nil, err
		}
	}
	schema, err := lockSchema(ctx, path)
	if err != nil {
		return nil, errors.Join(err, server.release())
	}
	return func() error {
		schema()
		return server.release()
	}, nil
}

// chownStaged makes the new file belong to the owner of the database from
// before, or else of its directory.
func chownStaged(path string, plan fileSwap) error {
	like, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		like, err = os.Stat(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("owner of the database: %w", err)
	}
	if err := chownLike(filepath.Join(filepath.Dir(path), plan.Staged), like); err != nil {
		return fmt.Errorf("owner of the database: %w", err)
	}
	return nil
}

// stageBackup copies a backup next to the database, verifies the copy and makes it one
// file, synced.
func stageBackup(ctx context.Context, backup, staged string) (done RestoreResult, err error) {
	if err := checkNeighbours(ctx, backup); err != nil {
		return done, err
	}
	if err := checkSQLiteHeader(backup); err != nil {
		return done, err
	}
	// SQLite's index of its log (-shm) is made again from the log.
	for _, side := range append([]string{"", "-wal"}, journal.SegmentPaths("-pings")...) {
		if err := copyFile(backup+side, staged+side); err != nil && (side == "" || !errors.Is(err, fs.ErrNotExist)) {
			return done, fmt.Errorf("copy the backup: %w", err)
		}
	}
	db, err := openSQLite(ctx, staged, nil, fullLimits)
	if err != nil {
		return done, fmt.Errorf("%s cannot be opened: it is damaged or incomplete: %w", backup, err)
	}
	var records [][]byte
	if done, err = db.verifyBackup(ctx, backup); err == nil {
		records, err = db.readWAL(ctx)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return done, err
	}
	if err := addWALRecords(ctx, staged, records); err != nil {
		return done, fmt.Errorf("copy the backup: %w", err)
	}
	for _, side := range sideFiles(staged) {
		if err := removeIfExists(side); err != nil {
			return done, err
		}
	}
	return done, errors.Join(removeIfExists(staged+".migrate.lock"), syncFile(staged))
}

// checkSQLiteHeader checks the header of a file
// (https://www.sqlite.org/fileformat2.html, 1.3).
func checkSQLiteHeader(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("backup file: %w", err)
	}
	defer f.Close()
	begin := make([]byte, 16)
	if _, err := io.ReadFull(f, begin); err != nil || !bytes.Equal(begin, []byte("SQLite format 3\x00")) {
		return fmt.Errorf("%s is not a SQLite database; name an uncompressed file that overdue backup wrote", file)
	}
	return nil
}

// copyFile copies a file to a new one that only its owner may read.
func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// verifyBackup checks a copy of a backup. Errors name the backup.
func (db *DB) verifyBackup(ctx context.Context, backup string) (done RestoreResult, err error) {
	err = db.viewTables(ctx, func(tx *Tx) error {
		if err := tx.checkFileIntegrity(); err != nil {
			return fmt.Errorf("%s: %w", backup, err)
		}
		for _, table := range []string{"goose_db_version", "heartbeats", "alerts"} {
			if absent, err := tx.tableMissing(table); err != nil {
				return err
			} else if absent {
				return fmt.Errorf("%s is not a database of Overdue: it has no table %s", backup, table)
			}
		}
		return nil
	})
	if err != nil {
		return done, err
	}
	if done.NeedsMigration, err = db.schemaIsOlder(ctx); err != nil || done.NeedsMigration {
		return done, err
	}
	err = db.viewTables(ctx, func(tx *Tx) (err error) {
		done.Heartbeats, done.LastPing, err = tx.summary()
		return err
	})
	return done, err
}
