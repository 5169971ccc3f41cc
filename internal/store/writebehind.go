package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"overdue/internal/journal"
	"overdue/internal/monitor"
)

// A ping on SQLite changes a row of heartbeats, adds one to pings, and with
// them two or three pages that other pings of the batch did not touch: writing
// and syncing those costs more than all else. So a batch that brings no news is
// appended to a journal, a file beside the database, and what it says is put
// into the tables later, with thousands of others:
//
//	Hear, no news   judge ─▶ journal: one record, synced ─▶ pending
//	meanwhile       some neighbours' pending ─▶ tables     a transaction of their own
//	Hear, news      pending ─▶ tables; judged ─▶ tables    one transaction
//	Update          pending ─▶ tables; fn                  one transaction
//	View            pending ─▶ tables; then look
//	Serve           journal ─▶ judged again ─▶ tables      after a crash
//
// Nobody ever sees tables that lag behind: each transaction begins by putting
// them right. Only the one server that holds the file's lock keeps a journal.
//
// Two gates, taken in this order: writing, for who changes the tables; turn, for
// who uses what is below. A quiet batch needs the turn only, so pings go on
// while others are put away.
type writeBehind struct {
	tables, buffer contextMutex
	log            *journal.Log
	states         map[string]monitor.Heartbeat // by id, as the pending judgements left them

	// pending is what is in the journal and not in the tables, by neighbours:
	// heartbeats whose rows lie on the same pages. They are put away in turns; a
	// round has put away all that was in the journal when it began.
	pending    map[int64][]pendingPing
	count      int   // of pending, and of what is just being put away
	bodyBytes  int64 // bytes of their bodies
	limits     memoryLimits
	groupsLeft []int64 // neighbours that are still to come in this round

	// nextDue is no later than anything that a pending judgement will let
	// happen by itself; zero when nothing will.
	nextDue time.Time

	flushing sync.Mutex
	flush    *pendingFlush // the next one, nil when none waits

	wake    chan struct{} // wakes who puts away
	stop    chan struct{} // closed to stop that
	stopped chan struct{} // closed when it has stopped
}

// pendingPing is a ping that is in the journal and not in the tables, and the slots
// that it decided. How its heartbeat stands is in states.
type pendingPing struct {
	heartbeatID string // of the heartbeat
	ping        monitor.Ping
	spans       []monitor.Span
}

// newPendingPing makes it of a judgement.
func newPendingPing(j *Transition) pendingPing {
	return pendingPing{j.Heartbeat.ID, j.Change.Ping, j.Change.ClosedSpans}
}

// transition is what is put into the tables.
func (p pendingPing) transition(h monitor.Heartbeat) Transition {
	return Transition{Heartbeat: h, Change: monitor.Change{Ping: p.ping, ClosedSpans: p.spans}}
}

// Bounds of the backlog, next to its sizes.
const (
	maxBatchBodyBytes = 64 << 10 // bytes; larger batches go to the tables at once
	groupSize         = 64       // heartbeats that share pages
	pingsPerFlush     = 512      // pings, or a few more, that one transaction puts away
)

// newWriteBehind makes an empty one and begins to put away what will gather.
func (db *DB) newWriteBehind(log *journal.Log) *writeBehind {
	b := &writeBehind{
		tables: make(contextMutex, 1), buffer: make(contextMutex, 1), log: log, limits: db.limits,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	b.dropStates()
	return b
}

// dropStates lets go of what is kept in memory to be quick.
func (b *writeBehind) dropStates() {
	b.states, b.pending = map[string]monitor.Heartbeat{}, map[int64][]pendingPing{}
}

// contextMutex lets one through at a time.
type contextMutex chan struct{}

// Lock waits to be let through.
func (g contextMutex) Lock(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: no turn to write: %w", errNoAnswer, ctx.Err())
	}
}

// Unlock lets the next one through.
func (g contextMutex) Unlock() { <-g }

// lockBoth takes both gates.
func (b *writeBehind) lockBoth(ctx context.Context) error {
	if err := b.tables.Lock(ctx); err != nil {
		return err
	}
	if err := b.buffer.Lock(ctx); err != nil {
		b.tables.Unlock()
		return err
	}
	return nil
}

// unlockBoth gives both gates back.
func (b *writeBehind) unlockBoth() {
	b.buffer.Unlock()
	b.tables.Unlock()
}

// full reports whether no more may be kept.
func (b *writeBehind) full() bool {
	return b.count >= b.limits.maxPending || b.bodyBytes >= b.limits.maxBodyBytes || len(b.states) >= b.limits.maxStates
}

// aboveThreshold reports whether the backlog is full enough to flush a part of it. This is
// early, because a full backlog blocks every ping.
func (b *writeBehind) aboveThreshold() bool {
	return b.count >= b.limits.flushThreshold || b.bodyBytes >= b.limits.maxBodyBytes/3
}

// add notes judgements that are in the journal, how their heartbeats stand, and
// when the first of those lapses.
func (b *writeBehind) add(judged []Transition, states map[string]monitor.Heartbeat, next time.Time) {
	for i := range judged {
		n := judged[i].Heartbeat.Key / groupSize
		b.pending[n] = append(b.pending[n], newPendingPing(&judged[i]))
		b.bodyBytes += int64(len(judged[i].Change.Ping.Body))
	}
	b.nextDue = monitor.Earlier(b.nextDue, next)
	maps.Copy(b.states, states)
	if b.count += len(judged); b.aboveThreshold() {
		select {
		case b.wake <- struct{}{}:
		default: // one call is waiting, and one is enough
		}
	}
}

// flushed notes that all is in the tables.
func (b *writeBehind) flushed() {
	if b.count > 0 {
		clear(b.pending)
	}
	b.count, b.bodyBytes, b.groupsLeft, b.nextDue = 0, 0, nil, time.Time{}
	b.log.Reset()
	if len(b.states) >= b.limits.maxStates {
		clear(b.states)
	}
}

// takeGroups takes some neighbours out of pending, with about n pings or more; none
// while few are pending.
func (b *writeBehind) takeGroups(n int) []Transition {
	if !b.aboveThreshold() {
		return nil
	}
	if len(b.groupsLeft) == 0 {
		b.groupsLeft = slices.Sorted(maps.Keys(b.pending))
		b.log.Rotate()
	}
	groups, pings := 0, 0
	for groups < len(b.groupsLeft) && pings < n {
		pings += len(b.pending[b.groupsLeft[groups]])
		groups++
	}
	judged := b.pendingTransitions(b.groupsLeft[:groups])
	for _, group := range b.groupsLeft[:groups] {
		delete(b.pending, group)
	}
	b.groupsLeft = b.groupsLeft[groups:]
	return judged
}

// pendingTransitions are what is pending for some neighbours, with how each heartbeat
// stands after all of it.
func (b *writeBehind) pendingTransitions(groups []int64) []Transition {
	var judged []Transition
	for _, group := range groups {
		for _, p := range b.pending[group] {
			judged = append(judged, p.transition(b.states[p.heartbeatID]))
		}
	}
	return judged
}

// confirmTaken notes that judgements are in the tables.
func (b *writeBehind) confirmTaken(judged []Transition) {
	b.count -= len(judged)
	for i := range judged {
		b.bodyBytes -= int64(len(judged[i].Change.Ping.Body))
	}
	if len(b.groupsLeft) == 0 {
		b.log.Truncate()
	}
}

// putBack puts judgements back that could not be put away: they come again in this
// round.
func (b *writeBehind) putBack(judged []Transition) {
	back := map[int64][]pendingPing{}
	for i := range judged {
		group := judged[i].Heartbeat.Key / groupSize
		back[group] = append(back[group], newPendingPing(&judged[i]))
	}
	for group, pings := range back {
		b.pending[group] = append(pings, b.pending[group]...)
		b.groupsLeft = append(b.groupsLeft, group)
	}
}

// flushInBackground puts pings away while many are pending, until the backlog ends.
func (db *DB) flushInBackground() {
	b := db.buffer
	defer close(b.stopped)
	for {
		select {
		case <-b.stop:
			return
		case <-b.wake:
		}
		// After an error the next ping calls again, and who needs the tables is
		// told of it.
		for more := true; more; {
			more, _ = db.flushSome(context.Background())
		}
	}
}

// flushSome is one transaction of putAway. It reports whether there is more
// to do. Pings are taken meanwhile.
func (db *DB) flushSome(ctx context.Context) (more bool, err error) {
	b := db.buffer
	if err := b.lockBoth(ctx); err != nil {
		return false, err
	}
	defer b.tables.Unlock()
	away := b.takeGroups(pingsPerFlush)
	b.buffer.Unlock()
	if len(away) == 0 {
		return false, nil
	}
	err = db.updateTables(ctx, func(tx *Tx) error { return tx.saveBuffered(away) })
	if err := b.buffer.Lock(ctx); err != nil {
		return false, err
	}
	defer b.buffer.Unlock()
	if err != nil {
		b.putBack(away)
		return false, err
	}
	b.confirmTaken(away)
	return b.aboveThreshold(), nil
}

// saveBuffered puts judgements into the tables that were heard before.
func (tx *Tx) saveBuffered(judged []Transition) error {
	if _, err := tx.Save(time.Now().UTC(), judged); err != nil {
		return fmt.Errorf("put pings away: %w", err)
	}
	return nil
}

// UpdateWithoutFlush is Update for what has nothing to do with heartbeats, so that
// nothing need be put away for it, and no ping waits.
func (db *DB) UpdateWithoutFlush(ctx context.Context, fn func(*Tx) error) error {
	if db.buffer == nil {
		return db.Update(ctx, fn)
	}
	return db.guard(ctx, func(ctx context.Context) error {
		if err := db.buffer.tables.Lock(ctx); err != nil {
			return err
		}
		defer db.buffer.tables.Unlock()
		if err := db.updateTables(ctx, fn); err != nil {
			return err
		}
		return db.checkInPlace()
	})
}

// ViewWithoutFlush is View for data that pending pings cannot change: it flushes nothing,
// and no ping waits.
func (db *DB) ViewWithoutFlush(ctx context.Context, fn func(*Tx) error) error {
	return db.viewTables(ctx, fn)
}

// NextDue is no later than the next moment at which anything happens by itself,
// zero when nothing will. others is how many other nodes live. It puts nothing
// away, so that looking costs little while nothing is due.
func (db *DB) NextDue(ctx context.Context, now time.Time) (next time.Time, others int, err error) {
	var pending time.Time
	err = db.guard(ctx, func(ctx context.Context) error {
		if b := db.buffer; b != nil {
			// The pending pings first, then the tables: a ping that is flushed in
			// between is seen in both.
			if err := b.buffer.Lock(ctx); err != nil {
				return err
			}
			pending = b.nextDue
			b.buffer.Unlock()
		}
		return db.UpdateWithoutFlush(ctx, func(tx *Tx) error {
			peers, err := tx.Peers(now)
			if err != nil {
				return err
			}
			others = peers.Count
			next, err = tx.NextDue()
			return err
		})
	})
	return monitor.Earlier(next, pending), others, err
}
