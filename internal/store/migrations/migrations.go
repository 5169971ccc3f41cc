// Package migrations is the only place that changes the schema. A migration that
// has landed never changes.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"overdue/internal/store/dialect"
	"overdue/internal/store/filelock"
)

//go:embed *.sql
var files embed.FS

//go:embed postgres/*.sql
var postgresFiles embed.FS

// postgresFS has the migrations of PostgreSQL: a file in the folder postgres replaces the one of
// the same name.
type postgresFS struct{ embed.FS }

// Open opens a migration.
func (f postgresFS) Open(name string) (fs.File, error) {
	if own, err := postgresFiles.Open("postgres/" + name); err == nil {
		return own, nil
	}
	return f.FS.Open(name)
}

// Schema is the schema of one database.
type Schema struct {
	DB      *sql.DB
	Dialect *dialect.Dialect
	Path    string // of a SQLite file
}

// Migrate updates the schema, one process at a time: on PostgreSQL under an
// advisory lock, on SQLite under a lock file. It rejects the schema of a newer Overdue.
func (s Schema) Migrate(ctx context.Context) error {
	older, err := s.IsOlder(ctx)
	if err != nil || !older {
		return err
	}
	provider, err := s.Provider()
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if s.Path != "" {
		unlock, err := filelock.LockSchema(ctx, s.Path)
		if err != nil {
			return fmt.Errorf("schema lock: %w", err)
		}
		defer unlock()
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", s.Dialect.Classify(err))
	}
	return nil
}

// IsOlder reports whether the schema is older than this program. A newer schema
// is an error.
func (s Schema) IsOlder(ctx context.Context) (bool, error) {
	provider, err := s.Provider()
	if err != nil {
		return false, fmt.Errorf("migrations: %w", err)
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return false, fmt.Errorf("schema version: %w", s.Dialect.Classify(err))
	}
	if current > newest {
		return false, fmt.Errorf("the database has schema %d, made by a newer Overdue; this version supports up to %d: start the newer version, or restore a backup from before the upgrade", current, newest)
	}
	return current < newest, nil
}

// Provider returns the migrations for this database.
func (s Schema) Provider() (*goose.Provider, error) {
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	var own fs.FS = files
	if s.Dialect == &dialect.PostgreSQL {
		// One lock per schema: advisory locks apply to the whole database, and other
		// installations can use another schema of it.
		var name string
		if err := s.DB.QueryRow(`SELECT COALESCE(current_schema(), '')`).Scan(&name); err != nil {
			return nil, s.Dialect.Classify(err)
		}
		id := int64(crc32.ChecksumIEEE([]byte("overdue " + name)))
		options = append(options, goose.WithSessionLocker(&transactionLock{db: s.DB, id: id}))
		own = postgresFS{files}
	}
	return goose.NewProvider(database.Dialect(s.Dialect.Name), s.DB, own, options...)
}

// transactionLock is an advisory lock that a transaction holds. Behind a pooler, a
// lock of a session could be taken in one session and released in another.
type transactionLock struct {
	db *sql.DB
	id int64
	tx *sql.Tx
}

// lockSettings allow the transaction to wait, and to be idle while it holds the lock.
const lockSettings = `SELECT set_config('lock_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)`

// SessionLock waits for the lock. Nodes of earlier versions use the same id.
func (l *transactionLock) SessionLock(ctx context.Context, _ *sql.Conn) error {
	tx, err := l.db.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	if _, err = tx.ExecContext(ctx, lockSettings); err == nil {
		_, err = tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, l.id)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	l.tx = tx
	return nil
}

// SessionUnlock releases the lock.
func (l *transactionLock) SessionUnlock(context.Context, *sql.Conn) error { return l.tx.Commit() }
