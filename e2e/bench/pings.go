package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"overdue/e2e/bench/load"
	"overdue/e2e/bench/report"
)

// How the rate of pings is measured, and its bounds.
const (
	rounds          = 3
	warmUp          = 2 * time.Second
	pingHeartbeats  = 10_000
	manyHeartbeats  = 1_000_000
	manyWarmUp      = 10 * time.Second
	minRatio        = 0.60 // to the rate of a handler that only answers OK
	minPostgres     = 0.30
	minMany         = 0.35 // with manyHeartbeats
	maxCPU          = 2    // processor time of a ping, as a multiple of that of the handler
	maxManySlowdown = 3    // p99 with manyHeartbeats, as a multiple of that with pingHeartbeats
)

// connectionCounts returns the numbers of connections for which pings are measured.
func connectionCounts() []int { return []int{64, 256} }

// pings measures how many pings are stored per second, compared with the requests
// per second of the baseline.
func (b *bench) pings(ctx context.Context) error {
	var datasets []dataset
	for _, kind := range b.kinds() {
		for _, v := range b.builds() {
			datasets = append(datasets, dataset{kind: kind, heartbeats: pingHeartbeats, build: v})
		}
	}
	return b.measurePings(ctx, "pings", datasets, warmUp)
}

// million measures pings at random to a million heartbeats, next to the same load on ten
// thousand.
func (b *bench) million(ctx context.Context) error {
	for _, kind := range b.kinds() {
		datasets := []dataset{{kind: kind, heartbeats: pingHeartbeats, build: b.builds()[0]}}
		for _, v := range b.builds() {
			datasets = append(datasets, dataset{kind: kind, heartbeats: manyHeartbeats, build: v})
		}
		if err := b.measurePings(ctx, "million", datasets, manyWarmUp); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

// measurePings loads one server per dataset, alternately with the baseline.
func (b *bench) measurePings(ctx context.Context, measure string, datasets []dataset, warmUp time.Duration) (err error) {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("own program: %w", err)
	}
	baseline, err := launch(ctx, self, "-baseline")
	if err != nil {
		return err
	}
	defer baseline.kill()
	var targets []*target
	for _, d := range datasets {
		t, err := b.start(ctx, d)
		if err != nil {
			return err
		}
		defer t.kill()
		targets = append(targets, t)
	}
	for _, n := range connectionCounts() {
		if err := b.compare(ctx, measure, baseline, targets, n, warmUp); err != nil {
			return fmt.Errorf("%d connections: %w", n, err)
		}
	}
	for _, t := range targets {
		err = errors.Join(err, t.profilePings(ctx, measure), t.close(ctx))
	}
	return err
}

// profileLength is the duration of a profile.
const profileLength = 5 * time.Second

// profilePings profiles the server under load, if the options say so.
func (t *target) profilePings(ctx context.Context, measure string) error {
	if t.bench.profiles == "" {
		return nil
	}
	file := fmt.Sprintf("%s-%s-%s-%d.pprof", measure, t.kind, t.build.name, t.heartbeats)
	if err := os.MkdirAll(t.bench.profiles, 0o755); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	profiled := make(chan error, 1)
	go func() { profiled <- t.profile(ctx, profileLength, filepath.Join(t.bench.profiles, file)) }()
	_, err := t.round(ctx, connectionCounts()[0], profileLength+time.Second)
	return errors.Join(err, <-profiled)
}

// targetRounds are the rounds of one server.
type targetRounds struct {
	*target
	rounds []load.Result
}

// compare loads the targets and the baseline alternately from n connections, and reports
// the results.
func (b *bench) compare(ctx context.Context, measure string, baseline *child, targets []*target, n int, warmUp time.Duration) error {
	all := make([]targetRounds, len(targets))
	for i, t := range targets {
		if _, err := t.round(ctx, n, warmUp); err != nil {
			return err
		}
		all[i].target = t
	}
	length := time.Duration(b.seconds / rounds * float64(time.Second))
	var baselineRounds []load.Result
	for r := range rounds {
		t, err := baseline.round(ctx, targets[0].requests, n, length)
		if err != nil {
			return err
		}
		baselineRounds = append(baselineRounds, t)
		b.progress("%s: %3d connections, round %d, baseline %7.0f/s", measure, n, r+1, t.PerSecond())
		for i := range all {
			t, err := all[i].round(ctx, n, length)
			if err != nil {
				return err
			}
			all[i].rounds = append(all[i].rounds, t)
			b.progress("%s: %3d connections, round %d, %s, %d heartbeats, %7.0f/s", measure, n, r+1, all[i].name, all[i].heartbeats, t.PerSecond())
		}
	}
	b.report.AddComparison(measure, "baseline", n, baselineRounds, baselineRounds)
	for _, c := range all {
		row := b.report.AddComparison(measure, fmt.Sprintf("%s, %s heartbeats", c.name, c.size()), n, c.rounds, baselineRounds)
		b.addRow(measure, c.target, n, row)
		rejected := 0.0
		for _, r := range c.rounds {
			rejected += float64(r.Rejected)
		}
		c.add(measure, fmt.Sprintf("%s heartbeats, %d connections: pings answered 503", c.size(), n), rejected, "", report.AtMost(0))
	}
	return nil
}

// round runs one round of load and measures the processor time of the child.
func (c *child) round(ctx context.Context, requests load.Requests, n int, length time.Duration) (load.Result, error) {
	before, err := c.cpuTime()
	if err != nil {
		return load.Result{}, err
	}
	r, err := load.Round(ctx, c.address, requests, n, length)
	if err != nil {
		return r, fmt.Errorf("baseline: %w", err)
	}
	after, err := c.cpuTime()
	r.CPU = after - before
	return r, err
}

// addRow adds the figures of one target and number of connections, with their bounds.
func (b *bench) addRow(measure string, t *target, n int, row report.Comparison) {
	what := fmt.Sprintf("%s heartbeats, %d connections: ", t.size(), n)
	ratio, slowdown := report.AtLeast(minRatio), (*report.Bound)(nil)
	var cpu *report.Bound
	switch {
	case t.heartbeats == manyHeartbeats:
		ratio = report.AtLeast(minMany)
		slowdown = report.AtMost(maxManySlowdown * b.report.P99(measure, n, fmt.Sprintf("%s, %s heartbeats", t.kind, report.Grouped(pingHeartbeats))))
	case measure == "million":
		return // only for comparison
	case t.kind == onPostgres:
		ratio = report.AtLeast(minPostgres)
	default:
		cpu = report.AtMost(maxCPU)
	}
	t.add(measure, what+"rate, as a part of that of the baseline", row.Ratio, "", ratio)
	t.add(measure, what+"rate", row.PerSecond, "/s", nil)
	t.add(measure, what+"p50", row.P50, "ms", nil)
	t.add(measure, what+"p99", row.P99, "ms", slowdown)
	t.add(measure, what+"CPU per ping, as a multiple of that of the baseline", row.CPU/b.report.CPU(measure, n, "baseline"), "", cpu)
	t.add(measure, what+"pings per commit", row.PerCommit, "", nil)
}
