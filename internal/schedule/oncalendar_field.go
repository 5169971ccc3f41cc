package schedule

import (
	"fmt"
	"math"
	"strings"

	"overdue/internal/schedule/wallclock"
)

// onCalendarField describes one field of a calendar expression, such as the year or the hour.
type onCalendarField struct {
	name         string // as in "hour 25 is out of range"
	plural       string
	min          int
	max          int
	scale        int  // value of a written 1: 1, or a million for seconds
	fromEnd      bool // counts from the end of the month: 1 is the last day
	twoDigitYear bool // 26 means 2026
}

// The fields of an expression. Seconds are in microseconds.
var (
	onCalendarYear   = onCalendarField{name: "year", plural: "years", min: wallclock.MinYear, max: wallclock.MaxYear, scale: 1, twoDigitYear: true}
	onCalendarMonth  = onCalendarField{name: "month", plural: "months", min: 1, max: 12, scale: 1}
	onCalendarDate   = onCalendarField{name: "day", plural: "days", min: 1, max: 31, scale: 1}
	onCalendarHour   = onCalendarField{name: "hour", plural: "hours", max: 23, scale: 1}
	onCalendarMinute = onCalendarField{name: "minute", plural: "minutes", max: 59, scale: 1}
	onCalendarSecond = onCalendarField{name: "second", plural: "seconds", max: int(wallclock.Minute) - 1, scale: int(wallclock.Second)}
)

// componentList is the parsed value of one field.
type componentList []component

// component is "start..stop/repeat". Without a stop it ends at the maximum if it repeats, and is
// start alone if it does not.
type component struct{ start, stop, repeat int }

const noRangeEnd = -1

// parse parses "*" or a comma-separated list of components.
func (u onCalendarField) parse(text string) (componentList, error) {
	if text == "*" {
		return componentList{{u.min, u.max, u.scale}}, nil
	}
	if u.name == onCalendarSecond.name && text == "" {
		return nil, problemf("the seconds are missing after the last colon: write 00, or remove the colon")
	}
	var c componentList
	for item := range strings.SplitSeq(text, ",") {
		part, err := u.parseComponent(item)
		if err != nil {
			return nil, err
		}
		c = append(c, part)
	}
	return c, nil
}

// parseComponent parses one component and validates it like systemd, which shortens the range to
// whole steps before it checks the end of the range.
func (u onCalendarField) parseComponent(text string) (component, error) {
	span, stepText, stepped := strings.Cut(text, "/")
	from, to, isRange := strings.Cut(span, "..")
	c := component{stop: noRangeEnd}
	var err error
	if c.start, err = u.parseNumber(from, text); err != nil {
		return c, err
	}
	if isRange {
		if c.stop, err = u.parseNumber(to, text); err != nil {
			return c, err
		}
		c.repeat = u.scale
	}
	if stepped {
		if c.repeat, err = u.parseNumber(stepText, text); err != nil {
			return c, err
		}
		if c.repeat == 0 {
			return c, problemf("%s has a step of 0: write a step of 1 or more after the slash", quote(text))
		}
	} else if isRange && u.scale > 1 && c.start+u.scale > c.stop {
		return c, problemf("%s is a range of less than a second: write a step after it, such as %s/0.1", quote(text), excerpt(text))
	}
	return u.validate(u.alignStop(c), text)
}

// alignStop ends the range on a step.
func (u onCalendarField) alignStop(c component) component {
	if u.twoDigitYear {
		c.start, c.stop = expandTwoDigitYear(c.start), expandTwoDigitYear(c.stop)
	}
	if c.stop > c.start && c.repeat > 0 {
		c.stop -= (c.stop - c.start) % c.repeat
	}
	if c.stop == c.start {
		c.stop, c.repeat = noRangeEnd, 0
	}
	return c
}

// expandTwoDigitYear expands a year as systemd and POSIX do: 69 is 2069 and 70 is 1970.
func expandTwoDigitYear(year int) int {
	switch {
	case year >= 0 && year < 70:
		return year + 2000
	case year >= 70 && year < 100:
		return year + 1900
	default:
		return year
	}
}

// validate rejects values outside the field, and a step that is never taken: systemd rejects it
// too, and it is usually a mistake.
func (u onCalendarField) validate(c component, text string) (component, error) {
	high := u.max
	if u.fromEnd {
		high -= 3 // every month has 28 days
	}
	for _, n := range []int{c.start, c.stop} {
		if n != noRangeEnd && (n < u.min || n > high) {
			return c, problemf("%s %s is out of range: %s go from %d to %d", u.name, excerpt(u.formatValue(n)), u.plural, u.min, high/u.scale)
		}
	}
	switch {
	// Ranges do not wrap around, although users may expect it.
	case c.stop != noRangeEnd && c.stop < c.start:
		return c, problemf("%s is backwards: write the smaller number first", quote(text))
	case c.repeat > high-u.min,
		c.stop == noRangeEnd && u.fromEnd && c.start-c.repeat < u.min,
		c.stop == noRangeEnd && !u.fromEnd && c.start+c.repeat > high:
		return c, problemf("%s has a step larger than the range: %s go from %d to %d", quote(text), u.plural, u.min, high/u.scale)
	}
	return c, nil
}

// parseNumber parses digits, and a fraction if the field has a scale. More than six decimals are
// rounded.
func (u onCalendarField) parseNumber(text, whole string) (int, error) {
	integer, fraction, hasFraction := strings.Cut(text, ".")
	if text == "*" {
		return 0, problemf("%s mixes * with numbers: write * alone, or 0/5 for every fifth", quote(whole))
	}
	if !isDigits(integer) || hasFraction && (u.scale == 1 || !isDigits(fraction)) {
		return 0, problemf("%s is not a number for the %s: write one from %d to %d, or *", quote(whole), u.plural, u.min, u.max/u.scale)
	}
	n := 0
	for _, d := range integer {
		n = n*10 + int(d-'0')
		// systemd uses a 32-bit int. This limit prevents an overflow here.
		if n*u.scale > math.MaxInt32 {
			return 0, problemf("%s %s is out of range: %s go from %d to %d", u.name, excerpt(integer), u.plural, u.min, u.max/u.scale)
		}
	}
	return n*u.scale + parseMicroseconds(fraction), nil
}

// parseMicroseconds parses decimals as millionths and rounds half up.
func parseMicroseconds(fraction string) int {
	n := 0
	for i := range 6 {
		n *= 10
		if i < len(fraction) {
			n += int(fraction[i] - '0')
		}
	}
	if len(fraction) > 6 && fraction[6] >= '5' {
		n++
	}
	return n
}

// set returns the values of the list up to the maximum of the field. The list must not count from
// the end of the month.
func (c componentList) set(u onCalendarField) wallclock.Bitset {
	var s wallclock.Bitset
	for _, part := range c {
		for n := part.start; n <= part.lastValue(u.max); n += max(part.repeat, 1) {
			s = s.With(n)
		}
	}
	return s
}

// lastValue returns the last value of a component in a field with the given maximum.
func (c component) lastValue(high int) int {
	switch {
	case c.stop != noRangeEnd:
		return c.stop
	case c.repeat > 0:
		return high
	default:
		return c.start
	}
}

// years returns the list as a set of years, which do not fit into a bitset.
func (c componentList) years() years {
	var y years
	for _, part := range c {
		for n := part.start; n <= part.lastValue(wallclock.MaxYear); n += max(part.repeat, 1) {
			y.add(n)
		}
	}
	return y
}

// secondTicks returns a list of seconds as ticks.
func (c componentList) secondTicks() wallclock.Ticks {
	var t wallclock.Ticks
	for _, part := range c {
		t = append(t, wallclock.Progression{
			Start: wallclock.WallTime(part.start), Stop: wallclock.WallTime(part.lastValue(int(wallclock.Minute) - 1)), Step: wallclock.WallTime(part.repeat),
		})
	}
	return t
}

// formatValue formats a value as a user would write it.
func (u onCalendarField) formatValue(n int) string {
	if n%u.scale == 0 {
		return fmt.Sprint(n / u.scale)
	}
	return strings.TrimRight(fmt.Sprintf("%d.%06d", n/u.scale, n%u.scale), "0")
}

// onCalendarDays holds the weekdays and dates of an expression: both must match.
type onCalendarDays struct {
	dates    wallclock.Bitset
	fromEnd  componentList    // counted from the end of the month; dates is empty if set
	weekdays wallclock.Bitset // Sunday is 0
}

// matchingDays implements dayRule.
func (c *onCalendarDays) matchingDays(year, month int) wallclock.Bitset {
	n := wallclock.DaysInMonth(year, month)
	dates := c.dates.UpTo(n)
	for _, part := range c.fromEnd {
		dates |= part.daysFromEnd(n)
	}
	// Most expressions have no weekday and do not need the start of the month.
	if c.weekdays.Size() == 7 {
		return dates
	}
	return dates & datesOfWeekdays(c.weekdays, n, wallclock.WeekdayOf(year, month, 1))
}

// daysFromEnd returns the days of a component in a month of n days. A larger number is earlier in
// the month, and steps go forward from there.
func (c component) daysFromEnd(n int) wallclock.Bitset {
	low, high := n+1-c.start, n+1-c.start
	switch {
	case c.stop != noRangeEnd:
		low = n + 1 - c.stop
	case c.repeat > 0:
		high = n
	}
	var s wallclock.Bitset
	for d := low; d <= high; d += max(c.repeat, 1) {
		s = s.With(d)
	}
	return s
}

// parseWeekdays parses "Mon..Fri,Sun" and, as systemd still does, "Mon-Fri".
func parseWeekdays(text string) (wallclock.Bitset, error) {
	var s wallclock.Bitset
	for item := range strings.SplitSeq(strings.TrimSuffix(text, ","), ",") {
		from, to, isRange := strings.Cut(strings.Replace(item, "-", "..", 1), "..")
		lo, err := parseWeekday(from)
		if err != nil {
			return 0, err
		}
		hi := lo
		if isRange {
			if hi, err = parseWeekday(to); err != nil {
				return 0, err
			}
		}
		if lo > hi {
			return 0, problemf("%s is backwards, because the week starts on Monday: write it as two parts with a comma", quote(item))
		}
		for d := lo; d <= hi; d++ {
			s = s.With((d + 1) % 7)
		}
	}
	return s, nil
}

// weekdayNames are in the order of systemd, which accepts the full name or its first three letters.
var weekdayNames = [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// parseWeekday returns the weekday, with Monday as 0.
func parseWeekday(text string) (int, error) {
	lower := strings.ToLower(text)
	for i, name := range weekdayNames {
		if lower == name || lower == name[:3] {
			return i, nil
		}
	}
	return 0, problemf("%s is neither a weekday nor a word such as daily: write Mon, Tue, Wed, Thu, Fri, Sat or Sun", quote(text))
}
