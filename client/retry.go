package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Limits of the retries of [Send]: ten attempts and the waits between them take about a
// minute and a half.
const (
	maxAttempts = 10
	minBackoff  = 500 * time.Millisecond
	maxBackoff  = 15 * time.Second
)

// backoff returns how long to wait after the nth failure, and whether the error is
// retryable. The jitter spreads the retries of many jobs that failed at the same time.
func backoff(err error, n int) (rest time.Duration, again bool) {
	rest = min(minBackoff<<(n-1), maxBackoff)
	rest = rest/2 + rand.N(rest)
	var p *Problem
	if errors.As(err, &p) {
		return max(rest, p.RetryAfter), p.Retryable()
	}
	return rest, !errors.Is(err, errNotOverdue)
}

// leavesTime reports whether ctx has time left after the wait. Otherwise the caller would
// wait for nothing.
func leavesTime(ctx context.Context, rest time.Duration) bool {
	deadline, bounded := ctx.Deadline()
	return ctx.Err() == nil && (!bounded || time.Until(deadline) > rest)
}

// sleep waits, and reports whether ctx was still valid at the end.
func sleep(ctx context.Context, rest time.Duration) bool {
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
