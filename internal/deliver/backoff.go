package deliver

import "time"

// retryDelays are the delays after the first attempts. Later attempts use the last one.
var retryDelays = []time.Duration{
	10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute,
}

// retryWindow is the time after its creation in which an alert is retried.
const retryWindow = 24 * time.Hour

// retryDelay returns the delay after a number of attempts. roll, from 0 to 1,
// adds up to a tenth: a provider that recovers must not get all retries at once.
func retryDelay(attempts int, roll float64) time.Duration {
	wait := retryDelays[min(max(attempts, 1), len(retryDelays))-1]
	return wait + time.Duration(roll*float64(wait)/10)
}

// maxRetryAfter is the maximum Retry-After that is honored. Providers often recover
// sooner than they announce.
const maxRetryAfter = time.Hour

// nextAttempt returns the time of the next attempt, or false if the alert is
// too old. asked is the Retry-After of the provider, 0 if there is none. It
// never prevents an attempt: the last one is made at the end of the retry
// window.
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
