package schedule

import (
	"fmt"
	"strings"
	"time"

	"overdue/internal/schedule/wallclock"
)

// Sets with a description.
const (
	allDates    = wallclock.Bitset(1<<32 - 2) // 1 to 31
	allMonths   = wallclock.Bitset(1<<13 - 2)
	allWeekdays = wallclock.Bitset(1<<7 - 1)
	workdays    = allWeekdays &^ weekend
	weekend     = wallclock.Bitset(1<<0 | 1<<6)
)

// describe implements dayRule. A day that can match either field is described with "and", as people
// say it: "on the 1st and on Mondays" means both kinds of days.
func (c *cronDays) describe(months wallclock.Bitset) (string, bool) {
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

// describeBothFields describes days that must match both fields.
func (c *cronDays) describeBothFields(months wallclock.Bitset) (string, bool) {
	dates, ok := c.describeDates(months)
	if c.lastOfMonth != 0 || c.nth != [6]wallclock.Bitset{} {
		return "", false
	}
	return dates + ifWeekdays(c.weekdays), ok
}

// ifWeekdays limits dates to weekdays.
func ifWeekdays(weekdays wallclock.Bitset) string {
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

// describeDates describes the day of month, plain dates first.
func (c *cronDays) describeDates(months wallclock.Bitset) (string, bool) {
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
	for d := range c.nearestWeekdays.All() {
		parts = append(parts, "the weekday nearest the "+ordinal(d))
	}
	if c.lastWeekday {
		parts = append(parts, "the last weekday")
	}
	if c.lastDay {
		parts = append(parts, "the last day")
	}
	return "on " + joinWithAnd(parts) + monthsSuffix(months), len(parts) <= maxListedTimes
}

// describePlainDates returns "on 24 December" or "on the 1st and 15th of every month".
func describePlainDates(dates, months wallclock.Bitset) (string, bool) {
	if dates.Size() == 1 && months.Size() == 1 {
		return fmt.Sprintf("on %d %s", dates.First(), time.Month(months.First())), true
	}
	if step, ok := constantStep(dates); ok && step == 1 && dates.Size() > 2 {
		return fmt.Sprintf("from the %s to the %s", ordinal(dates.First()), ordinal(dates.Last())) + monthsSuffix(months), true
	}
	names, ok := dateOrdinals(dates)
	return "on " + joinWithAnd(names) + monthsSuffix(months), ok
}

// dateOrdinals returns "the 1st", "15th".
func dateOrdinals(dates wallclock.Bitset) ([]string, bool) {
	var names []string
	for d := range dates.All() {
		names = append(names, ordinal(d))
	}
	names[0] = "the " + names[0]
	return names, len(names) <= maxListedTimes
}

// describeWeekdays describes the day of week. Plain weekdays together with an occurrence in the
// month would be ambiguous, so it returns false for them.
func (c *cronDays) describeWeekdays(months wallclock.Bitset) (string, bool) {
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
	return "on " + joinWithAnd(parts) + monthsSuffix(months), len(parts) <= maxListedTimes
}

// describe implements dayRule.
func (c *onCalendarDays) describe(months wallclock.Bitset) (string, bool) {
	dates, ok := "", true
	switch {
	case c.fromEnd != nil:
		if len(c.fromEnd) != 1 || c.fromEnd[0].repeat != 0 {
			return "", false
		}
		dates = "on the " + ordinalFromEnd(c.fromEnd[0].start) + " day" + monthsSuffix(months)
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

// describePlainWeekdays returns "on weekdays", "from Monday to Saturday" or "on Mondays and
// Fridays".
func describePlainWeekdays(weekdays wallclock.Bitset) string {
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

// weekdaysFromMonday returns the weekdays in order, Monday first.
func weekdaysFromMonday(weekdays wallclock.Bitset) []time.Weekday {
	var days []time.Weekday
	for d := 1; d <= 7; d++ {
		if weekdays.Has(d % 7) {
			days = append(days, time.Weekday(d%7))
		}
	}
	return days
}

// inMonths follows days that are not dates: " in January and July".
func inMonths(months wallclock.Bitset) string {
	if months == allMonths {
		return ""
	}
	if step, ok := constantStep(months); ok && step == 1 && months.Size() > 2 {
		return fmt.Sprintf(" from %s to %s", time.Month(months.First()), time.Month(months.Last()))
	}
	return " in " + joinWithAnd(monthNames(months))
}

// monthsSuffix follows dates: " of every month", " of January and July".
func monthsSuffix(months wallclock.Bitset) string {
	if months == allMonths {
		return " of every month"
	}
	if step, ok := constantStep(months); ok && step == 1 && months.Size() > 2 {
		return " of every month" + inMonths(months)
	}
	return " of " + joinWithAnd(monthNames(months))
}

// monthNames returns the full names. There are at most eleven.
func monthNames(months wallclock.Bitset) []string {
	var names []string
	for m := range months.All() {
		names = append(names, time.Month(m).String())
	}
	return names
}
