package schedule

import (
	"math"
	"strings"
)

// onCalendarField is one place of a calendar expression: the years, the hours …
type onCalendarField struct {
	name         string // as in "hour 25 is out of range"
	plural       string
	min          int
	max          int
	scale        int  // what a written 1 is worth: 1, or a million for seconds
	fromEnd      bool // counts from the end of the month: 1 is the last day
	twoDigitYear bool // 26 is 2026
}

// The places of an expression. Seconds are kept in microseconds.
var (
	onCalendarYear   = onCalendarField{name: "year", plural: "years", min: minYear, max: maxYear, scale: 1, twoDigitYear: true}
	onCalendarMonth  = onCalendarField{name: "month", plural: "months", min: 1, max: 12, scale: 1}
	onCalendarDate   = onCalendarField{name: "day", plural: "days", min: 1, max: 31, scale: 1}
	onCalendarHour   = onCalendarField{name: "hour", plural: "hours", max: 23, scale: 1}
	onCalendarMinute = onCalendarField{name: "minute", plural: "minutes", max: 59, scale: 1}
	onCalendarSecond = onCalendarField{name: "second", plural: "seconds", max: int(minute) - 1, scale: int(second)}
)

// componentList is the components of one place.
type componentList []component

// component is "start..stop/repeat". Without a stop it is open, which means up to
// the highest value if it repeats, and start alone if it does not.
type component struct{ start, stop, repeat int }

const noStop = -1

// parse reads "*" or components with commas between them.
func (u onCalendarField) parse(text string) (componentList, error) {
	if text == "*" {
		return componentList{{u.min, u.max, u.scale}}, nil
	}
	if u.name == onCalendarSecond.name && text == "" {
		return nil, problemf("the seconds are missing after the last colon: write 00, or leave the colon out")
	}
	var c componentList
	for item := range strings.SplitSeq(text, ",") {
		part, err := u.parseComponent(item)
		if err != nil {
			return nil, err
		}
		c = append(c, part)
	}
	return c, nil
}

// parseComponent reads one of them and checks it the way systemd does, which shortens
// the range to whole steps before it looks whether the end is in range.
func (u onCalendarField) parseComponent(text string) (component, error) {
	span, stepText, stepped := strings.Cut(text, "/")
	from, to, isRange := strings.Cut(span, "..")
	c := component{stop: noStop}
	var err error
	if c.start, err = u.parseNumber(from, text); err != nil {
		return c, err
	}
	if isRange {
		if c.stop, err = u.parseNumber(to, text); err != nil {
			return c, err
		}
		c.repeat = u.scale
	}
	if stepped {
		if c.repeat, err = u.parseNumber(stepText, text); err != nil {
			return c, err
		}
		if c.repeat == 0 {
			return c, problemf("%s steps by nothing: write a step from 1 after the slash", quote(text))
		}
	} else if isRange && u.scale > 1 && c.start+u.scale > c.stop {
		return c, problemf("%s is a range of less than a second: write a step after it, such as %s/0.1", quote(text), excerpt(text))
	}
	return u.validate(u.alignStop(c), text)
}

// alignStop makes the range end on a step.
func (u onCalendarField) alignStop(c component) component {
	if u.twoDigitYear {
		c.start, c.stop = expandTwoDigitYear(c.start), expandTwoDigitYear(c.stop)
	}
	if c.stop > c.start && c.repeat > 0 {
		c.stop -= (c.stop - c.start) % c.repeat
	}
	if c.stop == c.start {
		c.stop, c.repeat = noStop, 0
	}
	return c
}

// expandTwoDigitYear is systemd's reading of two digits, that of POSIX: 69 is 2069 and 70 is 1970.
func expandTwoDigitYear(year int) int {
	switch {
	case year >= 0 && year < 70:
		return year + 2000
	case year >= 70 && year < 100:
		return year + 1900
	default:
		return year
	}
}

// validate refuses what lies outside of the unit, and a step that could not be taken
// even once: systemd does, too, and it is a slip more often than a wish.
func (u onCalendarField) validate(c component, text string) (component, error) {
	high := u.max
	if u.fromEnd {
		high -= 3 // every month has 28 days
	}
	for _, n := range []int{c.start, c.stop} {
		if n != noStop && (n < u.min || n > high) {
			return c, problemf("%s %s is out of range: %s go from %d to %d", u.name, excerpt(u.formatValue(n)), u.plural, u.min, high/u.scale)
		}
	}
	switch {
	// The range of a year or an hour does not wrap around, unlike in people's minds.
	case c.stop != noStop && c.stop < c.start:
		return c, problemf("%s runs backwards: write the smaller number first", quote(text))
	case c.repeat > high-u.min,
		c.stop == noStop && u.fromEnd && c.start-c.repeat < u.min,
		c.stop == noStop && !u.fromEnd && c.start+c.repeat > high:
		return c, problemf("%s steps out of range before it repeats: %s go from %d to %d", quote(text), u.plural, u.min, high/u.scale)
	}
	return c, nil
}

// parseNumber reads digits, and a fraction where a 1 is worth more than 1. More than six
// decimals are rounded.
func (u onCalendarField) parseNumber(text, whole string) (int, error) {
	integer, fraction, hasFraction := strings.Cut(text, ".")
	if text == "*" {
		return 0, problemf("%s mixes * with numbers: write * alone, or 0/5 for every fifth", quote(whole))
	}
	if !isDigits(integer) || hasFraction && (u.scale == 1 || !isDigits(fraction)) {
		return 0, problemf("%s is not a number for the %s: write one from %d to %d, or *", quote(whole), u.plural, u.min, u.max/u.scale)
	}
	n := 0
	for _, d := range integer {
		n = n*10 + int(d-'0')
		// systemd keeps an int of 32 bits; stopping here keeps ours from overflowing.
		if n*u.scale > math.MaxInt32 {
			return 0, problemf("%s %s is out of range: %s go from %d to %d", u.name, excerpt(integer), u.plural, u.min, u.max/u.scale)
		}
	}
	return n*u.scale + parseMicroseconds(fraction), nil
}

// parseMicroseconds reads decimals as millionths and rounds half up.
func parseMicroseconds(fraction string) int {
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
