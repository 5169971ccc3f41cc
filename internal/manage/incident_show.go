package manage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Delivery is an alert of an incident with its attempts.
type Delivery = store.Delivery

// Attempt is one delivery attempt.
type Attempt = store.Attempt

// IncidentView is everything that the page of an incident shows.
type IncidentView struct {
	monitor.Incident
	Timeline         []monitor.TimelineEntry // without the delivery attempts, oldest first
	Deliveries       []Delivery
	Heartbeat        monitor.Heartbeat          // its current state; it may be deleted
	Ping             *monitor.Ping              // the ping that reported the failure; nil if there is none or it was removed
	Previous         monitor.Incident           // of the same heartbeat, zero if there is none
	Next             monitor.Incident           // of the same heartbeat, zero if there is none
	Channels         map[string]monitor.Channel // by id; of deleted channels only the name is known
	ExistingChannels []monitor.Channel          // those of them that still exist
	Blackouts        []HeartbeatBlackout        // that touched the wait for the ping, oldest first
	FailingChannels  []monitor.Channel          // failing channels that receive the alerts of the heartbeat
}

// IncidentView reads an incident with everything that its page shows.
func (svc *Service) IncidentView(ctx context.Context, a auth.Actor, id string) (s IncidentView, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return s, err
	}
	if !isSearchable(id) {
		return s, notFound("incident")
	}
	err = svc.db.View(ctx, func(tx *store.Tx) error {
		i, err := tx.Incident(a.Project.Key, id)
		if err != nil {
			return err
		}
		s = IncidentView{Incident: i}
		if err := s.load(tx, a); err != nil {
			return err
		}
		return s.redact(tx, a)
	})
	return s, err
}

// load reads everything around the incident.
func (s *IncidentView) load(tx *store.Tx, a auth.Actor) (err error) {
	if s.Timeline, err = tx.Timeline(s.Incident); err != nil {
		return err
	}
	if s.Deliveries, err = tx.Deliveries(s.ID); err != nil {
		return err
	}
	if s.Previous, s.Next, err = tx.AdjacentIncidents(s.Incident); err != nil {
		return err
	}
	h, err := tx.HeartbeatByKey(s.Incident.Heartbeat)
	if err != nil {
		return err
	}
	s.Heartbeat = h
	if err = s.readChannels(tx, a); err != nil {
		return err
	}
	if s.Blackouts, err = readIncidentBlackouts(tx, a, s.Incident); err != nil {
		return err
	}
	if s.Incident.PingNumber == 0 {
		return nil
	}
	p, err := tx.Ping(h.Key, s.Incident.PingNumber)
	if fault, ok := errors.AsType[*monitor.Fault](err); ok && fault.Kind == monitor.NotFound {
		return nil // old pings are removed
	}
	s.Ping = &p
	return err
}

// redact removes heartbeat ids, except for actors who may see them.
func (s *IncidentView) redact(tx *store.Tx, a auth.Actor) (err error) {
	own := s.Heartbeat.ID
	if err := redactTimeline(tx, a, own, s.Timeline, s.Deliveries); err != nil {
		return err
	}
	if s.Ping != nil {
		one := []monitor.Ping{*s.Ping}
		if err := redactPings(tx, a, own, one); err != nil {
			return err
		}
		s.Ping = &one[0]
	}
	incidents := []monitor.Incident{s.Incident, s.Previous, s.Next}
	if err := redactIncidents(tx, a, incidents); err != nil {
		return err
	}
	s.Incident, s.Previous, s.Next = incidents[0], incidents[1], incidents[2]
	s.Heartbeat, err = redactHeartbeat(tx, a, s.Heartbeat)
	return err
}

// readChannels reads the current and former channels of the project.
func (s *IncidentView) readChannels(tx *store.Tx, a auth.Actor) error {
	names, err := tx.ChannelNames(a.Project.Key)
	if err != nil {
		return err
	}
	s.Channels = make(map[string]monitor.Channel, len(names))
	for id, name := range names {
		s.Channels[id] = monitor.Channel{ID: id, Name: name}
	}
	now, err := tx.Channels(a.Project.Key)
	if err != nil {
		return err
	}
	if now, err = withHealth(tx, a, now); err != nil {
		return err
	}
	for _, c := range now {
		c = maskSecrets(a, c)
		s.Channels[c.ID], s.ExistingChannels = c, append(s.ExistingChannels, c)
	}
	policies, err := tx.Policies(a.Project.Key)
	s.FailingChannels = failingChannels(s.Heartbeat.NotificationPlan(monitor.Audience{Channels: s.ExistingChannels, Policies: policies}), s.ExistingChannels)
	return err
}

// IncidentDetail is an incident with its timeline and deliveries.
type IncidentDetail struct {
	monitor.Incident
	Timeline   []monitor.TimelineEntry // with the delivery attempts, oldest first
	Deliveries []store.Delivery
}

// Incident returns an incident with its timeline.
func (svc *Service) Incident(ctx context.Context, a auth.Actor, id string) (detail IncidentDetail, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return detail, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
		detail, err = readIncident(tx, a, id)
		return err
	})
	return detail, err
}

// readIncident reads an incident with its timeline.
func readIncident(tx *store.Tx, a auth.Actor, id string) (IncidentDetail, error) {
	var detail IncidentDetail
	if !isSearchable(id) {
		return detail, notFound("incident")
	}
	i, err := tx.Incident(a.Project.Key, id)
	if err != nil {
		return detail, err
	}
	if detail.Incident, err = redactIncident(tx, a, i); err != nil {
		return detail, err
	}
	if detail.Timeline, err = tx.Timeline(i); err != nil {
		return detail, err
	}
	if detail.Deliveries, err = tx.Deliveries(id); err != nil {
		return detail, err
	}
	blackouts, err := readIncidentBlackouts(tx, a, i)
	if err != nil {
		return detail, err
	}
	for _, b := range blackouts {
		detail.Timeline = append(detail.Timeline, monitor.TimelineEntry{At: b.From, Kind: "blackout", Text: describeBlackout(b)})
	}
	if err := redactTimeline(tx, a, i.HeartbeatID, detail.Timeline, detail.Deliveries); err != nil {
		return detail, err
	}
	names, err := tx.ChannelNames(a.Project.Key)
	if err != nil {
		return detail, err
	}
	for _, delivery := range detail.Deliveries {
		for _, try := range delivery.AttemptLog {
			detail.Timeline = append(detail.Timeline, monitor.TimelineEntry{
				At: try.At, Kind: "delivery", Text: describeAttempt(names[delivery.Channel], delivery.Event, try),
			})
		}
	}
	slices.SortStableFunc(detail.Timeline, func(a, b monitor.TimelineEntry) int { return a.At.Compare(b.At) })
	return detail, nil
}

// describeAttempt describes a delivery attempt for the timeline.
func describeAttempt(channel string, event monitor.Event, try store.Attempt) string {
	verdict := map[string]string{
		"sent":    "delivered",
		"retry":   "not delivered, will be retried",
		"refused": "rejected",
	}[try.Outcome]
	text := fmt.Sprintf("“%s” %s (%s)", channel, verdict, event)
	if try.Status != 0 {
		text += fmt.Sprintf(", status %d", try.Status)
	}
	if try.Detail != "" {
		text += ": " + try.Detail
	}
	return text
}
