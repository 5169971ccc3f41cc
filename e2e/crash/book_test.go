package crash_test

import (
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/google/uuid"

	"overdue/client"
)

// book records which pings were sent and which were acknowledged. Each ping has a
// unique run id, by which it is found again.
type book struct {
	mu       sync.Mutex
	sent     map[string]map[string]bool   // run ids by heartbeat
	acked    map[string]map[string]string // kind by run id, by heartbeat
	acks     int
	rejected int
	wrong    []string // answers that must not be
}

func newBook(heartbeats ...[]client.Heartbeat) *book {
	b := &book{sent: map[string]map[string]bool{}, acked: map[string]map[string]string{}}
	for _, some := range heartbeats {
		for _, h := range some {
			b.sent[*h.ID], b.acked[*h.ID] = map[string]bool{}, map[string]string{}
		}
	}
	return b
}

// send sends a ping under a new run id and notes how that went.
func (b *book) send(w *wire, id, method, signal, body string) answer {
	p := ping{id: id, method: method, signal: signal, rid: uuid.NewString(), body: body}
	b.begin(p)
	a := w.send(p)
	b.end(p, a)
	return a
}

// begin notes that a ping is about to be sent.
func (b *book) begin(p ping) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent[p.id][p.rid] = true
}

// kinds are what the signals are kept as.
var kinds = map[string]string{"": "success", "/fail": "fail", "/log": "log"}

// end notes the answer to a ping. No answer at all is no fault: the server may
// be dead.
func (b *book) end(p ping, a answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case a.broken != nil:
		b.wrong = append(b.wrong, "broken answer: "+a.broken.Error())
	case a.ok():
		b.acked[p.id][p.rid] = kinds[p.signal]
		b.acks++
	case a.status == 503 && a.retryAfter != "":
		b.rejected++
	case a.status != 0:
		b.wrong = append(b.wrong, fmt.Sprintf("answer %d %q, Retry-After %q", a.status, a.body, a.retryAfter))
	}
}

// count returns how many pings were acknowledged and how many were rejected.
func (b *book) count() (acks, rejected int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.acks, b.rejected
}

// sentTo is how many pings were sent to a heartbeat.
func (b *book) sentTo(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.sent[id])
}

// soFar is a book that demands only what is acknowledged by now.
func (b *book) soFar() *book {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := &book{sent: b.sent, acked: map[string]map[string]string{}, acks: b.acks}
	for id, acked := range b.acked {
		c.acked[id] = maps.Clone(acked)
	}
	return c
}

// mostPings is how many pings a heartbeat is sent at most: fewer than are kept,
// so that each can be looked up.
const mostPings = 900

// verify looks up every ping of the book.
func (b *book) verify(t *testing.T, api *client.Client) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.wrong[:min(len(b.wrong), 5)] {
		t.Errorf("one of %d answers that must not be: %s", len(b.wrong), text)
	}
	lost := 0
	for id, acked := range b.acked {
		lost += b.verifyOne(t, api, id, acked)
	}
	t.Logf("%d pings acknowledged, %d rejected", b.acks, b.rejected)
	if lost > 0 {
		t.Errorf("%d of %d acknowledged pings are lost", lost, b.acks)
	}
}

// verifyOne looks up the pings of one heartbeat, and returns how many of those
// that were acknowledged are not there.
func (b *book) verifyOne(t *testing.T, api *client.Client, id string, acked map[string]string) (lost int) {
	t.Helper()
	h, err := api.Heartbeat(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.sent[id]) > mostPings {
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
		t.Errorf("%s: %d pings were counted and are not there", h.Name, next)
	}
	for rid, kind := range acked {
		if stored[rid] != kind {
			lost++
		}
	}
	return lost
}
