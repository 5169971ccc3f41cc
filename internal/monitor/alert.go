package monitor

import (
	"slices"
	"time"
)

// Event is a reason for an alert. The values are part of the API.
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
	BlackoutNoticed      Event = "blackout.noticed"
	IncidentsGrouped     Event = "incidents.grouped"
	TestAlert            Event = "test"
)

// Channel is a destination of alerts.
type Channel struct {
	ID               string
	Project          int64
	Kind             string
	Name             string
	Settings         map[string]any // fields of its kind
	NotifyOnLate     bool
	NotifyOnRecovery bool
	RemindEvery      time.Duration // 0: never
	Failing          bool          // alerts are not delivered to the channel or to a recipient
	LastDelivery     time.Time
	PausedUntil      time.Time // the receiver asked for no attempts before, zero if it did not
	Created          time.Time
	Revision         int64         // counts its edits, from 1
	Target           string        // where alerts go, without secrets. Set only in lists and details of channels
	Health           ChannelHealth // set only in lists and details of channels
}

// Alert is one message to one channel about one event. It is delivered at least once. ID is the
// same on every attempt.
type Alert struct {
	ID             string
	Project        int64
	Channel        string
	Event          Event
	Heartbeat      int64    // Heartbeat.Key, 0 if it is not about one
	Incident       string   // "" if it is not about one
	IncidentNumber int64    // orders the alerts of a heartbeat; not fetched
	Severity       Severity // of the heartbeat; not fetched
	Subject        string   // other text for the message, such as the name of a failing channel
	State          AlertState
	Attempts       int       // number of attempts so far
	Created        time.Time // when it became pending
	NextAttempt    time.Time // not before this time
	NotBefore      time.Time // a mute or a step of a policy holds it back until then, zero if none does; not fetched
	Recipient      string    // the only recipient; "" means all without a separate alert
	SplitFrom      string    // ID of the alert that it was split from, "" if none
	Carrier        string    // ID of the alert whose message contains this one, "" if it is sent alone
}

// AlertState is the delivery state of an alert. The values are part of the API.
type AlertState string

// The states of an alert.
const (
	AlertPending AlertState = "pending"
	AlertSent    AlertState = "sent"
	AlertFailed  AlertState = "failed"
)

// RoutesTo reports whether alerts of the heartbeat go to the channel.
func (h Heartbeat) RoutesTo(c Channel) bool {
	return c.Project == h.Project && (h.AllChannels || slices.Contains(h.Channels, c.ID))
}

// NotifiesOn reports whether the settings of the channel allow alerts of an event.
func (c Channel) NotifiesOn(e Event) bool {
	switch e {
	case HeartbeatLate:
		return c.NotifyOnLate
	case IncidentResolved:
		return c.NotifyOnRecovery
	}
	return true
}

// Audience is who can receive the alerts of a heartbeat.
type Audience struct {
	Channels []Channel // of the project
	Policies []Policy  // of the project; needed only if an incident opens or the heartbeat is late
	// Notified are the ids of the channels that received the opening alert: they also receive the
	// resolution, whatever the current routing is. It is nil if the incident opened in the same
	// change.
	Notified []string
}

// AlertsFor returns the alerts that a change sends, in the order of delivery. They have no ID and
// no State yet.
func (h Heartbeat) AlertsFor(change Change, i Incident, who Audience, now time.Time) []Alert {
	var alerts []Alert
	add := func(c Channel, e Event, next time.Time) *Alert {
		a := Alert{Project: h.Project, Channel: c.ID, Event: e, Heartbeat: h.Key, Severity: h.Severity, Created: now, NextAttempt: next}
		if e != HeartbeatLate {
			a.Incident, a.IncidentNumber = i.ID, i.Number
		}
		alerts = append(alerts, a)
		return &alerts[len(alerts)-1]
	}
	var plan []Notification
	if change.Opened != nil || !change.LateSince.IsZero() || change.Resolved != nil && who.Notified == nil {
		plan = h.NotificationPlan(who)
	}
	for _, c := range who.Channels {
		atOnce := slices.ContainsFunc(plan, func(n Notification) bool { return n.Channel.ID == c.ID && n.After == 0 })
		if atOnce && !change.LateSince.IsZero() && c.NotifiesOn(HeartbeatLate) {
			add(c, HeartbeatLate, now)
		}
		for _, n := range plan {
			if n.Channel.ID != c.ID || change.Opened == nil || n.After > 0 && change.Resolved != nil {
				continue
			}
			n.describe(add(c, n.Event, now.Add(n.After)))
		}
		receives := slices.Contains(who.Notified, c.ID) || (who.Notified == nil && atOnce)
		if receives && change.Resolved != nil && c.NotifiesOn(IncidentResolved) {
			add(c, IncidentResolved, now)
		}
	}
	return h.applyFlapping(h.applyMute(alerts, change, now), change, i, now)
}

// describe sets the step of a policy that sends the alert. Its time is also its creation, so that the
// retries of an alert after days do not end at once.
func (n Notification) describe(a *Alert) {
	if n.Escalation.Step == 0 {
		return
	}
	a.Subject, a.Created = n.Escalation.Encode(), a.NextAttempt
	if a.Event == IncidentOpened {
		a.NotBefore = a.NextAttempt
	}
}
