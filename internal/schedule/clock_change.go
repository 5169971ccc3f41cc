package schedule

import (
	"fmt"
	"slices"
	"time"
)

// Effect is what a change of the clock does to a schedule.
type Effect int

// The effects. What they come from is the custom of each scheduler, see the package.
const (
	EffectShifted Effect = iota // nothing but that the slots keep their time on the clock
	EffectSkipped               // the clock skips slots, and they are not made up for
	EffectMadeUp                // the clock skips slots, and they are due right after the change
	EffectOnce                  // the clock shows slots twice, and they are due the first time only
	EffectTwice                 // the clock shows slots twice, and they are due both times
)

// ClockChange is a change of the clock that touches the slots of a schedule, or that
// comes so soon that its next slots lie on both sides of it.
//
// A schedule that is due at every hour of the day and simply follows the clock is
// not touched: no gap arises and nothing is doubled.
type ClockChange struct {
	At     time.Time // in UTC
	Zone   string
	Effect Effect
	// First and Last are the slots that it touches, as times on the clock such as
	// "02:30". Both are empty when it only shifts.
	First, Last string

	forward        bool
	day, timeAfter string // the day, and what the clock shows after the change
}

// shiftLookahead is how near a change must be that only shifts.
const shiftLookahead = 14 * 24 * time.Hour

// maxClockChanges bounds how many are told.
const maxClockChanges = 4

// maxSpansSearched bounds the search: the next five of a slot that comes once in
// 28 years have the clock changed 280 times between them.
const maxSpansSearched = 400

// clockChanges are those after at that touch slots within foresight or up to the last
// slot that is shown, and those nearby that only shift.
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
	var told []ClockChange
	for _, c := range all {
		// The same again a year later is no news.
		known := slices.ContainsFunc(told, func(k ClockChange) bool { return k.Effect == c.Effect && k.Zone == c.Zone && k.forward == c.forward })
		if !known && len(told) < maxClockChanges {
			told = append(told, c)
		}
	}
	return told
}

// mergeClockChange adds a change to those of the other lines: what happens to several lines at
// once is told once, and a shift only where nothing else is to be told.
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

// clockChanges looks at each change of the zone after one moment and up to another.
func (t *lineSchedule) clockChanges(from, to time.Time) []ClockChange {
	var all []ClockChange
	at, end := clampInstant(from, 0), clampInstant(to, 0)
	for range maxSpansSearched {
		at = spanAt(t.loc, at).end
		if at > end || at >= instant(searchEnd) {
			break
		}
		if c, ok := t.clockChangeAt(spanAt(t.loc, at)); ok {
			all = append(all, c)
		}
	}
	return all
}

// clockChangeAt says what the jump to the beginning of a span does. It is false when the
// offset stays, or when nobody needs to know.
func (t *lineSchedule) clockChangeAt(s offsetSpan) (ClockChange, bool) {
	reached, first := s.wallTimeReached(t.loc), s.startWallTime()
	allDay := t.hours == bitsetOf(0, 23)
	c := ClockChange{At: s.start.utc(), Zone: t.zone, forward: first > reached}
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
	c.day = s.start.utc().In(t.loc).Format("Monday 2 January 2006")
	c.timeAfter = s.firstWholeMinute().utc().In(t.loc).Format("15:04")
	low, high := min(first, reached), max(first, reached)
	w, ok := t.pattern.next(low)
	if !ok || w >= high {
		c.Effect = EffectShifted
		return c, !allDay
	}
	// There is one below high, so there is a last one.
	lastOne, _ := t.pattern.prev(high - 1)
	c.First, c.Last = formatTimeOfDay(w), formatTimeOfDay(lastOne)
	return c, true
}

// formatTimeOfDay is the time of day, with seconds where there are any.
func formatTimeOfDay(w wallTime) string {
	t := instant(w).utc()
	if t.Second() != 0 {
		return t.Format("15:04:05")
	}
	return t.Format("15:04")
}

// Describe tells the change, such as
// "On Sunday 28 March 2027 the clock skips 02:30: it is due at 03:00 instead."
func (c ClockChange) Describe() string {
	one := c.First == c.Last
	slots, it, comes := c.First, "it is", "comes"
	if !one {
		slots, it, comes = c.First+" to "+c.Last, "they are", "come"
	}
	switch c.Effect {
	case EffectSkipped:
		return fmt.Sprintf("On %s the clock skips %s: nothing is due then.", c.day, slots)
	case EffectMadeUp:
		if one {
			return fmt.Sprintf("On %s the clock skips %s: it is due at %s instead.", c.day, slots, c.timeAfter)
		}
		return fmt.Sprintf("On %s the clock skips %s: they are due at %s instead, all at once.", c.day, slots, c.timeAfter)
	case EffectOnce:
		return fmt.Sprintf("On %s %s %s twice on the clock: %s due the first time only.", c.day, slots, comes, it)
	case EffectTwice:
		return fmt.Sprintf("On %s %s %s twice on the clock: %s due both times.", c.day, slots, comes, it)
	default:
		direction := "back"
		if c.forward {
			direction = "forward"
		}
		return fmt.Sprintf("Clocks go %s on %s: the times on the clock stay, those in UTC move.", direction, c.day)
	}
}
