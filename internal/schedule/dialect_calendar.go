package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// calendar returns the systemd calendar expression with the meaning of the fields. It is
// used for what a cron line cannot say: seconds, years, and days counted from the end of the
// month. It returns false if there is no such expression.
func (x *translation) calendar() (string, bool) {
	days, weekdays := x.sets['D'], x.sets['W']
	var day string
	switch {
	case x.parts['D'] == "L" && days == 0:
		day = fmt.Sprintf("~%02d", x.fromEnd+1)
	case days != 0 && x.parts['D'] == dayField.write(days, nil):
		day = "-" + calendarField(days, dayField)
	case x.parts['D'] == "*":
		day = "-*"
	default:
		return "", false
	}
	if x.parts['W'] != "*" && x.parts['W'] != weekdayField.write(weekdays, nil) || x.unclear {
		return "", false // a last or an nth weekday
	}
	seconds := x.many
	if seconds == 0 {
		seconds = numbers(x.second, x.second)
	}
	text := fmt.Sprintf("%s-%s%s %s:%s:%s", firstWord(x.years, "*"), calendarField(x.sets['M'], monthField), day,
		calendarField(x.sets['h'], hourField), calendarField(x.sets['m'], minuteField), calendarField(seconds, layoutField('s')))
	if x.parts['W'] != "*" {
		text = namedWeekdays(weekdays) + " " + text
	}
	_, err := calendarLine(text, "UTC")
	return text, err == nil
}

// firstWord is the first that is not empty.
func firstWord(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// calendarField writes the numbers of a field as systemd reads them.
func calendarField(all set, f field) string {
	if all == 0 || all.size() == f.highest()-f.low+1 {
		return "*"
	}
	list := slices.Collect(all.all())
	// Only even steps: in systemd, others continue from one day to the next.
	if step, ok := evenly(all, f.highest()+1); ok && f.low == 0 && len(list) > 2 && step > 1 {
		return fmt.Sprintf("%02d/%d", list[0], step)
	}
	if first, last := list[0], list[len(list)-1]; len(list) > 2 && all == numbers(first, last) {
		return fmt.Sprintf("%02d..%02d", first, last)
	}
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = fmt.Sprintf("%02d", n)
	}
	return strings.Join(texts, ",")
}

// namedWeekdays writes days of the week with their names, from Monday to Sunday.
func namedWeekdays(all set) string {
	var parts []string
	for n := 1; n <= 7; n++ {
		from := n
		for all.has(n%7) && n < 7 && all.has((n+1)%7) {
			n++
		}
		switch {
		case !all.has(n % 7):
		case n-from > 1:
			parts = append(parts, shortWeekday(from)+".."+shortWeekday(n))
		case n > from:
			parts = append(parts, shortWeekday(from), shortWeekday(n))
		default:
			parts = append(parts, shortWeekday(n))
		}
	}
	return strings.Join(parts, ",")
}

// shortWeekday is the name of a day of the week, with Sunday as 0 or 7.
func shortWeekday(n int) string { return time.Weekday(n % 7).String()[:3] }

// calendarYears writes a field of years as systemd reads it, or "" if it cannot be.
func calendarYears(text string) string {
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
