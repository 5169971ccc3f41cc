package crash_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"overdue/client"
)

// TestServe_AcknowledgesNoPingAfterItsFilesAreRemoved removes or replaces the files of
// a running server, as a clean-up or a manual restore does.
func TestServe_AcknowledgesNoPingAfterItsFilesAreRemoved(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(dir string) error{
		"the directory is deleted": os.RemoveAll,
		"the directory is renamed": func(dir string) error { return os.Rename(dir, dir+"-away") },
		"the database is replaced": func(dir string) error {
			return os.Rename(filepath.Join(dir, "another.db"), filepath.Join(dir, "overdue.db"))
		},
		"the journal is deleted": func(dir string) error { return os.Remove(filepath.Join(dir, "overdue.db-pings0")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			s := newServer(t, filepath.Join(dir, "overdue.db"))
			s.startReady(t)
			h := createHeartbeats(t, s.api(), "job", 1, longInterval)
			runOverdue(t, "backup", filepath.Join(dir, "another.db"), "--database", s.database)
			b, w := newPingRecorder(h), &pingConn{address: s.address}
			defer w.close()
			if a := b.send(w, *h[0].ID, http.MethodPost, "", ""); !a.ok() {
				t.Fatalf("before the files were removed: %+v", a)
			}
			if err := fault(dir); err != nil {
				t.Fatal(err)
			}
			for _, form := range []string{"", "/start", "/fail"} {
				if a := b.send(w, *h[0].ID, http.MethodPost, form, ""); a.status != http.StatusServiceUnavailable {
					t.Errorf("ping%s was answered %+v; want 503", form, a)
				}
			}
			said := s.waitForReadyz(t, http.StatusServiceUnavailable, 2*time.Second)
			if !strings.Contains(said, "deleted, moved or replaced") || strings.Contains(said, dir) {
				t.Errorf("/readyz says %q; want the fault without the path, because the endpoint is public", said)
			}
			if log := s.logTail(); !strings.Contains(log, "overdue restore") || !strings.Contains(log, s.database) {
				t.Errorf("the log does not say what happened and what to do:\n%s", log)
			}
			s.signal(t, syscall.SIGTERM)
			s.waitForExit(t)
		})
	}
}

// TestRestore_KilledAnywhereLeavesTheOldOrTheNewDatabase kills overdue restore at
// random times.
func TestRestore_KilledAnywhereLeavesTheOldOrTheNewDatabase(t *testing.T) {
	t.Parallel()
	r := newRandom(t)
	s := newServer(t, sqliteFile(t))
	s.startReady(t)
	old := createHeartbeats(t, s.api(), "old", 3, longInterval)
	backup := filepath.Join(t.TempDir(), "backup.db")
	runOverdue(t, "backup", backup, "--database", s.database)
	newer := createHeartbeats(t, s.api(), "newer", 3, longInterval)
	b, w := newPingRecorder(old, newer), &pingConn{address: s.address}
	if a := b.send(w, *newer[0].ID, http.MethodPost, "", ""); !a.ok() {
		t.Fatalf("response %+v", a)
	}
	w.close()
	s.kill(t)
	for killed, restored := 0, false; !restored; killed++ {
		ctx, cancel := context.WithTimeout(t.Context(), randomDuration(r, 0, 40*time.Millisecond)+time.Duration(killed)*10*time.Millisecond)
		err := exec.CommandContext(ctx, binary, "restore", backup, "--database", s.database).Run()
		cancel()
		s.startReady(t)
		list, listed := s.api().Heartbeats(t.Context(), client.HeartbeatQuery{})
		if listed != nil {
			t.Fatal(listed)
		}
		restored = len(list.Items) == len(old)
		if !restored && (len(list.Items) != len(old)+len(newer) || err == nil) {
			t.Fatalf("killed %d times (%v): %d heartbeats; want all of the old database or all of the backup", killed, err, len(list.Items))
		}
		s.kill(t)
		runOverdue(t, "check", "--repair", "--database", s.database) // what an interrupted restore left
		runOverdue(t, "check", "--database", s.database)
	}
	if files, err := filepath.Glob(s.database + ".restor*"); err != nil || len(files) > 0 {
		t.Errorf("left behind: %q, %v", files, err)
	}
}
