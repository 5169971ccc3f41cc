package manage

import (
	"context"

	"overdue/internal/auth"
	"overdue/internal/store"
)

// Types of the store that pages use unchanged.
type (
	NewestKeys = store.NewestIDs
	NewMatches = store.NewMatches
)

// NewHeartbeatMatches counts what the list for people would show besides the heartbeats
// with the given keys, which it showed when since was the newest.
func (d *Service) NewHeartbeatMatches(ctx context.Context, a auth.Actor, q HeartbeatListQuery, since NewestKeys, shown []int64) (n NewMatches, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return n, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.NewHeartbeatMatches(q.storeFilter(a), since, shown)
		return err
	})
	return n, err
}

// NewIncidentMatches is HeartbeatNews for the list of incidents.
func (d *Service) NewIncidentMatches(ctx context.Context, a auth.Actor, q IncidentListQuery, since NewestKeys, shown []string) (n NewMatches, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return n, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.NewIncidentMatches(q.storeFilter(a), since, shown)
		return err
	})
	return n, err
}
