package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"overdue/e2e/bench/load"
	"overdue/e2e/bench/report"
	"overdue/internal/store/storetest/bulkload"
)

// target is a server under test with its own database.
type target struct {
	*server
	database
	name     string
	requests load.Requests
	bench    *bench
	before   bulkload.Counts // before the server started
	acked    int64           // pings answered with OK
	rejected int64           // pings answered 503 with Retry-After, which may be stored nevertheless
	opened   int64           // incidents that must open; -1: not checked
}

// start starts a server on a new database with n varied heartbeats.
func (b *bench) start(ctx context.Context, d dataset, flags ...string) (*target, error) {
	db, err := b.newDatabase(ctx, d)
	if err != nil {
		return nil, err
	}
	return b.startOn(ctx, db, flags...)
}

// startOn starts a server on a database, which close removes.
func (b *bench) startOn(ctx context.Context, db database, flags ...string) (*target, error) {
	t := &target{database: db, name: db.kind, bench: b, requests: load.Pings(pingable(db.heartbeats), appendPingableID)}
	if db.build.isEarlier() {
		t.name += ", " + earlierBuild
	}
	var err error
	if t.before, err = bulkload.Count(ctx, db.address); err != nil {
		return nil, err
	}
	t.server, err = b.serve(ctx, db, flags...)
	return t, err
}

// add adds a figure of this target to the report.
func (t *target) add(measure, what string, value float64, unit string, bound *report.Bound) {
	t.bench.add(t.build, report.Figure{Measure: measure, On: t.kind, What: what, Value: value, Unit: unit, Bound: bound})
}

// spread adds the p50, p99, p99.9 and maximum of latencies. The bound, in milliseconds,
// applies to the p99.
func (t *target) spread(measure, what string, took load.Latencies, p99 *report.Bound) {
	t.add(measure, what+", p50", load.MS(took.At(0.5)), "ms", nil)
	t.add(measure, what+", p99", load.MS(took.At(0.99)), "ms", p99)
	t.add(measure, what+", p99.9", load.MS(took.At(0.999)), "ms", nil)
	t.add(measure, what+", max", load.MS(took.At(1)), "ms", nil)
}

// round runs one round of load from n connections, and measures the resources that the
// server used.
func (t *target) round(ctx context.Context, n int, length time.Duration) (load.Result, error) {
	cpu, commits, err := t.cost(ctx)
	if err != nil {
		return load.Result{}, err
	}
	r, err := load.Round(ctx, t.server.address, t.requests, n, length)
	t.acked, t.rejected = t.acked+r.Pings, t.rejected+r.Rejected
	if err != nil {
		return r, fmt.Errorf("%s: %w", t.name, err)
	}
	r.CPU, r.Commits, err = t.cost(ctx)
	r.CPU, r.Commits = r.CPU-cpu, r.Commits-commits
	return r, err
}

// cost returns the processor time and the number of commits of the server until now.
func (t *target) cost(ctx context.Context) (cpu time.Duration, commits float64, err error) {
	if commits, err = t.gauge(ctx, "overdue_ping_commit_pings_count"); err != nil {
		return 0, 0, err
	}
	cpu, err = t.cpuTime()
	return cpu, commits, err
}

// close stops the server, verifies that every acknowledged ping was stored and that no
// other incident has opened than expected, and removes the database.
func (t *target) close(ctx context.Context) error {
	err := t.stop()
	for err == nil && t.hasUnflushedPings() {
		t.bench.progress("%s: the server stopped before all pings were in the tables; starting it again", t.name)
		if t.server, err = t.bench.serve(ctx, t.database); err == nil {
			err = t.stop()
		}
	}
	if err == nil {
		err = t.verify(ctx)
	}
	return errors.Join(err, t.bench.remove(t.database))
}

// hasUnflushedPings reports whether the write-ahead log of a stopped server has pings that the tables lack. A stop
// takes at most ten seconds for them, and the next start reads the rest.
func (t *target) hasUnflushedPings() bool {
	for _, segment := range []string{"-pings0", "-pings1"} {
		if info, err := os.Stat(t.database.address + segment); err == nil && info.Size() > 0 {
			return true
		}
	}
	return false
}

// verify compares the rows with what they must be.
func (t *target) verify(ctx context.Context) error {
	after, err := bulkload.Count(ctx, t.database.address)
	stored := after.Pings - t.before.Pings
	switch {
	case err != nil:
		return err
	case stored < t.acked || stored > t.acked+t.rejected:
		return fmt.Errorf("%s: %d pings were stored, but %d were acknowledged and %d rejected", t.name, stored, t.acked, t.rejected)
	case t.rejected > 0:
		t.bench.progress("%s: %d pings were answered 503, of which %d were stored nevertheless", t.name, t.rejected, stored-t.acked)
	}
	if t.opened >= 0 && after.Incidents-t.before.Incidents != t.opened {
		return fmt.Errorf("%s: %d incidents have opened; want %d", t.name, after.Incidents-t.before.Incidents, t.opened)
	}
	return nil
}

// onEach runs a benchmark on each kind of database with each build. The earlier build
// comes second.
func (b *bench) onEach(ctx context.Context, run func(context.Context, string, build) error) error {
	for _, kind := range b.kinds() {
		for _, v := range b.builds() {
			if err := run(ctx, kind, v); err != nil {
				return fmt.Errorf("%s, build %s: %w", kind, v.name, err)
			}
		}
	}
	return nil
}

// add adds a figure of a build to the report.
func (b *bench) add(v build, f report.Figure) {
	if v.isEarlier() {
		b.report.AddBefore(f)
		return
	}
	b.report.Add(f)
}
