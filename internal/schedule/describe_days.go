package schedule

import (
	"fmt"
	"strings"
	"time"
)

// Sets that have a name of their own.
const (
	allDates    = bitset(1<<32 - 2) // 1 to 31
	allMonths   = bitset(1<<13 - 2)
	allWeekdays = bitset(1<<7 - 1)
	workdays    = allWeekdays &^ weekend
	weekend     = bitset(1<<0 | 1<<6)
)

// describe implements dayRule. A day that may match either field is said with "and", as
// people do: "on the 1st and on Mondays" is both kinds of days.
func (c *cronDays) describe(months bitset) (string, bool) {
	anyDate, anyWeekday := c.dates == allDates, c.weekdays == allWeekdays
	if c.matchBoth {
		switch {
		case anyDate && anyWeekday:
			return "every day" + inMonths(months), true
		case anyDate:
			return c.describeWeekdays(months)
		case anyWeekday:
			return c.describeDates(months)
		default:
			return c.describeBothFields(months)
		}
	}
	if anyDate || anyWeekday {
		return "every day" + inMonths(months), true
	}
	dates, ok := c.describeDates(months)
	weekdays, too := c.describeWeekdays(months)
	return dates + " and " + weekdays, ok && too
}

// describeBothFields is for a day that must match both fields.
func (c *cronDays) describeBothFields(months bitset) (string, bool) {
	dates, ok := c.describeDates(months)
	if c.lastOfMonth != 0 || c.nth != [6]bitset{} {
		return "", false
	}
	return dates + ifWeekdays(c.weekdays), ok
}

// ifWeekdays limits dates to weekdays.
func ifWeekdays(weekdays bitset) string {
	switch weekdays {
	case workdays:
		return ", if that is a weekday"
	case weekend:
		return ", if that is on a weekend"
	}
	var names []string
	for _, d := range weekdaysFromMonday(weekdays) {
		names = append(names, d.String())
	}
	return ", if that is a " + strings.Join(names, " or ")
}

// describeDates says the first day field, with what goes beyond plain dates last.
func (c *cronDays) describeDates(months bitset) (string, bool) {
	var parts []string
	if c.dates != 0 {
		if c.nearestWeekdays == 0 && !c.lastDay && !c.lastWeekday {
			return describePlainDates(c.dates, months)
		}
		names, ok := dateOrdinals(c.dates)
		if !ok {
			return "", false
		}
		parts = append(parts, names...)
	}
	for d := range c.nearestWeekdays.all() {
		parts = append(parts, "the weekday nearest the "+ordinal(d))
	}
	if c.lastWeekday {
		parts = append(parts, "the last weekday")
	}
	if c.lastDay {
		parts = append(parts, "the last day")
	}
	return "on " + joinWithAnd(parts) + ofMonths(months), len(parts) <= maxListedTimes
}

// describePlainDates says "on 24 December" or "on the 1st and 15th of every month".
func describePlainDates(dates, months bitset) (string, bool) {
	if dates.size() == 1 && months.size() == 1 {
		return fmt.Sprintf("on %d %s", dates.first(), time.Month(months.first())), true
	}
	if step, ok := constantStep(dates); ok && step == 1 && dates.size() > 2 {
		return fmt.Sprintf("from the %s to the %s", ordinal(dates.first()), ordinal(dates.last())) + ofMonths(months), true
	}
	names, ok := dateOrdinals(dates)
	return "on " + joinWithAnd(names) + ofMonths(months), ok
}

// dateOrdinals returns "the 1st", "15th".
func dateOrdinals(dates bitset) ([]string, bool) {
	var names []string
	for d := range dates.all() {
		names = append(names, ordinal(d))
	}
	names[0] = "the " + names[0]
	return names, len(names) <= maxListedTimes
}

// describeWeekdays says the second day field. Plain weekdays beside a place in the
// month would make a sentence that can be misread.
func (c *cronDays) describeWeekdays(months bitset) (string, bool) {
	var parts []string
	for i, days := range c.nth {
		for _, d := range weekdaysFromMonday(days) {
			parts = append(parts, "the "+ordinal(i)+" "+d.String())
		}
	}
	for _, d := range weekdaysFromMonday(c.lastOfMonth) {
		parts = append(parts, "the last "+d.String())
	}
	if parts == nil {
		return describePlainWeekdays(c.weekdays) + inMonths(months), true
	}
	if c.weekdays != 0 {
		return "", false
	}
	return "on " + joinWithAnd(parts) + ofMonths(months), len(parts) <= maxListedTimes
}

// describe implements dayRule.
func (c *onCalendarDays) describe(months bitset) (string, bool) {
	dates, ok := "", true
	switch {
	case c.fromEnd != nil:
		if len(c.fromEnd) != 1 || c.fromEnd[0].repeat != 0 {
			return "", false
		}
		dates = "on the " + ordinalFromEnd(c.fromEnd[0].start) + " day" + ofMonths(months)
	case c.dates == allDates && c.weekdays == allWeekdays:
		return "every day" + inMonths(months), true
	case c.dates == allDates:
		return describePlainWeekdays(c.weekdays) + inMonths(months), true
	default:
		dates, ok = describePlainDates(c.dates, months)
	}
	if c.weekdays != allWeekdays {
		dates += ifWeekdays(c.weekdays)
	}
	return dates, ok
}

// ordinalFromEnd returns "last", "2nd last" …
func ordinalFromEnd(n int) string {
	if n == 1 {
		return "last"
	}
	return ordinal(n) + " last"
}

// describePlainWeekdays says "on weekdays", "from Monday to Saturday" or "on Mondays and Fridays".
func describePlainWeekdays(weekdays bitset) string {
	switch weekdays {
	case allWeekdays:
		return "every day"
	case workdays:
		return "on weekdays"
	case weekend:
		return "on weekends"
	}
	days := weekdaysFromMonday(weekdays)
	if first, last := days[0], days[len(days)-1]; len(days) > 2 && int(last+6)%7-int(first+6)%7 == len(days)-1 {
		return fmt.Sprintf("from %s to %s", first, last)
	}
	var names []string
	for _, d := range days {
		names = append(names, d.String()+"s")
	}
	return "on " + joinWithAnd(names)
}

// weekdaysFromMonday returns the weekdays in the order of the week.
func weekdaysFromMonday(weekdays bitset) []time.Weekday {
	var days []time.Weekday
	for d := 1; d <= 7; d++ {
		if weekdays.has(d % 7) {
			days = append(days, time.Weekday(d%7))
		}
	}
	return days
}

// inMonths goes after days that are not dates: " in January and July".
func inMonths(months bitset) string {
	if months == allMonths {
		return ""
	}
	if step, ok := constantStep(months); ok && step == 1 && months.size() > 2 {
		return fmt.Sprintf(" from %s to %s", time.Month(months.first()), time.Month(months.last()))
	}
	return " in " + joinWithAnd(monthNames(months))
}

// ofMonths goes after dates: " of every month", " of January and July".
func ofMonths(months bitset) string {
	if months == allMonths {
		return " of every month"
	}
	if step, ok := constantStep(months); ok && step == 1 && months.size() > 2 {
		return " of every month" + inMonths(months)
	}
	return " of " + joinWithAnd(monthNames(months))
}

// monthNames are in full; there are at most eleven.
func monthNames(months bitset) []string {
	var names []string
	for m := range months.all() {
		names = append(names, time.Month(m).String())
	}
	return names
}
