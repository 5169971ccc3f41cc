package dbclock

import (
	"time"
)

// minSleep is the difference between the node's own clock and the monotonic clock from
// which the machine can have slept.
const minSleep = 50 * time.Millisecond

// systemClocks returns a function that reads the clocks of this machine. Calls must not
// overlap.
func systemClocks() func() reading {
	start := time.Now()
	sleptBefore := timeAsleep()
	var slept, gap time.Duration
	return func() reading {
		t := time.Now()
		awake := t.Sub(start)
		// The monotonic clock stops while the machine sleeps. How long it slept is asked
		// only when the clocks differ by more than before.
		if now := t.Round(0).Sub(start.Round(0)) - awake; (now - gap).Abs() >= minSleep {
			gap, slept = now, timeAsleep()-sleptBefore
		}
		return reading{wall: t.Round(0).UTC(), elapsed: awake + slept}
	}
}

// WithOffset returns a clock on a node whose own clock is ahead by the given duration.
// It is for tests of nodes with a wrong clock.
func WithOffset(ahead func() time.Duration) *Clock {
	read := systemClocks()
	return newClock(func() reading {
		r := read()
		r.wall = r.wall.Add(ahead())
		return r
	})
}
