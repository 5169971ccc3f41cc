package crash_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"overdue/internal/store/storetest"
)

// newStandby starts a standby of a server.
func newStandby(t *testing.T, primary *storetest.Postgres) *storetest.Postgres {
	t.Helper()
	dir, err := os.MkdirTemp("", "standby")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := primary.NewStandby(filepath.Join(dir, "pg"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() }) // a test can have stopped it
	return s
}

// newPrimary starts a server that a test kills.
func newPrimary(t *testing.T) *storetest.Postgres {
	t.Helper()
	dir, err := os.MkdirTemp("", "primary")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // in the directory of temporary files
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := storetest.NewPostgres(filepath.Join(dir, "pg"), false)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestFailover_ToASynchronousPostgreSQLStandbyLosesNoAcknowledgedPing freezes the
// primary, which is worse than killing it: its host still accepts connections.
func TestFailover_ToASynchronousPostgreSQLStandbyLosesNoAcknowledgedPing(t *testing.T) {
	t.Parallel()
	for _, freeze := range []bool{false, true} {
		r := newRandom(t)
		primary := newPrimary(t)
		t.Cleanup(func() {
			if freeze {
				_ = primary.Thaw()
				_ = primary.Kill()
			}
		})
		standby := newStandby(t, primary)
		if err := primary.WaitForStandby(); err != nil {
			t.Fatal(err)
		}
		s := newServer(t, primary.AddressWith(standby))
		s.startReady(t)
		busy := createHeartbeats(t, s.api(), "busy", 50, longInterval)
		l := startLoad(t, &load{recorder: newPingRecorder(busy), heartbeats: busy, addresses: []string{s.address}}, 16, r)
		l.recorder.waitForAcks(t, 500, 20*time.Second)
		a := startClients(t, s, busy[:1])
		sleep(t.Context(), time.Second)
		stop := primary.Kill
		if freeze {
			stop = primary.Freeze
		}
		began := time.Now()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		sleep(t.Context(), 4*time.Second)
		back := time.Now()
		if err := standby.Promote(); err != nil {
			t.Fatal(err)
		}
		promoted := time.Now()
		s.waitForReadyz(t, http.StatusOK, 5*time.Second)
		t.Logf("frozen %t: promoted after %s, ready %s later", freeze, promoted.Sub(back), time.Since(promoted))
		l.recorder.waitForAcks(t, 200, 10*time.Second)
		a.stop()
		for _, what := range []string{"ping", "page", "api", "readyz"} {
			t.Logf("%s, away: %s; first 200 %s after the promotion", what, summarize(a.resultsBetween(what, began, back)), a.firstOK(what, promoted))
			if worst := slowest(a.resultsBetween(what, began, back)); worst.took > maxRejectionTime || worst.status == 0 {
				t.Errorf("%s: answered %d after %s; want within %s", what, worst.status, worst.took, maxRejectionTime)
			}
			if after := a.firstOK(what, promoted); after > maxRecoveryTime {
				t.Errorf("%s: 200 only %s after the promotion; want within %s", what, after, maxRecoveryTime)
			}
		}
		l.stop()
		// The clients of startClients send pings without a run id, to the first heartbeat.
		for id := range l.recorder.acked {
			if id == *busy[0].ID {
				delete(l.recorder.acked, id)
			}
		}
		l.recorder.verify(t, s.api())
		s.stop(t)
	}
}

// TestFailover_ToAPostgreSQLStandbyThatLagsIsLogged promotes a standby that received
// nothing for a while.
func TestFailover_ToAPostgreSQLStandbyThatLagsIsLogged(t *testing.T) {
	t.Parallel()
	primary := newPrimary(t)
	standby := newStandby(t, primary)
	s := newServer(t, primary.AddressWith(standby))
	s.startReady(t)
	h := createHeartbeats(t, s.api(), "busy", 1, longInterval)[0]
	pings := func(n int) {
		for range n {
			resp, err := http.Post("http://"+s.address+"/api/v1/hb/"+*h.ID, "", nil)
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatal(resp, err)
			}
			_ = resp.Body.Close() // only the status counts
		}
	}
	pings(5)
	waitUntil(t, 10*time.Second, "the standby has the pings", func() bool {
		return standby.Count("SELECT COALESCE(SUM(pings), 0) FROM heartbeats") == 5
	})
	if err := standby.Stop(); err != nil {
		t.Fatal(err)
	}
	pings(7) // the standby lacks them
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	s.waitForReadyz(t, http.StatusServiceUnavailable, 5*time.Second)
	if err := standby.Start(); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(); err != nil {
		t.Fatal(err)
	}
	s.waitForReadyz(t, http.StatusOK, 5*time.Second)
	log, err := os.ReadFile(s.log) // all of it: a slow failover adds many lines
	if err != nil {
		t.Fatal(err)
	}
	if text := string(log); !strings.Contains(text, `"database lost acknowledged pings"`) || !strings.Contains(text, `"pings":7`) {
		t.Errorf("the log does not say that 7 pings are lost: %s", s.logTail())
	}
	s.stop(t)
}
