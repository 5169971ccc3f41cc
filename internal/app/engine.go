package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"overdue/internal/chore"
	"overdue/internal/deliver"
	"overdue/internal/httpd"
	"overdue/internal/ingest"
	"overdue/internal/meter"
	"overdue/internal/store"
	"overdue/internal/watch"
)

// Engine is all that runs without being asked, and what takes pings in.
type Engine struct {
	db         *store.DB
	log        *slog.Logger
	metrics    *meter.Metrics
	inFlight   *ingest.InFlight
	batcher    *ingest.Batcher
	watcher    *watch.Watcher
	dispatcher *deliver.Dispatcher

	rejections *httpd.Rejections

	// Changed hears the keys of heartbeats that look different now. It is set
	// before Start, must return at once, and may be nil.
	Changed func(keys []int64)

	sweep, publish, deliver, tidy, memory, files, rejectionLog, pulse *chore.Loop

	stop         context.CancelFunc
	stopWatching func()
	loops        sync.WaitGroup
	readyLog     readyLog
}

// NewEngine puts the parts together. base is the address of the pages. Nothing
// runs until Start.
func NewEngine(db *store.DB, send deliver.SendFunc, base string, log *slog.Logger) *Engine {
	e := &Engine{db: db, log: log, inFlight: ingest.NewInFlight()}
	e.metrics = meter.New(func() float64 { return float64(e.inFlight.Count()) }, e.openIncidents)
	e.rejections = httpd.NewRejections(log, func(r httpd.Reason) { e.metrics.Rejected(string(r)) })
	for _, reason := range httpd.Reasons() {
		e.metrics.InitRejected(string(reason))
	}
	node := uuid.NewString()
	db.SetNode(node)
	e.watcher = &watch.Watcher{DB: db, Metrics: e.metrics, Snapshot: e.watchSnapshot, Pending: func() { e.deliver.Wake() }, Changed: e.changed}
	e.dispatcher = &deliver.Dispatcher{
		DB: db, Node: node, Send: send, Base: base, Metrics: e.metrics, Log: log, Wake: func() { e.deliver.Wake() },
	}
	e.metrics.RegisterOutbox(e.outbox)
	e.sweep = chore.New("sweep", log, e.watcher.Sweep)
	e.publish = chore.New("publish", log, e.watcher.Publish)
	e.deliver = chore.New("deliver", log, e.dispatcher.RunOnce)
	e.tidy = chore.New("tidy", log, e.deleteExpired)
	m := &memoryRelease{db: db, stored: func() int64 { return e.batcher.StoredCount() }}
	e.memory = chore.New("memory", log, m.run)
	e.files = chore.New("files", log, e.checkFiles)
	e.pulse = chore.New("pulse", log, e.recordPulse)
	e.rejectionLog = chore.New("rejections", log, e.rejections.Flush)
	return e
}

// watchSnapshot hands the register of arrivals to the watcher.
func (e *Engine) watchSnapshot() watch.Snapshot {
	c := e.inFlight.Snapshot()
	return watch.Snapshot{Now: c.Now, Watermark: c.Watermark, EvaluableUntil: c.EvaluableUntil}
}

// evaluableUntil returns the register of pings on their way, for changes that people make.
func (e *Engine) evaluableUntil() (now time.Time, until func(id string) time.Time) {
	c := e.inFlight.Snapshot()
	return c.Now, c.EvaluableUntil
}

// openIncidents counts for the meter; what cannot be counted is told as -1.
func (e *Engine) openIncidents() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	n := int64(-1)
	err := e.db.View(ctx, func(tx *store.Tx) error {
		var err error
		n, err = tx.CountOpenIncidents()
		return err
	})
	if err != nil {
		return -1
	}
	return float64(n)
}

// Start begins to work. What a killed predecessor had claimed is freed, and
// this node is on the list before it takes its first ping.
func (e *Engine) Start(ctx context.Context) error {
	now := time.Now().UTC()
	err := e.db.Update(ctx, func(tx *store.Tx) error { return e.db.ReleaseClaims(tx, now) })
	if err != nil {
		return err
	}
	if _, err := e.watcher.Publish(ctx, now); err != nil {
		return err
	}
	e.batcher = ingest.NewBatcher(e.db, e.inFlight, e.metrics, e.log, ingest.Signals{Pending: e.deliver.Wake, Due: e.Due, Changed: e.changed})
	// The loops outlive ctx: they go on until Stop, while accepted requests
	// are being answered.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.stop, e.stopWatching = stop, e.db.WatchAvailability(e.onAvailability)
	for _, loop := range []*chore.Loop{e.sweep, e.publish, e.deliver, e.tidy, e.memory, e.files, e.rejectionLog, e.pulse} {
		e.loops.Go(func() { loop.Run(background) })
	}
	return nil
}

// recordPulse records that this process runs, so that a suspension is noticed.
func (e *Engine) recordPulse(context.Context, time.Time) (time.Duration, error) {
	e.inFlight.Pulse()
	return ingest.PulseInterval, nil
}

// Due tells the engine that something may happen by itself at next.
func (e *Engine) Due(next time.Time) { e.sweep.WakeBefore(next) }

// changed tells the pages which heartbeats look different now.
func (e *Engine) changed(keys []int64) {
	if e.Changed != nil {
		e.Changed(keys)
	}
}

// Pending tells the engine that alerts became owed.
func (e *Engine) Pending() { e.deliver.Wake() }

// deleteExpired deletes what was kept long enough.
func (e *Engine) deleteExpired(ctx context.Context, now time.Time) (time.Duration, error) {
	const mostAtOnce, pauseBetween, pauseAfter = 50, 100 * time.Millisecond, time.Hour
	forgotten := 0
	err := e.db.Update(ctx, func(tx *store.Tx) error {
		var err error
		forgotten, err = tx.DeleteExpired(now, mostAtOnce)
		return err
	})
	if forgotten == mostAtOnce {
		return pauseBetween, err
	}
	return pauseAfter, err
}

// onAvailability is called when the database stops answering and when it answers
// again. Loops that pause after an error then continue at once.
func (e *Engine) onAvailability(why error) {
	if why != nil {
		e.log.Error("database unavailable", "component", "store", "error", why)
		return
	}
	e.log.Info("database available again", "component", "store")
	for _, loop := range []*chore.Loop{e.publish, e.sweep, e.deliver} {
		loop.Retry()
	}
}

// checkFiles checks that the database file is still in place, even while nothing
// is written.
func (e *Engine) checkFiles(ctx context.Context, _ time.Time) (time.Duration, error) {
	return time.Second, e.db.CheckFiles(ctx)
}

// Stop ends the work: first what waits to be stored, then the loops, then what
// is being sent. No more pings may come in. ctx bounds how long it takes.
func (e *Engine) Stop(ctx context.Context) error {
	e.batcher.Stop()
	e.stop()
	e.loops.Wait()
	defer e.stopWatching()
	return errors.Join(e.dispatcher.Stop(ctx), e.watcher.Leave(ctx))
}
