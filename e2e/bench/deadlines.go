package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"overdue/e2e/bench/load"
	"overdue/e2e/bench/report"
)

// Load, limits and timeouts of the deadlines benchmark. The times are in milliseconds.
const (
	silentHeartbeats   = 100_000
	pingedHeartbeats   = 20_000
	maxDetectionTime   = 4_000
	maxDetectionPG     = 6_000
	maxMeanwhile       = 50 // p99 of pings meanwhile
	silenceTimeout     = 2 * time.Minute
	pollInterval       = 100 * time.Millisecond
	pingRate           = 200 // pings per second to the heartbeats that are still pinged
	pacedConnections   = 256 // more than the pings per second: a slow response must delay no other ping
	timeUntilDeadlines = 25 * time.Second
)

// deadlines measures how long the server takes to open the incidents of many heartbeats
// with the same deadline, and the latency of pings meanwhile.
func (b *bench) deadlines(ctx context.Context) error { return b.onEach(ctx, b.deadlinesOn) }

func (b *bench) deadlinesOn(ctx context.Context, kind string, v build) error {
	d := dataset{kind: kind, heartbeats: silentHeartbeats + pingedHeartbeats, build: v, deadlines: silentHeartbeats}
	return b.beforeDeadlines(ctx, d, (*target).observeDeadlines)
}

// beforeDeadlines starts a server whose heartbeats will be due at once, and runs a
// function before they are. If the server is not ready in time, it tries again with later
// deadlines.
func (b *bench) beforeDeadlines(ctx context.Context, d dataset, run func(*target, context.Context, *receiver) error) error {
	for d.in = timeUntilDeadlines; d.in < silenceTimeout; d.in *= 2 {
		t, r, err := b.startWithReceiver(ctx, d)
		if err != nil {
			return err
		}
		inTime := time.Until(t.deadline) > 2*time.Second
		if inTime {
			err = run(t, ctx, r)
		} else {
			t.opened = -1
			err = t.close(ctx)
		}
		t.kill()
		r.close()
		if err != nil || inTime {
			return err
		}
	}
	return errors.New("the server was not ready before the deadlines")
}

// pingedRequests returns pings to the heartbeats that are Up and not among the first
// `after`.
func (t *target) pingedRequests(after int) load.Requests {
	skip := pingable(after)
	return load.Pings(pingable(t.heartbeats)-skip, func(buf []byte, i int) []byte { return appendPingableID(buf, skip+i) })
}

// observeDeadlines measures what happens after the deadlines.
func (t *target) observeDeadlines(ctx context.Context, r *receiver) error {
	p, err := load.StartPaced(ctx, t.server.address, t.pingedRequests(silentHeartbeats), load.Plan{Rate: pingRate, Connections: pacedConnections})
	if err != nil {
		return err
	}
	allOpen, waitErr := t.waitUntilOpen(ctx, float64(t.before.OpenIncidents+silentHeartbeats))
	delivered, _ := r.received()
	done := time.Now()
	meanwhile, err := p.Stop()
	if err := errors.Join(waitErr, err); err != nil {
		return err
	}
	took := meanwhile.Since(t.deadline)
	if len(took) == 0 {
		return errors.New("no ping was sent meanwhile")
	}
	limit := report.AtMost(maxDetectionTime)
	if t.kind == onPostgres {
		limit = report.AtMost(maxDetectionPG)
	}
	t.add("deadlines", "100,000 deadlines at once, until all incidents are open", load.MS(allOpen.Sub(t.deadline)), "ms", limit)
	t.spread("deadlines", "pings meanwhile", took, report.AtMost(maxMeanwhile))
	t.add("deadlines", "pings not answered OK", float64(meanwhile.Rejected()), fmt.Sprintf("of %d", len(meanwhile.Sent)), report.AtMost(0))
	t.add("deadlines", "alerts delivered meanwhile", float64(delivered)/done.Sub(t.deadline).Seconds(), "/s", nil)
	t.acked, t.rejected, t.opened = int64(len(meanwhile.Sent)-meanwhile.Rejected()), int64(meanwhile.Rejected()), silentHeartbeats
	return t.close(ctx)
}

// waitUntilOpen waits until this number of incidents is open, and returns the time at
// which it observed that.
func (t *target) waitUntilOpen(ctx context.Context, want float64) (time.Time, error) {
	if err := sleepUntil(ctx, t.deadline); err != nil {
		return time.Time{}, err
	}
	for {
		open, err := t.gauge(ctx, "overdue_incidents_open")
		now := time.Now()
		switch {
		case err != nil:
			return now, err
		case open >= want:
			return now, nil
		case now.Sub(t.deadline) > silenceTimeout:
			return now, fmt.Errorf("%.0f incidents are open %s after the deadline; want %.0f", open, silenceTimeout, want)
		}
		if err := sleepUntil(ctx, now.Add(pollInterval)); err != nil {
			return now, err
		}
	}
}
