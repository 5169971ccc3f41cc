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
	"overdue/internal/store/storetest/bulkload"
)

// The sizes at which the growth is measured.
var (
	growthSizes   = []int{1_000, 10_000, 100_000, 1_000_000} // heartbeats
	historySizes  = []int{1, 10, 100, 1_000}                 // pings per heartbeat
	growthRetries = 3                                        // warm-up rounds
)

const (
	historyHeartbeats = 1_000
	growthConnections = 64
	fastestRate       = 1e6 // of a paced load: as fast as the server answers
)

// curve is a figure at several sizes.
type curve struct {
	what, unit string
	points     []report.Point
}

// growth measures how the costs grow with the number of heartbeats and with the length of
// their histories.
func (b *bench) growth(ctx context.Context) error {
	for _, kind := range b.kinds() {
		if err := b.growthOfHeartbeats(ctx, kind); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		if err := b.growthOfHistory(ctx, kind); err != nil {
			return fmt.Errorf("%s: history: %w", kind, err)
		}
	}
	return nil
}

// growthOfHeartbeats measures projects of different sizes.
func (b *bench) growthOfHeartbeats(ctx context.Context, kind string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("own program: %w", err)
	}
	baseline, err := launch(ctx, self, "-baseline")
	if err != nil {
		return err
	}
	defer baseline.kill()
	var ratio, p99, idle, start, page, api, disk []report.Point
	for _, size := range growthSizes {
		d := dataset{kind: kind, heartbeats: size, build: b.builds()[0]}
		begun := time.Now()
		t, err := b.start(ctx, d)
		if err != nil {
			return err
		}
		defer t.kill()
		b.progress("growth: %d heartbeats on %s ready after %s", size, kind, time.Since(begun).Round(time.Second))
		x := float64(size)
		bytes, err := t.sizeAfterRestart(ctx)
		if err != nil {
			return err
		}
		disk = append(disk, report.Point{X: x, Y: float64(bytes) / x})
		begun = time.Now()
		if err := errors.Join(t.restart(ctx), t.waitUntilHealthy(ctx), sleepUntil(ctx, time.Now().Add(settleDuration))); err != nil {
			return err
		}
		start = append(start, report.Point{X: x, Y: load.MS(time.Since(begun) - settleDuration)})
		resident, err := t.residentMemory()
		if err != nil {
			return err
		}
		idle = append(idle, report.Point{X: x, Y: resident / bytesPerMB})
		r, slowest, err := b.growthOfPings(ctx, t, baseline)
		if err != nil {
			return err
		}
		ratio, p99 = append(ratio, report.Point{X: x, Y: r}), append(p99, report.Point{X: x, Y: slowest})
		times, err := t.pageTimes(ctx)
		if err != nil {
			return err
		}
		page, api = addPoint(page, x, times[0]), addPoint(api, x, times[1])
		if err := t.close(ctx); err != nil {
			return err
		}
	}
	b.addCurves(kind, "heartbeats", []curve{
		{"rate of pings, as a part of that of the baseline", "", ratio},
		{"p99 of pings", "ms", p99},
		{"memory, idle", "MB", idle},
		{"start until /healthz answers", "ms", start},
		{"list page, p95", "ms", page},
		{"API list, p95", "ms", api},
		{"disk per heartbeat", "bytes", disk},
	})
	suffix := map[string]string{onSQLite: "sqlite", onPostgres: "postgresql"}[kind]
	return b.plot(map[string]report.Plot{
		"growth-rate-" + suffix:   {Title: "Rate of pings, " + kind, X: "heartbeats", Y: "fraction of the rate of the baseline", Lines: []report.Line{{Name: "64 connections", Points: ratio}}},
		"growth-p99-" + suffix:    {Title: "p99 of pings, 64 connections, " + kind, X: "heartbeats", Y: "ms", Lines: []report.Line{{Name: "p99", Points: p99}}},
		"growth-memory-" + suffix: {Title: "Memory of an idle server, " + kind, X: "heartbeats", Y: "MB", Lines: []report.Line{{Name: "resident", Points: idle}}},
		"growth-lists-" + suffix:  {Title: "Lists of heartbeats, " + kind, X: "heartbeats", Y: "p95 in ms", Lines: []report.Line{{Name: "page", Points: page}, {Name: "API", Points: api}}},
		"growth-disk-" + suffix:   {Title: "Disk without pings, " + kind, X: "heartbeats", Y: "bytes per heartbeat", Lines: []report.Line{{Name: "rows and indexes", Points: disk}}},
	})
}

// sizeAfterRestart stops the server, so that its files are complete, and returns the number
// of bytes on disk.
func (t *target) sizeAfterRestart(ctx context.Context) (int64, error) {
	if err := t.stop(); err != nil {
		return 0, err
	}
	return bulkload.Size(ctx, t.database.address)
}

// restart starts the server again after a stop.
func (t *target) restart(ctx context.Context, flags ...string) (err error) {
	t.server, err = t.bench.serve(ctx, t.database, flags...)
	return err
}

// growthOfPings measures pings alternately with the baseline.
func (b *bench) growthOfPings(ctx context.Context, t *target, baseline *child) (ratio, p99 float64, err error) {
	length := time.Duration(b.seconds / rounds * float64(time.Second))
	for range growthRetries {
		if _, err := t.round(ctx, growthConnections, length); err != nil {
			return 0, 0, err
		}
	}
	var ratios []float64
	var took load.Latencies
	for range rounds {
		minimal, err := baseline.round(ctx, t.requests, growthConnections, length)
		if err != nil {
			return 0, 0, err
		}
		r, err := t.round(ctx, growthConnections, length)
		if err != nil {
			return 0, 0, err
		}
		ratios, took = append(ratios, r.PerSecond()/minimal.PerSecond()), append(took, r.Took...)
	}
	return load.Median(ratios), load.MS(took.At(0.99)), nil
}

// unanswered stands for the p95 of a page that was answered 503 at least once. It has no
// point in a curve.
const unanswered = -1

// addPoint adds a point to a curve.
func addPoint(points []report.Point, x, y float64) []report.Point {
	if y == unanswered {
		return points
	}
	return append(points, report.Point{X: x, Y: y})
}

// pageTimes returns the p95 of the list page, the API list and the page of a heartbeat, in
// milliseconds.
func (t *target) pageTimes(ctx context.Context) (p95 [3]float64, err error) {
	reader, err := t.signIn(ctx, ownerEmail)
	if err != nil {
		return p95, err
	}
	fromBrowser := func(ctx context.Context, path string) (string, time.Duration, error) {
		body, took, err := reader.load(ctx, path, true)
		return string(body), took, err
	}
	for i, page := range []struct {
		path string
		get  loader
	}{{"/heartbeats", fromBrowser}, {"/api/v1/heartbeats", t.loadAPI}, {"/heartbeats/" + variedHeartbeat(5, time.Now()).Ref, fromBrowser}} {
		failed := 0
		took, err := t.measureList(ctx, page.path, measuredPage{}, countFailures(page.get, &failed))
		if err != nil {
			return p95, err
		}
		if p95[i] = load.MS(took.At(0.95)); failed > 0 {
			t.bench.progress("growth: %s: %d of %d loads of %s were answered 503", t.name, failed, len(took), page.path)
			p95[i] = unanswered
		}
	}
	return p95, nil
}

// growthOfHistory measures one project whose heartbeats get more and more pings.
func (b *bench) growthOfHistory(ctx context.Context, kind string) error {
	t, err := b.start(ctx, dataset{kind: kind, heartbeats: historyHeartbeats, build: b.builds()[0]})
	if err != nil {
		return err
	}
	defer t.kill()
	empty, err := t.sizeAfterRestart(ctx)
	if err != nil {
		return err
	}
	var disk, list, page []report.Point
	sent := 0
	for _, size := range historySizes {
		if err := t.restart(ctx); err != nil {
			return err
		}
		pings := t.requests.N * (size - sent)
		p, err := load.StartPaced(ctx, t.server.address, t.requests, load.Plan{Rate: fastestRate, Connections: growthConnections, Count: pings, InOrder: true})
		if err != nil {
			return err
		}
		r, err := p.Wait()
		if err != nil {
			return err
		}
		t.acked, t.rejected, sent = t.acked+int64(len(r.Sent)-r.Rejected()), t.rejected+int64(r.Rejected()), size
		times, err := t.pageTimes(ctx)
		if err != nil {
			return err
		}
		bytes, err := t.sizeAfterRestart(ctx)
		if err != nil {
			return err
		}
		x := float64(size)
		disk = append(disk, report.Point{X: x, Y: float64(bytes-empty) / float64(t.acked)})
		list, page = addPoint(list, x, times[0]), addPoint(page, x, times[2])
	}
	b.addCurves(kind, "pings per heartbeat", []curve{{"disk per ping", "bytes", disk}, {"list page, p95", "ms", list}, {"page of a heartbeat, p95", "ms", page}})
	suffix := map[string]string{onSQLite: "sqlite", onPostgres: "postgresql"}[kind]
	err = b.plot(map[string]report.Plot{
		"growth-history-disk-" + suffix:  {Title: "Disk of the history, 1,000 heartbeats, " + kind, X: "pings per heartbeat", Y: "bytes per ping", Lines: []report.Line{{Name: "rows and indexes", Points: disk}}},
		"growth-history-pages-" + suffix: {Title: "Pages, 1,000 heartbeats, " + kind, X: "pings per heartbeat", Y: "p95 in ms", Lines: []report.Line{{Name: "list", Points: list}, {Name: "one heartbeat", Points: page}}},
	})
	return errors.Join(err, t.verify(ctx), b.remove(t.database))
}

// addCurves adds the points of curves to the report.
func (b *bench) addCurves(kind, of string, curves []curve) {
	for _, c := range curves {
		for _, p := range c.points {
			b.report.Add(report.Figure{Measure: "growth", On: kind, What: fmt.Sprintf("%s %s: %s", report.Grouped(p.X), of, c.what), Value: p.Y, Unit: c.unit})
		}
	}
}

// plot writes plots by name, if the options name a directory.
func (b *bench) plot(plots map[string]report.Plot) error {
	if b.plots == "" {
		return nil
	}
	err := os.MkdirAll(b.plots, 0o755)
	for name, p := range plots {
		err = errors.Join(err, p.WriteFile(filepath.Join(b.plots, name+".svg")))
	}
	return err
}

// How retention is measured under load.
const (
	keptPings      = 100 // per heartbeat, the smallest number that the setting allows
	retentionLoad  = 20 * time.Second
	maxGrowthShare = 0.2 // growth of the disk in the second half, as a part of that in the first
)

// retention measures whether old pings are deleted as fast as new ones arrive: with a
// small limit per heartbeat, the second half of a load must hardly grow the database.
func (b *bench) retention(ctx context.Context) error {
	return b.onEach(ctx, func(ctx context.Context, kind string, v build) error {
		keep := fmt.Sprintf("--keep-pings-per-heartbeat=%d", keptPings)
		t, err := b.start(ctx, dataset{kind: kind, heartbeats: historyHeartbeats, build: v}, keep)
		if err != nil {
			return err
		}
		defer t.kill()
		var sizes [3]int64
		var rates []float64
		for i := range sizes {
			if i > 0 {
				if err := t.restart(ctx, keep); err != nil {
					return err
				}
				r, err := t.round(ctx, growthConnections, retentionLoad)
				if err != nil {
					return err
				}
				rates = append(rates, r.PerSecond())
			}
			if sizes[i], err = t.sizeAfterRestart(ctx); err != nil {
				return err
			}
		}
		first, second := float64(sizes[1]-sizes[0]), float64(sizes[2]-sizes[1])
		t.add("retention", "rate of pings with 100 kept per heartbeat", rates[1], "/s", nil)
		t.add("retention", "growth of the disk in the second half of the load, as a part of that in the first", second/max(first, 1), "", report.AtMost(maxGrowthShare))
		return errors.Join(t.verify(ctx), b.remove(t.database))
	})
}
