package manage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// refOf is the ref of a heartbeat: stable, and of no use to find the id. An id
// has 122 random bits, so a fast hash cannot be turned round.
func refOf(id string) string {
	sum := sha256.Sum256([]byte("overdue ref" + id))
	return hex.EncodeToString(sum[:16])
}

// CreateHeartbeat makes a new heartbeat. Name and a schedule are required; a slug
// that is not given is made from the name.
func (d *Desk) CreateHeartbeat(ctx context.Context, a auth.Actor, e HeartbeatEdit) (h monitor.Heartbeat, err error) {
	if err := may(a, auth.ChangeHeartbeats); err != nil {
		return h, err
	}
	now, try := stamp(), 0
	err = d.change(ctx, func(tx *store.Tx) (s stir, err error) {
		try++
		wanted := e
		if e.Slug == nil && e.Name != nil {
			slug, err := freeSlug(tx, a.Project.Key, *e.Name, try)
			if err != nil {
				return s, err
			}
			wanted.Slug = &slug
		} else if e.Slug != nil {
			if err := free(tx, a.Project.Key, *e.Slug); err != nil {
				return s, err
			}
		}
		h, err = d.create(tx, a, wanted, now)
		return stir{next: h.Next()}, err
	})
	return h, err
}

// create adds a heartbeat whose slug was free a moment ago.
func (d *Desk) create(tx *store.Tx, a auth.Actor, e HeartbeatEdit, now time.Time) (monitor.Heartbeat, error) {
	if err := d.roomForHeartbeat(tx, a); err != nil {
		return monitor.Heartbeat{}, err
	}
	channels, err := tx.ChannelRoutes(a.Project.Key)
	if err != nil {
		return monitor.Heartbeat{}, err
	}
	h, f := e.applied(begun(a.Project.Key, now), setting{a.Project, channels, now})
	if err := f.err(); err != nil {
		return h, err
	}
	h.ID = uuid.NewString()
	h.Ref = refOf(h.ID)
	if h, err = tx.AddHeartbeat(h); err != nil {
		return h, err
	}
	return h, note(tx, a, now, deed{"heartbeat.create", called(h), heartbeatDiff(monitor.Heartbeat{}, h)})
}

// called names a heartbeat in the audit log, which viewers may read: never by
// what could ping.
func called(h monitor.Heartbeat) string { return h.Name + " (" + h.Slug + ")" }

// PutHeartbeat changes the heartbeat with the slug, or creates it when there is
// none; created tells which. Settings that are absent stay as they are, or take
// their default: of the name that is the slug.
func (d *Desk) PutHeartbeat(ctx context.Context, a auth.Actor, slug string, e HeartbeatEdit) (h monitor.Heartbeat, created bool, err error) {
	if err := may(a, auth.ChangeHeartbeats); err != nil {
		return h, false, err
	}
	f := &faults{}
	if f.slug(slug); f.err() != nil {
		return h, false, f.err()
	}
	if e.Slug != nil && *e.Slug != slug {
		e.Found = append(e.Found, monitor.Wrong(monitor.Invalid, "slug", "The slug is in the path already: leave it out here, or change it with PATCH."))
	}
	e.Slug = &slug
	cut := d.begin()
	err = d.change(ctx, func(tx *store.Tx) (s stir, err error) {
		now, err := cut.read(tx)
		if err != nil {
			return s, err
		}
		var found bool
		if h, found, err = tx.HeartbeatBySlug(a.Project.Key, slug); err != nil {
			return s, err
		}
		created = !found
		if found {
			h, s, err = edit(tx, a, h, e, now)
			return s, err
		}
		named := e
		if e.Name == nil {
			named.Name = &slug
		}
		// Whoever takes the slug before this commits makes it run again.
		h, err = d.create(tx, a, named, now.at)
		return stir{next: h.Next()}, err
	})
	return h, created, err
}

// ChangeHeartbeat changes what the edit names. A new schedule is judged at once.
func (d *Desk) ChangeHeartbeat(ctx context.Context, a auth.Actor, idOrRef string, e HeartbeatEdit) (monitor.Heartbeat, error) {
	return d.changeOne(ctx, a, idOrRef, func(tx *store.Tx, h monitor.Heartbeat, now moment) (monitor.Heartbeat, stir, error) {
		return edit(tx, a, h, e, now)
	})
}

// reading is the time at which a change began, and the pings on their way that
// this node knew then.
type reading struct {
	now   time.Time
	until func(id string) time.Time
}

// begin reads the clock. It comes before the transaction: a ping that is no
// longer on its way then is one that the transaction sees.
func (d *Desk) begin() reading {
	now, until := d.cut()
	return reading{now, until}
}

// moment is the time of a change.
type moment struct {
	at time.Time
	// until is as of when a heartbeat may be judged: every ping for it that
	// arrived no later, on any node, is stored.
	until func(id string) time.Time
}

// read adds what the other nodes know.
func (r reading) read(tx *store.Tx) (moment, error) {
	peers, err := tx.Peers(r.now)
	return moment{r.now, func(id string) time.Time { return peers.Until(id, r.until(id)) }}, err
}

// oneChange is what a change does to one heartbeat, which is locked.
type oneChange func(tx *store.Tx, h monitor.Heartbeat, now moment) (monitor.Heartbeat, stir, error)

// changeOne runs a change of one heartbeat.
func (d *Desk) changeOne(ctx context.Context, a auth.Actor, idOrRef string, fn oneChange) (h monitor.Heartbeat, err error) {
	if err := may(a, auth.ChangeHeartbeats); err != nil {
		return h, err
	}
	cut := d.begin()
	err = d.change(ctx, func(tx *store.Tx) (s stir, err error) {
		now, err := cut.read(tx)
		if err != nil {
			return s, err
		}
		found, err := heartbeat(tx, a, idOrRef)
		if err != nil {
			return s, err
		}
		// Read again, locked: it may have been pinged or deleted since.
		if found, err = tx.HeartbeatToChange(a.Project.Key, found.ID); err != nil {
			return s, err
		}
		h, s, err = fn(tx, found, now)
		return s, err
	})
	return h, err
}

// edit applies an edit to a heartbeat that is locked.
func edit(tx *store.Tx, a auth.Actor, h monitor.Heartbeat, e HeartbeatEdit, now moment) (monitor.Heartbeat, stir, error) {
	if err := stale(HeartbeatVersion(h), e.MadeOn); err != nil {
		return h, stir{}, err
	}
	channels, err := tx.ChannelRoutes(a.Project.Key)
	if err != nil {
		return h, stir{}, err
	}
	wanted, f := e.applied(h, setting{a.Project, channels, now.at})
	if err := f.err(); err != nil {
		return h, stir{}, err
	}
	if wanted.Slug != h.Slug {
		if err := free(tx, h.Project, wanted.Slug); err != nil {
			return h, stir{}, err
		}
	}
	diff := heartbeatDiff(h, wanted)
	if diff == "" {
		return h, stir{}, nil
	}
	wanted.Updated = now.at
	rule := wanted.Rule
	wanted.Rule = h.Rule
	s := stir{touched: h.Key}
	if !rule.Equal(h.Rule) {
		// wanted has the new channels already: what the new rule owes goes there.
		amended, change := wanted.Amend(rule, now.at, now.until(h.ID))
		if wanted, s, err = save(tx, amended, change, now.at); err != nil {
			return h, s, err
		}
	}
	if err := tx.SaveSettings(wanted); err != nil {
		return h, s, err
	}
	return wanted, s, note(tx, a, now.at, deed{"heartbeat.change", called(wanted), diff})
}

// save keeps a judgement, and returns the heartbeat with the incident that it
// opened, if it did.
func save(tx *store.Tx, h monitor.Heartbeat, change monitor.Change, now time.Time) (monitor.Heartbeat, stir, error) {
	owed, err := tx.Save(now, []store.Judgement{{Heartbeat: h, Change: change}})
	s := stir{next: h.Next(), owed: owed > 0, touched: h.Key}
	if err == nil && change.Opened != nil {
		var saved monitor.Heartbeat
		saved, err = tx.HeartbeatByKey(h.Key)
		h.Incident = saved.Incident
	}
	return h, s, err
}

// PauseHeartbeat stops judging. Pausing what is paused changes nothing.
func (d *Desk) PauseHeartbeat(ctx context.Context, a auth.Actor, idOrRef string) (monitor.Heartbeat, error) {
	return d.changeOne(ctx, a, idOrRef, func(tx *store.Tx, h monitor.Heartbeat, now moment) (monitor.Heartbeat, stir, error) {
		if h.Status == monitor.Paused {
			return h, stir{}, nil
		}
		h, change := h.Pause(now.at, now.until(h.ID))
		h, s, err := save(tx, h, change, now.at)
		if err != nil {
			return h, s, err
		}
		return h, s, note(tx, a, now.at, deed{action: "heartbeat.pause", target: called(h)})
	})
}

// ResumeHeartbeat judges again from now on. Resuming what is not paused changes
// nothing.
func (d *Desk) ResumeHeartbeat(ctx context.Context, a auth.Actor, idOrRef string) (monitor.Heartbeat, error) {
	return d.changeOne(ctx, a, idOrRef, func(tx *store.Tx, h monitor.Heartbeat, now moment) (monitor.Heartbeat, stir, error) {
		if h.Status != monitor.Paused {
			return h, stir{}, nil
		}
		h, s, err := save(tx, h.Resume(now.at), monitor.Change{}, now.at)
		if err != nil {
			return h, s, err
		}
		return h, s, note(tx, a, now.at, deed{action: "heartbeat.resume", target: called(h)})
	})
}

// DeleteHeartbeat ends a heartbeat: its pings are answered with 404 from now
// on. Its incidents stay.
func (d *Desk) DeleteHeartbeat(ctx context.Context, a auth.Actor, idOrRef string) error {
	_, err := d.changeOne(ctx, a, idOrRef, func(tx *store.Tx, h monitor.Heartbeat, now moment) (monitor.Heartbeat, stir, error) {
		h, change := h.Delete(now.at, now.until(h.ID))
		h, s, err := save(tx, h, change, now.at)
		if err != nil {
			return h, s, err
		}
		if err := tx.SaveSettings(h); err != nil {
			return h, s, err
		}
		return h, s, note(tx, a, now.at, deed{action: "heartbeat.delete", target: called(h)})
	})
	return err
}
