package app

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"overdue/internal/metrics"
	"overdue/internal/store"
)

// Pauses of the cleanup. After a step, it waits twice as long as the step took, so it
// uses at most a third of the time of the only writer of a SQLite file.
const (
	minCleanupPause     = 20 * time.Millisecond
	cleanupPauseFactor  = 2
	busyCleanupPause    = time.Second // while another node deletes
	cleanupInterval     = time.Hour   // between two rounds
	maxCleanupStepsOnce = 20          // steps per run of the loop that delete nothing
	// cleanupDelay is the time after a blackout of more than a day in which nothing is
	// deleted: the clock of the machine can be far ahead.
	cleanupDelay = 24 * time.Hour
)

// retentionLoop deletes expired rows in the background, step by step.
type retentionLoop struct {
	db      *store.DB
	cleanup *store.Cleanup
	metrics *metrics.Metrics
	log     *slog.Logger

	deleted  map[string]int64 // rows by table in this round
	reported string           // settings of another server that the log has named
}

// run runs some steps, and returns how long to wait for the next ones.
func (r *retentionLoop) run(ctx context.Context, now time.Time) (time.Duration, error) {
	if b, ok := r.db.LastBlackout(); ok && b.Length() > cleanupDelay && now.Sub(b.To) < cleanupDelay {
		return cleanupInterval, nil
	}
	for range maxCleanupStepsOnce {
		begin := time.Now()
		step, err := r.cleanup.Step(ctx, now)
		switch {
		case err != nil:
			return 0, err
		case step.Busy:
			return busyCleanupPause, nil
		}
		for table, n := range step.Deleted {
			r.deleted[table] += n
			r.metrics.RowsDeleted(table, n)
		}
		if step.Done {
			return cleanupInterval, r.endRound(ctx)
		}
		if len(step.Deleted) > 0 {
			took := time.Since(begin)
			r.metrics.CleanupStep(took)
			return max(minCleanupPause, cleanupPauseFactor*took), nil
		}
	}
	return minCleanupPause, nil
}

// endRound logs what a round has deleted, and compares the settings of the nodes.
func (r *retentionLoop) endRound(ctx context.Context) error {
	var counts []any
	for table, n := range r.deleted {
		if n > 0 {
			counts = append(counts, slog.Int64(table, n))
		}
	}
	clear(r.deleted)
	if len(counts) > 0 {
		slices.SortFunc(counts, func(a, b any) int { return compareAttrs(a.(slog.Attr), b.(slog.Attr)) })
		r.log.Info("expired rows deleted", append([]any{"component", "store"}, counts...)...)
	}
	own, last, err := r.db.CompareRetention(ctx)
	if err != nil {
		return err
	}
	if own != last && last != r.reported {
		r.log.Warn("retention differs between servers", "component", "store", "own", own, "other", last)
	}
	if r.reported = last; own == last {
		r.reported = ""
	}
	return nil
}

// compareAttrs orders attributes by their names.
func compareAttrs(a, b slog.Attr) int {
	switch {
	case a.Key < b.Key:
		return -1
	case a.Key > b.Key:
		return 1
	}
	return 0
}
