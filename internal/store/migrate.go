package store

import (
	"context"
	"embed"
	"fmt"
	"hash/crc32"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date, one process at a time: on PostgreSQL
// under an advisory lock, on SQLite under a lock file. A schema that a newer
// Overdue made is refused.
func (db *DB) migrate(ctx context.Context) error {
	older, err := db.schemaIsOlder(ctx)
	if err != nil || !older {
		return err
	}
	provider, err := db.migrationProvider()
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if db.path != "" {
		unlock, err := lockSchema(ctx, db.path)
		if err != nil {
			return fmt.Errorf("schema lock: %w", err)
		}
		defer unlock()
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", db.dialect.classify(err))
	}
	return nil
}

// schemaIsOlder reports whether the schema is older than this program. A newer one is
// an error.
func (db *DB) schemaIsOlder(ctx context.Context) (bool, error) {
	provider, err := db.migrationProvider()
	if err != nil {
		return false, fmt.Errorf("migrations: %w", err)
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return false, fmt.Errorf("schema version: %w", db.dialect.classify(err))
	}
	if current > newest {
		return false, fmt.Errorf("the database has schema %d, made by a newer Overdue; this one knows up to %d: start the newer one, or restore a backup from before the upgrade", current, newest)
	}
	return current < newest, nil
}

// migrationProvider knows the migrations and how this database takes them.
func (db *DB) migrationProvider() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if db.pool != nil {
		// One lock per schema: advisory locks are the whole database's, and
		// others may keep their Overdue in another schema of it.
		var name string
		if err := db.writer.QueryRow(`SELECT COALESCE(current_schema(), '')`).Scan(&name); err != nil {
			return nil, db.dialect.classify(err)
		}
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(int64(crc32.ChecksumIEEE([]byte("overdue " + name)))))
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(database.Dialect(db.dialect.name), db.writer, files, options...)
}

// lockSchema takes the lock under which the file of a database is opened for
// the first time, migrated or replaced, and returns what gives it back.
func lockSchema(ctx context.Context, path string) (func(), error) {
	f, err := waitForLock(ctx, path+".migrate.lock", maxSchemaWait, nil)
	if err != nil {
		return nil, err
	}
	return func() { _ = f.Close() }, nil // closing is what unlocks; it can only fail after that
}
