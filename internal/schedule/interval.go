package schedule

import "time"

// interval is due a fixed time after the last ping, whatever the clocks do.
type interval time.Duration

// minInterval keeps Next strictly after its argument whatever is asked for.
const minInterval = time.Second

// Every returns the schedule whose next slot is d after the moment asked about.
// A d below one second counts as one second. No slot lies outside the years 1 to 9999.
func Every(d time.Duration) Schedule { return interval(max(d, minInterval)) }

// Next counts from the moment asked about: an interval knows no fixed slots,
// the last ping decides when the next is due.
func (i interval) Next(after time.Time) (time.Time, bool) {
	return addWithinYears(after, time.Duration(i))
}

// Prev is the moment from which Next would lead here.
func (i interval) Prev(before time.Time) (time.Time, bool) {
	return addWithinYears(before, -time.Duration(i))
}

// addWithinYears adds d, and refuses to leave the years that RFC 3339 can write: adding
// near the end of what time.Time can hold would wrap around.
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
