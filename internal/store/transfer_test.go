package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// moveFixture is a source with rows in every table.
type moveFixture struct {
	*testing.T
	source string
	ignore func(store.MoveProgress) error
}

// newMoveFixture creates a SQLite source with rows in every table that the schema has.
func newMoveFixture(t *testing.T) *moveFixture {
	t.Helper()
	f := &moveFixture{T: t, source: storetest.Addresses(t)["SQLite"], ignore: func(store.MoveProgress) error { return nil }}
	db := openStore(t, f.source)
	if err := store.FillEveryTable(db, 5); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return f
}

// move moves a database and fails the test after an error, or if a table differs.
func (f *moveFixture) move(from, to string) store.MoveResult {
	f.Helper()
	result, err := store.Move(f.Context(), from, to, f.ignore)
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range result.Tables {
		if !c.Equal() || c.From.Rows == 0 {
			f.Errorf("%s: %d rows of %d, checksums %s and %s", c.Table, c.To.Rows, c.From.Rows, c.From.Checksum(), c.To.Checksum())
		}
	}
	return result
}

// contentOf returns the rows and the checksum of every table.
func contentOf(r store.MoveResult) string {
	var b strings.Builder
	for _, c := range r.Tables {
		fmt.Fprintf(&b, "%s %d %s\n", c.Table, c.To.Rows, c.To.Checksum())
	}
	return b.String()
}

// TestMove_CopiesEveryTableOfTheSchemaThereAndBack fills each table that the schema has, so a
// migration that adds a table, or a type of column, that a move does not know fails it.
func TestMove_CopiesEveryTableOfTheSchemaThereAndBack(t *testing.T) {
	for name, target := range storetest.AddressesWithoutSchema(t) {
		t.Run(name, func(t *testing.T) {
			f := newMoveFixture(t)
			t.Chdir(t.TempDir())
			there := f.move(f.source, target)
			for _, skipped := range there.Skipped {
				if !slices.Contains([]string{"goose_db_version", "nodes", "journal", "heartbeat_changes"}, skipped.Table) {
					t.Errorf("table %s was not copied: %s", skipped.Table, skipped.Reason)
				}
			}
			if len(there.Tables) < 20 {
				t.Errorf("only %d tables were copied", len(there.Tables))
			}
			back := f.move(target, filepath.Join(t.TempDir(), "back.db"))
			if contentOf(there) != contentOf(back) {
				t.Errorf("there:\n%s\nback:\n%s", contentOf(there), contentOf(back))
			}
			// The address of PostgreSQL can contain a password, and it is not the name of a file.
			if files, err := os.ReadDir("."); err != nil || len(files) > 0 {
				t.Errorf("the moves created %v, %v in the current directory", files, err)
			}
		})
	}
}

// TestMove_AnInterruptedMoveContinues ends a move after every step in turn, and again
// while it continues.
func TestMove_AnInterruptedMoveContinues(t *testing.T) {
	errKilled := errors.New("killed")
	for name, target := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			f := newMoveFixture(t)
			want := contentOf(f.move(f.source, filepath.Join(t.TempDir(), "other.db")))
			if _, _, err := store.CancelMove(t.Context(), f.source); err != nil {
				t.Fatal(err)
			}
			restore := store.SetMoveBatch(2) // several batches for each table
			defer restore()
			interrupted := 0
			for steps := 1; ; steps += 9 {
				left := steps
				result, err := store.Move(t.Context(), f.source, target, func(store.MoveProgress) error {
					if left--; left < 0 {
						return errKilled
					}
					return nil
				})
				if err == nil {
					if got := contentOf(result); got != want {
						t.Errorf("after %d interruptions:\n%s\nwant:\n%s", interrupted, got, want)
					}
					break
				}
				if !errors.Is(err, errKilled) {
					t.Fatal(err)
				}
				interrupted++
				for role, address := range map[string]string{"is an incomplete copy of": target, "has not finished": f.source} {
					if db, err := store.OpenToServe(t.Context(), address, store.ServeOptions{}); err == nil || !strings.Contains(err.Error(), role) {
						t.Fatalf("a server on a database that %s: %v", role, errors.Join(err, closeIfOpen(db)))
					}
				}
			}
			if interrupted < 5 {
				t.Errorf("interrupted only %d times", interrupted)
			}
		})
	}
}

// closeIfOpen closes a store that should not have opened.
func closeIfOpen(db *store.DB) error {
	if db == nil {
		return nil
	}
	return db.Close()
}

func TestMove_MarksTheSourceUntilItIsCancelled(t *testing.T) {
	f := newMoveFixture(t)
	target := filepath.Join(t.TempDir(), "target.db")
	f.move(f.source, target)
	serve := func(address string) error {
		db, err := store.OpenToServe(t.Context(), address, store.ServeOptions{})
		return errors.Join(err, closeIfOpen(db))
	}
	if err := serve(f.source); err == nil || !strings.Contains(err.Error(), "was migrated to SQLite file "+target) {
		t.Errorf("a server on the source: %v", err)
	}
	if err := serve(target); err != nil {
		t.Errorf("a server on the target: %v", err)
	}
	if result, err := store.Move(t.Context(), f.source, target, f.ignore); err != nil || !result.WasFinished {
		t.Errorf("the same move again: finished %t, %v", result.WasFinished, err)
	}
	if _, err := store.Move(t.Context(), f.source, filepath.Join(t.TempDir(), "third.db"), f.ignore); err == nil || !strings.Contains(err.Error(), "--cancel") {
		t.Errorf("a move to a third database: %v", err)
	}
	other, finished, err := store.CancelMove(t.Context(), f.source)
	if err != nil || !finished || other != "SQLite file "+target {
		t.Errorf("cancelled: %q, %t, %v", other, finished, err)
	}
	if err := serve(f.source); err != nil {
		t.Errorf("a server on the source after the cancellation: %v", err)
	}
	if _, _, err := store.CancelMove(t.Context(), f.source); err == nil || !strings.Contains(err.Error(), "nothing to cancel") {
		t.Errorf("cancelled twice: %v", err)
	}
	if _, err := store.Move(t.Context(), f.source, target, f.ignore); err == nil || !strings.Contains(err.Error(), "already contains data") {
		t.Errorf("a move to a database in use: %v", err)
	}
}

// TestMove_StartsAgainIfTheSourceWasUsedMeanwhile: after a cancellation, the rows that
// were copied can be out of date.
func TestMove_StartsAgainIfTheSourceWasUsedMeanwhile(t *testing.T) {
	for name, target := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			f := newMoveFixture(t)
			_, err := store.Move(t.Context(), f.source, target, func(p store.MoveProgress) error {
				if p.Table == "heartbeats" {
					return errors.New("killed")
				}
				return nil
			})
			if err == nil {
				t.Fatal("the move was not interrupted")
			}
			if _, _, err := store.CancelMove(t.Context(), f.source); err != nil {
				t.Fatal(err)
			}
			execSQL(t, f.source, "UPDATE projects SET name = 'renamed'", "UPDATE heartbeats SET name = 'renamed'")
			f.move(f.source, target)
			// Another source must not continue or replace this one.
			if _, err := store.Move(t.Context(), newMoveFixture(t).source, target, f.ignore); err == nil || !strings.Contains(err.Error(), "already contains data") {
				t.Errorf("another source: %v", err)
			}
		})
	}
}

func TestMove_ReportsADifference(t *testing.T) {
	f := newMoveFixture(t)
	target := filepath.Join(t.TempDir(), "target.db")
	changed := false
	result, err := store.Move(t.Context(), f.source, target, func(p store.MoveProgress) error {
		if p.Step == "copy" && p.Table == "timeline" && !changed {
			changed = true
			return store.ExecDirectly(target, "UPDATE projects SET name = 'changed' WHERE key = 1")
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "differ in projects") || len(result.Tables) == 0 {
		t.Fatalf("a target that was changed: %v", err)
	}
	f.move(f.source, target)
}

func TestMove_RejectsDatabasesInUse(t *testing.T) {
	t.Parallel() // it waits for locks
	f := newMoveFixture(t)
	target := filepath.Join(t.TempDir(), "target.db")
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			w := &fixture{T: t, db: openStore(t, address), start: time.Now().UTC()}
			if store.OnSQLite(w.db) {
				if err := w.db.Serve(t.Context()); err != nil {
					t.Fatal(err)
				}
			} else {
				w.db.SetNode("running")
				w.update(func(tx *store.Tx) error {
					return tx.PublishWatermark(w.start, store.Watermark{All: w.start, Default: w.start})
				})
			}
			for role, pair := range map[string][2]string{"source": {address, target}, "target": {f.source, address}} {
				if _, err := store.Move(t.Context(), pair[0], pair[1], f.ignore); err == nil || !strings.Contains(err.Error(), "in use") || !strings.HasPrefix(err.Error(), role) {
					t.Errorf("a %s in use: %v", role, err)
				}
			}
		})
	}
}

func TestMove_RejectsWrongAddresses(t *testing.T) {
	f := newMoveFixture(t)
	older := filepath.Join(t.TempDir(), "older.db")
	db := openStore(t, older)
	if err := errors.Join(store.MigrateDown(context.Background(), db, 13), db.Close()); err != nil {
		t.Fatal(err)
	}
	for name, move := range map[string]struct{ from, to, want string }{
		"itself":     {f.source, f.source, "it is the source"},
		"no source":  {filepath.Join(t.TempDir(), "none.db"), f.source, "there is no SQLite file"},
		"old schema": {older, filepath.Join(t.TempDir(), "x.db"), "older than this program"},
		"not empty":  {f.source, newMoveFixture(t).source, "already contains data"},
	} {
		if _, err := store.Move(t.Context(), move.from, move.to, f.ignore); err == nil || !strings.Contains(err.Error(), move.want) {
			t.Errorf("%s: %v; want %q", name, err, move.want)
		}
	}
}

// TestMove_ReplacesInvalidBytes: SQLite stores any bytes in a text.
func TestMove_ReplacesInvalidBytes(t *testing.T) {
	for name, target := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			f := newMoveFixture(t)
			execSQL(t, f.source, `UPDATE heartbeats SET description = 'a' || char(0) || CAST(X'62FF' AS TEXT) WHERE key = 1`,
				`UPDATE quota_uses SET id = CAST(X'FF' AS TEXT) || id`, `UPDATE pings SET body = X'' WHERE n = 1`, `UPDATE pings SET body = NULL WHERE n = 2`)
			restore := store.SetMoveBatch(2)
			defer restore()
			if got := f.move(f.source, target).Cleaned; got != 6 {
				t.Errorf("%d texts were changed; want 6", got)
			}
			w := &fixture{T: t, db: openStore(t, target)}
			for query, want := range map[string]string{
				"SELECT description FROM heartbeats WHERE key = 1":                  "a\uFFFDb\uFFFD",
				"SELECT COUNT(*) FROM pings WHERE body IS NULL AND n = 2":           "1",
				"SELECT COUNT(*) FROM pings WHERE length(body) = 0 AND n = 1":       "1",
				"SELECT COUNT(*) FROM settings WHERE name = 'transfer-to'":          "0",
				"SELECT COUNT(*) FROM nodes":                                        "0",
				"SELECT COUNT(*) FROM quota_uses WHERE substr(id, 1, 1) = '\uFFFD'": "5",
			} {
				if got := w.queryNumber(query); got != want {
					t.Errorf("%s: %q; want %q", query, got, want)
				}
			}
		})
	}
}

func TestMove_IncludesThePingsOfAKilledServer(t *testing.T) {
	killed, _, h := newBackup(t) // the third ping is only in the WAL
	target := filepath.Join(t.TempDir(), "target.db")
	if _, err := store.Move(t.Context(), killed, target, func(store.MoveProgress) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if got := pingCountIn(t, target, h); got != 3 {
		t.Errorf("%d pings in the target; want 3", got)
	}
}
