package manage

import (
	"context"
	"slices"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
)

// maskSecrets returns c as the actor may see it: secrets as dots, and only the host of
// the destination, except for those who may change the channel.
func maskSecrets(a auth.Actor, c monitor.Channel) monitor.Channel {
	kind, known := notify.KindOf(c.Kind)
	if !known {
		// Of a kind that this version does not have nobody can say what is secret.
		c.Settings = map[string]any{}
		return c
	}
	c.Settings = kind.Mask(c.Settings)
	if !a.May(auth.ChangeChannels) {
		c.Settings = kind.WithoutPaths(c.Settings)
	}
	return c
}

// Channels lists the channels of the actor's project, oldest first.
func (d *Service) Channels(ctx context.Context, a auth.Actor, p PageQuery) (ListPage[monitor.Channel], error) {
	var listing ListPage[monitor.Channel]
	if err := authorize(a, auth.Read); err != nil {
		return listing, err
	}
	from, limit, err := p.position("channels")
	if err != nil {
		return listing, err
	}
	var all []monitor.Channel
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		if all, err = tx.Channels(a.Project.Key); err != nil {
			return err
		}
		all, err = withHealth(tx, a, all)
		return err
	})
	if err != nil {
		return listing, err
	}
	// A project has a handful of channels, so the page is cut here. The place
	// is a moment: it holds also when the channel there is gone.
	rest := slices.DeleteFunc(all, func(c monitor.Channel) bool {
		at := c.Created.UnixMicro()
		return at < from.Key || at == from.Key && c.ID <= from.Value
	})
	listing.Items = rest[:min(limit, len(rest))]
	if len(rest) > limit {
		last := rest[limit-1]
		listing.Next = listCursor{"channels", store.Cursor{Key: last.Created.UnixMicro(), Value: last.ID}}.String()
	}
	for i, c := range listing.Items {
		listing.Items[i] = maskSecrets(a, c)
	}
	return listing, nil
}

// findChannel returns one with its settings in clear.
func findChannel(tx *store.Tx, a auth.Actor, id string) (monitor.Channel, error) {
	if !isSearchable(id) {
		return monitor.Channel{}, notFound("channel")
	}
	return tx.Channel(a.Project.Key, id)
}

// Channel returns one.
func (d *Service) Channel(ctx context.Context, a auth.Actor, id string) (c monitor.Channel, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return c, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		if c, err = findChannel(tx, a, id); err != nil {
			return err
		}
		c, err = channelWithHealth(tx, a, c)
		return err
	})
	return maskSecrets(a, c), err
}

// CreateChannel makes a new channel. Secrets that Overdue made are in this
// answer, in clear, and in no other.
func (d *Service) CreateChannel(ctx context.Context, a auth.Actor, e ChannelEdit) (monitor.Channel, error) {
	if err := authorize(a, auth.ChangeChannels); err != nil {
		return monitor.Channel{}, err
	}
	now := currentTime()
	c, made, err := e.create(a.Project.Key, now)
	if err != nil {
		return monitor.Channel{}, err
	}
	err = d.update(ctx, func(tx *store.Tx) (effects, error) {
		known, err := tx.Channels(a.Project.Key)
		if err == nil && len(known) >= maxChannels {
			err = limitReached("name", maxChannels, "channels in this project", "Delete one that is no longer needed.")
		}
		if err != nil {
			return effects{}, err
		}
		added, err := tx.AddChannel(c)
		if err != nil {
			return effects{}, err
		}
		c.ID, c.Revision, c.Health = added.ID, added.Revision, c.EvaluateHealth(nil, 0, time.Time{}, now)
		return effects{}, writeAudit(tx, a, now, auditEntry{"channel.create", channelLabel(c), ""})
	})
	return made.revealIn(a, c), err
}

// channelLabel names a channel in the audit log.
func channelLabel(c monitor.Channel) string { return c.Name + " (" + c.Kind + ")" }

// ChangeChannel changes what the edit names. Secrets given as dots stay, unless
// the channel would lead to another host.
func (d *Service) ChangeChannel(ctx context.Context, a auth.Actor, id string, e ChannelEdit) (c monitor.Channel, err error) {
	if err := authorize(a, auth.ChangeChannels); err != nil {
		return c, err
	}
	now := currentTime()
	var made generatedSecrets
	err = d.update(ctx, func(tx *store.Tx) (s effects, err error) {
		if !isSearchable(id) {
			return s, notFound("channel")
		}
		before, err := tx.ChannelForUpdate(a.Project.Key, id)
		if err != nil {
			return s, err
		}
		if err := checkVersion(ChannelVersion(before), e.IfVersion); err != nil {
			return s, err
		}
		if c, made, err = e.change(before); err != nil {
			return s, err
		}
		diff := channelDiff(before, c)
		if diff == "" {
			c, err = channelWithHealth(tx, a, c)
			return s, err
		}
		if err := tx.SaveChannel(c); err != nil {
			return s, err
		}
		if err := tx.DeleteRecipientFailures(c.ID, notify.Recipients(c.Kind, notify.Settings(c.Settings))); err != nil {
			return s, err
		}
		c.Revision++
		if c, err = channelWithHealth(tx, a, c); err != nil {
			return s, err
		}
		return s, writeAudit(tx, a, now, auditEntry{"channel.change", channelLabel(c), diff})
	})
	return made.revealIn(a, c), err
}

// DeleteChannel ends a channel: nothing is told there any more. A heartbeat for
// which it was the only one tells all channels of the project from then on,
// because otherwise its next miss would be silent.
func (d *Service) DeleteChannel(ctx context.Context, a auth.Actor, id string) error {
	if err := authorize(a, auth.ChangeChannels); err != nil {
		return err
	}
	now := currentTime()
	return d.update(ctx, func(tx *store.Tx) (s effects, err error) {
		c, err := findChannel(tx, a, id)
		if err != nil {
			return s, err
		}
		if err := removeFromHeartbeats(tx, a, c, now); err != nil {
			return s, err
		}
		if err := tx.DeleteChannel(c, now); err != nil {
			return s, err
		}
		return s, writeAudit(tx, a, now, auditEntry{"channel.delete", channelLabel(c), ""})
	})
}

// removeFromHeartbeats takes a channel out of the heartbeats that name it.
func removeFromHeartbeats(tx *store.Tx, a auth.Actor, c monitor.Channel, now time.Time) error {
	routed, err := tx.HeartbeatsNamingChannel(a.Project.Key, c.ID)
	if err != nil {
		return err
	}
	for _, before := range routed {
		h := before
		h.Channels = slices.DeleteFunc(slices.Clone(before.Channels), func(id string) bool { return id == c.ID })
		h.AllChannels = len(h.Channels) == 0
		h.Updated = now
		if err := tx.SaveHeartbeatSettings(h); err != nil {
			return err
		}
		if err := writeAudit(tx, a, now, auditEntry{"heartbeat.change", heartbeatLabel(h), heartbeatDiff(before, h)}); err != nil {
			return err
		}
	}
	return nil
}
