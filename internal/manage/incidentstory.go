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

// IncidentStory is all that the page of one incident tells.
type IncidentStory struct {
	monitor.Incident
	Timeline      []monitor.Entry // without the attempts at telling, oldest first
	Deliveries    []Delivery
	Heartbeat     monitor.Heartbeat          // as it is now; it may have been deleted
	Ping          *monitor.Ping              // that reported the failure, nil when none did or it is forgotten
	Before        monitor.Incident           // of the same heartbeat, zero when there is none
	After         monitor.Incident           // the same
	Channels      map[string]monitor.Channel // by id; of those that are gone only the name is known
	Present       []monitor.Channel          // those of them that the project has now
	NotDelivering []monitor.Channel          // those that the heartbeat alerts and that do not deliver
}

// IncidentStory reads one incident.
func (d *Desk) IncidentStory(ctx context.Context, a auth.Actor, id string) (s IncidentStory, err error) {
	if err := may(a, auth.Read); err != nil {
		return s, err
	}
	if !askable(id) {
		return s, absent("incident")
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		i, err := tx.Incident(a.Project.Key, id)
		if err != nil {
			return err
		}
		s = IncidentStory{Incident: i}
		if err := s.read(tx, a); err != nil {
			return err
		}
		return s.veil(tx, a)
	})
	return s, err
}

// read fills in what stands around the incident.
func (s *IncidentStory) read(tx *store.Tx, a auth.Actor) (err error) {
	if s.Timeline, err = tx.Timeline(s.Incident); err != nil {
		return err
	}
	if s.Deliveries, err = tx.Deliveries(s.ID); err != nil {
		return err
	}
	if s.Before, s.After, err = tx.Beside(s.Incident); err != nil {
		return err
	}
	h, err := tx.HeartbeatByKey(s.Incident.Heartbeat)
	if err != nil {
		return err
	}
	s.Heartbeat = h
	if err = s.channels(tx, a); err != nil {
		return err
	}
	if s.Incident.Ping == 0 {
		return nil
	}
	p, err := tx.Ping(h.Key, s.Incident.Ping)
	if fault, ok := errors.AsType[*monitor.Fault](err); ok && fault.Kind == monitor.Missing {
		return nil // histories are bounded
	}
	s.Ping = &p
	return err
}

// veil removes heartbeat ids from the story, except for actors who may see them.
func (s *IncidentStory) veil(tx *store.Tx, a auth.Actor) (err error) {
	own := s.Heartbeat.ID
	if err := veilStory(tx, a, own, s.Timeline, s.Deliveries); err != nil {
		return err
	}
	if s.Ping != nil {
		one := []monitor.Ping{*s.Ping}
		if err := veilPings(tx, a, own, one); err != nil {
			return err
		}
		s.Ping = &one[0]
	}
	incidents := []monitor.Incident{s.Incident, s.Before, s.After}
	if err := veilIncidents(tx, a, incidents); err != nil {
		return err
	}
	s.Incident, s.Before, s.After = incidents[0], incidents[1], incidents[2]
	s.Heartbeat, err = veiled(tx, a, s.Heartbeat)
	return err
}

// channels reads those that the project has or had.
func (s *IncidentStory) channels(tx *store.Tx, a auth.Actor) error {
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
		c = masked(a, c)
		s.Channels[c.ID], s.Present = c, append(s.Present, c)
	}
	s.NotDelivering = notDelivering(s.Heartbeat, s.Present)
	return nil
}
