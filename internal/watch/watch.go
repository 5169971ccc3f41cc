// Package watch evaluates heartbeats whose deadline has passed.
//
//	ApplyPing ─▶ due, deadline ─▶ heartbeats.next_at
//	                                  │
//	Sweep: Snapshot ─▶ DueForEvaluation  rows that another node holds are skipped
//	                   h.Evaluate(until) ◀── dated at the deadline, not at the current time
//	                   tx.Save           same transaction: incident and pending alerts
//	       wait until next_at, at most a few seconds; Wake ends it early
//
// A heartbeat is evaluated as of the watermark, not of the current time: just before
// the oldest ping for it that a running node has received and not yet stored. So a
// slow disk delays an evaluation by milliseconds instead of causing a false alarm, and
// a slow request body delays only its own heartbeat.
//
// A sweep with due heartbeats publishes the watermark of its node, and all nodes wait
// until the same next deadline. So nodes wait for each other only for milliseconds.
//
// There is no leader. Any number of nodes can sweep: the row lock is the claim, and
// the result depends on the row, not on the node.
package watch

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"overdue/internal/loop"
	"overdue/internal/metrics"
	"overdue/internal/store"
)

// Snapshot is the state of the pings in flight on this node.
type Snapshot struct {
	Now            time.Time
	Watermark      store.Watermark           // all earlier pings of this node are stored
	EvaluableUntil func(id string) time.Time // until when a heartbeat can be evaluated
}

// Watcher evaluates heartbeats whose deadline has passed.
type Watcher struct {
	DB       *store.DB
	Snapshot func() Snapshot
	Metrics  *metrics.Metrics
	Signals  loop.Signals
	Log      *slog.Logger
	Version  string // of the program
	// Stored, if not nil, is called for a heartbeat that is held back, with the arrival of the last of its
	// pings that is stored, on any node.
	Stored func(id string, at time.Time)

	setBack  atomic.Int64 // by how much the clock was set back, in ns; see ClockSetBack
	started  time.Time    // of this process
	recorded time.Time    // when Publish last succeeded, with the monotonic clock
	failure  error        // last error of Publish since then

	nodes atomic.Int64 // that ran at the last publication, with this one

	sweep sweepState // of the goroutine that runs Sweep
}

// NodeCount returns the number of nodes that ran when this one last published.
func (w *Watcher) NodeCount() int { return int(w.nodes.Load()) }

// Publish publishes the watermark of this node, and records that pings can be stored. If
// no node could record that for some seconds, it records a blackout. It also measures the
// clock of the database.
func (w *Watcher) Publish(ctx context.Context, _ time.Time) (wait time.Duration, err error) {
	if w.started.IsZero() {
		w.started = w.DB.Now()
	}
	r, err := w.publish(ctx)
	if err != nil {
		w.failure = err
		return 0, err
	}
	w.recorded, w.failure = time.Now(), nil
	if err := w.DB.PublishListChanges(ctx, w.DB.Now()); err != nil {
		return 0, err
	}
	if blackout := r.Blackout; blackout != nil {
		w.Metrics.BlackoutEnded(blackout.Length())
		w.Log.Warn("blackout", "component", "watch", "from", blackout.From, "to", blackout.To, "length", blackout.Length().String(), "cause", blackout.Cause, "detail", blackout.Detail)
		w.Signals.Send(loop.Effects{NextDue: blackout.To})
	}
	if r.NoticesDue {
		return w.DB.RecordInterval(), w.enqueueNotices(ctx)
	}
	return w.DB.RecordInterval(), nil
}

// ClockSetBack tells the watcher that the clock of this node was set back, while
// [store.DB.Now] continued. The next Publish shifts the state of all heartbeats.
func (w *Watcher) ClockSetBack(by time.Duration) { w.setBack.Add(int64(by)) }

// acceptClock makes the clock of this node count again after it was set back.
func (w *Watcher) acceptClock(ctx context.Context) error {
	by := w.setBack.Swap(0)
	if by == 0 {
		return nil
	}
	if err := w.DB.SetClockBack(ctx, time.Duration(by), w.evidence()); err != nil {
		w.setBack.Add(by)
		return err
	}
	return nil
}

// publish stores a test ping, then the watermark and the record.
func (w *Watcher) publish(ctx context.Context) (store.Recorded, error) {
	if err := w.acceptClock(ctx); err != nil {
		return store.Recorded{}, err
	}
	// Read before the transaction: every ping before the watermark is committed
	// before other nodes can see the watermark.
	snapshot := w.Snapshot()
	if err := w.DB.StoreTestPing(ctx); err != nil {
		return store.Recorded{}, err
	}
	running := 0
	r, err := w.DB.RecordWatching(ctx, snapshot.Now, w.evidence(), func(tx *store.Tx) error {
		if err := tx.MeasureClock(); err != nil {
			return err
		}
		if err := tx.PublishWatermark(snapshot.Now, snapshot.Watermark); err != nil {
			return err
		}
		peers, err := tx.Peers(snapshot.Now)
		running = 1 + peers.Count
		return err
	})
	if err == nil {
		w.nodes.Store(int64(running))
	}
	return r, err
}

// evidence returns what this process knows about the time since its last record.
func (w *Watcher) evidence() store.Evidence {
	e := store.Evidence{Version: w.Version, Started: w.started, Failure: w.failure}
	if now := time.Now(); !w.recorded.IsZero() {
		e.ClockJump = now.Round(0).Sub(w.recorded.Round(0)) - now.Sub(w.recorded)
	}
	return e
}

// enqueueNotices enqueues the notices about blackouts.
func (w *Watcher) enqueueNotices(ctx context.Context) error {
	var pending int
	err := w.DB.UpdateAll(ctx, func(tx *store.Tx) (err error) {
		pending, err = tx.EnqueueNotices(w.Snapshot().Now)
		return err
	})
	w.Signals.Send(loop.Effects{Pending: pending > 0})
	return err
}

// Leave removes this node from the list of nodes, so other nodes do not wait for it.
func (w *Watcher) Leave(ctx context.Context) error {
	return w.DB.Update(ctx, func(tx *store.Tx) error {
		now := w.Snapshot().Now
		if err := tx.StopWatching(now, w.Version); err != nil {
			return err
		}
		return tx.RemoveNode(now)
	})
}
