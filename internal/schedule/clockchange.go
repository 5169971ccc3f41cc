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
	Shifted Effect = iota // nothing but that the slots keep their time on the clock
	Skipped               // the clock skips slots, and they are not made up for
	MadeUp                // the clock skips slots, and they are due right after the change
	Once                  // the clock shows slots twice, and they are due the first time only
	Twice                 // the clock shows slots twice, and they are due both times
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

	forward     bool
	when, after string // the day, and what the clock shows after the change
}

// soon is how near a change must be that only shifts.
const soon = 14 * 24 * time.Hour

// mostTold bounds how many are told.
const mostTold = 4

// mostSpans bounds the search: the next five of a slot that comes once in
// 28 years have the clock changed 280 times between them.
const mostSpans = 400

// changes are those after at that touch slots within foresight or up to the last
// slot that is shown, and those nearby that only shift.
func (u *union) changes(at, last time.Time) []ClockChange {
	end := at.Add(foresight)
	if last.After(end) {
		end = last
	}
	near := at.Add(soon)
	if last.After(near) {
		near = last
	}
	var all []ClockChange
	for _, part := range u.parts {
		for _, c := range part.changes(at, end) {
			if c.Effect != Shifted || !c.At.After(near) {
				all = joined(all, c)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b ClockChange) int { return a.At.Compare(b.At) })
	var told []ClockChange
	for _, c := range all {
		// The same again a year later is no news.
		known := slices.ContainsFunc(told, func(k ClockChange) bool { return k.Effect == c.Effect && k.Zone == c.Zone && k.forward == c.forward })
		if !known && len(told) < mostTold {
			told = append(told, c)
		}
	}
	return told
}

// joined adds a change to those of the other lines: what happens to several lines at
// once is told once, and a shift only where nothing else is to be told.
func joined(all []ClockChange, c ClockChange) []ClockChange {
	for i, known := range all {
		switch {
		case !known.At.Equal(c.At) || known.Zone != c.Zone:
		case c.Effect == Shifted:
			return all
		case known.Effect == Shifted:
			all[i] = c
			return all
		case known.Effect == c.Effect:
			all[i].First, all[i].Last = min(known.First, c.First), max(known.Last, c.Last)
			return all
		}
	}
	return append(all, c)
}

// changes looks at each change of the zone after one moment and up to another.
func (t *timetable) changes(from, to time.Time) []ClockChange {
	var all []ClockChange
	at, end := clamp(from, 0), clamp(to, 0)
	for range mostSpans {
		at = spanAt(t.loc, at).end
		if at > end || at >= instant(horizon) {
			break
		}
		if c, ok := t.changeAt(spanAt(t.loc, at)); ok {
			all = append(all, c)
		}
	}
	return all
}

// changeAt says what the jump to the beginning of a span does. It is false when the
// offset stays, or when nobody needs to know.
func (t *timetable) changeAt(s span) (ClockChange, bool) {
	reached, first := s.reached(t.loc), s.firstReading()
	allDay := t.hours == numbers(0, 23)
	c := ClockChange{At: s.start.time(), Zone: t.zone, forward: first > reached}
	floor, catchUp := t.custom(reached, first)
	switch {
	case first == reached:
		return c, false
	case c.forward:
		c.Effect = Skipped
		if catchUp {
			c.Effect = MadeUp
		}
	default:
		c.Effect = Twice
		if floor > first {
			c.Effect = Once
		}
	}
	if allDay && c.Effect != Once {
		return c, false
	}
	c.when = s.start.time().In(t.loc).Format("Monday 2 January 2006")
	c.after = s.wholeMinute().time().In(t.loc).Format("15:04")
	low, high := min(first, reached), max(first, reached)
	w, ok := t.pattern.next(low)
	if !ok || w >= high {
		c.Effect = Shifted
		return c, !allDay
	}
	// There is one below high, so there is a last one.
	lastOne, _ := t.pattern.prev(high - 1)
	c.First, c.Last = reading(w), reading(lastOne)
	return c, true
}

// reading is the time of day, with seconds where there are any.
func reading(w wall) string {
	t := instant(w).time()
	if t.Second() != 0 {
		return t.Format("15:04:05")
	}
	return t.Format("15:04")
}

// Sentence tells the change, such as
// "On Sunday 28 March 2027 the clock skips 02:30: it is due at 03:00 instead."
func (c ClockChange) Sentence() string {
	one := c.First == c.Last
	slots, it, comes := c.First, "it is", "comes"
	if !one {
		slots, it, comes = c.First+" to "+c.Last, "they are", "come"
	}
	switch c.Effect {
	case Skipped:
		return fmt.Sprintf("On %s the clock skips %s: nothing is due then.", c.when, slots)
	case MadeUp:
		if one {
			return fmt.Sprintf("On %s the clock skips %s: it is due at %s instead.", c.when, slots, c.after)
		}
		return fmt.Sprintf("On %s the clock skips %s: they are due at %s instead, all at once.", c.when, slots, c.after)
	case Once:
		return fmt.Sprintf("On %s %s %s twice on the clock: %s due the first time only.", c.when, slots, comes, it)
	case Twice:
		return fmt.Sprintf("On %s %s %s twice on the clock: %s due both times.", c.when, slots, comes, it)
	default:
		direction := "back"
		if c.forward {
			direction = "forward"
		}
		return fmt.Sprintf("Clocks go %s on %s: the times on the clock stay, those in UTC move.", direction, c.when)
	}
}
