// Package writebehind is the only place that holds pings which are in the WAL and
// not in the tables.
//
// On SQLite, a ping changes a row of heartbeats, adds to the history, and with them
// changes two or three pages that other pings of the batch do not touch: writing and
// syncing those pages is most of the cost. So the store appends a batch that opens
// and resolves nothing to a WAL, a file next to the database, and flushes it to the
// tables later, together with thousands of other pings:
//
//	ApplyPings, nothing notable   evaluate ─▶ WAL: one record, synced ─▶ Buffer
//	in the background             some heartbeats of the Buffer ─▶ tables   in a separate transaction
//	ApplyPings, notable           hold the heartbeats; their pings ─▶ tables; batch ─▶ tables
//	Update                        hold the heartbeats that it locks; their pings ─▶ tables; fn
//	View                          read the tables; the Buffer adds what they lack
//	Serve                         WAL ─▶ evaluated again ─▶ tables          after a crash
//
// Invariants:
//
//   - A read sees every ping that was acknowledged before it began: a [Reader] adds
//     to the tables what the Buffer holds. It waits for no flush.
//   - A transaction changes the row of a heartbeat only while it holds the heartbeat.
//     Then no ping of it is appended, and its buffered pings are saved in the same
//     transaction. No other ping waits.
//
// Only the server that holds the lock of the file has a Buffer.
//
// A Buffer has three locks, taken in this order: the lock of the tables, for every
// transaction that writes; the lock of the log, for every append; and a mutex of the
// maps, which is never held during I/O.
package writebehind

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
	"overdue/internal/wal"
)

// Limits bound what a Buffer keeps in memory, and with it the WAL that is read
// after a crash.
type Limits struct {
	FlushThreshold int   // pending pings before some are flushed: the more, the fewer pages each ping costs
	MaxPending     int   // pending pings; above, pings wait for a flush
	MaxStates      int   // heartbeats in memory that are not packed
	MaxBodyBytes   int64 // bytes of pending bodies; above, pings wait for a flush
}

// Buffer holds pending pings and the heartbeats as these pings left them.
type Buffer struct {
	tables, append contextMutex

	log  *wal.Log // needs the lock of the log
	wake chan struct{}

	mu       sync.Mutex // of everything below
	limits   Limits
	byID     map[string]*entry
	byKey    map[int64]*entry
	unpacked []*entry            // heartbeats that are not packed, in the order in which they were used; some are no longer in the maps
	held     map[string]struct{} // ids of heartbeats that a transaction changes
	released chan struct{}       // closed when heartbeats are released
	batch    map[string]struct{} // ids of the batch that is being appended
	appended chan struct{}       // closed when that batch is appended, or failed

	// Heartbeats are flushed in rounds, in the order of their keys, because neighbours
	// share pages. A round flushes everything that was in the WAL when it began.
	roundLeft []int64
	pending   int // number of pending pings
	bodyBytes int64
	sooner    dueHeap // heartbeats that are due sooner than the tables say

	readers readers
}

// PendingPing is a ping that is not in the tables, and what else its transition
// changed.
type PendingPing struct {
	Ping    monitor.Ping
	Spans   []monitor.Span
	Effects []monitor.BlackoutEffect
}

// New returns an empty Buffer that appends to a log.
func New(log *wal.Log, limits Limits) *Buffer {
	b := &Buffer{
		tables: make(contextMutex, 1), append: make(contextMutex, 1), log: log, limits: limits,
		wake: make(chan struct{}, 1), released: make(chan struct{}), held: map[string]struct{}{},
	}
	b.dropStates()
	return b
}

// dropStates frees the memory of an empty Buffer.
func (b *Buffer) dropStates() {
	b.byID, b.byKey, b.unpacked = map[string]*entry{}, map[int64]*entry{}, nil
}

// DropStates frees the memory of the heartbeats if no ping is pending.
func (b *Buffer) DropStates() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pending == 0 {
		b.dropStates()
	}
}

// Limits returns the limits of the buffer.
func (b *Buffer) Limits() Limits {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.limits
}

// SetFlushThreshold changes the limit of the same name.
func (b *Buffer) SetFlushThreshold(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limits.FlushThreshold = n
}

// Len returns the number of pending pings.
func (b *Buffer) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pending
}

// NextDue returns the time of the first evaluation that is due sooner than the tables
// say, or the zero time.
func (b *Buffer) NextDue() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sooner.first(b.byKey)
}

// IsFull reports whether pings cannot be appended until a flush.
func (b *Buffer) IsFull() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pending >= b.limits.MaxPending || b.bodyBytes >= b.limits.MaxBodyBytes
}

// aboveThreshold reports whether a part of the buffer should be flushed. The
// thresholds are below the limits, because a full buffer blocks every ping.
func (b *Buffer) aboveThreshold() bool {
	return b.pending >= b.limits.FlushThreshold || b.bodyBytes >= b.limits.MaxBodyBytes/3
}

// Wake returns a channel that receives when the first ping is pending, and when some
// should be flushed at once.
func (b *Buffer) Wake() <-chan struct{} { return b.wake }

// Begin starts to append a batch. It returns the heartbeats of it that are in memory, which
// do not change before Append, and the ids that a transaction holds: their pings must not be
// appended. Finish must follow. The caller has the lock of the log.
func (b *Buffer) Begin(batch []ReceivedPing) (states map[string]*monitor.Heartbeat, held map[string]bool) {
	states = make(map[string]*monitor.Heartbeat, len(batch))
	ids := make(map[string]struct{}, len(batch))
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range batch {
		id := batch[i].ID
		if _, is := b.held[id]; is {
			if held == nil {
				held = map[string]bool{}
			}
			held[id] = true
			continue
		}
		ids[id] = struct{}{}
		if e := b.byID[id]; e != nil && e.heartbeat != nil {
			states[id] = e.heartbeat
			e.used = true
		}
	}
	b.batch, b.appended = ids, make(chan struct{})
	return states, held
}

// Finish ends what Begin started. Transactions that wait for heartbeats of the batch continue.
func (b *Buffer) Finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.appended)
	b.batch, b.appended = nil, nil
}

// Append stores a batch in the WAL and returns when it is on disk. before are the
// heartbeats that were read from the tables for it. The caller has the lock of the
// log, and called Begin.
func (b *Buffer) Append(batch []ReceivedPing, transitions []Transition, before map[string]*StoredHeartbeat) error {
	text, err := encodeBatch(batch, transitions)
	if err != nil {
		return err
	}
	if err := b.appendRecord(text); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	wasEmpty := b.pending == 0
	for i := range transitions {
		b.add(&transitions[i], before)
	}
	if wasEmpty || b.aboveThreshold() {
		select {
		case b.wake <- struct{}{}:
		default: // one is pending already
		}
	}
	return nil
}

// add adds the ping of a transition.
func (b *Buffer) add(t *Transition, before map[string]*StoredHeartbeat) {
	h := &t.Heartbeat
	e := b.byKey[h.Key]
	if e == nil {
		e = &entry{id: h.ID, key: h.Key}
		if read := before[h.ID]; read != nil {
			e.tablesDue = read.Due
		}
		b.byID[h.ID], b.byKey[h.Key] = e, e
	}
	if e.heartbeat == nil {
		e.heartbeat = b.pack()
		b.unpacked = append(b.unpacked, e)
	}
	e.set(h)
	e.pending = append(e.pendingPings(), PendingPing{t.Change.Ping, t.Change.ClosedSpans, t.Change.BlackoutEffects})
	b.pending++
	b.bodyBytes += int64(len(t.Change.Ping.Body))
	b.pushIfSooner(e)
}

// pushIfSooner queues the next evaluation of a heartbeat for NextDue if it is sooner than
// the tables say.
func (b *Buffer) pushIfSooner(e *entry) {
	if e.isDueSooner() && (e.queued == 0 || e.due < e.queued) {
		b.sooner.push(e)
	}
}

// pack makes room for a heartbeat that is not packed. It packs the one that was not used
// for longest, or removes it if it has no pending pings. It returns memory for the heartbeat.
func (b *Buffer) pack() (room *monitor.Heartbeat) {
	for len(b.unpacked) >= max(b.limits.MaxStates, 1) {
		e := b.unpacked[0]
		b.unpacked[0] = nil
		b.unpacked = b.unpacked[1:]
		switch {
		case b.byKey[e.key] != e || e.heartbeat == nil: // removed meanwhile
		case e.used:
			e.used = false
			b.unpacked = append(b.unpacked, e)
		case e.hasPending():
			room = e.heartbeat
			e.pack()
		default:
			room = e.heartbeat
			b.remove(e)
		}
	}
	if room == nil {
		room = new(monitor.Heartbeat)
	}
	return room
}

// remove removes a heartbeat from memory.
func (b *Buffer) remove(e *entry) {
	delete(b.byID, e.id)
	delete(b.byKey, e.key)
}

// AppendTest appends a record without pings. The caller has the lock of the log.
func (b *Buffer) AppendTest(text []byte) error {
	if b.Len() == 0 {
		b.log.Reset() // an idle server must not let it grow
	}
	return b.appendRecord(text)
}

// appendRecord appends a record to the WAL and returns when it is on disk. Its
// errors are dialect.ErrUnavailable.
func (b *Buffer) appendRecord(text []byte) error {
	err := b.log.Append(text)
	if err != nil && !errors.Is(err, dialect.ErrUnavailable) {
		return fmt.Errorf("%w: %w", dialect.ErrDisk, err)
	}
	return err
}

// WaitReleased waits until no transaction holds any of the heartbeats.
func (b *Buffer) WaitReleased(ctx context.Context, ids map[string]bool) error {
	for {
		b.mu.Lock()
		waiting := false
		for id := range ids {
			_, is := b.held[id]
			waiting = waiting || is
		}
		released := b.released
		b.mu.Unlock()
		if !waiting {
			return nil
		}
		select {
		case <-released:
		case <-ctx.Done():
			return fmt.Errorf("%w: waiting for a change of the heartbeat: %w", dialect.ErrNoAnswer, ctx.Err())
		}
	}
}

// maxTaken bounds the pings of one transaction.
const maxTaken = 4096

// Take returns the pending pings of up to n heartbeats, at most about maxTaken, as
// transitions, each with its heartbeat after all of them. It returns none below the
// threshold, unless all is set. Saved must follow. The caller has the locks of the tables and of the log.
func (b *Buffer) Take(n int, all bool) *Taken {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pending == 0 || !all && !b.aboveThreshold() {
		return nil
	}
	if len(b.roundLeft) == 0 {
		b.beginRound()
	}
	pings := 0
	for _, key := range b.roundLeft[:min(n, len(b.roundLeft))] {
		if e := b.byKey[key]; e != nil {
			pings += e.pendingCount()
		}
	}
	t := &Taken{buffer: b, Transitions: make([]Transition, 0, min(pings, 2*maxTaken))}
	heartbeats := 0
	for heartbeats < min(n, len(b.roundLeft)) && len(t.Transitions) < maxTaken {
		if e := b.byKey[b.roundLeft[heartbeats]]; e != nil {
			t.add(e)
		}
		heartbeats++
	}
	t.round, b.roundLeft = b.roundLeft[:heartbeats], b.roundLeft[heartbeats:]
	t.EndsRound = len(b.roundLeft) == 0
	return t
}

// beginRound lists the heartbeats with pending pings.
func (b *Buffer) beginRound() {
	for key, e := range b.byKey {
		if e.hasPending() {
			b.roundLeft = append(b.roundLeft, key)
		}
	}
	slices.SortFunc(b.roundLeft, cmp.Compare[int64])
	b.log.Rotate()
}

// Close closes the WAL and keeps its files. With remove, it deletes them: all
// pings must be in the tables.
func (b *Buffer) Close(remove bool) error {
	if remove {
		return b.log.Remove()
	}
	return b.log.Close()
}

// EachState calls fn with each heartbeat in memory that is not packed, and packed with the
// keys of those that are.
func (b *Buffer) EachState(fn func(h *monitor.Heartbeat), packed func(key int64)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, e := range b.byKey {
		if e.heartbeat != nil {
			fn(e.heartbeat)
		} else {
			packed(key)
		}
	}
}
