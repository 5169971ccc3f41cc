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
	name  string
	do    func(ctx context.Context, now time.Time) (rest time.Duration, err error)
	log   *slog.Logger
	nudge chan struct{}
	again chan struct{} // ends a pause after an error

	mu      sync.Mutex
	working bool      // a turn is under way
	due     time.Time // when the next turn is to begin
	failed  error     // how the last turn went
}

// New makes a loop. do does what is due at now and says for how long nothing
// will be.
func New(name string, log *slog.Logger, do func(ctx context.Context, now time.Time) (time.Duration, error)) *Loop {
	return &Loop{name: name, do: do, log: log, nudge: make(chan struct{}, 1), again: make(chan struct{}, 1)}
}

// Nudge ends the present rest, or the next one if a turn is under way. It never
// waits.
func (l *Loop) Nudge() {
	select {
	case l.nudge <- struct{}{}:
	default: // one nudge is waiting, and one is enough
	}
}

// NudgeBefore nudges unless the loop will have a look before next anyhow.
func (l *Loop) NudgeBefore(next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.working || next.Before(l.due) {
		l.Nudge()
	}
}

// Retry ends the current pause, including the pause after an error. Call it when
// the cause of the error is gone. It never blocks.
func (l *Loop) Retry() {
	select {
	case l.again <- struct{}{}:
	default: // one is enough
	}
}

// The pauses after an error: the first, and the longest.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// Run works until ctx ends.
func (l *Loop) Run(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		l.begin()
		rest, err := l.turn(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if l.note(err, pause) {
				l.log.Error("background work goes wrong", "chore", l.name, "error", err)
			}
			rest, pause = pause, min(2*pause, longestPause)
		} else {
			if l.note(nil, rest) {
				l.log.Info("background work goes on", "chore", l.name)
			}
			pause = firstPause
		}
		l.rest(ctx, rest, err == nil)
	}
}

// longestTurn bounds one turn: a database connection that went silent would
// otherwise hold the loop for as long as TCP hopes.
const longestTurn = 15 * time.Second

// turn is one turn.
func (l *Loop) turn(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, longestTurn)
	defer cancel()
	return l.do(ctx, time.Now().UTC())
}

// rest waits. Nudge ends a normal pause, but not the pause after an error; Retry
// ends both.
func (l *Loop) rest(ctx context.Context, rest time.Duration, nudged bool) {
	timer := time.NewTimer(rest)
	defer timer.Stop()
	nudge := l.nudge
	if !nudged {
		nudge = nil
	}
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-nudge:
	case <-l.again:
	}
}

// begin notes that a turn is under way: what it reads may already be old.
func (l *Loop) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.working = true
}

// note keeps how a turn went, and tells whether that is news.
func (l *Loop) note(err error, rest time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	news := (err == nil) != (l.failed == nil)
	l.working, l.failed, l.due = false, err, time.Now().Add(rest)
	return news
}

// mostLate is by how much a turn may be late before the loop counts as stuck.
const mostLate = 10 * time.Second

// Check returns an error when the loop is not doing its work at now.
func (l *Loop) Check(now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.failed != nil:
		return fmt.Errorf("%s: %w", l.name, l.failed)
	case l.due.IsZero():
		return fmt.Errorf("%s: has not begun", l.name)
	case now.Sub(l.due) > mostLate:
		return fmt.Errorf("%s: late by %s", l.name, now.Sub(l.due).Round(time.Second))
	}
	return nil
}
