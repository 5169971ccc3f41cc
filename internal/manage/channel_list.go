package manage

import (
	"context"
	"slices"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
)

// Channels lists the channels of the actor's project, oldest first.
func (svc *Service) Channels(ctx context.Context, a auth.Actor, p PageQuery) (ListPage[monitor.Channel], error) {
	var listing ListPage[monitor.Channel]
	if err := authorize(a, auth.Read); err != nil {
		return listing, err
	}
	from, limit, err := p.position("channels")
	if err != nil {
		return listing, err
	}
	var all []monitor.Channel
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) (err error) {
		if all, err = tx.Channels(a.Project.Key); err != nil {
			return err
		}
		all, err = withHealth(tx, a, all)
		return err
	})
	if err != nil {
		return listing, err
	}
	// A project has few channels, so the page is cut here. The cursor is a time:
	// it stays valid if the channel is deleted.
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

// maxShownDeliveries is the number of delivery attempts on the page of a channel.
const maxShownDeliveries = 10

// LastDelivery is one delivery attempt of a channel.
type LastDelivery = store.ChannelAttempt

// TestResult is the result of a test alert.
type TestResult = client.TestResult

// ChannelDetail is a channel with its recent deliveries.
type ChannelDetail struct {
	monitor.Channel                // with masked secrets
	Heartbeats      int            // number of heartbeats that use the channel
	LastDeliveries  []LastDelivery // newest first
	PendingAlerts   []PendingAlert // oldest first; only on the page of a channel
}

// PendingAlert is an alert that is not delivered yet.
type PendingAlert = store.PendingAlert

// maxShownPending is the number of pending alerts on the page of a channel.
const maxShownPending = 20

// ChannelUsage counts the heartbeats of a project, and those that notify all its channels.
type ChannelUsage struct{ Heartbeats, AllChannels int }

// ChannelDetails lists the channels of the project, oldest first, each with its last
// delivery.
func (svc *Service) ChannelDetails(ctx context.Context, a auth.Actor) (list []ChannelDetail, reach ChannelUsage, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return nil, reach, err
	}
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) error {
		channels, err := tx.Channels(a.Project.Key)
		if err != nil {
			return err
		}
		list, reach, err = channelDetails(tx, a, channels, 1)
		return err
	})
	return list, reach, err
}

// ChannelDetail returns one channel with its recent deliveries.
func (svc *Service) ChannelDetail(ctx context.Context, a auth.Actor, id string) (c ChannelDetail, reach ChannelUsage, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return c, reach, err
	}
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) error {
		found, err := findChannel(tx, a, id)
		if err != nil {
			return err
		}
		list, r, err := channelDetails(tx, a, []monitor.Channel{found}, maxShownDeliveries)
		if err != nil {
			return err
		}
		c, reach = list[0], r
		if c.PendingAlerts, err = tx.PendingAlerts(id, maxShownPending); err != nil {
			return err
		}
		return redactPending(tx, a, c.PendingAlerts)
	})
	return c, reach, err
}

// channelDetails adds the usage and the last n deliveries to channels.
func channelDetails(tx *store.Tx, a auth.Actor, channels []monitor.Channel, n int) ([]ChannelDetail, ChannelUsage, error) {
	byChannel, reach, err := heartbeatsByChannel(tx, a.Project.Key)
	if err != nil {
		return nil, reach, err
	}
	if channels, err = withHealth(tx, a, channels); err != nil {
		return nil, reach, err
	}
	list := make([]ChannelDetail, 0, len(channels))
	for _, c := range channels {
		last, err := tx.RecentChannelAttempts(c.ID, n)
		if err != nil {
			return nil, reach, err
		}
		if err := redactDeliveries(tx, a, last); err != nil {
			return nil, reach, err
		}
		list = append(list, ChannelDetail{Channel: maskSecrets(a, c), Heartbeats: byChannel[c.ID], LastDeliveries: last})
	}
	return list, reach, err
}

// heartbeatsByChannel counts the heartbeats of a project that notify each channel, at once or with a
// later step of a policy.
func heartbeatsByChannel(tx *store.Tx, project int64) (byChannel map[string]int, reach ChannelUsage, err error) {
	routing, err := tx.ChannelRouting(project)
	if err != nil {
		return nil, reach, err
	}
	who, err := audience(tx, project)
	if err != nil {
		return nil, reach, err
	}
	byChannel, reach.Heartbeats = routing.ByChannel, routing.Heartbeats
	routing.ByPolicy[""] = routing.AllChannels
	for slug, n := range routing.ByPolicy {
		h, counted := monitor.Heartbeat{Project: project, AllChannels: true, Policy: slug}, map[string]bool{}
		for _, planned := range h.NotificationPlan(who) {
			if !counted[planned.Channel.ID] {
				counted[planned.Channel.ID] = true
				byChannel[planned.Channel.ID] += n
			}
		}
		if h.NotifyRule(who).Kind == monitor.NotifyAllChannels {
			reach.AllChannels += n
		}
	}
	return byChannel, reach, nil
}

// maskSecrets returns the channel as the actor may see it: secrets are masked, and
// destinations are reduced to the host unless the actor may change channels.
func maskSecrets(a auth.Actor, c monitor.Channel) monitor.Channel {
	kind, known := notify.KindOf(c.Kind)
	if !known {
		// This version does not know which settings of an unknown kind are secret.
		c.Settings = map[string]any{}
		return c
	}
	c.Target = kind.Target(c.Settings)
	c.Settings = kind.Mask(c.Settings)
	if !a.May(auth.ChangeChannels) {
		c.Settings = kind.WithoutPaths(c.Settings)
	}
	return c
}

// findChannel returns a channel with its settings in plain text.
func findChannel(tx *store.Tx, a auth.Actor, id string) (monitor.Channel, error) {
	if !isSearchable(id) {
		return monitor.Channel{}, notFound("channel")
	}
	return tx.Channel(a.Project.Key, id)
}

// Channel returns one channel.
func (svc *Service) Channel(ctx context.Context, a auth.Actor, id string) (c monitor.Channel, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return c, err
	}
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) (err error) {
		if c, err = findChannel(tx, a, id); err != nil {
			return err
		}
		c, err = channelWithHealth(tx, a, c)
		return err
	})
	return maskSecrets(a, c), err
}

// withHealth sets the health of channels of the actor's project. It hides heartbeat ids,
// because providers may repeat them in their answers.
func withHealth(tx *store.Tx, a auth.Actor, channels []monitor.Channel) ([]monitor.Channel, error) {
	channels, err := tx.WithHealth(a.Project.Key, channels, tx.Now())
	if err != nil {
		return nil, err
	}
	var texts []*string
	for _, c := range channels {
		for n := range c.Health.Failures {
			texts = append(texts, &c.Health.Failures[n].Reason)
		}
	}
	return channels, redactTexts(tx, a, "", texts...)
}

// channelWithHealth is withHealth for one channel.
func channelWithHealth(tx *store.Tx, a auth.Actor, c monitor.Channel) (monitor.Channel, error) {
	one, err := withHealth(tx, a, []monitor.Channel{c})
	if err != nil {
		return c, err
	}
	return one[0], nil
}

// failingChannels returns the failing channels that a plan notifies.
func failingChannels(plan []monitor.Notification, channels []monitor.Channel) []monitor.Channel {
	var all []monitor.Channel
	for _, c := range channels {
		planned := slices.ContainsFunc(plan, func(n monitor.Notification) bool { return n.Channel.ID == c.ID })
		if c.Health.State == monitor.ChannelStateFailing && planned {
			all = append(all, c)
		}
	}
	return all
}
