package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"overdue/client"
	"overdue/e2e/bench/load"
	"overdue/e2e/bench/report"
	"overdue/internal/store/storetest/bulkload"
)

// Data and limits of the alerts benchmark. The times are in seconds.
const (
	alertedHeartbeats = 20_000
	failureRate       = 10 // failures of other heartbeats per second
	maxAllDelivered   = 15
	maxFirstAttempt   = 2 // p99
	deliveryTimeout   = 10 * time.Minute
)

// alerts measures how fast many alerts of one channel are delivered to a receiver that
// answers at once, and when the failures of other heartbeats are attempted meanwhile.
func (b *bench) alerts(ctx context.Context) error {
	return b.onEach(ctx, func(ctx context.Context, kind string, v build) error {
		d := dataset{kind: kind, heartbeats: 2 * alertedHeartbeats, build: v, deadlines: alertedHeartbeats}
		return b.beforeDeadlines(ctx, d, (*target).observeAlerts)
	})
}

// observeAlerts measures what happens after the deadlines.
func (t *target) observeAlerts(ctx context.Context, r *receiver) error {
	sizeBefore, err := bulkload.Size(ctx, t.database.address)
	if err != nil {
		return err
	}
	if err := sleepUntil(ctx, t.deadline); err != nil {
		return err
	}
	skip := pingable(alertedHeartbeats)
	others := load.PingsOf(pingable(t.heartbeats)-skip, "/fail", func(buf []byte, i int) []byte { return appendPingableID(buf, skip+i) })
	p, err := load.StartPaced(ctx, t.server.address, others, load.Plan{Rate: failureRate, Connections: 16, InOrder: true, Reconnect: true})
	if err != nil {
		return err
	}
	waitErr := r.waitFor(ctx, alertedHeartbeats, t.deadline.Add(deliveryTimeout))
	failures, err := p.Stop()
	if err := errors.Join(waitErr, err); err != nil {
		return err
	}
	failed := map[string]time.Time{} // when the failure was sent, by the name of the heartbeat
	for _, s := range failures.Sent {
		if s.OK {
			failed[heartbeatName(pingableNumber(skip+s.Request))] = s.Due.Add(s.Waited)
		}
	}
	t.acked, t.rejected, t.opened = int64(len(failed)), int64(failures.Rejected()), int64(alertedHeartbeats+len(failed))
	if failures.Rejected() > 0 {
		t.opened = -1 // a failure that was answered 503 may be stored nevertheless
	}
	if err := r.waitFor(ctx, alertedHeartbeats+len(failed), t.deadline.Add(deliveryTimeout)); err != nil {
		return err
	}
	if err := t.reportAlerts(r, failed); err != nil {
		return err
	}
	t.add("alerts", "failures not answered OK", float64(failures.Rejected()), fmt.Sprintf("of %d", len(failures.Sent)), report.AtMost(0))
	if err := t.stop(); err != nil {
		return err
	}
	sizeAfter, err := bulkload.Size(ctx, t.database.address)
	if err != nil {
		return err
	}
	t.add("alerts", "disk per incident with its alert and attempt", float64(sizeAfter-sizeBefore)/float64(t.opened), "bytes", nil)
	err = t.verify(ctx)
	return errors.Join(err, t.bench.remove(t.database))
}

// reportAlerts reports the delays of the received alerts. Each heartbeat must have exactly one
// incident, whose opening arrived at least once.
func (t *target) reportAlerts(r *receiver, failed map[string]time.Time) error {
	var toFirst load.Latencies
	var last time.Time
	missed := 0
	seen := map[string]bool{}
	_, webhooks := r.received()
	for _, w := range webhooks {
		var n client.Notification
		if err := json.Unmarshal(w.body, &n); err != nil {
			return fmt.Errorf("webhook: %w", err)
		}
		if n.Event != "incident.opened" || n.Heartbeat == nil || seen[n.Heartbeat.Name] {
			continue
		}
		seen[n.Heartbeat.Name] = true
		if at, isFailure := failed[n.Heartbeat.Name]; isFailure {
			toFirst = append(toFirst, int64(w.at.Sub(at)))
		} else if numberOf(n.Heartbeat.Name) < alertedHeartbeats {
			missed++
			last = w.at // the webhooks are in the order of their arrival
		}
	}
	if missed != alertedHeartbeats || len(toFirst) != len(failed) {
		return fmt.Errorf("alerts of %d missed deadlines and %d failures arrived; want %d and %d", missed, len(toFirst), alertedHeartbeats, len(failed))
	}
	t.add("alerts", "20,000 alerts of one channel, until all arrived", last.Sub(t.deadline).Seconds(), "s", report.AtMost(maxAllDelivered))
	t.add("alerts", "failure of another heartbeat meanwhile, until its alert arrived, p50", toFirst.At(0.5).Seconds(), "s", nil)
	t.add("alerts", "failure of another heartbeat meanwhile, until its alert arrived, p99", toFirst.At(0.99).Seconds(), "s", report.AtMost(maxFirstAttempt))
	t.add("alerts", "alerts that arrived more than once", float64(len(webhooks)-len(seen)), "", nil)
	return nil
}
