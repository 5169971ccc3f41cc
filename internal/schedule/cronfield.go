package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// field is one of the five of a cron line.
type field struct {
	name   string // as in "minute 75 is out of range"
	plural string
	low    int
	high   int
	names  []string // names of low, low+1 …
}

// What the fields take. Day of week takes Sunday as 0 and as 7.
var (
	minuteField  = field{name: "minute", plural: "minutes", high: 59}
	hourField    = field{name: "hour", plural: "hours", high: 23}
	dayField     = field{name: "day of month", plural: "days", low: 1, high: 31}
	monthField   = field{name: "month", plural: "months", low: 1, high: 12, names: strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")}
	weekdayField = field{name: "day of week", plural: "days", high: 7, names: strings.Fields("sun mon tue wed thu fri sat")}
)

// parse returns the numbers a field stands for.
func (f field) parse(text string) (set, error) {
	var all set
	for item := range strings.SplitSeq(text, ",") {
		s, err := f.item(item)
		if err != nil {
			return 0, err
		}
		all |= s
	}
	return all, nil
}

// item reads "*", "5" or "1-5", the first and the last with an optional "/step".
func (f field) item(text string) (set, error) {
	span, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		n, err := strconv.Atoi(stepText)
		if err != nil || !digits(stepText) || n == 0 {
			return 0, problem("%s in the %s is not a step: write a number from 1 after the slash, such as */5", quote(text), f.name)
		}
		step = n
	}
	lo, hi, err := f.ends(span)
	if err != nil {
		return 0, err
	}
	// Debian refuses a step after a single number, which others read as "from there on".
	if stepped && span != "*" && !strings.Contains(span, "-") {
		return 0, problem("%s in the %s has a step without a range: write %s-%d/%d", quote(text), f.name, span, f.highest(), step)
	}
	var s set
	// The step is compared before it is added: it may be as large as an int.
	for n := lo; ; n += step {
		s = s.with(n)
		if step > hi-n {
			return s, nil
		}
	}
}

// ends reads the range before the slash.
func (f field) ends(span string) (lo, hi int, err error) {
	if span == "*" {
		return f.low, f.high, nil
	}
	from, to, isRange := strings.Cut(span, "-")
	if lo, err = f.number(from); err != nil || !isRange {
		return lo, lo, err
	}
	if hi, err = f.number(to); err != nil {
		return 0, 0, err
	}
	// Debian takes fri-sun as 5-0, an empty range, and never runs the job.
	if f.names != nil && f.low == 0 && hi == 0 && lo > 0 {
		return 0, 0, problem("%s runs backwards, because Sunday is day 0: write %d-7", quote(span), lo)
	}
	if lo > hi {
		return 0, 0, problem("%s runs backwards: write %s,%s", quote(span), ends(lo, f.highest()), ends(f.low, hi))
	}
	return lo, hi, nil
}

// ends writes a range that may be a single number.
func ends(lo, hi int) string {
	if lo == hi {
		return strconv.Itoa(lo)
	}
	return fmt.Sprintf("%d-%d", lo, hi)
}

// highest is what to write for the end of the field; 7 would be Sunday again.
func (f field) highest() int {
	if f.name == weekdayField.name {
		return 6
	}
	return f.high
}

// number reads a number or a name.
func (f field) number(text string) (int, error) {
	if i := slices.Index(f.names, strings.ToLower(text)); i >= 0 {
		return i + f.low, nil
	}
	if !digits(text) {
		return 0, f.unreadable(text)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.low || n > f.high {
		return 0, problem("%s %s is out of range: %s go from %d to %d", f.name, short(text), f.plural, f.low, f.high)
	}
	return n, nil
}

// unreadable finds the most likely cause.
func (f field) unreadable(text string) error {
	switch {
	case text == "":
		return problem("the %s has an empty part: write a number on both sides of each comma, dash and slash", f.name)
	case text == "?":
		return problem("cron has no “?”: write * for any %s", f.name)
	case text == "*":
		return problem("“*” in the %s cannot be the end of a range: write * alone", f.name)
	case strings.EqualFold(text, "H"):
		return problem("cron has no “H”: write a fixed %s", f.name)
	}
	for _, name := range f.names {
		if len(text) > len(name) && strings.EqualFold(text[:len(name)], name) {
			return problem("%s in the %s is not known: write %s", quote(text), f.name, name)
		}
	}
	if f.names != nil {
		return problem("%s in the %s is not known: write a number from %d to %d or a name such as %s", quote(text), f.name, f.low, f.high, f.names[1])
	}
	return problem("%s in the %s is not a number: write one from %d to %d, or *", quote(text), f.name, f.low, f.high)
}

// digits reports whether s is a number without a sign; Atoi would take one.
func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
