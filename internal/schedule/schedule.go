package schedule

import "time"

// Schedule says when pings are due.
type Schedule interface {
	// Next returns the first slot strictly after the given moment, in UTC.
	// It is false when no slot is left: the expression lies in the past, or
	// beyond the year 2199.
	Next(after time.Time) (slot time.Time, ok bool)

	// Prev returns the last slot strictly before the given moment, in UTC.
	// It is false when there is none since the year 1970.
	Prev(before time.Time) (slot time.Time, ok bool)

	// Describe says the schedule in plain words, for example
	// "at 03:00 every day, Europe/Berlin".
	Describe() string
}

// multiLine is several schedules at once: due when any of them is due. It is never empty.
type multiLine struct {
	lines []*lineSchedule
	zone  string
}

// Next is the earliest of all. Lines due at the same moment are one slot, as one
// ping answers them all.
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

// Prev is the latest of all.
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

// Describe names the zone once when all lines share it.
func (u *multiLine) Describe() string { return describeLines(u.lines, u.zone) }
