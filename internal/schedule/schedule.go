package schedule

import (
	"time"
)

// Schedule calculates when pings are due.
type Schedule interface {
	// Next returns the first slot strictly after the given time, in UTC. It returns false if none
	// exists: the expression is in the past, or the slot would be after the year 2199.
	Next(after time.Time) (slot time.Time, ok bool)

	// Prev returns the last slot strictly before the given time, in UTC. It returns false if none
	// exists since the year 1970.
	Prev(before time.Time) (slot time.Time, ok bool)

	// Describe returns the schedule in plain words, for example "at 03:00 every day,
	// Europe/Berlin".
	Describe() string
}

// multiLine is a schedule of several lines. It is due when any of them is due. It is never empty.
type multiLine struct {
	lines []*lineSchedule
	zone  string
}

// Next returns the earliest slot of all lines. Lines due at the same time share one slot, because
// one ping answers all of them.
func (u *multiLine) Next(after time.Time) (time.Time, bool) {
	var first time.Time
	found := false
	for _, part := range u.lines {
		if slot, ok := part.next(after); ok && (!found || slot.Before(first)) {
			first, found = slot, true
		}
	}
	return first, found
}

// Prev returns the latest slot of all lines.
func (u *multiLine) Prev(before time.Time) (time.Time, bool) {
	var last time.Time
	found := false
	for _, part := range u.lines {
		if slot, ok := part.prev(before); ok && (!found || slot.After(last)) {
			last, found = slot, true
		}
	}
	return last, found
}

// Describe names the zone once if all lines share it.
func (u *multiLine) Describe() string { return describeLines(u.lines, u.zone) }

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
