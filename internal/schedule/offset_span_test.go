package schedule

import (
	"testing"

	"overdue/internal/schedule/wallclock"
)

// Each span of a zone starts where the previous one ends. A policy needs only the previous span,
// because no clock changes twice within a day.
func TestSpanAt_SpansAreContiguousAndLongerThanADay(t *testing.T) {
	zones := map[string]bool{}
	for _, zone := range zoneAliases {
		zones[zone] = true
	}
	for _, c := range changingZones {
		zones[c.zone] = true
	}
	for zone := range zones {
		loc := location(t, zone)
		for at := wallclock.Instant(0); at < wallclock.Instant(wallclock.SearchEnd); {
			s := wallclock.SpanAt(loc, at)
			if s.Start > at || s.End <= at {
				t.Fatalf("%s: the span at %s goes from %s to %s", zone, at.UTC(), s.Start.UTC(), s.End.UTC())
			}
			next := wallclock.SpanAt(loc, s.End)
			if next.Offset != s.Offset && next.End-next.Start < wallclock.Instant(wallclock.Day) {
				t.Errorf("%s: the clock is changed at %s and again at %s", zone, next.Start.UTC(), next.End.UTC())
			}
			at = s.End
		}
	}
}
