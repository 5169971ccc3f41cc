package ingest

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"overdue/internal/meter"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// How much is gathered and waits.
const (
	maxBatch  = 512
	maxQueued = 8192
	// commitTimeout bounds one commit on PostgreSQL; what takes longer is answered
	// 503. A row that another session has locked is given up before.
	commitTimeout = 5 * time.Second
)

// errQueueFull says that more pings came than can be stored in time.
var errQueueFull = errors.New("the queue is full")

// errUnknownID says that no heartbeat has the id.
var errUnknownID = errors.New("no such heartbeat")

// queuedPing is a ping whose request waits for its answer.
type queuedPing struct {
	id       string
	ping     monitor.Ping
	inFlight *InFlightPing
	done     chan error // buffered: nobody may listen any more
}

// batch is the pings of one commit.
type batch struct{ pings []*queuedPing }

// Batcher stores pings, many with one commit. Idle, each ping is a commit of
// its own, at once; busy, a batch is whatever came meanwhile, and what comes
// within a moment more.
type Batcher struct {
	db          *store.DB
	inFlight    *InFlight
	metrics     *meter.Metrics
	log         *slog.Logger
	queue       chan *queuedPing
	signals     Signals
	workers     sync.WaitGroup
	storedCount atomic.Int64
	failures    failures
}

// Signals tells other parts what the pings brought about. All must return at
// once.
type Signals struct {
	Pending func()               // alerts became owed
	Due     func(next time.Time) // something may now happen by itself at next
	Changed func(keys []int64)   // heartbeats that look different now; may be nil
}

// NewBatcher makes a batcher and starts its workers, one for each transaction
// that may usefully write at the same time.
func NewBatcher(db *store.DB, arrivals *InFlight, m *meter.Metrics, log *slog.Logger, news Signals) *Batcher {
	b := &Batcher{db: db, inFlight: arrivals, metrics: m, log: log, signals: news, queue: make(chan *queuedPing, maxQueued)}
	for range db.Writers() {
		b.workers.Go(b.runWorker)
	}
	return b
}

// Stop stores what waits and ends the workers. No ping may be put in any more.
func (b *Batcher) Stop() {
	close(b.queue)
	b.workers.Wait()
}

// StoredCount is how many pings were stored since the start.
func (b *Batcher) StoredCount() int64 { return b.storedCount.Load() }

// enqueue queues a ping. Its answer comes on done.
func (b *Batcher) enqueue(w *queuedPing) error {
	select {
	case b.queue <- w:
		return nil
	default:
		return errQueueFull
	}
}

// Check returns an error if the last batches show that pings cannot be stored.
func (b *Batcher) Check(now time.Time) error { return b.failures.check(now) }

// lookupTimeout bounds the look for an id.
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

// When a worker is busy, and how long it then waits for more. The clients that
// it has just answered send again within that time; a commit costs as much for
// one ping as for thirty.
const (
	busyThreshold = 4 // pings in the batch before
	gatherDelay   = 120 * time.Microsecond
)

// runWorker stores batches until the queue is closed and empty.
func (b *Batcher) runWorker() {
	before := 0
	for first := range b.queue {
		if before >= busyThreshold {
			<-time.After(gatherDelay)
		}
		gathered := b.gather(first)
		before = len(gathered.pings)
		b.commit(gathered)
	}
}

// gather takes what waits already, without waiting for more.
func (b *Batcher) gather(first *queuedPing) *batch {
	gathered := &batch{pings: []*queuedPing{first}}
	for len(gathered.pings) < maxBatch {
		select {
		case w, open := <-b.queue:
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

// commit stores a batch and answers each of its pings. When the database rejects
// a batch that it could take, one of the pings is at fault, or another session
// has locked one of their rows: then each is stored alone, so that only that one
// fails.
func (b *Batcher) commit(gathered *batch) {
	begun := time.Now()
	unknown, err := b.store(gathered)
	if err != nil && len(gathered.pings) > 1 && (errors.Is(err, store.ErrLocked) || !errors.Is(err, store.ErrUnavailable)) {
		for _, w := range gathered.pings {
			b.commit(&batch{pings: []*queuedPing{w}})
		}
		return
	}
	b.failures.record(time.Now(), gathered, err)
	if err != nil {
		b.log.Error("ping batch not stored", "component", "ingest", "pings", len(gathered.pings), "error", err)
	} else {
		b.metrics.Commit(len(gathered.pings), time.Since(begun))
		b.storedCount.Add(int64(len(gathered.pings)))
	}
	var stored, ended []*InFlightPing
	for _, w := range gathered.pings {
		if err == nil && !unknown[w.id] {
			stored = append(stored, w.inFlight)
		} else {
			ended = append(ended, w.inFlight)
		}
	}
	// First off the register, then the answer: who has an answer may rely on it.
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

// store is the one transaction of a batch. It returns the ids that no
// heartbeat has.
func (b *Batcher) store(gathered *batch) (unknown map[string]bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	slices.SortStableFunc(gathered.pings, func(x, y *queuedPing) int { return x.inFlight.At.Compare(y.inFlight.At) })
	horizons := b.inFlight.Watermarks(gathered)
	batch := make([]store.ReceivedPing, len(gathered.pings))
	for i, w := range gathered.pings {
		batch[i] = store.ReceivedPing{ID: w.id, Ping: w.ping, Watermark: horizons[i]}
	}
	heard, err := b.db.ApplyPings(ctx, batch)
	if err != nil {
		return nil, err
	}
	if heard.NewAlerts > 0 {
		b.signals.Pending()
	}
	if !heard.NextDue.IsZero() {
		b.signals.Due(heard.NextDue)
	}
	if b.signals.Changed != nil && len(heard.Heartbeats) > 0 {
		b.signals.Changed(heard.Heartbeats)
	}
	return heard.Unknown, nil
}
