// Package metrics is the only place that knows Prometheus: what Overdue counts
// about itself and exposes at /metrics.
//
// No label names a heartbeat or a person, and channels are named by their id: the
// number of series is fixed, except for one per channel.
package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics counts. It is safe for concurrent use.
type Metrics struct {
	registry        *prometheus.Registry
	pings           *prometheus.CounterVec
	stored          prometheus.Counter // the one of pings with kind success and answer 200
	bodiesTruncated prometheus.Counter
	commitPings     prometheus.Histogram
	commitSeconds   prometheus.Histogram
	lateness        prometheus.Histogram
	deadlinesPassed prometheus.Counter
	deliveries      *prometheus.CounterVec
	deliverySeconds *prometheus.HistogramVec
	rejected        *prometheus.CounterVec
	blackouts       prometheus.Counter
	blackoutSeconds prometheus.Counter
	rowsDeleted     *prometheus.CounterVec
	cleanupSeconds  prometheus.Histogram
	canarySeconds   prometheus.Histogram
	canaryLost      prometheus.Counter
	watchdogPings   *prometheus.CounterVec
}

// Outbox counts the alerts that are not delivered yet.
type Outbox struct {
	Pending  int
	Oldest   time.Duration            // age of the oldest pending alert
	Channels map[string]ChannelOutbox // all channels, by id
}

// ChannelOutbox counts the alerts of a channel that are not delivered yet.
type ChannelOutbox struct {
	Pending     int
	Oldest      time.Duration
	Failing     bool
	Concurrency int           // maximum of concurrent sends
	Paused      time.Duration // remaining time of the pause that the receiver asked for; 0 without a pause
}

// outboxCollector collects the metrics of the outbox at each scrape.
type outboxCollector struct{ read func() Outbox }

var (
	pendingDesc = prometheus.NewDesc("overdue_alerts_pending", "Alerts that are not delivered yet, except future reminders.", nil, nil)
	oldestDesc  = prometheus.NewDesc("overdue_alerts_oldest_pending_seconds", "Age of the oldest alert that is not delivered yet, 0 if there is none.", nil, nil)
	failingDesc = prometheus.NewDesc("overdue_channel_failing", "1 if alerts do not get through the channel, or to one of its recipients.", []string{"channel"}, nil)

	channelPendingDesc = prometheus.NewDesc("overdue_channel_alerts_pending", "Alerts of the channel that are not delivered yet, except future reminders.", []string{"channel"}, nil)
	channelOldestDesc  = prometheus.NewDesc("overdue_channel_oldest_pending_seconds", "Age of the oldest alert of the channel that is not delivered yet, 0 if there is none.", []string{"channel"}, nil)
	concurrencyDesc    = prometheus.NewDesc("overdue_channel_concurrency", "Alerts of the channel that this node sends at a time, at most.", []string{"channel"}, nil)
	pausedDesc         = prometheus.NewDesc("overdue_channel_paused_seconds", "Time until the channel is used again, because its receiver asked to wait, 0 if it is not paused.", []string{"channel"}, nil)
)

// Describe sends the descriptions of the metrics.
func (c outboxCollector) Describe(out chan<- *prometheus.Desc) {
	out <- pendingDesc
	out <- oldestDesc
	out <- failingDesc
	out <- channelPendingDesc
	out <- channelOldestDesc
	out <- concurrencyDesc
	out <- pausedDesc
}

// Collect sends the metrics.
func (c outboxCollector) Collect(out chan<- prometheus.Metric) {
	o := c.read()
	out <- prometheus.MustNewConstMetric(pendingDesc, prometheus.GaugeValue, float64(o.Pending))
	out <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, o.Oldest.Seconds())
	for id, c := range o.Channels {
		failing := 0.0
		if c.Failing {
			failing = 1
		}
		for _, m := range []struct {
			desc  *prometheus.Desc
			value float64
		}{
			{failingDesc, failing},
			{channelPendingDesc, float64(c.Pending)},
			{channelOldestDesc, c.Oldest.Seconds()},
			{concurrencyDesc, float64(c.Concurrency)},
			{pausedDesc, c.Paused.Seconds()},
		} {
			out <- prometheus.MustNewConstMetric(m.desc, prometheus.GaugeValue, m.value, id)
		}
	}
}

// RegisterOutbox adds the metrics of alerts that are not delivered yet. read must be quick.
func (m *Metrics) RegisterOutbox(read func() Outbox) { m.registry.MustRegister(outboxCollector{read}) }

// Nodes describes the nodes of a database.
type Nodes struct {
	Running      int           // on the database, with this one
	ClockSkew    time.Duration // how far the clock of this node is ahead of the database's
	WatermarkLag time.Duration // age of the oldest ping of this node that is not stored
}

var (
	nodesDesc = prometheus.NewDesc("overdue_nodes", "Nodes that run on the database, with this one.", nil, nil)
	skewDesc  = prometheus.NewDesc("overdue_clock_skew_seconds", "How far the clock of this node is ahead of the clock of the database, 0 with SQLite.", nil, nil)
	lagDesc   = prometheus.NewDesc("overdue_watermark_lag_seconds", "Age of the oldest ping that this node has received and not stored.", nil, nil)
)

// nodesCollector collects the metrics of nodes at each scrape.
type nodesCollector struct{ read func() Nodes }

// Describe sends the descriptions of the metrics.
func (c nodesCollector) Describe(out chan<- *prometheus.Desc) {
	out <- nodesDesc
	out <- skewDesc
	out <- lagDesc
}

// Collect sends the metrics.
func (c nodesCollector) Collect(out chan<- prometheus.Metric) {
	n := c.read()
	out <- prometheus.MustNewConstMetric(nodesDesc, prometheus.GaugeValue, float64(n.Running))
	out <- prometheus.MustNewConstMetric(skewDesc, prometheus.GaugeValue, n.ClockSkew.Seconds())
	out <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, n.WatermarkLag.Seconds())
}

// RegisterNodes adds the metrics of nodes. read must be quick.
func (m *Metrics) RegisterNodes(read func() Nodes) { m.registry.MustRegister(nodesCollector{read}) }

// New returns the metrics. waiting returns the number of pings that wait to be stored, open how
// many incidents are open.
func New(waiting, open func() float64) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		pings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "overdue_pings_total", Help: "Pings by what they meant and how they were answered.",
		}, []string{"kind", "answer"}),
		bodiesTruncated: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "overdue_ping_bodies_truncated_total", Help: "Bodies of pings truncated below the body limit because too many were in memory.",
		}),
		commitPings: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "overdue_ping_commit_pings", Help: "Pings stored by one commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
		commitSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "overdue_ping_commit_seconds", Help: "Time that a commit of pings took, sync included.", Buckets: prometheus.ExponentialBuckets(0.0002, 2, 16),
		}),
		lateness: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "overdue_sweep_lateness_seconds", Help: "From a deadline to the moment at which it was noticed.", Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 16),
		}),
		deadlinesPassed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "overdue_lapses_total", Help: "Due times and deadlines that passed without a ping.",
		}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "overdue_deliveries_total", Help: "Attempts to deliver alerts, by kind of channel and outcome.",
		}, []string{"kind", "outcome"}),
		deliverySeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "overdue_delivery_seconds", Help: "Duration of an attempt to deliver an alert.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 17),
		}, []string{"kind"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "overdue_rejected_total", Help: "Requests and connections that were rejected, by reason. Pings are also in overdue_pings_total.",
		}, []string{"reason"}),
		rowsDeleted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "overdue_expired_rows_deleted_total", Help: "Rows of the database that were deleted because of their age or number, by table.",
		}, []string{"table"}),
		cleanupSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "overdue_cleanup_step_seconds", Help: "Time that one step of deleting expired rows took.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, 1},
		}),
	}
	m.blackouts = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "overdue_blackouts_total", Help: "Blackouts that this node recorded: times in which no node could store pings.",
	})
	m.blackoutSeconds = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "overdue_blackout_seconds_total", Help: "Length of all blackouts that this node recorded.",
	})
	m.addCanary()
	m.stored = m.pings.WithLabelValues("success", "200")
	for _, table := range []string{"pings", "ping_blocks", "slots", "incidents", "timeline", "threads", "alerts", "attempts", "audit", "heartbeats", "blackouts", "blackout_effects"} {
		m.rowsDeleted.WithLabelValues(table) // Prometheus cannot compute the rate of a counter that begins at 1
	}
	m.registry.MustRegister(
		m.pings, m.bodiesTruncated, m.commitPings, m.commitSeconds, m.lateness, m.deadlinesPassed, m.deliveries, m.deliverySeconds, m.rejected, m.rowsDeleted, m.cleanupSeconds, m.blackouts, m.blackoutSeconds,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "overdue_pings_waiting", Help: "Pings that wait to be stored."}, waiting),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "overdue_incidents_open", Help: "Incidents that are not resolved."}, open),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// addCanary creates the metrics of the canary and of the watchdog.
func (m *Metrics) addCanary() {
	m.canarySeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "overdue_canary_seconds", Help: "From a deadline that the canary missed on purpose to the arrival of its alert.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 16),
	})
	m.canaryLost = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "overdue_canary_failures_total", Help: "Alerts of the canary that did not arrive in time.",
	})
	m.watchdogPings = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "overdue_watchdog_pings_total", Help: "Pings to other monitoring services, by outcome.",
	}, []string{"outcome"})
	for _, outcome := range []string{"sent", "failed"} {
		m.watchdogPings.WithLabelValues(outcome)
	}
	m.registry.MustRegister(m.canarySeconds, m.canaryLost, m.watchdogPings)
}

// RegisterCanary adds the gauge of a canary that is late.
func (m *Metrics) RegisterCanary(late func() time.Duration) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "overdue_canary_late_seconds", Help: "How late the alert of the canary is, 0 if it is not late.",
	}, func() float64 { return late().Seconds() }))
}

// CanaryArrived records the delay of an alert of the canary.
func (m *Metrics) CanaryArrived(after time.Duration) { m.canarySeconds.Observe(after.Seconds()) }

// CanaryLost counts an alert of the canary that did not arrive in time.
func (m *Metrics) CanaryLost() { m.canaryLost.Inc() }

// OutgoingPing counts a ping to another monitoring service.
func (m *Metrics) OutgoingPing(outcome string) { m.watchdogPings.WithLabelValues(outcome).Inc() }

// Handler answers /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Ping counts one ping and the HTTP status of its answer.
func (m *Metrics) Ping(kind string, status int) {
	if kind == "success" && status == http.StatusOK {
		m.stored.Inc() // nearly all are; found once, not for every ping
		return
	}
	m.pings.WithLabelValues(kind, strconv.Itoa(status)).Inc()
}

// BodyTruncated counts one body that was truncated for lack of memory.
func (m *Metrics) BodyTruncated() { m.bodiesTruncated.Inc() }

// Commit counts one commit of pings.
func (m *Metrics) Commit(pings int, took time.Duration) {
	m.commitPings.Observe(float64(pings))
	m.commitSeconds.Observe(took.Seconds())
}

// DeadlinePassed counts one due time or deadline that was noticed late by the given time.
func (m *Metrics) DeadlinePassed(late time.Duration) {
	m.deadlinesPassed.Inc()
	m.lateness.Observe(late.Seconds())
}

// BlackoutEnded counts a blackout.
func (m *Metrics) BlackoutEnded(length time.Duration) {
	m.blackouts.Inc()
	m.blackoutSeconds.Add(length.Seconds())
}

// Delivery counts one attempt.
func (m *Metrics) Delivery(kind, outcome string, took time.Duration) {
	m.deliveries.WithLabelValues(kind, outcome).Inc()
	m.deliverySeconds.WithLabelValues(kind).Observe(took.Seconds())
}

// Rejected counts a request or connection that was rejected. There are few
// reasons, and all are known in advance.
func (m *Metrics) Rejected(reason string) { m.rejected.WithLabelValues(reason).Inc() }

// InitRejected makes the metric exist for a reason before anything is rejected:
// Prometheus cannot compute the rate of a counter that begins at 1.
func (m *Metrics) InitRejected(reason string) { m.rejected.WithLabelValues(reason) }

// RowsDeleted counts rows that were deleted because they were expired. There are few
// tables.
func (m *Metrics) RowsDeleted(table string, n int64) {
	m.rowsDeleted.WithLabelValues(table).Add(float64(n))
}

// CleanupStep counts one step that deleted expired rows.
func (m *Metrics) CleanupStep(took time.Duration) { m.cleanupSeconds.Observe(took.Seconds()) }
