package manage

import (
	"context"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// restorePeriod is for how long a deletion can be taken back. It is well below
// the week after which the history of a deleted heartbeat is forgotten.
const restorePeriod = 24 * time.Hour

// RestoreHeartbeat takes a deletion back: the same URL pings it again. Unless it
// is to stay paused it is judged from now on, since nobody watched it meanwhile.
func (d *Service) RestoreHeartbeat(ctx context.Context, a auth.Actor, idOrRef string, paused bool) (h monitor.Heartbeat, err error) {
	if err := authorize(a, auth.ChangeHeartbeats); err != nil {
		return h, err
	}
	if !isSearchable(idOrRef) {
		return h, notFound("heartbeat")
	}
	now, try := currentTime(), 0
	err = d.update(ctx, func(tx *store.Tx) (s effects, err error) {
		try++
		if h, err = tx.DeletedHeartbeatForUpdate(a.Project.Key, idOrRef, now.Add(-restorePeriod)); err != nil {
			return s, err
		}
		if err := d.checkHeartbeatLimit(tx, a); err != nil {
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
		return s, writeAudit(tx, a, now, auditEntry{action: "heartbeat.restore", target: heartbeatLabel(h)})
	})
	return h, err
}
