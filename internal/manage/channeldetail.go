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
	list := make([]ChannelDetail, 0, len(channels))
	for _, c := range channels {
		last, err := tx.LastDeliveries(c.ID, n)
		if err != nil {
			return nil, reach, err
		}
		list = append(list, ChannelDetail{masked(c), routing.All + routing.Named[c.ID], last})
	}
	return list, reach, err
}

// TestDraft tells a channel as it stands in a form a test alert now, whether it
// was saved or not; id is empty for a new one. Nothing is kept but a line in
// the audit log.
func (d *Desk) TestDraft(ctx context.Context, a auth.Actor, id string, e ChannelEdit) (result client.TestResult, err error) {
	if err := may(a, auth.ChangeChannels); err != nil {
		return result, err
	}
	now := stamp()
	var c monitor.Channel
	err = d.db.View(ctx, func(tx *store.Tx) error {
		if id == "" {
			c, _, err = e.created(a.Project.Key, now)
			return err
		}
		before, err := channel(tx, a, id)
		if err == nil {
			c, _, err = e.changed(before)
		}
		return err
	})
	if err != nil {
		return result, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestTest)
	defer cancel()
	result = d.test(ctx, a.Project, c)
	outcome := "not delivered"
	if result.Delivered {
		outcome = "delivered"
	}
	err = d.change(context.WithoutCancel(ctx), func(tx *store.Tx) (stir, error) {
		return stir{}, note(tx, a, now, deed{"channel.test", describe(c), outcome + ", as in the form"})
	})
	return result, err
}
