package schedule

import (
	"fmt"
	"strings"
)

// set returns the members of a chain, those beyond the unit left out. It must not count from the end of the month.
func (c componentList) set(u onCalendarField) bitset {
	var s bitset
	for _, part := range c {
		for n := part.start; n <= part.lastValue(u.max); n += max(part.repeat, 1) {
			s = s.with(n)
		}
	}
	return s
}

// lastValue is the bound of a component where values go up to high.
func (c component) lastValue(high int) int {
	switch {
	case c.stop != noStop:
		return c.stop
	case c.repeat > 0:
		return high
	default:
		return c.start
	}
}

// years is set for the years, which are too many for one.
func (c componentList) years() years {
	var y years
	for _, part := range c {
		for n := part.start; n <= part.lastValue(maxYear); n += max(part.repeat, 1) {
			y.add(n)
		}
	}
	return y
}

// secondTicks of a chain of seconds.
func (c componentList) secondTicks() ticks {
	var t ticks
	for _, part := range c {
		t = append(t, progression{wallTime(part.start), wallTime(part.lastValue(int(minute) - 1)), wallTime(part.repeat)})
	}
	return t
}

// formatValue writes a value as a person would.
func (u onCalendarField) formatValue(n int) string {
	if n%u.scale == 0 {
		return fmt.Sprint(n / u.scale)
	}
	return strings.TrimRight(fmt.Sprintf("%d.%06d", n/u.scale, n%u.scale), "0")
}

// onCalendarDays is the weekdays and the days of an expression: both must match.
type onCalendarDays struct {
	dates    bitset
	fromEnd  componentList // counted from the end of the month; then dates is empty
	weekdays bitset        // Sunday is 0
}

// matchingDays implements dayRule.
func (c *onCalendarDays) matchingDays(year, month int) bitset {
	n := daysInMonth(year, month)
	dates := c.dates.upTo(n)
	for _, part := range c.fromEnd {
		dates |= part.daysFromEnd(n)
	}
	// Most expressions name no weekday; they need not know how the month begins.
	if c.weekdays.size() == 7 {
		return dates
	}
	return dates & datesOfWeekdays(c.weekdays, n, weekdayOf(year, month, 1))
}

// daysFromEnd returns the days of a component in a month of n days. The larger number
// lies earlier in the month, and steps go forward from there.
func (c component) daysFromEnd(n int) bitset {
	low, high := n+1-c.start, n+1-c.start
	switch {
	case c.stop != noStop:
		low = n + 1 - c.stop
	case c.repeat > 0:
		high = n
	}
	var s bitset
	for d := low; d <= high; d += max(c.repeat, 1) {
		s = s.with(d)
	}
	return s
}

// parseWeekdays reads "Mon..Fri,Sun" and, as systemd still does, "Mon-Fri".
func parseWeekdays(text string) (bitset, error) {
	var s bitset
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
			return 0, problemf("%s runs backwards, because the week starts on Monday: write it as two parts with a comma", quote(item))
		}
		for d := lo; d <= hi; d++ {
			s = s.with((d + 1) % 7)
		}
	}
	return s, nil
}

// weekdayNames are in systemd's order; it takes them in full or by three letters.
var weekdayNames = [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// parseWeekday returns the day with Monday as 0.
func parseWeekday(text string) (int, error) {
	lower := strings.ToLower(text)
	for i, name := range weekdayNames {
		if lower == name || lower == name[:3] {
			return i, nil
		}
	}
	return 0, problemf("%s is not a weekday, nor a word such as daily: write Mon, Tue, Wed, Thu, Fri, Sat or Sun", quote(text))
}
