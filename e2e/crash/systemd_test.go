package crash_test

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// systemd receives the reports of a service, as the service manager does.
type systemd struct {
	mu      sync.Mutex
	reports []report
}

// report is one report of a service.
type report struct {
	at    time.Time
	lines []string // such as READY=1
}

// newSystemd returns a receiver for the reports of a server, which must send
// WATCHDOG=1 within the given time.
func newSystemd(t *testing.T, s *server, watchdog time.Duration) *systemd {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	m := &systemd{}
	var receiving sync.WaitGroup
	receiving.Go(func() { m.receive(conn) })
	t.Cleanup(func() {
		_ = conn.Close() // ends receive
		receiving.Wait()
	})
	s.env = append(s.env, "NOTIFY_SOCKET="+path, fmt.Sprintf("WATCHDOG_USEC=%d", watchdog.Microseconds()))
	return m
}

// receive stores reports until the socket is closed.
func (m *systemd) receive(conn *net.UnixConn) {
	buffer := make([]byte, 4096)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		m.mu.Lock()
		m.reports = append(m.reports, report{time.Now(), strings.Split(string(buffer[:n]), "\n")})
		m.mu.Unlock()
	}
}

// received returns when a line was received, in order.
func (m *systemd) received(line string) (times []time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.reports {
		if slices.Contains(r.lines, line) {
			times = append(times, r.at)
		}
	}
	return times
}

// status returns the last status text.
func (m *systemd) status() (text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.reports {
		for _, line := range r.lines {
			if after, found := strings.CutPrefix(line, "STATUS="); found {
				text = after
			}
		}
	}
	return text
}

// longestPause returns the longest time without WATCHDOG=1 between two times.
func (m *systemd) longestPause(from, to time.Time) (longest time.Duration) {
	last := from
	for _, at := range append(m.received("WATCHDOG=1"), to) {
		if at.Before(from) || at.After(to) {
			continue
		}
		longest, last = max(longest, at.Sub(last)), at
	}
	return longest
}

func TestServe_ReportsItsStateToSystemd(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteFile(t))
	s.level = "info"
	m := newSystemd(t, s, 3*time.Second)
	s.startReady(t)
	began := time.Now()
	if n := len(m.received("READY=1")); n != 1 {
		t.Errorf("READY=1 was sent %d times", n)
	}
	createHeartbeats(t, s.api(), "some", 1, longInterval)
	sleep(t.Context(), 3*time.Second)
	if text := m.status(); !strings.HasPrefix(text, "Ready. ") || !strings.Contains(text, " pings stored since ") {
		t.Errorf("status %q", text)
	}
	s.restartInPlace(t)
	waitUntil(t, 10*time.Second, "READY=1 after the restart", func() bool { return len(m.received("READY=1")) == 2 })
	sleep(t.Context(), 3*time.Second)
	if n := len(m.received("RELOADING=1")); n != 1 {
		t.Errorf("RELOADING=1 was sent %d times", n)
	}
	ended := time.Now()
	s.stop(t)
	if n := len(m.received("STOPPING=1")); n != 1 {
		t.Errorf("STOPPING=1 was sent %d times", n)
	}
	pause := m.longestPause(began, ended)
	t.Logf("%d times WATCHDOG=1 in %s, longest pause %s", len(m.received("WATCHDOG=1")), ended.Sub(began), pause)
	if pause > 3*time.Second {
		t.Errorf("a pause of %s: systemd would end the server", pause)
	}
}

// A new process cannot heal a database that does not answer.
func TestServe_TheWatchdogContinuesWhileTheDatabaseDoesNotAnswer(t *testing.T) {
	t.Parallel()
	postgres := newPostgres(t)
	t.Cleanup(func() {
		if err := postgres.Thaw(); err != nil { // a frozen process cannot be stopped
			t.Error(err)
		}
	})
	s := newServer(t, postgres.Address())
	const timeout = 10 * time.Second
	m := newSystemd(t, s, timeout)
	s.startReady(t)
	began := time.Now()
	if err := postgres.Freeze(); err != nil {
		t.Fatal(err)
	}
	sleep(t.Context(), 35*time.Second)
	if text := m.status(); !strings.HasPrefix(text, "Not ready: ") {
		t.Errorf("status %q", text)
	}
	if err := postgres.Thaw(); err != nil {
		t.Fatal(err)
	}
	sleep(t.Context(), 10*time.Second)
	pause := m.longestPause(began, time.Now())
	t.Logf("longest pause %s", pause)
	if pause > timeout {
		t.Errorf("no WATCHDOG=1 for %s: systemd would restart the server again and again", pause)
	}
	if text := m.status(); !strings.HasPrefix(text, "Ready. ") {
		t.Errorf("status %q", text)
	}
	s.stop(t)
}
