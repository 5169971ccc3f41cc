package crash_test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestServe_StoppingAnswersEveryAcceptedRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteFile(t))
	s.startReady(t)
	busy := createHeartbeats(t, s.api(), "busy", 50, longInterval)
	b := newPingRecorder(busy)
	l := startLoad(t, &load{recorder: b, heartbeats: busy, addresses: []string{s.address}}, 32, newRandom(t))
	b.waitForAcks(t, 300, 20*time.Second)

	// The server asks for the bodies of these requests, which proves that it accepted them.
	pings, wires := make([]ping, 32), make([]*pingConn, 32)
	for n := range pings {
		pings[n] = ping{id: *busy[n].ID, method: http.MethodPost, rid: uuid.NewString(), body: strings.Repeat("x", 1000)}
		wires[n] = &pingConn{address: s.address}
		b.recordSent(pings[n])
		if err := wires[n].write(pings[n].head("Expect: 100-continue")); err != nil {
			t.Fatal(err)
		}
		if a := wires[n].read(); a.status != http.StatusContinue {
			t.Fatalf("response %+v; want 100 Continue", a)
		}
	}
	s.signal(t, syscall.SIGTERM)
	sleep(t.Context(), time.Second) // by now it no longer accepts connections
	if status, said := s.readyz(); status != 0 {
		t.Errorf("the stopping server accepted a connection and answered %d %s", status, said)
	}
	for n, p := range pings {
		if err := wires[n].write(p.body); err != nil {
			t.Fatal(err)
		}
	}
	for n, p := range pings {
		a := wires[n].read()
		b.recordResponse(p, a)
		if !a.ok() {
			t.Errorf("response %+v to a request that was accepted before the stop", a)
		}
	}
	if code := s.waitForExit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	l.stop()
	s.startReady(t)
	b.verify(t, s.api())
	s.stop(t)
}

// The test stops the process, sends pings on used and on new connections, and then a
// stop signal. When the process continues, it has read none of them.
func TestServe_StoppingAnswersPingsSentBeforeIt(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteFile(t))
	s.startReady(t)
	busy := createHeartbeats(t, s.api(), "busy", 50, longInterval)
	b := newPingRecorder(busy)
	wires := make([]*pingConn, len(busy))
	for n, h := range busy {
		wires[n] = &pingConn{address: s.address}
		if n%2 == 0 {
			continue // a new connection
		}
		if a := b.send(wires[n], *h.ID, http.MethodPost, "", ""); !a.ok() {
			t.Fatalf("response %+v", a)
		}
	}
	s.signal(t, syscall.SIGSTOP)
	pings := make([]ping, len(busy))
	for n, h := range busy {
		pings[n] = ping{id: *h.ID, method: http.MethodPost, rid: uuid.NewString()}
		b.recordSent(pings[n])
		if err := wires[n].write(pings[n].String()); err != nil {
			t.Fatal(err)
		}
	}
	s.signal(t, syscall.SIGTERM)
	s.signal(t, syscall.SIGCONT)
	for n, p := range pings {
		a := wires[n].read()
		b.recordResponse(p, a)
		if !a.ok() {
			t.Errorf("response %+v to a request sent before the stop; new connection: %t", a, n%2 == 0)
		}
	}
	if code := s.waitForExit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.startReady(t)
	b.verify(t, s.api())
	s.stop(t)
}
