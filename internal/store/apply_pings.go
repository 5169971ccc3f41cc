package store

import (
	"context"
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/writebehind"
)

// ReceivedPing is one ping, with the watermark of its heartbeat.
type ReceivedPing = writebehind.ReceivedPing

// maxBatchBodyBytes is the size of the bodies of a batch above which it is saved to
// the tables at once.
const maxBatchBodyBytes = 64 << 10

// ApplyResult is the effect of a batch of pings.
type ApplyResult struct {
	Unknown    map[string]bool // ids that no heartbeat has
	NewAlerts  int             // number of alerts that became pending
	Heartbeats []int64         // keys of the heartbeats that got a ping
	NextDue    time.Time       // first time that one of these heartbeats is due for evaluation
}

// ApplyPings applies a batch of pings to their heartbeats, in the given order, and
// returns when the result is on disk.
func (db *DB) ApplyPings(ctx context.Context, batch []ReceivedPing) (ApplyResult, error) {
	var result ApplyResult
	if db.buffer == nil {
		err := db.Update(ctx, func(tx *Tx) (err error) {
			result, err = tx.applyPings(batch)
			return err
		})
		if err == nil && len(result.Heartbeats) > 0 {
			db.lastTestPing.Store(time.Now().UnixNano())
		}
		return result, err
	}
	err := db.breaker.Load().Guard(ctx, func(ctx context.Context) (err error) {
		var done bool
		if result, done, err = db.bufferPings(ctx, batch); done || err != nil {
			return err
		}
		result, err = db.flushAndApply(ctx, batch)
		return err
	})
	return result, err
}

// applyPings applies a batch to the heartbeats in the tables and saves them.
func (tx *Tx) applyPings(batch []ReceivedPing) (ApplyResult, error) {
	states, err := tx.HeartbeatsForPings(uniqueIDs(batch))
	if err != nil {
		return ApplyResult{}, err
	}
	now := time.Now().UTC()
	peers := peerWatermark{tx: tx, now: now}
	result, transitions := transitionsOf(batch, states, peers.earliest, tx.db.watching.listForPings)
	if peers.err != nil {
		return ApplyResult{}, peers.err
	}
	result.NewAlerts, err = tx.Save(now, transitions)
	return result, err
}

// peerWatermark returns the time before which all nodes have stored the pings of a
// heartbeat that are known to be in flight. It queries the database only when
// first used, because most pings end no silence.
type peerWatermark struct {
	tx     *Tx
	now    time.Time
	loaded bool
	peers  Peers
	err    error
}

// earliest returns own, the watermark of this node, or that of the other nodes if
// it is earlier.
func (w *peerWatermark) earliest(id string, own time.Time) time.Time {
	if !w.loaded {
		w.loaded = true
		w.peers, w.err = w.tx.Peers(w.now)
	}
	return w.peers.HeldWatermark(id, own.Add(-monitor.Precision)).Add(monitor.Precision)
}

// ownWatermark is the argument of transitionsOf when no other node can have a ping.
func (db *DB) ownWatermark(_ string, own time.Time) time.Time {
	return monitor.Earlier(own, db.watching.limitsAt(time.Now()).gap)
}

// uniqueIDs returns the ids of a batch, each once.
func uniqueIDs(batch []ReceivedPing) []string {
	ids := make([]string, 0, len(batch))
	for _, p := range batch {
		ids = append(ids, p.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// transitionsOf applies pings to their heartbeats and updates states. If a ping
// ends a silence past its deadline, earliest returns the watermark of all nodes: a
// ping that another node has not stored yet can have been in time. blackouts then
// returns the blackouts to take into account.
func transitionsOf(batch []ReceivedPing, states map[string]monitor.Heartbeat, earliest func(id string, own time.Time) time.Time, blackouts func(silent bool) []monitor.Blackout) (ApplyResult, []Transition) {
	result := ApplyResult{Unknown: map[string]bool{}, Heartbeats: make([]int64, 0, len(batch))}
	transitions := make([]Transition, 0, len(batch))
	for i, received := range batch {
		h, known := states[received.ID]
		if !known {
			result.Unknown[received.ID] = true
			continue
		}
		watermark := received.Watermark
		next := h.NextEvaluation()
		silent := !next.IsZero() && next.Before(received.Ping.At) || h.Status == monitor.Late
		if silent {
			watermark = earliest(received.ID, watermark)
			batch[i].Watermark = watermark // a replay of the record evaluates no further
		}
		h, change := h.WithBlackouts(blackouts(silent)).ApplyPing(received.Ping, watermark)
		states[received.ID] = h
		result.Heartbeats = append(result.Heartbeats, h.Key)
		transitions = append(transitions, Transition{Heartbeat: h, Change: change})
		result.NextDue = monitor.Earlier(result.NextDue, h.NextEvaluation())
	}
	return result, transitions
}

// bufferPings applies a batch to the heartbeats in memory and appends it to the
// WAL. done is false, and nothing has changed, if the batch is notable or the
// buffer is full.
func (db *DB) bufferPings(ctx context.Context, batch []ReceivedPing) (result ApplyResult, done bool, err error) {
	b := db.buffer
	if err := b.Lock(ctx); err != nil {
		return ApplyResult{}, false, err
	}
	defer b.Unlock()
	states, err := db.lookupStates(ctx, batch)
	if err != nil {
		return ApplyResult{}, false, err
	}
	result, transitions := transitionsOf(batch, states, db.ownWatermark, db.watching.listForPings)
	if len(transitions) == 0 {
		return result, true, nil
	}
	if b.IsFull() || !bufferable(transitions) {
		return ApplyResult{}, false, nil
	}
	if err := b.Append(batch, transitions, states, result.NextDue); err != nil {
		return ApplyResult{}, false, err
	}
	db.breaker.Load().RecordProgress()
	return result, true, nil
}

// flushAndApply saves all pending pings and a batch in one transaction. The batch
// is applied again: another batch can have been stored since it was found notable.
func (db *DB) flushAndApply(ctx context.Context, batch []ReceivedPing) (result ApplyResult, err error) {
	err = db.flushThen(ctx, func(tx *Tx) error {
		result, err = tx.applyPings(batch)
		return err
	})
	return result, err
}

// lookupStates returns the heartbeats of a batch from memory, or from the tables,
// which are right for heartbeats without pending pings. The caller holds the lock
// of the buffer.
func (db *DB) lookupStates(ctx context.Context, batch []ReceivedPing) (map[string]monitor.Heartbeat, error) {
	states := make(map[string]monitor.Heartbeat, len(batch))
	var unread []ReceivedPing
	for _, received := range batch {
		if h, found := db.buffer.State(received.ID); found {
			states[received.ID] = h
		} else {
			unread = append(unread, received)
		}
	}
	if len(unread) == 0 {
		return states, nil
	}
	err := db.viewTables(ctx, func(tx *Tx) error {
		read, err := tx.HeartbeatsForPings(uniqueIDs(unread))
		for id, h := range read {
			states[id] = h
		}
		return err
	})
	return states, err
}

// bufferable reports whether transitions can wait in the buffer: they cause no
// notification and are small.
func bufferable(transitions []Transition) bool {
	bytes := 0
	for _, t := range transitions {
		if bytes += len(t.Change.Ping.Body); t.Change.Notable() || bytes > maxBatchBodyBytes {
			return false
		}
	}
	return true
}
