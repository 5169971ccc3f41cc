package schedule

import "time"

// Preview shows a schedule around a time, so that users can check it.
type Preview struct {
	Description string
	// Zone is the zone of the slots, nil for an interval.
	Zone *time.Location
	// Next are the slots after the time, the soonest first. Previous are those up to and including
	// it, the latest first. Both are in UTC, and short or empty if there are no further slots. An
	// interval has no previous slots.
	Next, Previous []time.Time
	// ClockChanges are the next clock changes that affect the schedule.
	ClockChanges []ClockChange
}

// clockChangeLookahead is the period ahead in which NewPreview finds clock changes that affect a slot: each
// kind occurs within a year, or within 53 weeks if the change is on a Sunday.
const clockChangeLookahead = 53 * 7 * 24 * time.Hour

// NewPreview returns the preview at a time, with at most count slots in each direction. The work
// grows with count and the number of lines; the caller limits both.
func NewPreview(s Schedule, at time.Time, count int) Preview {
	o := Preview{Description: s.Describe(), Next: collectSlots(s.Next, at, count)}
	u, fixed := s.(*multiLine)
	if !fixed {
		return o
	}
	o.Zone = u.zoneLocation()
	// Prev is strictly before, so ask one microsecond later to include at.
	o.Previous = collectSlots(s.Prev, at.Add(time.Microsecond), count)
	last := at
	if n := len(o.Next); n > 0 {
		last = o.Next[n-1]
	}
	o.ClockChanges = u.clockChanges(at, last)
	return o
}

// collectSlots calls next or prev up to count times.
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

// zoneLocation returns the zone that all lines share, otherwise the zone of the schedule.
func (u *multiLine) zoneLocation() *time.Location {
	first := u.lines[0].loc
	for _, part := range u.lines {
		if part.zone != u.lines[0].zone {
			// CanonicalZone has loaded it before, so this does not fail.
			if loc, err := loadLocation(u.zone); err == nil {
				return loc
			}
			return time.UTC
		}
	}
	return first
}
