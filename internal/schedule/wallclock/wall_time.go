// Package wallclock knows the wall clock of a time zone: dates and times on it, the instants that
// they stand for, and the spans between changes of the UTC offset. It also has the sets in which a
// schedule keeps its minutes, hours and days. It is pure: it never reads the clock.
package wallclock

import "time"

// WallTime is a time on the wall clock: microseconds since midnight of 1 January 1970 on that
// clock, whatever its zone. When the clock goes back, two instants have the same wall time.
type WallTime int64

// Durations on the wall clock, in microseconds.
const (
	Second WallTime = 1e6
	Minute          = 60 * Second
	Hour            = 60 * Minute
	Day             = 24 * Hour
)

// The years that a pattern can match, as in systemd.
const (
	MinYear = 1970
	MaxYear = 2199
)

// SearchEnd is the first wall time after the years of a pattern.
var SearchEnd = MidnightOf(MaxYear+1, 1, 1)

// Date is a day of the Gregorian calendar. Month and day count from 1.
type Date struct{ Year, Month, Day int }

// daysBeforeMonth is the number of days of a common year before each month.
var daysBeforeMonth = [...]int{1: 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}

// isLeapYear reports whether a year of the Gregorian calendar is a leap year.
func isLeapYear(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// DaysInMonth returns the length of a month.
func DaysInMonth(year, month int) int {
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
	days := (year-MinYear)*365 + leaps + daysBeforeMonth[month] + day - 1
	if month > 2 && isLeapYear(year) {
		days++
	}
	return days
}

// MidnightOf returns the start of a day.
func MidnightOf(year, month, d int) WallTime { return WallTime(daysSince1970(year, month, d)) * Day }

// WeekdayOf returns the weekday of a day, with Sunday as 0.
func WeekdayOf(year, month, day int) int {
	const thursday = 4 // 1 January 1970
	return (daysSince1970(year, month, day) + thursday) % 7
}

// DateAndTime splits a wall time into its day and the time since midnight.
func (w WallTime) DateAndTime() (Date, WallTime) {
	// Here a wall time is an instant in UTC, because package time knows the calendar.
	days := w / Day
	y, m, d := time.Unix(int64(days)*86400, 0).UTC().Date()
	return Date{y, int(m), d}, w % Day
}
