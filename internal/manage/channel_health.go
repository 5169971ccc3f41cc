package manage

import (
	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

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
