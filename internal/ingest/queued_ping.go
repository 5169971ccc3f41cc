package ingest

import (
	"sync"
	"sync/atomic"

	"overdue/internal/monitor"
)

// queuedPing is a ping whose request waits for its response.
//
// A ping is answered once: by the worker that stored it, or, if that takes too long, by
// patience. The worker removes it from InFlight and then answers it; afterwards the
// request owns it again and can use it for another ping. A ping that patience answered is
// never used again, because a worker can still have it.
type queuedPing struct {
	id       string
	ping     monitor.Ping
	inFlight InFlightPing
	waiting  atomic.Bool // for an answer
	done     chan error  // the answer; buffered, because no one may wait for it
}

// newQueuedPing returns an empty ping.
func newQueuedPing() *queuedPing {
	w := &queuedPing{done: make(chan error, 1)}
	w.inFlight.request = w
	return w
}

// pingPool holds the pings that can be used again.
type pingPool struct{ pool sync.Pool }

// get returns a ping for a heartbeat.
func (p *pingPool) get(id string) *queuedPing {
	w, ok := p.pool.Get().(*queuedPing)
	if !ok {
		w = newQueuedPing()
	}
	w.id = id
	return w
}

// put makes a ping available for get. No worker may have it.
func (p *pingPool) put(w *queuedPing) {
	w.id, w.ping, w.inFlight = "", monitor.Ping{}, InFlightPing{request: w}
	p.pool.Put(w)
}

// answer sends the result to the request, if it waits for one.
func (w *queuedPing) answer(err error) {
	if w.waiting.CompareAndSwap(true, false) {
		w.done <- err
	}
}
