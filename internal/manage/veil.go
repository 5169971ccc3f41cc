package manage

import (
	"slices"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/shape"
	"overdue/internal/store"
)

// veil removes heartbeat ids from heartbeats, also from their texts, except for
// actors who may see them: an id gives the right to ping.
func veil(tx *store.Tx, a auth.Actor, list []monitor.Heartbeat) error {
	if a.SeesPingURLs() {
		return nil
	}
	var texts []*string
	for i := range list {
		h := &list[i]
		h.ID, h.Tags = "", slices.Clone(h.Tags)
		texts = append(texts, &h.Name, &h.Description)
		for n := range h.Tags {
			texts = append(texts, &h.Tags[n])
		}
	}
	return shape.HideIDs(tx, "", texts...)
}

// veiled is veil for one heartbeat.
func veiled(tx *store.Tx, a auth.Actor, h monitor.Heartbeat) (monitor.Heartbeat, error) {
	one := []monitor.Heartbeat{h}
	err := veil(tx, a, one)
	return one[0], err
}

// veilIncidents is veil for incidents.
func veilIncidents(tx *store.Tx, a auth.Actor, list []monitor.Incident) error {
	if a.SeesPingURLs() {
		return nil
	}
	var texts []*string
	for n := range list {
		i := &list[n]
		i.HeartbeatID = ""
		texts = append(texts, &i.HeartbeatName, &i.Because, &i.AcknowledgedBy)
	}
	return shape.HideIDs(tx, "", texts...)
}

// veiledIncident is veilIncidents for one incident.
func veiledIncident(tx *store.Tx, a auth.Actor, i monitor.Incident) (monitor.Incident, error) {
	one := []monitor.Incident{i}
	err := veilIncidents(tx, a, one)
	return one[0], err
}

// veilPings is veil for pings of the heartbeat with the id own: jobs print their
// own command line, and some send it as their user agent.
func veilPings(tx *store.Tx, a auth.Actor, own string, list []monitor.Ping) error {
	if a.SeesPingURLs() {
		return nil
	}
	bodies := make([]string, len(list))
	var texts []*string
	for n := range list {
		p := &list[n]
		bodies[n] = string(p.Body)
		texts = append(texts, &bodies[n], &p.UserAgent, &p.RunID, &p.Method, &p.Source)
	}
	if err := shape.HideIDs(tx, own, texts...); err != nil {
		return err
	}
	for n := range list {
		if list[n].Body != nil {
			list[n].Body = []byte(bodies[n])
		}
	}
	return nil
}

// hideFrom replaces every heartbeat id in texts, except for actors who may see
// them. The texts come from the heartbeat with the id own, which may be empty.
func hideFrom(tx *store.Tx, a auth.Actor, own string, texts ...*string) error {
	if a.SeesPingURLs() {
		return nil
	}
	return shape.HideIDs(tx, own, texts...)
}

// veilStory is veil for the timeline of an incident and the answers of providers.
func veilStory(tx *store.Tx, a auth.Actor, own string, timeline []monitor.Entry, deliveries []store.Delivery) error {
	var texts []*string
	for n := range timeline {
		texts = append(texts, &timeline[n].Text)
	}
	for _, d := range deliveries {
		for n := range d.Tries {
			texts = append(texts, &d.Tries[n].Detail)
		}
	}
	return hideFrom(tx, a, own, texts...)
}

// veilDeliveries is veil for the answers of a channel's provider.
func veilDeliveries(tx *store.Tx, a auth.Actor, list []LastDelivery) error {
	var texts []*string
	for n := range list {
		texts = append(texts, &list[n].Detail)
	}
	return hideFrom(tx, a, "", texts...)
}

// veilTags is veil for the tags of a project.
func veilTags(tx *store.Tx, a auth.Actor, tags []TagCount) error {
	var texts []*string
	for n := range tags {
		texts = append(texts, &tags[n].Tag)
	}
	return hideFrom(tx, a, "", texts...)
}
