package schedule

import "testing"

// The next line of a zone begins where the last one ends, and custom need only look one
// span back, because no clock is changed twice within a day.
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
		for at := instant(0); at < instant(searchEnd); {
			s := spanAt(loc, at)
			if s.start > at || s.end <= at {
				t.Fatalf("%s: the span at %s goes from %s to %s", zone, at.utc(), s.start.utc(), s.end.utc())
			}
			next := spanAt(loc, s.end)
			if next.offset != s.offset && next.end-next.start < instant(day) {
				t.Errorf("%s: the clock is changed at %s and again at %s", zone, next.start.utc(), next.end.utc())
			}
			at = s.end
		}
	}
}
