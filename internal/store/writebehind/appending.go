package writebehind

import (
	"context"
	"fmt"
	"slices"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
)

// Appending is a batch that is evaluated and then appended to the WAL. One batch is
// evaluated while the previous one is synced, so the two have no heartbeat in common: the
// states of the first are not known before it is on disk.
type Appending struct {
	States map[string]*monitor.Heartbeat // the heartbeats in memory by id, read-only
	Held   map[string]bool               // ids of heartbeats that a transaction holds: their pings must not be appended

	buffer *Buffer
	ids    map[string]struct{} // of the heartbeats that it can change
	ended  chan struct{}       // closed by End
	unlock func()              // releases the lock that it has: the one for evaluating, or that of the log
}

// Begin starts to append a batch, and waits until the previous one is evaluated. If both
// have a heartbeat in common, it waits until the previous one is on disk. End must follow.
func (b *Buffer) Begin(ctx context.Context, batch []ReceivedPing) (*Appending, error) {
	if err := b.evaluate.lock(ctx); err != nil {
		return nil, err
	}
	a := &Appending{buffer: b, ids: make(map[string]struct{}, len(batch)), ended: make(chan struct{}), unlock: b.evaluate.unlock}
	for i := range batch {
		a.ids[batch[i].ID] = struct{}{}
	}
	b.mu.Lock()
	for _, other := range b.batches {
		if !other.overlaps(a.ids) {
			continue
		}
		// There is no third: Begin needs a lock that End or Append of this one releases.
		b.mu.Unlock()
		if err := other.wait(ctx); err != nil {
			a.unlock()
			return nil, err
		}
		b.mu.Lock()
		break
	}
	defer b.mu.Unlock()
	a.States = make(map[string]*monitor.Heartbeat, len(a.ids))
	for id := range a.ids {
		if _, is := b.held[id]; is {
			if a.Held == nil {
				a.Held = map[string]bool{}
			}
			a.Held[id] = true
			delete(a.ids, id)
			continue
		}
		if e := b.byID[id]; e != nil && e.heartbeat != nil {
			a.States[id] = e.heartbeat // replaced, but never changed, by others
			e.used = true
		}
	}
	b.batches = append(b.batches, a)
	return a, nil
}

// has reports whether it can change a heartbeat.
func (a *Appending) has(id string) bool {
	_, is := a.ids[id]
	return is
}

// overlaps reports whether it can change one of the heartbeats.
func (a *Appending) overlaps(ids map[string]struct{}) bool {
	for id := range ids {
		if a.has(id) {
			return true
		}
	}
	return false
}

// wait waits until it ends.
func (a *Appending) wait(ctx context.Context) error {
	select {
	case <-a.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: waiting for a ping of the heartbeat: %w", dialect.ErrNoAnswer, ctx.Err())
	}
}

// Append stores the batch in the WAL, calls stored, and returns when the batch is on disk.
// transitions are those of its pings in their order, and before the heartbeats that were
// read from the tables for it.
func (a *Appending) Append(ctx context.Context, batch []ReceivedPing, transitions []Transition, before map[string]monitor.Heartbeat, stored func()) error {
	b := a.buffer
	text := encodeBatch(batch, transitions)
	if err := b.Lock(ctx); err != nil {
		return err
	}
	a.unlock() // the next batch can be evaluated
	a.unlock = b.Unlock
	if err := b.appendRecord(text); err != nil {
		return err
	}
	b.mu.Lock()
	wasEmpty := b.pending == 0
	for i := range transitions {
		b.add(&transitions[i], before)
	}
	if wasEmpty || b.aboveThreshold() {
		select {
		case b.wake <- struct{}{}:
		default: // it will receive
		}
	}
	b.mu.Unlock()
	stored()
	return nil
}

// End ends it, whether it was appended or not. Transactions that wait for its heartbeats get them.
func (a *Appending) End() {
	b := a.buffer
	b.mu.Lock()
	b.batches = slices.DeleteFunc(b.batches, func(other *Appending) bool { return other == a })
	b.mu.Unlock()
	close(a.ended)
	a.unlock()
}
