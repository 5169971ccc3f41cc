package metrics

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// scrape returns the lines of /metrics.
func scrape(t *testing.T, m *Metrics) map[string]bool {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	lines := map[string]bool{}
	for line := range strings.SplitSeq(rec.Body.String(), "\n") {
		lines[line] = true
	}
	return lines
}

// zeroGauge is a gauge without a value.
func zeroGauge() float64 { return 0 }

func TestHandler_ShowsWhatWasCounted(t *testing.T) {
	m := New(func() float64 { return 3 }, func() float64 { return 2 })
	m.Ping("success", 200)
	m.Ping("success", 200)
	m.Ping("fail", 503)
	m.BodyTruncated()
	m.Commit(5, time.Millisecond)
	m.DeadlinePassed(20 * time.Millisecond)
	m.Delivery("webhook", "sent", time.Second)
	lines := scrape(t, m)
	for _, want := range []string{
		`overdue_pings_total{answer="200",kind="success"} 2`, `overdue_pings_total{answer="503",kind="fail"} 1`,
		"overdue_ping_bodies_truncated_total 1", "overdue_ping_commit_pings_sum 5", "overdue_lapses_total 1",
		`overdue_deliveries_total{kind="webhook",outcome="sent"} 1`, "overdue_pings_waiting 3", "overdue_incidents_open 2",
	} {
		if !lines[want] {
			t.Errorf("/metrics has no line %s", want)
		}
	}
}

func TestInitRejected_ShowsAReasonBeforeTheFirstRejection(t *testing.T) {
	m := New(zeroGauge, zeroGauge)
	m.InitRejected("panic")
	if !scrape(t, m)[`overdue_rejected_total{reason="panic"} 0`] {
		t.Error("/metrics does not show the reason with 0")
	}
	m.Rejected("panic")
	if !scrape(t, m)[`overdue_rejected_total{reason="panic"} 1`] {
		t.Error("/metrics does not show the rejection")
	}
}

func TestRegisterOutbox_ShowsPendingAlertsAndEachChannel(t *testing.T) {
	m := New(zeroGauge, zeroGauge)
	m.RegisterOutbox(func() Outbox {
		return Outbox{Pending: 4, Oldest: 90 * time.Second, Channels: map[string]ChannelOutbox{
			"a": {Failing: true, Pending: 4, Oldest: 90 * time.Second, Concurrency: 1, Paused: 30 * time.Second}, "b": {Concurrency: 32},
		}}
	})
	lines := scrape(t, m)
	for _, want := range []string{
		"overdue_alerts_pending 4", "overdue_alerts_oldest_pending_seconds 90", `overdue_channel_failing{channel="a"} 1`, `overdue_channel_failing{channel="b"} 0`,
		`overdue_channel_alerts_pending{channel="a"} 4`, `overdue_channel_oldest_pending_seconds{channel="a"} 90`,
		`overdue_channel_paused_seconds{channel="a"} 30`, `overdue_channel_concurrency{channel="b"} 32`,
	} {
		if !lines[want] {
			t.Errorf("/metrics has no line %s", want)
		}
	}
}

func TestRegisterNodes_ShowsTheNodesAndTheClock(t *testing.T) {
	m := New(zeroGauge, zeroGauge)
	m.RegisterNodes(func() Nodes {
		return Nodes{Running: 3, ClockSkew: -1500 * time.Millisecond, WatermarkLag: 250 * time.Millisecond}
	})
	lines := scrape(t, m)
	for _, want := range []string{"overdue_nodes 3", "overdue_clock_skew_seconds -1.5", "overdue_watermark_lag_seconds 0.25"} {
		if !lines[want] {
			t.Errorf("/metrics has no line %s", want)
		}
	}
}
