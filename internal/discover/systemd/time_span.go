package systemd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"overdue/internal/schedule"
)

// timeSpanUnits are the units of systemd.time(7): "m" is a minute, "M" is a month of 30.44 days.
var timeSpanUnits = map[string]time.Duration{
	"usec": time.Microsecond, "us": time.Microsecond, "µs": time.Microsecond, "msec": time.Millisecond, "ms": time.Millisecond,
	"seconds": time.Second, "second": time.Second, "sec": time.Second, "s": time.Second, "": time.Second,
	"minutes": time.Minute, "minute": time.Minute, "min": time.Minute, "m": time.Minute,
	"hours": time.Hour, "hour": time.Hour, "hr": time.Hour, "h": time.Hour,
	"days": day, "day": day, "d": day, "weeks": 7 * day, "week": 7 * day, "w": 7 * day,
	"months": month, "month": month, "M": month, "years": year, "year": year, "y": year,
}

const (
	day   = 24 * time.Hour
	month = 2629800 * time.Second
	year  = 31557600 * time.Second
)

// parseTimeSpan parses a time span of systemd such as "5h 30min". It returns an error for invalid
// text and for spans of more than a century, including "infinity".
func parseTimeSpan(text string) (time.Duration, error) {
	sum, rest := 0.0, strings.TrimSpace(text)
	if rest == "" {
		return 0, fmt.Errorf("time span: is empty")
	}
	for rest != "" {
		n := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		number, err := strconv.ParseFloat(rest[:n], 64)
		rest = strings.TrimLeft(rest[n:], " \t")
		u := strings.IndexAny(rest+" ", " \t0123456789.")
		size, known := timeSpanUnits[rest[:u]]
		rest = strings.TrimLeft(rest[u:], " \t")
		sum += number * float64(size)
		if err != nil || !known || sum > float64(100*year) {
			return 0, fmt.Errorf("time span %q: cannot be read", text)
		}
	}
	return time.Duration(sum), nil
}

// timeSpan returns the last valid value of a setting that is a time span, and false if there is
// none. systemd ignores invalid values.
func (u *Unit) timeSpan(key string) (time.Duration, bool) {
	all := u.Settings[key]
	for i := len(all) - 1; i >= 0; i-- {
		if d, err := parseTimeSpan(all[i]); err == nil {
			return d, true
		}
	}
	return 0, false
}

// FormatDuration formats a duration with plain spaces, for a terminal.
func FormatDuration(d time.Duration) string {
	return strings.ReplaceAll(schedule.FormatDuration(d), "\u00a0", " ")
}
