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
type backlog struct {
	writing, turn gate
	log           *journal.Journal
	states        map[string]monitor.Heartbeat // by id, as the pending judgements left them

	// pending is what is in the journal and not in the tables, by neighbours:
	// heartbeats whose rows lie on the same pages. They are put away in turns; a
	// round has put away all that was in the journal when it began.
	pending map[int64][]pended
	count   int   // of pending, and of what is just being put away
	bodies  int64 // bytes of their bodies
	sizes   sizes
	round   []int64 // neighbours that are still to come in this round

	// soonest is no later than anything that a pending judgement will let
	// happen by itself; zero when nothing will.
	soonest time.Time

	flushing sync.Mutex
	flush    *flush // the next one, nil when none waits

	many    chan struct{} // wakes who puts away
	ending  chan struct{} // closed to stop that
	stopped chan struct{} // closed when it has stopped
}

// pended is a ping that is in the journal and not in the tables, and the slots
// that it decided. How its heartbeat stands is in states.
type pended struct {
	id      string // of the heartbeat
	ping    monitor.Ping
	decided []monitor.Stretch
}

// pend makes it of a judgement.
func pend(j *Judgement) pended { return pended{j.Heartbeat.ID, j.Change.Ping, j.Change.Decided} }

// judgement is what is put into the tables.
func (p pended) judgement(h monitor.Heartbeat) Judgement {
	return Judgement{Heartbeat: h, Change: monitor.Change{Ping: p.ping, Decided: p.decided}}
}

// Bounds of the backlog, next to its sizes.
const (
	mostBodies   = 64 << 10 // bytes; larger batches go to the tables at once
	neighbouring = 64       // heartbeats that share pages
	atATime      = 512      // pings, or a few more, that one transaction puts away
)

// newBacklog makes an empty one and begins to put away what will gather.
func (db *DB) newBacklog(log *journal.Journal) *backlog {
	b := &backlog{
		writing: make(gate, 1), turn: make(gate, 1), log: log, sizes: db.sizes,
		many: make(chan struct{}, 1), ending: make(chan struct{}), stopped: make(chan struct{}),
	}
	b.empty()
	return b
}

// empty lets go of what is kept in memory to be quick.
func (b *backlog) empty() {
	b.states, b.pending = map[string]monitor.Heartbeat{}, map[int64][]pended{}
}

// gate lets one through at a time.
type gate chan struct{}

// take waits to be let through.
func (g gate) take(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: no turn to write: %w", errSilent, ctx.Err())
	}
}

// give lets the next one through.
func (g gate) give() { <-g }

// both takes both gates.
func (b *backlog) both(ctx context.Context) error {
	if err := b.writing.take(ctx); err != nil {
		return err
	}
	if err := b.turn.take(ctx); err != nil {
		b.writing.give()
		return err
	}
	return nil
}

// giveBoth gives both gates back.
func (b *backlog) giveBoth() {
	b.turn.give()
	b.writing.give()
}

// full reports whether no more may be kept.
func (b *backlog) full() bool {
	return b.count >= b.sizes.pending || b.bodies >= b.sizes.bodies || len(b.states) >= b.sizes.states
}

// plenty reports whether the backlog is full enough to flush a part of it. This is
// early, because a full backlog blocks every ping.
func (b *backlog) plenty() bool {
	return b.count >= b.sizes.few || b.bodies >= b.sizes.bodies/3
}

// keep notes judgements that are in the journal, how their heartbeats stand, and
// when the first of those lapses.
func (b *backlog) keep(judged []Judgement, states map[string]monitor.Heartbeat, next time.Time) {
	for i := range judged {
		n := judged[i].Heartbeat.Key / neighbouring
		b.pending[n] = append(b.pending[n], pend(&judged[i]))
		b.bodies += int64(len(judged[i].Change.Ping.Body))
	}
	b.soonest = monitor.Sooner(b.soonest, next)
	maps.Copy(b.states, states)
	if b.count += len(judged); b.plenty() {
		select {
		case b.many <- struct{}{}:
		default: // one call is waiting, and one is enough
		}
	}
}

// forget notes that all is in the tables.
func (b *backlog) forget() {
	if b.count > 0 {
		clear(b.pending)
	}
	b.count, b.bodies, b.round, b.soonest = 0, 0, nil, time.Time{}
	b.log.Clear()
	if len(b.states) >= b.sizes.states {
		clear(b.states)
	}
}

// leave takes some neighbours out of pending, with about n pings or more; none
// while few are pending.
func (b *backlog) leave(n int) []Judgement {
	if !b.plenty() {
		return nil
	}
	if len(b.round) == 0 {
		b.round = slices.Sorted(maps.Keys(b.pending))
		b.log.Turn()
	}
	groups, pings := 0, 0
	for groups < len(b.round) && pings < n {
		pings += len(b.pending[b.round[groups]])
		groups++
	}
	judged := b.judgements(b.round[:groups])
	for _, group := range b.round[:groups] {
		delete(b.pending, group)
	}
	b.round = b.round[groups:]
	return judged
}

// judgements are what is pending for some neighbours, with how each heartbeat
// stands after all of it.
func (b *backlog) judgements(groups []int64) []Judgement {
	var judged []Judgement
	for _, group := range groups {
		for _, p := range b.pending[group] {
			judged = append(judged, p.judgement(b.states[p.id]))
		}
	}
	return judged
}

// left notes that judgements are in the tables.
func (b *backlog) left(judged []Judgement) {
	b.count -= len(judged)
	for i := range judged {
		b.bodies -= int64(len(judged[i].Change.Ping.Body))
	}
	if len(b.round) == 0 {
		b.log.Forget()
	}
}

// stay puts judgements back that could not be put away: they come again in this
// round.
func (b *backlog) stay(judged []Judgement) {
	back := map[int64][]pended{}
	for i := range judged {
		group := judged[i].Heartbeat.Key / neighbouring
		back[group] = append(back[group], pend(&judged[i]))
	}
	for group, pings := range back {
		b.pending[group] = append(pings, b.pending[group]...)
		b.round = append(b.round, group)
	}
}

// putAway puts pings away while many are pending, until the backlog ends.
func (db *DB) putAway() {
	b := db.backlog
	defer close(b.stopped)
	for {
		select {
		case <-b.ending:
			return
		case <-b.many:
		}
		// After an error the next ping calls again, and who needs the tables is
		// told of it.
		for more := true; more; {
			more, _ = db.putSomeAway(context.Background())
		}
	}
}

// putSomeAway is one transaction of putAway. It reports whether there is more
// to do. Pings are taken meanwhile.
func (db *DB) putSomeAway(ctx context.Context) (more bool, err error) {
	b := db.backlog
	if err := b.both(ctx); err != nil {
		return false, err
	}
	defer b.writing.give()
	away := b.leave(atATime)
	b.turn.give()
	if len(away) == 0 {
		return false, nil
	}
	err = db.write(ctx, func(tx *Tx) error { return tx.saveAway(away) })
	if err := b.turn.take(ctx); err != nil {
		return false, err
	}
	defer b.turn.give()
	if err != nil {
		b.stay(away)
		return false, err
	}
	b.left(away)
	return b.plenty(), nil
}

// saveAway puts judgements into the tables that were heard before.
func (tx *Tx) saveAway(judged []Judgement) error {
	if _, err := tx.Save(time.Now().UTC(), judged); err != nil {
		return fmt.Errorf("put pings away: %w", err)
	}
	return nil
}

// UpdateApart is Update for what has nothing to do with heartbeats, so that
// nothing need be put away for it, and no ping waits.
func (db *DB) UpdateApart(ctx context.Context, fn func(*Tx) error) error {
	if db.backlog == nil {
		return db.Update(ctx, fn)
	}
	return db.guarded(ctx, func(ctx context.Context) error {
		if err := db.backlog.writing.take(ctx); err != nil {
			return err
		}
		defer db.backlog.writing.give()
		if err := db.write(ctx, fn); err != nil {
			return err
		}
		return db.inPlace()
	})
}

// ViewApart is View for data that pending pings cannot change: it flushes nothing,
// and no ping waits.
func (db *DB) ViewApart(ctx context.Context, fn func(*Tx) error) error { return db.look(ctx, fn) }

// Soonest is no later than the next moment at which anything happens by itself,
// zero when nothing will. others is how many other nodes live. It puts nothing
// away, so that looking costs little while nothing is due.
func (db *DB) Soonest(ctx context.Context, now time.Time) (next time.Time, others int, err error) {
	var pending time.Time
	err = db.guarded(ctx, func(ctx context.Context) error {
		if b := db.backlog; b != nil {
			// The pending pings first, then the tables: a ping that is flushed in
			// between is seen in both.
			if err := b.turn.take(ctx); err != nil {
				return err
			}
			pending = b.soonest
			b.turn.give()
		}
		return db.UpdateApart(ctx, func(tx *Tx) error {
			peers, err := tx.Peers(now)
			if err != nil {
				return err
			}
			others = peers.Count
			next, err = tx.NextLapse()
			return err
		})
	})
	return monitor.Sooner(next, pending), others, err
}
