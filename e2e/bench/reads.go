package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"overdue/e2e/bench/load"
	"overdue/e2e/bench/report"
)

// How pings are measured while others read, and the bounds.
const (
	readConnections   = 64
	readRounds        = 5
	maxReadSlowdown   = 1.5  // p99, as a multiple of that without readers
	minReadRate       = 0.95 // rate, as a part of that without readers
	readInterval      = time.Second
	livePagesOfPerson = 20
	settleReaders     = time.Second // in which each page gets its first events
)

// reads measures pings while a metrics scrape and an API list run each second and live
// pages are open, against the same load without readers.
func (b *bench) reads(ctx context.Context) error {
	sizes := []int{pingHeartbeats}
	if b.scale {
		sizes = append(sizes, manyHeartbeats)
	}
	for _, size := range sizes {
		err := b.onEach(ctx, func(ctx context.Context, kind string, v build) error {
			for _, pages := range []int{20, 200} {
				if err := b.readsOn(ctx, dataset{kind: kind, heartbeats: size, build: v}, pages); err != nil {
					return fmt.Errorf("%d live pages: %w", pages, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) readsOn(ctx context.Context, d dataset, pages int) error {
	t, err := b.start(ctx, d)
	if err != nil {
		return err
	}
	defer t.kill()
	browsers, err := t.signInAll(ctx, pages)
	if err != nil {
		return err
	}
	if _, err := t.round(ctx, readConnections, warmUp); err != nil {
		return err
	}
	var rates, slowdowns []float64
	var alone, with load.Latencies
	var seen readCounts
	length := max(time.Duration(b.seconds/rounds*float64(time.Second)), 2*readInterval)
	for range readRounds {
		a, err := t.round(ctx, readConnections, length)
		if err != nil {
			return err
		}
		w, err := t.roundWithReaders(ctx, browsers, pages, length, &seen)
		if err != nil {
			return err
		}
		rates = append(rates, w.PerSecond()/a.PerSecond())
		slowdowns = append(slowdowns, float64(w.Took.At(0.99))/float64(a.Took.At(0.99)))
		alone, with = append(alone, a.Took...), append(with, w.Took...)
		b.progress("reads: %s, %d heartbeats, %d live pages: %.0f/s alone, %.0f/s with readers", t.name, d.heartbeats, pages, a.PerSecond(), w.PerSecond())
	}
	if seen.events.Load() == 0 {
		return errors.New("no live page got an event")
	}
	what := fmt.Sprintf("%s heartbeats, with readers and %d live pages: ", t.size(), pages)
	t.add("reads", what+"rate of pings, as a part of that without", load.Median(rates), "", report.AtLeast(minReadRate))
	t.add("reads", what+"p99 of pings, as a multiple of that without", load.Median(slowdowns), "", report.AtMost(maxReadSlowdown))
	t.add("reads", what+"p99 of pings without", load.MS(alone.At(0.99)), "ms", nil)
	t.add("reads", what+"p99 of pings", load.MS(with.At(0.99)), "ms", nil)
	t.add("reads", what+"p99 of scrapes", load.MS(seen.scrapes.At(0.99)), "ms", nil)
	t.add("reads", what+"p99 of API lists", load.MS(seen.lists.At(0.99)), "ms", nil)
	t.add("reads", what+"rejected live pages", float64(seen.rejected.Load()), fmt.Sprintf("of %d", readRounds*pages), report.AtMost(0))
	t.add("reads", what+"events on live pages", float64(seen.events.Load()), "", nil)
	return t.close(ctx)
}

// signInAll signs in as many people as the pages need.
func (t *target) signInAll(ctx context.Context, pages int) ([]*browser, error) {
	var all []*browser
	for i := range (pages + livePagesOfPerson - 1) / livePagesOfPerson {
		r, err := t.signIn(ctx, fmt.Sprintf("member%d@example.com", i+1))
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// readCounts are what readers measured.
type readCounts struct {
	scrapes, lists load.Latencies
	events         atomic.Int64
	rejected       atomic.Int64 // event streams
}

// roundWithReaders is round while readers are active.
func (t *target) roundWithReaders(ctx context.Context, browsers []*browser, pages int, length time.Duration, seen *readCounts) (load.Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	if err := openPages(ctx, browsers, pages, seen); err != nil {
		return load.Result{}, err
	}
	errs := make([]error, 2)
	readers.Go(func() { errs[0] = t.readEvery(ctx, "/metrics", &seen.scrapes) })
	readers.Go(func() { errs[1] = t.readEvery(ctx, "/api/v1/heartbeats?limit=50", &seen.lists) })
	r, err := t.round(ctx, readConnections, length)
	cancel()
	readers.Wait()
	return r, errors.Join(err, errs[0], errs[1])
}

// openPages opens the event streams of pages, until ctx ends. A stream that the server
// rejects is counted: a page shows it, and tries again later.
func openPages(ctx context.Context, browsers []*browser, pages int, seen *readCounts) error {
	var all sync.WaitGroup
	for i := range pages {
		r := browsers[i/livePagesOfPerson]
		address, err := r.streamOf(ctx, livePage(i))
		if err != nil {
			return err
		}
		all.Go(func() {
			if err := r.openStream(ctx, address, &seen.events); err != nil {
				seen.rejected.Add(1)
			}
		})
	}
	all.Wait()
	return sleepUntil(ctx, time.Now().Add(settleReaders))
}

// livePage returns the address of live page number i: half of them are lists, the others
// show one heartbeat that is pinged.
func livePage(i int) string {
	switch i % 4 {
	case 0:
		return "/heartbeats"
	case 1:
		return "/heartbeats?sort=last"
	}
	return "/heartbeats/" + variedHeartbeat(i%livePagesOfPerson/4*20+5, time.Now()).Ref
}

// readEvery reads a path at a fixed interval until ctx ends.
func (t *target) readEvery(ctx context.Context, path string, took *load.Latencies) error {
	for at := time.Now(); ; at = at.Add(readInterval) {
		if sleepUntil(ctx, at) != nil {
			return nil
		}
		_, duration, err := t.read(ctx, path)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !errors.Is(err, errUnavailable) {
			return err
		}
		*took = append(*took, int64(duration))
	}
}

// read reads a path with the API key, and measures the time to the end of the body.
func (t *target) read(ctx context.Context, path string) ([]byte, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.server.address+path, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+t.key)
	begun := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode == http.StatusServiceUnavailable {
		return nil, time.Since(begun), errUnavailable
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.200s", path, resp.Status, body)
	}
	return body, time.Since(begun), err
}
