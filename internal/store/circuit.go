package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// circuitBreaker keeps a database that has stopped answering from holding up every
// request. A slow operation proves nothing, because another session may have
// locked one row: it only starts a probe, which does what pings do. When the
// probe gets no answer either, the circuit opens:
//
//	         an operation is slow or gets no answer
//	closed ────────────────────────────────────────▶ probe ── an answer ──▶ closed
//	   ▲                                               │
//	   │                                               │ no answer, and nothing else
//	   │                                               ▼ makes progress
//	   └──────────── a probe gets an answer ────────── open: operations under way end
//	                                                   with ErrUnavailable, new ones fail at once
//
// Any answer closes it, even an error. So a full disk or a read-only server does
// not open it: their operations already fail fast.
type circuitBreaker struct {
	probe        func(context.Context) error
	disconnect   func()          // lets go of connections that are as good as dead
	reconnect    func()          // lets them be opened again
	onChange     func(why error) // nil: the database answers again
	wake         chan struct{}
	lastProgress atomic.Int64 // when something was last committed, or a long transaction went on, in ns since 1970

	mu     sync.Mutex
	closed context.Context // ends when the circuit opens
	open   context.CancelFunc
	cause  error // nil while closed

	stop    context.CancelFunc
	stopped chan struct{}
}

// Timeouts of operations on the database. An operation without a deadline serves a
// request.
const (
	slowOperation     = 2 * time.Second // then a probe starts
	firstProbeTimeout = 2 * time.Second // without an answer by then the circuit opens
	requestTimeout    = 4 * time.Second
	probeTimeout      = 3 * time.Second
	probeInterval     = 500 * time.Millisecond // a probe that was swallowed must not delay the next
	maxProbes         = 8                      // at a time: more than start within probeTimeout, so that none waits for a place
	minProbePause     = 100 * time.Millisecond // between two runs of examine
)

// errNoAnswer means that the database gives no answer: there is no limit to how long
// an operation may take.
var errNoAnswer = fmt.Errorf("%w: it does not answer", ErrUnavailable)

// WatchAvailability starts to monitor whether the database answers. It calls onChange with the
// cause when the database stops answering, and with nil when it answers again.
// onChange must return at once. Watch returns a function that stops monitoring.
func (db *DB) WatchAvailability(onChange func(why error)) (end func()) {
	db.startCircuit(&circuitBreaker{probe: db.storeTestPing, disconnect: db.disconnect, reconnect: db.reconnect, onChange: onChange})
	return db.stopCircuit
}

// startCircuit starts a circuit.
func (db *DB) startCircuit(c *circuitBreaker) {
	ctx, stop := context.WithCancel(context.Background())
	c.wake, c.stop, c.stopped = make(chan struct{}, 1), stop, make(chan struct{})
	c.closed, c.open = context.WithCancel(ctx)
	db.circuit.Store(c)
	go c.run(ctx)
}

// stopCircuit stops the circuit.
func (db *DB) stopCircuit() {
	if c := db.circuit.Swap(nil); c != nil {
		c.stop()
		<-c.stopped
		c.reconnect()
	}
}

// Unavailable returns why the database does not answer, or nil when it does, and
// a channel that is closed once it does not.
func (db *DB) Unavailable() (opened <-chan struct{}, why error) {
	c := db.circuit.Load()
	if c == nil {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed.Done(), c.cause
}

// guard runs an operation on the database. It fails at once while the circuit is
// open, and ends the operation when the circuit opens. Without [DB.WatchAvailability], as in
// commands, operations have no limit.
func (db *DB) guard(ctx context.Context, operation func(context.Context) error) error {
	c := db.circuit.Load()
	if c == nil {
		return operation(ctx)
	}
	c.mu.Lock()
	closed, why := c.closed, c.cause
	c.mu.Unlock()
	if why != nil {
		return why
	}
	limited, cancel := withDefaultDeadline(ctx)
	defer cancel()
	defer context.AfterFunc(closed, cancel)()
	slow, stopClock := context.WithTimeout(closed, slowOperation)
	defer stopClock()
	defer context.AfterFunc(slow, c.requestProbe)()
	err := operation(limited)
	switch {
	case err == nil:
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		// The caller has given up, which proves nothing about the database.
	case closed.Err() != nil && !errors.Is(err, ErrUnavailable):
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	case errors.Is(err, errNoAnswer):
		c.requestProbe()
	}
	return err
}

// withDefaultDeadline adds a deadline to an operation that has none.
func withDefaultDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, given := ctx.Deadline(); given {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, requestTimeout)
}

// recordProgress records a commit, or a step of a long transaction. Reads prove nothing:
// if commits wait for a standby that is gone, reads still succeed.
func (db *DB) recordProgress() {
	if c := db.circuit.Load(); c != nil {
		c.lastProgress.Store(time.Now().UnixNano())
	}
}

// requestProbe starts a probe. It never blocks.
func (c *circuitBreaker) requestProbe() {
	select {
	case c.wake <- struct{}{}:
	default: // one is enough
	}
}

// run waits for suspicions and probes, until ctx ends.
func (c *circuitBreaker) run(ctx context.Context) {
	defer close(c.stopped)
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		c.probeUntilAnswer(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(minProbePause):
		}
	}
}

// probeUntilAnswer probes until the database answers. Once the circuit is open, further
// probes start while earlier ones still wait: an answer that the network dropped
// never arrives.
func (c *circuitBreaker) probeUntilAnswer(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results, underway := make(chan error, maxProbes), 0
	start := func() {
		underway++
		go func() {
			limited, cancel := context.WithTimeout(ctx, probeTimeout)
			defer cancel()
			results <- c.probe(limited)
		}()
	}
	start()
	verdict := time.NewTicker(firstProbeTimeout)
	defer verdict.Stop()
	next := time.NewTicker(probeInterval)
	defer next.Stop()
	for {
		var silent error
		select {
		case <-ctx.Done():
			return
		case err := <-results:
			underway--
			// The probe uses a new row, so only a lock on the whole table can block it.
			if !errors.Is(err, errNoAnswer) && !errors.Is(err, ErrLocked) {
				c.reset()
				return
			}
			silent = err
		case <-verdict.C:
			silent = fmt.Errorf("%w within %s", errNoAnswer, firstProbeTimeout)
		case <-next.C:
			if underway == 0 || underway < maxProbes && c.isOpen() {
				start()
			}
			continue
		}
		if !c.isOpen() && time.Since(time.Unix(0, c.lastProgress.Load())) >= firstProbeTimeout {
			c.trip(silent)
		}
	}
}

// isOpen reports whether operations fail at once.
func (c *circuitBreaker) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause != nil
}

// trip opens the circuit.
func (c *circuitBreaker) trip(why error) {
	c.mu.Lock()
	c.cause = why
	c.mu.Unlock()
	c.open()
	c.disconnect()
	c.onChange(why)
}

// reset closes the circuit, if it is open.
func (c *circuitBreaker) reset() {
	c.reconnect()
	c.mu.Lock()
	wasOpen := c.cause != nil
	if wasOpen {
		c.closed, c.open = context.WithCancel(context.Background())
		c.cause = nil
	}
	c.mu.Unlock()
	if wasOpen {
		c.onChange(nil)
	}
}

// disconnect closes all connections of the pool: idle connections may be as dead as those
// in use.
func (db *DB) disconnect() {
	if db.pool != nil {
		db.dialer.disconnect()
		db.pool.Reset()
	}
}

// reconnect lets the pool connect again.
func (db *DB) reconnect() {
	if db.pool != nil {
		db.dialer.reconnect()
	}
}
