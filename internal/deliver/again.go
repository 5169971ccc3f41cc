package deliver

import "time"

// retryDelays are the waits after the first attempts; later ones repeat the last.
var retryDelays = []time.Duration{
	10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute,
}

// retryWindow is for how long after it became owed an alert is tried.
const retryWindow = 24 * time.Hour

// retryDelay is how long to wait after the given number of attempts. roll, from 0
// to 1, spreads the waits of many alerts by a tenth, so that a provider that
// comes back is not met by all of them at once.
func retryDelay(attempts int, roll float64) time.Duration {
	wait := retryDelays[min(max(attempts, 1), len(retryDelays))-1]
	return wait + time.Duration(roll*float64(wait)/10)
}

// maxRetryAfter is the longest wait of a provider's that is honoured: it may well be
// back sooner than it thought.
const maxRetryAfter = time.Hour

// nextAttempt is when to try next, and whether to try at all. asked is what the
// provider wished to wait, 0 for nothing. A wish never ends the tries: the last
// one is made at the end of their time.
func nextAttempt(owed, now time.Time, attempts int, asked time.Duration, roll float64) (time.Time, bool) {
	ours, end := now.Add(retryDelay(attempts, roll)), owed.Add(retryWindow)
	if ours.After(end) {
		return ours, false
	}
	next := now.Add(min(asked, maxRetryAfter))
	switch {
	case next.Before(ours):
		next = ours
	case next.After(end):
		next = end
	}
	return next, true
}
