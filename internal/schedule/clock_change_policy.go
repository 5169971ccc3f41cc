package schedule

// clockChangePolicy is what a scheduler does when the wall clock changes. reached is the wall time
// that the clock had reached before the change, and first is the wall time directly after it.
//
// In spring the clock skips wall times, in autumn it repeats some:
//
//	wall time  1:59 │ 3:00           2:59 │ 2:00 … 2:59  3:00
//	           span │ next span      span │ next span
//	reached         2:00                  3:00
//	first           3:00                  2:00
//
// Wall times before floor do not match in the next span. With catchUp, a match from reached up to
// first runs once, directly after the change.
type clockChangePolicy func(reached, first wallTime) (floor wallTime, catchUp bool)

// Debian cron treats a change of cronLargeChange or more as a corrected clock, not as daylight
// saving time. cronSmallChange is the delay that it accepts as its own.
//
// It measures the change from its virtual clock, so a change is one minute smaller in one direction
// than in the other: three hours forward are large, three hours back are not.
const (
	cronLargeChange = 3 * hour
	cronSmallChange = 5 * minute
)

// A change is measured from reached, as Debian measures it from its virtual clock, so
// that it comes out one minute smaller in one direction than in the other: three hours
// forward are large, three hours back are not.

// cronFixedTimePolicy is for lines whose minute and hour do not start with "*".
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

// cronWildcardPolicy is for the other lines: they follow the wall clock.
func cronWildcardPolicy(reached, first wallTime) (floor wallTime, catchUp bool) {
	gap := first - reached
	return first, gap > 0 && gap < cronSmallChange
}

// onCalendarPolicy is that of systemd: no wall time matches twice, and skipped ones do not run.
func onCalendarPolicy(reached, first wallTime) (floor wallTime, catchUp bool) {
	return max(reached, first), false
}
