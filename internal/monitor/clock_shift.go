package monitor

import (
	"slices"
	"time"
)

// ShiftBack returns the heartbeat after the clock was set back: what happened some time ago happened
// the same time ago. Only times from since on shift, because only they were read from the wrong
// clock. Slots of a calendar stay where they are.
func (h Heartbeat) ShiftBack(by time.Duration, since time.Time) Heartbeat {
	shift := func(t *time.Time) {
		if !t.IsZero() && !t.Before(since) {
			*t = t.Add(-by)
		}
	}
	for _, t := range []*time.Time{
		&h.CountedFrom, &h.StaleBefore, &h.LastPing, &h.LastStart, &h.History.DecidedUntil, &h.Blackout.RestartedAfter.From, &h.Blackout.RestartedAfter.To,
	} {
		shift(t)
	}
	if h.Maintenance != nil { // windows stay where they are
		h = h.changeMaintenance(func(s *MaintenanceState) {
			for _, t := range []*time.Time{&s.Applied, &s.Restarted.From, &s.Restarted.To} {
				shift(t)
			}
		})
	}
	h.ActiveRuns = slices.Clone(h.ActiveRuns)
	for i := range h.ActiveRuns {
		shift(&h.ActiveRuns[i].StartedAt)
	}
	h.FinishedRuns = slices.Clone(h.FinishedRuns)
	for i := range h.FinishedRuns {
		shift(&h.FinishedRuns[i].EndedAt)
	}
	h.Hosts = slices.Clone(h.Hosts)
	for i := range h.Hosts {
		shift(&h.Hosts[i].At)
		shift(&h.Hosts[i].Success)
	}
	if h.Rule.Calendar == nil {
		shift(&h.Tolerated.LastSlot)
	}
	return h
}
