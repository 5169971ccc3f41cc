package manage

import (
	"slices"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/wire"
)

// redactHeartbeats removes heartbeat ids from heartbeats and their texts, except for actors
// who may see them: an id is the right to ping.
func redactHeartbeats(tx *store.Tx, a auth.Actor, list []monitor.Heartbeat) error {
	if a.SeesPingURLs() {
		return nil
	}
	var texts []*string
	for i := range list {
		h := &list[i]
		h.ID, h.Tags = "", slices.Clone(h.Tags)
		texts = append(texts, &h.Name, &h.Description, &h.LastHost)
		for n := range h.Tags {
			texts = append(texts, &h.Tags[n])
		}
		h.Hosts = slices.Clone(h.Hosts)
		for n := range h.Hosts {
			texts = append(texts, &h.Hosts[n].Name)
		}
	}
	return wire.HideIDs(tx, "", texts...)
}

// redactHeartbeat is redactHeartbeats for one heartbeat.
func redactHeartbeat(tx *store.Tx, a auth.Actor, h monitor.Heartbeat) (monitor.Heartbeat, error) {
	one := []monitor.Heartbeat{h}
	err := redactHeartbeats(tx, a, one)
	return one[0], err
}

// redactIncidents is redactHeartbeats for incidents.
func redactIncidents(tx *store.Tx, a auth.Actor, list []monitor.Incident) error {
	if a.SeesPingURLs() {
		return nil
	}
	var texts []*string
	for n := range list {
		i := &list[n]
		i.HeartbeatID = ""
		texts = append(texts, &i.HeartbeatName, &i.Reason, &i.AcknowledgedBy, &i.Host)
	}
	return wire.HideIDs(tx, "", texts...)
}

// redactIncident is redactIncidents for one incident.
func redactIncident(tx *store.Tx, a auth.Actor, i monitor.Incident) (monitor.Incident, error) {
	one := []monitor.Incident{i}
	err := redactIncidents(tx, a, one)
	return one[0], err
}

// redactPings is redactHeartbeats for pings of the heartbeat with the id own: jobs print
// their own command line, and some send it as their user agent.
func redactPings(tx *store.Tx, a auth.Actor, own string, list []monitor.Ping) error {
	if a.SeesPingURLs() {
		return nil
	}
	bodies := make([]string, len(list))
	var texts []*string
	for n := range list {
		p := &list[n]
		bodies[n] = string(p.Body)
		texts = append(texts, &bodies[n], &p.UserAgent, &p.RunID, &p.Method, &p.Source, &p.Host)
	}
	if err := wire.HideIDs(tx, own, texts...); err != nil {
		return err
	}
	for n := range list {
		if list[n].Body != nil {
			list[n].Body = []byte(bodies[n])
		}
	}
	return nil
}

// redactTexts replaces every heartbeat id in texts, except for actors who may see them. The
// texts come from the heartbeat with the id own, which may be empty.
func redactTexts(tx *store.Tx, a auth.Actor, own string, texts ...*string) error {
	if a.SeesPingURLs() {
		return nil
	}
	return wire.HideIDs(tx, own, texts...)
}

// redactTimeline is redactHeartbeats for the timeline of an incident and the answers of
// providers.
func redactTimeline(tx *store.Tx, a auth.Actor, own string, timeline []monitor.TimelineEntry, deliveries []store.Delivery) error {
	var texts []*string
	for n := range timeline {
		texts = append(texts, &timeline[n].Text)
	}
	for _, d := range deliveries {
		for n := range d.AttemptLog {
			texts = append(texts, &d.AttemptLog[n].Detail)
		}
	}
	return redactTexts(tx, a, own, texts...)
}

// redactDeliveries is redactHeartbeats for the answers of a channel's provider.
func redactDeliveries(tx *store.Tx, a auth.Actor, list []LastDelivery) error {
	var texts []*string
	for n := range list {
		texts = append(texts, &list[n].Detail)
	}
	return redactTexts(tx, a, "", texts...)
}

// redactTags is redactHeartbeats for the tags of a project.
func redactTags(tx *store.Tx, a auth.Actor, tags []TagCount) error {
	var texts []*string
	for n := range tags {
		texts = append(texts, &tags[n].Tag)
	}
	return redactTexts(tx, a, "", texts...)
}

// redactPending is redactHeartbeats for pending alerts.
func redactPending(tx *store.Tx, a auth.Actor, list []PendingAlert) error {
	var texts []*string
	for n := range list {
		texts = append(texts, &list[n].HeartbeatName)
	}
	return redactTexts(tx, a, "", texts...)
}
