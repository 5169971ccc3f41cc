package monitor

import (
	"slices"
	"time"
)

// ShiftBack returns the heartbeat after the clock was set back: what happened some time ago happened
// the same time ago. Slots of a calendar stay where they are.
func (h Heartbeat) ShiftBack(by time.Duration) Heartbeat {
	for _, t := range []*time.Time{
		&h.CountedFrom, &h.StaleBefore, &h.LastPing, &h.LastStart, &h.History.DecidedUntil, &h.Blackout.RestartedAfter.From, &h.Blackout.RestartedAfter.To,
	} {
		if !t.IsZero() {
			*t = t.Add(-by)
		}
	}
	h.ActiveRuns = slices.Clone(h.ActiveRuns)
	for i := range h.ActiveRuns {
		h.ActiveRuns[i].StartedAt = h.ActiveRuns[i].StartedAt.Add(-by)
	}
	h.FinishedRuns = slices.Clone(h.FinishedRuns)
	for i := range h.FinishedRuns {
		h.FinishedRuns[i].EndedAt = h.FinishedRuns[i].EndedAt.Add(-by)
	}
	if h.Rule.Calendar == nil && !h.Tolerated.LastSlot.IsZero() {
		h.Tolerated.LastSlot = h.Tolerated.LastSlot.Add(-by)
	}
	return h
}
