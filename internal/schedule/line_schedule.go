package schedule

import "time"

// lineSchedule is one line of a schedule: a pattern in a zone under a custom.
//
// Its slots are, for each span of the zone, the readings that match and are not below the floor,
// and perhaps one at the beginning of the span for all that the jump to it skipped. That
// definition does not depend on where a search begins, which is why Next and Prev agree.
type lineSchedule struct {
	pattern
	loc    *time.Location
	policy clockChangePolicy
	zone   string // canonical name of loc
	source string // the line as typed
}

// maxOffsetChange is more than two clocks in the world can differ, and more than any
// clock was ever changed at once.
const maxOffsetChange = 2 * day

// next and prev go from span to span. Where the pattern says that nothing
// matches for long, they leap: without that, 29 February on a Monday would look at
// every change of the clock in 40 years.

// next returns the first slot after a moment. In every span it looks first at what
// is made up for when the span begins, then at the readings of the span itself; the former
// happens at the very start, so the order is the order in time.
func (t *lineSchedule) next(after time.Time) (time.Time, bool) {
	at := clampInstant(after, time.Microsecond)
	for at < instant(searchEnd+maxOffsetChange) {
		s := spanAt(t.loc, at)
		reached := s.wallTimeReached(t.loc)
		floor, catchUp := t.policy(reached, s.startWallTime())
		if slot := s.firstWholeMinute(); catchUp && slot >= at && t.matchesBetween(reached, s.startWallTime()) {
			return slot.utc(), true
		}
		low := max(floor, s.wallTimeAt(at))
		w, ok := t.pattern.next(low)
		if ok && w < s.endWallTime() {
			return s.instantAt(w).utc(), true
		}
		if !ok {
			w = searchEnd + 2*maxOffsetChange
		}
		// Leaping is safe only if no later reading can fall below low again, so
		// the clock must have come further than it can be put back.
		at = s.end
		if low+maxOffsetChange < s.endWallTime() {
			at = max(at, instant(w-maxOffsetChange))
		}
	}
	return time.Time{}, false
}

// prev is next backwards: first the readings of the span, then its start.
func (t *lineSchedule) prev(before time.Time) (time.Time, bool) {
	at := clampInstant(before, time.Microsecond-1)
	for at > instant(-maxOffsetChange) {
		s := spanAt(t.loc, at-1)
		reached := s.wallTimeReached(t.loc)
		floor, catchUp := t.policy(reached, s.startWallTime())
		high := s.wallTimeAt(at)
		w, ok := t.pattern.prev(high - 1)
		if ok && w >= floor {
			return s.instantAt(w).utc(), true
		}
		if slot := s.firstWholeMinute(); catchUp && slot < at && t.matchesBetween(reached, s.startWallTime()) {
			return slot.utc(), true
		}
		if !ok {
			w = -2 * maxOffsetChange
		}
		// The same the other way round.
		at = s.start
		if high-maxOffsetChange > s.startWallTime() {
			at = min(at, instant(w+maxOffsetChange))
		}
	}
	return time.Time{}, false
}

// matchesBetween reports whether anything matches from reached up to, not including, first.
func (t *lineSchedule) matchesBetween(reached, first wallTime) bool {
	w, ok := t.pattern.next(reached)
	return ok && w < first
}

// firstWholeMinute is when a span's first whole minute on the wall begins. Clocks are
// changed on the minute, but some zones had offsets with seconds until 1972.
func (s offsetSpan) firstWholeMinute() instant {
	first := s.startWallTime()
	return s.instantAt(first + ((minute - first%minute) % minute))
}

// utc is in UTC, as all slots are.
func (i instant) utc() time.Time { return time.UnixMicro(int64(i)).UTC() }

// clampInstant returns the microsecond of t plus extra, kept near the years of the
// pattern: the microseconds of a far year would overflow.
func clampInstant(t time.Time, extra time.Duration) instant {
	switch y := t.UTC().Year(); {
	case y < minYear-1:
		return instant(-maxOffsetChange)
	case y > maxYear+1:
		return instant(searchEnd + maxOffsetChange)
	default:
		return instant(t.Add(extra).UnixMicro())
	}
}
