package schedule

// custom is what a scheduler does when the clock on the wall is changed. It is
// given how far the wall clock had come (reached, not yet lived through) and the first
// reading after the change.
//
// Readings below the floor do not count although the clock shows them. With
// catchUp, what would have matched from reached up to first happens at the change, once.
type custom func(reached, first wall) (floor wall, catchUp bool)

// largeChange is where Debian cron stops to see daylight saving time and sees a
// clock that was corrected. smallChange is what it takes for its own late waking.
const (
	largeChange = 3 * hour
	smallChange = 5 * minute
)

// cronFixed is for lines whose minute and hour both do not start with "*".
func cronFixed(reached, first wall) (floor wall, catchUp bool) {
	switch gap := first - reached; {
	case gap >= largeChange, gap < -largeChange:
		return first, false
	case gap >= 0:
		return first, gap > 0
	default:
		return reached, false
	}
}

// cronWild is for the other lines: they go by the clock on the wall.
func cronWild(reached, first wall) (floor wall, catchUp bool) {
	gap := first - reached
	return first, gap > 0 && gap < smallChange
}

// calendarOnce is systemd's way: no reading counts twice, none is made up for.
func calendarOnce(reached, first wall) (floor wall, catchUp bool) {
	return max(reached, first), false
}
