package schedule

import "time"

// wallTime is a reading of the clock on the wall: microseconds since midnight of
// 1 January 1970 on that clock, whatever its zone. Two moments can share a
// reading when the clock is put back.
type wallTime int64

// Lengths on the wall clock, in microseconds.
const (
	second wallTime = 1e6
	minute          = 60 * second
	hour            = 60 * minute
	day             = 24 * hour
)

// The years a pattern may match, as in systemd.
const (
	minYear = 1970
	maxYear = 2199
)

// searchEnd is the first reading no pattern reaches.
var searchEnd = midnightOf(maxYear+1, 1, 1)

// date is a day of the Gregorian calendar; month and day count from 1.
type date struct{ year, month, day int }

// daysBeforeMonth is the number of days of a common year before each month.
var daysBeforeMonth = [...]int{1: 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}

// isLeapYear follows the Gregorian calendar, which is all that cron and systemd know.
func isLeapYear(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// daysInMonth is the length of a month.
func daysInMonth(year, month int) int {
	switch month {
	case 2:
		if isLeapYear(year) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	default:
		return 31
	}
}

// daysSince1970 counts days from 1 January 1970. The year must not lie before it.
func daysSince1970(year, month, day int) int {
	y := year - 1
	leaps := (y/4 - y/100 + y/400) - (1969/4 - 1969/100 + 1969/400)
	days := (year-minYear)*365 + leaps + daysBeforeMonth[month] + day - 1
	if month > 2 && isLeapYear(year) {
		days++
	}
	return days
}

// midnightOf is midnight of the given day.
func midnightOf(year, month, d int) wallTime { return wallTime(daysSince1970(year, month, d)) * day }

// weekdayOf of a day, with Sunday as 0.
func weekdayOf(year, month, day int) int {
	const thursday = 4 // 1 January 1970
	return (daysSince1970(year, month, day) + thursday) % 7
}

// dateAndTime splits a reading into its day and the time since midnight.
func (w wallTime) dateAndTime() (date, wallTime) {
	// A reading is a moment in UTC for this purpose; package time knows the calendar.
	days := w / day
	y, m, d := time.Unix(int64(days)*86400, 0).UTC().Date()
	return date{y, int(m), d}, w % day
}
