package schedule

import "testing"

// The next line of a zone begins where the last one ends, and custom need only look one
// span back, because no clock is changed twice within a day.
func TestSpansFollowOneAnotherAndLastLongerThanADay(t *testing.T) {
	zones := map[string]bool{}
	for _, zone := range aliases {
		zones[zone] = true
	}
	for _, c := range changing {
		zones[c.zone] = true
	}
	for zone := range zones {
		loc := location(t, zone)
		for at := instant(0); at < instant(horizon); {
			s := spanAt(loc, at)
			if s.start > at || s.end <= at {
				t.Fatalf("%s: the span at %s goes from %s to %s", zone, at.time(), s.start.time(), s.end.time())
			}
			next := spanAt(loc, s.end)
			if next.offset != s.offset && next.end-next.start < instant(day) {
				t.Errorf("%s: the clock is changed at %s and again at %s", zone, next.start.time(), next.end.time())
			}
			at = s.end
		}
	}
}
