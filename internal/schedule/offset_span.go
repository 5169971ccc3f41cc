package schedule

import (
	"math"
	"time"
)

// instant is a moment in microseconds since 1 January 1970 UTC.
type instant int64

// Stand-ins for the ends of time, far from overflow.
const (
	minInstant instant = math.MinInt64 / 4
	maxInstant instant = math.MaxInt64 / 4
)

// offsetSpan is a stretch of time during which a zone keeps one UTC offset.
// The end is not part of it. Neighbours may have the same offset.
type offsetSpan struct {
	start, end instant
	offset     wallTime
}

// spanAt returns the span that holds a moment.
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

// wallTimeAt is what the clock shows at a moment of the span, instant when it shows
// that. Neither checks that the moment lies within.
func (s offsetSpan) wallTimeAt(at instant) wallTime { return wallTime(at) + s.offset }
func (s offsetSpan) instantAt(w wallTime) instant   { return instant(w - s.offset) }

// The reading at which the span begins, and the one it does not reach.
func (s offsetSpan) startWallTime() wallTime { return s.wallTimeAt(s.start) }
func (s offsetSpan) endWallTime() wallTime   { return s.wallTimeAt(s.end) }

// wallTimeReached returns how far the clock on the wall had come when s began: the first
// reading that had not yet been lived through. It lies above the first reading
// of s when the clock was put back, below when it was put forward.
//
// One span back is enough: since 1970 no clock was changed twice within the
// three hours that matter to any custom.
func (s offsetSpan) wallTimeReached(loc *time.Location) wallTime {
	if s.start == minInstant {
		return s.startWallTime()
	}
	return spanAt(loc, s.start-1).endWallTime()
}
