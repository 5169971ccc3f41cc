package crash_test

import (
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/google/uuid"

	"overdue/client"
)

// pingRecorder records which pings were sent and which were acknowledged. Each ping
// has a unique run id, which identifies it among the stored pings.
type pingRecorder struct {
	mu               sync.Mutex
	sent             map[string]map[string]bool   // run ids by heartbeat
	acked            map[string]map[string]string // kind by run id, by heartbeat
	ackCount         int
	rejected         int
	invalidResponses []string
}

func newPingRecorder(heartbeats ...[]client.Heartbeat) *pingRecorder {
	b := &pingRecorder{sent: map[string]map[string]bool{}, acked: map[string]map[string]string{}}
	for _, some := range heartbeats {
		for _, h := range some {
			b.sent[*h.ID], b.acked[*h.ID] = map[string]bool{}, map[string]string{}
		}
	}
	return b
}

// send sends a ping with a new run id and records the result.
func (b *pingRecorder) send(w *pingConn, id, method, signal, body string) pingResponse {
	p := ping{id: id, method: method, signal: signal, rid: uuid.NewString(), body: body}
	b.recordSent(p)
	a := w.send(p)
	b.recordResponse(p, a)
	return a
}

// recordSent records that a ping is about to be sent.
func (b *pingRecorder) recordSent(p ping) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent[p.id][p.rid] = true
}

// storedKinds maps the signals to the kinds of the stored pings.
var storedKinds = map[string]string{"": "success", "/fail": "fail", "/log": "log"}

// recordResponse records the response to a ping. A missing response is not an error,
// because the server is killed at random times.
func (b *pingRecorder) recordResponse(p ping, a pingResponse) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case a.err != nil:
		b.invalidResponses = append(b.invalidResponses, "incomplete response: "+a.err.Error())
	case a.ok():
		b.acked[p.id][p.rid] = storedKinds[p.signal]
		b.ackCount++
	case a.status == 503 && a.retryAfter != "":
		b.rejected++
	case a.status != 0:
		b.invalidResponses = append(b.invalidResponses, fmt.Sprintf("response %d %q, Retry-After %q", a.status, a.body, a.retryAfter))
	}
}

// counts returns how many pings were acknowledged and how many were rejected.
func (b *pingRecorder) counts() (acks, rejected int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ackCount, b.rejected
}

// sentCount returns the number of pings that were sent to a heartbeat.
func (b *pingRecorder) sentCount(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.sent[id])
}

// snapshot returns a copy that requires only the pings acknowledged until now.
func (b *pingRecorder) snapshot() *pingRecorder {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := &pingRecorder{sent: b.sent, acked: map[string]map[string]string{}, ackCount: b.ackCount}
	for id, acked := range b.acked {
		c.acked[id] = maps.Clone(acked)
	}
	return c
}

// maxPingsPerHeartbeat is the maximum number of pings to one heartbeat. The server
// keeps more, so each ping can be looked up.
const maxPingsPerHeartbeat = 900

// verify looks up every recorded ping.
func (b *pingRecorder) verify(t *testing.T, api *client.Client) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.invalidResponses[:min(len(b.invalidResponses), 5)] {
		t.Errorf("one of %d invalid responses: %s", len(b.invalidResponses), text)
	}
	lost := 0
	for id, acked := range b.acked {
		lost += b.verifyOne(t, api, id, acked)
	}
	t.Logf("%d pings acknowledged, %d rejected", b.ackCount, b.rejected)
	if lost > 0 {
		t.Errorf("%d of %d acknowledged pings are lost", lost, b.ackCount)
	}
}

// verifyOne looks up the pings of one heartbeat, and returns the number of
// acknowledged pings that are not stored.
func (b *pingRecorder) verifyOne(t *testing.T, api *client.Client, id string, acked map[string]string) (lost int) {
	t.Helper()
	h, err := api.Heartbeat(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.sent[id]) > maxPingsPerHeartbeat {
		t.Fatalf("%d pings sent to %s: too many to find each again", len(b.sent[id]), h.Name)
	}
	stored := map[string]string{}
	next := h.PingsCount
	for p, err := range api.AllPings(t.Context(), id, client.PageQuery{Limit: 200}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case p.N != next:
			t.Fatalf("%s: got ping %d; want %d", h.Name, p.N, next)
		case p.RunID == nil || !b.sent[id][*p.RunID]:
			t.Fatalf("%s: ping %d was never sent", h.Name, p.N)
		case stored[*p.RunID] != "":
			t.Errorf("%s: ping %d is stored twice", h.Name, p.N)
		}
		stored[*p.RunID] = p.Kind
		next--
	}
	if next != 0 {
		t.Errorf("%s: %d pings are counted but not stored", h.Name, next)
	}
	for rid, kind := range acked {
		if stored[rid] != kind {
			lost++
		}
	}
	return lost
}
