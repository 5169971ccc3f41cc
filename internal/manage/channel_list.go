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

// maxShownDeliveries is how many attempts the page of a channel shows.
const maxShownDeliveries = 10

// LastDelivery is one attempt at telling a channel.
type LastDelivery = store.ChannelAttempt

// TestResult is what became of a test alert.
type TestResult = client.TestResult

// ChannelDetail is a channel with what became of its alerts.
type ChannelDetail struct {
	monitor.Channel                // with secrets as dots
	Heartbeats      int            // how many alert here
	LastDeliveries  []LastDelivery // newest first
}

// ChannelUsage is how many heartbeats there are, and how many of them tell all
// channels.
type ChannelUsage struct{ Heartbeats, AllChannels int }

// ChannelDetails lists the channels of the project, oldest first, each with its
// last delivery.
func (d *Service) ChannelDetails(ctx context.Context, a auth.Actor) (list []ChannelDetail, reach ChannelUsage, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return nil, reach, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		channels, err := tx.Channels(a.Project.Key)
		if err != nil {
			return err
		}
		list, reach, err = channelDetails(tx, a, channels, 1)
		return err
	})
	return list, reach, err
}

// ChannelDetail reads one channel.
func (d *Service) ChannelDetail(ctx context.Context, a auth.Actor, id string) (c ChannelDetail, reach ChannelUsage, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return c, reach, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		found, err := findChannel(tx, a, id)
		if err != nil {
			return err
		}
		list, r, err := channelDetails(tx, a, []monitor.Channel{found}, maxShownDeliveries)
		if err != nil {
			return err
		}
		c, reach = list[0], r
		return nil
	})
	return c, reach, err
}

// channelDetails adds to channels who alerts there and their last n deliveries.
func channelDetails(tx *store.Tx, a auth.Actor, channels []monitor.Channel, n int) ([]ChannelDetail, ChannelUsage, error) {
	routing, err := tx.ChannelRouting(a.Project.Key)
	reach := ChannelUsage{routing.Heartbeats, routing.AllChannels}
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
		list = append(list, ChannelDetail{maskSecrets(a, c), routing.AllChannels + routing.ByChannel[c.ID], last})
	}
	return list, reach, err
}

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

// withHealth sets the health of channels of the actor's project. It hides ids that
// could ping, because answers of providers may repeat them.
func withHealth(tx *store.Tx, a auth.Actor, channels []monitor.Channel) ([]monitor.Channel, error) {
	channels, err := tx.WithHealth(a.Project.Key, channels, currentTime())
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

// failingChannels returns the channels that a heartbeat alerts and that do not deliver.
func failingChannels(h monitor.Heartbeat, channels []monitor.Channel) []monitor.Channel {
	var all []monitor.Channel
	for _, c := range channels {
		if c.Health.State == monitor.ChannelStateFailing && h.RoutesTo(c) {
			all = append(all, c)
		}
	}
	return all
}
