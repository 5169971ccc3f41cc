package monitor

import (
	"slices"
	"time"
)

// Limits of the windows in the state of a heartbeat.
const (
	MaxPlanned = 8 // of each maintenance, ahead
	maxPast    = 8 // windows that are over
)

// farFuture is later than any window that is planned.
var farFuture = MutedUntilUnmuted

// PlanMaintenance returns the heartbeat with the windows of all maintenance of its project that covers
// it, and whether they differ from its earlier ones. The past does not change. A window ends now if its
// maintenance was deleted or no longer covers the heartbeat. Deadlines up to the watermark
// are applied first.
func (h Heartbeat) PlanMaintenance(all []Maintenance, now, until time.Time) (Heartbeat, Change, bool) {
	var planned []Window
	for _, m := range all {
		if !m.Covers(h) {
			continue
		}
		for _, w := range m.Windows(now, farFuture, MaxPlanned) {
			w.From = laterOf(w.From, now)
			planned = append(planned, w)
		}
	}
	if h.Maintenance == nil && len(planned) == 0 {
		return h, Change{}, false
	}
	var earlier []Window
	var failed time.Time
	if h.Maintenance != nil {
		earlier, failed = h.Maintenance.Windows, h.Maintenance.Failure.At
	}
	for _, w := range earlier {
		if contains := w.Contains(failed); w.To.After(now) {
			if w.To = now; contains {
				w.To = laterOf(now, failed.Add(Precision)) // it arrived after now; the window must not lose it
			}
		}
		if w.From.Before(w.To) {
			planned = append(planned, w)
		}
	}
	planned = MergeWindows(planned)
	past := slices.IndexFunc(planned, func(w Window) bool { return w.To.After(now) })
	if past < 0 {
		past = len(planned)
	}
	planned = planned[max(0, past-maxPast):]
	if h.Maintenance != nil && slices.EqualFunc(planned, earlier, Window.equal) {
		return h, Change{}, false
	}
	h, change := h.Evaluate(until)
	h, closed := h.recordSilence(until)
	change.ClosedSpans = append(change.ClosedSpans, closed...)
	return h.changeMaintenance(func(s *MaintenanceState) { s.Windows = planned }), change, true
}

// equal reports whether two windows are the same.
func (w Window) equal(v Window) bool {
	return w.From.Equal(v.From) && w.To.Equal(v.To) && w.Reason == v.Reason
}

// ReplanAt returns when more windows of the maintenance have to be planned: some that are planned are
// left then. It returns zero if all are planned.
func (m Maintenance) ReplanAt(now time.Time) time.Time {
	if all := m.Windows(now, farFuture, MaxPlanned); m.Calendar != nil && len(all) == MaxPlanned {
		return all[MaxPlanned/2].From
	}
	return time.Time{}
}
