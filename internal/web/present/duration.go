package present

import "strings"

// unitNames are the units of a duration in words.
var unitNames = map[string]string{"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

// LongDuration returns a duration of one number and one unit in words: "24 hours" for
// "24h". Other texts stay as they are.
func LongDuration(text string) string {
	for unit, name := range unitNames {
		if number, found := strings.CutSuffix(text, unit); found {
			if number == "1" {
				name = strings.TrimSuffix(name, "s")
			}
			return number + " " + name
		}
	}
	return text
}
