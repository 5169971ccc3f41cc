package crash_test

import (
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"overdue/client"
)

// TestSuspended_APingWhoseSenderGaveUpCountsWhenItArrived stops the process while
// two jobs send their last ping, one on a new connection. Both clients give up. When
// the process continues, the deadline of the previous ping has passed, and the next ping
// was due while the process was stopped: the wait counts from then.
func TestSuspended_APingWhoseSenderGaveUpCountsWhenItArrived(t *testing.T) {
	t.Parallel()
	const seconds = 5 // interval and grace
	s := newServer(t, sqliteFile(t))
	s.startReady(t)
	jobs := createHeartbeats(t, s.api(), "job", 2, seconds)
	b := newPingRecorder(jobs)
	wires := []*pingConn{{address: s.address}, {address: s.address}}
	for i, h := range jobs {
		if a := b.send(wires[i], *h.ID, http.MethodPost, "", ""); !a.ok() {
			t.Fatalf("response %+v", a)
		}
	}
	wires[1].close()
	sleep(t.Context(), 2*time.Second) // the process shows that it runs
	s.signal(t, syscall.SIGSTOP)
	sleep(t.Context(), 4*time.Second)
	sent := time.Now()
	wires[1] = &pingConn{address: s.address}
	for i, h := range jobs {
		if err := wires[i].write(ping{id: *h.ID, method: http.MethodPost, rid: uuid.NewString()}.String()); err != nil {
			t.Fatal(err)
		}
		wires[i].close()
	}
	sleep(t.Context(), 7*time.Second)
	s.signal(t, syscall.SIGCONT)
	resumed := time.Now()
	for _, h := range jobs {
		newest := awaitPing(t, s.api(), *h.ID, 2)
		if off := newest.At.Sub(sent).Abs(); off > time.Second || !slices.Contains(newest.Flags, "delayed") {
			t.Errorf("the time of the ping is %s after it was sent, flags %v; want its arrival and the flag delayed (the process continued after %s)", newest.At.Sub(sent), newest.Flags, resumed.Sub(sent))
		}
		deadline := resumed.Add(2 * seconds * time.Second)
		waitUntil(t, 20*time.Second, "the incident of the dead job", func() bool {
			one, err := s.api().Heartbeat(t.Context(), *h.ID)
			return err == nil && one.Status == "down"
		})
		page, err := s.api().Incidents(t.Context(), client.IncidentQuery{Heartbeat: *h.ID})
		if err != nil || len(page.Items) != 1 || page.Items[0].OpenedAt.Sub(deadline).Abs() > 2*time.Second {
			t.Errorf("incidents %+v, %v; want only one, opened at about %s", page.Items, err, deadline)
		}
	}
}

// awaitPing waits until the nth ping of a heartbeat is stored.
func awaitPing(t *testing.T, api *client.Client, id string, n int64) (newest client.Ping) {
	t.Helper()
	waitUntil(t, 5*time.Second, "the ping to be stored", func() bool {
		page, err := api.Pings(t.Context(), id, client.PageQuery{Limit: 1})
		if err != nil || len(page.Items) == 0 || page.Items[0].N != n {
			return false
		}
		newest = page.Items[0]
		return true
	})
	return newest
}
