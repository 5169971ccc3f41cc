// Package circuit is the only place that decides whether the database answers.
// Its breaker prevents a database that stopped answering from blocking every request.
//
// A slow operation proves nothing, because another session can have locked one
// row: it only starts a probe, which does what pings do. If the probe gets no
// answer either, the circuit opens. If it cannot even connect, the circuit opens at once:
//
//	         an operation takes a quarter of a second or gets no answer
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
const MaxProbes = 12

// Timeouts. An operation without a deadline serves a request.
//
// The circuit opens when nothing was committed for the patience. A database that
// needs a second for a commit is slow, not silent: the patience grows with the
// latency of the probes.
const (
	slowOperation    = 250 * time.Millisecond // then a probe starts
	minPatience      = 1750 * time.Millisecond
	maxPatience      = 4 * time.Second
	patienceMemory   = time.Minute // a slow probe counts for this long
	requestTimeout   = 4 * time.Second
	probeTimeout     = 4 * time.Second
	probeInterval    = 400 * time.Millisecond // a lost probe must not delay the next
	minProbePause    = 100 * time.Millisecond // between two rounds of probes
	rejectedInterval = 100 * time.Millisecond // of probes that fail at once
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

	mu      sync.Mutex
	latency latency         // of the probes
	closed  context.Context // ends when the circuit opens
	open    context.CancelFunc
	cause   error // nil while closed

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

// result is the result of a probe.
type result struct {
	started time.Time
	err     error
}

// probeUntilAnswer probes until the database answers. While the circuit is open,
// further probes start although earlier ones still wait: an answer that the
// network dropped never arrives.
func (b *Breaker) probeUntilAnswer(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results, running := make(chan result, MaxProbes), 0
	start := func() {
		running++
		go func() {
			started := time.Now()
			limited, cancel := context.WithTimeout(ctx, probeTimeout)
			defer cancel()
			results <- result{started, b.options.Probe(limited)}
		}()
	}
	begun := time.Now()
	start()
	silent := time.NewTimer(b.untilSilent(begun))
	defer silent.Stop()
	next := time.NewTimer(probeInterval)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-results:
			running--
			if answered(r.err) {
				b.recordAnswer(r.started)
				return
			}
			b.noAnswer(r)
			if running == 0 {
				next.Reset(max(0, rejectedInterval-time.Since(r.started)))
			}
		case <-silent.C:
			if wait := b.untilSilent(begun); wait > 0 {
				silent.Reset(wait)
			} else if !b.isOpen() {
				b.trip(fmt.Errorf("%w: no commit within %s", dialect.ErrNoAnswer, time.Since(b.silentSince(begun)).Round(time.Millisecond)))
			}
		case <-next.C:
			if running == 0 || running < MaxProbes && b.isOpen() {
				start()
			}
			next.Reset(probeInterval)
		}
	}
}

// answered reports whether the result of a probe shows that pings can be stored, or
// that they fail fast. The probe uses a new row, so only a lock on the whole table
// can block it.
func answered(err error) bool {
	return !errors.Is(err, dialect.ErrNoAnswer) && !errors.Is(err, dialect.ErrLocked)
}

// noAnswer opens the circuit if the database rejected the connection of a probe or
// ended it, and nothing was committed since. A probe that timed out only waits.
func (b *Breaker) noAnswer(r result) {
	waited := errors.Is(r.err, context.DeadlineExceeded) || errors.Is(r.err, dialect.ErrLocked)
	if !waited && !b.isOpen() && !b.progress().After(r.started) {
		b.trip(r.err)
	}
}

// progress returns when something was last committed.
func (b *Breaker) progress() time.Time { return time.Unix(0, b.lastProgress.Load()) }

// silentSince returns when an operation began to wait without any progress, if the
// first probe began at begun.
func (b *Breaker) silentSince(begun time.Time) time.Time {
	since := begun.Add(-slowOperation)
	if p := b.progress(); p.After(since) {
		return p
	}
	return since
}

// untilSilent returns how long to wait until the patience is over.
func (b *Breaker) untilSilent(begun time.Time) time.Duration {
	return b.Patience() - time.Since(b.silentSince(begun))
}

// Patience returns how long nothing may be committed before the circuit opens.
func (b *Breaker) Patience() time.Duration {
	if b == nil {
		return maxPatience
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.latency.patience(time.Now(), b.progress())
}

// recordAnswer closes the circuit after the answer to a probe.
func (b *Breaker) recordAnswer(started time.Time) {
	now := time.Now()
	b.mu.Lock()
	if b.cause != nil {
		b.latency.returned = now
	} else {
		b.latency.record(now, now.Sub(started))
	}
	b.mu.Unlock()
	b.reset()
}

// latency is what is known of the speed of the database.
type latency struct {
	slowest  time.Duration // of a probe
	at       time.Time     // of that probe
	returned time.Time     // when the circuit closed
}

// record records the latency of a probe.
func (l *latency) record(now time.Time, took time.Duration) {
	if took >= l.slowest || now.Sub(l.at) > patienceMemory {
		l.slowest, l.at = took, now
	}
}

// patience returns how long nothing may be committed before the circuit opens: up
// to twice the latency of a slow database. The first commit after the database came
// back can take longer, because its caches are empty.
func (l *latency) patience(now, progress time.Time) time.Duration {
	switch {
	case !l.returned.IsZero() && !progress.After(l.returned):
		return maxPatience
	case now.Sub(l.at) > patienceMemory:
		return minPatience
	}
	return min(max(2*l.slowest, minPatience), maxPatience)
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
