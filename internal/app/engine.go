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
	db       *store.DB
	log      *slog.Logger
	meter    *meter.Meter
	arrivals *ingest.Arrivals
	batcher  *ingest.Batcher
	watcher  *watch.Watcher
	courier  *deliver.Courier

	rejections *httpd.Rejections

	// Changed hears the keys of heartbeats that look different now. It is set
	// before Start, must return at once, and may be nil.
	Changed func(keys []int64)

	sweep, publish, deliver, tidy, memory, files, rejected, pulse *chore.Loop

	stop     context.CancelFunc
	unwatch  func()
	loops    sync.WaitGroup
	readyLog readyLog
}

// NewEngine puts the parts together. base is the address of the pages. Nothing
// runs until Start.
func NewEngine(db *store.DB, send deliver.Sender, base string, log *slog.Logger) *Engine {
	e := &Engine{db: db, log: log, arrivals: ingest.NewArrivals()}
	e.meter = meter.New(func() float64 { return float64(e.arrivals.Waiting()) }, e.openIncidents)
	e.rejections = httpd.NewRejections(log, func(r httpd.Reason) { e.meter.Rejected(string(r)) })
	for _, reason := range httpd.Reasons() {
		e.meter.ShowRejected(string(reason))
	}
	node := uuid.NewString()
	db.Join(node)
	e.watcher = &watch.Watcher{DB: db, Meter: e.meter, Cut: e.cut, Owed: func() { e.deliver.Nudge() }, Changed: e.changed}
	e.courier = &deliver.Courier{
		DB: db, Node: node, Send: send, Base: base, Meter: e.meter, Log: log, Nudge: func() { e.deliver.Nudge() },
	}
	e.meter.ShowOutbox(e.outbox)
	e.sweep = chore.New("sweep", log, e.watcher.Sweep)
	e.publish = chore.New("publish", log, e.watcher.Publish)
	e.deliver = chore.New("deliver", log, e.courier.Turn)
	e.tidy = chore.New("tidy", log, e.forget)
	m := &memory{db: db, stored: func() int64 { return e.batcher.Stored() }}
	e.memory = chore.New("memory", log, m.look)
	e.files = chore.New("files", log, e.checkFiles)
	e.pulse = chore.New("pulse", log, e.beat)
	e.rejected = chore.New("rejections", log, e.rejections.Flush)
	return e
}

// cut hands the register of arrivals to the watcher.
func (e *Engine) cut() watch.Cut {
	c := e.arrivals.Cut()
	return watch.Cut{Now: c.Now, Horizon: c.Horizon, Until: c.Until}
}

// until returns the register of pings on their way, for changes that people make.
func (e *Engine) until() (now time.Time, until func(id string) time.Time) {
	c := e.arrivals.Cut()
	return c.Now, c.Until
}

// openIncidents counts for the meter; what cannot be counted is told as -1.
func (e *Engine) openIncidents() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	n := int64(-1)
	err := e.db.View(ctx, func(tx *store.Tx) error {
		var err error
		n, err = tx.OpenIncidents()
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
	err := e.db.Update(ctx, func(tx *store.Tx) error { return e.db.Unclaim(tx, now) })
	if err != nil {
		return err
	}
	if _, err := e.watcher.Publish(ctx, now); err != nil {
		return err
	}
	e.batcher = ingest.NewBatcher(e.db, e.arrivals, e.meter, e.log, ingest.News{Owed: e.deliver.Nudge, Sooner: e.Sooner, Changed: e.changed})
	// The loops outlive ctx: they go on until Stop, while accepted requests
	// are being answered.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.stop, e.unwatch = stop, e.db.Watch(e.availability)
	for _, loop := range []*chore.Loop{e.sweep, e.publish, e.deliver, e.tidy, e.memory, e.files, e.rejected, e.pulse} {
		e.loops.Go(func() { loop.Run(background) })
	}
	return nil
}

// beat records that this process runs, so that a suspension is noticed.
func (e *Engine) beat(context.Context, time.Time) (time.Duration, error) {
	e.arrivals.Pulse()
	return ingest.PulseInterval, nil
}

// Sooner tells the engine that something may happen by itself at next.
func (e *Engine) Sooner(next time.Time) { e.sweep.NudgeBefore(next) }

// changed tells the pages which heartbeats look different now.
func (e *Engine) changed(keys []int64) {
	if e.Changed != nil {
		e.Changed(keys)
	}
}

// Owed tells the engine that alerts became owed.
func (e *Engine) Owed() { e.deliver.Nudge() }

// forget deletes what was kept long enough.
func (e *Engine) forget(ctx context.Context, now time.Time) (time.Duration, error) {
	const mostAtOnce, pauseBetween, pauseAfter = 50, 100 * time.Millisecond, time.Hour
	forgotten := 0
	err := e.db.Update(ctx, func(tx *store.Tx) error {
		var err error
		forgotten, err = tx.Forget(now, mostAtOnce)
		return err
	})
	if forgotten == mostAtOnce {
		return pauseBetween, err
	}
	return pauseAfter, err
}

// availability is called when the database stops answering and when it answers
// again. Loops that pause after an error then continue at once.
func (e *Engine) availability(why error) {
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
	defer e.unwatch()
	return errors.Join(e.courier.Stop(ctx), e.watcher.Leave(ctx))
}
