package monitor

import (
	"fmt"
	"time"
)

// How sure a hint about the time zone must be.
const (
	minPingsForHint = 5                // successes in a row
	hintTolerance   = 10 * time.Minute // around a whole number of hours
	maxZoneOffset   = 14 * time.Hour   // that any time zone has
)

// ZoneHint tells when the pings of a calendar look as if it were in another
// time zone: all of them come the same whole number of hours after their slot.
// successes are the newest, in any order. It is empty when nothing is odd.
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
		// So near the next slot it is rather early for that one.
		if whole != hours || (offset-whole).Abs() > hintTolerance || next.Sub(p.At) < time.Hour {
			return ""
		}
	}
	if hours < time.Hour || hours > maxZoneOffset {
		return ""
	}
	return fmt.Sprintf("Your pings arrive about %d h after each slot: is the time zone %s right?", int(hours.Hours()), r.Calendar.zone)
}
