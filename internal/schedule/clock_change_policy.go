package schedule

// clockChangePolicy is what a scheduler does when the clock on the wall is changed. It is
// given how far the wall clock had come (reached, not yet lived through) and the first
// reading after the change.
//
// In spring the clock jumps over readings, in autumn it shows some a second time:
//
//	reading    1:59 │ 3:00           2:59 │ 2:00 … 2:59  3:00
//	           span │ next span      span │ next span
//	reached         2:00                  3:00
//	first           3:00                  2:00
//
// Readings below the floor do not count although the clock shows them. With
// catchUp, what would have matched from reached up to first happens at the change, once.
type clockChangePolicy func(reached, first wallTime) (floor wallTime, catchUp bool)

// cronLargeChange is where Debian cron stops to see daylight saving time and sees a
// clock that was corrected. cronSmallChange is what it takes for its own late waking.
const (
	cronLargeChange = 3 * hour
	cronSmallChange = 5 * minute
)

// A change is measured from reached, as Debian measures it from its virtual clock, so
// that it comes out one minute smaller in one direction than in the other: three hours
// forward are large, three hours back are not.

// cronFixedTimePolicy is for lines whose minute and hour both do not start with "*".
func cronFixedTimePolicy(reached, first wallTime) (floor wallTime, catchUp bool) {
	switch gap := first - reached; {
	case gap >= cronLargeChange, gap < -cronLargeChange:
		return first, false
	case gap >= 0:
		return first, gap > 0
	default:
		return reached, false
	}
}

// cronWildcardPolicy is for the other lines: they go by the clock on the wall.
func cronWildcardPolicy(reached, first wallTime) (floor wallTime, catchUp bool) {
	gap := first - reached
	return first, gap > 0 && gap < cronSmallChange
}

// onCalendarPolicy is systemd's way: no reading counts twice, none is made up for.
func onCalendarPolicy(reached, first wallTime) (floor wallTime, catchUp bool) {
	return max(reached, first), false
}
