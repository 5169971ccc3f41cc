package monitor

import (
	"slices"
	"time"
)

// Event is what a channel is told of. The values are part of the API.
type Event string

// The events.
const (
	IncidentOpened       Event = "incident.opened"
	IncidentReminder     Event = "incident.reminder"
	IncidentAcknowledged Event = "incident.acknowledged"
	IncidentResolved     Event = "incident.resolved"
	HeartbeatLate        Event = "heartbeat.late"
	ChannelFailing       Event = "channel.failing"
	ChannelRecovered     Event = "channel.recovered"
	TestAlert            Event = "test"
)

// Channel is a way to tell people.
type Channel struct {
	ID               string
	Project          int64
	Kind             string
	Name             string
	Settings         map[string]any // as its kind describes them
	NotifyOnLate     bool
	NotifyOnRecovery bool
	RemindEvery      time.Duration // 0: never
	Failing          bool          // alerts do not get through, to the whole channel or to a recipient
	LastDelivery     time.Time
	Created          time.Time
	Revision         int64         // counts its edits, from 1
	Health           ChannelHealth // set where channels are shown
}

// Alert is what one channel is owed: to be told of one event. It is told at
// least once; ID is the same on every attempt.
type Alert struct {
	ID             string
	Project        int64
	Channel        string
	Event          Event
	Heartbeat      int64  // Heartbeat.Key, 0 when it is about none
	Incident       string // empty when it is about none
	IncidentNumber int64  // the incident's, which puts the alerts of a heartbeat in order; not fetched
	Subject        string // what else the text needs, such as the name of a failing channel
	State          AlertState
	Attempts       int       // made so far
	Created        time.Time // when it became owed
	NextAttempt    time.Time // not before this
	Recipient      string    // the one recipient that it is for; "": all without a separate alert
	SplitFrom      string    // ID of the alert that it was split from, "" for none
}

// AlertState is how far the telling is. The values are part of the API.
type AlertState string

// The states of an alert.
const (
	AlertPending AlertState = "pending"
	AlertSent    AlertState = "sent"
	AlertFailed  AlertState = "failed"
)

// RoutesTo reports whether a heartbeat's news go to the channel.
func (h Heartbeat) RoutesTo(c Channel) bool {
	return c.Project == h.Project && (h.AllChannels || slices.Contains(h.Channels, c.ID))
}

// NotifiesOn reports whether the channel is to be told of such an event.
func (c Channel) NotifiesOn(e Event) bool {
	switch e {
	case HeartbeatLate:
		return c.NotifyOnLate
	case IncidentResolved:
		return c.NotifyOnRecovery
	}
	return true
}

// AlertsFor returns the alerts that a change of h owes to its channels, in the
// order in which they are to be told. told names the channels that were told
// of the incident when it opened: they are told of its end, whatever the
// routing is by then; nil when it opened in the same change. The alerts have
// neither id nor state.
func (h Heartbeat) AlertsFor(change Change, i Incident, told []string, channels []Channel, now time.Time) []Alert {
	var owed []Alert
	add := func(c Channel, e Event, next time.Time) {
		a := Alert{Project: h.Project, Channel: c.ID, Event: e, Heartbeat: h.Key, Created: now, NextAttempt: next}
		if e != HeartbeatLate {
			a.Incident, a.IncidentNumber = i.ID, i.Number
		}
		owed = append(owed, a)
	}
	// A heartbeat whose channels are all gone tells all there are: it was not
	// meant to be silent.
	if !h.AllChannels && len(h.Channels) > 0 && !slices.ContainsFunc(channels, h.RoutesTo) {
		h.AllChannels = true
	}
	for _, c := range channels {
		routed := h.RoutesTo(c)
		if routed && !change.LateSince.IsZero() && c.NotifiesOn(HeartbeatLate) {
			add(c, HeartbeatLate, now)
		}
		if routed && change.Opened != nil {
			add(c, IncidentOpened, now)
			if c.RemindEvery > 0 && change.Resolved == nil {
				add(c, IncidentReminder, now.Add(c.RemindEvery))
			}
		}
		hears := slices.Contains(told, c.ID) || (told == nil && routed)
		if hears && change.Resolved != nil && c.NotifiesOn(IncidentResolved) {
			add(c, IncidentResolved, now)
		}
	}
	return owed
}
