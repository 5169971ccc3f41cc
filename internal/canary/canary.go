// Package canary misses a deadline on purpose, and checks that the alert arrives.
//
//	StorePing ─▶ ingest ─▶ store ─▶ watch.Sweep ─▶ deliver.RunOnce ─▶ Arrived ─▶ Pinger
//	    ▲                                │ deadline passes                │
//	    └──────── next round ◀───────────┴─────────────── Check ◀─────────┘
//
// Each node has a canary: a heartbeat that only this node evaluates, with a channel
// that only this node delivers to. Both are rows that the code of all heartbeats,
// incidents and alerts processes. No user sees them: see store.Tx.PrepareCanary.
//
// A round begins with a ping, and ends when the alert arrives. If the alert is late,
// Check returns an error until one arrives. Rounds during which the database was
// unavailable, or the process was suspended, prove nothing and are repeated: others
// report those.
//
// After each arrival, Pinger pings other monitoring services. If the pipeline is
// stuck, it pings nothing, and they raise the alarm.
package canary

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"overdue/internal/metrics"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// DefaultInterval is the default time from one round to the next.
const DefaultInterval = 2 * time.Minute

// Limits of a round.
const (
	// Bound is how late an alert may arrive. It is longer than the time for which a
	// node that died holds the other nodes back.
	Bound = 10 * time.Second
	// giveUpAfter is the time after the deadline when the next round begins although no
	// alert has arrived: it may have been lost.
	giveUpAfter = time.Minute
	// firstDelay is the time from the start to the first round.
	firstDelay = 2 * time.Second
	// maxGap is the longest time between two runs of the loop in a round. After a longer
	// one, the process was suspended.
	maxGap = 5 * time.Second
	// maxVoid is the maximum number of consecutive rounds that prove nothing.
	maxVoid = 3
	// deadAfter is the time after which the canary of a node that is not seen is deleted.
	deadAfter = 10 * time.Minute
	// step is the time between two runs of the loop in a round.
	step = time.Second
)

// rule is the rule of a canary: its deadline is ten seconds after its ping.
var rule = monitor.Rule{
	Interval: 5 * time.Second, Grace: 5 * time.Second, Early: monitor.DefaultEarly, AlertAfter: 1, Methods: monitor.AnyMethod,
}

// Canary is the canary of one node.
type Canary struct {
	DB       *store.DB
	Ping     func(ctx context.Context, id string) error // stores a ping
	Storing  func(now time.Time) error                  // why the node cannot store pings, nil if it can
	Interval time.Duration
	Metrics  *metrics.Metrics
	Log      *slog.Logger
	OnArrive func() // called after each arrival; must return at once

	next time.Time // of the next round; only used by Run
	void int       // consecutive rounds in which the process was suspended; only used by Run

	mu       sync.Mutex
	began    time.Time // start of the run in progress, zero for none
	lastRun  time.Time // end of the previous run
	deadline time.Time // of the round in progress, zero for none
	missing  time.Time // deadline of the first alert that did not arrive in time, zero for none
	errSince time.Time // since when rounds cannot begin, zero if they can
	lastErr  error
	logged   bool // that it fails

	nextStart time.Time // next, for Status
	rounds    []Round   // finished, oldest first
}

// LateError means that no alert of the canary arrives.
type LateError struct {
	Late  time.Duration // since the missed deadline, or since the first round that could not begin
	Cause error         // why a round cannot begin; nil: an alert was not delivered
}

// Error returns how late the alert is.
func (e *LateError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("canary: not started for %.0f s", e.Late.Seconds())
	}
	return fmt.Sprintf("canary: not delivered for %.0f s", e.Late.Seconds())
}

// Unwrap returns the cause.
func (e *LateError) Unwrap() error { return e.Cause }

// Run begins a round if one is due, and watches the round in progress. It returns how
// long to wait.
func (c *Canary) Run(ctx context.Context, now time.Time) (wait time.Duration, err error) {
	suspended := c.suspended(now)
	c.mu.Lock()
	c.began = now
	c.mu.Unlock()
	defer c.recordRun()
	if c.next.IsZero() {
		c.next = now.Add(firstDelay)
	}
	if c.Storing(now) != nil {
		c.restart(now)
		return step, nil // it is not ready for that reason
	}
	switch deadline := c.roundDeadline(); {
	case deadline.IsZero():
		c.void = 0
	case suspended && c.void < maxVoid:
		c.void++
		c.restart(now)
	default:
		c.watchRound(ctx, deadline, now)
	}
	if now.Before(c.next) {
		if c.roundDeadline().IsZero() {
			return c.next.Sub(now), nil
		}
		return step, nil
	}
	c.recordStart(c.begin(ctx, now), now)
	c.report()
	return step, nil
}

// recordRun records the end of a run.
func (c *Canary) recordRun() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began, c.lastRun, c.nextStart = time.Time{}, time.Now(), c.next
}

// Busy reports whether a run began recently: after a suspension, its ping waits.
func (c *Canary) Busy(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.began.IsZero() && now.Sub(c.began) < Bound
}

// suspended reports whether the process did not run between the previous run and now. It
// compares the wall clock, which continues while a machine sleeps.
func (c *Canary) suspended(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return now.Round(0).Sub(c.lastRun.Round(0)) > maxGap
}

// restart drops the round in progress. The next one begins at now, if none is pending.
func (c *Canary) restart(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.deadline.IsZero() || !c.missing.IsZero() {
		c.next = now
	}
	c.deadline, c.missing, c.errSince, c.lastErr = time.Time{}, time.Time{}, time.Time{}, nil
}

// begin begins a round.
func (c *Canary) begin(ctx context.Context, now time.Time) error {
	var h monitor.Heartbeat
	err := c.DB.Update(ctx, func(tx *store.Tx) (err error) {
		h, err = tx.PrepareCanary(rule, now, now.Add(-deadAfter))
		return err
	})
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	if err := c.Ping(ctx, h.ID); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	deadline, _, err := c.storedRound(ctx)
	if err != nil {
		return err
	}
	if !deadline.After(now) {
		return fmt.Errorf("ping: the deadline is still %s", deadline.Format(time.RFC3339Nano))
	}
	c.next = now.Add(c.Interval)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = deadline
	return nil
}

// storedRound reads the deadline of the canary, the zero time if it is down. void means
// that its alert cannot arrive any more: another node failed to send it, or the canary
// was deleted.
func (c *Canary) storedRound(ctx context.Context) (deadline time.Time, void bool, err error) {
	err = c.DB.View(ctx, func(tx *store.Tx) error {
		h, failed, err := tx.Canary()
		deadline, void = time.Time{}, failed || h.Key == 0
		if err == nil && h.Status != monitor.Down {
			deadline = h.Deadline()
		}
		return err
	})
	if err != nil {
		return deadline, false, fmt.Errorf("read the canary: %w", err)
	}
	return deadline, void, nil
}

// recordStart records whether a round could begin.
func (c *Canary) recordStart(err error, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastErr = err
	switch {
	case err == nil:
		c.errSince = time.Time{}
	case c.errSince.IsZero():
		c.errSince = now
	}
}

// watchRound looks after a round whose alert has not arrived yet.
func (c *Canary) watchRound(ctx context.Context, deadline, now time.Time) {
	late := now.Sub(deadline)
	if late < Bound/2 {
		return
	}
	// A blackout moves the deadline, a node of an earlier version does not know the
	// channel, and other nodes delete the canary of a node that seems dead. None of it is
	// a failure of this node.
	moved, void, err := c.storedRound(ctx)
	switch {
	case err == nil && void:
		c.restart(now)
		return
	case err == nil && moved.After(deadline):
		c.moveDeadline(deadline, moved)
		return
	}
	if late < Bound {
		return
	}
	c.mu.Lock()
	if c.deadline.Equal(deadline) && c.missing.IsZero() {
		c.missing = deadline
		c.recordRound(Round{Deadline: deadline, Lost: true})
		c.Metrics.CanaryLost()
	}
	c.mu.Unlock()
	c.report()
	if late >= giveUpAfter && c.next.After(now) {
		c.next = now
	}
}

// moveDeadline changes the deadline of the round in progress, unless its alert has
// arrived.
func (c *Canary) moveDeadline(from, to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deadline.Equal(from) {
		c.deadline = to
	}
}

// roundDeadline returns the deadline of the round in progress, zero for none.
func (c *Canary) roundDeadline() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.deadline
}

// Arrived receives an alert that the pipeline delivered.
func (c *Canary) Arrived(deadline time.Time) {
	took := time.Since(deadline)
	c.Metrics.CanaryArrived(took)
	c.mu.Lock()
	c.recordRound(Round{Deadline: deadline, Took: took})
	if !deadline.Before(c.deadline) { // otherwise it is the alert of an earlier round
		c.deadline = time.Time{}
	}
	recovered := c.logged
	c.missing, c.logged = time.Time{}, false
	c.mu.Unlock()
	if recovered {
		c.Log.Info("canary delivered again", "component", "canary")
	}
	c.OnArrive()
}

// Check returns a *LateError if rounds cannot begin, or if the alert of a round is late.
func (c *Canary) Check(now time.Time) error {
	if _, down := c.DB.Unavailable(); down != nil {
		return nil // it is not ready anyway
	}
	suspended := c.suspended(now)
	c.mu.Lock()
	defer c.mu.Unlock()
	since, cause := c.missing, error(nil)
	switch {
	case !since.IsZero():
	case !c.errSince.IsZero():
		since, cause = c.errSince, c.lastErr
	case !c.deadline.IsZero() && !suspended: // a loop that is stuck reports itself
		since = c.deadline
	}
	if since.IsZero() || now.Sub(since) < Bound {
		return nil
	}
	return &LateError{Late: now.Sub(since), Cause: cause}
}

// Late returns how late the alert of the canary is, 0 if it is not.
func (c *Canary) Late() time.Duration {
	if late, ok := c.Check(time.Now()).(*LateError); ok {
		return late.Late
	}
	return 0
}

// report logs once that the canary fails.
func (c *Canary) report() {
	err := c.Check(time.Now())
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && !c.logged {
		c.logged = true
		c.Log.Error("canary not delivered", "component", "canary", "error", err, "cause", c.lastErr)
	}
}

// Remove deletes the canary of this node. Call it when the node stops.
func (c *Canary) Remove(ctx context.Context) error {
	return c.DB.Update(ctx, func(tx *store.Tx) error { return tx.DeleteCanary() })
}
