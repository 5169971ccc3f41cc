package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"overdue/internal/schedule/wallclock"
)

// cronField describes one of the five fields of a cron line.
type cronField struct {
	name   string // as in "minute 75 is out of range"
	plural string
	min    int
	max    int
	names  []string // names of min, min+1 …
}

// The fields. The day of week accepts Sunday as 0 and as 7.
var (
	minuteField  = cronField{name: "minute", plural: "minutes", max: 59}
	hourField    = cronField{name: "hour", plural: "hours", max: 23}
	dayField     = cronField{name: "day of month", plural: "days", min: 1, max: 31}
	monthField   = cronField{name: "month", plural: "months", min: 1, max: 12, names: strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")}
	weekdayField = cronField{name: "day of week", plural: "days", max: 7, names: strings.Fields("sun mon tue wed thu fri sat")}
)

// parse returns the numbers of a field.
func (f cronField) parse(text string) (wallclock.Bitset, error) {
	var all wallclock.Bitset
	for item := range strings.SplitSeq(text, ",") {
		s, err := f.parseItem(item)
		if err != nil {
			return 0, err
		}
		all |= s
	}
	return all, nil
}

// parseItem parses "*", "5" or "1-5", the first and the last with an optional "/step".
func (f cronField) parseItem(text string) (wallclock.Bitset, error) {
	span, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		n, err := strconv.Atoi(stepText)
		if err != nil || !isDigits(stepText) || n == 0 {
			return 0, problemf("%s in the %s has an invalid step: write a number from 1 after the slash, such as */5", quote(text), f.name)
		}
		step = n
	}
	lo, hi, err := f.parseRange(span)
	if err != nil {
		return 0, err
	}
	// Debian rejects a step after a single number, which other programs read as "from there on".
	if stepped && span != "*" && !strings.Contains(span, "-") {
		return 0, problemf("%s in the %s has a step without a range: write %s-%d/%d", quote(text), f.name, span, f.maxDistinct(), step)
	}
	var s wallclock.Bitset
	// Compare the step before adding it: it can be as large as an int.
	for n := lo; ; n += step {
		s = s.With(n)
		if step > hi-n {
			return s, nil
		}
	}
}

// parseRange parses the range before the slash.
func (f cronField) parseRange(span string) (lo, hi int, err error) {
	if span == "*" {
		return f.min, f.max, nil
	}
	from, to, isRange := strings.Cut(span, "-")
	if lo, err = f.parseNumber(from); err != nil || !isRange {
		return lo, lo, err
	}
	if hi, err = f.parseNumber(to); err != nil {
		return 0, 0, err
	}
	// Debian reads fri-sun as 5-0, an empty range, and never runs the job.
	if f.names != nil && f.min == 0 && hi == 0 && lo > 0 {
		return 0, 0, problemf("%s is backwards, because Sunday is day 0: write %d-7", quote(span), lo)
	}
	if lo > hi {
		return 0, 0, problemf("%s is backwards: write %s,%s", quote(span), formatRange(lo, f.maxDistinct()), formatRange(f.min, hi))
	}
	return lo, hi, nil
}

// formatRange formats a range, or a single number if both ends are equal.
func formatRange(lo, hi int) string {
	if lo == hi {
		return strconv.Itoa(lo)
	}
	return fmt.Sprintf("%d-%d", lo, hi)
}

// maxDistinct returns the maximum without a second number for the same value: 7 is Sunday again.
func (f cronField) maxDistinct() int {
	if f.name == weekdayField.name {
		return 6
	}
	return f.max
}

// parseNumber parses a number or a name.
func (f cronField) parseNumber(text string) (int, error) {
	if i := slices.Index(f.names, strings.ToLower(text)); i >= 0 {
		return i + f.min, nil
	}
	if !isDigits(text) {
		return 0, f.explainUnreadable(text)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.min || n > f.max {
		return 0, problemf("%s %s is out of range: %s go from %d to %d", f.name, excerpt(text), f.plural, f.min, f.max)
	}
	return n, nil
}

// explainUnreadable returns the most likely cause.
func (f cronField) explainUnreadable(text string) error {
	switch {
	case text == "":
		return problemf("the %s has an empty part: write a number on both sides of each comma, dash and slash", f.name)
	case text == "?":
		return problemf("cron has no “?”: write * for any %s", f.name)
	case text == "*":
		return problemf("“*” in the %s cannot be the end of a range: write * alone", f.name)
	case strings.EqualFold(text, "H"):
		return problemf("cron has no “H”: write a fixed %s", f.name)
	}
	for _, name := range f.names {
		if len(text) > len(name) && strings.EqualFold(text[:len(name)], name) {
			return problemf("%s in the %s is not valid: write %s", quote(text), f.name, name)
		}
	}
	if f.names != nil {
		return problemf("%s in the %s is not valid: write a number from %d to %d or a name such as %s", quote(text), f.name, f.min, f.max, f.names[1])
	}
	return problemf("%s in the %s is not a number: write one from %d to %d, or *", quote(text), f.name, f.min, f.max)
}

// isDigits reports whether s is a number without a sign, which Atoi would accept.
func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
