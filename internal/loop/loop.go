// Package loop runs functions in the background: a function does what is due and
// returns how long to wait; Wake ends the wait early.
//
//	  ┌─────────────── Wake ───────────┐
//	  ▼                                │
//	run(ctx, now) ──▶ wait ──▶ sleep ──┘ or until the wait is over
//	  │ error
//	  └──▶ logged when loops start to fail, then retried with a growing backoff, or
//	       at once when Retry says that the cause is gone
//
// A Loop holds no state that matters: everything that is due is in the database, so
// a process that dies loses nothing.
package loop

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Loop runs one function repeatedly.
type Loop struct {
	name    string
	run     func(ctx context.Context, now time.Time) (wait time.Duration, err error)
	log     *slog.Logger
	wakeups chan struct{}
	retries chan struct{} // ends a backoff

	mu      sync.Mutex
	running bool      // the function is being run
	nextRun time.Time // when the next run is to start
	lastErr error     // of the last run
}

// New returns a loop that is not running yet. run does what is due at now, and
// returns how long nothing else will be due.
func New(name string, log *slog.Logger, run func(ctx context.Context, now time.Time) (time.Duration, error)) *Loop {
	return &Loop{
		name: name, run: run, log: log.With("component", "loop", "loop", name),
		wakeups: make(chan struct{}, 1), retries: make(chan struct{}, 1),
	}
}

// Wake ends the current wait, or the next one if the function is being run. It never
// blocks.
func (l *Loop) Wake() {
	select {
	case l.wakeups <- struct{}{}:
	default: // a wake-up is already pending
	}
}

// WakeBefore wakes the loop unless its next run starts before next anyway.
func (l *Loop) WakeBefore(next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running || next.Before(l.nextRun) {
		l.Wake()
	}
}

// Retry ends the current wait, including the backoff after an error. Call it when
// the cause of the error is gone. It never blocks.
func (l *Loop) Retry() {
	select {
	case l.retries <- struct{}{}:
	default: // one is enough
	}
}

// The backoff after errors doubles from minBackoff to maxBackoff.
const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// Run runs the loop until ctx ends.
func (l *Loop) Run(ctx context.Context) {
	backoff := minBackoff
	for ctx.Err() == nil {
		l.markRunning()
		wait, err := l.runOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if l.recordResult(err, backoff) {
				l.log.Error("background loop failing", "error", err)
			}
			wait, backoff = backoff, min(2*backoff, maxBackoff)
		} else {
			if l.recordResult(nil, wait) {
				l.log.Info("background loop recovered")
			}
			backoff = minBackoff
		}
		l.wait(ctx, wait, err == nil)
	}
}

// runTimeout limits one run: a database connection without answers would otherwise
// block the loop until TCP times out.
const runTimeout = 15 * time.Second

// runOnce runs the function once.
func (l *Loop) runOnce(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	return l.run(ctx, time.Now().UTC())
}

// wait waits for a duration. Wake ends a normal wait, but not a backoff; Retry ends
// both.
func (l *Loop) wait(ctx context.Context, wait time.Duration, wakeable bool) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	wakeups := l.wakeups
	if !wakeable {
		wakeups = nil
	}
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wakeups:
	case <-l.retries:
	}
}

// markRunning records that a run has started: what it reads may become outdated.
func (l *Loop) markRunning() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = true
}

// recordResult stores the result of a run. It reports whether the loop has started
// to fail or has recovered.
func (l *Loop) recordResult(err error, wait time.Duration) (changed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	changed = (err == nil) != (l.lastErr == nil)
	l.running, l.lastErr, l.nextRun = false, err, time.Now().Add(wait)
	return changed
}

// maxLateness is the delay of a run after which the loop counts as stalled.
const maxLateness = 10 * time.Second

// StalledError means that a loop is not running.
type StalledError struct {
	Loop string
	Late time.Duration // since the next run was due; 0: the loop has not started
}

// Error returns the name of the loop and how late it is.
func (e *StalledError) Error() string {
	if e.Late == 0 {
		return e.Loop + " loop not started"
	}
	return fmt.Sprintf("%s loop stalled for %.0f s", e.Loop, e.Late.Seconds())
}

// Check returns the last error of the loop, or a *StalledError if its run at now is
// late.
func (l *Loop) Check(now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.lastErr != nil:
		return fmt.Errorf("%s loop: %w", l.name, l.lastErr)
	case l.nextRun.IsZero():
		return &StalledError{Loop: l.name}
	case now.Sub(l.nextRun) > maxLateness:
		return &StalledError{Loop: l.name, Late: now.Sub(l.nextRun)}
	}
	return nil
}
