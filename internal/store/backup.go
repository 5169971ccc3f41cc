package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"overdue/internal/store/filelock"
	"overdue/internal/store/postgres"
	"overdue/internal/store/sqlite"
	"overdue/internal/wal"
)

// Backup writes a consistent copy of a SQLite database to a new file while the
// server runs. The copy lacks pings in damaged parts of the WAL, see WALDamage. It fails on PostgreSQL: use pg_dump there.
func (db *DB) Backup(ctx context.Context, file string) error {
	if db.path == "" {
		return errors.New("backup supports only SQLite; for PostgreSQL use pg_dump")
	}
	if err := sqlite.CreateFile(file); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s already exists; name a new file", file)
	} else if err != nil {
		return fmt.Errorf("backup file: %w", err)
	}
	if err := db.copyTo(ctx, file); err != nil {
		return fmt.Errorf("backup to %s: %w", file, errors.Join(err, sqlite.RemoveIfExists(file)))
	}
	return sqlite.SyncFile(file)
}

// CheckBackup returns an error that says what to do if overdue backup cannot copy the
// database: PostgreSQL has its own program.
func CheckBackup(address, file string) error {
	if !postgres.IsAddress(address) {
		return nil
	}
	return fmt.Errorf("only SQLite is copied. For PostgreSQL, run: pg_dump --format=custom --file=%s %s\nBack up the secret key too: overdue check shows whether the server finds it",
		shellWord(file), shellWord(postgres.ToolAddress(address)))
}

// restoreCommand returns the error of a restore on PostgreSQL, with the command that
// restores a file of its kind.
func restoreCommand(address, file string) error {
	target := shellWord(postgres.ToolAddress(address))
	var head [16]byte
	if f, err := os.Open(file); err == nil {
		_, _ = io.ReadFull(f, head[:]) // a short or unreadable file is of no known kind
		_ = f.Close()
	}
	command := fmt.Sprintf("create an empty database, and run: psql --single-transaction --set=ON_ERROR_STOP=1 --file=%s %s", shellWord(file), target)
	switch {
	case strings.HasPrefix(string(head[:]), "PGDMP"):
		command = fmt.Sprintf("and run: pg_restore --clean --if-exists --no-owner --single-transaction --dbname=%s %s", target, shellWord(file))
	case strings.HasPrefix(string(head[:]), "SQLite format 3"):
		return fmt.Errorf("%s is a backup of SQLite. Restore it to a file and move that to an empty database: overdue restore %s --database restored.db, then overdue migrate --database restored.db --to %s",
			file, shellWord(file), target)
	}
	return fmt.Errorf("only SQLite is replaced. For PostgreSQL, stop all servers, %s", command)
}

// shellWord quotes a word for a shell, if needed.
func shellWord(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,=") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// copyTo copies the WAL and then the tables: pings that are flushed in between are
// in both, and their numbers identify them.
func (db *DB) copyTo(ctx context.Context, file string) error {
	records, _, err := db.readWAL(ctx)
	if err != nil {
		return err
	}
	// VACUUM INTO is not allowed on a query_only connection.
	if _, err := db.writer.ExecContext(ctx, `VACUUM INTO $1`, file); err != nil {
		return db.dialect.Classify(err)
	}
	return addWALRecords(ctx, file, records)
}

// readWAL reads the WAL of a server that can be running.
func (db *DB) readWAL(ctx context.Context) (records [][]byte, damage []WALDamage, err error) {
	var owner sqlite.Owner
	var found bool
	err = db.viewTables(ctx, func(tx *Tx) error {
		var text string
		var err error
		// A database from before there were settings has no WAL either.
		if missing, err := tx.tableMissing("settings"); missing || err != nil {
			return err
		}
		if text, found, err = tx.Setting(sqlite.OwnerSetting); err != nil || !found {
			return err
		}
		owner, err = sqlite.ParseOwner(text)
		return err
	})
	if err != nil || !found {
		return nil, nil, err
	}
	return wal.Read(sqlite.WALPath(db.path), owner)
}

// tableMissing reports whether the file has no such table.
func (tx *Tx) tableMissing(table string) (bool, error) {
	_, found, err := queryOne(tx, scanInt, `SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1`, table)
	return !found, err
}

// addWALRecords stores the records of a WAL in a copy, where its first server
// finds them. The copy gets a new owner id: the files next to the original do not
// belong to it.
func addWALRecords(ctx context.Context, file string, records [][]byte) (err error) {
	db, err := openSQLite(ctx, file, nil, fullLimits)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, db.Close(), sqlite.RemoveIfExists(filelock.SchemaLockPath(file)))
	}()
	return db.Update(ctx, func(tx *Tx) error {
		for _, record := range records {
			if _, err := tx.exec(`INSERT INTO journal (n, pings) SELECT COALESCE(MAX(n), 0) + 1, $1 FROM journal`, record); err != nil {
				return err
			}
		}
		if missing, err := tx.tableMissing("settings"); missing || err != nil {
			return err
		}
		owner := uuid.New()
		return tx.SetSetting(sqlite.OwnerSetting, hex.EncodeToString(owner[:]))
	})
}

// RestoreResult is the result of a restore.
type RestoreResult struct {
	Database       string // the file that was replaced
	PreviousFile   string // the previous database under its new name; empty if there was none
	NeedsMigration bool   // the next start of a server updates the schema
	Heartbeats     int64  // in the restored database; unknown if it needs a migration
	LastPing       time.Time
	Damage         string // the parts of the WAL next to the backup that could not be read; empty if there are none
}

// Restore replaces a SQLite database with a copy of a backup. The previous database
// is kept under another name, with all its files. If the restore is interrupted, the
// next open finds either the previous or the restored database, complete.
func Restore(ctx context.Context, address, file string, now time.Time) (result RestoreResult, err error) {
	if postgres.IsAddress(address) {
		return result, restoreCommand(address, file)
	}
	backup, err := filepath.EvalSymlinks(file)
	if err != nil {
		return result, fmt.Errorf("backup file: %w", err)
	}
	path, err := sqlite.ResolvePath(address)
	if err != nil {
		return result, err
	}
	unlock, err := lockForRestore(ctx, path, backup)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := sqlite.RemoveLeftovers(path); err != nil {
		return result, err
	}
	swap := sqlite.PlanSwap(path, now)
	result, err = stageBackup(ctx, backup, swap.StagedPath(path))
	if err == nil {
		err = errors.Join(swap.ChownStaged(path), swap.Save(path))
	}
	if err != nil {
		return result, errors.Join(err, swap.Discard(path))
	}
	result.Database = path
	if _, err := os.Stat(path); err == nil {
		result.PreviousFile = swap.PreviousPath(path)
	}
	return result, swap.Finish(path)
}

// lockForRestore keeps servers and other commands away from a database that is
// replaced. The backup must not be in use either.
func lockForRestore(ctx context.Context, path, backup string) (unlock func() error, err error) {
	if filelock.IsServed(backup) {
		return nil, fmt.Errorf("%s is the database of a running server and not a backup; create a backup with overdue backup", backup)
	}
	if err := sqlite.FinishSwap(ctx, path); err != nil {
		return nil, fmt.Errorf("finish the interrupted restore: %w", err)
	}
	var server *filelock.Server
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if server, err = filelock.LockMissing(ctx, path); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, fmt.Errorf("database file: %w", err)
	default:
		if from, err := os.Stat(backup); err == nil && os.SameFile(info, from) {
			return nil, fmt.Errorf("%s is the database itself; name a backup of it", backup)
		}
		if server, err = filelock.LockServer(ctx, path, nil); err != nil {
			return nil, err
		}
	}
	unlockSchema, err := filelock.LockSchema(ctx, path)
	if err != nil {
		return nil, errors.Join(err, server.Release())
	}
	return func() error {
		unlockSchema()
		return server.Release()
	}, nil
}

// stageBackup copies a backup next to the database, verifies the copy and makes it
// one file, synced.
func stageBackup(ctx context.Context, backup, staged string) (result RestoreResult, err error) {
	if err := sqlite.CheckNeighbours(ctx, backup); err != nil {
		return result, err
	}
	if err := sqlite.CheckHeader(backup); err != nil {
		return result, err
	}
	if err := sqlite.CopyDatabase(backup, staged); err != nil {
		return result, fmt.Errorf("copy the backup: %w", err)
	}
	db, err := openSQLite(ctx, staged, nil, fullLimits)
	if err != nil {
		return result, fmt.Errorf("%s cannot be opened: it is damaged or incomplete: %w", backup, err)
	}
	var records [][]byte
	if result, err = db.verifyBackup(ctx, backup); err == nil {
		var damage []WALDamage
		records, damage, err = db.readWAL(ctx)
		result.Damage = describeDamage(damage)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return result, err
	}
	if err := addWALRecords(ctx, staged, records); err != nil {
		return result, fmt.Errorf("copy the backup: %w", err)
	}
	for _, file := range append(sqlite.SideFiles(staged), filelock.SchemaLockPath(staged)) {
		if err := sqlite.RemoveIfExists(file); err != nil {
			return result, err
		}
	}
	return result, sqlite.SyncFile(staged)
}

// verifyBackup checks a copy of a backup. Errors name the backup.
func (db *DB) verifyBackup(ctx context.Context, backup string) (result RestoreResult, err error) {
	err = db.viewTables(ctx, func(tx *Tx) error {
		if err := tx.checkFileIntegrity(); err != nil {
			return fmt.Errorf("%s: %w", backup, err)
		}
		for _, table := range []string{"goose_db_version", "heartbeats", "alerts"} {
			if missing, err := tx.tableMissing(table); err != nil {
				return err
			} else if missing {
				return fmt.Errorf("%s is not a database of Overdue: it has no table %s", backup, table)
			}
		}
		return nil
	})
	if err != nil {
		return result, err
	}
	if result.NeedsMigration, err = db.schema().IsOlder(ctx); err != nil || result.NeedsMigration {
		return result, err
	}
	err = db.viewTables(ctx, func(tx *Tx) error {
		_, _, err := queryOne(tx, func(row scanner) (struct{}, error) {
			var at sql.NullInt64
			err := row.Scan(&result.Heartbeats, &at)
			result.LastPing = timeFromMicros(at)
			return struct{}{}, err
		}, `SELECT COUNT(*), MAX(h.last_ping) FROM heartbeats h WHERE h.deleted IS NULL AND h.project > 0`)
		return err
	})
	return result, err
}
