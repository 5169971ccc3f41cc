package crash_test

import (
	"flag"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"overdue/client"
	"overdue/internal/snippet"
)

// restartsFlag sets the number of restarts under load.
var restartsFlag = flag.Int("restarts", 3, "restarts under load; of the printed ping line, 20 runs for each")

// TestPrinted_TheCommandLosesNoPingDuringARestart runs the curl command
// that the pages print while the server restarts.
func TestPrinted_TheCommandLosesNoPingDuringARestart(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteFile(t))
	s.startReady(t)
	h := createHeartbeats(t, s.api(), "printed", 1, longInterval)[0]
	line := snippet.DocSnippets(s.base + "/api/v1/hb/" + *h.ID)["success"]
	restarts, runs := *restartsFlag, 20**restartsFlag

	jobs, lost := make(chan struct{}), make(chan string, runs)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range jobs {
				if out, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput(); err != nil {
					lost <- err.Error() + ": " + strings.TrimSpace(string(out))
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range runs {
			jobs <- struct{}{}
			sleep(t.Context(), 25*time.Millisecond)
		}
		close(jobs)
		workers.Wait()
	}()
	for n := 0; n < restarts; n++ {
		sleep(t.Context(), 300*time.Millisecond)
		s.signal(t, syscall.SIGTERM)
		if code := s.waitForExit(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		s.start(t)
		s.waitForReadyz(t, 200, 20*time.Second)
	}
	<-done
	close(lost)
	for how := range lost {
		t.Errorf("a ping was lost: %s", how)
	}
	stored := countPings(t, s.api(), *h.ID)
	t.Logf("%d restarts, %d runs, %d pings stored", restarts, runs, stored)
	if stored < runs {
		t.Errorf("%d pings stored; want %d", stored, runs)
	}
	s.stop(t)
}

// countPings returns the number of stored pings of a heartbeat.
func countPings(t *testing.T, api *client.Client, id string) (stored int) {
	t.Helper()
	for _, err := range api.AllPings(t.Context(), id, client.PageQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		stored++
	}
	return stored
}
