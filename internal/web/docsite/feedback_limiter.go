package docsite

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits of feedback per address and in total. Feedback needs no account, so the
// number of rows that strangers can add must be limited.
const (
	addressBurst    = 5
	addressInterval = time.Minute // between two of one address, after the burst
	totalBurst      = 100
	totalInterval   = 10 * time.Second
	maxAddresses    = 10_000 // with a limiter in memory
)

// FeedbackLimiter limits the feedback of readers. It is safe for concurrent use.
type FeedbackLimiter struct {
	mu        sync.Mutex
	all       *rate.Limiter
	byAddress map[string]*rate.Limiter
}

// NewFeedbackLimiter returns a limiter without history.
func NewFeedbackLimiter() *FeedbackLimiter {
	return &FeedbackLimiter{all: rate.NewLimiter(rate.Every(totalInterval), totalBurst), byAddress: map[string]*rate.Limiter{}}
}

// Allow reports whether an address may send feedback at now, and counts it.
func (t *FeedbackLimiter) Allow(address string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	limiter := t.byAddress[address]
	if limiter == nil {
		if len(t.byAddress) >= maxAddresses {
			clear(t.byAddress) // the total limit still applies
		}
		limiter = rate.NewLimiter(rate.Every(addressInterval), addressBurst)
		t.byAddress[address] = limiter
	}
	return limiter.AllowN(now, 1) && t.all.AllowN(now, 1)
}
