package schedule

import "slices"

// ticks is when, within a minute, something happens: a list of progressions in
// microseconds. A list instead of a set, because "0/0.000001" has 60 million members.
// Every progression starts within the minute, so ticks is never without a member.
type ticks []progression

// progression is start, start+step … up to and including stop.
// A step of 0 means start alone.
type progression struct{ start, stop, step wallTime }

// secondZero is what cron knows of seconds.
func secondZero() ticks { return ticks{{}} }

// from returns the first tick at or after at.
func (t ticks) from(at wallTime) (wallTime, bool) {
	best, found := wallTime(0), false
	for _, p := range t {
		tick := p.start
		if at > tick && p.step > 0 {
			tick += (at - tick + p.step - 1) / p.step * p.step
		}
		if tick >= at && tick <= p.stop && (!found || tick < best) {
			best, found = tick, true
		}
	}
	return best, found
}

// upTo returns the last tick at or before at.
func (t ticks) upTo(at wallTime) (wallTime, bool) {
	best, found := wallTime(0), false
	for _, p := range t {
		if p.start > at {
			continue
		}
		tick := p.start
		if p.step > 0 {
			tick += (min(at, p.stop) - tick) / p.step * p.step
		}
		if !found || tick > best {
			best, found = tick, true
		}
	}
	return best, found
}

// first cannot fail: every progression starts within the minute.
func (t ticks) first() wallTime {
	tick, _ := t.from(0)
	return tick
}

// last cannot fail for the same reason.
func (t ticks) last() wallTime {
	tick, _ := t.upTo(minute - 1)
	return tick
}

// onlyZero reports whether the minute itself is the only tick.
func (t ticks) onlyZero() bool {
	return !slices.ContainsFunc(t, func(p progression) bool { return p.start != 0 || p.step != 0 })
}
