package schedule

import "time"

// Preview is what a schedule means around a moment, for people who want to see
// that it is the one they have in mind.
type Preview struct {
	Description string
	// Zone is where the slots are read, nil for an interval, which has no zone.
	Zone *time.Location
	// Next are the slots after the moment, the soonest first; Previous those up to
	// and with it, the latest first. Both are in UTC, and short or empty where no
	// slot is left. An interval has no slots before the ping that it counts from.
	Next, Previous []time.Time
	// ClockChanges are the next changes of the clock that somebody should know of, see
	// [ClockChange].
	ClockChanges []ClockChange
}

// clockChangeLookahead is how far Around looks for changes of the clock that touch a slot: each
// kind comes within a year, or within 53 weeks where it is on a Sunday.
const clockChangeLookahead = 53 * 7 * 24 * time.Hour

// NewPreview returns the outlook from a moment, with at most count slots in either
// direction. The work grows with count and the number of lines, both of which the
// caller bounds.
func NewPreview(s Schedule, at time.Time, count int) Preview {
	o := Preview{Description: s.Describe(), Next: collectSlots(s.Next, at, count)}
	u, fixed := s.(*multiLine)
	if !fixed {
		return o
	}
	o.Zone = u.location()
	// Prev is strictly before: one microsecond later it finds the moment itself.
	o.Previous = collectSlots(s.Prev, at.Add(time.Microsecond), count)
	last := at
	if n := len(o.Next); n > 0 {
		last = o.Next[n-1]
	}
	o.ClockChanges = u.clockChanges(at, last)
	return o
}

// collectSlots follows next or prev.
func collectSlots(step func(time.Time) (time.Time, bool), at time.Time, count int) []time.Time {
	var slots []time.Time
	for range count {
		slot, ok := step(at)
		if !ok {
			break
		}
		slots, at = append(slots, slot), slot
	}
	return slots
}

// location is the zone that all lines share, or the one chosen beside them.
func (u *multiLine) location() *time.Location {
	first := u.lines[0].loc
	for _, part := range u.lines {
		if part.zone != u.lines[0].zone {
			// Zone has loaded it once, so this does not fail; UTC would still be true.
			if loc, err := loadLocation(u.zone); err == nil {
				return loc
			}
			return time.UTC
		}
	}
	return first
}
