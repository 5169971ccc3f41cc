package schedule

import (
	"strconv"
	"strings"
	"time"
)

// noBreakSpace keeps a number and its unit on one line.
const noBreakSpace = "\u00a0"

// FormatDuration says a length of time in words: "24 h", "15 min", "1 h 30 min", with
// a no-break space between number and unit. Days are used from 48 hours on,
// because "24 h" and "36 h" are how people speak of a day. Parts of a second are
// said as decimals, nothing is rounded.
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
