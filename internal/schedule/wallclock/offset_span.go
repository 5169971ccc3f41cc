package wallclock

import (
	"math"
	"time"
)

// Instant is a time in microseconds since 1 January 1970 UTC.
type Instant int64

// Limits of time, far from overflow.
const (
	minInstant Instant = math.MinInt64 / 4
	maxInstant Instant = math.MaxInt64 / 4
)

// OffsetSpan is a period during which a zone has one UTC offset. The end is exclusive. Adjacent
// spans can have the same offset.
type OffsetSpan struct {
	Start, End Instant
	Offset     WallTime
}

// SpanAt returns the span that contains an instant.
func SpanAt(loc *time.Location, at Instant) OffsetSpan {
	t := time.UnixMicro(int64(at)).In(loc)
	_, offset := t.Zone()
	s := OffsetSpan{Start: minInstant, End: maxInstant, Offset: WallTime(offset) * Second}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		s.Start = Instant(start.UnixMicro())
	}
	if !end.IsZero() {
		s.End = Instant(end.UnixMicro())
	}
	if s.End <= at {
		// Beyond the last change it knows, package time ends the last span of a
		// year after 365 days, so 31 December of a leap year lies outside of it.
		s.End = Instant(time.Date(t.UTC().Year()+1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	}
	return s
}

// WallTimeAt returns the wall time at an instant of the span, and InstantAt the reverse. Neither
// checks that the instant is in the span.
func (s OffsetSpan) WallTimeAt(at Instant) WallTime { return WallTime(at) + s.Offset }
func (s OffsetSpan) InstantAt(w WallTime) Instant   { return Instant(w - s.Offset) }

// StartWallTime is the first wall time of the span, EndWallTime the one after the last.
func (s OffsetSpan) StartWallTime() WallTime { return s.WallTimeAt(s.Start) }
func (s OffsetSpan) EndWallTime() WallTime   { return s.WallTimeAt(s.End) }

// WallTimeReached returns the wall time that the clock had reached when s started. It is later than
// the start of s if the clock went back, and earlier if it went forward.
//
// One previous span is enough: since 1970 no clock changed twice within the three hours that matter
// to any policy.
func (s OffsetSpan) WallTimeReached(loc *time.Location) WallTime {
	if s.Start == minInstant {
		return s.StartWallTime()
	}
	return SpanAt(loc, s.Start-1).EndWallTime()
}

// FirstWholeMinute returns the first instant of the span with a whole minute on the wall clock.
// Clocks change on the minute, but some zones had offsets with seconds until 1972.
func (s OffsetSpan) FirstWholeMinute() Instant {
	first := s.StartWallTime()
	return s.InstantAt(first + ((Minute - first%Minute) % Minute))
}

// UTC returns the instant in UTC, as all slots are.
func (i Instant) UTC() time.Time { return time.UnixMicro(int64(i)).UTC() }
