package manage

import (
	"context"
	"slices"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// HeartbeatQuery says which heartbeats are listed. Empty members do not filter.
type HeartbeatQuery struct {
	Status string
	Tag    string
	Text   string // in name, slug, description or tag
	Sort   string // one of sorts, name when empty
	Page
}

// sorts are the orders of the list of heartbeats, the usual one first.
var sorts = []string{"name", "created", "due"}

// check returns what is wrong with the query.
func (q HeartbeatQuery) check() error {
	f := &faults{}
	if q.Status != "" && !slices.Contains(monitor.Statuses, monitor.Status(q.Status)) {
		f.wrong("status", "There is no status %q: ask for new, up, late, down or paused.", q.Status)
	}
	if !slices.Contains(sorts, q.Sort) {
		f.wrong("sort", "There is no order %q: ask for name, created or due.", q.Sort)
	}
	if !askable(q.Tag) {
		f.wrong("tag", "No tag has control characters.")
	}
	if !askable(q.Text) {
		f.wrong("q", "Look for a text without control characters.")
	}
	return f.err()
}

// Heartbeats lists the heartbeats of the actor's project.
func (d *Desk) Heartbeats(ctx context.Context, a auth.Actor, q HeartbeatQuery) (Listing[monitor.Heartbeat], error) {
	var listing Listing[monitor.Heartbeat]
	if q.Sort == "" {
		q.Sort = sorts[0]
	}
	if err := may(a, auth.Read); err != nil {
		return listing, err
	}
	if err := q.check(); err != nil {
		return listing, err
	}
	list := "heartbeats/" + q.Sort
	from, limit, err := q.place(list)
	if err != nil {
		return listing, err
	}
	filter := store.HeartbeatFilter{
		Project: a.Project.Key, Status: monitor.Status(q.Status), Tag: q.Tag, Text: q.Text, IDs: a.SeesPingURLs(), Sort: q.Sort, After: from, Limit: limit,
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		items, last, err := tx.Heartbeats(filter)
		if err != nil {
			return err
		}
		listing = Listing[monitor.Heartbeat]{Items: items}
		if err := veil(tx, a, items); err != nil || len(items) < limit {
			return err
		}
		filter.After, filter.Limit = last, 1
		more, _, err := tx.Heartbeats(filter)
		if len(more) > 0 {
			listing.Next = place{list, last}.String()
		}
		return err
	})
	return listing, err
}

// heartbeat returns one by id or ref.
func heartbeat(tx *store.Tx, a auth.Actor, idOrRef string) (monitor.Heartbeat, error) {
	if !askable(idOrRef) {
		return monitor.Heartbeat{}, absent("heartbeat")
	}
	return tx.Heartbeat(a.Project.Key, idOrRef)
}

// Heartbeat returns one by id or ref.
func (d *Desk) Heartbeat(ctx context.Context, a auth.Actor, idOrRef string) (monitor.Heartbeat, error) {
	return d.readHeartbeat(ctx, a, func(tx *store.Tx) (monitor.Heartbeat, error) { return heartbeat(tx, a, idOrRef) })
}

// HeartbeatBySlug returns one by its slug.
func (d *Desk) HeartbeatBySlug(ctx context.Context, a auth.Actor, slug string) (monitor.Heartbeat, error) {
	return d.readHeartbeat(ctx, a, func(tx *store.Tx) (monitor.Heartbeat, error) {
		if !askable(slug) {
			return monitor.Heartbeat{}, absent("heartbeat")
		}
		return tx.HeartbeatWithSlug(a.Project.Key, slug)
	})
}

// readHeartbeat returns a heartbeat as the actor may see it.
func (d *Desk) readHeartbeat(ctx context.Context, a auth.Actor, find func(*store.Tx) (monitor.Heartbeat, error)) (h monitor.Heartbeat, err error) {
	if err := may(a, auth.Read); err != nil {
		return h, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		if h, err = find(tx); err != nil {
			return err
		}
		h, err = veiled(tx, a, h)
		return err
	})
	return h, err
}

// Pings lists the pings of a heartbeat, newest first, without their bodies.
func (d *Desk) Pings(ctx context.Context, a auth.Actor, idOrRef string, p Page) (h monitor.Heartbeat, listing Listing[monitor.Ping], err error) {
	if err := may(a, auth.Read); err != nil {
		return h, listing, err
	}
	from, limit, err := p.place("pings")
	if err != nil {
		return h, listing, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		if h, err = heartbeat(tx, a, idOrRef); err != nil {
			return err
		}
		pings, err := tx.Pings(h.Key, from.Key, limit+1)
		if err != nil {
			return err
		}
		listing = cut(pings, limit, "pings", func(p monitor.Ping) int64 { return p.N })
		if err := veilPings(tx, a, h.ID, listing.Items); err != nil {
			return err
		}
		h, err = veiled(tx, a, h)
		return err
	})
	return h, listing, err
}

// Ping returns one ping with its body.
func (d *Desk) Ping(ctx context.Context, a auth.Actor, idOrRef string, n int64) (p monitor.Ping, err error) {
	if err := may(a, auth.Read); err != nil {
		return p, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		h, err := heartbeat(tx, a, idOrRef)
		if err != nil {
			return err
		}
		if p, err = tx.Ping(h.Key, n); err != nil {
			return err
		}
		one := []monitor.Ping{p}
		err = veilPings(tx, a, h.ID, one)
		p = one[0]
		return err
	})
	return p, err
}
