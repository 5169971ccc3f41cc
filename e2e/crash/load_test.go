package crash_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"overdue/client"
)

// longInterval is an interval that is longer than a test, so that no ping becomes due.
const longInterval = 3600 // seconds

// createHeartbeats creates heartbeats with the given interval and grace, in seconds.
func createHeartbeats(t *testing.T, api *client.Client, name string, n, seconds int) []client.Heartbeat {
	t.Helper()
	made := make([]client.Heartbeat, n)
	flapping := "send" // each failure is announced, however many there are
	for i := range made {
		title := fmt.Sprintf("%s %d", name, i)
		h, err := api.CreateHeartbeat(t.Context(), client.HeartbeatSettings{Name: &title, Interval: seconds, Grace: seconds, FlappingAlerts: &flapping})
		if err != nil {
			t.Fatal(err)
		}
		made[i] = h
	}
	return made
}

// load is a number of jobs that ping concurrently.
type load struct {
	recorder   *pingRecorder
	heartbeats []client.Heartbeat
	addresses  []string // of the servers; each job has one of them
	body       string   // of most pings

	cancel context.CancelFunc
	jobs   sync.WaitGroup
}

// startLoad starts jobs that ping random heartbeats, each over one connection, until
// stop.
func startLoad(t *testing.T, l *load, jobs int, r *rand.Rand) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l.cancel = cancel
	for n := range jobs {
		own := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
		l.jobs.Go(func() { l.runJob(ctx, &pingConn{address: l.addresses[n%len(l.addresses)]}, own) })
	}
	t.Cleanup(l.stop)
	return l
}

// stop waits until every job has finished its request.
func (l *load) stop() {
	l.cancel()
	l.jobs.Wait()
}

// runJob pings over one connection until ctx ends.
func (l *load) runJob(ctx context.Context, w *pingConn, r *rand.Rand) {
	defer w.close()
	for sleep(ctx, randomDuration(r, 0, 40*time.Millisecond)) {
		id := *l.heartbeats[r.IntN(len(l.heartbeats))].ID
		if l.recorder.sentCount(id) >= maxPingsPerHeartbeat-100 {
			continue // more pings would exceed the stored history
		}
		method, signal, body := http.MethodPost, "", l.body
		switch r.IntN(10) {
		case 0:
			method, body = http.MethodGet, ""
		case 1:
			signal = "/log"
		case 2:
			body = "part of the output of a job that succeeded"
		}
		l.recorder.send(w, id, method, signal, body)
	}
}

// waitForAcks waits until more pings are acknowledged.
func (b *pingRecorder) waitForAcks(t *testing.T, more int, longest time.Duration) {
	t.Helper()
	before, _ := b.counts()
	waitUntil(t, longest, fmt.Sprintf("%d more pings acknowledged", more), func() bool {
		now, _ := b.counts()
		return now >= before+more
	})
}
