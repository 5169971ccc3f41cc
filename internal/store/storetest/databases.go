package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jackc/pgx/v5"

	"overdue/internal/store"
)

// PostgresDir is the environment variable with the directory of the socket of a
// running test server. Command withpostgres sets it.
const PostgresDir = "TEST_POSTGRES_DIR"

// DatabasesVariable is the environment variable that selects the databases: all when
// it is empty, or SQLiteOnly for quick runs. Command withpostgres rejects it, so a run
// with PostgreSQL always tests both.
const DatabasesVariable = "TEST_DATABASES"

// SQLiteOnly is the value of DatabasesVariable that leaves out PostgreSQL.
const SQLiteOnly = "sqlite"

// EachDatabase runs a test once per database, each time on an empty store and in
// virtual time (testing/synctest). open opens the same store again, as another
// node would, until the test ends.
func EachDatabase(t *testing.T, test func(t *testing.T, open func() *store.DB)) {
	t.Helper()
	for name, address := range Addresses(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test(t, func() *store.DB {
					t.Helper()
					return Open(t, address).DB
				})
			})
		})
	}
}

// Addresses returns the address of an empty store on each database, by name. The
// store has today's schema: it is a copy of a template, which takes a fraction of the
// time of all migrations.
func Addresses(t *testing.T) map[string]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "overdue.db")
	file, err := sqliteTemplate()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	selected := map[string]string{"SQLite": path}
	if withPostgres(t) {
		selected["PostgreSQL"] = NewPostgresDatabase(t)
	}
	return selected
}

// AddressesWithoutSchema is Addresses for tests of the migrations: the databases
// have no tables.
func AddressesWithoutSchema(t *testing.T) map[string]string {
	t.Helper()
	selected := map[string]string{"SQLite": filepath.Join(t.TempDir(), "overdue.db")}
	if withPostgres(t) {
		selected["PostgreSQL"] = newDatabase(t, emptyDatabase)
	}
	return selected
}

// NewPostgresDatabase creates an empty store on the test server and returns its
// address. The end of the test drops it.
func NewPostgresDatabase(t *testing.T) string {
	t.Helper()
	template, err := postgresTemplate()
	if err != nil {
		t.Fatal(err)
	}
	return newDatabase(t, template)
}

// withPostgres reports whether PostgreSQL is selected.
func withPostgres(t *testing.T) bool {
	t.Helper()
	value := os.Getenv(DatabasesVariable)
	if value != "" && value != SQLiteOnly {
		t.Fatalf("%s is %q; it must be empty or %q", DatabasesVariable, value, SQLiteOnly)
	}
	return value == ""
}

// sqliteTemplate returns the file of an empty store.
var sqliteTemplate = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "overdue-template-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "overdue.db")
	if err := migrate(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// migrate creates the schema of an empty database.
func migrate(address string) error {
	db, err := store.Open(context.Background(), address)
	if err != nil {
		return err
	}
	return db.Close()
}

// postgresTemplate returns the name of a PostgreSQL database with an empty store, which goes with
// the server.
var postgresTemplate = sync.OnceValues(func() (name string, err error) {
	name = databaseName()
	if err := createDatabase(name, emptyDatabase); err != nil {
		return "", err
	}
	return name, migrate(socketAddress(os.Getenv(PostgresDir), name))
})

// emptyDatabase is PostgreSQL's own template without tables.
const emptyDatabase = "template0"

// newDatabase creates a copy of a PostgreSQL database, which the end of the test
// drops, and returns its address.
func newDatabase(t *testing.T, template string) string {
	t.Helper()
	name := databaseName()
	if err := createDatabase(name, template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := runAsAdmin("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return socketAddress(os.Getenv(PostgresDir), name)
}

// databaseName returns a new name, which no other process uses.
func databaseName() string { return "test_" + strings.ToLower(rand.Text()) }

func createDatabase(name, template string) error {
	return runAsAdmin("CREATE DATABASE " + name + " TEMPLATE " + template)
}

// runAsAdmin runs one statement on the test server, in real time.
func runAsAdmin(statement string) error {
	dir := os.Getenv(PostgresDir)
	if dir == "" {
		return errors.New("no PostgreSQL to test on: use `make test`, or run `go run ./internal/store/storetest/withpostgres go test ./...`")
	}
	conn, err := pgx.Connect(context.Background(), socketAddress(dir, "postgres"))
	if err != nil {
		return fmt.Errorf("test server: %w", err)
	}
	_, err = conn.Exec(context.Background(), statement)
	if err = errors.Join(err, conn.Close(context.Background())); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
