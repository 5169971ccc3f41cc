package schedule

import (
	"strconv"
	"strings"
	"time"
)

// noBreakSpace keeps a number and its unit on one line.
const noBreakSpace = "\u00a0"

// FormatDuration formats a duration in words: "24 h", "15 min", "1 h 30 min", with a no-break space
// between number and unit. It uses days from 48 hours on, because people say "24 hours" and "36
// hours". Fractions of a second are decimals; nothing is rounded.
func FormatDuration(d time.Duration) string {
	if d < 0 {
		return "−" + FormatDuration(-max(d, -1<<63+1))
	}
	var parts []string
	count := func(unit string, size time.Duration) {
		if n := d / size; n > 0 {
			parts = append(parts, strconv.FormatInt(int64(n), 10)+noBreakSpace+unit)
			d -= n * size
		}
	}
	if d >= 48*time.Hour {
		count("d", 24*time.Hour)
	}
	count("h", time.Hour)
	count("min", time.Minute)
	if d > 0 || parts == nil {
		seconds := strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
		parts = append(parts, seconds+noBreakSpace+"s")
	}
	return strings.Join(parts, " ")
}

// Limits of ParseDuration.
const (
	maxDuration     = 366 * 24 * time.Hour
	maxDurationText = 100 // bytes
)

// ParseDuration parses a duration as people write it: "24h", "1d 12h", "10 min", "1h30m", "1.5
// hours", "1 hour and 30 minutes", a number of seconds such as "45", or ISO 8601 such as "PT5M" and
// "P1DT2H". Case and order do not matter.
//
// The result is a whole number of seconds from 0 to 366 days. A day has 24 hours and a week seven
// days. Months and years have no fixed length and are rejected. The error is a [*Problem].
func ParseDuration(s string) (time.Duration, error) {
	text := strings.TrimSpace(s)
	if len(text) > maxDurationText {
		return 0, problemf("%s is too long to be a duration: write for example 24h or 15 min", quote(text))
	}
	switch lower := strings.ToLower(text); {
	case lower == "":
		return 0, problemf("the duration is empty: write for example 24h or 15 min")
	case strings.HasPrefix(lower, "-"), strings.HasPrefix(lower, "−"):
		return 0, problemf("%s is negative: write a duration without a sign, such as 15 min", quote(text))
	case isDigits(lower):
		return durationParts{text: text}.parse(lower + "s")
	case lower[0] == 'p' && len(lower) > 1:
		return parseISO8601(text, lower[1:])
	default:
		return durationParts{text: text}.parse(strings.ReplaceAll(strings.ReplaceAll(lower, ",", " "), " and ", " "))
	}
}

// parseISO8601 parses the text after the P. Minutes and months have the same letter; the T between
// them distinguishes them.
func parseISO8601(text, lower string) (time.Duration, error) {
	days, clock, hasClock := strings.Cut(lower, "t")
	if strings.ContainsAny(days, "ym") {
		return 0, noFixedLengthProblem(text)
	}
	wrong := strings.Trim(days, "0123456789.wd") != "" || strings.Trim(clock, "0123456789.hms") != ""
	if wrong || hasClock && clock == "" || lower == "" {
		return 0, problemf("%s is not an ISO 8601 duration: write for example PT5M or P1DT2H", quote(text))
	}
	return durationParts{text: text}.parse(days + " " + clock)
}

// noFixedLengthProblem is the problem of months and years, in both notations.
func noFixedLengthProblem(text string) error {
	return problemf("%s has months or years, which have no fixed length: write days, such as 30 d", quote(text))
}

// durationParts adds up numbers with units.
type durationParts struct {
	text  string // as typed, for error messages
	units []time.Duration
	total time.Duration
}

// parse parses pairs of number and unit until nothing is left.
func (p durationParts) parse(lower string) (time.Duration, error) {
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

// add adds one pair. A repeated unit is probably a mistake, such as "1m 30m" for "1h 30m".
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
			return problemf("%s has the same unit twice: write each unit once, such as 1 h 30 min", quote(p.text))
		}
	}
	p.units = append(p.units, size)
	d, ok := multiplyExactly(number, size)
	if !ok {
		return problemf("%s in %s is not a number: write for example 15 min or 1.5 h", quote(number), quote(p.text))
	}
	if d > maxDuration || p.total+d > maxDuration {
		return problemf("%s is too long: the maximum is 366 d", quote(p.text))
	}
	p.total += d
	return nil
}

// explainUnreadable returns the most likely cause.
func (p *durationParts) explainUnreadable(number, rest string) error {
	switch {
	case strings.Contains(p.text, ":"):
		return problemf("%s looks like a time of day: write a duration such as 1 h 30 min", quote(p.text))
	case strings.Contains(p.text, ","):
		return problemf("%s has a decimal comma: write a point, such as 1.5 h", quote(p.text))
	case number != "" && rest == "":
		return problemf("%s ends in a number without a unit: write s, min, h, d or w after it", quote(p.text))
	default:
		return problemf("%s is not a duration: write for example 24h, 15 min or 1d 12h", quote(p.text))
	}
}

// unitSize returns the size of an English unit. "m" is minutes, as in Go, in systemd and in most
// tools.
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

// multiplyExactly multiplies a decimal number with a size, without rounding. A product above the
// maximum is returned as slightly more than the maximum.
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
		// The remaining size must be divisible by ten, otherwise the number would be rounded.
		if digit != '0' && size%10 != 0 {
			return 1, true // not whole seconds: parse rejects it
		}
		size /= 10
		d += time.Duration(digit-'0') * size
	}
	return d, true
}

// leadingChars returns the prefix of s that consists of the given characters.
func leadingChars(s, letters string) string {
	return s[:len(s)-len(strings.TrimLeft(s, letters))]
}

// DurationsWithoutUnit reports whether a duration is a number without a unit, which is ambiguous:
// 24 means seconds in an API and hours to a person. It returns the possible durations, the most
// likely first. Zero needs no unit. ParseDuration handles a number that is out of range with every
// unit.
func DurationsWithoutUnit(text string) (choices []string, bare bool) {
	number := strings.TrimSpace(text)
	if !isDigits(number) || strings.Trim(number, "0") == "" || len(number) > 10 {
		return nil, false
	}
	for _, unit := range []string{"h", "m", "s", "d"} {
		if d, err := ParseDuration(number + unit); err == nil && d >= time.Second {
			choices = append(choices, strings.TrimLeft(number, "0")+unit)
		}
	}
	return choices, len(choices) > 0
}

// JoinAlternatives formats the choices as "24h, 24m (minutes), 24s or 24d".
func JoinAlternatives(choices []string) string {
	words := make([]string, len(choices))
	for i, c := range choices {
		if words[i] = c; strings.HasSuffix(c, "m") {
			words[i] += " (minutes)"
		}
	}
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " or " + words[last]
	}
	return strings.Join(words, "")
}
