package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// units from large to small. A day is always 24 hours.
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

// DurationParts splits d into units, from the largest that is not zero down to
// seconds. Fractions of a second are dropped; a negative duration is 0s.
func DurationParts(d time.Duration) []durationPart {
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

// joinParts returns the parts as text: "4h 51m".
func joinParts(parts []durationPart) string {
	words := make([]string, len(parts))
	for i, p := range parts {
		words[i] = strconv.Itoa(p.n) + p.unit
	}
	return strings.Join(words, " ")
}

// twoUnits returns at most two units. It drops the second unit if it is zero, or
// if it is seconds and the caller asked for none.
func twoUnits(d time.Duration, seconds bool) string {
	parts := DurationParts(d)
	parts = parts[:min(2, len(parts))]
	if len(parts) == 2 && (parts[1].n == 0 || parts[1].unit == "s" && !seconds) {
		parts = parts[:1]
	}
	return joinParts(parts)
}

// Elapsed returns the time since something began, rounded down: "41s", "7m",
// "4h 51m", "2d 3h". It shows seconds only below one minute.
func Elapsed(d time.Duration) string { return twoUnits(d, false) }

// Remaining returns the time until something happens, rounded up: "late by 3m"
// and "down in 7m" must add up to a grace period of 10m. It rounds to the
// smallest unit that it shows: seconds below a minute, minutes below a day,
// otherwise hours.
func Remaining(d time.Duration) string {
	switch s := roundUp(d, time.Second); {
	case s < time.Minute:
		return twoUnits(s, false)
	case s < day:
		return twoUnits(roundUp(s, time.Minute), false)
	default:
		return twoUnits(roundUp(s, time.Hour), false)
	}
}

// roundUp rounds d up to a multiple of unit. A negative d gives 0.
func roundUp(d, unit time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return (d + unit - 1) / unit * unit
}

// RunTime returns the length of a run: "38s", "4m 12s", "2h 14m". Below one
// second it shows tenths, "0.4s", and below 50 ms milliseconds, because "0s" and
// "0.0s" look like a broken job.
func RunTime(d time.Duration) string {
	switch {
	case d <= 0 || d >= time.Second:
		return twoUnits(d, true)
	case d < time.Millisecond:
		return "<" + nbsp + "1ms"
	case d < 50*time.Millisecond:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	default:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	}
}

// Latency returns the time that a delivery took, in seconds with one decimal:
// "0.8 s". Less than 50 ms is "< 0.1 s".
func Latency(d time.Duration) string {
	if d < 50*time.Millisecond {
		return "<" + nbsp + "0.1" + nbsp + "s"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + nbsp + "s"
}

// ExactDuration returns a configured duration without rounding, in the form that
// the form accepts: "24h", "10m", "3d 12h", "1h 30m". Up to two days, whole hours
// stay hours, because people write 24h and 36h.
func ExactDuration(d time.Duration) string {
	if d%time.Hour == 0 && d > 0 && d <= 2*day {
		return strconv.Itoa(int(d/time.Hour)) + "h"
	}
	var kept []durationPart
	for _, p := range DurationParts(d) {
		if p.n > 0 {
			kept = append(kept, p)
		}
	}
	if len(kept) == 0 {
		return "0s"
	}
	return joinParts(kept)
}

// Ago returns how long ago something was, in one unit: "38s ago", "19h ago".
// Under five seconds it is "just now". So is the future, because clocks of nodes
// differ a little.
func Ago(d time.Duration) string {
	if d < 5*time.Second {
		return "just now"
	}
	return joinParts(DurationParts(d)[:1]) + " ago"
}

// figureNumber pads every number of the large figure except the first.
func figureNumber(i, n int) string {
	if i == 0 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%02d", n)
}
