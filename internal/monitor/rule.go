package monitor

import (
	"time"

	"overdue/internal/schedule"
)

// Methods says which request methods count as pings.
type Methods string

// The values of Methods, part of the API.
const (
	AnyMethod Methods = "any"
	PostOnly  Methods = "post"
)

// DefaultEarly stands for the early window that a calendar has by itself: the
// smallest of the grace period, a quarter of the gap before the slot, and
// [maxDefaultEarly].
const DefaultEarly time.Duration = -1

// maxDefaultEarly bounds the usual early window: clocks are seldom wrong by more.
const maxDefaultEarly = 5 * time.Minute

// MaxAlertAfter bounds AlertAfter, and with it the work of finding a deadline.
const MaxAlertAfter = 100

// Rule is what a heartbeat is judged by.
type Rule struct {
	Interval      time.Duration // from one ping to the next; 0 where there is a Calendar
	Calendar      *Calendar     // the moments at which runs are expected; nil for an interval
	Early         time.Duration // how long before its slot a ping counts for it; DefaultEarly, or 0 for not at all
	Grace         time.Duration // from due to deadline
	MaxRunTime    time.Duration // from start to finish; 0: the grace period
	MinRunTime    time.Duration // a success after less is a bad run; 0: none
	StartGrace    time.Duration // from due until which a run must have begun; 0: no such clock
	AlertAfter    int           // the how-manieth bad run in a row opens an incident; 0 is 1
	ExpectFirstBy time.Time     // silence of a New heartbeat becomes an incident; zero: never
	Methods       Methods
	ManualResume  bool // a ping does not resume it
}

// Equal reports whether two rules are the same for whoever is judged by them.
func (r Rule) Equal(other Rule) bool {
	same := r.Calendar.Equal(other.Calendar) && r.ExpectFirstBy.Equal(other.ExpectFirstBy)
	r.Calendar, r.ExpectFirstBy = other.Calendar, other.ExpectFirstBy
	return same && r == other
}

// Describe says the schedule in plain words, such as "every 5 min".
func (r Rule) Describe() string {
	if r.Calendar != nil {
		return r.Calendar.Describe()
	}
	return "every " + schedule.FormatDuration(r.Interval)
}

// runLimit is how long a run may take, 0 when nothing limits it. With neither
// a maximum nor a grace period every start would be down at once, so then only
// the interval guards.
func (r Rule) runLimit() time.Duration {
	if r.MaxRunTime > 0 {
		return r.MaxRunTime
	}
	return r.Grace
}

// hasStartDeadline reports whether a run must have begun sooner than it must have
// come. A start grace as long as the grace period says nothing new.
func (r Rule) hasStartDeadline() bool { return r.StartGrace > 0 && r.StartGrace < r.Grace }

// startWindow returns how long after a slot its run may still begin: the shortest of the
// times after which silence counts.
func (r Rule) startWindow() time.Duration {
	if r.hasStartDeadline() {
		return r.StartGrace
	}
	return r.Grace
}

// alertThreshold is AlertAfter with its default.
func (r Rule) alertThreshold() int { return max(r.AlertAfter, 1) }

// failureOf tells what is wrong with a run that a ping ended, empty when nothing is.
func (r Rule) failureOf(p Ping) Outcome {
	switch {
	case p.Kind == PingFail:
		return RunFailed
	case p.HasRunTime && p.RunTime < r.MinRunTime:
		return RunTooShort
	}
	return ""
}

// calendarEarlyWindow is how long before the slot a ping counts for it.
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

// slotGap is the time between a calendar's slot and the one before it. There is
// none before the first.
func (r Rule) slotGap(slot time.Time) (time.Duration, bool) {
	before, ok := r.Calendar.schedule.Prev(slot)
	return slot.Sub(before), ok
}

// onTimeWindow is how long after its slot a run of a calendar is still on time. A
// slot is when the scheduler starts the job: it needs a moment to get going.
func (r Rule) onTimeWindow(slot time.Time) time.Duration {
	gap, ok := r.slotGap(slot)
	if !ok {
		return time.Minute
	}
	return min(time.Minute, gap/10)
}

// earlySlotAt returns the slot that a ping at t is early for, zero when there is
// none: intervals have no slots of their own to be early for.
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
