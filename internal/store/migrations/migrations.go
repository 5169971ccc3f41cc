// Package migrations is the only place that changes the schema. A migration that
// has landed never changes.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"hash/crc32"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"

	"overdue/internal/store/dialect"
	"overdue/internal/store/filelock"
)

//go:embed *.sql
var files embed.FS

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
	if s.Dialect == &dialect.PostgreSQL {
		// One lock per schema: advisory locks apply to the whole database, and other
		// installations can use another schema of it.
		var name string
		if err := s.DB.QueryRow(`SELECT COALESCE(current_schema(), '')`).Scan(&name); err != nil {
			return nil, s.Dialect.Classify(err)
		}
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(int64(crc32.ChecksumIEEE([]byte("overdue " + name)))))
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(database.Dialect(s.Dialect.Name), s.DB, files, options...)
}
