package crash_test

import (
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"overdue/client"
)

// Number of runs, workers and restarts. Each worker runs its share one after another
// while the server restarts. The timeout of a run is longer than a restart.
const (
	wrappedRuns     = 400
	wrappedWorkers  = 10
	wrappedRestarts = 20
)

func TestRun_LosesNoEndOfAJobWhileTheServerIsRestarted(t *testing.T) {
	t.Parallel()
	r := newRandom(t)
	s := newServer(t, sqliteFile(t))
	s.startReady(t)
	h := createHeartbeats(t, s.api(), "wrapped", 1, longInterval)[0]
	var workers sync.WaitGroup
	work := make(chan int)
	for range wrappedWorkers {
		workers.Go(func() {
			for n := range work {
				wrappedRun(t, *h.PingURL, n)
			}
		})
	}
	for n := range wrappedRuns {
		if each := wrappedRuns / wrappedRestarts; n%each == each-1 {
			if n/each%2 == 0 {
				s.kill(t)
			} else {
				s.stop(t)
			}
			time.Sleep(randomDuration(r, 0, time.Second)) // while no server listens
			s.startReady(t)
		}
		work <- n
	}
	close(work)
	workers.Wait()
	verifyWrapped(t, s.api(), *h.ID)
}

// wrappedRun is one job under "overdue run". Half of the jobs fail.
func wrappedRun(t *testing.T, url string, n int) {
	script := fmt.Sprintf("echo job %d; exit %d", n, n%2)
	out, err := exec.CommandContext(t.Context(), binary, "run", url, "--wait", "60s", "--", "sh", "-c", script).CombinedOutput()
	if want := fmt.Sprintf("job %d\n", n); string(out) != want {
		t.Errorf("run %d: %q, %v; want its output and no warning", n, out, err)
	}
}

// verifyWrapped looks up the end of each run. An end may be stored twice if its
// acknowledgement was lost, but with the same exit code.
func verifyWrapped(t *testing.T, api *client.Client, id string) {
	t.Helper()
	ended := map[string]string{}
	for p, err := range api.AllPings(t.Context(), id, client.PageQuery{Limit: 200}) {
		if err != nil {
			t.Fatal(err)
		}
		if p.Kind != "success" && p.Kind != "fail" {
			continue
		}
		body, err := api.PingBody(t.Context(), id, p.N)
		if err != nil {
			t.Fatal(err)
		}
		ended[strings.TrimSpace(string(body))] = p.Kind
	}
	lost := 0
	for n := range wrappedRuns {
		want := []string{"success", "fail"}[n%2]
		if got := ended[fmt.Sprintf("job %d", n)]; got != want {
			lost++
			t.Errorf("run %d: end %q; want %q", n, got, want)
		}
	}
	t.Logf("%d of %d ends lost over %d restarts", lost, wrappedRuns, wrappedRestarts)
}
