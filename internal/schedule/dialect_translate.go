package schedule

import (
	"slices"
	"strconv"
	"strings"
)

// translation turns the fields of a dialect into those of a cron line.
type translation struct {
	dialect
	cronFields       map[byte]string // of the cron line, by the letter of the layout
	sets             map[byte]bitset // the numbers in the fields
	daysBeforeEnd    int             // days before the last of the month
	onCalendarYears  string          // of a calendar expression
	ambiguous        bool            // programs disagree on the meaning
	severalSeconds   bitset          // seconds, if there are several
	second           int
	questionMarks    int
	numbersWeekdays  bool   // the day of week has a number
	noCronEquivalent string // no cron line has the same meaning
}

// translateField reads one field. It returns false if the field is not valid in the dialect.
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
	var all bitset
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

// translateYear reads a year field. If it restricts the year, there is no equivalent cron
// line.
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
	x.noCronEquivalent = "it names the year " + excerpt(text) + ", and a cron line has no year"
	x.onCalendarYears = formatOnCalendarYears(text)
	x.ambiguous = x.ambiguous || x.onCalendarYears == ""
	return true
}

// translateSeconds reads a field of seconds. Several seconds are kept for a schedule that
// may be an interval.
func (x *translation) translateSeconds(all bitset) bool {
	if all.size() == 1 {
		x.second = all.first()
		return true
	}
	x.severalSeconds = all
	return all.size() > 0
}

// translateSubMinute translates a schedule that runs several times a minute: into an interval if
// it runs evenly and always.
func (x *translation) translateSubMinute(r meaning) meaning {
	always := true
	for _, part := range x.cronFields {
		always = always && part == "*"
	}
	list := slices.Collect(x.severalSeconds.all())
	step := list[1] - list[0]
	even := list[0] == 0 && 60%step == 0 && len(list) == 60/step
	if !always || !even || r.noEquivalent != "" {
		r.noEquivalent = "it runs several times a minute, and a cron line has no seconds"
		return r
	}
	r.kind, r.text = KindInterval, strconv.Itoa(step)+"s"
	return r
}

// translateSpecial reads L, W and #.
func (x *translation) translateSpecial(letter byte, item string) (string, bool) {
	switch {
	case letter == 'D' && (item == "L" || item == "LW" || item == "WL"):
		return strings.Replace(item, "WL", "LW", 1), true
	case letter == 'D' && strings.HasPrefix(item, "L-"):
		x.noCronEquivalent = "a cron line cannot count back from the end of the month"
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

// translateNthWeekday reads the last or the nth weekday of the month.
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

// translateWeekday reads a day of the week, with Sunday as 0 or 7.
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

// translateItem reads "*", "5", "1-5" or "5/15".
func (x *translation) translateItem(f cronField, letter byte, text string) (bitset, bool) {
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
		x.noCronEquivalent, x.ambiguous = "programs disagree from which day of the week a step counts", true
	}
	size := f.maxDistinct() - f.min + 1
	if hi < lo {
		hi += size
	}
	var all bitset
	for n := lo; n <= hi; n += step {
		all = all.with((n-f.min)%size + f.min)
	}
	return all, true
}

// translateRange reads the range before the slash; a single number with a step goes to the
// end of the field.
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
		hi = 7 * min(lo, 1) // Sunday ends a range as day 7
	}
	return lo, hi, ok && (lo <= hi || x.rangesWrap && letter != 'D')
}

// format returns the field of a cron line for a set of numbers and other parts.
func (f cronField) format(all bitset, special []string) string {
	list := slices.Collect(all.all())
	if rest := all &^ 1; f.name == weekdayField.name && all.has(0) && len(list) > 2 && rest == bitsetOf(rest.first(), 6) && len(list) < 7 {
		list = append(list[1:], 7) // Sunday ends a range as day 7
	}
	if len(list) == f.maxDistinct()-f.min+1 {
		return "*" // whatever else there is
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
			i = from // two are shorter as a list
		}
		parts = append(parts, formatRange(list[from], list[i]))
	}
	return strings.Join(parts, ",")
}
