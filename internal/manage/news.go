package manage

import (
	"context"

	"overdue/internal/auth"
	"overdue/internal/store"
)

// Types of the store that pages use unchanged.
type (
	Newest = store.Newest
	News   = store.News
)

// HeartbeatNews counts what the list for people would show besides the heartbeats
// with the given keys, which it showed when since was the newest.
func (d *Desk) HeartbeatNews(ctx context.Context, a auth.Actor, q OverviewQuery, since Newest, shown []int64) (n News, err error) {
	if err := may(a, auth.Read); err != nil {
		return n, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.HeartbeatNews(q.filter(a), since, shown)
		return err
	})
	return n, err
}

// IncidentNews is HeartbeatNews for the list of incidents.
func (d *Desk) IncidentNews(ctx context.Context, a auth.Actor, q IncidentListQuery, since Newest, shown []string) (n News, err error) {
	if err := may(a, auth.Read); err != nil {
		return n, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.IncidentNews(q.search(a), since, shown)
		return err
	})
	return n, err
}
