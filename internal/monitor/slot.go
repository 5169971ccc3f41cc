package monitor

import "time"

// The slots of a calendar are where it says. Those of an interval are counted
// from the last ping, or from the moment of resuming, and move with it.

// intervalStep returns the interval, which is never 0.
func (r Rule) intervalStep() time.Duration { return max(r.Interval, Precision) }

// slotAfter returns the first slot after t, which is not before CountedFrom. It returns zero if
// none exists.
func (h *Heartbeat) slotAfter(t time.Time) time.Time {
	if c := h.Rule.Calendar; c != nil {
		slot, _ := c.schedule.Next(t) // zero if none exists
		return slot
	}
	step := h.Rule.intervalStep()
	return h.CountedFrom.Add(step * (t.Sub(h.CountedFrom)/step + 1))
}

// lastSlotBy returns the latest slot after floor and not after t, or zero if none exists.
func (h *Heartbeat) lastSlotBy(t, floor time.Time) time.Time {
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

// consecutiveFailures returns the number of failed runs in a row, before the current silence.
func (h *Heartbeat) consecutiveFailures() int { return h.FailedRuns + h.Tolerated.Count }

// countedUntil returns the time up to which slots are no longer expected: those due by the last
// ping, the one that it was early for, and those that timers have counted as failed since.
func (h *Heartbeat) countedUntil() time.Time {
	return laterOf(laterOf(h.CountedFrom, h.EarlySlot), h.Tolerated.LastSlot)
}

// alertingSlot returns the slot whose silence opens an incident: the rule tolerates the expected
// slots before it.
func (h *Heartbeat) alertingSlot() time.Time {
	slot := h.due()
	for n := h.Rule.alertThreshold() - h.consecutiveFailures(); n > 1 && !slot.IsZero(); n-- {
		slot = h.slotAfter(slot)
	}
	return slot
}

// coveredByRun reports whether a run that started by the deadline is active, and had not exceeded
// its time limit at at. So its silence does not count.
func (h *Heartbeat) coveredByRun(runs []ActiveRun, deadline, at time.Time) bool {
	limit := h.Rule.runLimit()
	for _, r := range runs {
		if limit > 0 && !r.Overran && !r.StartedAt.After(deadline) && !r.deadline(limit).Before(at) {
			return true
		}
	}
	return false
}
