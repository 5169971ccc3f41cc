package schedule

import (
	"math"
	"strings"
)

// unit is one place of a calendar expression: the years, the hours …
type unit struct {
	name     string // as in "hour 25 is out of range"
	plural   string
	low      int
	high     int
	one      int  // what a written 1 is worth: 1, or a million for seconds
	fromEnd  bool // counts from the end of the month: 1 is the last day
	twoDigit bool // 26 is 2026
}

// The places of an expression. Seconds are kept in microseconds.
var (
	yearUnit        = unit{name: "year", plural: "years", low: firstYear, high: lastYear, one: 1, twoDigit: true}
	monthUnit       = unit{name: "month", plural: "months", low: 1, high: 12, one: 1}
	dateUnit        = unit{name: "day", plural: "days", low: 1, high: 31, one: 1}
	clockHourUnit   = unit{name: "hour", plural: "hours", high: 23, one: 1}
	clockMinuteUnit = unit{name: "minute", plural: "minutes", high: 59, one: 1}
	clockSecondUnit = unit{name: "second", plural: "seconds", high: int(minute) - 1, one: int(second)}
)

// chain is the components of one place.
type chain []component

// component is "start..stop/repeat". Without a stop it is open, which means up to
// the highest value if it repeats, and start alone if it does not.
type component struct{ start, stop, repeat int }

const open = -1

// parse reads "*" or components with commas between them.
func (u unit) parse(text string) (chain, error) {
	if text == "*" {
		return chain{{u.low, u.high, u.one}}, nil
	}
	if u.name == clockSecondUnit.name && text == "" {
		return nil, problem("the seconds are missing after the last colon: write 00, or leave the colon out")
	}
	var c chain
	for item := range strings.SplitSeq(text, ",") {
		part, err := u.component(item)
		if err != nil {
			return nil, err
		}
		c = append(c, part)
	}
	return c, nil
}

// component reads one of them and checks it the way systemd does, which shortens
// the range to whole steps before it looks whether the end is in range.
func (u unit) component(text string) (component, error) {
	span, stepText, stepped := strings.Cut(text, "/")
	from, to, isRange := strings.Cut(span, "..")
	c := component{stop: open}
	var err error
	if c.start, err = u.number(from, text); err != nil {
		return c, err
	}
	if isRange {
		if c.stop, err = u.number(to, text); err != nil {
			return c, err
		}
		c.repeat = u.one
	}
	if stepped {
		if c.repeat, err = u.number(stepText, text); err != nil {
			return c, err
		}
		if c.repeat == 0 {
			return c, problem("%s steps by nothing: write a step from 1 after the slash", quote(text))
		}
	} else if isRange && u.one > 1 && c.start+u.one > c.stop {
		return c, problem("%s is a range of less than a second: write a step after it, such as %s/0.1", quote(text), short(text))
	}
	return u.check(u.whole(c), text)
}

// whole makes the range end on a step.
func (u unit) whole(c component) component {
	if u.twoDigit {
		c.start, c.stop = century(c.start), century(c.stop)
	}
	if c.stop > c.start && c.repeat > 0 {
		c.stop -= (c.stop - c.start) % c.repeat
	}
	if c.stop == c.start {
		c.stop, c.repeat = open, 0
	}
	return c
}

// century is systemd's reading of two digits, that of POSIX: 69 is 2069 and 70 is 1970.
func century(year int) int {
	switch {
	case year >= 0 && year < 70:
		return year + 2000
	case year >= 70 && year < 100:
		return year + 1900
	default:
		return year
	}
}

// check refuses what lies outside of the unit, and a step that could not be taken
// even once: systemd does, too, and it is a slip more often than a wish.
func (u unit) check(c component, text string) (component, error) {
	high := u.high
	if u.fromEnd {
		high -= 3 // every month has 28 days
	}
	for _, n := range []int{c.start, c.stop} {
		if n != open && (n < u.low || n > high) {
			return c, problem("%s %s is out of range: %s go from %d to %d", u.name, short(u.format(n)), u.plural, u.low, high/u.one)
		}
	}
	switch {
	// The range of a year or an hour does not wrap around, unlike in people's minds.
	case c.stop != open && c.stop < c.start:
		return c, problem("%s runs backwards: write the smaller number first", quote(text))
	case c.repeat > high-u.low,
		c.stop == open && u.fromEnd && c.start-c.repeat < u.low,
		c.stop == open && !u.fromEnd && c.start+c.repeat > high:
		return c, problem("%s steps out of range before it repeats: %s go from %d to %d", quote(text), u.plural, u.low, high/u.one)
	}
	return c, nil
}

// number reads digits, and a fraction where a 1 is worth more than 1. More than six
// decimals are rounded.
func (u unit) number(text, whole string) (int, error) {
	integer, fraction, hasFraction := strings.Cut(text, ".")
	if text == "*" {
		return 0, problem("%s mixes * with numbers: write * alone, or 0/5 for every fifth", quote(whole))
	}
	if !digits(integer) || hasFraction && (u.one == 1 || !digits(fraction)) {
		return 0, problem("%s is not a number for the %s: write one from %d to %d, or *", quote(whole), u.plural, u.low, u.high/u.one)
	}
	n := 0
	for _, d := range integer {
		n = n*10 + int(d-'0')
		// systemd keeps an int of 32 bits; stopping here keeps ours from overflowing.
		if n*u.one > math.MaxInt32 {
			return 0, problem("%s %s is out of range: %s go from %d to %d", u.name, short(integer), u.plural, u.low, u.high/u.one)
		}
	}
	return n*u.one + micros(fraction), nil
}

// micros reads decimals as millionths and rounds half up.
func micros(fraction string) int {
	n := 0
	for i := range 6 {
		n *= 10
		if i < len(fraction) {
			n += int(fraction[i] - '0')
		}
	}
	if len(fraction) > 6 && fraction[6] >= '5' {
		n++
	}
	return n
}
