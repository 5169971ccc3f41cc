package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// newBackup returns the files of a killed server with three pings, and a backup with one. The
// third ping is only in the WAL.
func newBackup(t *testing.T) (path, backup string, h monitor.Heartbeat) {
	t.Helper()
	live := filepath.Join(t.TempDir(), "overdue.db")
	w := &fixture{T: t, db: openServer(t, live), start: realTimeStart}
	w.project = w.addProject("main")
	h = w.newSavedHeartbeat("backup")
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute))
	backup = filepath.Join(t.TempDir(), "backup.db")
	if err := w.db.Backup(context.Background(), backup); err != nil {
		t.Fatal(err)
	}
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, 2*time.Minute))
	w.update(func(*store.Tx) error { return nil })
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, 3*time.Minute))
	return copyOfKilledServer(t, live), backup, h
}

// pingCountIn opens a database like a server and counts the pings.
func pingCountIn(t *testing.T, path string, h monitor.Heartbeat) int64 {
	t.Helper()
	w := &fixture{T: t, db: openServer(t, path)}
	if problems, err := w.db.CheckIntegrity(context.Background()); err != nil || slices.ContainsFunc(problems, func(p store.Problem) bool { return p.Name != "leftover_files" }) {
		t.Error(problems, err)
	}
	n := w.reload(h).PingCount
	if rows := w.storedPings(); rows != fmt.Sprint(n) {
		t.Errorf("%s: %s pings, and the heartbeat counts %d", path, rows, n)
	}
	if err := w.db.Close(); err != nil {
		t.Error(err)
	}
	return n
}

func TestRestore_ReplacesTheDatabaseAndKeepsThePreviousOne(t *testing.T) {
	path, backup, h := newBackup(t)
	done, err := store.Restore(t.Context(), path, backup, realTimeStart)
	if err != nil {
		t.Fatal(err)
	}
	if done.Database != path || done.Heartbeats != 1 || done.NeedsMigration || !done.LastPing.IsZero() && !done.LastPing.Equal(realTimeStart.Add(time.Minute)) {
		t.Errorf("result %+v", done)
	}
	if got := pingCountIn(t, path, h); got != 1 {
		t.Errorf("%d pings in the restored database; want the 1 of the backup", got)
	}
	if got := pingCountIn(t, done.PreviousFile, h); got != 3 {
		t.Errorf("%d pings in the previous database; want all 3", got)
	}
	if got := pingCountIn(t, backup, h); got != 1 {
		t.Errorf("%d pings in the backup; want it unchanged", got)
	}
	files, err := filepath.Glob(path + ".restor*")
	if err != nil || len(files) > 0 {
		t.Errorf("left behind: %q, %v", files, err)
	}
}

// TestRestore_AnInterruptionLeavesTheOldOrTheNewDatabase interrupts a restore after
// each of its steps. Before the plan is recorded, the next open finds the old database, then
// the new one; never files of both.
func TestRestore_AnInterruptionLeavesTheOldOrTheNewDatabase(t *testing.T) {
	for steps := 0; ; steps++ {
		path, backup, h := newBackup(t)
		done, err := store.RestoreInterrupted(path, backup, steps)
		if err != nil {
			t.Fatal(err)
		}
		want := int64(1)
		if steps == 0 {
			want = 3
		}
		if got := pingCountIn(t, path, h); got != want {
			t.Errorf("interrupted after %d steps: %d pings; want %d", steps, got, want)
		}
		previous, err := filepath.Glob(path + ".before-restore-*Z")
		if err != nil || len(previous) != min(steps, 1) {
			t.Fatalf("interrupted after %d steps: previous database %q, %v", steps, previous, err)
		}
		for _, old := range previous {
			if got := pingCountIn(t, old, h); got != 3 {
				t.Errorf("interrupted after %d steps: %d pings in the old database; want 3", steps, got)
			}
		}
		if done {
			if steps < 10 {
				t.Errorf("only %d steps", steps)
			}
			return
		}
	}
}

func TestRestore_WorksWithoutADatabaseAndOverLeftovers(t *testing.T) {
	for _, remnant := range []string{"", "-wal", "-pings0"} {
		old, backup, h := newBackup(t)
		path := filepath.Join(t.TempDir(), "new", "overdue.db")
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if remnant != "" {
			copyDatabase(t, old+remnant, path+remnant)
		}
		if _, err := store.Restore(t.Context(), path, backup, realTimeStart); err != nil {
			t.Fatal(err)
		}
		if got := pingCountIn(t, path, h); got != 1 {
			t.Errorf("next to %q: %d pings; want 1", remnant, got)
		}
	}
}

// TestRestore_AcceptsTheFilesOfAKilledServerAsABackup: the files next to the
// database are part of the backup.
func TestRestore_AcceptsTheFilesOfAKilledServerAsABackup(t *testing.T) {
	killed, _, h := newBackup(t)
	path := filepath.Join(t.TempDir(), "overdue.db")
	if _, err := store.Restore(t.Context(), path, killed, realTimeStart); err != nil {
		t.Fatal(err)
	}
	if got := pingCountIn(t, path, h); got != 3 {
		t.Errorf("%d pings; want 3", got)
	}
}

func TestRestore_RejectsInvalidBackupsAndChangesNothing(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	path, backup, h := newBackup(t)
	whole, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	damaged := []byte(string(whole))
	for n := 4096 * 3; n < 4096*6; n++ {
		damaged[n] = 0xff
	}
	foreign := filepath.Join(dir, "foreign.db")
	newer := filepath.Join(dir, "newer.db")
	copyDatabase(t, backup, newer)
	execSQL(t, newer, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)")
	execSQL(t, foreign, "DROP TABLE attempts", "DROP TABLE alerts")
	link := path + "-link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		write("text", "hello, this is no database"): "is not a SQLite database",
		write("empty", ""):                          "is not a SQLite database",
		write("cut.db", string(whole[:4096*5])):     "damaged",
		write("damaged.db", string(damaged)):        "damaged",
		newer:                                       "made by a newer Overdue",
		foreign:                                     "is not a database of Overdue",
		path:                                        "is the database itself",
		link:                                        "is the database itself",
		filepath.Join(dir, "none"):                  "backup file",
	} {
		if _, err := store.Restore(t.Context(), path, file, realTimeStart); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", filepath.Base(file), err, want)
		}
	}
	if files, err := filepath.Glob(path + ".[br]e*"); err != nil || len(files) > 0 {
		t.Errorf("left behind: %q, %v", files, err)
	}
	if got := pingCountIn(t, path, h); got != 3 {
		t.Errorf("%d pings; want the database unchanged", got)
	}
	if _, err := store.Restore(t.Context(), "postgres://me@127.0.0.1:1/x", backup, realTimeStart); err == nil || !strings.Contains(err.Error(), "overdue migrate") {
		t.Errorf("PostgreSQL: %v; want an error that names overdue migrate", err)
	}
}

// execSQL changes a database file.
func execSQL(t *testing.T, path string, texts ...string) {
	t.Helper()
	db := openStore(t, path)
	for _, text := range texts {
		if _, err := store.QueryWriter(db, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
