package monitor

import (
	"fmt"
	"time"

	"overdue/internal/schedule"
)

// countsFromWindow returns the window from whose end the wait counts, because it excused the expected
// run.
func (h Heartbeat) countsFromWindow() (w Window, ok bool) {
	if h.Maintenance == nil || h.Maintenance.Restarted.To.IsZero() {
		return w, false
	}
	w = h.Maintenance.Restarted
	return w, h.CountedFrom.Equal(w.To) || h.CountedFrom.Equal(w.To.Add(-Precision))
}

// explainExcused describes the time by which windows move a deadline.
func explainExcused(d time.Duration) string {
	return " + " + schedule.FormatDuration(max(d.Round(time.Second), time.Second)) + " because of maintenance"
}

// explainHeld ends the reason of an incident whose failure was reported in a window.
func explainHeld(w Window) string {
	return fmt.Sprintf(" This was during maintenance, and no run succeeded before it ended at %s.", formatTime(w.To))
}

// ExplainMaintenance describes what a window in progress means for the heartbeat, or returns "".
func (h Heartbeat) ExplainMaintenance(now time.Time) string {
	w, open := h.InMaintenance(now)
	if !open || h.Status == Paused {
		return ""
	}
	text := " In maintenance until " + formatTime(w.To)
	if w.Reason != "" {
		text += " (" + w.Reason + ")"
	}
	if h.Status == Down {
		return text + ": the incident stays open until a run succeeds. Reminders wait until then."
	}
	text += ": runs that are due before are excused."
	if f := h.Maintenance.Failure; !f.At.IsZero() {
		text += fmt.Sprintf(" %s If no run succeeds before %s, an incident opens then.", f.Reason, formatTime(w.To))
	}
	return text
}
