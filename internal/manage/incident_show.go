package manage

import (
	"context"
	"errors"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Delivery is an alert of an incident with all attempts at it.
type Delivery = store.Delivery

// Attempt is one try at telling.
type Attempt = store.Attempt

// IncidentView is all that the page of one incident tells.
type IncidentView struct {
	monitor.Incident
	Timeline         []monitor.TimelineEntry // without the attempts at telling, oldest first
	Deliveries       []Delivery
	Heartbeat        monitor.Heartbeat          // as it is now; it may have been deleted
	Ping             *monitor.Ping              // that reported the failure, nil when none did or it is forgotten
	Previous         monitor.Incident           // of the same heartbeat, zero when there is none
	Next             monitor.Incident           // the same
	Channels         map[string]monitor.Channel // by id; of those that are gone only the name is known
	ExistingChannels []monitor.Channel          // those of them that the project has now
	FailingChannels  []monitor.Channel          // those that the heartbeat alerts and that do not deliver
}

// IncidentView reads one incident.
func (d *Service) IncidentView(ctx context.Context, a auth.Actor, id string) (s IncidentView, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return s, err
	}
	if !isSearchable(id) {
		return s, notFound("incident")
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
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

// load fills in what stands around the incident.
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
	if s.Incident.PingNumber == 0 {
		return nil
	}
	p, err := tx.Ping(h.Key, s.Incident.PingNumber)
	if fault, ok := errors.AsType[*monitor.Fault](err); ok && fault.Kind == monitor.NotFound {
		return nil // histories are bounded
	}
	s.Ping = &p
	return err
}

// redact removes heartbeat ids from the story, except for actors who may see them.
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

// readChannels reads those that the project has or had.
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
	s.FailingChannels = failingChannels(s.Heartbeat, s.ExistingChannels)
	return nil
}
