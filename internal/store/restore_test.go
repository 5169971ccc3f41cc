package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// backedUp is a server with one ping in its backup and three in its files,
// which are left as a kill leaves them. The third ping is only in the journal.
func backedUp(t *testing.T) (path, backup string, h monitor.Heartbeat) {
	t.Helper()
	live := filepath.Join(t.TempDir(), "overdue.db")
	w := &world{T: t, db: serving(t, live), start: someDay}
	w.project = w.addProject("main")
	h = w.heartbeat("backup")
	w.say(w.said(h, monitor.Success, time.Minute))
	backup = filepath.Join(t.TempDir(), "backup.db")
	if err := w.db.Backup(context.Background(), backup); err != nil {
		t.Fatal(err)
	}
	w.say(w.said(h, monitor.Success, 2*time.Minute))
	w.update(func(*store.Tx) error { return nil })
	w.say(w.said(h, monitor.Success, 3*time.Minute))
	return asKilled(t, live), backup, h
}

// pingsOf opens a database as a server does and counts.
func pingsOf(t *testing.T, path string, h monitor.Heartbeat) int64 {
	t.Helper()
	w := &world{T: t, db: serving(t, path)}
	if err := w.db.Check(context.Background()); err != nil {
		t.Error(err)
	}
	n := w.now(h).Pings
	if rows := w.counted("SELECT COUNT(*) FROM pings"); rows != fmt.Sprint(n) {
		t.Errorf("%s: %s pings, and the heartbeat counts %d", path, rows, n)
	}
	if err := w.db.Close(); err != nil {
		t.Error(err)
	}
	return n
}

func TestRestore_ReplacesTheDatabaseAndKeepsTheOneBefore(t *testing.T) {
	path, backup, h := backedUp(t)
	done, err := store.Restore(t.Context(), path, backup, someDay)
	if err != nil {
		t.Fatal(err)
	}
	if done.Database != path || done.Heartbeats != 1 || done.Older || !done.LastPing.IsZero() && !done.LastPing.Equal(someDay.Add(time.Minute)) {
		t.Errorf("it says %+v", done)
	}
	if got := pingsOf(t, path, h); got != 1 {
		t.Errorf("%d pings in the restored database; want the 1 of the backup", got)
	}
	if got := pingsOf(t, done.Kept, h); got != 3 {
		t.Errorf("%d pings in the database from before; want all 3", got)
	}
	if got := pingsOf(t, backup, h); got != 1 {
		t.Errorf("%d pings in the backup; want it as it was", got)
	}
	files, err := filepath.Glob(path + ".restor*")
	if err != nil || len(files) > 0 {
		t.Errorf("left behind: %q, %v", files, err)
	}
}

// TestRestore_CutOffAnywhereLeavesTheOldOrTheNewDatabase kills a restore after
// each of its steps. Until the plan is written down the old database is there,
// then the new one; never files of both.
func TestRestore_CutOffAnywhereLeavesTheOldOrTheNewDatabase(t *testing.T) {
	for steps := 0; ; steps++ {
		path, backup, h := backedUp(t)
		done, err := store.RestoreCutOff(path, backup, steps)
		if err != nil {
			t.Fatal(err)
		}
		want := int64(1)
		if steps == 0 {
			want = 3
		}
		if got := pingsOf(t, path, h); got != want {
			t.Errorf("cut off after %d steps: %d pings; want %d", steps, got, want)
		}
		kept, err := filepath.Glob(path + ".before-restore-*Z")
		if err != nil || len(kept) != min(steps, 1) {
			t.Fatalf("cut off after %d steps: kept %q, %v", steps, kept, err)
		}
		for _, old := range kept {
			if got := pingsOf(t, old, h); got != 3 {
				t.Errorf("cut off after %d steps: %d pings in the old database; want 3", steps, got)
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

func TestRestore_IntoNothingAndOverARemnant(t *testing.T) {
	for _, remnant := range []string{"", "-wal", "-pings0"} {
		old, backup, h := backedUp(t)
		path := filepath.Join(t.TempDir(), "new", "overdue.db")
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if remnant != "" {
			copied(t, old+remnant, path+remnant)
		}
		if _, err := store.Restore(t.Context(), path, backup, someDay); err != nil {
			t.Fatal(err)
		}
		if got := pingsOf(t, path, h); got != 1 {
			t.Errorf("next to %q: %d pings; want 1", remnant, got)
		}
	}
}

// TestRestore_TakesTheFilesOfAKilledServerAsABackup: the log and the journal
// next to the file are part of it.
func TestRestore_TakesTheFilesOfAKilledServerAsABackup(t *testing.T) {
	killed, _, h := backedUp(t)
	path := filepath.Join(t.TempDir(), "overdue.db")
	if _, err := store.Restore(t.Context(), path, killed, someDay); err != nil {
		t.Fatal(err)
	}
	if got := pingsOf(t, path, h); got != 3 {
		t.Errorf("%d pings; want 3", got)
	}
}

func TestRestore_RejectsWhatIsNoBackupAndChangesNothing(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	path, backup, h := backedUp(t)
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
	copied(t, backup, newer)
	statements(t, newer, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)")
	statements(t, foreign, "DROP TABLE attempts", "DROP TABLE alerts")
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
		if _, err := store.Restore(t.Context(), path, file, someDay); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", filepath.Base(file), err, want)
		}
	}
	if files, err := filepath.Glob(path + ".[br]e*"); err != nil || len(files) > 0 {
		t.Errorf("left behind: %q, %v", files, err)
	}
	if got := pingsOf(t, path, h); got != 3 {
		t.Errorf("%d pings; want the database as it was", got)
	}
	if _, err := store.Restore(t.Context(), "postgres://me@127.0.0.1:1/x", backup, someDay); err == nil || !strings.Contains(err.Error(), "pg_restore") {
		t.Errorf("PostgreSQL: %v; want pg_restore named", err)
	}
}

// statements changes a database file.
func statements(t *testing.T, path string, texts ...string) {
	t.Helper()
	db := opened(t, path)
	for _, text := range texts {
		if _, err := store.Written(db, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
