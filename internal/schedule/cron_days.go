package schedule

import (
	"strconv"
	"strings"

	"overdue/internal/schedule/wallclock"
)

// cronDays holds the two day fields of a cron line.
type cronDays struct {
	matchBoth bool // a day must match both fields, not only one

	dates           wallclock.Bitset // of the month
	lastDay         bool
	lastWeekday     bool
	nearestWeekdays wallclock.Bitset // dates whose nearest weekday matches

	weekdays    wallclock.Bitset    // Sunday is 0, never 7
	nth         [6]wallclock.Bitset // weekdays by their occurrence in the month; index 0 is unused
	lastOfMonth wallclock.Bitset    // weekdays whose last occurrence in the month matches
}

// parse parses both fields. cronField parses names and ranges; this handles the syntax that Debian
// does not have.
func (c *cronDays) parse(dates, weekdays string) error {
	for item := range strings.SplitSeq(dates, ",") {
		if err := c.parseDateItem(item); err != nil {
			return err
		}
	}
	for item := range strings.SplitSeq(weekdays, ",") {
		if err := c.parseWeekdayItem(item); err != nil {
			return err
		}
	}
	return nil
}

// parseDateItem parses one item of the day of month.
func (c *cronDays) parseDateItem(item string) error {
	switch upper := strings.ToUpper(item); {
	case upper == "L":
		c.lastDay = true
	case upper == "LW" || upper == "WL":
		c.lastWeekday = true
	case strings.HasPrefix(upper, "L-"):
		return problemf("%s in the day of month is not supported: use L for the last day", quote(item))
	case strings.HasSuffix(upper, "W"):
		n, err := dayField.parseNumber(upper[:len(upper)-1])
		if err != nil {
			return problemf("%s in the day of month is not valid: write a date before the W, such as 15W", quote(item))
		}
		c.nearestWeekdays = c.nearestWeekdays.With(n)
	default:
		s, err := dayField.parseItem(item)
		if err != nil {
			return err
		}
		c.dates |= s
	}
	return nil
}

// parseWeekdayItem parses one item of the day of week.
func (c *cronDays) parseWeekdayItem(item string) error {
	if name, place, ok := strings.Cut(item, "#"); ok {
		d, err := weekdayField.parseNumber(name)
		n, wrong := strconv.Atoi(place)
		if err != nil || wrong != nil || !isDigits(place) || n < 1 || n > 5 {
			return problemf("%s in the day of week is not valid: write a day, # and a number from 1 to 5, such as mon#2", quote(item))
		}
		c.nth[n] = c.nth[n].With(d % 7)
		return nil
	}
	if name := strings.TrimRight(item, "lL"); name != item {
		d, err := weekdayField.parseNumber(name)
		if err != nil || len(item)-len(name) > 1 {
			return problemf("%s in the day of week is not valid: write the day before the L, such as friL for the last Friday", quote(item))
		}
		c.lastOfMonth = c.lastOfMonth.With(d % 7)
		return nil
	}
	s, err := weekdayField.parseItem(item)
	if err != nil {
		return err
	}
	// Sunday has two numbers. Keep only 0.
	if s.Has(7) {
		s = s.With(0)
	}
	c.weekdays |= s.UpTo(6)
	return nil
}

// matchingDays implements dayRule.
func (c *cronDays) matchingDays(year, month int) wallclock.Bitset {
	n, first := wallclock.DaysInMonth(year, month), wallclock.WeekdayOf(year, month, 1)
	dates, weekdays := c.matchingDates(n, first), c.matchingWeekdays(n, first)
	// A field with "*" has all days, so the result is the other field.
	if c.matchBoth {
		return dates & weekdays
	}
	return dates | weekdays
}

// matchingDates returns the days that match the day of month, in a month of n days that starts on
// the weekday first.
func (c *cronDays) matchingDates(n, first int) wallclock.Bitset {
	s := c.dates.UpTo(n)
	if c.lastDay {
		s = s.With(n)
	}
	if c.lastWeekday {
		s = s.With(nearestWeekday(n, n, first))
	}
	for d := range c.nearestWeekdays.UpTo(n).All() {
		s = s.With(nearestWeekday(d, n, first))
	}
	return s
}

// nearestWeekday returns d, or the Friday before or the Monday after it, without leaving the month.
func nearestWeekday(d, n, first int) int {
	switch (first + d - 1) % 7 {
	case 6:
		if d == 1 {
			return 3
		}
		return d - 1
	case 0:
		if d == n {
			return d - 2
		}
		return d + 1
	default:
		return d
	}
}

// matchingWeekdays returns the days that match the day of week.
func (c *cronDays) matchingWeekdays(n, first int) wallclock.Bitset {
	s := datesOfWeekdays(c.weekdays, n, first) | datesOfWeekdays(c.lastOfMonth, n, first).From(n-6)
	for i, days := range c.nth {
		if days != 0 {
			s |= datesOfWeekdays(days, n, first).From(7*i - 6).UpTo(7 * i)
		}
	}
	return s
}

// datesOfWeekdays returns the dates of the given weekdays in a month of n days that starts on the
// weekday first.
func datesOfWeekdays(weekdays wallclock.Bitset, n, first int) wallclock.Bitset {
	const everySeventh = wallclock.Bitset(1<<1 | 1<<8 | 1<<15 | 1<<22 | 1<<29 | 1<<36)
	var s wallclock.Bitset
	for w := range weekdays.All() {
		s |= everySeventh << uint((w-first+7)%7)
	}
	return s.UpTo(n)
}
