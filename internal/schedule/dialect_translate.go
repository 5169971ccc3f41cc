package schedule

import (
	"slices"
	"strconv"
	"strings"
)

// translation turns the fields of a dialect into those of a cron line.
type translation struct {
	dialect
	parts     map[byte]string // of the cron line, by the letter of the layout
	sets      map[byte]set    // the numbers in the fields
	fromEnd   int             // days before the last of the month
	years     string          // of a calendar expression
	unclear   bool            // programs disagree on the meaning
	many      set             // seconds, if there are several
	second    int
	questions int
	numbered  bool   // the day of week has a number
	why       string // no cron line has the same meaning
}

// take reads one field. It returns false if the field is not valid in the dialect.
func (x *translation) take(letter byte, text string) bool {
	if text == "?" && (letter == 'D' || letter == 'W') {
		x.questions++
		x.parts[letter] = "*"
		return true
	}
	if letter == 'y' {
		return x.year(text)
	}
	f := layoutField(letter)
	var all set
	var special []string
	for item := range strings.SplitSeq(text, ",") {
		if word, known := x.special(letter, strings.ToUpper(item)); known {
			special = append(special, word)
			continue
		}
		s, ok := x.item(f, letter, item)
		if !ok {
			return false
		}
		all |= s
	}
	if letter == 's' {
		return x.seconds(all)
	}
	x.parts[letter], x.sets[letter] = f.write(all, special), all
	return true
}

// year reads a year field. If it restricts the year, there is no equivalent cron
// line.
func (x *translation) year(text string) bool {
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
	x.why = "it names the year " + short(text) + ", and a cron line has no year"
	x.years = calendarYears(text)
	x.unclear = x.unclear || x.years == ""
	return true
}

// seconds reads a field of seconds. Several seconds are kept for a schedule that
// may be an interval.
func (x *translation) seconds(all set) bool {
	if all.size() == 1 {
		x.second = all.first()
		return true
	}
	x.many = all
	return all.size() > 0
}

// often translates a schedule that runs several times a minute: into an interval if
// it runs evenly and always.
func (x *translation) often(r meaning) meaning {
	always := true
	for _, part := range x.parts {
		always = always && part == "*"
	}
	list := slices.Collect(x.many.all())
	step := list[1] - list[0]
	even := list[0] == 0 && 60%step == 0 && len(list) == 60/step
	if !always || !even || r.why != "" {
		r.why = "it runs several times a minute, and a cron line has no seconds"
		return r
	}
	r.kind, r.text = KindInterval, strconv.Itoa(step)+"s"
	return r
}

// special reads L, W and #.
func (x *translation) special(letter byte, item string) (string, bool) {
	switch {
	case letter == 'D' && (item == "L" || item == "LW" || item == "WL"):
		return strings.Replace(item, "WL", "LW", 1), true
	case letter == 'D' && strings.HasPrefix(item, "L-"):
		x.why = "a cron line cannot count back from the end of the month"
		n, err := strconv.Atoi(item[2:])
		x.fromEnd, x.unclear = n, x.unclear || err != nil || n < 1 || n > 30
		return "L", true
	case letter == 'D' && strings.HasSuffix(item, "W") && digits(item[:len(item)-1]):
		return item, true
	case letter == 'W' && item == "L":
		if !x.oneAny || !x.wraps {
			x.why, x.unclear = "programs disagree which day is the last of the week", true
		}
		return "6", true
	case letter == 'W':
		return x.nth(item)
	}
	return "", false
}

// nth reads the last or the nth weekday of the month.
func (x *translation) nth(item string) (string, bool) {
	day, place, found := strings.Cut(item, "#")
	suffix := "#" + place
	if !found {
		if day, found = strings.CutSuffix(item, "L"); !found {
			return "", false
		}
		suffix = "L"
	}
	n, ok := x.weekday(day)
	if !ok || suffix != "L" && (len(place) != 1 || place < "1" || place > "5") {
		return "", false
	}
	return strconv.Itoa(n%7) + suffix, true
}

// weekday reads a day of the week, with Sunday as 0 or 7.
func (x *translation) weekday(text string) (int, bool) {
	if i := slices.Index(weekdayField.names, strings.ToLower(text)); i >= 0 {
		return i, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || !digits(text) || n < x.sunday || n > 7 {
		return 0, false
	}
	x.numbered = true
	return n - x.sunday, true
}

// item reads "*", "5", "1-5" or "5/15".
func (x *translation) item(f field, letter byte, text string) (set, bool) {
	span, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		n, err := strconv.Atoi(stepText)
		if err != nil || !digits(stepText) || n < 1 || n > 1000 {
			return 0, false
		}
		step = n
	}
	lo, hi, ok := f.low, f.highest(), true
	if span != "*" {
		if lo, hi, ok = x.ends(f, letter, span, stepped); !ok {
			return 0, false
		}
	}
	if stepped && letter == 'W' && x.sunday == 0 && !strings.Contains(span, "-") {
		x.why, x.unclear = "programs disagree from which day of the week a step counts", true
	}
	size := f.highest() - f.low + 1
	if hi < lo {
		hi += size
	}
	var all set
	for n := lo; n <= hi; n += step {
		all = all.with((n-f.low)%size + f.low)
	}
	return all, true
}

// ends reads the range before the slash; a single number with a step goes to the
// end of the field.
func (x *translation) ends(f field, letter byte, span string, stepped bool) (lo, hi int, ok bool) {
	number := func(text string) int {
		if letter == 'W' {
			n, known := x.weekday(text)
			ok = ok && known
			return n
		}
		n, err := f.number(text)
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
		hi = f.highest()
	default:
		hi = lo
	}
	if letter == 'W' && x.sunday == 0 && hi == 0 {
		hi = 7 * min(lo, 1) // Sunday ends a range as day 7
	}
	return lo, hi, ok && (lo <= hi || x.wraps && letter != 'D')
}

// write returns the field of a cron line for a set of numbers and other parts.
func (f field) write(all set, special []string) string {
	list := slices.Collect(all.all())
	if rest := all &^ 1; f.name == weekdayField.name && all.has(0) && len(list) > 2 && rest == numbers(rest.first(), 6) && len(list) < 7 {
		list = append(list[1:], 7) // Sunday ends a range as day 7
	}
	if len(list) == f.highest()-f.low+1 {
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
			list, parts = nil, append(parts, ends(first, last))
		case even && first == f.low && last+step > f.highest() && f.name != weekdayField.name:
			list, parts = nil, append(parts, "*/"+strconv.Itoa(step))
		case even && f.name != weekdayField.name && last+step > f.highest():
			list, parts = nil, append(parts, ends(first, f.highest())+"/"+strconv.Itoa(step))
		case even && len(list) > 3:
			list, parts = nil, append(parts, ends(first, last)+"/"+strconv.Itoa(step))
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
		parts = append(parts, ends(list[from], list[i]))
	}
	return strings.Join(parts, ",")
}
