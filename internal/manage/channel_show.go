package manage

import (
	"context"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

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
