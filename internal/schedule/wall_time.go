package schedule

import "time"

// wallTime is a time on the wall clock: microseconds since midnight of 1 January 1970 on that
// clock, whatever its zone. When the clock goes back, two instants have the same wall time.
type wallTime int64

// Durations on the wall clock, in microseconds.
const (
	second wallTime = 1e6
	minute          = 60 * second
	hour            = 60 * minute
	day             = 24 * hour
)

// The years that a pattern can match, as in systemd.
const (
	minYear = 1970
	maxYear = 2199
)

// searchEnd is the first wall time after the years of a pattern.
var searchEnd = midnightOf(maxYear+1, 1, 1)

// date is a day of the Gregorian calendar. Month and day count from 1.
type date struct{ year, month, day int }

// daysBeforeMonth is the number of days of a common year before each month.
var daysBeforeMonth = [...]int{1: 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}

// isLeapYear reports whether a year of the Gregorian calendar is a leap year.
func isLeapYear(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// daysInMonth returns the length of a month.
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

// daysSince1970 returns the number of days since 1 January 1970. The year must not be before 1970.
func daysSince1970(year, month, day int) int {
	y := year - 1
	leaps := (y/4 - y/100 + y/400) - (1969/4 - 1969/100 + 1969/400)
	days := (year-minYear)*365 + leaps + daysBeforeMonth[month] + day - 1
	if month > 2 && isLeapYear(year) {
		days++
	}
	return days
}

// midnightOf returns the start of a day.
func midnightOf(year, month, d int) wallTime { return wallTime(daysSince1970(year, month, d)) * day }

// weekdayOf returns the weekday of a day, with Sunday as 0.
func weekdayOf(year, month, day int) int {
	const thursday = 4 // 1 January 1970
	return (daysSince1970(year, month, day) + thursday) % 7
}

// dateAndTime splits a wall time into its day and the time since midnight.
func (w wallTime) dateAndTime() (date, wallTime) {
	// Here a wall time is an instant in UTC, because package time knows the calendar.
	days := w / day
	y, m, d := time.Unix(int64(days)*86400, 0).UTC().Date()
	return date{y, int(m), d}, w % day
}
