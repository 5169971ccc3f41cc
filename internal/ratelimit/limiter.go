package ratelimit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limiter limits the rate of events per key. It is safe for concurrent use.
type Limiter struct {
	limit rate.Limit
	burst int

	mu      sync.Mutex
	buckets table[bucket]
}

// bucket is the token bucket of one key.
type bucket struct{ *rate.Limiter }

func (b bucket) idle(now time.Time) bool { return b.TokensAt(now) >= float64(b.Burst()) }

func (b bucket) pressure(now time.Time) float64 { return -b.TokensAt(now) }

// NewLimiter returns a Limiter that allows one event per interval for each key,
// and up to burst events at once.
func NewLimiter(interval time.Duration, burst int) *Limiter {
	return &Limiter{limit: rate.Every(interval), burst: burst, buckets: table[bucket]{}}
}

// Allow returns 0 and counts the event if the key may have one at now. Otherwise it
// returns how long to wait, and counts nothing.
func (l *Limiter) Allow(key string, now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, found := l.buckets[key]
	if !found {
		b = bucket{rate.NewLimiter(l.limit, l.burst)}
		l.buckets.add(key, b, now)
	}
	reservation := b.ReserveN(now, 1)
	if wait = reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}
