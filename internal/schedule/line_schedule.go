package schedule

import (
	"time"

	"overdue/internal/schedule/wallclock"
)

// lineSchedule is one line of a schedule: a pattern in a zone with a policy for clock changes.
//
// Its slots are, for each span of the zone, the matching wall times from floor on, and possibly one
// at the start of the span for the ones that the clock skipped. This definition does not depend on
// where a search starts, so Next and Prev agree.
type lineSchedule struct {
	pattern
	loc    *time.Location
	policy clockChangePolicy
	zone   string // canonical name of loc
	source string // the line as written
}

// maxOffsetChange is more than the largest difference between two clocks, and more than any clock
// ever changed at once.
const maxOffsetChange = 2 * wallclock.Day

// next and prev go from span to span. If the pattern matches nothing for a long
// time, they skip it. Without that, 29 February on a Monday would read every change
// of the clock in 40 years.

// next returns the first slot after a time. In every span it first checks for a slot that was
// skipped by the change at the start of the span, then for matches in the span. The former is at
// the very start, so slots are in order.
//
// next and prev go from span to span. If the pattern has no match for a long time, they jump:
// otherwise, 29 February on a Monday would visit every clock change in 40 years.
func (t *lineSchedule) next(after time.Time) (time.Time, bool) {
	at := clampInstant(after, time.Microsecond)
	for at < wallclock.Instant(wallclock.SearchEnd+maxOffsetChange) {
		s := wallclock.SpanAt(t.loc, at)
		reached := s.WallTimeReached(t.loc)
		floor, catchUp := t.policy(reached, s.StartWallTime())
		if slot := s.FirstWholeMinute(); catchUp && slot >= at && t.matchesBetween(reached, s.StartWallTime()) {
			return slot.UTC(), true
		}
		low := max(floor, s.WallTimeAt(at))
		w, ok := t.pattern.next(low)
		if ok && w < s.EndWallTime() {
			return s.InstantAt(w).UTC(), true
		}
		if !ok {
			w = wallclock.SearchEnd + 2*maxOffsetChange
		}
		// A jump is safe only if no later wall time can be below low again, so the
		// clock must have moved further than it can go back.
		at = s.End
		if low+maxOffsetChange < s.EndWallTime() {
			at = max(at, wallclock.Instant(w-maxOffsetChange))
		}
	}
	return time.Time{}, false
}

// prev is next backwards: first the matches of the span, then its start.
func (t *lineSchedule) prev(before time.Time) (time.Time, bool) {
	at := clampInstant(before, time.Microsecond-1)
	for at > wallclock.Instant(-maxOffsetChange) {
		s := wallclock.SpanAt(t.loc, at-1)
		reached := s.WallTimeReached(t.loc)
		floor, catchUp := t.policy(reached, s.StartWallTime())
		high := s.WallTimeAt(at)
		w, ok := t.pattern.prev(high - 1)
		if ok && w >= floor {
			return s.InstantAt(w).UTC(), true
		}
		if slot := s.FirstWholeMinute(); catchUp && slot < at && t.matchesBetween(reached, s.StartWallTime()) {
			return slot.UTC(), true
		}
		if !ok {
			w = -2 * maxOffsetChange
		}
		// The same in the other direction.
		at = s.Start
		if high-maxOffsetChange > s.StartWallTime() {
			at = min(at, wallclock.Instant(w+maxOffsetChange))
		}
	}
	return time.Time{}, false
}

// matchesBetween reports whether a wall time from reached up to, not including, first matches.
func (t *lineSchedule) matchesBetween(reached, first wallclock.WallTime) bool {
	w, ok := t.pattern.next(reached)
	return ok && w < first
}

// clampInstant returns the microsecond of t plus extra, limited to the years of a pattern: the
// microseconds of a distant year would overflow.
func clampInstant(t time.Time, extra time.Duration) wallclock.Instant {
	switch y := t.UTC().Year(); {
	case y < wallclock.MinYear-1:
		return wallclock.Instant(-maxOffsetChange)
	case y > wallclock.MaxYear+1:
		return wallclock.Instant(wallclock.SearchEnd + maxOffsetChange)
	default:
		return wallclock.Instant(t.Add(extra).UnixMicro())
	}
}

// clockChangePolicy defines the behaviour of a scheduler when the wall clock changes. reached is the wall time
// that the clock had reached before the change, and first is the wall time directly after it.
//
// In spring the clock skips wall times, in autumn it repeats some:
//
//	wall time  1:59 │ 3:00           2:59 │ 2:00 … 2:59  3:00
//	           span │ next span      span │ next span
//	reached         2:00                  3:00
//	first           3:00                  2:00
//
// Wall times before floor do not match in the next span. With catchUp, a match from reached up to
// first runs once, directly after the change.
type clockChangePolicy func(reached, first wallclock.WallTime) (floor wallclock.WallTime, catchUp bool)

// Debian cron treats a change of cronLargeChange or more as a corrected clock, not as daylight
// saving time. cronSmallChange is the delay that it accepts as its own.
//
// It measures the change from its virtual clock, so a change is one minute smaller in one direction
// than in the other: three hours forward are large, three hours back are not.
const (
	cronLargeChange = 3 * wallclock.Hour
	cronSmallChange = 5 * wallclock.Minute
)

// A change is measured from reached, as Debian measures it from its virtual clock, so
// that it comes out one minute smaller in one direction than in the other: three hours
// forward are large, three hours back are not.

// cronFixedTimePolicy is for lines whose minute and hour do not start with "*".
func cronFixedTimePolicy(reached, first wallclock.WallTime) (floor wallclock.WallTime, catchUp bool) {
	switch gap := first - reached; {
	case gap >= cronLargeChange, gap < -cronLargeChange:
		return first, false
	case gap >= 0:
		return first, gap > 0
	default:
		return reached, false
	}
}

// cronWildcardPolicy is for the other lines: they follow the wall clock.
func cronWildcardPolicy(reached, first wallclock.WallTime) (floor wallclock.WallTime, catchUp bool) {
	gap := first - reached
	return first, gap > 0 && gap < cronSmallChange
}

// onCalendarPolicy is that of systemd: no wall time matches twice, and skipped ones do not run.
func onCalendarPolicy(reached, first wallclock.WallTime) (floor wallclock.WallTime, catchUp bool) {
	return max(reached, first), false
}
