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

// refFromID is the ref of a heartbeat: stable, and of no use to find the id. An id
// has 122 random bits, so a fast hash cannot be turned round.
func refFromID(id string) string {
	sum := sha256.Sum256([]byte("overdue ref" + id))
	return hex.EncodeToString(sum[:16])
}

// CreateHeartbeat makes a new heartbeat. Name and a schedule are required; a slug
// that is not given is made from the name.
func (d *Service) CreateHeartbeat(ctx context.Context, a auth.Actor, e HeartbeatEdit) (h monitor.Heartbeat, err error) {
	if err := authorize(a, auth.ChangeHeartbeats); err != nil {
		return h, err
	}
	now, try := currentTime(), 0
	err = d.update(ctx, func(tx *store.Tx) (s effects, err error) {
		try++
		wanted := e
		if e.Slug == nil && e.Name != nil {
			slug, err := availableSlug(tx, a.Project.Key, *e.Name, try)
			if err != nil {
				return s, err
			}
			wanted.Slug = &slug
		} else if e.Slug != nil {
			if err := requireSlugAvailable(tx, a.Project.Key, *e.Slug); err != nil {
				return s, err
			}
		}
		h, err = d.insertHeartbeat(tx, a, wanted, now)
		return effects{nextDue: h.NextEvaluation()}, err
	})
	return h, err
}

// insertHeartbeat adds a heartbeat whose slug was free a moment ago.
func (d *Service) insertHeartbeat(tx *store.Tx, a auth.Actor, e HeartbeatEdit, now time.Time) (monitor.Heartbeat, error) {
	if err := d.checkHeartbeatLimit(tx, a); err != nil {
		return monitor.Heartbeat{}, err
	}
	channels, err := tx.ChannelRoutes(a.Project.Key)
	if err != nil {
		return monitor.Heartbeat{}, err
	}
	h, f := e.apply(newHeartbeat(a.Project.Key, now), editContext{a.Project, channels, now})
	if err := f.err(); err != nil {
		return h, err
	}
	h.ID = uuid.NewString()
	h.Ref = refFromID(h.ID)
	if h, err = tx.AddHeartbeat(h); err != nil {
		return h, err
	}
	return h, writeAudit(tx, a, now, auditEntry{"heartbeat.create", heartbeatLabel(h), heartbeatDiff(monitor.Heartbeat{}, h)})
}

// heartbeatLabel names a heartbeat in the audit log, which viewers may read: never by
// what could ping.
func heartbeatLabel(h monitor.Heartbeat) string { return h.Name + " (" + h.Slug + ")" }

// PutHeartbeat changes the heartbeat with the slug, or creates it when there is
// none; created tells which. Settings that are absent stay as they are, or take
// their default: of the name that is the slug.
func (d *Service) PutHeartbeat(ctx context.Context, a auth.Actor, slug string, e HeartbeatEdit) (h monitor.Heartbeat, created bool, err error) {
	if err := authorize(a, auth.ChangeHeartbeats); err != nil {
		return h, false, err
	}
	f := &validator{}
	if f.slug(slug); f.err() != nil {
		return h, false, f.err()
	}
	if e.Slug != nil && *e.Slug != slug {
		e.InputFaults = append(e.InputFaults, monitor.Faultf(monitor.Invalid, "slug", "The slug is in the path already: leave it out here, or change it with PATCH."))
	}
	e.Slug = &slug
	cut := d.takeSnapshot()
	err = d.update(ctx, func(tx *store.Tx) (s effects, err error) {
		now, err := cut.withPeers(tx)
		if err != nil {
			return s, err
		}
		var found bool
		if h, found, err = tx.LockHeartbeatBySlug(a.Project.Key, slug); err != nil {
			return s, err
		}
		created = !found
		if found {
			h, s, err = applyEdit(tx, a, h, e, now)
			return s, err
		}
		named := e
		if e.Name == nil {
			named.Name = &slug
		}
		// Whoever takes the slug before this commits makes it run again.
		h, err = d.insertHeartbeat(tx, a, named, now.at)
		return effects{nextDue: h.NextEvaluation()}, err
	})
	return h, created, err
}

// ChangeHeartbeat changes what the edit names. A new schedule is judged at once.
func (d *Service) ChangeHeartbeat(ctx context.Context, a auth.Actor, idOrRef string, e HeartbeatEdit) (monitor.Heartbeat, error) {
	return d.updateHeartbeat(ctx, a, idOrRef, func(tx *store.Tx, h monitor.Heartbeat, now changeTime) (monitor.Heartbeat, effects, error) {
		return applyEdit(tx, a, h, e, now)
	})
}

// clockSnapshot is the time at which a change began, and the pings on their way that
// this node knew then.
type clockSnapshot struct {
	now       time.Time
	watermark func(id string) time.Time
}

// takeSnapshot reads the clock. It comes before the transaction: a ping that is no
// longer on its way then is one that the transaction sees.
func (d *Service) takeSnapshot() clockSnapshot {
	now, until := d.snapshot()
	return clockSnapshot{now, until}
}

// changeTime is the time of a change.
type changeTime struct {
	at time.Time
	// watermark is as of when a heartbeat may be judged: every ping for it that
	// arrived no later, on any node, is stored.
	watermark func(id string) time.Time
}

// withPeers adds what the other nodes know.
func (r clockSnapshot) withPeers(tx *store.Tx) (changeTime, error) {
	peers, err := tx.Peers(r.now)
	return changeTime{r.now, func(id string) time.Time { return peers.Watermark(id, r.watermark(id)) }}, err
}

// heartbeatChange is what a change does to one heartbeat, which is locked.
type heartbeatChange func(tx *store.Tx, h monitor.Heartbeat, now changeTime) (monitor.Heartbeat, effects, error)

// updateHeartbeat runs a change of one heartbeat.
func (d *Service) updateHeartbeat(ctx context.Context, a auth.Actor, idOrRef string, fn heartbeatChange) (h monitor.Heartbeat, err error) {
	if err := authorize(a, auth.ChangeHeartbeats); err != nil {
		return h, err
	}
	cut := d.takeSnapshot()
	err = d.update(ctx, func(tx *store.Tx) (s effects, err error) {
		now, err := cut.withPeers(tx)
		if err != nil {
			return s, err
		}
		found, err := findHeartbeat(tx, a, idOrRef)
		if err != nil {
			return s, err
		}
		// Read again, locked: it may have been pinged or deleted since.
		if found, err = tx.HeartbeatForUpdate(a.Project.Key, found.ID); err != nil {
			return s, err
		}
		h, s, err = fn(tx, found, now)
		return s, err
	})
	return h, err
}

// applyEdit applies an edit to a heartbeat that is locked.
func applyEdit(tx *store.Tx, a auth.Actor, h monitor.Heartbeat, e HeartbeatEdit, now changeTime) (monitor.Heartbeat, effects, error) {
	if err := checkVersion(HeartbeatVersion(h), e.IfVersion); err != nil {
		return h, effects{}, err
	}
	channels, err := tx.ChannelRoutes(a.Project.Key)
	if err != nil {
		return h, effects{}, err
	}
	wanted, f := e.apply(h, editContext{a.Project, channels, now.at})
	if err := f.err(); err != nil {
		return h, effects{}, err
	}
	if wanted.Slug != h.Slug {
		if err := requireSlugAvailable(tx, h.Project, wanted.Slug); err != nil {
			return h, effects{}, err
		}
	}
	diff := heartbeatDiff(h, wanted)
	if diff == "" {
		return h, effects{}, nil
	}
	wanted.Updated = now.at
	rule := wanted.Rule
	wanted.Rule = h.Rule
	s := effects{changedHeartbeat: h.Key}
	if !rule.Equal(h.Rule) {
		// wanted has the new channels already: what the new rule owes goes there.
		amended, change := wanted.ChangeRule(rule, now.at, now.watermark(h.ID))
		if wanted, s, err = saveChange(tx, amended, change, now.at); err != nil {
			return h, s, err
		}
	}
	if err := tx.SaveHeartbeatSettings(wanted); err != nil {
		return h, s, err
	}
	return wanted, s, writeAudit(tx, a, now.at, auditEntry{"heartbeat.change", heartbeatLabel(wanted), diff})
}

// saveChange keeps a judgement, and returns the heartbeat with the incident that it
// opened, if it did.
func saveChange(tx *store.Tx, h monitor.Heartbeat, change monitor.Change, now time.Time) (monitor.Heartbeat, effects, error) {
	owed, err := tx.Save(now, []store.Transition{{Heartbeat: h, Change: change}})
	s := effects{nextDue: h.NextEvaluation(), pending: owed > 0, changedHeartbeat: h.Key}
	if err == nil && change.Opened != nil {
		var saved monitor.Heartbeat
		saved, err = tx.HeartbeatByKey(h.Key)
		h.OpenIncident = saved.OpenIncident
	}
	return h, s, err
}

// PauseHeartbeat stops judging. Pausing what is paused changes nothing.
func (d *Service) PauseHeartbeat(ctx context.Context, a auth.Actor, idOrRef string) (monitor.Heartbeat, error) {
	return d.updateHeartbeat(ctx, a, idOrRef, func(tx *store.Tx, h monitor.Heartbeat, now changeTime) (monitor.Heartbeat, effects, error) {
		if h.Status == monitor.Paused {
			return h, effects{}, nil
		}
		h, change := h.Pause(now.at, now.watermark(h.ID))
		h, s, err := saveChange(tx, h, change, now.at)
		if err != nil {
			return h, s, err
		}
		return h, s, writeAudit(tx, a, now.at, auditEntry{action: "heartbeat.pause", target: heartbeatLabel(h)})
	})
}

// ResumeHeartbeat judges again from now on. Resuming what is not paused changes
// nothing.
func (d *Service) ResumeHeartbeat(ctx context.Context, a auth.Actor, idOrRef string) (monitor.Heartbeat, error) {
	return d.updateHeartbeat(ctx, a, idOrRef, func(tx *store.Tx, h monitor.Heartbeat, now changeTime) (monitor.Heartbeat, effects, error) {
		if h.Status != monitor.Paused {
			return h, effects{}, nil
		}
		h, s, err := saveChange(tx, h.Resume(now.at), monitor.Change{}, now.at)
		if err != nil {
			return h, s, err
		}
		return h, s, writeAudit(tx, a, now.at, auditEntry{action: "heartbeat.resume", target: heartbeatLabel(h)})
	})
}

// DeleteHeartbeat ends a heartbeat: its pings are answered with 404 from now
// on. Its incidents stay.
func (d *Service) DeleteHeartbeat(ctx context.Context, a auth.Actor, idOrRef string) error {
	_, err := d.updateHeartbeat(ctx, a, idOrRef, func(tx *store.Tx, h monitor.Heartbeat, now changeTime) (monitor.Heartbeat, effects, error) {
		h, change := h.Delete(now.at, now.watermark(h.ID))
		h, s, err := saveChange(tx, h, change, now.at)
		if err != nil {
			return h, s, err
		}
		if err := tx.SaveHeartbeatSettings(h); err != nil {
			return h, s, err
		}
		return h, s, writeAudit(tx, a, now.at, auditEntry{action: "heartbeat.delete", target: heartbeatLabel(h)})
	})
	return err
}
