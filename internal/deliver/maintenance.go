package deliver

import (
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// maxHold is the longest time until a reminder that maintenance holds back is looked at again: the
// maintenance can have been ended early.
const maxHold = 5 * time.Minute

// holdInMaintenance makes a claimed reminder wait while its heartbeat is in maintenance, and reports
// whether it is.
func holdInMaintenance(tx *store.Tx, h monitor.Heartbeat, a monitor.Alert, now time.Time) (bool, error) {
	w, open := h.InMaintenance(now)
	if a.Event != monitor.IncidentReminder || !open {
		return false, nil
	}
	until := w.To
	if soon := now.Add(maxHold); soon.Before(until) {
		until = soon
	}
	if err := tx.Hold(a, until); err != nil {
		return true, err
	}
	text := "Reminders wait: the heartbeat is in maintenance until " + w.To.UTC().Format("2006-01-02 15:04:05 UTC") + "."
	return true, tx.AddTimelineEntryOnce(a.Incident, "maintenance", text, now)
}
