package writebehind

import (
	"context"
	"fmt"
	"slices"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
)

// Taken are pending pings that a transaction saves to the tables. The transaction has
// the lock of the tables until it calls Saved.
type Taken struct {
	Transitions []Transition // each with its heartbeat after all of them

	buffer    *Buffer
	entries   []*entry
	round     []int64  // keys that it took from the round
	held      []string // ids of heartbeats that the transaction holds
	all       bool     // it holds all of them, with the lock of the log
	EndsRound bool     // after them, everything is saved that was in the WAL when the round began
}

// NewTaken returns an empty Taken, for a transaction that can hold heartbeats.
func (b *Buffer) NewTaken() *Taken { return &Taken{buffer: b} }

// add adds the pending pings of a heartbeat.
func (t *Taken) add(e *entry) {
	pending := e.pendingPings()
	if len(pending) == e.taken {
		return
	}
	h := monitor.Heartbeat{Key: e.key, ID: e.id, PingCount: e.count}
	if e.heartbeat != nil {
		h = *e.heartbeat
	}
	keeps := e.keepsDue()
	for _, p := range pending[e.taken:] {
		t.Transitions = append(t.Transitions, Transition{
			Heartbeat: h, Packed: e.packed, KeepsDue: keeps,
			Change: monitor.Change{Ping: p.Ping, ClosedSpans: p.Spans, BlackoutEffects: p.Effects},
		})
	}
	e.taken, e.takenDue = len(pending), e.due
	if keeps {
		e.takenDue = e.tablesDue
	}
	t.entries = append(t.entries, e)
}

// Hold makes pings of a heartbeat that was read from the tables wait until Saved, and
// returns it after its pending pings. These are added to Transitions: the transaction
// must save them before it changes the heartbeat. If the heartbeat is in the batch that
// is being appended, Hold waits for that.
func (t *Taken) Hold(ctx context.Context, h monitor.Heartbeat) (monitor.Heartbeat, error) {
	b := t.buffer
	b.mu.Lock()
	if _, is := b.held[h.ID]; !is && !t.all {
		b.held[h.ID] = struct{}{}
		t.held = append(t.held, h.ID)
	}
	for {
		if _, appending := b.batch[h.ID]; !appending {
			break
		}
		appended := b.appended
		b.mu.Unlock()
		select {
		case <-appended:
		case <-ctx.Done():
			return h, fmt.Errorf("%w: waiting for a ping of the heartbeat: %w", dialect.ErrNoAnswer, ctx.Err())
		}
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	if e := b.byKey[h.Key]; e != nil && e.hasPending() {
		t.add(e)
		return e.after(h)
	}
	return h, nil
}

// Heartbeat returns a heartbeat that was read from the tables after all its pings,
// without holding it.
func (t *Taken) Heartbeat(h monitor.Heartbeat) (monitor.Heartbeat, error) {
	return (&Reader{t.buffer, t.buffer.generation()}).Heartbeat(h)
}

// HoldAll makes all pings wait until Saved, and adds all pending pings to Transitions.
func (t *Taken) HoldAll(ctx context.Context) error {
	if t.all {
		return nil
	}
	if err := t.buffer.Lock(ctx); err != nil {
		return err
	}
	t.all = true
	b := t.buffer
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roundLeft = nil
	b.beginRound()
	for _, key := range b.roundLeft {
		t.add(b.byKey[key])
	}
	t.round, b.roundLeft, t.EndsRound = b.roundLeft, nil, true
	return nil
}

// Saved ends the transaction. committed reports whether the pings are in the tables
// now, and changed whether it changed heartbeats that it holds: then the next pings
// read them again. It releases the heartbeats. The caller has the lock of the tables.
func (t *Taken) Saved(committed, changed bool) {
	b := t.buffer
	if committed && t.EndsRound && !t.all {
		b.append <- struct{}{} // the log is changed
		defer b.Unlock()
	}
	b.mu.Lock()
	if committed {
		t.confirm(changed)
	} else {
		t.putBack()
	}
	for _, id := range t.held {
		delete(b.held, id)
	}
	if len(t.held) > 0 {
		close(b.released)
		b.released = make(chan struct{})
	}
	b.mu.Unlock()
	if t.all {
		b.Unlock()
	}
}

// confirm removes the taken pings from memory.
func (t *Taken) confirm(changed bool) {
	b := t.buffer
	for _, e := range t.entries {
		b.readers.retire(e)
		for i := range e.pending[:e.taken] { // pings that are taken are not packed
			b.pending--
			b.bodyBytes -= int64(len(e.pending[i].Ping.Body))
		}
		e.pending = slices.Clone(e.pending[e.taken:]) // frees the taken ones
		if e.taken > 0 {
			e.taken, e.tablesDue = 0, e.takenDue
			b.pushIfSooner(e)
		}
		if !e.hasPending() && e.heartbeat == nil {
			b.remove(e) // the tables have its state
		}
	}
	b.readers.generation++
	if changed {
		t.forget()
	}
	switch {
	case t.all:
		b.log.Reset()
	case t.EndsRound:
		b.log.Truncate()
	}
}

// forget removes the held heartbeats from memory, because the transaction changed them.
func (t *Taken) forget() {
	b := t.buffer
	if t.all {
		b.dropStates()
		return
	}
	for _, id := range t.held {
		if e := b.byID[id]; e != nil {
			b.remove(e)
		}
	}
}

// putBack keeps the pings pending, because they could not be saved. The round takes again what
// was taken from it, and DueBefore those that make a heartbeat due.
func (t *Taken) putBack() {
	b := t.buffer
	for _, e := range t.entries {
		// The transaction can be committed nevertheless, so what the tables say is not known.
		e.taken, e.tablesDue = 0, 0
		b.pushIfSooner(e)
	}
	b.roundLeft = slices.Concat(t.round, b.roundLeft)
}
