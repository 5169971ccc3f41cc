package monitor

import (
	"time"

	"overdue/internal/schedule"
)

// Schedule returns when runs are expected. An interval of 0 means none and is replaced by the
// shortest one.
func (r Rule) Schedule() schedule.Schedule {
	if r.Calendar != nil {
		return r.Calendar.schedule
	}
	return schedule.Every(r.Interval)
}

// EarlyWindow returns how long before a slot a ping counts for it. It is 0 for an interval, which
// has no fixed slots.
func (r Rule) EarlyWindow(slot time.Time) time.Duration {
	if r.Calendar == nil {
		return 0
	}
	return r.calendarEarlyWindow(slot)
}

// AlertingSlot returns the slot whose silence opens an incident if no run comes from the given slot
// on: the rule can tolerate slots before it. If too few slots remain, it returns the last one.
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

// StartDeadline returns the time by which a run for a slot must start, or zero if none exists.
func (r Rule) StartDeadline(slot time.Time) time.Time {
	if !r.hasStartDeadline() {
		return time.Time{}
	}
	return slot.Add(r.StartGrace)
}
