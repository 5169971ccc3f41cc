package manage

import (
	"context"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// longestRegret is for how long a deletion can be taken back. It is well below
// the week after which the history of a deleted heartbeat is forgotten.
const longestRegret = 24 * time.Hour

// RestoreHeartbeat takes a deletion back: the same URL pings it again. Unless it
// is to stay paused it is judged from now on, since nobody watched it meanwhile.
func (d *Desk) RestoreHeartbeat(ctx context.Context, a auth.Actor, idOrRef string, paused bool) (h monitor.Heartbeat, err error) {
	if err := may(a, auth.ChangeHeartbeats); err != nil {
		return h, err
	}
	if !askable(idOrRef) {
		return h, absent("heartbeat")
	}
	now, try := stamp(), 0
	err = d.change(ctx, func(tx *store.Tx) (s stir, err error) {
		try++
		if h, err = tx.DeletedHeartbeat(a.Project.Key, idOrRef, now.Add(-longestRegret)); err != nil {
			return s, err
		}
		if err := d.roomForHeartbeat(tx, a); err != nil {
			return s, err
		}
		_, taken, err := tx.HeartbeatBySlug(a.Project.Key, h.Slug)
		if err == nil && taken {
			h.Slug, err = freeSlug(tx, a.Project.Key, h.Name, try)
		}
		if err != nil {
			return s, err
		}
		h.Deleted, h.Updated = time.Time{}, now
		if !paused {
			h = h.Resume(now)
		}
		if err := tx.SaveSettings(h); err != nil {
			return s, err
		}
		if h, s, err = save(tx, h, monitor.Change{}, now); err != nil {
			return s, err
		}
		return s, note(tx, a, now, deed{action: "heartbeat.restore", target: called(h)})
	})
	return h, err
}
