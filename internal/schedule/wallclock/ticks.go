package wallclock

import "slices"

// Ticks contains the matching times within a minute: a list of progressions in microseconds. It is
// not a set, because "0/0.000001" has 60 million members. Every progression starts within the
// minute, so ticks is never empty.
type Ticks []Progression

// Progression is start, start+step … up to and including stop. A step of 0 means start alone.
type Progression struct{ Start, Stop, Step WallTime }

// SecondZero returns the seconds of every cron line.
func SecondZero() Ticks { return Ticks{{}} }

// From returns the first tick at or after at.
func (t Ticks) From(at WallTime) (WallTime, bool) {
	best, found := WallTime(0), false
	for _, p := range t {
		tick := p.Start
		if at > tick && p.Step > 0 {
			tick += (at - tick + p.Step - 1) / p.Step * p.Step
		}
		if tick >= at && tick <= p.Stop && (!found || tick < best) {
			best, found = tick, true
		}
	}
	return best, found
}

// UpTo returns the last tick at or before at.
func (t Ticks) UpTo(at WallTime) (WallTime, bool) {
	best, found := WallTime(0), false
	for _, p := range t {
		if p.Start > at {
			continue
		}
		tick := p.Start
		if p.Step > 0 {
			tick += (min(at, p.Stop) - tick) / p.Step * p.Step
		}
		if !found || tick > best {
			best, found = tick, true
		}
	}
	return best, found
}

// First cannot fail: every progression starts within the minute.
func (t Ticks) First() WallTime {
	tick, _ := t.From(0)
	return tick
}

// Last cannot fail for the same reason.
func (t Ticks) Last() WallTime {
	tick, _ := t.UpTo(Minute - 1)
	return tick
}

// OnlyZero reports whether the minute itself is the only tick.
func (t Ticks) OnlyZero() bool {
	return !slices.ContainsFunc(t, func(p Progression) bool { return p.Start != 0 || p.Step != 0 })
}
