package schedule

import (
	"math"
	"time"
)

// instant is a moment in microseconds since 1 January 1970 UTC.
type instant int64

// Stand-ins for the ends of time, far from overflow.
const (
	never   instant = math.MinInt64 / 4
	forever instant = math.MaxInt64 / 4
)

// span is a stretch of time during which a zone keeps one UTC offset.
// The end is not part of it. Neighbours may have the same offset.
type span struct {
	start, end instant
	offset     wall
}

// spanAt returns the span that holds a moment.
func spanAt(loc *time.Location, at instant) span {
	t := time.UnixMicro(int64(at)).In(loc)
	_, offset := t.Zone()
	s := span{start: never, end: forever, offset: wall(offset) * second}
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

// wall is what the clock shows at a moment of the span, instant when it shows
// that. Neither checks that the moment lies within.
func (s span) wall(at instant) wall   { return wall(at) + s.offset }
func (s span) instant(w wall) instant { return instant(w - s.offset) }

// The reading at which the span begins, and the one it does not reach.
func (s span) firstReading() wall { return s.wall(s.start) }
func (s span) endReading() wall   { return s.wall(s.end) }

// reached returns how far the clock on the wall had come when s began: the first
// reading that had not yet been lived through. It lies above the first reading
// of s when the clock was put back, below when it was put forward.
//
// One span back is enough: since 1970 no clock was changed twice within the
// three hours that matter to any custom.
func (s span) reached(loc *time.Location) wall {
	if s.start == never {
		return s.firstReading()
	}
	return spanAt(loc, s.start-1).endReading()
}
