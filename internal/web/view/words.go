package view

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// withFullStop is a sentence with a full stop, also when it already has one.
func withFullStop(sentence string) string { return strings.TrimSuffix(sentence, ".") + "." }

// nbsp keeps a number and its unit on one line.
const nbsp = "\u00a0"

// units, from large to small. Days are 24 hours: a duration knows no calendar.
var units = [...]struct {
	name string
	size time.Duration
}{
	{"d", day},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
}

// durationPart is one number with its unit.
type durationPart struct {
	n    int
	unit string
}

// split cuts whole seconds of d into units, beginning with the first that is
// not zero. Less than a second, and less than nothing, is 0s.
func split(d time.Duration) []durationPart {
	var parts []durationPart
	rest := max(d, 0)
	for _, u := range units {
		n := int(rest / u.size)
		rest -= time.Duration(n) * u.size
		if n > 0 || len(parts) > 0 || u.size == time.Second {
			parts = append(parts, durationPart{n, u.name})
		}
	}
	return parts
}

// join writes the parts with their units: "4h 51m".
func join(parts []durationPart) string {
	words := make([]string, len(parts))
	for i, p := range parts {
		words[i] = strconv.Itoa(p.n) + p.unit
	}
	return strings.Join(words, " ")
}

// compact keeps two units and drops the second when it is zero or not wanted.
func compact(d time.Duration, seconds bool) string {
	parts := split(d)
	parts = parts[:min(2, len(parts))]
	if len(parts) == 2 && (parts[1].n == 0 || parts[1].unit == "s" && !seconds) {
		parts = parts[:1]
	}
	return join(parts)
}

// Elapsed says how long something has lasted, rounded down: "41s", "7m",
// "4h 51m", "2d 3h". Seconds show only below one minute.
func Elapsed(d time.Duration) string { return compact(d, false) }

// Remaining says how long something will last, rounded up, so that late by 3m
// and down in 7m add up to a grace of 10m. It rounds to the smallest unit that
// is shown: the second below a minute, the minute below a day, then the hour.
func Remaining(d time.Duration) string {
	switch s := up(d, time.Second); {
	case s < time.Minute:
		return compact(s, false)
	case s < day:
		return compact(up(s, time.Minute), false)
	default:
		return compact(up(s, time.Hour), false)
	}
}

// up rounds d up to a multiple of unit; what is over is 0.
func up(d, unit time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return (d + unit - 1) / unit * unit
}

// RunTime says how long a run was: "38s", "4m 12s", "2h 14m". Below one second it
// shows tenths, "0.4s", since a job that takes no time at all looks broken.
func RunTime(d time.Duration) string {
	if d > 0 && d < time.Second {
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	}
	return compact(d, true)
}

// Latency says how long a delivery was, in seconds with one decimal: "0.8 s".
// What rounds to nothing took less than a tenth: "< 0.1 s".
func Latency(d time.Duration) string {
	if d < 50*time.Millisecond {
		return "<" + nbsp + "0.1" + nbsp + "s"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + nbsp + "s"
}

// ExactDuration says a duration that someone set, exactly, the way it can be typed
// again: "24h", "10m", "1d 12h", "1h 30m". Whole hours stay hours up to two
// days, because people say 24h and 36h.
func ExactDuration(d time.Duration) string {
	if d%time.Hour == 0 && d > 0 && d <= 2*day {
		return strconv.Itoa(int(d/time.Hour)) + "h"
	}
	var kept []durationPart
	for _, p := range split(d) {
		if p.n > 0 {
			kept = append(kept, p)
		}
	}
	if len(kept) == 0 {
		return "0s"
	}
	return join(kept)
}

// Ago says how long ago something was, in one unit: "38s ago", "19h ago".
// Under five seconds it is "just now", and so is anything in the future, which
// can only be a clock that is a little ahead.
func Ago(d time.Duration) string {
	if d < 5*time.Second {
		return "just now"
	}
	return join(split(d)[:1]) + " ago"
}

// Count writes a number with thousands separators: "1,284".
func Count(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Plural counts a noun: "1 ping", "1,137 pings".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}

// Range says which rows of how many a page shows: "1–25 of 1,284". A total
// below zero is unknown and left out.
func Range(first, last, total int) string {
	switch {
	case last < first || total == 0:
		return "None"
	case total < 0:
		return Count(first) + "–" + Count(last)
	default:
		return fmt.Sprintf("%s–%s of %s", Count(first), Count(last), Count(total))
	}
}

// JoinWords joins words the way people do: "Slack, PagerDuty and email".
func JoinWords(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// figureNumber pads every number of the big figure but the first.
func figureNumber(i, n int) string {
	if i == 0 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%02d", n)
}

// word chooses between two forms.
func word(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
