package safetext

import (
	"regexp"
	"time"
)

// storedTimeLayout is the layout of the times in explanations, see monitor.Heartbeat.Why.
const storedTimeLayout = "2006-01-02 15:04:05 UTC"

var storedTime = regexp.MustCompile(`\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\b`)

// LocalTimes replaces each time in an explanation, which ends in "UTC", with the result of format.
// So the reader sees it in the same zone as the other times.
func LocalTimes(explanation string, format func(time.Time) string) string {
	return storedTime.ReplaceAllStringFunc(explanation, func(text string) string {
		at, err := time.Parse(storedTimeLayout, text)
		if err != nil {
			return text
		}
		return format(at)
	})
}
