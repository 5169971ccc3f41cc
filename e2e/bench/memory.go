package main

import (
	"context"
	"time"

	"overdue/e2e/bench/load"
	"overdue/e2e/bench/report"
)

// Load, pauses and limits of the memory benchmark. The limits are in megabytes (MB, 10⁶
// bytes).
const (
	loadDuration      = 3 * time.Second
	manyLoadDuration  = 20 * time.Second
	settleDuration    = 10 * time.Second // after the start
	restDuration      = 5 * time.Second
	sampleInterval    = 100 * time.Millisecond
	maxIdleMemory     = 60
	maxManyIdle       = 150 // with manyHeartbeats
	maxManyUnderLoad  = 400
	bytesPerMB        = 1e6
	memoryConnections = 64
	manyConnections   = 256
)

// Number of measured starts, and the maximum duration of a start in milliseconds.
const (
	startCount   = 5
	maxStartTime = 1000
)

// memory measures the resident memory of an empty server, and of one with many
// heartbeats, under load and after a pause.
func (b *bench) memory(ctx context.Context) error {
	if err := b.onEach(ctx, b.memoryOn); err != nil || !b.scale {
		return err
	}
	return b.onEach(ctx, b.memoryOfMany)
}

func (b *bench) memoryOn(ctx context.Context, kind string, v build) error {
	empty, err := b.start(ctx, dataset{kind: kind, build: v})
	if err != nil {
		return err
	}
	defer empty.kill()
	if err := empty.recordMemory(ctx, time.Second, "no heartbeats, idle", report.AtMost(maxIdleMemory)); err != nil {
		return err
	}
	if err := empty.close(ctx); err != nil {
		return err
	}
	full, err := b.start(ctx, dataset{kind: kind, heartbeats: pingHeartbeats, build: v})
	if err != nil {
		return err
	}
	defer full.kill()
	if err := full.peakUnderLoad(ctx, memoryConnections, loadDuration, "10,000 heartbeats, under load", nil); err != nil {
		return err
	}
	if err := full.recordMemory(ctx, restDuration, "10,000 heartbeats, idle for 5 s after load", report.AtMost(maxIdleMemory)); err != nil {
		return err
	}
	return full.close(ctx)
}

func (b *bench) memoryOfMany(ctx context.Context, kind string, v build) error {
	t, err := b.start(ctx, dataset{kind: kind, heartbeats: manyHeartbeats, build: v})
	if err != nil {
		return err
	}
	defer t.kill()
	if err := t.recordMemory(ctx, settleDuration, "1,000,000 heartbeats, idle", report.AtMost(maxManyIdle)); err != nil {
		return err
	}
	if err := t.peakUnderLoad(ctx, manyConnections, manyLoadDuration, "1,000,000 heartbeats, highest under load", report.AtMost(maxManyUnderLoad)); err != nil {
		return err
	}
	if err := t.recordMemory(ctx, settleDuration, "1,000,000 heartbeats, idle for 10 s after load", nil); err != nil {
		return err
	}
	return t.close(ctx)
}

// recordMemory reports the resident memory after a pause.
func (t *target) recordMemory(ctx context.Context, pause time.Duration, what string, bound *report.Bound) error {
	if err := sleepUntil(ctx, time.Now().Add(pause)); err != nil {
		return err
	}
	resident, err := t.residentMemory()
	t.add("memory", what, resident/bytesPerMB, "MB", bound)
	return err
}

// peakUnderLoad reports the highest resident memory during a load.
func (t *target) peakUnderLoad(ctx context.Context, n int, length time.Duration, what string, bound *report.Bound) error {
	stop := t.watchMemory(ctx)
	r, err := load.Round(ctx, t.server.address, t.requests, n, length)
	t.acked, t.rejected = t.acked+r.Pings, t.rejected+r.Rejected
	t.add("memory", what, stop()/bytesPerMB, "MB", bound)
	return err
}

// watchMemory samples the resident memory until the returned function is called, which
// returns the highest value in bytes.
func (t *target) watchMemory(ctx context.Context) (stop func() float64) {
	ctx, cancel := context.WithCancel(ctx)
	peak := make(chan float64, 1)
	go func() {
		highest := 0.0
		for {
			resident, _ := t.residentMemory() // 0 if the server has ended, which the load reports
			highest = max(highest, resident)
			if sleepUntil(ctx, time.Now().Add(sampleInterval)) != nil {
				peak <- highest
				return
			}
		}
	}()
	return func() float64 {
		cancel()
		return <-peak
	}
}

// starts measures the time from the start of the process to the first response.
func (b *bench) starts(ctx context.Context) error {
	d := dataset{kind: onSQLite, heartbeats: pingHeartbeats, build: b.builds()[0]}
	db, err := b.newDatabase(ctx, d)
	if err != nil {
		return err
	}
	var took load.Latencies
	for range startCount {
		begun := time.Now()
		s, err := b.serve(ctx, db)
		if err != nil {
			return err
		}
		err = s.waitUntilHealthy(ctx)
		took = append(took, int64(time.Since(begun)))
		if err != nil {
			s.kill()
			return err
		}
		if err := s.stop(); err != nil {
			return err
		}
	}
	b.add(d.build, report.Figure{Measure: "start", On: d.kind, What: "10,000 heartbeats, until /healthz answers, median of 5", Value: load.MS(took.At(0.5)), Unit: "ms"})
	b.add(d.build, report.Figure{Measure: "start", On: d.kind, What: "10,000 heartbeats, until /healthz answers, slowest of 5", Value: load.MS(took.At(1)), Unit: "ms", Bound: report.AtMost(maxStartTime)})
	return b.remove(db)
}
