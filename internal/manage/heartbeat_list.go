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
	PageQuery
}

// heartbeatSorts are the orders of the list of heartbeats, the usual one first.
var heartbeatSorts = []string{"name", "created", "due"}

// validate returns what is wrong with the query.
func (q HeartbeatQuery) validate() error {
	f := &validator{}
	if q.Status != "" && !slices.Contains(monitor.Statuses, monitor.Status(q.Status)) {
		f.reject("status", "There is no status %q: ask for new, up, late, down or paused.", q.Status)
	}
	if !slices.Contains(heartbeatSorts, q.Sort) {
		f.reject("sort", "There is no order %q: ask for name, created or due.", q.Sort)
	}
	if !isSearchable(q.Tag) {
		f.reject("tag", "No tag has control characters.")
	}
	if !isSearchable(q.Text) {
		f.reject("q", "Look for a text without control characters.")
	}
	return f.err()
}

// Heartbeats lists the heartbeats of the actor's project.
func (d *Service) Heartbeats(ctx context.Context, a auth.Actor, q HeartbeatQuery) (ListPage[monitor.Heartbeat], error) {
	var listing ListPage[monitor.Heartbeat]
	if q.Sort == "" {
		q.Sort = heartbeatSorts[0]
	}
	if err := authorize(a, auth.Read); err != nil {
		return listing, err
	}
	if err := q.validate(); err != nil {
		return listing, err
	}
	list := "heartbeats/" + q.Sort
	from, limit, err := q.position(list)
	if err != nil {
		return listing, err
	}
	filter := store.HeartbeatFilter{
		Project: a.Project.Key, Status: monitor.Status(q.Status), Tag: q.Tag, Text: q.Text, SearchIDs: a.SeesPingURLs(), Sort: q.Sort, After: from, Limit: limit,
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		items, last, err := tx.Heartbeats(filter)
		if err != nil {
			return err
		}
		listing = ListPage[monitor.Heartbeat]{Items: items}
		if err := redactHeartbeats(tx, a, items); err != nil || len(items) < limit {
			return err
		}
		filter.After, filter.Limit = last, 1
		more, _, err := tx.Heartbeats(filter)
		if len(more) > 0 {
			listing.Next = listCursor{list, last}.String()
		}
		return err
	})
	return listing, err
}

// findHeartbeat returns one by id or ref.
func findHeartbeat(tx *store.Tx, a auth.Actor, idOrRef string) (monitor.Heartbeat, error) {
	if !isSearchable(idOrRef) {
		return monitor.Heartbeat{}, notFound("heartbeat")
	}
	return tx.Heartbeat(a.Project.Key, idOrRef)
}

// Heartbeat returns one by id or ref.
func (d *Service) Heartbeat(ctx context.Context, a auth.Actor, idOrRef string) (monitor.Heartbeat, error) {
	return d.readHeartbeat(ctx, a, func(tx *store.Tx) (monitor.Heartbeat, error) { return findHeartbeat(tx, a, idOrRef) })
}

// HeartbeatBySlug returns one by its slug.
func (d *Service) HeartbeatBySlug(ctx context.Context, a auth.Actor, slug string) (monitor.Heartbeat, error) {
	return d.readHeartbeat(ctx, a, func(tx *store.Tx) (monitor.Heartbeat, error) {
		if !isSearchable(slug) {
			return monitor.Heartbeat{}, notFound("heartbeat")
		}
		return tx.HeartbeatWithSlug(a.Project.Key, slug)
	})
}

// readHeartbeat returns a heartbeat as the actor may see it.
func (d *Service) readHeartbeat(ctx context.Context, a auth.Actor, find func(*store.Tx) (monitor.Heartbeat, error)) (h monitor.Heartbeat, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return h, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		if h, err = find(tx); err != nil {
			return err
		}
		h, err = redactHeartbeat(tx, a, h)
		return err
	})
	return h, err
}

// Pings lists the pings of a heartbeat, newest first, without their bodies.
func (d *Service) Pings(ctx context.Context, a auth.Actor, idOrRef string, p PageQuery) (h monitor.Heartbeat, listing ListPage[monitor.Ping], err error) {
	if err := authorize(a, auth.Read); err != nil {
		return h, listing, err
	}
	from, limit, err := p.position("pings")
	if err != nil {
		return h, listing, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		if h, err = findHeartbeat(tx, a, idOrRef); err != nil {
			return err
		}
		pings, err := tx.Pings(h.Key, from.Key, limit+1)
		if err != nil {
			return err
		}
		listing = paginate(pings, limit, "pings", func(p monitor.Ping) int64 { return p.Number })
		if err := redactPings(tx, a, h.ID, listing.Items); err != nil {
			return err
		}
		h, err = redactHeartbeat(tx, a, h)
		return err
	})
	return h, listing, err
}

// Ping returns one ping with its body.
func (d *Service) Ping(ctx context.Context, a auth.Actor, idOrRef string, n int64) (p monitor.Ping, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return p, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		h, err := findHeartbeat(tx, a, idOrRef)
		if err != nil {
			return err
		}
		if p, err = tx.Ping(h.Key, n); err != nil {
			return err
		}
		one := []monitor.Ping{p}
		err = redactPings(tx, a, h.ID, one)
		p = one[0]
		return err
	})
	return p, err
}
