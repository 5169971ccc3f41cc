package schedule

import (
	"math"
	"time"
)

// instant is a time in microseconds since 1 January 1970 UTC.
type instant int64

// Limits of time, far from overflow.
const (
	minInstant instant = math.MinInt64 / 4
	maxInstant instant = math.MaxInt64 / 4
)

// offsetSpan is a period during which a zone has one UTC offset. The end is exclusive. Adjacent
// spans can have the same offset.
type offsetSpan struct {
	start, end instant
	offset     wallTime
}

// spanAt returns the span that contains an instant.
func spanAt(loc *time.Location, at instant) offsetSpan {
	t := time.UnixMicro(int64(at)).In(loc)
	_, offset := t.Zone()
	s := offsetSpan{start: minInstant, end: maxInstant, offset: wallTime(offset) * second}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		s.start = instant(start.UnixMicro())
	}
	if !end.IsZero() {
		s.end = instant(end.UnixMicro())
	}
	if s.end <= at {
		// Beyond the last change it knows, package time ends the last span of a
		// year after 365 days, so 31 December of a leap year lies outside of it.
		s.end = instant(time.Date(t.UTC().Year()+1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	}
	return s
}

// wallTimeAt returns the wall time at an instant of the span, and instantAt the reverse. Neither
// checks that the instant is in the span.
func (s offsetSpan) wallTimeAt(at instant) wallTime { return wallTime(at) + s.offset }
func (s offsetSpan) instantAt(w wallTime) instant   { return instant(w - s.offset) }

// startWallTime is the first wall time of the span, endWallTime the one after the last.
func (s offsetSpan) startWallTime() wallTime { return s.wallTimeAt(s.start) }
func (s offsetSpan) endWallTime() wallTime   { return s.wallTimeAt(s.end) }

// wallTimeReached returns the wall time that the clock had reached when s started. It is later than
// the start of s if the clock went back, and earlier if it went forward.
//
// One previous span is enough: since 1970 no clock changed twice within the three hours that matter
// to any policy.
func (s offsetSpan) wallTimeReached(loc *time.Location) wallTime {
	if s.start == minInstant {
		return s.startWallTime()
	}
	return spanAt(loc, s.start-1).endWallTime()
}

// firstWholeMinute returns the first instant of the span with a whole minute on the wall clock.
// Clocks change on the minute, but some zones had offsets with seconds until 1972.
func (s offsetSpan) firstWholeMinute() instant {
	first := s.startWallTime()
	return s.instantAt(first + ((minute - first%minute) % minute))
}

// utc returns the instant in UTC, as all slots are.
func (i instant) utc() time.Time { return time.UnixMicro(int64(i)).UTC() }
