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
	mostPerCommit = 512
	mostWaiting   = 8192
	// longestCommit bounds one commit on PostgreSQL; what takes longer is answered
	// 503. A row that another session has locked is given up before.
	longestCommit = 5 * time.Second
)

// errFull says that more pings came than can be stored in time.
var errFull = errors.New("the queue is full")

// errUnknown says that no heartbeat has the id.
var errUnknown = errors.New("no such heartbeat")

// waiting is a ping whose request waits for its answer.
type waiting struct {
	id      string
	ping    monitor.Ping
	arrival *Arrival
	done    chan error // buffered: nobody may listen any more
}

// batch is the pings of one commit.
type batch struct{ pings []*waiting }

// Batcher stores pings, many with one commit. Idle, each ping is a commit of
// its own, at once; busy, a batch is whatever came meanwhile, and what comes
// within a moment more.
type Batcher struct {
	db       *store.DB
	arrivals *Arrivals
	meter    *meter.Meter
	log      *slog.Logger
	in       chan *waiting
	news     News
	workers  sync.WaitGroup
	stored   atomic.Int64
	failures failures
}

// News tells other parts what the pings brought about. All must return at
// once.
type News struct {
	Owed    func()               // alerts became owed
	Sooner  func(next time.Time) // something may now happen by itself at next
	Changed func(keys []int64)   // heartbeats that look different now; may be nil
}

// NewBatcher makes a batcher and starts its workers, one for each transaction
// that may usefully write at the same time.
func NewBatcher(db *store.DB, arrivals *Arrivals, m *meter.Meter, log *slog.Logger, news News) *Batcher {
	b := &Batcher{db: db, arrivals: arrivals, meter: m, log: log, news: news, in: make(chan *waiting, mostWaiting)}
	for range db.Writers() {
		b.workers.Go(b.work)
	}
	return b
}

// Stop stores what waits and ends the workers. No ping may be put in any more.
func (b *Batcher) Stop() {
	close(b.in)
	b.workers.Wait()
}

// Stored is how many pings were stored since the start.
func (b *Batcher) Stored() int64 { return b.stored.Load() }

// put queues a ping. Its answer comes on done.
func (b *Batcher) put(w *waiting) error {
	select {
	case b.in <- w:
		return nil
	default:
		return errFull
	}
}

// Check returns an error if the last batches show that pings cannot be stored.
func (b *Batcher) Check(now time.Time) error { return b.failures.check(now) }

// longestLook bounds the look for an id.
const longestLook = time.Second

// exists reports whether a heartbeat has the id, and whether that is certain.
func (b *Batcher) exists(ctx context.Context, id string) (found, certain bool) {
	ctx, cancel := context.WithTimeout(ctx, longestLook)
	defer cancel()
	err := b.db.View(ctx, func(tx *store.Tx) error {
		var err error
		found, err = tx.Exists(id)
		return err
	})
	return found && err == nil, err == nil
}

// When a worker is busy, and how long it then waits for more. The clients that
// it has just answered send again within that time; a commit costs as much for
// one ping as for thirty.
const (
	busy   = 4 // pings in the batch before
	moment = 120 * time.Microsecond
)

// work stores batches until the queue is closed and empty.
func (b *Batcher) work() {
	before := 0
	for first := range b.in {
		if before >= busy {
			<-time.After(moment)
		}
		gathered := b.gather(first)
		before = len(gathered.pings)
		b.commit(gathered)
	}
}

// gather takes what waits already, without waiting for more.
func (b *Batcher) gather(first *waiting) *batch {
	gathered := &batch{pings: []*waiting{first}}
	for len(gathered.pings) < mostPerCommit {
		select {
		case w, open := <-b.in:
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
	if err != nil && len(gathered.pings) > 1 && (errors.Is(err, store.ErrLocked) || !errors.Is(err, store.ErrAway)) {
		for _, w := range gathered.pings {
			b.commit(&batch{pings: []*waiting{w}})
		}
		return
	}
	b.failures.note(time.Now(), gathered, err)
	if err != nil {
		b.log.Error("ping batch not stored", "component", "ingest", "pings", len(gathered.pings), "error", err)
	} else {
		b.meter.Commit(len(gathered.pings), time.Since(begun))
		b.stored.Add(int64(len(gathered.pings)))
	}
	var stored, ended []*Arrival
	for _, w := range gathered.pings {
		if err == nil && !unknown[w.id] {
			stored = append(stored, w.arrival)
		} else {
			ended = append(ended, w.arrival)
		}
	}
	// First off the register, then the answer: who has an answer may rely on it.
	b.arrivals.Stored(stored...)
	b.arrivals.End(ended...)
	for _, w := range gathered.pings {
		answer := err
		if answer == nil && unknown[w.id] {
			answer = errUnknown
		}
		w.done <- answer
	}
}

// store is the one transaction of a batch. It returns the ids that no
// heartbeat has.
func (b *Batcher) store(gathered *batch) (unknown map[string]bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), longestCommit)
	defer cancel()
	slices.SortStableFunc(gathered.pings, func(x, y *waiting) int { return x.arrival.At.Compare(y.arrival.At) })
	horizons := b.arrivals.Horizons(gathered)
	batch := make([]store.Heard, len(gathered.pings))
	for i, w := range gathered.pings {
		batch[i] = store.Heard{ID: w.id, Ping: w.ping, Horizon: horizons[i]}
	}
	heard, err := b.db.Hear(ctx, batch)
	if err != nil {
		return nil, err
	}
	if heard.Owed > 0 {
		b.news.Owed()
	}
	if !heard.Next.IsZero() {
		b.news.Sooner(heard.Next)
	}
	if b.news.Changed != nil && len(heard.Touched) > 0 {
		b.news.Changed(heard.Touched)
	}
	return heard.Unknown, nil
}
