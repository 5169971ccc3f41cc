package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"overdue/e2e/bench/load"
	"overdue/e2e/bench/report"
	"overdue/internal/store/storetest/bulkload"
)

// Data and limits of the spike.
const (
	spikePings       = 100_000 // one per heartbeat, within one second
	spikeHeartbeats  = 134_000 // of which more than spikePings are Up
	spikeDue         = 1_000   // heartbeats that are due soon after the spike
	spikeStride      = 7_919   // has no common divisor with spikePings
	spikeConnections = 2_000
	spikeLead        = 5 * time.Second        // from the first ping to the deadlines
	sendMargin       = 500 * time.Millisecond // before the deadline: the kernel may deliver a later ping after it
	maxSpikeMemory   = 300
)

// spike measures a hundred thousand pings that are sent within one second, whatever the
// server answers. Some of the heartbeats are due four seconds after the last planned ping:
// none of them may miss it because its ping waits to be stored.
func (b *bench) spike(ctx context.Context) error {
	return b.onEach(ctx, func(ctx context.Context, kind string, v build) error {
		d := dataset{kind: kind, heartbeats: spikeHeartbeats, build: v, deadlines: spikeDue}
		return b.beforeDeadlines(ctx, d, (*target).observeSpike)
	})
}

// spikeNumber returns the number of the heartbeat of ping k: the ones that are due soon
// are spread over the whole spike.
func spikeNumber(k int) int { return pingableNumber(k * spikeStride % spikePings) }

// observeSpike sends the pings.
func (t *target) observeSpike(ctx context.Context, _ *receiver) error {
	if err := sleepUntil(ctx, t.deadline.Add(-spikeLead)); err != nil {
		return err
	}
	stop := t.watchMemory(ctx)
	plan := load.Plan{Rate: spikePings, Connections: spikeConnections, Count: spikePings, InOrder: true}
	requests := load.Pings(spikePings, func(buf []byte, k int) []byte { return appendID(buf, spikeNumber(k)) })
	p, err := load.StartPaced(ctx, t.server.address, requests, plan)
	if err != nil {
		return err
	}
	result, err := p.Wait()
	peak := stop()
	if err := errors.Join(err, t.stop()); err != nil {
		return err
	}
	incidents, err := bulkload.WithIncident(ctx, t.database.address)
	if err != nil {
		return err
	}
	return errors.Join(t.reportSpike(ctx, result, incidents, peak), t.bench.remove(t.database))
}

// reportSpike reports the responses, and the incidents of heartbeats whose ping was in
// time.
func (t *target) reportSpike(ctx context.Context, result load.PacedResult, incidents map[int64]bool, peak float64) error {
	var took load.Latencies
	var rejected, other, missed, sentLate int
	for _, s := range result.Sent {
		number := spikeNumber(s.Request)
		inTime := s.Due.Add(s.Waited).Before(t.deadline.Add(-sendMargin))
		switch {
		case s.OK:
			if took = append(took, int64(s.Took)); inTime && incidents[int64(number)+1] {
				missed++
			}
		case s.Status == http.StatusServiceUnavailable && s.RetryAfter:
			rejected++
		default:
			other++
		}
		if !inTime && number < spikeDue {
			sentLate++
		}
	}
	what := "100,000 pings in one second: "
	t.spread("spike", what+"latency from the planned time", took, nil)
	t.add("spike", what+"answered OK", float64(len(took)), "", nil)
	t.add("spike", what+"rejected with 503 and Retry-After", float64(rejected), "", nil)
	t.add("spike", what+"answered in another way", float64(other), "", report.AtMost(0))
	t.add("spike", what+"incidents although the ping was sent in time and answered OK", float64(missed), "", report.AtMost(0))
	t.add("spike", what+"heartbeats whose ping this generator sent too late", float64(sentLate), "", nil)
	t.add("spike", what+"highest memory", peak/bytesPerMB, "MB", report.AtMost(maxSpikeMemory))
	after, err := bulkload.Count(ctx, t.database.address)
	if stored := after.Pings - t.before.Pings; err == nil && (stored < int64(len(took)) || stored > spikePings) {
		err = fmt.Errorf("%s: %d pings were stored; %d were acknowledged and %d sent", t.name, stored, len(took), spikePings)
	}
	t.add("spike", what+"stored although they were not answered OK", float64(after.Pings-t.before.Pings-int64(len(took))), "", nil)
	return err
}

// The top of the hour: the average rate is that of manyHeartbeats that are pinged hourly.
const (
	averageRate      = manyHeartbeats / 3600
	burstFactor      = 20
	burstLength      = 5 * time.Second
	burstConnections = 512
	bursts           = 10
)

// hours measures bursts of twenty times the average rate, one per minute.
func (b *bench) hours(ctx context.Context) error { return b.onEach(ctx, b.hoursOn) }

func (b *bench) hoursOn(ctx context.Context, kind string, v build) error {
	t, err := b.start(ctx, dataset{kind: kind, heartbeats: manyHeartbeats, build: v})
	if err != nil {
		return err
	}
	defer t.kill()
	stop := t.watchMemory(ctx)
	var inBursts, between load.Latencies
	rejected := 0
	for i := range bursts {
		for _, phase := range []struct {
			rate   float64
			length time.Duration
			took   *load.Latencies
		}{{burstFactor * averageRate, burstLength, &inBursts}, {averageRate, time.Minute - burstLength, &between}} {
			plan := load.Plan{Rate: phase.rate, Connections: burstConnections, Count: int(phase.rate * phase.length.Seconds()), Reconnect: true}
			p, err := load.StartPaced(ctx, t.server.address, t.requests, plan)
			if err != nil {
				return err
			}
			r, err := p.Wait()
			if err != nil {
				return err
			}
			*phase.took = append(*phase.took, r.Since(time.Time{})...)
			rejected += r.Rejected()
			t.acked, t.rejected = t.acked+int64(len(r.Sent)-r.Rejected()), t.rejected+int64(r.Rejected())
		}
		b.progress("hours: %s: burst %d of %d: p99 %.1f ms, between %.1f ms", t.name, i+1, bursts, load.MS(inBursts.At(0.99)), load.MS(between.At(0.99)))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	what := fmt.Sprintf("%d bursts of %d times the average, %s heartbeats: ", bursts, burstFactor, t.size())
	t.spread("hours", what+"pings in bursts", inBursts, nil)
	t.spread("hours", what+"pings between", between, nil)
	t.add("hours", what+"pings not answered OK", float64(rejected), fmt.Sprintf("of %d", len(inBursts)+len(between)), report.AtMost(0))
	t.add("hours", what+"highest memory", stop()/bytesPerMB, "MB", report.AtMost(maxManyUnderLoad))
	return t.close(ctx)
}
