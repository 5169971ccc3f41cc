// Package circuit is the only place that decides whether the database answers.
// Its breaker prevents a database that stopped answering from blocking every request.
//
// A slow operation proves nothing, because another session can have locked one
// row: it only starts a probe, which does what pings do. If the probe gets no
// answer either, the circuit opens:
//
//	         an operation is slow or gets no answer
//	closed ────────────────────────────────────────▶ probe ── an answer ──▶ closed
//	   ▲                                               │
//	   │                                               │ no answer, and nothing else
//	   │                                               ▼ makes progress
//	   └──────────── a probe gets an answer ────────── open: running operations end
//	                                                   with ErrUnavailable, new ones fail at once
//
// Any answer closes it, even an error. So a full disk or a read-only server does
// not open it: their operations already fail fast.
package circuit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"overdue/internal/store/dialect"
)

// MaxProbes is the maximum number of probes that run at the same time: more than
// start within probeTimeout, so that no probe waits for a connection.
const MaxProbes = 8

// Timeouts. An operation without a deadline serves a request.
const (
	slowOperation     = 2 * time.Second // then a probe starts
	firstProbeTimeout = 2 * time.Second // without an answer by then, the circuit opens
	requestTimeout    = 4 * time.Second
	probeTimeout      = 3 * time.Second
	probeInterval     = 500 * time.Millisecond // a lost probe must not delay the next
	minProbePause     = 100 * time.Millisecond // between two rounds of probes
)

// Options describes how a Breaker probes the database and reports changes.
type Options struct {
	Probe      func(context.Context) error
	Disconnect func()            // closes connections that are probably dead
	Reconnect  func()            // allows new connections again
	OnChange   func(cause error) // nil: the database answers again. It must return at once
}

// Breaker is a circuit breaker. A nil Breaker does not limit operations.
type Breaker struct {
	options      Options
	wake         chan struct{}
	lastProgress atomic.Int64 // of a commit or a long transaction, in ns since 1970

	mu     sync.Mutex
	closed context.Context // ends when the circuit opens
	open   context.CancelFunc
	cause  error // nil while closed

	stop    context.CancelFunc
	stopped chan struct{}
}

// Start returns a closed Breaker. The caller must call Stop.
func Start(o Options) *Breaker {
	ctx, stop := context.WithCancel(context.Background())
	b := &Breaker{options: o, wake: make(chan struct{}, 1), stop: stop, stopped: make(chan struct{})}
	b.closed, b.open = context.WithCancel(ctx)
	go b.run(ctx)
	return b
}

// Stop ends the probes.
func (b *Breaker) Stop() {
	b.stop()
	<-b.stopped
	b.options.Reconnect()
}

// Unavailable returns why the database does not answer, or nil if it does, and a
// channel that is closed when the circuit opens.
func (b *Breaker) Unavailable() (opened <-chan struct{}, cause error) {
	if b == nil {
		return nil, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed.Done(), b.cause
}

// Guard runs an operation on the database. It fails at once while the circuit is
// open, and ends the operation when the circuit opens.
func (b *Breaker) Guard(ctx context.Context, operation func(context.Context) error) error {
	if b == nil {
		return operation(ctx)
	}
	b.mu.Lock()
	closed, cause := b.closed, b.cause
	b.mu.Unlock()
	if cause != nil {
		return cause
	}
	limited, cancel := b.WithDeadline(ctx)
	defer cancel()
	defer context.AfterFunc(closed, cancel)()
	slow, stopClock := context.WithTimeout(closed, slowOperation)
	defer stopClock()
	defer context.AfterFunc(slow, b.requestProbe)()
	err := operation(limited)
	switch {
	case err == nil:
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		// The caller cancelled, which proves nothing about the database.
	case closed.Err() != nil && !errors.Is(err, dialect.ErrUnavailable):
		return fmt.Errorf("%w: %w", dialect.ErrNoAnswer, err)
	case errors.Is(err, dialect.ErrNoAnswer):
		b.requestProbe()
	}
	return err
}

// WithDeadline adds a deadline to a context that has none.
func (b *Breaker) WithDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, given := ctx.Deadline(); given || b == nil {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, requestTimeout)
}

// RecordProgress records a commit, or a step of a long transaction. Reads prove
// nothing: if commits wait for a standby that is gone, reads still succeed.
func (b *Breaker) RecordProgress() {
	if b != nil {
		b.lastProgress.Store(time.Now().UnixNano())
	}
}

// requestProbe starts a probe. It never blocks.
func (b *Breaker) requestProbe() {
	select {
	case b.wake <- struct{}{}:
	default: // a probe is already requested
	}
}

// run probes on request, until ctx ends.
func (b *Breaker) run(ctx context.Context) {
	defer close(b.stopped)
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		}
		b.probeUntilAnswer(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(minProbePause):
		}
	}
}

// probeUntilAnswer probes until the database answers. While the circuit is open,
// further probes start although earlier ones still wait: an answer that the
// network dropped never arrives.
func (b *Breaker) probeUntilAnswer(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results, running := make(chan error, MaxProbes), 0
	start := func() {
		running++
		go func() {
			limited, cancel := context.WithTimeout(ctx, probeTimeout)
			defer cancel()
			results <- b.options.Probe(limited)
		}()
	}
	start()
	first := time.NewTicker(firstProbeTimeout)
	defer first.Stop()
	next := time.NewTicker(probeInterval)
	defer next.Stop()
	for {
		var noAnswer error
		select {
		case <-ctx.Done():
			return
		case err := <-results:
			running--
			// The probe uses a new row, so only a lock on the whole table can block it.
			if !errors.Is(err, dialect.ErrNoAnswer) && !errors.Is(err, dialect.ErrLocked) {
				b.reset()
				return
			}
			noAnswer = err
		case <-first.C:
			noAnswer = fmt.Errorf("%w within %s", dialect.ErrNoAnswer, firstProbeTimeout)
		case <-next.C:
			if running == 0 || running < MaxProbes && b.isOpen() {
				start()
			}
			continue
		}
		if !b.isOpen() && time.Since(time.Unix(0, b.lastProgress.Load())) >= firstProbeTimeout {
			b.trip(noAnswer)
		}
	}
}

// isOpen reports whether operations fail at once.
func (b *Breaker) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cause != nil
}

// trip opens the circuit.
func (b *Breaker) trip(cause error) {
	b.mu.Lock()
	b.cause = cause
	b.mu.Unlock()
	b.open()
	b.options.Disconnect()
	b.options.OnChange(cause)
}

// reset closes the circuit if it is open.
func (b *Breaker) reset() {
	b.options.Reconnect()
	b.mu.Lock()
	wasOpen := b.cause != nil
	if wasOpen {
		b.closed, b.open = context.WithCancel(context.Background())
		b.cause = nil
	}
	b.mu.Unlock()
	if wasOpen {
		b.options.OnChange(nil)
	}
}
