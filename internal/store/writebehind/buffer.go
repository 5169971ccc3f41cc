// Package writebehind is the only place that holds pings which are in the WAL and
// not in the tables.
//
// On SQLite, a ping changes a row of heartbeats, adds a row to pings, and with
// them changes two or three pages that other pings of the batch do not touch:
// writing and syncing those pages is most of the cost. So the store appends a
// batch that opens and resolves nothing to a WAL, a file next to the database,
// and flushes it to the tables later, together with thousands of other pings:
//
//	ApplyPings, nothing notable   evaluate ─▶ WAL: one record, synced ─▶ Buffer
//	in the background             some groups of the Buffer ─▶ tables   a transaction of their own
//	ApplyPings, notable           Buffer ─▶ tables; batch ─▶ tables     one transaction
//	Update                        Buffer ─▶ tables; fn                  one transaction
//	View                          Buffer ─▶ tables; then read
//	Serve                         WAL ─▶ evaluated again ─▶ tables      after a crash
//
// Invariant: no reader sees tables without the buffered pings, because each
// transaction flushes them first. Only the server that holds the lock of the file
// has a Buffer.
//
// A Buffer has two locks, taken in this order: the lock of the tables, for every
// transaction that writes, and the lock of the buffer. Appending a batch takes
// only the second one, so pings are stored while others are flushed.
package writebehind

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
	"overdue/internal/wal"
)

// ReceivedPing is one ping, with the watermark of its heartbeat.
type ReceivedPing struct {
	ID        string // of the heartbeat
	Ping      monitor.Ping
	Watermark time.Time // see [monitor.Heartbeat.ApplyPing]
}

// Transition is a heartbeat after a change, and the change.
type Transition struct {
	Heartbeat monitor.Heartbeat
	Change    monitor.Change
}

// Limits bound what a Buffer keeps in memory, and with it the WAL that is read
// after a crash. At MaxPending and MaxBodyBytes, everything is flushed at once.
type Limits struct {
	FlushThreshold int   // pending pings before some are flushed: the more, the fewer pages each ping costs
	MaxPending     int   // pending pings
	MaxStates      int   // heartbeats in memory
	MaxBodyBytes   int64 // bytes of pending bodies
}

// groupSize is the number of heartbeats that share pages.
const groupSize = 64

// Buffer holds pending pings and the heartbeats as these pings left them. All
// methods except the lock methods, Wake and Close need the lock of the buffer.
type Buffer struct {
	tables, buffer contextMutex

	log    *wal.Log
	limits Limits
	states map[string]monitor.Heartbeat // by id, after all pending pings

	// pending holds pings by group: heartbeats whose rows share pages. Groups are
	// flushed in rounds; a round has flushed everything that was in the WAL when it began.
	pending    map[int64][]pendingPing
	groupsLeft []int64 // of this round
	count      int     // of pending pings, including those that are being flushed
	bodyBytes  int64
	nextDue    time.Time // not later than anything that pending pings make due; zero: nothing

	wake chan struct{}
}

// pendingPing is a ping that is not in the tables, and what else its
// transition changed.
type pendingPing struct {
	heartbeatID string
	ping        monitor.Ping
	spans       []monitor.Span
	effects     []monitor.BlackoutEffect
}

// New returns an empty Buffer that appends to a log.
func New(log *wal.Log, limits Limits) *Buffer {
	b := &Buffer{
		tables: make(contextMutex, 1), buffer: make(contextMutex, 1), log: log, limits: limits,
		wake: make(chan struct{}, 1),
	}
	b.DropStates()
	return b
}

// DropStates frees the memory of an empty Buffer.
func (b *Buffer) DropStates() {
	b.states, b.pending = map[string]monitor.Heartbeat{}, map[int64][]pendingPing{}
}

// ForgetStates makes the next pings read their heartbeats from the tables, because
// another transaction changed them.
func (b *Buffer) ForgetStates() { clear(b.states) }

// Limits returns the limits of the buffer.
func (b *Buffer) Limits() Limits { return b.limits }

// SetFlushThreshold changes the limit of the same name.
func (b *Buffer) SetFlushThreshold(n int) { b.limits.FlushThreshold = n }

// Len returns the number of pending pings.
func (b *Buffer) Len() int { return b.count }

// NextDue returns a time not later than anything that pending pings make due, or
// zero.
func (b *Buffer) NextDue() time.Time { return b.nextDue }

// State returns a heartbeat after all pending pings, if it is in memory.
func (b *Buffer) State(id string) (monitor.Heartbeat, bool) {
	h, found := b.states[id]
	return h, found
}

// IsFull reports whether pings cannot be appended until a flush.
func (b *Buffer) IsFull() bool {
	return b.count >= b.limits.MaxPending || b.bodyBytes >= b.limits.MaxBodyBytes || len(b.states) >= b.limits.MaxStates
}

// AboveThreshold reports whether a part of the buffer should be flushed. The
// thresholds are below the limits, because a full buffer blocks every ping.
func (b *Buffer) AboveThreshold() bool {
	return b.count >= b.limits.FlushThreshold || b.bodyBytes >= b.limits.MaxBodyBytes/3
}

// Wake returns a channel that receives when pings should be flushed.
func (b *Buffer) Wake() <-chan struct{} { return b.wake }

// Append stores a batch in the WAL and returns when it is on disk. states are the
// heartbeats after the batch, nextDue the first time that one of them is due.
func (b *Buffer) Append(batch []ReceivedPing, transitions []Transition, states map[string]monitor.Heartbeat, nextDue time.Time) error {
	text, err := encodeBatch(batch, transitions)
	if err != nil {
		return err
	}
	if err := b.appendRecord(text); err != nil {
		return err
	}
	for i := range transitions {
		group := transitions[i].Heartbeat.Key / groupSize
		b.pending[group] = append(b.pending[group], newPendingPing(&transitions[i]))
		b.bodyBytes += int64(len(transitions[i].Change.Ping.Body))
	}
	b.nextDue = monitor.Earlier(b.nextDue, nextDue)
	maps.Copy(b.states, states)
	if b.count += len(transitions); b.AboveThreshold() {
		select {
		case b.wake <- struct{}{}:
		default: // a flush is already requested
		}
	}
	return nil
}

// AppendTest appends a record without pings.
func (b *Buffer) AppendTest(text []byte) error {
	if b.count == 0 {
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

// Pending returns all pending pings as transitions, each with its heartbeat after
// all of them.
func (b *Buffer) Pending() []Transition {
	return b.transitions(slices.Sorted(maps.Keys(b.pending)))
}

// Flushed records that all pending pings are in the tables.
func (b *Buffer) Flushed() {
	if b.count > 0 {
		clear(b.pending)
	}
	b.count, b.bodyBytes, b.groupsLeft, b.nextDue = 0, 0, nil, time.Time{}
	b.log.Reset()
	if len(b.states) >= b.limits.MaxStates {
		clear(b.states)
	}
}

// Take removes some groups with about n pings from pending. It returns none below
// the threshold. ConfirmTaken or PutBack must follow.
func (b *Buffer) Take(n int) []Transition {
	if !b.AboveThreshold() {
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
	taken := b.transitions(b.groupsLeft[:groups])
	for _, group := range b.groupsLeft[:groups] {
		delete(b.pending, group)
	}
	b.groupsLeft = b.groupsLeft[groups:]
	return taken
}

// ConfirmTaken records that taken pings are in the tables.
func (b *Buffer) ConfirmTaken(taken []Transition) {
	b.count -= len(taken)
	for i := range taken {
		b.bodyBytes -= int64(len(taken[i].Change.Ping.Body))
	}
	if len(b.groupsLeft) == 0 {
		b.log.Truncate()
	}
}

// PutBack returns taken pings that could not be flushed. This round takes them again.
func (b *Buffer) PutBack(taken []Transition) {
	back := map[int64][]pendingPing{}
	for i := range taken {
		group := taken[i].Heartbeat.Key / groupSize
		back[group] = append(back[group], newPendingPing(&taken[i]))
	}
	for group, pings := range back {
		b.pending[group] = append(pings, b.pending[group]...)
		b.groupsLeft = append(b.groupsLeft, group)
	}
}

// Close closes the WAL and keeps its files. With remove, it deletes them: all
// pings must be in the tables.
func (b *Buffer) Close(remove bool) error {
	if remove {
		return b.log.Remove()
	}
	return b.log.Close()
}

// transitions returns the pending pings of some groups.
func (b *Buffer) transitions(groups []int64) []Transition {
	var all []Transition
	for _, group := range groups {
		for _, p := range b.pending[group] {
			all = append(all, Transition{
				Heartbeat: b.states[p.heartbeatID],
				Change:    monitor.Change{Ping: p.ping, ClosedSpans: p.spans, BlackoutEffects: p.effects},
			})
		}
	}
	return all
}

// newPendingPing returns the part of a transition that a Buffer keeps per ping.
func newPendingPing(t *Transition) pendingPing {
	return pendingPing{t.Heartbeat.ID, t.Change.Ping, t.Change.ClosedSpans, t.Change.BlackoutEffects}
}

// EachState calls fn with each heartbeat in memory.
func (b *Buffer) EachState(fn func(monitor.Heartbeat)) {
	for _, h := range b.states {
		fn(h)
	}
}
