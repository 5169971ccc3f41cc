package store_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// copied copies one file over another, as cp does.
func copied(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// killedOver leaves the files of a server that was killed, with a copy over its
// database that was made before: by overdue backup, or of a server that was
// stopped.
func killedOver(t *testing.T, backup bool) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "overdue.db")
	w := &world{T: t, db: serving(t, path), start: someDay}
	w.project = w.addProject("main")
	h := w.heartbeat("backup")
	w.say(w.said(h, monitor.Success, time.Minute))
	old := path + ".old"
	if backup {
		if err := w.db.Backup(context.Background(), old); err != nil {
			t.Fatal(err)
		}
	} else {
		if err := w.db.Close(); err != nil {
			t.Fatal(err)
		}
		copied(t, path, old)
		w.db = serving(t, path)
	}
	if err := w.db.Rehearse(context.Background()); err != nil { // as the engine does at its start
		t.Fatal(err)
	}
	w.heartbeat("second") // in SQLite's log
	w.say(w.said(h, monitor.Success, 2*time.Minute))
	killed := asKilled(t, path)
	copied(t, old, killed)
	return killed
}

func TestOpen_RejectsACopyAmongTheFilesOfAnotherDatabase(t *testing.T) {
	for name, backup := range map[string]bool{"a backup": true, "an earlier copy of the same file": false} {
		for _, gone := range []string{"", "-wal", "-pings1"} {
			t.Run(name+", without "+gone, func(t *testing.T) {
				path := killedOver(t, backup)
				if gone != "" {
					if err := os.Remove(path + gone); err != nil {
						t.Fatal(err)
					}
				}
				before, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				for command, open := range map[string]func() (*store.DB, error){
					"serve": func() (*store.DB, error) { return store.OpenToServe(t.Context(), path, store.ServeOptions{}) },
					"check": func() (*store.DB, error) { db, _, err := store.Look(t.Context(), path); return db, err },
				} {
					db, err := open()
					if err == nil {
						t.Fatal(command, "opened it", db.Close())
					}
					if !strings.Contains(err.Error(), "does not belong to the files next to it") || !strings.Contains(err.Error(), "overdue restore") {
						t.Errorf("%s: %v; want what is wrong and what to do", command, err)
					}
				}
				if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
					t.Errorf("the copy was changed (%v)", err)
				}
			})
		}
	}
}

// TestOpen_TakesTheFilesOfAKilledServer: what belongs together opens, also when
// nothing or only a part of it is left to replay.
func TestOpen_TakesTheFilesOfAKilledServer(t *testing.T) {
	for _, gone := range []string{"", "-pings0", "-pings1"} {
		path := filepath.Join(t.TempDir(), "overdue.db")
		w := &world{T: t, db: serving(t, path), start: someDay}
		w.project = w.addProject("main")
		h := w.heartbeat("backup")
		w.say(w.said(h, monitor.Success, time.Minute))
		killed := asKilled(t, path)
		if gone != "" {
			if err := os.Remove(killed + gone); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 { // killed again, right after each start
			after := &world{T: t, db: serving(t, killed), start: someDay, project: w.project}
			if got := after.now(h).Pings; got != 1 && gone != "-pings0" {
				t.Errorf("without %q: %d pings; want 1", gone, got)
			}
			again := asKilled(t, killed)
			if err := after.db.Close(); err != nil {
				t.Fatal(err)
			}
			killed = again
		}
	}
}
