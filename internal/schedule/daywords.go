package schedule

import (
	"fmt"
	"strings"
	"time"
)

// Sets that have a name of their own.
const (
	everyDate    = set(1<<32 - 2) // 1 to 31
	everyMonth   = set(1<<13 - 2)
	everyWeekday = set(1<<7 - 1)
	workdays     = everyWeekday &^ weekend
	weekend      = set(1<<0 | 1<<6)
)

// words implements dayRule. A day that may match either field is said with "and", as
// people do: "on the 1st and on Mondays" is both kinds of days.
func (c *cronDays) words(months set) (string, bool) {
	anyDate, anyWeekday := c.dates == everyDate, c.weekdays == everyWeekday
	if c.both {
		switch {
		case anyDate && anyWeekday:
			return "every day" + inMonths(months), true
		case anyDate:
			return c.weekdayWords(months)
		case anyWeekday:
			return c.dateWords(months)
		default:
			return c.narrowed(months)
		}
	}
	if anyDate || anyWeekday {
		return "every day" + inMonths(months), true
	}
	dates, ok := c.dateWords(months)
	weekdays, too := c.weekdayWords(months)
	return dates + " and " + weekdays, ok && too
}

// narrowed is for a day that must match both fields.
func (c *cronDays) narrowed(months set) (string, bool) {
	dates, ok := c.dateWords(months)
	if c.last != 0 || c.nth != [6]set{} {
		return "", false
	}
	return dates + thatIs(c.weekdays), ok
}

// thatIs limits dates to weekdays.
func thatIs(weekdays set) string {
	switch weekdays {
	case workdays:
		return ", if that is a weekday"
	case weekend:
		return ", if that is on a weekend"
	}
	var names []string
	for _, d := range fromMonday(weekdays) {
		names = append(names, d.String())
	}
	return ", if that is a " + strings.Join(names, " or ")
}

// dateWords says the first day field, with what goes beyond plain dates last.
func (c *cronDays) dateWords(months set) (string, bool) {
	var parts []string
	if c.dates != 0 {
		if c.nearest == 0 && !c.lastDay && !c.lastWeekday {
			return plainDates(c.dates, months)
		}
		names, ok := dateNames(c.dates)
		if !ok {
			return "", false
		}
		parts = append(parts, names...)
	}
	for d := range c.nearest.all() {
		parts = append(parts, "the weekday nearest the "+ordinal(d))
	}
	if c.lastWeekday {
		parts = append(parts, "the last weekday")
	}
	if c.lastDay {
		parts = append(parts, "the last day")
	}
	return "on " + list(parts) + ofMonths(months), len(parts) <= mostListed
}

// plainDates says "on 24 December" or "on the 1st and 15th of every month".
func plainDates(dates, months set) (string, bool) {
	if dates.size() == 1 && months.size() == 1 {
		return fmt.Sprintf("on %d %s", dates.first(), time.Month(months.first())), true
	}
	if step, ok := stepOf(dates); ok && step == 1 && dates.size() > 2 {
		return fmt.Sprintf("from the %s to the %s", ordinal(dates.first()), ordinal(dates.last())) + ofMonths(months), true
	}
	names, ok := dateNames(dates)
	return "on " + list(names) + ofMonths(months), ok
}

// dateNames returns "the 1st", "15th".
func dateNames(dates set) ([]string, bool) {
	var names []string
	for d := range dates.all() {
		names = append(names, ordinal(d))
	}
	names[0] = "the " + names[0]
	return names, len(names) <= mostListed
}

// weekdayWords says the second day field. Plain weekdays beside a place in the
// month would make a sentence that can be misread.
func (c *cronDays) weekdayWords(months set) (string, bool) {
	var parts []string
	for i, days := range c.nth {
		for _, d := range fromMonday(days) {
			parts = append(parts, "the "+ordinal(i)+" "+d.String())
		}
	}
	for _, d := range fromMonday(c.last) {
		parts = append(parts, "the last "+d.String())
	}
	if parts == nil {
		return onWeekdays(c.weekdays) + inMonths(months), true
	}
	if c.weekdays != 0 {
		return "", false
	}
	return "on " + list(parts) + ofMonths(months), len(parts) <= mostListed
}

// words implements dayRule.
func (c *calendarDays) words(months set) (string, bool) {
	dates, ok := "", true
	switch {
	case c.fromEnd != nil:
		if len(c.fromEnd) != 1 || c.fromEnd[0].repeat != 0 {
			return "", false
		}
		dates = "on the " + fromLast(c.fromEnd[0].start) + " day" + ofMonths(months)
	case c.dates == everyDate && c.weekdays == everyWeekday:
		return "every day" + inMonths(months), true
	case c.dates == everyDate:
		return onWeekdays(c.weekdays) + inMonths(months), true
	default:
		dates, ok = plainDates(c.dates, months)
	}
	if c.weekdays != everyWeekday {
		dates += thatIs(c.weekdays)
	}
	return dates, ok
}

// fromLast returns "last", "2nd last" …
func fromLast(n int) string {
	if n == 1 {
		return "last"
	}
	return ordinal(n) + " last"
}

// onWeekdays says "on weekdays", "from Monday to Saturday" or "on Mondays and Fridays".
func onWeekdays(weekdays set) string {
	switch weekdays {
	case everyWeekday:
		return "every day"
	case workdays:
		return "on weekdays"
	case weekend:
		return "on weekends"
	}
	days := fromMonday(weekdays)
	if first, last := days[0], days[len(days)-1]; len(days) > 2 && int(last+6)%7-int(first+6)%7 == len(days)-1 {
		return fmt.Sprintf("from %s to %s", first, last)
	}
	var names []string
	for _, d := range days {
		names = append(names, d.String()+"s")
	}
	return "on " + list(names)
}

// fromMonday returns the weekdays in the order of the week.
func fromMonday(weekdays set) []time.Weekday {
	var days []time.Weekday
	for d := 1; d <= 7; d++ {
		if weekdays.has(d % 7) {
			days = append(days, time.Weekday(d%7))
		}
	}
	return days
}

// inMonths goes after days that are not dates: " in January and July".
func inMonths(months set) string {
	if months == everyMonth {
		return ""
	}
	if step, ok := stepOf(months); ok && step == 1 && months.size() > 2 {
		return fmt.Sprintf(" from %s to %s", time.Month(months.first()), time.Month(months.last()))
	}
	return " in " + list(monthNames(months))
}

// ofMonths goes after dates: " of every month", " of January and July".
func ofMonths(months set) string {
	if months == everyMonth {
		return " of every month"
	}
	if step, ok := stepOf(months); ok && step == 1 && months.size() > 2 {
		return " of every month" + inMonths(months)
	}
	return " of " + list(monthNames(months))
}

// monthNames are in full; there are at most eleven.
func monthNames(months set) []string {
	var names []string
	for m := range months.all() {
		names = append(names, time.Month(m).String())
	}
	return names
}
