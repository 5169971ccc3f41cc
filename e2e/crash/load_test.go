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

// seldom is an interval that is longer than a test, so that no ping becomes due.
const seldom = 3600 // seconds

// makeHeartbeats creates heartbeats with the given interval and grace, in seconds.
func makeHeartbeats(t *testing.T, api *client.Client, name string, n, seconds int) []client.Heartbeat {
	t.Helper()
	made := make([]client.Heartbeat, n)
	for i := range made {
		title := fmt.Sprintf("%s %d", name, i)
		h, err := api.CreateHeartbeat(t.Context(), client.HeartbeatSettings{Name: &title, Interval: seconds, Grace: seconds})
		if err != nil {
			t.Fatal(err)
		}
		made[i] = h
	}
	return made
}

// load is many jobs that ping at once.
type load struct {
	book       *book
	heartbeats []client.Heartbeat
	addresses  []string // of the servers; each job has one of them

	cancel context.CancelFunc
	jobs   sync.WaitGroup
}

// startLoad lets jobs ping random heartbeats over a connection each, until
// stop.
func startLoad(t *testing.T, l *load, jobs int, r *rand.Rand) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l.cancel = cancel
	for n := range jobs {
		own := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
		l.jobs.Go(func() { l.job(ctx, &wire{address: l.addresses[n%len(l.addresses)]}, own) })
	}
	t.Cleanup(l.stop)
	return l
}

// stop lets every job finish its request.
func (l *load) stop() {
	l.cancel()
	l.jobs.Wait()
}

// job pings over one connection until ctx ends.
func (l *load) job(ctx context.Context, w *wire, r *rand.Rand) {
	defer w.close()
	for rest(ctx, between(r, 0, 40*time.Millisecond)) {
		id := *l.heartbeats[r.IntN(len(l.heartbeats))].ID
		if l.book.sentTo(id) >= mostPings-100 {
			continue // its history must not outgrow what is kept
		}
		method, signal, body := http.MethodPost, "", ""
		switch r.IntN(10) {
		case 0:
			method = http.MethodGet
		case 1:
			signal = "/log"
		case 2:
			body = "some of the output of a job that went well"
		}
		l.book.send(w, id, method, signal, body)
	}
}

// awaitAcks waits until more pings are acknowledged.
func (b *book) awaitAcks(t *testing.T, more int, longest time.Duration) {
	t.Helper()
	before, _ := b.count()
	await(t, longest, fmt.Sprintf("%d more pings acknowledged", more), func() bool {
		now, _ := b.count()
		return now >= before+more
	})
}
