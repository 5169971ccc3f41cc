package monitor

import "time"

// The slots of a calendar are where it says. Those of an interval are counted
// from the last ping, or from the moment of resuming, and move with it.

// step is the interval, never 0.
func (r Rule) step() time.Duration { return max(r.Interval, Tick) }

// slotAfter returns the first slot after t, which is not before From. Zero when
// there is none.
func (h Heartbeat) slotAfter(t time.Time) time.Time {
	if c := h.Rule.Calendar; c != nil {
		slot, _ := c.slots.Next(t) // zero where there is none
		return slot
	}
	step := h.Rule.step()
	return h.From.Add(step * (t.Sub(h.From)/step + 1))
}

// slotBy returns the last slot no later than t and after floor, zero when there
// is none.
func (h Heartbeat) slotBy(t, floor time.Time) time.Time {
	var slot time.Time
	if c := h.Rule.Calendar; c != nil {
		slot, _ = c.slots.Prev(t.Add(Tick))
	} else if step := h.Rule.step(); !h.From.IsZero() && t.Sub(h.From) >= step {
		slot = h.From.Add(step * (t.Sub(h.From) / step))
	}
	if !slot.After(floor) {
		return time.Time{}
	}
	return slot
}

// BadRuns is how many bad runs there were in a row, before the silence that
// lasts.
func (h Heartbeat) BadRuns() int { return h.Bad + h.Lapsed.Runs }

// counted is the moment up to which slots are no longer waited for: those that
// had come at the last ping, the one that it was early for, and those that a
// clock has counted as bad since.
func (h Heartbeat) counted() time.Time { return later(later(h.From, h.Slot), h.Lapsed.Slot) }

// lastChance is the slot whose silence becomes an incident: as many slots may
// be missed before it as are tolerated.
func (h Heartbeat) lastChance() time.Time {
	slot := h.Due()
	for n := h.Rule.alertAfter() - h.BadRuns(); n > 1 && !slot.IsZero(); n-- {
		slot = h.slotAfter(slot)
	}
	return slot
}

// excused reports whether silence until a deadline is none, because a run that
// began by then is in progress and had not been for too long at the moment at.
func (h Heartbeat) excused(runs []Run, deadline, at time.Time) bool {
	limit := h.Rule.runLimit()
	for _, r := range runs {
		if limit > 0 && !r.Lost && !r.Start.After(deadline) && !r.Start.Add(limit).Before(at) {
			return true
		}
	}
	return false
}
