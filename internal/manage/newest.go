package manage

import (
	"context"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Newest lists up to n heartbeats of the actor's project that were created last,
// the newest first.
func (d *Desk) Newest(ctx context.Context, a auth.Actor, n int) (list []monitor.Heartbeat, err error) {
	if err := may(a, auth.Read); err != nil {
		return nil, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		if list, err = tx.NewestHeartbeats(a.Project.Key, n); err != nil {
			return err
		}
		return veil(tx, a, list)
	})
	return list, err
}
