package schedule

import "time"

// timetable is one line of a schedule: a pattern in a zone under a custom.
//
// Its slots are, for each span of the zone, the readings that match and are not below the floor,
// and perhaps one at the beginning of the span for all that the jump to it skipped. That
// definition does not depend on where a search begins, which is why Next and Prev agree.
type timetable struct {
	pattern
	loc    *time.Location
	custom custom
	zone   string // canonical name of loc
	source string // the line as typed
}

// margin is more than two clocks in the world can differ, and more than any
// clock was ever changed at once.
const margin = 2 * day

// next and prev go from span to span. Where the pattern says that nothing
// matches for long, they leap: without that, 29 February on a Monday would look at
// every change of the clock in 40 years.

// next returns the first slot after a moment. In every span it looks first at what
// is made up for when the span begins, then at the readings of the span itself; the former
// happens at the very start, so the order is the order in time.
func (t *timetable) next(after time.Time) (time.Time, bool) {
	at := clamp(after, time.Microsecond)
	for at < instant(horizon+margin) {
		s := spanAt(t.loc, at)
		reached := s.reached(t.loc)
		floor, catchUp := t.custom(reached, s.firstReading())
		if slot := s.wholeMinute(); catchUp && slot >= at && t.missed(reached, s.firstReading()) {
			return slot.time(), true
		}
		low := max(floor, s.wall(at))
		w, ok := t.pattern.next(low)
		if ok && w < s.endReading() {
			return s.instant(w).time(), true
		}
		if !ok {
			w = horizon + 2*margin
		}
		// Leaping is safe only if no later reading can fall below low again, so
		// the clock must have come further than it can be put back.
		at = s.end
		if low+margin < s.endReading() {
			at = max(at, instant(w-margin))
		}
	}
	return time.Time{}, false
}

// prev is next backwards: first the readings of the span, then its start.
func (t *timetable) prev(before time.Time) (time.Time, bool) {
	at := clamp(before, time.Microsecond-1)
	for at > instant(-margin) {
		s := spanAt(t.loc, at-1)
		reached := s.reached(t.loc)
		floor, catchUp := t.custom(reached, s.firstReading())
		high := s.wall(at)
		w, ok := t.pattern.prev(high - 1)
		if ok && w >= floor {
			return s.instant(w).time(), true
		}
		if slot := s.wholeMinute(); catchUp && slot < at && t.missed(reached, s.firstReading()) {
			return slot.time(), true
		}
		if !ok {
			w = -2 * margin
		}
		// The same the other way round.
		at = s.start
		if high-margin > s.firstReading() {
			at = min(at, instant(w+margin))
		}
	}
	return time.Time{}, false
}

// missed reports whether anything matches from reached up to, not including, first.
func (t *timetable) missed(reached, first wall) bool {
	w, ok := t.pattern.next(reached)
	return ok && w < first
}

// wholeMinute is when a span's first whole minute on the wall begins. Clocks are
// changed on the minute, but some zones had offsets with seconds until 1972.
func (s span) wholeMinute() instant {
	first := s.firstReading()
	return s.instant(first + ((minute - first%minute) % minute))
}

// time is in UTC, as all slots are.
func (i instant) time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// clamp returns the microsecond of t plus extra, kept near the years of the
// pattern: the microseconds of a far year would overflow.
func clamp(t time.Time, extra time.Duration) instant {
	switch y := t.UTC().Year(); {
	case y < firstYear-1:
		return instant(-margin)
	case y > lastYear+1:
		return instant(horizon + margin)
	default:
		return instant(t.Add(extra).UnixMicro())
	}
}
