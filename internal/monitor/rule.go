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

// UsualEarly stands for the early window that a calendar has by itself: the
// smallest of the grace period, a quarter of the gap before the slot, and
// [mostEarly].
const UsualEarly time.Duration = -1

// mostEarly bounds the usual early window: clocks are seldom wrong by more.
const mostEarly = 5 * time.Minute

// MostTolerated bounds AlertAfter, and with it the work of finding a deadline.
const MostTolerated = 100

// Rule is what a heartbeat is judged by.
type Rule struct {
	Interval      time.Duration // from one ping to the next; 0 where there is a Calendar
	Calendar      *Calendar     // the moments at which runs are expected; nil for an interval
	Early         time.Duration // how long before its slot a ping counts for it; UsualEarly, or 0 for not at all
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

// Words says the schedule in plain words, such as "every 5 min".
func (r Rule) Words() string {
	if r.Calendar != nil {
		return r.Calendar.Words()
	}
	return "every " + schedule.Duration(r.Interval)
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

// startClock reports whether a run must have begun sooner than it must have
// come. A start grace as long as the grace period says nothing new.
func (r Rule) startClock() bool { return r.StartGrace > 0 && r.StartGrace < r.Grace }

// open returns how long after a slot its run may still begin: the shortest of the
// times after which silence counts.
func (r Rule) open() time.Duration {
	if r.startClock() {
		return r.StartGrace
	}
	return r.Grace
}

// alertAfter is AlertAfter with its default.
func (r Rule) alertAfter() int { return max(r.AlertAfter, 1) }

// bad tells what is wrong with a run that a ping ended, empty when nothing is.
func (r Rule) bad(p Ping) Outcome {
	switch {
	case p.Kind == Fail:
		return RunFailed
	case p.HasRun && p.RunTime < r.MinRunTime:
		return RunTooShort
	}
	return ""
}

// early is how long before the slot a ping counts for it.
func (r Rule) early(slot time.Time) time.Duration {
	if r.Early >= 0 {
		return r.Early
	}
	window := min(r.Grace, mostEarly)
	if gap, ok := r.gap(slot); ok {
		window = min(window, gap/4)
	}
	return window
}

// gap is the time between a calendar's slot and the one before it. There is
// none before the first.
func (r Rule) gap(slot time.Time) (time.Duration, bool) {
	before, ok := r.Calendar.slots.Prev(slot)
	return slot.Sub(before), ok
}

// punctual is how long after its slot a run of a calendar is still on time. A
// slot is when the scheduler starts the job: it needs a moment to get going.
func (r Rule) punctual(slot time.Time) time.Duration {
	gap, ok := r.gap(slot)
	if !ok {
		return time.Minute
	}
	return min(time.Minute, gap/10)
}

// earlyFor returns the slot that a ping at t is early for, zero when there is
// none: intervals have no slots of their own to be early for.
func (r Rule) earlyFor(t time.Time) time.Time {
	if r.Calendar == nil {
		return time.Time{}
	}
	slot, ok := r.Calendar.slots.Next(t)
	if !ok || slot.Sub(t) > r.early(slot) {
		return time.Time{}
	}
	return slot
}
