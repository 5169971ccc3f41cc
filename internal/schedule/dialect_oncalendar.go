package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// onCalendar returns the systemd calendar expression with the meaning of the fields. It is
// used for what a cron line cannot say: seconds, years, and days counted from the end of the
// month. It returns false if there is no such expression.
func (x *translation) onCalendar() (string, bool) {
	days, weekdays := x.sets['D'], x.sets['W']
	var day string
	switch {
	case x.cronFields['D'] == "L" && days == 0:
		day = fmt.Sprintf("~%02d", x.daysBeforeEnd+1)
	case days != 0 && x.cronFields['D'] == dayField.format(days, nil):
		day = "-" + formatOnCalendarField(days, dayField)
	case x.cronFields['D'] == "*":
		day = "-*"
	default:
		return "", false
	}
	if x.cronFields['W'] != "*" && x.cronFields['W'] != weekdayField.format(weekdays, nil) || x.ambiguous {
		return "", false // a last or an nth weekday
	}
	seconds := x.severalSeconds
	if seconds == 0 {
		seconds = bitsetOf(x.second, x.second)
	}
	text := fmt.Sprintf("%s-%s%s %s:%s:%s", firstNonEmpty(x.onCalendarYears, "*"), formatOnCalendarField(x.sets['M'], monthField), day,
		formatOnCalendarField(x.sets['h'], hourField), formatOnCalendarField(x.sets['m'], minuteField), formatOnCalendarField(seconds, layoutField('s')))
	if x.cronFields['W'] != "*" {
		text = formatWeekdays(weekdays) + " " + text
	}
	_, err := parseOnCalendar(text, "UTC")
	return text, err == nil
}

// firstNonEmpty is the first that is not empty.
func firstNonEmpty(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// formatOnCalendarField writes the numbers of a field as systemd reads them.
func formatOnCalendarField(all bitset, f cronField) string {
	if all == 0 || all.size() == f.maxDistinct()-f.min+1 {
		return "*"
	}
	list := slices.Collect(all.all())
	// Only even steps: in systemd, others continue from one day to the next.
	if step, ok := circularStep(all, f.maxDistinct()+1); ok && f.min == 0 && len(list) > 2 && step > 1 {
		return fmt.Sprintf("%02d/%d", list[0], step)
	}
	if first, last := list[0], list[len(list)-1]; len(list) > 2 && all == bitsetOf(first, last) {
		return fmt.Sprintf("%02d..%02d", first, last)
	}
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = fmt.Sprintf("%02d", n)
	}
	return strings.Join(texts, ",")
}

// formatWeekdays writes days of the week with their names, from Monday to Sunday.
func formatWeekdays(all bitset) string {
	var parts []string
	for n := 1; n <= 7; n++ {
		from := n
		for all.has(n%7) && n < 7 && all.has((n+1)%7) {
			n++
		}
		switch {
		case !all.has(n % 7):
		case n-from > 1:
			parts = append(parts, weekdayAbbreviation(from)+".."+weekdayAbbreviation(n))
		case n > from:
			parts = append(parts, weekdayAbbreviation(from), weekdayAbbreviation(n))
		default:
			parts = append(parts, weekdayAbbreviation(n))
		}
	}
	return strings.Join(parts, ",")
}

// weekdayAbbreviation is the name of a day of the week, with Sunday as 0 or 7.
func weekdayAbbreviation(n int) string { return time.Weekday(n % 7).String()[:3] }

// formatOnCalendarYears writes a field of years as systemd reads it, or "" if it cannot be.
func formatOnCalendarYears(text string) string {
	for item := range strings.SplitSeq(text, ",") {
		span, step, isStep := strings.Cut(item, "/")
		from, to, isRange := strings.Cut(span, "-")
		a, errA := strconv.Atoi(from)
		b, errB := strconv.Atoi(to)
		n, errStep := strconv.Atoi(step)
		switch {
		case errA != nil || a < 1970, isRange && (errB != nil || b < a), isStep && (errStep != nil || n < 1):
			return ""
		}
	}
	return strings.ReplaceAll(text, "-", "..")
}
