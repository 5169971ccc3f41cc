package monitor

import (
	"time"

	"overdue/internal/schedule"
)

// Schedule is when runs are expected, for those who show it ahead of time. An
// interval of 0 is none, and counts as the shortest there is.
func (r Rule) Schedule() schedule.Schedule {
	if r.Calendar != nil {
		return r.Calendar.schedule
	}
	return schedule.Every(r.Interval)
}

// EarlyWindow is how long before a slot a ping counts for it, 0 for an interval:
// it has no slots of its own to be early for.
func (r Rule) EarlyWindow(slot time.Time) time.Duration {
	if r.Calendar == nil {
		return 0
	}
	return r.calendarEarlyWindow(slot)
}

// AlertingSlot is the slot whose silence becomes an incident when no run comes from
// the given one on: as many may be missed before it as are tolerated. It is the
// last slot there is where too few are left.
func (r Rule) AlertingSlot(slot time.Time) time.Time {
	for range r.alertThreshold() - 1 {
		next, ok := r.Schedule().Next(slot)
		if !ok {
			break
		}
		slot = next
	}
	return slot
}

// StartDeadline is the moment by which a run for a slot must have begun, zero when there
// is none.
func (r Rule) StartDeadline(slot time.Time) time.Time {
	if !r.hasStartDeadline() {
		return time.Time{}
	}
	return slot.Add(r.StartGrace)
}
