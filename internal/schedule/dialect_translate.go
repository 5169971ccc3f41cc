package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/schedule/wallclock"
)

// translation translates the fields of a dialect into those of a cron line.
type translation struct {
	dialect
	cronFields       map[byte]string           // of the cron line, by the letter of the layout
	sets             map[byte]wallclock.Bitset // numbers in the fields
	daysBeforeEnd    int                       // days before the last day of the month
	onCalendarYears  string                    // for a calendar expression
	ambiguous        bool                      // programs disagree about the meaning
	severalSeconds   wallclock.Bitset          // the seconds, if there are several
	second           int
	questionMarks    int
	numbersWeekdays  bool   // the day of week has a number
	noCronEquivalent string // why no cron line has the same meaning
}

// translateField translates one field. It returns false if the field is not valid in the dialect.
func (x *translation) translateField(letter byte, text string) bool {
	if text == "?" && (letter == 'D' || letter == 'W') {
		x.questionMarks++
		x.cronFields[letter] = "*"
		return true
	}
	if letter == 'y' {
		return x.translateYear(text)
	}
	f := layoutField(letter)
	var all wallclock.Bitset
	var special []string
	for item := range strings.SplitSeq(text, ",") {
		if word, known := x.translateSpecial(letter, strings.ToUpper(item)); known {
			special = append(special, word)
			continue
		}
		s, ok := x.translateItem(f, letter, item)
		if !ok {
			return false
		}
		all |= s
	}
	if letter == 's' {
		return x.translateSeconds(all)
	}
	x.cronFields[letter], x.sets[letter] = f.format(all, special), all
	return true
}

// translateYear translates the year. A year that is restricted has no equivalent cron line.
func (x *translation) translateYear(text string) bool {
	if text == "*" {
		return true
	}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(",-/", r) }) {
		if n, err := strconv.Atoi(part); err != nil || part[0] == '+' || n > 2199 || n < 1970 && !strings.Contains(text, "/") {
			return false
		}
	}
	if strings.Trim(text, "0123456789,-/*") != "" || !strings.ContainsAny(text, "0123456789") {
		return false
	}
	x.noCronEquivalent = "it has the year " + excerpt(text) + ", and a cron line has no year"
	x.onCalendarYears = formatOnCalendarYears(text)
	x.ambiguous = x.ambiguous || x.onCalendarYears == ""
	return true
}

// translateSeconds translates the seconds. Several seconds are kept, because the schedule can be an
// interval.
func (x *translation) translateSeconds(all wallclock.Bitset) bool {
	if all.Size() == 1 {
		x.second = all.First()
		return true
	}
	x.severalSeconds = all
	return all.Size() > 0
}

// translateSubMinute translates a schedule that runs several times a minute: into an interval if it
// runs evenly and always.
func (x *translation) translateSubMinute(r meaning) meaning {
	always := true
	for _, part := range x.cronFields {
		always = always && part == "*"
	}
	list := slices.Collect(x.severalSeconds.All())
	step := list[1] - list[0]
	even := list[0] == 0 && 60%step == 0 && len(list) == 60/step
	if !always || !even || r.noEquivalent != "" {
		r.noEquivalent = "it runs several times a minute, and a cron line has no seconds"
		return r
	}
	r.kind, r.text = KindInterval, strconv.Itoa(step)+"s"
	return r
}

// translateSpecial translates L, W and #.
func (x *translation) translateSpecial(letter byte, item string) (string, bool) {
	switch {
	case letter == 'D' && (item == "L" || item == "LW" || item == "WL"):
		return strings.Replace(item, "WL", "LW", 1), true
	case letter == 'D' && strings.HasPrefix(item, "L-"):
		x.noCronEquivalent = "a cron line cannot count days from the end of the month"
		n, err := strconv.Atoi(item[2:])
		x.daysBeforeEnd, x.ambiguous = n, x.ambiguous || err != nil || n < 1 || n > 30
		return "L", true
	case letter == 'D' && strings.HasSuffix(item, "W") && isDigits(item[:len(item)-1]):
		return item, true
	case letter == 'W' && item == "L":
		if !x.oneQuestionMark || !x.rangesWrap {
			x.noCronEquivalent, x.ambiguous = "programs disagree which day is the last of the week", true
		}
		return "6", true
	case letter == 'W':
		return x.translateNthWeekday(item)
	}
	return "", false
}

// translateNthWeekday translates the last or the nth weekday of the month.
func (x *translation) translateNthWeekday(item string) (string, bool) {
	day, place, found := strings.Cut(item, "#")
	suffix := "#" + place
	if !found {
		if day, found = strings.CutSuffix(item, "L"); !found {
			return "", false
		}
		suffix = "L"
	}
	n, ok := x.translateWeekday(day)
	if !ok || suffix != "L" && (len(place) != 1 || place < "1" || place > "5") {
		return "", false
	}
	return strconv.Itoa(n%7) + suffix, true
}

// translateWeekday translates a day of the week, with Sunday as 0 or 7.
func (x *translation) translateWeekday(text string) (int, bool) {
	if i := slices.Index(weekdayField.names, strings.ToLower(text)); i >= 0 {
		return i, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || !isDigits(text) || n < x.sundayNumber || n > 7 {
		return 0, false
	}
	x.numbersWeekdays = true
	return n - x.sundayNumber, true
}

// translateItem translates "*", "5", "1-5" or "5/15".
func (x *translation) translateItem(f cronField, letter byte, text string) (wallclock.Bitset, bool) {
	span, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		n, err := strconv.Atoi(stepText)
		if err != nil || !isDigits(stepText) || n < 1 || n > 1000 {
			return 0, false
		}
		step = n
	}
	lo, hi, ok := f.min, f.maxDistinct(), true
	if span != "*" {
		if lo, hi, ok = x.translateRange(f, letter, span, stepped); !ok {
			return 0, false
		}
	}
	if stepped && letter == 'W' && x.sundayNumber == 0 && !strings.Contains(span, "-") {
		x.noCronEquivalent, x.ambiguous = "programs disagree on which weekday a step starts", true
	}
	size := f.maxDistinct() - f.min + 1
	if hi < lo {
		hi += size
	}
	var all wallclock.Bitset
	for n := lo; n <= hi; n += step {
		all = all.With((n-f.min)%size + f.min)
	}
	return all, true
}

// translateRange translates the range before the slash. A single number with a step goes to the end
// of the field.
func (x *translation) translateRange(f cronField, letter byte, span string, stepped bool) (lo, hi int, ok bool) {
	number := func(text string) int {
		if letter == 'W' {
			n, known := x.translateWeekday(text)
			ok = ok && known
			return n
		}
		n, err := f.parseNumber(text)
		ok = ok && err == nil
		return n
	}
	ok = true
	from, to, isRange := strings.Cut(span, "-")
	lo = number(from)
	switch {
	case isRange:
		hi = number(to)
	case stepped:
		hi = f.maxDistinct()
	default:
		hi = lo
	}
	if letter == 'W' && x.sundayNumber == 0 && hi == 0 {
		hi = 7 * min(lo, 1) // Sunday as day 7 ends a range
	}
	return lo, hi, ok && (lo <= hi || x.rangesWrap && letter != 'D')
}

// format returns the field of a cron line for a set of numbers and other items.
func (f cronField) format(all wallclock.Bitset, special []string) string {
	list := slices.Collect(all.All())
	if rest := all &^ 1; f.name == weekdayField.name && all.Has(0) && len(list) > 2 && rest == wallclock.BitsetOf(rest.First(), 6) && len(list) < 7 {
		list = append(list[1:], 7) // Sunday as day 7 ends a range
	}
	if len(list) == f.maxDistinct()-f.min+1 {
		return "*" // includes all other items
	}
	parts := special
	if len(list) > 2 {
		step := list[1] - list[0]
		even := true
		for i := 1; i < len(list); i++ {
			even = even && list[i]-list[i-1] == step
		}
		first, last := list[0], list[len(list)-1]
		switch {
		case even && step == 1:
			list, parts = nil, append(parts, formatRange(first, last))
		case even && first == f.min && last+step > f.maxDistinct() && f.name != weekdayField.name:
			list, parts = nil, append(parts, "*/"+strconv.Itoa(step))
		case even && f.name != weekdayField.name && last+step > f.maxDistinct():
			list, parts = nil, append(parts, formatRange(first, f.maxDistinct())+"/"+strconv.Itoa(step))
		case even && len(list) > 3:
			list, parts = nil, append(parts, formatRange(first, last)+"/"+strconv.Itoa(step))
		}
	}
	for i := 0; i < len(list); i++ {
		from := i
		for i+1 < len(list) && list[i+1] == list[i]+1 {
			i++
		}
		if i == from+1 {
			i = from // two numbers are shorter as a list
		}
		parts = append(parts, formatRange(list[from], list[i]))
	}
	return strings.Join(parts, ",")
}

// onCalendar returns the systemd calendar expression with the meaning of the fields. It is for
// schedules that a cron line cannot express: seconds, years, and days counted from the end of the
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
		seconds = wallclock.BitsetOf(x.second, x.second)
	}
	text := fmt.Sprintf("%s-%s%s %s:%s:%s", firstNonEmpty(x.onCalendarYears, "*"), formatOnCalendarField(x.sets['M'], monthField), day,
		formatOnCalendarField(x.sets['h'], hourField), formatOnCalendarField(x.sets['m'], minuteField), formatOnCalendarField(seconds, layoutField('s')))
	if x.cronFields['W'] != "*" {
		text = formatWeekdays(weekdays) + " " + text
	}
	_, err := parseOnCalendar(text, "UTC")
	return text, err == nil
}

// firstNonEmpty returns text, or otherwise if text is empty.
func firstNonEmpty(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// formatOnCalendarField formats the numbers of a field for systemd.
func formatOnCalendarField(all wallclock.Bitset, f cronField) string {
	if all == 0 || all.Size() == f.maxDistinct()-f.min+1 {
		return "*"
	}
	list := slices.Collect(all.All())
	// Even steps only: in systemd, others continue from one day to the next.
	if step, ok := circularStep(all, f.maxDistinct()+1); ok && f.min == 0 && len(list) > 2 && step > 1 {
		return fmt.Sprintf("%02d/%d", list[0], step)
	}
	if first, last := list[0], list[len(list)-1]; len(list) > 2 && all == wallclock.BitsetOf(first, last) {
		return fmt.Sprintf("%02d..%02d", first, last)
	}
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = fmt.Sprintf("%02d", n)
	}
	return strings.Join(texts, ",")
}

// formatWeekdays formats weekdays by name, from Monday to Sunday.
func formatWeekdays(all wallclock.Bitset) string {
	var parts []string
	for n := 1; n <= 7; n++ {
		from := n
		for all.Has(n%7) && n < 7 && all.Has((n+1)%7) {
			n++
		}
		switch {
		case !all.Has(n % 7):
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

// weekdayAbbreviation returns the three-letter name of a weekday, with Sunday as 0 or 7.
func weekdayAbbreviation(n int) string { return time.Weekday(n % 7).String()[:3] }

// formatOnCalendarYears formats a field of years for systemd, or returns "" if that is not
// possible.
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
