package ingest

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limit is the abuse limit: how many pings a second one source may send. It is
// far above what honest jobs need; what the disk cannot take is answered 503
// instead. This machine itself is never limited: behind a proxy that is not
// trusted, it is where all pings seem to come from.
type Limit struct {
	perSecond float64

	mu       sync.Mutex
	limiters map[string]*rate.Limiter
}

// maxSources bounds the memory for sources. When it is full all are
// forgotten, which lets somebody through once more and locks nobody out.
const maxSources = 10_000

// NewLimit makes a limit; 0 lets everything through.
func NewLimit(perSecond float64) *Limit {
	return &Limit{perSecond: perSecond, limiters: map[string]*rate.Limiter{}}
}

// Allow returns 0 when the source may send now, or else for how long it may
// not.
func (l *Limit) Allow(source string) time.Duration {
	if l.perSecond == 0 {
		return 0
	}
	key, limited := sourceKey(source)
	if !limited {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter := l.limiters[key]
	if limiter == nil {
		if len(l.limiters) >= maxSources {
			clear(l.limiters)
		}
		limiter = rate.NewLimiter(rate.Limit(l.perSecond), int(2*l.perSecond)+1)
		l.limiters[key] = limiter
	}
	if limiter.Allow() {
		return 0
	}
	return max(time.Second, time.Duration(float64(time.Second)/l.perSecond))
}

// sourceKey is what counts as one source: an IPv4 address, or the /64 of an IPv6
// address, because that is what one customer has.
func sourceKey(source string) (key string, limited bool) {
	address, err := netip.ParseAddr(source)
	if err != nil {
		return source, true
	}
	address = address.Unmap()
	if address.IsLoopback() {
		return "", false
	}
	if address.Is6() {
		if prefix, err := address.Prefix(64); err == nil {
			return prefix.String(), true
		}
	}
	return address.String(), true
}
