package manage

import (
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// planHeartbeat plans the maintenance of a locked heartbeat that was added, restored, or got other tags.
func planHeartbeat(tx *store.Tx, h monitor.Heartbeat, s effects, now changeTime) (monitor.Heartbeat, effects, error) {
	p, err := tx.PlanHeartbeat(h, now.at, now.watermark)
	if err != nil || len(p.Changed) == 0 {
		return h, s, err
	}
	s.pending = s.pending || p.NewAlerts > 0
	s.nextDue, s.changedHeartbeat = monitor.Earlier(s.nextDue, p.NextDue), h.Key
	id := h.OpenIncident
	if h = p.Last; h.Status == monitor.Down && h.OpenIncident == "" {
		saved, err := tx.HeartbeatByKey(h.Key)
		if err != nil {
			return h, s, err
		}
		id = saved.OpenIncident
	}
	if h.Status == monitor.Down {
		h.OpenIncident = id
	}
	return h, s, nil
}
