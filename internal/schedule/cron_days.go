package schedule

import (
	"strconv"
	"strings"
)

// cronDays is the two day fields of a cron line.
type cronDays struct {
	matchBoth bool // a day must match both fields, not just one

	dates           bitset // of the month
	lastDay         bool
	lastWeekday     bool
	nearestWeekdays bitset // dates whose nearest weekday matches

	weekdays    bitset    // Sunday is 0, never 7
	nth         [6]bitset // weekdays by their place in the month; 0 is unused
	lastOfMonth bitset    // weekdays, the last of the month
}

// parse reads both fields. Names and ranges are the business of field; what
// is said here is what goes beyond Debian.
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

// parseDateItem reads one item of the day of month.
func (c *cronDays) parseDateItem(item string) error {
	switch upper := strings.ToUpper(item); {
	case upper == "L":
		c.lastDay = true
	case upper == "LW" || upper == "WL":
		c.lastWeekday = true
	case strings.HasPrefix(upper, "L-"):
		return problemf("%s in the day of month is not known: only L, the last day, can be written", quote(item))
	case strings.HasSuffix(upper, "W"):
		n, err := dayField.parseNumber(upper[:len(upper)-1])
		if err != nil {
			return problemf("%s in the day of month is not known: write a date before the W, such as 15W", quote(item))
		}
		c.nearestWeekdays = c.nearestWeekdays.with(n)
	default:
		s, err := dayField.parseItem(item)
		if err != nil {
			return err
		}
		c.dates |= s
	}
	return nil
}

// parseWeekdayItem reads one item of the day of week.
func (c *cronDays) parseWeekdayItem(item string) error {
	if name, place, ok := strings.Cut(item, "#"); ok {
		d, err := weekdayField.parseNumber(name)
		n, wrong := strconv.Atoi(place)
		if err != nil || wrong != nil || !isDigits(place) || n < 1 || n > 5 {
			return problemf("%s in the day of week is not known: write a day, # and a place from 1 to 5, such as mon#2", quote(item))
		}
		c.nth[n] = c.nth[n].with(d % 7)
		return nil
	}
	if name := strings.TrimRight(item, "lL"); name != item {
		d, err := weekdayField.parseNumber(name)
		if err != nil || len(item)-len(name) > 1 {
			return problemf("%s in the day of week is not known: write the day before the L, such as friL for the last Friday", quote(item))
		}
		c.lastOfMonth = c.lastOfMonth.with(d % 7)
		return nil
	}
	s, err := weekdayField.parseItem(item)
	if err != nil {
		return err
	}
	// Sunday has two numbers; one is enough from here on.
	if s.has(7) {
		s = s.with(0)
	}
	c.weekdays |= s.upTo(6)
	return nil
}

// matchingDays implements dayRule.
func (c *cronDays) matchingDays(year, month int) bitset {
	n, first := daysInMonth(year, month), weekdayOf(year, month, 1)
	dates, weekdays := c.matchingDates(n, first), c.matchingWeekdays(n, first)
	// The field that is "*" holds all days, so both or either gives the other field.
	if c.matchBoth {
		return dates & weekdays
	}
	return dates | weekdays
}

// matchingDates returns the matches of the first day field in a month of n days that
// begins on the weekday first.
func (c *cronDays) matchingDates(n, first int) bitset {
	s := c.dates.upTo(n)
	if c.lastDay {
		s = s.with(n)
	}
	if c.lastWeekday {
		s = s.with(nearestWeekday(n, n, first))
	}
	for d := range c.nearestWeekdays.upTo(n).all() {
		s = s.with(nearestWeekday(d, n, first))
	}
	return s
}

// nearestWeekday returns d, or the Friday before or the Monday after it,
// without leaving the month.
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

// matchingWeekdays is byDate for the second day field.
func (c *cronDays) matchingWeekdays(n, first int) bitset {
	s := datesOfWeekdays(c.weekdays, n, first) | datesOfWeekdays(c.lastOfMonth, n, first).from(n-6)
	for i, days := range c.nth {
		if days != 0 {
			s |= datesOfWeekdays(days, n, first).from(7*i - 6).upTo(7 * i)
		}
	}
	return s
}

// datesOfWeekdays returns the dates in a month of n days beginning on the weekday
// first that fall on any of the given weekdays.
func datesOfWeekdays(weekdays bitset, n, first int) bitset {
	const everySeventh = bitset(1<<1 | 1<<8 | 1<<15 | 1<<22 | 1<<29 | 1<<36)
	var s bitset
	for w := range weekdays.all() {
		s |= everySeventh << uint((w-first+7)%7)
	}
	return s.upTo(n)
}
