package ingest

import (
	"net/netip"
	"time"

	"overdue/internal/ratelimit"
)

// Limit limits how many pings a second one client network may send. It protects
// against abuse and is far above what jobs need; pings that the disk cannot store get
// 503 instead. Loopback addresses are exempt: all pings seem to come from there if a
// local proxy is not trusted.
type Limit struct{ limiter *ratelimit.Limiter }

// NewLimit returns a Limit. 0 means no limit.
func NewLimit(perSecond float64) Limit {
	if perSecond == 0 {
		return Limit{}
	}
	interval := time.Duration(float64(time.Second) / perSecond)
	return Limit{ratelimit.NewLimiter(interval, int(2*perSecond)+1)}
}

// Allow returns 0 if the source may send now, or how long it must wait.
func (l Limit) Allow(source string) (wait time.Duration) {
	if l.limiter == nil {
		return 0
	}
	if addr, err := netip.ParseAddr(source); err == nil && addr.Unmap().IsLoopback() {
		return 0
	}
	return l.limiter.Allow(ratelimit.NetworkKey(source), time.Now())
}
