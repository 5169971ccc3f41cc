package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// How the rate of pings is measured.
const (
	rounds = 3
	warmUp = 300 * time.Millisecond
	// minRatio is the minimum rate of pings on SQLite, as a share of the rate of a
	// handler that only answers OK.
	minRatio = 0.35
)

// connectionCounts returns the numbers of connections for which pings are measured.
func connectionCounts() []int { return []int{64, 256} }

// contender is a server under load.
type contender struct {
	name     string
	child    *child
	server   *server // nil for the baseline, which stores nothing
	requests [][]byte
	before   int64 // number of stored pings at the start
	acked    int64
}

// pings measures how many pings are stored per second, compared with the requests
// per second of the baseline.
func (b *bench) pings(ctx context.Context) (err error) {
	first, err := b.filledSQLite(ctx)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("own program: %w", err)
	}
	baseline, err := launch(ctx, self, "-baseline")
	if err != nil {
		return err
	}
	defer baseline.kill()
	field := []*contender{{name: "baseline", child: baseline, requests: requests(first.ids)}}
	for i, place := range b.databases("pings") {
		s := first
		if i > 0 {
			address, end, err := place.open()
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, end()) }()
			if s, err = b.newFilledDatabase(ctx, address); err != nil {
				return err
			}
		}
		running, err := b.serve(ctx, s.address, s.key)
		if err != nil {
			return err
		}
		defer running.kill()
		c := &contender{name: place.name, child: running.child, server: running, requests: requests(s.ids)}
		if c.before, err = running.stored(ctx); err != nil {
			return err
		}
		field = append(field, c)
	}
	for _, n := range connectionCounts() {
		if err := b.compare(ctx, field, n); err != nil {
			return fmt.Errorf("%d connections: %w", n, err)
		}
	}
	return verify(ctx, field)
}

// compare loads the contenders alternately from n connections, and reports the
// results of each next to those of the first.
func (b *bench) compare(ctx context.Context, field []*contender, n int) error {
	entries := make([]serverRounds, len(field))
	for i, c := range field {
		if _, err := c.load(ctx, n, warmUp); err != nil {
			return err
		}
		entries[i] = serverRounds{connections: n, server: c.name}
	}
	for r := range rounds {
		for i, c := range field {
			t, err := c.measuredRound(ctx, n, time.Duration(b.seconds/rounds*float64(time.Second)))
			if err != nil {
				return err
			}
			entries[i].rounds = append(entries[i].rounds, t)
			b.progress("pings: %3d connections, round %d, %-12s %7.0f/s", n, r+1, c.name, t.perSecond())
		}
	}
	for _, e := range entries {
		b.report.addComparison(e, entries[0].rounds)
	}
	return nil
}

// measuredRound runs load and measures the resources that the contender used.
func (c *contender) measuredRound(ctx context.Context, n int, length time.Duration) (roundResult, error) {
	cpu, commits, err := c.cost(ctx)
	if err != nil {
		return roundResult{}, err
	}
	t, err := c.load(ctx, n, length)
	if err != nil {
		return t, err
	}
	t.cpu, t.commits, err = c.cost(ctx)
	t.cpu, t.commits = t.cpu-cpu, t.commits-commits
	return t, err
}

// cost returns the processor time and the number of commits of the contender until now.
func (c *contender) cost(ctx context.Context) (cpu time.Duration, commits float64, err error) {
	if c.server != nil {
		if commits, err = c.server.gauge(ctx, "overdue_ping_commit_pings_count"); err != nil {
			return 0, 0, err
		}
	}
	cpu, err = c.child.cpuTime()
	return cpu, commits, err
}

// load runs one round and counts its acknowledged pings.
func (c *contender) load(ctx context.Context, n int, length time.Duration) (roundResult, error) {
	if err := ctx.Err(); err != nil {
		return roundResult{}, err
	}
	t, err := round(ctx, c.child.address, c.requests, n, length)
	c.acked += t.pings
	if err != nil {
		return t, fmt.Errorf("%s: %w", c.name, err)
	}
	return t, nil
}

// verify compares the acknowledged pings with the stored pings, and stops the
// servers.
func verify(ctx context.Context, field []*contender) error {
	for _, c := range field {
		if c.server == nil {
			continue
		}
		stored, err := c.server.stored(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if stored -= c.before; stored != c.acked {
			return fmt.Errorf("%s: %d pings were stored, but %d were acknowledged", c.name, stored, c.acked)
		}
		if err := c.server.stop(); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}
