package schedule

import (
	"strconv"
	"strings"
	"time"
)

// Bounds of ParseDuration.
const (
	maxDuration     = 366 * 24 * time.Hour
	maxDurationText = 100 // bytes
)

// ParseDuration reads a length of time the way people write it: "24h", "1d 12h",
// "10 min", "1h30m", "1.5 hours", "1 hour and 30 minutes", a bare number of seconds
// such as "45", or ISO 8601 such as "PT5M" and "P1DT2H". Case does not matter, order does not either.
//
// The result is a whole number of seconds from 0 to 366 days. A day has 24 hours and a
// week seven days; months and years have no fixed length and are refused. The error is
// a [*Problem].
func ParseDuration(s string) (time.Duration, error) {
	text := strings.TrimSpace(s)
	if len(text) > maxDurationText {
		return 0, problemf("%s is too long to be a duration: write for example 24h or 15 min", quote(text))
	}
	switch lower := strings.ToLower(text); {
	case lower == "":
		return 0, problemf("the duration is empty: write for example 24h or 15 min")
	case strings.HasPrefix(lower, "-"), strings.HasPrefix(lower, "−"):
		return 0, problemf("%s is negative: write a length without a sign, such as 15 min", quote(text))
	case isDigits(lower):
		return durationParts{text: text}.sum(lower + "s")
	case lower[0] == 'p' && len(lower) > 1:
		return parseISO8601(text, lower[1:])
	default:
		return durationParts{text: text}.sum(strings.ReplaceAll(strings.ReplaceAll(lower, ",", " "), " and ", " "))
	}
}

// parseISO8601 reads what follows the P. Minutes and months share a letter, which
// the T between them tells apart.
func parseISO8601(text, lower string) (time.Duration, error) {
	days, clock, hasClock := strings.Cut(lower, "t")
	if strings.ContainsAny(days, "ym") {
		return 0, noFixedLengthProblem(text)
	}
	wrong := strings.Trim(days, "0123456789.wd") != "" || strings.Trim(clock, "0123456789.hms") != ""
	if wrong || hasClock && clock == "" || lower == "" {
		return 0, problemf("%s is not an ISO 8601 duration: write for example PT5M or P1DT2H", quote(text))
	}
	return durationParts{text: text}.sum(days + " " + clock)
}

// noFixedLengthProblem is for both ways of writing.
func noFixedLengthProblem(text string) error {
	return problemf("%s has months or years, which have no fixed length: write days, such as 30 d", quote(text))
}

// durationParts adds up numbers with units.
type durationParts struct {
	text  string // as typed, to be said back
	units []time.Duration
	total time.Duration
}

// sum reads pairs of number and unit until nothing is left.
func (p durationParts) sum(lower string) (time.Duration, error) {
	rest := strings.TrimSpace(lower)
	for rest != "" {
		number := leadingChars(rest, "0123456789.")
		rest = strings.TrimSpace(strings.TrimPrefix(rest[len(number):], noBreakSpace))
		unit := leadingChars(rest, "abcdefghijklmnopqrstuvwxyz")
		rest = strings.TrimSpace(rest[len(unit):])
		if number == "" || unit == "" {
			return 0, p.explainUnreadable(number, rest)
		}
		if err := p.add(number, unit); err != nil {
			return 0, err
		}
	}
	if p.total%time.Second != 0 {
		return 0, problemf("%s is not a whole number of seconds: write for example 1 s", quote(p.text))
	}
	return p.total, nil
}

// add takes one pair. A unit that comes twice is a slip, such as "1m 30m" for "1h 30m".
func (p *durationParts) add(number, unit string) error {
	if unit == "mo" || strings.HasPrefix(unit, "month") || unit == "y" || strings.HasPrefix(unit, "year") {
		return noFixedLengthProblem(p.text)
	}
	size, ok := unitSize(unit)
	if !ok {
		return problemf("%s in %s is not a unit: write s, min, h, d or w, such as 15 min", quote(unit), quote(p.text))
	}
	for _, other := range p.units {
		if other == size {
			return problemf("%s has the same unit twice: write each once, such as 1 h 30 min", quote(p.text))
		}
	}
	p.units = append(p.units, size)
	d, ok := multiplyExactly(number, size)
	if !ok {
		return problemf("%s in %s is not a number: write for example 15 min or 1.5 h", quote(number), quote(p.text))
	}
	if d > maxDuration || p.total+d > maxDuration {
		return problemf("%s is too long: the longest is 366 d", quote(p.text))
	}
	p.total += d
	return nil
}

// explainUnreadable finds the most likely cause.
func (p *durationParts) explainUnreadable(number, rest string) error {
	switch {
	case strings.Contains(p.text, ":"):
		return problemf("%s looks like a time of day: write a length such as 1 h 30 min", quote(p.text))
	case strings.Contains(p.text, ","):
		return problemf("%s has a decimal comma: write a point, such as 1.5 h", quote(p.text))
	case number != "" && rest == "":
		return problemf("%s ends in a number without a unit: write s, min, h, d or w after it", quote(p.text))
	default:
		return problemf("%s is not a duration: write for example 24h, 15 min or 1d 12h", quote(p.text))
	}
}

// unitSize knows the units people write, in English. "m" is minutes, as in Go, in
// systemd and in most tools that show a duration.
func unitSize(unit string) (time.Duration, bool) {
	switch unit {
	case "s", "sec", "secs", "second", "seconds":
		return time.Second, true
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute, true
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour, true
	case "d", "day", "days":
		return 24 * time.Hour, true
	case "w", "wk", "wks", "week", "weeks":
		return 7 * 24 * time.Hour, true
	case "ms", "msec", "millisecond", "milliseconds":
		return time.Millisecond, true
	default:
		return 0, false
	}
}

// multiplyExactly multiplies a decimal number with a size exactly. Any product beyond the
// longest duration is returned as just beyond it.
func multiplyExactly(number string, size time.Duration) (time.Duration, bool) {
	whole, fraction, hasFraction := strings.Cut(number, ".")
	if !isDigits(whole) || hasFraction && !isDigits(fraction) {
		return 0, false
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > int64(maxDuration/size) {
		return maxDuration + 1, true
	}
	d := time.Duration(n) * size
	for _, digit := range fraction {
		// What is left of the size must divide by ten, or the number would be rounded.
		if digit != '0' && size%10 != 0 {
			return 1, true // not whole seconds: refused by sum
		}
		size /= 10
		d += time.Duration(digit-'0') * size
	}
	return d, true
}

// leadingChars returns the beginning of s that consists of the given letters.
func leadingChars(s, letters string) string {
	return s[:len(s)-len(strings.TrimLeft(s, letters))]
}
