package deliver

import "time"

// pauses are the waits after the first attempts; later ones repeat the last.
var pauses = []time.Duration{
	10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute,
}

// longestTry is for how long after it became owed an alert is tried.
const longestTry = 24 * time.Hour

// pause is how long to wait after the given number of attempts. roll, from 0
// to 1, spreads the waits of many alerts by a tenth, so that a provider that
// comes back is not met by all of them at once.
func pause(attempts int, roll float64) time.Duration {
	wait := pauses[min(max(attempts, 1), len(pauses))-1]
	return wait + time.Duration(roll*float64(wait)/10)
}

// again is when to try next, and whether to try at all. asked is what the
// provider wished to wait, 0 for nothing.
func again(owed, now time.Time, attempts int, asked time.Duration, roll float64) (time.Time, bool) {
	next := now.Add(max(asked, pause(attempts, roll)))
	return next, !next.After(owed.Add(longestTry))
}
