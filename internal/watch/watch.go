// Package watch is the place where silence is noticed.
//
//	Hear ─▶ due, deadline ─▶ heartbeats.next_at
//	                             │
//	Sweep: cut ─▶ tx.Lapsing     │  rows that another node has are left to it
//	              h.Lapse(until) ◀── dated at the deadline, not at now
//	              tx.Save           same transaction: incident and owed alerts
//	       rest = next_at − now, at most a few seconds; a nudge cuts it short
//
// A heartbeat is judged as of the horizon, not as of now: no later than the
// arrival of the oldest ping for it that any live node has accepted and not
// yet stored. So a slow disk delays a judgement by milliseconds instead of
// raising a false alarm, and a slow body delays only its own heartbeat.
//
// A sweep that finds something publishes its own horizon, and all
// nodes rest until the same next moment: so they meet there, and wait for each other for
// milliseconds only.
//
// There is no leader. Any number of nodes sweep: the row lock is the claim, and
// the judgement depends on what the row says, not on who looks.
package watch

import (
	"context"
	"time"

	"overdue/internal/meter"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// How a sweep works.
const (
	maxPerSweep     = 500                   // heartbeats judged by one transaction
	minWait         = 5 * time.Millisecond  // what lapsed may be in the hands of another node
	heldWait        = 50 * time.Millisecond // rest while something is held back
	maxWaitAlone    = 5 * time.Second       // alone, every change is our own and nudges us
	maxWaitShared   = 2 * time.Second       // another node's pings may make something lapse sooner
	publishInterval = 3 * time.Second
)

// Snapshot is what this node knows of the pings on their way: the moment, up to when
// all of its pings are stored, and as of when one heartbeat may be judged.
type Snapshot struct {
	Now            time.Time
	Watermark      store.Watermark
	EvaluableUntil func(id string) time.Time
}

// Watcher notices silence.
type Watcher struct {
	DB       *store.DB
	Snapshot func() Snapshot
	Metrics  *meter.Metrics
	Pending  func() // alerts became owed
	// Changed hears the keys of heartbeats that look different now. It must return
	// at once, and may be nil.
	Changed func(keys []int64)
}

// Sweep judges every heartbeat for which something has happened by itself, and
// returns how long nothing more will.
func (w *Watcher) Sweep(ctx context.Context, _ time.Time) (rest time.Duration, err error) {
	turn, err := w.sweep(ctx)
	if err != nil {
		return 0, err
	}
	if turn.pending > 0 {
		w.Pending()
	}
	if w.Changed != nil && len(turn.changed) > 0 {
		w.Changed(turn.changed)
	}
	if turn.due == maxPerSweep && turn.held < turn.due {
		return 0, nil // there may be more
	}
	return turn.wait(), nil
}

// sweepResult is what one transaction of a sweep found.
type sweepResult struct {
	now     time.Time
	due     int // heartbeats that were due for a look
	held    int // of these, those that a ping on its way, or another node, holds back
	pending int
	changed []int64   // keys of those that were judged
	next    time.Time // the next moment at which anything happens by itself
	alone   bool      // no other node lives
}

// wait is how long nothing happens.
func (t sweepResult) wait() time.Duration {
	longest := maxWaitShared
	if t.alone {
		longest = maxWaitAlone
	}
	if t.held > 0 {
		return heldWait
	}
	if t.next.IsZero() {
		return longest
	}
	// The clock is read anew: what the transaction took is no rest. One tick
	// more, because judging is done as of just before now.
	return min(max(time.Until(t.next)+2*monitor.Precision, minWait), longest)
}

// sweep is one transaction.
func (w *Watcher) sweep(ctx context.Context) (sweepResult, error) {
	cut := w.Snapshot()
	next, others, err := w.DB.NextDue(ctx, cut.Now)
	if err != nil || next.IsZero() || next.After(cut.Now) {
		return sweepResult{now: cut.Now, next: next, alone: others == 0}, err
	}
	var t sweepResult
	err = w.DB.Update(ctx, func(tx *store.Tx) error {
		t = sweepResult{now: cut.Now}
		peers, err := tx.Peers(cut.Now)
		if err != nil {
			return err
		}
		t.alone = peers.Count == 0
		lapsing, err := tx.DueForEvaluation(cut.Now, maxPerSweep)
		if err != nil {
			return err
		}
		if len(lapsing) > 0 && !t.alone {
			if err := tx.PublishWatermark(cut.Now, cut.Watermark); err != nil {
				return err
			}
		}
		t.due = len(lapsing)
		var judged []store.Transition
		for _, h := range lapsing {
			until := peers.Watermark(h.ID, cut.EvaluableUntil(h.ID))
			if h.NextEvaluation().After(until) {
				t.held++
				continue
			}
			after, change := h.Evaluate(until)
			w.recordLateness(h, change, cut.Now)
			judged = append(judged, store.Transition{Heartbeat: after, Change: change})
			t.changed = append(t.changed, h.Key)
		}
		if t.pending, err = tx.Save(cut.Now, judged); err != nil {
			return err
		}
		t.next, err = tx.NextDue()
		return err
	})
	return t, err
}

// recordLateness notes how late a lapse was noticed.
func (w *Watcher) recordLateness(before monitor.Heartbeat, change monitor.Change, now time.Time) {
	at := before.NextEvaluation()
	if change.Opened != nil {
		at = change.Opened.At
	}
	w.Metrics.DeadlinePassed(now.Sub(at))
}

// Publish tells the other nodes that this one lives, and up to when its pings
// are stored.
func (w *Watcher) Publish(ctx context.Context, _ time.Time) (rest time.Duration, err error) {
	// Read before the transaction: every ping up to this horizon was committed
	// before the horizon can be seen.
	cut := w.Snapshot()
	if err := w.DB.UpdateWithoutFlush(ctx, func(tx *store.Tx) error { return tx.PublishWatermark(cut.Now, cut.Watermark) }); err != nil {
		return 0, err
	}
	return publishInterval, w.DB.StoreTestPing(ctx)
}

// Leave takes this node off the list, so that nobody waits for it.
func (w *Watcher) Leave(ctx context.Context) error {
	return w.DB.Update(ctx, func(tx *store.Tx) error { return tx.RemoveNode(time.Now().UTC()) })
}
