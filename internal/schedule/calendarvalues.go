package schedule

import (
	"fmt"
	"strings"
)

// set returns the members of a chain, those beyond the unit left out. It must not count from the end of the month.
func (c chain) set(u unit) set {
	var s set
	for _, part := range c {
		for n := part.start; n <= part.lastIn(u.high); n += max(part.repeat, 1) {
			s = s.with(n)
		}
	}
	return s
}

// lastIn is the bound of a component where values go up to high.
func (c component) lastIn(high int) int {
	switch {
	case c.stop != open:
		return c.stop
	case c.repeat > 0:
		return high
	default:
		return c.start
	}
}

// years is set for the years, which are too many for one.
func (c chain) years() years {
	var y years
	for _, part := range c {
		for n := part.start; n <= part.lastIn(lastYear); n += max(part.repeat, 1) {
			y.add(n)
		}
	}
	return y
}

// ticks of a chain of seconds.
func (c chain) ticks() ticks {
	var t ticks
	for _, part := range c {
		t = append(t, progression{wall(part.start), wall(part.lastIn(int(minute) - 1)), wall(part.repeat)})
	}
	return t
}

// format writes a value as a person would.
func (u unit) format(n int) string {
	if n%u.one == 0 {
		return fmt.Sprint(n / u.one)
	}
	return strings.TrimRight(fmt.Sprintf("%d.%06d", n/u.one, n%u.one), "0")
}

// calendarDays is the weekdays and the days of an expression: both must match.
type calendarDays struct {
	dates    set
	fromEnd  chain // counted from the end of the month; then dates is empty
	weekdays set   // Sunday is 0
}

// in implements dayRule.
func (c *calendarDays) in(year, month int) set {
	n := daysIn(year, month)
	dates := c.dates.upTo(n)
	for _, part := range c.fromEnd {
		dates |= part.beforeEnd(n)
	}
	// Most expressions name no weekday; they need not know how the month begins.
	if c.weekdays.size() == 7 {
		return dates
	}
	return dates & weekdaysIn(c.weekdays, n, weekday(year, month, 1))
}

// beforeEnd returns the days of a component in a month of n days. The larger number
// lies earlier in the month, and steps go forward from there.
func (c component) beforeEnd(n int) set {
	low, high := n+1-c.start, n+1-c.start
	switch {
	case c.stop != open:
		low = n + 1 - c.stop
	case c.repeat > 0:
		high = n
	}
	var s set
	for d := low; d <= high; d += max(c.repeat, 1) {
		s = s.with(d)
	}
	return s
}

// calendarWeekdays reads "Mon..Fri,Sun" and, as systemd still does, "Mon-Fri".
func calendarWeekdays(text string) (set, error) {
	var s set
	for item := range strings.SplitSeq(strings.TrimSuffix(text, ","), ",") {
		from, to, isRange := strings.Cut(strings.Replace(item, "-", "..", 1), "..")
		lo, err := calendarWeekday(from)
		if err != nil {
			return 0, err
		}
		hi := lo
		if isRange {
			if hi, err = calendarWeekday(to); err != nil {
				return 0, err
			}
		}
		if lo > hi {
			return 0, problem("%s runs backwards, because the week starts on Monday: write it as two parts with a comma", quote(item))
		}
		for d := lo; d <= hi; d++ {
			s = s.with((d + 1) % 7)
		}
	}
	return s, nil
}

// weekdayNames are in systemd's order; it takes them in full or by three letters.
var weekdayNames = [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// calendarWeekday returns the day with Monday as 0.
func calendarWeekday(text string) (int, error) {
	lower := strings.ToLower(text)
	for i, name := range weekdayNames {
		if lower == name || lower == name[:3] {
			return i, nil
		}
	}
	return 0, problem("%s is not a weekday, nor a word such as daily: write Mon, Tue, Wed, Thu, Fri, Sat or Sun", quote(text))
}
