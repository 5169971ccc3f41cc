package docsite

import (
	"time"

	"overdue/internal/ratelimit"
)

// Limits of feedback, per client network and in total. Feedback needs no sign-in, so
// what clients can store is limited.
const (
	addressBurst    = 5
	addressInterval = time.Minute
	totalBurst      = 100
	totalInterval   = 10 * time.Second
)

// FeedbackLimiter limits the feedback of readers. It is safe for concurrent use.
type FeedbackLimiter struct{ byNetwork, total *ratelimit.Limiter }

// NewFeedbackLimiter returns a limiter without feedback.
func NewFeedbackLimiter() *FeedbackLimiter {
	return &FeedbackLimiter{
		byNetwork: ratelimit.NewLimiter(addressInterval, addressBurst), total: ratelimit.NewLimiter(totalInterval, totalBurst),
	}
}

// Allow reports whether feedback from an address is accepted at now.
func (l *FeedbackLimiter) Allow(address string, now time.Time) bool {
	return l.byNetwork.Allow(ratelimit.NetworkKey(address), now) == 0 && l.total.Allow("", now) == 0
}
