package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// circuit keeps a database that has stopped answering from holding up every
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
//	                                                   with ErrAway, new ones fail at once
//
// Only what has an answer closes it, so a full disk or a read-only server does
// not open it: they fail fast without help.
type circuit struct {
	probe    func(context.Context) error
	cut      func()          // lets go of connections that are as good as dead
	mend     func()          // lets them be opened again
	onChange func(why error) // nil: the database answers again
	wake     chan struct{}
	last     atomic.Int64 // when something was last committed, or a long transaction went on, in ns since 1970

	mu     sync.Mutex
	closed context.Context // ends when the circuit opens
	open   context.CancelFunc
	why    error // nil while closed

	stop    context.CancelFunc
	stopped chan struct{}
}

// Limits of what waits for the database. An operation without a deadline of its
// own serves a request.
const (
	slowOperation   = 2 * time.Second // then a probe starts
	firstProbe      = 2 * time.Second // without an answer by then the circuit opens
	requestTimeout  = 4 * time.Second
	probeTimeout    = 3 * time.Second
	probeInterval   = 500 * time.Millisecond // a probe that was swallowed must not delay the next
	maxProbes       = 8                      // at a time: more than start within probeTimeout, so that none waits for a place
	probeHysteresis = 100 * time.Millisecond // between two runs of examine
)

// errSilent says that the database gives no answer: what waits for it may wait
// for as long as it likes.
var errSilent = fmt.Errorf("%w: it does not answer", ErrAway)

// Watch starts to watch whether the database answers, for as long as it serves.
// onChange gets the cause when it stops answering, and nil when it answers
// again. It must return at once. Watch returns a function that ends watching.
func (db *DB) Watch(onChange func(why error)) (end func()) {
	db.watch(&circuit{probe: db.rehearse, cut: db.cut, mend: db.mend, onChange: onChange})
	return db.unwatch
}

// watch starts a circuit.
func (db *DB) watch(c *circuit) {
	ctx, stop := context.WithCancel(context.Background())
	c.wake, c.stop, c.stopped = make(chan struct{}, 1), stop, make(chan struct{})
	c.closed, c.open = context.WithCancel(ctx)
	db.circuit.Store(c)
	go c.run(ctx)
}

// unwatch ends watching.
func (db *DB) unwatch() {
	if c := db.circuit.Swap(nil); c != nil {
		c.stop()
		<-c.stopped
		c.mend()
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
	return c.closed.Done(), c.why
}

// guarded runs an operation on the database: not at all while the circuit is
// open, and no longer than it is closed. Commands, which nobody watches, take
// as long as they need.
func (db *DB) guarded(ctx context.Context, operation func(context.Context) error) error {
	c := db.circuit.Load()
	if c == nil {
		return operation(ctx)
	}
	c.mu.Lock()
	closed, why := c.closed, c.why
	c.mu.Unlock()
	if why != nil {
		return why
	}
	limited, cancel := limit(ctx)
	defer cancel()
	defer context.AfterFunc(closed, cancel)()
	slow, stopClock := context.WithTimeout(closed, slowOperation)
	defer stopClock()
	defer context.AfterFunc(slow, c.suspect)()
	err := operation(limited)
	switch {
	case err == nil:
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		// Nobody waits for it any more, which says nothing of the database.
	case closed.Err() != nil && !errors.Is(err, ErrAway):
		return fmt.Errorf("%w: %w", errSilent, err)
	case errors.Is(err, errSilent):
		c.suspect()
	}
	return err
}

// limit bounds an operation that has no deadline of its own.
func limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, given := ctx.Deadline(); given {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, requestTimeout)
}

// progress notes that something was committed, or that a long transaction goes
// on. Looking proves nothing: where commits wait for a standby that is gone, all
// else goes well.
func (db *DB) progress() {
	if c := db.circuit.Load(); c != nil {
		c.last.Store(time.Now().UnixNano())
	}
}

// suspect starts a probe. It never waits.
func (c *circuit) suspect() {
	select {
	case c.wake <- struct{}{}:
	default: // one is enough
	}
}

// run probes when there is reason to, until ctx ends.
func (c *circuit) run(ctx context.Context) {
	defer close(c.stopped)
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		c.examine(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(probeHysteresis):
		}
	}
}

// examine probes until the database answers. Once the circuit is open, further
// probes start while earlier ones still wait: bytes that the network swallowed
// never come.
func (c *circuit) examine(ctx context.Context) {
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
	verdict := time.NewTicker(firstProbe)
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
			// It locks no row that others know: the whole table must be locked.
			if !errors.Is(err, errSilent) && !errors.Is(err, ErrLocked) {
				c.answers()
				return
			}
			silent = err
		case <-verdict.C:
			silent = fmt.Errorf("%w within %s", errSilent, firstProbe)
		case <-next.C:
			if underway == 0 || underway < maxProbes && c.isOpen() {
				start()
			}
			continue
		}
		if !c.isOpen() && time.Since(time.Unix(0, c.last.Load())) >= firstProbe {
			c.fail(silent)
		}
	}
}

// isOpen reports whether operations fail at once.
func (c *circuit) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why != nil
}

// fail opens the circuit.
func (c *circuit) fail(why error) {
	c.mu.Lock()
	c.why = why
	c.mu.Unlock()
	c.open()
	c.cut()
	c.onChange(why)
}

// answers closes the circuit, if it is open.
func (c *circuit) answers() {
	c.mend()
	c.mu.Lock()
	wasOpen := c.why != nil
	if wasOpen {
		c.closed, c.open = context.WithCancel(context.Background())
		c.why = nil
	}
	c.mu.Unlock()
	if wasOpen {
		c.onChange(nil)
	}
}

// cut lets go of all connections of the pool: those at rest may be as dead as
// those that were used.
func (db *DB) cut() {
	if db.pool != nil {
		db.line.cut()
		db.pool.Reset()
	}
}

// mend lets the pool connect again.
func (db *DB) mend() {
	if db.pool != nil {
		db.line.mend()
	}
}
