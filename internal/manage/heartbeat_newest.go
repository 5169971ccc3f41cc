package manage

import (
	"context"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// NewestHeartbeats lists up to n heartbeats of the actor's project that were created last,
// the newest first.
func (d *Service) NewestHeartbeats(ctx context.Context, a auth.Actor, n int) (list []monitor.Heartbeat, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return nil, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		if list, err = tx.NewestHeartbeats(a.Project.Key, n); err != nil {
			return err
		}
		return redactHeartbeats(tx, a, list)
	})
	return list, err
}
