package main

import (
	"context"
	"time"
)

// Number of measured starts, and the maximum duration of a start in milliseconds.
const (
	starts       = 5
	maxStartTime = 1000
)

// start measures the time from the start of the process to the first response.
func (b *bench) start(ctx context.Context) error {
	full, err := b.filledSQLite(ctx)
	if err != nil {
		return err
	}
	var took latencies
	for range starts {
		begun := time.Now()
		s, err := b.serve(ctx, full.address, full.key)
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
	b.report.add(figure{"start", "SQLite", "10,000 heartbeats, until /healthz answers, median of 5", ms(took.at(0.5)), "ms", nil})
	b.report.add(figure{"start", "SQLite", "10,000 heartbeats, until /healthz answers, slowest of 5", ms(took.at(1)), "ms", atMost(maxStartTime)})
	return nil
}
