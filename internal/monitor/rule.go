package monitor

import (
	"time"

	"overdue/internal/schedule"
)

// Methods describes which request methods count as pings.
type Methods string

// The values of Methods, part of the API.
const (
	AnyMethod Methods = "any"
	PostOnly  Methods = "post"
)

// DefaultEarly selects the default early window of a calendar: the smallest of the grace period, a
// quarter of the gap before the slot, and [maxDefaultEarly].
const DefaultEarly time.Duration = -1

// maxDefaultEarly limits the default early window: clocks are rarely wrong by more.
const maxDefaultEarly = 5 * time.Minute

// MaxAlertAfter is the maximum of AlertAfter. It also bounds the work to find a deadline.
const MaxAlertAfter = 100

// Rule is the set of settings by which a heartbeat is evaluated.
type Rule struct {
	Interval      time.Duration // from one ping to the next; 0 if Calendar is set
	Calendar      *Calendar     // fixed times of runs; nil for an interval
	Early         time.Duration // how long before its slot a ping counts for it; DefaultEarly, or 0 to disable
	Grace         time.Duration // from due time to deadline
	MaxRunTime    time.Duration // from start to finish; 0 uses the grace period
	MinRunTime    time.Duration // a shorter success is a failed run; 0 means no minimum
	StartGrace    time.Duration // from due time to the start deadline; 0 means no start deadline
	AlertAfter    int           // number of consecutive failed runs that opens an incident; 0 means 1
	ExpectFirstBy time.Time     // deadline of the first ping; zero means none
	Instances     Instances     // which hosts must succeed
	Methods       Methods
	ManualResume  bool // a ping does not resume a paused heartbeat
}

// Equal reports whether two rules have the same settings.
func (r Rule) Equal(other Rule) bool {
	same := r.Calendar.Equal(other.Calendar) && r.ExpectFirstBy.Equal(other.ExpectFirstBy)
	r.Calendar, r.ExpectFirstBy = other.Calendar, other.ExpectFirstBy
	return same && r == other
}

// Describe returns the schedule in plain words, such as "every 5 min".
func (r Rule) Describe() string {
	if r.Calendar != nil {
		return r.Calendar.Describe()
	}
	return "every " + schedule.FormatDuration(r.Interval)
}

// runLimit returns the maximum run time, or 0 for no limit. Without a maximum and a grace period,
// every start would open an incident at once, so then only the interval applies.
func (r Rule) runLimit() time.Duration {
	if r.MaxRunTime > 0 {
		return r.MaxRunTime
	}
	return r.Grace
}

// hasStartDeadline reports whether a run must start before it must finish. A start grace as long as
// the grace period adds nothing.
func (r Rule) hasStartDeadline() bool { return r.StartGrace > 0 && r.StartGrace < r.Grace }

// startWindow returns how long after a slot its run can still start.
func (r Rule) startWindow() time.Duration {
	if r.hasStartDeadline() {
		return r.StartGrace
	}
	return r.Grace
}

// alertThreshold returns AlertAfter, with its default.
func (r Rule) alertThreshold() int { return max(r.AlertAfter, 1) }

// failureOf returns why a run that a ping ended is a failed run, or "" if it is not.
func (r Rule) failureOf(p Ping) Outcome {
	switch {
	case p.Kind == PingFail:
		return RunFailed
	case p.HasRunTime && p.RunTime < r.MinRunTime:
		return RunTooShort
	}
	return ""
}

// calendarEarlyWindow returns how long before a slot of the calendar a ping counts for it.
func (r Rule) calendarEarlyWindow(slot time.Time) time.Duration {
	if r.Early >= 0 {
		return r.Early
	}
	window := min(r.Grace, maxDefaultEarly)
	if gap, ok := r.slotGap(slot); ok {
		window = min(window, gap/4)
	}
	return window
}

// slotGap returns the time between a slot of the calendar and the previous one. The first slot has
// none.
func (r Rule) slotGap(slot time.Time) (time.Duration, bool) {
	before, ok := r.Calendar.schedule.Prev(slot)
	return slot.Sub(before), ok
}

// onTimeWindow returns how long after its slot a run of a calendar is still on time. A slot is when
// the scheduler starts the job, which takes a moment.
func (r Rule) onTimeWindow(slot time.Time) time.Duration {
	gap, ok := r.slotGap(slot)
	if !ok {
		return time.Minute
	}
	return min(time.Minute, gap/10)
}

// earlySlotAt returns the slot that a ping at t is early for, or zero if none exists. Intervals
// have no fixed slots to be early for.
func (r Rule) earlySlotAt(t time.Time) time.Time {
	if r.Calendar == nil {
		return time.Time{}
	}
	slot, ok := r.Calendar.schedule.Next(t)
	if !ok || slot.Sub(t) > r.calendarEarlyWindow(slot) {
		return time.Time{}
	}
	return slot
}

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
