package monitor

import "time"

// The slots of a calendar are where it says. Those of an interval are counted
// from the last ping, or from the moment of resuming, and move with it.

// intervalStep is the interval, never 0.
func (r Rule) intervalStep() time.Duration { return max(r.Interval, Precision) }

// slotAfter returns the first slot after t, which is not before From. Zero when
// there is none.
func (h Heartbeat) slotAfter(t time.Time) time.Time {
	if c := h.Rule.Calendar; c != nil {
		slot, _ := c.schedule.Next(t) // zero where there is none
		return slot
	}
	step := h.Rule.intervalStep()
	return h.CountedFrom.Add(step * (t.Sub(h.CountedFrom)/step + 1))
}

// lastSlotBy returns the last slot no later than t and after floor, zero when there
// is none.
func (h Heartbeat) lastSlotBy(t, floor time.Time) time.Time {
	var slot time.Time
	if c := h.Rule.Calendar; c != nil {
		slot, _ = c.schedule.Prev(t.Add(Precision))
	} else if step := h.Rule.intervalStep(); !h.CountedFrom.IsZero() && t.Sub(h.CountedFrom) >= step {
		slot = h.CountedFrom.Add(step * (t.Sub(h.CountedFrom) / step))
	}
	if !slot.After(floor) {
		return time.Time{}
	}
	return slot
}

// ConsecutiveFailures is how many bad runs there were in a row, before the silence that
// lasts.
func (h Heartbeat) ConsecutiveFailures() int { return h.FailedRuns + h.Tolerated.Count }

// countedUntil is the moment up to which slots are no longer waited for: those that
// had come at the last ping, the one that it was early for, and those that a
// clock has counted as bad since.
func (h Heartbeat) countedUntil() time.Time {
	return laterOf(laterOf(h.CountedFrom, h.EarlySlot), h.Tolerated.LastSlot)
}

// alertingSlot is the slot whose silence becomes an incident: as many slots may
// be missed before it as are tolerated.
func (h Heartbeat) alertingSlot() time.Time {
	slot := h.Due()
	for n := h.Rule.alertThreshold() - h.ConsecutiveFailures(); n > 1 && !slot.IsZero(); n-- {
		slot = h.slotAfter(slot)
	}
	return slot
}

// coveredByRun reports whether silence until a deadline is none, because a run that
// began by then is in progress and had not been for too long at the moment at.
func (h Heartbeat) coveredByRun(runs []ActiveRun, deadline, at time.Time) bool {
	limit := h.Rule.runLimit()
	for _, r := range runs {
		if limit > 0 && !r.Overran && !r.StartedAt.After(deadline) && !r.StartedAt.Add(limit).Before(at) {
			return true
		}
	}
	return false
}
