package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// TestApplyPings_StoresNothingInDeletedOrReplacedFiles removes or replaces a file
// of a running server: a ping and every other change fail until the same file is back.
func TestApplyPings_StoresNothingInDeletedOrReplacedFiles(t *testing.T) {
	for name, fault := range map[string]struct {
		file    string // which file, or "" for the directory
		replace bool
	}{
		"the directory renamed":    {},
		"the database renamed":     {file: "overdue.db"},
		"the database replaced":    {file: "overdue.db", replace: true},
		"SQLite's log renamed":     {file: "overdue.db-wal"},
		"SQLite's log replaced":    {file: "overdue.db-wal", replace: true},
		"SQLite's index renamed":   {file: "overdue.db-shm"},
		"the journal renamed":      {file: "overdue.db-pings0"},
		"the journal replaced":     {file: "overdue.db-pings0", replace: true},
		"the other journal's file": {file: "overdue.db-pings1"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			w := &fixture{T: t, db: openServer(t, filepath.Join(dir, "overdue.db")), start: realTimeStart}
			w.project = w.addProject("main")
			h := w.newSavedHeartbeat("backup")
			w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute))

			file := filepath.Join(dir, fault.file)
			if err := os.Rename(file, dir+"-away"); err != nil {
				t.Fatal(err)
			}
			if fault.replace {
				if err := os.WriteFile(file, []byte("another"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			w.expectNothingStored(h, strings.TrimSuffix(file, "/"))

			if err := os.Rename(dir+"-away", file); err != nil {
				t.Fatal(err)
			}
			if err := w.db.CheckFiles(context.Background()); err != nil {
				t.Errorf("with the same file back: %v", err)
			}
			w.applyBatch(w.receivedPing(h, monitor.PingSuccess, 3*time.Minute))
			if got := w.reload(h).PingCount; got != 2 {
				t.Errorf("%d pings are stored; want the first, and the one after the file was back", got)
			}
		})
	}
}

// expectNothingStored fails the test if a write succeeds.
func (w *fixture) expectNothingStored(h monitor.Heartbeat, file string) {
	w.Helper()
	ctx := context.Background()
	quiet, news := w.receivedPing(h, monitor.PingSuccess, 2*time.Minute), w.receivedPing(h, monitor.PingFail, 2*time.Minute)
	for what, try := range map[string]func() error{
		"a ping":         func() error { _, err := w.db.ApplyPings(ctx, []store.ReceivedPing{quiet}); return err },
		"a failure ping": func() error { _, err := w.db.ApplyPings(ctx, []store.ReceivedPing{news}); return err },
		"the probe":      func() error { return w.db.StoreTestPing(ctx) },
		"a change":       func() error { return w.db.Update(ctx, func(*store.Tx) error { return nil }) },
		"another change": func() error { return w.db.Update(ctx, func(*store.Tx) error { return nil }) },
		"the check":      func() error { return w.db.CheckFiles(ctx) },
	} {
		err := try()
		if !errors.Is(err, store.ErrFilesMoved) || !errors.Is(err, store.ErrUnavailable) {
			w.Errorf("%s: %v; want ErrFilesMoved", what, err)
		} else if !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "overdue restore") {
			w.Errorf("%s: %v; want the name of the file and advice", what, err)
		}
	}
	if err := w.db.View(ctx, func(tx *store.Tx) error { _, err := tx.Projects(); return err }); err != nil {
		w.Errorf("reading: %v; want no error", err)
	}
}

// TestCheckFiles_RecreatesADeletedLockFile: the database file is still
// locked, but an older Overdue checks only the lock file.
func TestCheckFiles_RecreatesADeletedLockFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overdue.db")
	db := openServer(t, path)
	if err := os.Remove(path + ".lock"); err != nil {
		t.Fatal(err)
	}
	if err := db.CheckFiles(context.Background()); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path + ".lock"); err != nil || !strings.HasPrefix(string(text), "process ") {
		t.Errorf("the lock file contains %q, %v", text, err)
	}
}

// TestClose_SavesEverythingIfOnlyTheWALIsGone: the pings of the missing
// WAL are in memory, and the database file is in place.
func TestClose_SavesEverythingIfOnlyTheWALIsGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overdue.db")
	w := &fixture{T: t, db: openServer(t, path), start: realTimeStart}
	w.project = w.addProject("main")
	h := w.newSavedHeartbeat("backup")
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute))
	for _, side := range []string{"-pings0", "-pings1", "-wal", "-shm"} {
		if err := os.Remove(path + side); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	w.db = openStore(t, path)
	if got := w.reload(h).PingCount; got != 1 {
		t.Errorf("%d pings after the next start; want 1", got)
	}
}

// TestClose_LeavesForeignFilesUnchanged puts another database with its WAL
// in the place of one that is being served.
func TestClose_LeavesForeignFilesUnchanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "overdue.db")
	db := openServer(t, path)
	if err := os.Rename(filepath.Dir(path), filepath.Dir(path)+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, side := range []string{"", "-wal", "-pings0", "-pings1"} {
		if err := os.WriteFile(path+side, []byte("another's"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); !errors.Is(err, store.ErrFilesMoved) {
		t.Errorf("closing: %v; want ErrFilesMoved", err)
	}
	for _, side := range []string{"", "-wal", "-pings0", "-pings1"} {
		if text, err := os.ReadFile(path + side); err != nil || string(text) != "another's" {
			t.Errorf("%s contains %q, %v", path+side, text, err)
		}
	}
}
