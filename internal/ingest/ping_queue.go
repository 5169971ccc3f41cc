package ingest

import (
	"sync"
	"time"
)

// pingQueue holds the pings that wait for a worker. It has one worker, which can wait for
// a number of pings: a channel would wake it for each of them.
type pingQueue struct {
	limit int           // pings that it can hold
	ready chan struct{} // receives when the worker has what it waits for

	mu     sync.Mutex
	pings  []*queuedPing
	wanted int // pings that the worker waits for; 0: it does not wait
	closed bool
}

// newPingQueue returns an empty queue.
func newPingQueue(limit int) *pingQueue {
	return &pingQueue{limit: limit, ready: make(chan struct{}, 1)}
}

// add adds a ping and reports whether there was room.
func (q *pingQueue) add(w *queuedPing) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.pings) >= q.limit {
		return false
	}
	q.pings = append(q.pings, w)
	q.signal()
	return true
}

// close makes the worker stop when the queue is empty. No ping may be added afterwards.
func (q *pingQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// signal ends the wait of the worker if it has what it waits for.
func (q *pingQueue) signal() {
	if q.wanted > 0 && (len(q.pings) >= q.wanted || q.closed) {
		q.wanted = 0
		q.ready <- struct{}{}
	}
}

// wait waits until the queue has n pings or is closed, but not longer than timeout. Zero is no
// limit.
func (q *pingQueue) wait(n int, timeout time.Duration) {
	q.mu.Lock()
	q.wanted = n
	q.signal()
	q.mu.Unlock()
	var expired <-chan time.Time
	if timeout > 0 {
		expired = time.After(timeout)
	}
	select {
	case <-q.ready:
		return
	case <-expired:
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.wanted == 0 {
		<-q.ready // signaled just now
	}
	q.wanted = 0
}

// take removes up to n pings from the queue and returns them.
func (q *pingQueue) take(n int) []*queuedPing {
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.pings))
	taken := q.pings[:n:n]
	q.pings = append(make([]*queuedPing, 0, n), q.pings[n:]...)
	return taken
}

// len returns the number of pings.
func (q *pingQueue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.pings)
}
