// Package chore is the one background loop: do what is due, say how long you
// may rest, be woken early by a nudge.
//
//	  ┌────────────── nudge ───────────┐
//	  ▼                                │
//	Do(ctx, now) ──▶ rest ──▶ sleep ───┘ or until the rest is over
//	  │ error
//	  └──▶ logged once per cause, then tried again after a growing pause, or
//	       at once when Retry says that the cause is gone
//
// A Loop keeps nothing that matters: whatever is due stands in the database,
// so a loop that dies with its process has lost nothing.
package chore

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Loop runs one chore over and over.
type Loop struct {
	name    string
	run     func(ctx context.Context, now time.Time) (rest time.Duration, err error)
	log     *slog.Logger
	wakeups chan struct{}
	retries chan struct{} // ends a pause after an error

	mu      sync.Mutex
	running bool      // a turn is under way
	nextRun time.Time // when the next turn is to begin
	lastErr error     // how the last turn went
}

// New makes a loop. do does what is due at now and says for how long nothing
// will be.
func New(name string, log *slog.Logger, do func(ctx context.Context, now time.Time) (time.Duration, error)) *Loop {
	return &Loop{name: name, run: do, log: log, wakeups: make(chan struct{}, 1), retries: make(chan struct{}, 1)}
}

// Wake ends the present rest, or the next one if a turn is under way. It never
// waits.
func (l *Loop) Wake() {
	select {
	case l.wakeups <- struct{}{}:
	default: // one nudge is waiting, and one is enough
	}
}

// WakeBefore nudges unless the loop will have a look before next anyhow.
func (l *Loop) WakeBefore(next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running || next.Before(l.nextRun) {
		l.Wake()
	}
}

// Retry ends the current pause, including the pause after an error. Call it when
// the cause of the error is gone. It never blocks.
func (l *Loop) Retry() {
	select {
	case l.retries <- struct{}{}:
	default: // one is enough
	}
}

// The pauses after an error: the first, and the longest.
const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// Run works until ctx ends.
func (l *Loop) Run(ctx context.Context) {
	pause := minBackoff
	for ctx.Err() == nil {
		l.markRunning()
		rest, err := l.runOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if l.recordResult(err, pause) {
				l.log.Error("background work goes wrong", "chore", l.name, "error", err)
			}
			rest, pause = pause, min(2*pause, maxBackoff)
		} else {
			if l.recordResult(nil, rest) {
				l.log.Info("background work goes on", "chore", l.name)
			}
			pause = minBackoff
		}
		l.wait(ctx, rest, err == nil)
	}
}

// runTimeout bounds one turn: a database connection that went silent would
// otherwise hold the loop for as long as TCP hopes.
const runTimeout = 15 * time.Second

// runOnce is one turn.
func (l *Loop) runOnce(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	return l.run(ctx, time.Now().UTC())
}

// wait waits. Nudge ends a normal pause, but not the pause after an error; Retry
// ends both.
func (l *Loop) wait(ctx context.Context, rest time.Duration, nudged bool) {
	timer := time.NewTimer(rest)
	defer timer.Stop()
	nudge := l.wakeups
	if !nudged {
		nudge = nil
	}
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-nudge:
	case <-l.retries:
	}
}

// markRunning notes that a turn is under way: what it reads may already be old.
func (l *Loop) markRunning() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = true
}

// recordResult keeps how a turn went, and tells whether that is news.
func (l *Loop) recordResult(err error, rest time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	news := (err == nil) != (l.lastErr == nil)
	l.running, l.lastErr, l.nextRun = false, err, time.Now().Add(rest)
	return news
}

// maxLateness is by how much a turn may be late before the loop counts as stuck.
const maxLateness = 10 * time.Second

// Check returns an error when the loop is not doing its work at now.
func (l *Loop) Check(now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.lastErr != nil:
		return fmt.Errorf("%s: %w", l.name, l.lastErr)
	case l.nextRun.IsZero():
		return fmt.Errorf("%s: has not begun", l.name)
	case now.Sub(l.nextRun) > maxLateness:
		return fmt.Errorf("%s: late by %s", l.name, now.Sub(l.nextRun).Round(time.Second))
	}
	return nil
}
