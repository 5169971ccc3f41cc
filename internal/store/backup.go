package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/uuid"

	"overdue/internal/journal"
)

// Backup writes a consistent copy of a SQLite database to a new file, while
// the server goes on. On PostgreSQL it is refused: pg_dump does that.
func (db *DB) Backup(ctx context.Context, file string) error {
	if db.path == "" {
		return errors.New("this copies a SQLite file only; for PostgreSQL use pg_dump")
	}
	if err := createFile(file); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already; name a new file", file)
	} else if err != nil {
		return fmt.Errorf("backup file: %w", err)
	}
	if err := db.copyTo(ctx, file); err != nil {
		return fmt.Errorf("backup to %s: %w", file, errors.Join(err, removeIfExists(file)))
	}
	return syncFile(file)
}

// copyTo copies the journal and then the tables: what is put away in between is
// in both, and the numbers of the pings tell.
func (db *DB) copyTo(ctx context.Context, file string) error {
	records, err := db.readWAL(ctx)
	if err != nil {
		return err
	}
	// VACUUM INTO is not allowed on a query_only connection.
	if _, err := db.writer.ExecContext(ctx, `VACUUM INTO $1`, file); err != nil {
		return db.dialect.classify(err)
	}
	return addWALRecords(ctx, file, records)
}

// readWAL reads the journal of a server that may be running beside us.
func (db *DB) readWAL(ctx context.Context) ([][]byte, error) {
	var owner [16]byte
	var found bool
	err := db.viewTables(ctx, func(tx *Tx) error {
		var kept string
		var err error
		// A database from before there were settings has no journal either.
		if older, err := tx.tableMissing("settings"); older || err != nil {
			return err
		}
		if kept, found, err = tx.Setting(walOwnerSetting); err != nil || !found {
			return err
		}
		return parseOwner(kept, &owner)
	})
	if err != nil || !found {
		return nil, err
	}
	return journal.Read(db.walPath(), owner)
}

// tableMissing reports whether there is no such table in the file.
func (tx *Tx) tableMissing(table string) (bool, error) {
	_, found, err := queryOne(tx, func(row scanner) (n int, err error) { return n, row.Scan(&n) },
		`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1`, table)
	return !found, err
}

// addWALRecords puts the records of a journal into a copy, where its first server
// finds them. The copy gets a new mark: the files next to the original
// do not belong to it.
func addWALRecords(ctx context.Context, file string, records [][]byte) (err error) {
	db, err := openSQLite(ctx, file, nil, fullLimits)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close(), removeIfExists(file+".migrate.lock")) }()
	return db.Update(ctx, func(tx *Tx) error {
		for _, record := range records {
			if _, err := tx.exec(`INSERT INTO journal (n, pings) SELECT COALESCE(MAX(n), 0) + 1, $1 FROM journal`, string(record)); err != nil {
				return err
			}
		}
		if older, err := tx.tableMissing("settings"); older || err != nil {
			return err
		}
		mark := uuid.New()
		return tx.SetSetting(walOwnerSetting, fmt.Sprintf("%x", mark[:]))
	})
}

// removeIfExists takes an unfinished file away, so that nobody trusts it.
func removeIfExists(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncFile forces a file and its directory entry to disk.
func syncFile(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("sync %s: %w", file, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", file, err)
	}
	return syncDirectory(file)
}

// syncDirectory forces the entries of a file's directory to disk. Windows has no
// such call; there a rename is on disk when it returns.
func syncDirectory(file string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir := filepath.Dir(file)
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
