package crash_test

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestServe_RejectsPingsOnAFullDiskAndLosesNone(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteFile(t))
	s.startReady(t)
	busy := createHeartbeats(t, s.api(), "busy", 20, longInterval)
	// The bodies fill the write-ahead log, which reserves space in advance.
	body := strings.Repeat("a line of the output of a job\n", 60)
	l := startLoad(t, &load{recorder: newPingRecorder(busy), heartbeats: busy, addresses: []string{s.address}, body: body}, 16, newRandom(t))

	// The disk is full, then space is freed: the server recovers without a restart.
	l.recorder.waitForAcks(t, 100, 20*time.Second)
	s.fillDisk(t, l.recorder)
	if _, err := s.api().Heartbeat(t.Context(), *busy[0].ID); err != nil {
		t.Errorf("reading from a full disk: %v", err)
	}
	s.limitFiles(t, unix.RLIM_INFINITY)
	s.waitForReadyz(t, http.StatusOK, 30*time.Second)
	l.recorder.waitForAcks(t, 100, 20*time.Second)

	// The disk is full; the operator stops the server, frees space and starts it.
	s.fillDisk(t, l.recorder)
	l.stop()
	s.signal(t, syscall.SIGTERM)
	s.waitForExit(t)
	s.startReady(t)
	l.recorder.verify(t, s.api())
	s.stop(t)
	runOverdue(t, "check", "--database", s.database)
}

// fillDisk limits every file of the running server to little more than its size, and
// waits until pings are rejected and /readyz contains the reason.
//
// The limit simulates a full disk. It requires no privileges and takes effect at
// once: the write that reaches the limit is cut short, and the next one fails, as on
// a full disk, but with EFBIG instead of ENOSPC; see setrlimit(2).
func (s *server) fillDisk(t *testing.T, b *pingRecorder) {
	t.Helper()
	wal, err := os.Stat(s.database + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	const room = 100_000 // not a multiple of a page: a write is cut short
	s.limitFiles(t, uint64(wal.Size())+room)
	_, before := b.counts()
	waitUntil(t, 30*time.Second, "50 pings are rejected", func() bool {
		_, rejected := b.counts()
		return rejected >= before+50
	})
	said := s.waitForReadyz(t, http.StatusServiceUnavailable, 20*time.Second)
	if !strings.Contains(said, "the database is unavailable") || !strings.Contains(said, "disk") {
		t.Errorf("/readyz does not contain the reason: %s", said)
	}
}

// limitFiles limits the size of the files that the server writes from now on.
func (s *server) limitFiles(t *testing.T, most uint64) {
	t.Helper()
	limit := unix.Rlimit{Cur: most, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Fatal(err)
	}
}
