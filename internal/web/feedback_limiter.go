package web

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How many answers are taken: from one address, and from all together. Nobody
// has to sign in to answer, so what a stranger can fill is bounded.
const (
	addressBurst    = 5
	addressInterval = time.Minute // until the same address may answer once more
	totalBurst      = 100
	totalInterval   = 10 * time.Second
	maxAddresses    = 10_000 // addresses that are remembered
)

// FeedbackLimiter bounds the answers of readers. It is safe for concurrent use.
type FeedbackLimiter struct {
	mu        sync.Mutex
	all       *rate.Limiter
	byAddress map[string]*rate.Limiter
}

// NewFeedbackLimiter returns one that has heard of nobody.
func NewFeedbackLimiter() *FeedbackLimiter {
	return &FeedbackLimiter{all: rate.NewLimiter(rate.Every(totalInterval), totalBurst), byAddress: map[string]*rate.Limiter{}}
}

// Allow reports whether one more answer from an address is taken at now.
func (t *FeedbackLimiter) Allow(address string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	limiter := t.byAddress[address]
	if limiter == nil {
		if len(t.byAddress) >= maxAddresses {
			clear(t.byAddress) // the bound for all together still holds
		}
		limiter = rate.NewLimiter(rate.Every(addressInterval), addressBurst)
		t.byAddress[address] = limiter
	}
	return limiter.AllowN(now, 1) && t.all.AllowN(now, 1)
}
