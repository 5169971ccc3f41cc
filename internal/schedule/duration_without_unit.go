package schedule

import (
	"strings"
	"time"
)

// DurationsWithoutUnit reports whether a duration is a number without a unit, which is
// ambiguous: 24 means seconds to an API and hours to a person. It returns the
// possible durations, the most likely first. Zero needs no unit. A number that is
// out of range with every unit is left to [ParseDuration].
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
