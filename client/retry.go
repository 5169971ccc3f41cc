package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Bounds of the patience of [Send]: ten attempts and the rests between them
// last about a minute and a half.
const (
	maxAttempts = 10
	minBackoff  = 500 * time.Millisecond
	maxBackoff  = 15 * time.Second
)

// backoff says how long to rest after the nth failure, and whether trying
// again makes sense at all. The jitter keeps a thousand jobs that failed
// together from coming back together.
func backoff(err error, n int) (rest time.Duration, again bool) {
	rest = min(minBackoff<<(n-1), maxBackoff)
	rest = rest/2 + rand.N(rest)
	var p *Problem
	if errors.As(err, &p) {
		return max(rest, p.RetryAfter), p.Retryable()
	}
	return rest, !errors.Is(err, errNotOverdue)
}

// leavesTime reports whether anything of ctx is left after the rest. Resting only to
// find that time is up would keep the caller waiting for nothing.
func leavesTime(ctx context.Context, rest time.Duration) bool {
	deadline, bounded := ctx.Deadline()
	return ctx.Err() == nil && (!bounded || time.Until(deadline) > rest)
}

// sleep rests and reports whether it was left alone.
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
