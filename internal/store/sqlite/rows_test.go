package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// openRows returns a database with an empty table t, and a prepared insert.
func openRows(t *testing.T) (*sql.DB, *sql.Stmt) {
	t.Helper()
	connector, err := NewConnector(DSN(filepath.Join(t.TempDir(), "rows.db"), false, Cache{WriterKiB: 1000, CheckpointPages: 1000}))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec(`CREATE TABLE t (n INTEGER PRIMARY KEY, a TEXT, b BLOB)`); err != nil {
		t.Fatal(err)
	}
	s, err := db.Prepare(`INSERT INTO t (n, a, b) VALUES (?, ?, ?)`)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return db, s
}

func count(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRow(`SELECT COUNT(*) FROM t`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRows_RunTheStatementOncePerRow(t *testing.T) {
	db, s := openRows(t)
	progress := 0
	rows := Rows{Values: [][]any{{int64(1), "one", nil}, {int64(2), nil, []byte{0, 255}}}, Progress: func() { progress++ }}
	if _, err := s.Exec(rows); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Exec(int64(3), "plain arguments", nil); err != nil {
		t.Fatal(err)
	}
	var texts, blobs, nulls int
	err := db.QueryRow(`SELECT SUM(a = 'one'), SUM(b = x'00ff'), SUM(a IS NULL) + SUM(b IS NULL) FROM t`).Scan(&texts, &blobs, &nulls)
	if err != nil || texts != 1 || blobs != 1 || nulls != 3 || progress != 2 {
		t.Errorf("%d texts, %d blobs, %d nulls, progress %d, %v; want 1, 1, 3 and 2", texts, blobs, nulls, progress, err)
	}
}

func TestRows_LeadingValuesCanBeTheLastArguments(t *testing.T) {
	db, _ := openRows(t)
	if _, err := db.Exec(`INSERT INTO t (n) VALUES (1), (2)`); err != nil {
		t.Fatal(err)
	}
	s, err := db.Prepare(`UPDATE t SET a = ?, b = ? WHERE n = ?`)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows := Rows{Values: [][]any{{int64(1), "one", "x"}, {int64(2), "two", "y"}}, Last: 1, Progress: func() {}}
	if _, err := s.Exec(rows); err != nil {
		t.Fatal(err)
	}
	var texts string
	if err := db.QueryRow(`SELECT GROUP_CONCAT(n || a || b) FROM t`).Scan(&texts); err != nil || texts != "1onex,2twoy" {
		t.Errorf("rows %q, %v; want 1onex,2twoy", texts, err)
	}
	if diff := cmp.Diff([]any{"one", "x", int64(1)}, rows.Args(rows.Values[0])); diff != "" {
		t.Errorf("arguments of a statement that is not prepared (-want +got):\n%s", diff)
	}
}

func TestRows_EndWithTheFirstRowThatFails(t *testing.T) {
	db, s := openRows(t)
	rows := Rows{Values: [][]any{{int64(1), "", nil}, {int64(1), "", nil}, {int64(2), "", nil}}, Progress: func() {}}
	if _, err := s.Exec(rows); err == nil {
		t.Error("no error although two rows have the same key")
	}
	if n := count(t, db); n != 1 {
		t.Errorf("%d rows; want those before the error", n)
	}
}

func TestRows_EndWithTheirContext(t *testing.T) {
	db, s := openRows(t)
	ctx, cancel := context.WithCancel(context.Background())
	rows := Rows{Values: [][]any{{int64(1), "", nil}, {int64(2), "", nil}}, Progress: cancel}
	if _, err := s.ExecContext(ctx, rows); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v; want that of the context", err)
	}
	if n := count(t, db); n != 1 {
		t.Errorf("%d rows; want the one before the end of the context", n)
	}
}
