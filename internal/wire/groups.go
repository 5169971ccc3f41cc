package wire

import (
	"overdue/client"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Group converts a group of incidents.
func Group(g monitor.IncidentGroup, n store.GroupCounts) client.Group {
	return client.Group{
		Number: g.Number, State: string(n.State()), Factor: factor(g.Factor), FirstOpenedAt: g.First, LastOpenedAt: g.Last,
		Incidents: n.Total(), Open: n.Open, Acknowledged: n.Acknowledged, Resolved: n.Resolved,
		AcknowledgedAt: timeOrNil(g.AcknowledgedAt), AcknowledgedBy: stringOrNil(g.AcknowledgedBy),
	}
}

// factor converts a factor.
func factor(f monitor.Factor) client.Factor {
	return client.Factor{Kind: string(f.Kind), Value: f.Value}
}

// GroupDetail converts a group with everything about it.
func GroupDetail(g client.Group, f store.GroupFacts, channels []store.ChannelAlerts) client.GroupDetail {
	d := client.GroupDetail{Group: g, Factors: []client.FactorCount{}, Causes: map[string]int{}, Channels: []client.GroupAlerts{}}
	for _, one := range f.Factors {
		d.Factors = append(d.Factors, client.FactorCount{Factor: factor(one.Factor), Incidents: one.Count})
	}
	for cause, n := range f.Causes {
		d.Causes[string(cause)] = n
	}
	for _, c := range channels {
		d.Channels = append(d.Channels, client.GroupAlerts{
			ChannelID: c.Channel, ChannelName: c.Name, Alerts: c.Total(), Alone: c.Alone, Grouped: c.Grouped, Messages: c.Messages,
			Held: c.Held, Pending: c.Pending, Failed: c.Failed,
		})
	}
	return d
}
