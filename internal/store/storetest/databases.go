package storetest

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/jackc/pgx/v5/stdlib"

	"overdue/internal/store"
)

// PostgresDir is the environment variable with the directory of the socket of a
// running test server. Command withpostgres sets it.
const PostgresDir = "TEST_POSTGRES_DIR"

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

// Addresses returns the address of an empty store on each database, by name.
func Addresses(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"SQLite":     filepath.Join(t.TempDir(), "overdue.db"),
		"PostgreSQL": NewSchema(t),
	}
}

// schemaCount is the number of schemas that this process created.
var schemaCount atomic.Int64

// NewSchema creates an empty schema on the test server and returns its address. The
// end of the test drops it.
func NewSchema(t *testing.T) string {
	t.Helper()
	dir := os.Getenv(PostgresDir)
	if dir == "" {
		t.Fatalf("no PostgreSQL to test on: use `make test`, or run `go run ./internal/store/storetest/withpostgres go test ./...`")
	}
	name := fmt.Sprintf("t%d_%d", os.Getpid(), schemaCount.Add(1))
	runAsAdmin(t, dir, "CREATE SCHEMA "+name)
	t.Cleanup(func() { runAsAdmin(t, dir, "DROP SCHEMA "+name+" CASCADE") })
	return socketAddress(dir, name)
}

// runAsAdmin runs one statement on the test server, in real time.
func runAsAdmin(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", socketAddress(dir, "public"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// Importing the driver registers it.
var _ = stdlib.GetDefaultDriver
