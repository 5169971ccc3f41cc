package manage

import (
	"context"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// lastDeliveries is how many attempts the page of a channel shows.
const lastDeliveries = 10

// LastDelivery is one attempt at telling a channel.
type LastDelivery = store.LastDelivery

// TestResult is what became of a test alert.
type TestResult = client.TestResult

// ChannelDetail is a channel with what became of its alerts.
type ChannelDetail struct {
	monitor.Channel                // with secrets as dots
	Heartbeats      int            // how many alert here
	Last            []LastDelivery // newest first
}

// ChannelReach is how many heartbeats there are, and how many of them tell all
// channels.
type ChannelReach struct{ Heartbeats, All int }

// ChannelDetails lists the channels of the project, oldest first, each with its
// last delivery.
func (d *Desk) ChannelDetails(ctx context.Context, a auth.Actor) (list []ChannelDetail, reach ChannelReach, err error) {
	if err := may(a, auth.Read); err != nil {
		return nil, reach, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		channels, err := tx.Channels(a.Project.Key)
		if err != nil {
			return err
		}
		list, reach, err = detailed(tx, a, channels, 1)
		return err
	})
	return list, reach, err
}

// ChannelDetail reads one channel.
func (d *Desk) ChannelDetail(ctx context.Context, a auth.Actor, id string) (c ChannelDetail, reach ChannelReach, err error) {
	if err := may(a, auth.Read); err != nil {
		return c, reach, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		found, err := channel(tx, a, id)
		if err != nil {
			return err
		}
		list, r, err := detailed(tx, a, []monitor.Channel{found}, lastDeliveries)
		if err != nil {
			return err
		}
		c, reach = list[0], r
		return nil
	})
	return c, reach, err
}

// detailed adds to channels who alerts there and their last n deliveries.
func detailed(tx *store.Tx, a auth.Actor, channels []monitor.Channel, n int) ([]ChannelDetail, ChannelReach, error) {
	routing, err := tx.Routing(a.Project.Key)
	reach := ChannelReach{routing.Heartbeats, routing.All}
	if err != nil {
		return nil, reach, err
	}
	if channels, err = withHealth(tx, a, channels); err != nil {
		return nil, reach, err
	}
	list := make([]ChannelDetail, 0, len(channels))
	for _, c := range channels {
		last, err := tx.LastDeliveries(c.ID, n)
		if err != nil {
			return nil, reach, err
		}
		if err := veilDeliveries(tx, a, last); err != nil {
			return nil, reach, err
		}
		list = append(list, ChannelDetail{masked(a, c), routing.All + routing.Named[c.ID], last})
	}
	return list, reach, err
}
