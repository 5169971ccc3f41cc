package ingest

import (
	"context"
	"errors"
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

// errUnknownID means that no heartbeat has the id.
var errUnknownID = errors.New("no such heartbeat")

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
	queues      []*pingQueue // one per worker
	signals     loop.Signals
	workers     sync.WaitGroup
	storedCount atomic.Int64
	lastStored  atomic.Int64 // when a batch was last stored, in ns since 1970
	failures    failures
	locked      lockedPings
	patience    patience
	pool        pingPool
}

// NewBatcher returns a Batcher and starts its workers.
func NewBatcher(db *store.DB, inFlight *InFlight, m *metrics.Metrics, log *slog.Logger, signals loop.Signals) *Batcher {
	b := &Batcher{
		db: db, inFlight: inFlight, metrics: m, log: log, signals: signals, patience: patience{stopped: make(chan struct{})},
	}
	b.locked.wait = !db.IsShared()
	for range db.Writers() {
		queue := newPingQueue(maxQueued / db.Writers())
		b.queues = append(b.queues, queue)
		b.workers.Go(func() { b.runWorker(queue) })
	}
	return b
}

// Stop stores the queued pings and ends the workers. No ping may be enqueued
// afterwards.
func (b *Batcher) Stop() {
	for _, queue := range b.queues {
		queue.close()
	}
	b.workers.Wait()
	b.locked.stop()
	b.locked.goroutines.Wait()
	b.patience.stop()
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
	w.waiting.Store(true)
	queue := b.queues[0]
	if n := uint64(len(b.queues)); n > 1 {
		queue = b.queues[maphash.String(queueSeed, w.id)%n]
	}
	if !queue.add(w) {
		return errQueueFull
	}
	return nil
}

// StorePing stores a success ping that came in no request, with the queue and the
// transaction of every other ping.
func (b *Batcher) StorePing(ctx context.Context, id string) error {
	if _, down := b.db.Unavailable(); down != nil {
		return down
	}
	w := newQueuedPing()
	w.id, w.inFlight.request = id, nil // ctx limits the wait
	if rest := b.inFlight.addComplete(&w.inFlight, id, func() (time.Duration, bool) { return 0, false }); rest > 0 {
		<-time.After(rest)
	}
	w.ping = monitor.Ping{
		Kind: monitor.PingSuccess, At: w.inFlight.At, ExitCode: monitor.NoExitCode, Method: http.MethodPost, Source: "canary",
	}
	if err := b.enqueue(w); err != nil {
		b.inFlight.RejectPing(&w.inFlight)
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

// When a worker counts as busy, and for how many more pings it then waits, and how long.
const (
	busyThreshold  = 4 // pings in the previous batch
	minGatherDelay = 500 * time.Microsecond
	maxGatherDelay = time.Millisecond
)

// gatherMore returns for how many pings to wait before the next batch, and how long, after
// one that took the given time to commit, and while others waited.
//
// Clients that were just answered send again soon, and a commit of fifty pings costs
// little more than one of a single ping. So the next batch waits for nine tenths of the
// pings that could come. If they come without such clients, each batch waits for fewer
// pings than the previous one, until it waits for none. The limit grows with the time that
// a commit takes: on a slow disk, the wait saves more, and is less of the latency.
func gatherMore(stored, waiting int, took time.Duration) (pings int, limit time.Duration) {
	if stored < busyThreshold {
		return 1, 0
	}
	return min((stored+waiting)*9/10, maxBatch), min(max(took/2, minGatherDelay), maxGatherDelay)
}

// runWorker stores batches until its queue is closed and empty.
func (b *Batcher) runWorker(queue *pingQueue) {
	wanted, limit := 1, time.Duration(0)
	for {
		queue.wait(1, 0)
		if wanted > 1 {
			queue.wait(wanted, limit)
		}
		pings := queue.take(maxBatch)
		if len(pings) == 0 {
			return
		}
		gathered, begun := &batch{pings: pings}, time.Now()
		if b.locked.take(gathered); len(gathered.pings) > 0 {
			b.commit(gathered)
		}
		wanted, limit = gatherMore(len(pings), queue.len(), time.Since(begun))
	}
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
	b.answer(gathered, begun, &result, err)
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
func (b *Batcher) answer(gathered *batch, begun time.Time, result *store.ApplyResult, err error) {
	if len(gathered.pings) == 0 {
		return // all wait for locks
	}
	answerOf := func(w *queuedPing) error {
		switch {
		case err != nil:
			return err
		case result.Failed[w.id] != nil:
			return result.Failed[w.id]
		case result.Unknown[w.id]:
			return errUnknownID
		}
		return nil
	}
	b.recordResult(gathered, begun, answerOf)
	// The pings are removed before they are answered: after a response, the heartbeat
	// is no longer held back.
	b.inFlight.removeBatch(gathered, answerOf)
	for _, w := range gathered.pings {
		w.answer(answerOf(w)) // from here on, the ping can be another one
	}
}

// recordResult records which pings of a batch were stored.
func (b *Batcher) recordResult(gathered *batch, begun time.Time, answerOf func(*queuedPing) error) {
	failed := &batch{}
	var cause error
	for _, w := range gathered.pings {
		if err := answerOf(w); err != nil && !errors.Is(err, errUnknownID) {
			failed.pings, cause = append(failed.pings, w), err
		}
	}
	stored := len(gathered.pings) - len(failed.pings)
	if cause != nil {
		b.failures.record(time.Now(), failed, cause)
		b.log.Error("ping batch not stored", "component", "ingest", "pings", len(failed.pings), "error", cause)
	} else {
		b.failures.record(time.Now(), gathered, nil)
	}
	if stored > 0 {
		b.metrics.Commit(stored, time.Since(begun))
		b.storedCount.Add(int64(stored))
		b.lastStored.Store(time.Now().UnixNano())
	}
}

// store stores a batch in one transaction.
func (b *Batcher) store(gathered *batch, apply applyFunc) (store.ApplyResult, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	slices.SortStableFunc(gathered.pings, func(x, y *queuedPing) int { return x.inFlight.At.Compare(y.inFlight.At) })
	received := receivedPings.Get().(*[]store.ReceivedPing)
	defer func() {
		clear(*received)
		receivedPings.Put(received)
	}()
	*received = b.inFlight.assign(gathered, (*received)[:0])
	shareTexts(*received)
	result, err := apply(ctx, *received)
	if err != nil {
		return store.ApplyResult{}, err
	}
	b.signals.Send(loop.Effects{NextDue: result.NextDue, Pending: result.NewAlerts > 0, Pinged: result.Heartbeats, Changed: result.Turned})
	return result, nil
}

// receivedPings are the slices of batches, which the store does not keep.
var receivedPings = sync.Pool{New: func() any { return new([]store.ReceivedPing) }}

// shareTexts lets pings of the same kind of client share their texts: the store keeps
// pings in memory, and each text would keep all headers of its request.
func shareTexts(batch []store.ReceivedPing) {
	for i := range batch {
		if p := &batch[i].Ping; i > 0 && p.Source == batch[i-1].Ping.Source {
			p.Source = batch[i-1].Ping.Source
		}
		if p := &batch[i].Ping; i > 0 && p.UserAgent == batch[i-1].Ping.UserAgent {
			p.UserAgent = batch[i-1].Ping.UserAgent
		}
	}
}
