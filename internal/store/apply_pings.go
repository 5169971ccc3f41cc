package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"overdue/internal/monitor"
)

// ReceivedPing is one ping, and what it takes to judge it.
type ReceivedPing struct {
	ID        string
	Ping      monitor.Ping
	Watermark time.Time // see monitor.Heartbeat.ApplyPing
}

// ApplyResult is what a batch of pings brought about.
type ApplyResult struct {
	Unknown    map[string]bool // ids that no heartbeat has
	NewAlerts  int             // alerts that became owed
	Heartbeats []int64         // keys of the heartbeats that heard something
	NextDue    time.Time       // the first moment at which one of the heartbeats lapses by itself
}

// ApplyPings judges a batch of pings, in the order given, and keeps all of it, synced.
func (db *DB) ApplyPings(ctx context.Context, batch []ReceivedPing) (ApplyResult, error) {
	if db.buffer == nil {
		var heard ApplyResult
		err := db.Update(ctx, func(tx *Tx) (err error) {
			heard, err = tx.applyPings(batch)
			return err
		})
		if err == nil && len(heard.Heartbeats) > 0 {
			db.lastTestPing.Store(time.Now().UnixNano())
		}
		return heard, err
	}
	var heard ApplyResult
	err := db.guard(ctx, func(ctx context.Context) (err error) {
		var done bool
		if heard, done, err = db.bufferPings(ctx, batch); done || err != nil {
			return err
		}
		heard, err = db.flushAndApply(ctx, batch)
		return err
	})
	return heard, err
}

// applyPings judges a batch by the tables, and puts it there.
func (tx *Tx) applyPings(batch []ReceivedPing) (ApplyResult, error) {
	states, err := tx.HeartbeatsForPings(uniqueIDs(batch))
	if err != nil {
		return ApplyResult{}, err
	}
	now := time.Now().UTC()
	known := peerWatermark{tx: tx, now: now}
	heard, judged := judge(batch, states, known.earliest)
	if known.err != nil {
		return ApplyResult{}, known.err
	}
	heard.NewAlerts, err = tx.Save(now, judged)
	return heard, err
}

// peerWatermark returns the moment before which all nodes have stored the pings of a
// heartbeat that are known to be on their way. It queries the database only when
// first used, because most pings end no silence.
type peerWatermark struct {
	tx     *Tx
	now    time.Time
	loaded bool
	peers  Peers
	err    error
}

// earliest returns own, the horizon as this node knows it, or that of the other
// nodes when it is earlier.
func (k *peerWatermark) earliest(id string, own time.Time) time.Time {
	if !k.loaded {
		k.loaded = true
		k.peers, k.err = k.tx.Peers(k.now)
	}
	return k.peers.HeldWatermark(id, own.Add(-monitor.Precision)).Add(monitor.Precision)
}

// ownWatermark is the function that judge takes when no other node can have a ping.
func ownWatermark(_ string, own time.Time) time.Time { return own }

// uniqueIDs lists the ids of a batch, each once.
func uniqueIDs(batch []ReceivedPing) []string {
	ids := make([]string, 0, len(batch))
	for _, h := range batch {
		ids = append(ids, h.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// judge lets each heartbeat hear its pings. states is brought up to date. When a
// ping ends a silence that has lapsed, before returns the horizon with regard to
// the other nodes: a ping that one of them has not stored yet may have been in time.
func judge(batch []ReceivedPing, states map[string]monitor.Heartbeat, before func(id string, own time.Time) time.Time) (ApplyResult, []Transition) {
	heard := ApplyResult{Unknown: map[string]bool{}, Heartbeats: make([]int64, 0, len(batch))}
	judged := make([]Transition, 0, len(batch))
	for _, b := range batch {
		h, known := states[b.ID]
		if !known {
			heard.Unknown[b.ID] = true
			continue
		}
		horizon := b.Watermark
		if next := h.NextEvaluation(); !next.IsZero() && next.Before(b.Ping.At) {
			horizon = before(b.ID, horizon)
		}
		h, change := h.ApplyPing(b.Ping, horizon)
		states[b.ID] = h
		heard.Heartbeats = append(heard.Heartbeats, h.Key)
		judged = append(judged, Transition{Heartbeat: h, Change: change})
		heard.NextDue = monitor.Earlier(heard.NextDue, h.NextEvaluation())
	}
	return heard, judged
}

// bufferPings judges a batch by the states in memory and appends it to the
// journal. It is not done, and has done nothing, when the batch brings news or
// the backlog is full.
func (db *DB) bufferPings(ctx context.Context, batch []ReceivedPing) (heard ApplyResult, done bool, err error) {
	b := db.buffer
	if err := b.buffer.Lock(ctx); err != nil {
		return ApplyResult{}, false, err
	}
	defer b.buffer.Unlock()
	states, err := db.lookupStates(ctx, batch)
	if err != nil {
		return ApplyResult{}, false, err
	}
	heard, judged := judge(batch, states, ownWatermark)
	if len(judged) == 0 {
		return heard, true, nil
	}
	if b.full() || !bufferable(judged) {
		return ApplyResult{}, false, nil
	}
	record, err := encodeRecord(batch, judged)
	if err != nil {
		return ApplyResult{}, false, err
	}
	if err := b.appendRecord(record); err != nil {
		return ApplyResult{}, false, err
	}
	db.recordProgress()
	b.add(judged, states, heard.NextDue)
	return heard, true, nil
}

// appendRecord adds a record to the journal and returns when it is on disk.
func (b *writeBehind) appendRecord(record []byte) error {
	err := b.log.Append(record)
	if err != nil && !errors.Is(err, ErrFilesMoved) {
		return fmt.Errorf("%w: %w", ErrDisk, err)
	}
	return err
}

// flushAndApply puts all that is pending and a batch into the tables. The batch is
// judged again: another batch may have been stored since it was found to bring news.
func (db *DB) flushAndApply(ctx context.Context, batch []ReceivedPing) (heard ApplyResult, err error) {
	err = db.flushThen(ctx, func(tx *Tx) error {
		heard, err = tx.applyPings(batch)
		return err
	})
	return heard, err
}

// lookupStates returns the heartbeats of a batch: from memory, or else as the tables
// have them, which is right for all that nothing is pending for. The caller has
// the turn.
func (db *DB) lookupStates(ctx context.Context, batch []ReceivedPing) (map[string]monitor.Heartbeat, error) {
	states := make(map[string]monitor.Heartbeat, len(batch))
	var unread []ReceivedPing
	for _, heard := range batch {
		if h, known := db.buffer.states[heard.ID]; known {
			states[heard.ID] = h
		} else {
			unread = append(unread, heard)
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

// bufferable reports whether judgements can wait in the journal: nobody is to be
// told of them, and they are small.
func bufferable(judged []Transition) bool {
	bodies := 0
	for _, j := range judged {
		if bodies += len(j.Change.Ping.Body); j.Change.Notable() || bodies > maxBatchBodyBytes {
			return false
		}
	}
	return true
}
