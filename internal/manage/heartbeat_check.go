package manage

import (
	"context"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// ValidateHeartbeat returns the heartbeat that an edit would make, and every fault
// of it. Nothing is kept: it is for forms that are being filled in.
func (d *Service) ValidateHeartbeat(ctx context.Context, a auth.Actor, e HeartbeatEdit) (h monitor.Heartbeat, err error) {
	if err := authorize(a, auth.ChangeHeartbeats); err != nil {
		return h, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		channels, err := tx.ChannelRoutes(a.Project.Key)
		if err != nil {
			return err
		}
		var f *validator
		now := currentTime()
		h, f = e.apply(newHeartbeat(a.Project.Key, now), editContext{a.Project, channels, now})
		return f.err()
	})
	return h, err
}

// HeartbeatKeys returns the keys of heartbeats by their refs; those that are gone are
// left out.
func (d *Service) HeartbeatKeys(ctx context.Context, a auth.Actor, refs []string) (keys []int64, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return nil, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.HeartbeatKeys(a.Project.Key, refs)
		return err
	})
	return keys, err
}
