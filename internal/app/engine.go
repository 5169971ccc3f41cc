package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"overdue/internal/canary"
	"overdue/internal/deliver"
	"overdue/internal/httpd"
	"overdue/internal/ingest"
	"overdue/internal/loop"
	"overdue/internal/manage"
	"overdue/internal/metrics"
	"overdue/internal/notify"
	"overdue/internal/store"
	"overdue/internal/watch"
)

// Engine runs the background loops and stores pings.
type Engine struct {
	db         *store.DB
	log        *slog.Logger
	metrics    *metrics.Metrics
	inFlight   *ingest.InFlight
	batcher    *ingest.Batcher
	watcher    *watch.Watcher
	dispatcher *deliver.Dispatcher
	resender   *deliver.Resender // its Send is set before Start; nil: nothing is sent again

	canary *canary.Canary // nil: disabled
	pinger *canary.Pinger // nil: disabled

	rejections *httpd.Rejections
	retention  *retentionLoop

	// Pinged and Changed get the keys of heartbeats that got pings, and of those that changed
	// otherwise, see loop.Signals. They are set before Start, must return at once, and may be nil.
	Pinged, Changed func(keys []int64)

	sweep, publish, maintenance, delivery, grouping, resend, cleanup, memory, files, rejectionLog, pulse *loop.Loop

	watchURL               string     // of the watchdog; empty: none
	canaryLoop, pingerLoop *loop.Loop // they end before the batcher
	stopCanaryLoops        context.CancelFunc
	canaryLoops            sync.WaitGroup

	stop         context.CancelFunc
	stopWatching func()
	loops        sync.WaitGroup
	readyLog     readyLog
	started      time.Time
	groupedAt    time.Time // when no incident was left to group; only for the loop
	clock        clockWatch
}

// NewEngine connects the parts. base is the base URL of the pages. Nothing runs
// until Start.
func NewEngine(db *store.DB, send deliver.SendFunc, base string, log *slog.Logger) *Engine {
	e := &Engine{db: db, log: log, inFlight: ingest.NewInFlight()}
	e.metrics = metrics.New(func() float64 { return float64(e.inFlight.Count()) }, e.openIncidents)
	e.rejections = httpd.NewRejections(log, func(r httpd.Reason) { e.metrics.Rejected(string(r)) })
	for _, reason := range httpd.Reasons() {
		e.metrics.InitRejected(string(reason))
	}
	node := uuid.NewString()
	db.SetNode(node)
	e.inFlight.Now = db.Now
	e.watcher = &watch.Watcher{DB: db, Metrics: e.metrics, Snapshot: e.watchSnapshot, Signals: e.signals(), Log: log, Stored: e.inFlight.ForgetRejected}
	e.dispatcher = &deliver.Dispatcher{
		DB: db, Node: node, Send: send, Base: base, Metrics: e.metrics, Log: log, Wake: func() { e.delivery.Wake() },
		CanaryArrived: func(time.Time) {}, AdoptSettings: manage.AdoptSettings,
	}
	e.metrics.RegisterOutbox(e.outbox)
	e.metrics.RegisterNodes(e.nodeMetrics)
	e.sweep = loop.New("sweep", log, e.watcher.Sweep)
	e.publish = loop.New("publish", log, e.watcher.Publish)
	e.maintenance = loop.New("maintenance", log, e.watcher.PlanMaintenance)
	e.delivery = loop.New("delivery", log, e.atStoreTime(e.dispatcher.RunOnce))
	e.grouping = loop.New("grouping", log, e.atStoreTime(e.groupIncidents))
	e.resender = &deliver.Resender{Dispatcher: e.dispatcher, Kinds: notify.ResentKinds()}
	e.resend = loop.New("resend", log, e.atStoreTime(e.resender.RunOnce))
	e.retention = &retentionLoop{db: db, cleanup: db.NewCleanup(), metrics: e.metrics, log: log, deleted: map[string]int64{}}
	e.cleanup = loop.New("cleanup", log, e.atStoreTime(e.retention.run))
	m := &memoryRelease{db: db, stored: func() int64 { return e.batcher.StoredCount() }}
	e.memory = loop.New("memory", log, m.run)
	e.files = loop.New("files", log, e.checkFiles)
	e.pulse = loop.New("pulse", log, e.recordPulse)
	e.rejectionLog = loop.New("rejections", log, e.rejections.Flush)
	return e
}

// watchSnapshot returns a snapshot of the pings in flight for the watcher.
func (e *Engine) watchSnapshot() watch.Snapshot {
	c := e.inFlight.Snapshot()
	return watch.Snapshot{Now: c.Now, Watermark: c.Watermark, EvaluableUntil: c.EvaluableUntil}
}

// evaluableUntil returns a snapshot of the pings in flight for changes by users.
func (e *Engine) evaluableUntil() (now time.Time, until func(id string) time.Time) {
	c := e.inFlight.Snapshot()
	return c.Now, c.EvaluableUntil
}

// openIncidents counts the open incidents for the metrics. It returns -1 on errors.
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

// Start starts the loops. Before that, it measures the clock of the database, releases the claims of a killed
// server on SQLite, and adds this node to the list of nodes.
func (e *Engine) Start(ctx context.Context) error {
	if err := e.db.MeasureClock(ctx); err != nil {
		return err
	}
	now := e.db.Now()
	err := e.db.Update(ctx, func(tx *store.Tx) error { return errors.Join(e.db.ReleaseClaims(tx, now), tx.PublishRetention()) })
	if err != nil {
		return err
	}
	if _, err := e.watcher.Publish(ctx, now); err != nil {
		return err
	}
	// Before the first sweep and the first ping: the windows that are planned may be over.
	if _, err := e.watcher.PlanMaintenance(ctx, now); err != nil {
		return err
	}
	e.batcher = ingest.NewBatcher(e.db, e.inFlight, e.metrics, e.log, e.signals())
	e.started = now
	// The loops do not end with ctx: they run until Stop, because accepted requests
	// still need them.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.stop, e.stopWatching = stop, e.db.WatchAvailability(e.onAvailability)
	for _, l := range []*loop.Loop{e.sweep, e.publish, e.maintenance, e.delivery, e.grouping, e.resend, e.cleanup, e.memory, e.files, e.rejectionLog, e.pulse} {
		e.loops.Go(func() { l.Run(background) })
	}
	e.loops.Go(func() { e.preloadListIndex(background) })
	e.startCanary(background)
	return nil
}

// recordPulse records that this process runs, so a suspension is detected, and checks the
// clock.
func (e *Engine) recordPulse(context.Context, time.Time) (time.Duration, error) {
	e.inFlight.Pulse()
	e.checkClock()
	return ingest.PulseInterval, nil
}

// atStoreTime returns a function for a loop that gets the time of the database in place of
// that of the loop.
func (e *Engine) atStoreTime(run func(context.Context, time.Time) (time.Duration, error)) func(context.Context, time.Time) (time.Duration, error) {
	return func(ctx context.Context, _ time.Time) (time.Duration, error) { return run(ctx, e.db.Now()) }
}

// signals returns the signals that the parts of the server send after a commit.
func (e *Engine) signals() loop.Signals {
	return loop.Signals{
		Due:     func(next time.Time) { e.sweep.WakeBefore(time.Now().Add(next.Sub(e.db.Now()))) },
		Pending: func() { e.delivery.Wake() },
		Pinged: func(keys []int64) {
			if e.Pinged != nil {
				e.Pinged(keys)
			}
		},
		Changed: func(keys []int64) {
			e.grouping.Wake()
			if e.Changed != nil {
				e.Changed(keys)
			}
		},
	}
}

// onAvailability is called when the database stops answering and when it answers
// again. Loops that pause after an error then continue at once.
func (e *Engine) onAvailability(why error) {
	if why != nil {
		e.log.Error("database unavailable", "component", "store", "error", why)
		return
	}
	e.log.Info("database available again", "component", "store")
	if loss := e.db.TakeLoss(); loss.Pings > 0 {
		e.log.Error("database lost acknowledged pings", "component", "store", "pings", loss.Pings, "heartbeats", loss.Heartbeats)
	}
	e.batcher.DatabaseReturned()
	for _, l := range []*loop.Loop{e.publish, e.sweep, e.maintenance, e.delivery, e.grouping, e.resend, e.cleanup, e.memory} {
		l.Retry()
	}
}

// checkFiles checks that the database file is still in place, even while nothing
// is written.
func (e *Engine) checkFiles(ctx context.Context, _ time.Time) (time.Duration, error) {
	return time.Second, e.db.CheckFiles(ctx)
}

// Stop stops the engine: it stores the queued pings, ends the loops, and waits
// for sends in progress. No ping may arrive afterwards. ctx limits how long it
// takes.
func (e *Engine) Stop(ctx context.Context) error {
	e.stopCanary()
	e.batcher.Stop()
	e.stop()
	e.loops.Wait()
	defer e.stopWatching()
	return errors.Join(e.dispatcher.Stop(ctx), e.removeCanary(ctx), e.watcher.Leave(ctx))
}
