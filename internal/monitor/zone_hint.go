package monitor

import (
	"fmt"
	"time"
)

// Conditions for a hint about the time zone.
const (
	minPingsForHint = 5                // consecutive successes
	hintTolerance   = 10 * time.Minute // deviation from a whole number of hours
	maxZoneOffset   = 14 * time.Hour   // largest UTC offset of any time zone
)

// ZoneHint returns a hint if the pings look as if the calendar had the wrong time zone: all of them
// arrive the same whole number of hours after their slot. successes are the newest ones, in any
// order. It returns "" if nothing looks wrong.
func (r Rule) ZoneHint(successes []Ping) string {
	if r.Calendar == nil || len(successes) < minPingsForHint {
		return ""
	}
	var hours time.Duration
	for i, p := range successes {
		slot, ok := r.Calendar.schedule.Prev(p.At.Add(Precision))
		if !ok {
			return ""
		}
		offset := p.At.Sub(slot)
		whole := offset.Round(time.Hour)
		if i == 0 {
			hours = whole
		}
		next, _ := r.Calendar.schedule.Next(p.At)
		// This close to the next slot, it is probably early for that one.
		if whole != hours || (offset-whole).Abs() > hintTolerance || next.Sub(p.At) < time.Hour {
			return ""
		}
	}
	if hours < time.Hour || hours > maxZoneOffset {
		return ""
	}
	return fmt.Sprintf("Pings arrive about %d h after each slot. Check the time zone %s.", int(hours.Hours()), r.Calendar.zone)
}
