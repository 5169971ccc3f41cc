package web

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How many answers are taken: from one address, and from all together. Nobody
// has to sign in to answer, so what a stranger can fill is bounded.
const (
	answersAtOnce    = 5
	answersRest      = time.Minute // until the same address may answer once more
	answersAllAtOnce = 100
	answersAllRest   = 10 * time.Second
	mostAnswering    = 10_000 // addresses that are remembered
)

// throttle bounds the answers of readers. It is safe for concurrent use.
type throttle struct {
	mu   sync.Mutex
	all  *rate.Limiter
	from map[string]*rate.Limiter
}

// newThrottle returns one that has heard of nobody.
func newThrottle() *throttle {
	return &throttle{all: rate.NewLimiter(rate.Every(answersAllRest), answersAllAtOnce), from: map[string]*rate.Limiter{}}
}

// allows reports whether one more answer from an address is taken at now.
func (t *throttle) allows(address string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	limiter := t.from[address]
	if limiter == nil {
		if len(t.from) >= mostAnswering {
			clear(t.from) // the bound for all together still holds
		}
		limiter = rate.NewLimiter(rate.Every(answersRest), answersAtOnce)
		t.from[address] = limiter
	}
	return limiter.AllowN(now, 1) && t.all.AllowN(now, 1)
}
