package manage

import (
	"context"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// restorePeriod is the period in which a deletion can be undone. It is well below the week after which
// the history of a deleted heartbeat is removed.
const restorePeriod = 24 * time.Hour

// RestoreHeartbeat undoes a deletion: the ping URL works again. Unless paused is set, the
// heartbeat is evaluated from now on, because nothing monitored it in between.
func (svc *Service) RestoreHeartbeat(ctx context.Context, a auth.Actor, idOrRef string, paused bool) (h monitor.Heartbeat, err error) {
	if err := authorize(a, auth.ChangeHeartbeats); err != nil {
		return h, err
	}
	if !isSearchable(idOrRef) {
		return h, notFound("heartbeat")
	}
	now, try := svc.currentTime(), 0
	err = svc.update(ctx, func(tx *store.Tx) (s effects, err error) {
		try++
		if h, err = tx.DeletedHeartbeatForUpdate(a.Project.Key, idOrRef, now.Add(-restorePeriod)); err != nil {
			return s, err
		}
		if err := svc.checkHeartbeatLimit(tx, a); err != nil {
			return s, err
		}
		_, taken, err := tx.LockHeartbeatBySlug(a.Project.Key, h.Slug)
		if err == nil && taken {
			h.Slug, err = availableSlug(tx, a.Project.Key, h.Name, try)
		}
		if err != nil {
			return s, err
		}
		h.Deleted, h.Updated = time.Time{}, now
		if !paused {
			h = h.Resume(now)
		}
		if err := tx.SaveHeartbeatSettings(h); err != nil {
			return s, err
		}
		if h, s, err = saveChange(tx, h, monitor.Change{}, now); err != nil {
			return s, err
		}
		if h, s, err = planHeartbeat(tx, h, s, changeTime{now, func(string) time.Time { return now }}); err != nil {
			return s, err
		}
		return s, writeAudit(tx, a, now, auditEntry{action: "heartbeat.restore", target: heartbeatLabel(h)})
	})
	return h, err
}

// DeleteHeartbeat deletes a heartbeat: its pings then get 404. Its incidents stay.
func (svc *Service) DeleteHeartbeat(ctx context.Context, a auth.Actor, idOrRef string) error {
	_, err := svc.updateHeartbeat(ctx, a, idOrRef, func(tx *store.Tx, h monitor.Heartbeat, now changeTime) (monitor.Heartbeat, effects, error) {
		h, change := h.Delete(now.at, now.watermark(h.ID))
		h, s, err := saveChange(tx, h, change, now.at)
		if err != nil {
			return h, s, err
		}
		if err := tx.SaveHeartbeatSettings(h); err != nil {
			return h, s, err
		}
		return h, s, writeAudit(tx, a, now.at, auditEntry{action: "heartbeat.delete", target: heartbeatLabel(h)})
	})
	return err
}
