package schedule

import "time"

// interval is due a fixed time after the last ping, whatever the wall clock does.
type interval time.Duration

// minInterval keeps Next strictly after its argument for every input.
const minInterval = time.Second

// Every returns the schedule whose next slot is d after the given time. A d below one second counts
// as one second. No slot lies outside the years 1 to 9999.
func Every(d time.Duration) Schedule { return interval(max(d, minInterval)) }

// Next returns after plus the interval: an interval has no fixed slots, the last ping decides when
// the next one is due.
func (i interval) Next(after time.Time) (time.Time, bool) {
	return addWithinYears(after, time.Duration(i))
}

// Prev returns the time whose Next is before.
func (i interval) Prev(before time.Time) (time.Time, bool) {
	return addWithinYears(before, -time.Duration(i))
}

// addWithinYears adds d, and returns false outside the years that RFC 3339 can represent: near the
// limits of time.Time, an addition would wrap around.
func addWithinYears(t time.Time, d time.Duration) (time.Time, bool) {
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return time.Time{}, false
	}
	slot := t.UTC().Add(d)
	if y := slot.Year(); y < 1 || y > 9999 {
		return time.Time{}, false
	}
	return slot, true
}

// Describe returns for example "every 24 h", with a no-break space before the unit.
func (i interval) Describe() string { return "every " + FormatDuration(time.Duration(i)) }
