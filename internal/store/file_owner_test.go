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

// copyDatabase copies one file over another, as cp does.
func copyDatabase(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// copyOverKilledServer returns the path of the files of a killed server, with an earlier copy
// over its database: a backup, or the file of a stopped server.
func copyOverKilledServer(t *testing.T, backup bool) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "overdue.db")
	w := &fixture{T: t, db: openServer(t, path), start: realTimeStart}
	w.project = w.addProject("main")
	h := w.newSavedHeartbeat("backup")
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute))
	old := path + ".old"
	if backup {
		if err := w.db.Backup(context.Background(), old); err != nil {
			t.Fatal(err)
		}
	} else {
		if err := w.db.Close(); err != nil {
			t.Fatal(err)
		}
		copyDatabase(t, path, old)
		w.db = openServer(t, path)
	}
	if err := w.db.StoreTestPing(context.Background()); err != nil { // as the engine does at its start
		t.Fatal(err)
	}
	w.newSavedHeartbeat("second") // in SQLite's log
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, 2*time.Minute))
	killed := copyOfKilledServer(t, path)
	copyDatabase(t, old, killed)
	return killed
}

func TestOpen_RejectsACopyNextToFilesOfAnotherDatabase(t *testing.T) {
	for name, backup := range map[string]bool{"a backup": true, "an earlier copy of the same file": false} {
		for _, gone := range []string{"", "-wal", "-pings1"} {
			t.Run(name+", without "+gone, func(t *testing.T) {
				path := copyOverKilledServer(t, backup)
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
					"check": func() (*store.DB, error) { db, _, err := store.OpenExisting(t.Context(), path); return db, err },
				} {
					db, err := open()
					if err == nil {
						t.Fatal(command, "opened it", db.Close())
					}
					if !strings.Contains(err.Error(), "does not belong to the files next to it") || !strings.Contains(err.Error(), "overdue restore") {
						t.Errorf("%s: %v; want an error with advice", command, err)
					}
				}
				if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
					t.Errorf("the copy has changed (%v)", err)
				}
			})
		}
	}
}

// TestOpen_AcceptsTheFilesOfAKilledServer opens files of one database,
// also if some of them are missing.
func TestOpen_AcceptsTheFilesOfAKilledServer(t *testing.T) {
	for _, gone := range []string{"", "-pings0", "-pings1"} {
		path := filepath.Join(t.TempDir(), "overdue.db")
		w := &fixture{T: t, db: openServer(t, path), start: realTimeStart}
		w.project = w.addProject("main")
		h := w.newSavedHeartbeat("backup")
		w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute))
		killed := copyOfKilledServer(t, path)
		if gone != "" {
			if err := os.Remove(killed + gone); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 { // killed again, right after each start
			after := &fixture{T: t, db: openServer(t, killed), start: realTimeStart, project: w.project}
			if got := after.reload(h).PingCount; got != 1 && gone != "-pings0" {
				t.Errorf("without %q: %d pings; want 1", gone, got)
			}
			again := copyOfKilledServer(t, killed)
			if err := after.db.Close(); err != nil {
				t.Fatal(err)
			}
			killed = again
		}
	}
}
