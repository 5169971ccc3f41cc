package ingest

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"overdue/internal/loop"
	"overdue/internal/metrics"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Limits of a batch and of the queue.
const (
	maxBatch  = 512
	maxQueued = 8192
	// commitTimeout is the timeout of one commit. Pings of a slower commit are
	// answered 503. A lock of another session times out earlier.
	commitTimeout = 4 * time.Second
)

// errQueueFull means that more pings arrived than can be stored in time.
var errQueueFull = errors.New("the queue is full")

// errTooManyLocks means that pings of too many locked heartbeats wait.
var errTooManyLocks = fmt.Errorf("%w: pings of %d locked heartbeats wait", store.ErrLocked, maxLockedHeartbeats)

// errUnknownID means that no heartbeat has the id.
var errUnknownID = errors.New("no such heartbeat")

// queuedPing is a ping whose request waits for its response.
type queuedPing struct {
	id       string
	ping     monitor.Ping
	inFlight *InFlightPing
	done     chan error // buffered, because the request may have timed out
}

// batch holds the pings of one commit.
type batch struct{ pings []*queuedPing }

// Batcher stores pings in batches. When idle, it commits each ping at once.
// When busy, a batch holds the pings that arrived during the previous commit
// and shortly after it.
type Batcher struct {
	db          *store.DB
	inFlight    *InFlight
	metrics     *metrics.Metrics
	log         *slog.Logger
	queues      []chan *queuedPing // one per worker
	signals     loop.Signals
	workers     sync.WaitGroup
	storedCount atomic.Int64
	lastStored  atomic.Int64 // when a batch was last stored, in ns since 1970
	failures    failures
	locked      lockedPings
}

// NewBatcher returns a Batcher and starts its workers: as many as can usefully
// write at the same time.
func NewBatcher(db *store.DB, inFlight *InFlight, m *metrics.Metrics, log *slog.Logger, signals loop.Signals) *Batcher {
	b := &Batcher{db: db, inFlight: inFlight, metrics: m, log: log, signals: signals}
	for range db.Writers() {
		queue := make(chan *queuedPing, maxQueued/db.Writers())
		b.queues = append(b.queues, queue)
		b.workers.Go(func() { b.runWorker(queue) })
	}
	return b
}

// Stop stores the queued pings and ends the workers. No ping may be enqueued
// afterwards.
func (b *Batcher) Stop() {
	for _, queue := range b.queues {
		close(queue)
	}
	b.workers.Wait()
	b.locked.goroutines.Wait()
}

// StoredCount returns the number of pings stored since the start.
func (b *Batcher) StoredCount() int64 { return b.storedCount.Load() }

// storedSince reports whether a batch was stored after t.
func (b *Batcher) storedSince(t time.Time) bool { return b.lastStored.Load() > t.UnixNano() }

// DatabaseReturned forgets the failures of pings while the database was unavailable.
func (b *Batcher) DatabaseReturned() { b.failures.reset() }

// queueSeed makes the queue of a heartbeat unpredictable.
var queueSeed = maphash.MakeSeed()

// enqueue queues a ping. Its result is sent to done. All pings of a heartbeat go to the
// same worker, so that workers never wait for each other's rows.
func (b *Batcher) enqueue(w *queuedPing) error {
	queue := b.queues[0]
	if n := uint64(len(b.queues)); n > 1 {
		queue = b.queues[maphash.String(queueSeed, w.id)%n]
	}
	select {
	case queue <- w:
		return nil
	default:
		return errQueueFull
	}
}

// StorePing stores a success ping that came in no request, with the queue and the
// transaction of every other ping.
func (b *Batcher) StorePing(ctx context.Context, id string) error {
	if _, down := b.db.Unavailable(); down != nil {
		return down
	}
	arrival := b.inFlight.Add(id, func() (time.Duration, bool) { return 0, false })
	if rest := b.inFlight.Complete(arrival); rest > 0 {
		<-time.After(rest)
	}
	w := &queuedPing{id: id, inFlight: arrival, done: make(chan error, 1), ping: monitor.Ping{
		Kind: monitor.PingSuccess, At: arrival.At, ExitCode: monitor.NoExitCode, Method: http.MethodPost, Source: "canary",
	}}
	if err := b.enqueue(w); err != nil {
		b.inFlight.Remove(arrival)
		return err
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return ctx.Err() // it may still be stored
	}
}

// Check returns an error if the last batches show that pings cannot be stored.
func (b *Batcher) Check(now time.Time) error { return b.failures.check(now) }

// lookupTimeout is the timeout for the lookup of an id.
const lookupTimeout = time.Second

// exists reports whether a heartbeat has the id, and whether that is certain.
func (b *Batcher) exists(ctx context.Context, id string) (found, certain bool) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	err := b.db.View(ctx, func(tx *store.Tx) error {
		var err error
		found, err = tx.HeartbeatExists(id)
		return err
	})
	return found && err == nil, err == nil
}

// When a worker counts as busy, and how long it then waits for more pings.
// Clients that were just answered send again within that time, and a commit of
// thirty pings costs as much as one of a single ping.
const (
	busyThreshold = 4 // pings in the previous batch
	gatherDelay   = 120 * time.Microsecond
)

// runWorker stores batches until its queue is closed and empty.
func (b *Batcher) runWorker(queue <-chan *queuedPing) {
	before := 0
	for first := range queue {
		if before >= busyThreshold {
			<-time.After(gatherDelay)
		}
		gathered := gather(first, queue)
		before = len(gathered.pings)
		if b.locked.take(gathered); len(gathered.pings) > 0 {
			b.commit(gathered)
		}
	}
}

// gather takes the queued pings without waiting for more.
func gather(first *queuedPing, queue <-chan *queuedPing) *batch {
	gathered := &batch{pings: []*queuedPing{first}}
	for len(gathered.pings) < maxBatch {
		select {
		case w, open := <-queue:
			if !open {
				return gathered
			}
			gathered.pings = append(gathered.pings, w)
		default:
			return gathered
		}
	}
	return gathered
}

// applyFunc stores pings, and returns those that it has not stored in the result.
type applyFunc func(context.Context, []store.ReceivedPing) (store.ApplyResult, error)

// commit stores a batch and answers each ping. If an available database rejects a
// batch, one ping is the cause. Each ping is then stored alone, so only that one
// fails. Pings that need more than one statement are stored in a second transaction,
// and those of heartbeats that another session has locked wait separately.
func (b *Batcher) commit(gathered *batch) { b.commitWith(gathered, b.db.ApplyQuietPings) }

// commitWith is commit with the method of the store.
func (b *Batcher) commitWith(gathered *batch, apply applyFunc) {
	begun := time.Now()
	result, err := b.store(gathered, apply)
	if err != nil && len(gathered.pings) > 1 && !errors.Is(err, store.ErrUnavailable) {
		for _, w := range gathered.pings {
			b.commitWith(&batch{pings: []*queuedPing{w}}, apply)
		}
		return
	}
	if rest := gathered.remove(result.Rest); len(rest.pings) > 0 {
		defer b.commitWith(rest, b.db.ApplyUnlockedPings)
	}
	if len(result.Locked) > 0 {
		b.waitForLocks(gathered, result.Locked)
	}
	b.answer(gathered, begun, result.Unknown, err)
}

// remove removes the pings of some heartbeats from a batch and returns them.
func (b *batch) remove(ids map[string]bool) *batch {
	removed := &batch{}
	if len(ids) > 0 {
		b.pings = slices.DeleteFunc(b.pings, func(w *queuedPing) bool {
			if ids[w.id] {
				removed.pings = append(removed.pings, w)
			}
			return ids[w.id]
		})
	}
	return removed
}

// answer records the result of a batch and answers each ping.
func (b *Batcher) answer(gathered *batch, begun time.Time, unknown map[string]bool, err error) {
	if len(gathered.pings) == 0 {
		return // all wait for locks
	}
	b.failures.record(time.Now(), gathered, err)
	if err != nil {
		b.log.Error("ping batch not stored", "component", "ingest", "pings", len(gathered.pings), "error", err)
	} else {
		b.metrics.Commit(len(gathered.pings), time.Since(begun))
		b.storedCount.Add(int64(len(gathered.pings)))
		b.lastStored.Store(time.Now().UnixNano())
	}
	var stored, ended []*InFlightPing
	for _, w := range gathered.pings {
		if err == nil && !unknown[w.id] {
			stored = append(stored, w.inFlight)
		} else {
			ended = append(ended, w.inFlight)
		}
	}
	// The pings are removed before they are answered: after a response, the heartbeat
	// is no longer held back.
	b.inFlight.RemoveStored(stored...)
	b.inFlight.Remove(ended...)
	for _, w := range gathered.pings {
		answer := err
		if answer == nil && unknown[w.id] {
			answer = errUnknownID
		}
		w.done <- answer
	}
}

// store stores a batch in one transaction.
func (b *Batcher) store(gathered *batch, apply applyFunc) (store.ApplyResult, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	slices.SortStableFunc(gathered.pings, func(x, y *queuedPing) int { return x.inFlight.At.Compare(y.inFlight.At) })
	watermarks := b.inFlight.Watermarks(gathered)
	batch := make([]store.ReceivedPing, len(gathered.pings))
	for i, w := range gathered.pings {
		batch[i] = store.ReceivedPing{ID: w.id, Ping: w.ping, Watermark: watermarks[i]}
	}
	result, err := apply(ctx, batch)
	if err != nil {
		return store.ApplyResult{}, err
	}
	b.signals.Send(loop.Effects{NextDue: result.NextDue, Pending: result.NewAlerts > 0, Changed: result.Heartbeats})
	return result, nil
}
