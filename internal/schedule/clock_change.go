package schedule

import (
	"fmt"
	"slices"
	"time"

	"overdue/internal/schedule/wallclock"
)

// Effect is the effect of a clock change on a schedule.
type Effect int

// The effects. They depend on the scheduler, see the package documentation.
const (
	EffectShifted Effect = iota // slots keep their wall clock time; their UTC time changes
	EffectSkipped               // the clock skips slots, and they do not run
	EffectMadeUp                // the clock skips slots, and they run directly after the change
	EffectOnce                  // slots occur twice on the clock, and run the first time only
	EffectTwice                 // slots occur twice on the clock, and run both times
)

// ClockChange is a change of the UTC offset that affects slots of a schedule, or that lies between
// its next slots.
//
// A schedule that runs in every hour of the day and follows the wall clock is not affected: it has
// no gap and no repetition.
type ClockChange struct {
	At     time.Time // in UTC
	Zone   string
	Effect Effect
	// First and Last are the affected slots as wall clock times such as "02:30". Both are empty if
	// the change only shifts slots.
	First, Last string

	forward        bool
	day, timeAfter string // the day, and the wall clock time after the change
}

// shiftLookahead is the period ahead in which changes that only shift slots are reported.
const shiftLookahead = 14 * 24 * time.Hour

// maxClockChanges limits the reported changes.
const maxClockChanges = 4

// maxSpansSearched limits the search: the next five slots of a rare schedule (once in 28 years)
// span 280 clock changes.
const maxSpansSearched = 400

// clockChanges returns the changes after at that affect slots within clockChangeLookahead or up to
// the last shown slot, and nearby changes that only shift slots.
func (u *multiLine) clockChanges(at, last time.Time) []ClockChange {
	end := at.Add(clockChangeLookahead)
	if last.After(end) {
		end = last
	}
	near := at.Add(shiftLookahead)
	if last.After(near) {
		near = last
	}
	var all []ClockChange
	for _, part := range u.lines {
		for _, c := range part.clockChanges(at, end) {
			if c.Effect != EffectShifted || !c.At.After(near) {
				all = mergeClockChange(all, c)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b ClockChange) int { return a.At.Compare(b.At) })
	var listed []ClockChange
	for _, c := range all {
		// The same change a year later is not repeated.
		known := slices.ContainsFunc(listed, func(k ClockChange) bool { return k.Effect == c.Effect && k.Zone == c.Zone && k.forward == c.forward })
		if !known && len(listed) < maxClockChanges {
			listed = append(listed, c)
		}
	}
	return listed
}

// mergeClockChange adds a change of one line to those of the other lines. The same change is
// reported once, and a shift only if the change has no other effect.
func mergeClockChange(all []ClockChange, c ClockChange) []ClockChange {
	for i, known := range all {
		switch {
		case !known.At.Equal(c.At) || known.Zone != c.Zone:
		case c.Effect == EffectShifted:
			return all
		case known.Effect == EffectShifted:
			all[i] = c
			return all
		case known.Effect == c.Effect:
			all[i].First, all[i].Last = min(known.First, c.First), max(known.Last, c.Last)
			return all
		}
	}
	return append(all, c)
}

// clockChanges returns the changes of the zone after one time and up to another that affect the
// line.
func (t *lineSchedule) clockChanges(from, to time.Time) []ClockChange {
	var all []ClockChange
	at, end := clampInstant(from, 0), clampInstant(to, 0)
	for range maxSpansSearched {
		at = wallclock.SpanAt(t.loc, at).End
		if at > end || at >= wallclock.Instant(wallclock.SearchEnd) {
			break
		}
		if c, ok := t.clockChangeAt(wallclock.SpanAt(t.loc, at)); ok {
			all = append(all, c)
		}
	}
	return all
}

// clockChangeAt returns the effect of the clock change at the start of a span. It returns false if
// the offset stays the same or if the line is not affected.
func (t *lineSchedule) clockChangeAt(s wallclock.OffsetSpan) (ClockChange, bool) {
	reached, first := s.WallTimeReached(t.loc), s.StartWallTime()
	allDay := t.hours == wallclock.BitsetOf(0, 23)
	c := ClockChange{At: s.Start.UTC(), Zone: t.zone, forward: first > reached}
	floor, catchUp := t.policy(reached, first)
	switch {
	case first == reached:
		return c, false
	case c.forward:
		c.Effect = EffectSkipped
		if catchUp {
			c.Effect = EffectMadeUp
		}
	default:
		c.Effect = EffectTwice
		if floor > first {
			c.Effect = EffectOnce
		}
	}
	if allDay && c.Effect != EffectOnce {
		return c, false
	}
	c.day = s.Start.UTC().In(t.loc).Format("Monday 2 January 2006")
	c.timeAfter = s.FirstWholeMinute().UTC().In(t.loc).Format("15:04")
	low, high := min(first, reached), max(first, reached)
	w, ok := t.pattern.next(low)
	if !ok || w >= high {
		c.Effect = EffectShifted
		return c, !allDay
	}
	// There is a match below high, so there is a last one.
	lastOne, _ := t.pattern.prev(high - 1)
	c.First, c.Last = formatTimeOfDay(w), formatTimeOfDay(lastOne)
	return c, true
}

// formatTimeOfDay formats the time of day, with seconds if they are not zero.
func formatTimeOfDay(w wallclock.WallTime) string {
	t := wallclock.Instant(w).UTC()
	if t.Second() != 0 {
		return t.Format("15:04:05")
	}
	return t.Format("15:04")
}

// Describe returns a sentence such as "On Sunday 28 March 2027 the clock skips 02:30. The run is
// due at 03:00 instead."
func (c ClockChange) Describe() string {
	one := c.First == c.Last
	slots, it := c.First, "The run is"
	if !one {
		slots, it = c.First+" to "+c.Last, "The runs are"
	}
	switch c.Effect {
	case EffectSkipped:
		return fmt.Sprintf("On %s the clock skips %s. No run is due then.", c.day, slots)
	case EffectMadeUp:
		if one {
			return fmt.Sprintf("On %s the clock skips %s. The run is due at %s instead.", c.day, slots, c.timeAfter)
		}
		return fmt.Sprintf("On %s the clock skips %s. These runs are due at %s instead, all at once.", c.day, slots, c.timeAfter)
	case EffectOnce:
		return fmt.Sprintf("On %s the clock shows %s twice. %s due the first time only.", c.day, slots, it)
	case EffectTwice:
		return fmt.Sprintf("On %s the clock shows %s twice. %s due both times.", c.day, slots, it)
	default:
		direction := "back"
		if c.forward {
			direction = "forward"
		}
		return fmt.Sprintf("The clock goes %s on %s. Runs keep their local time, and their UTC time changes.", direction, c.day)
	}
}
