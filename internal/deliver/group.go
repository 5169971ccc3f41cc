package deliver

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/client"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/store"
)

// maxGroupMembers is the maximum number of incidents that a message about a group names.
const maxGroupMembers = 10

// maxGroupingSteps is the maximum number of steps in which the dispatcher decides about the groups of new
// incidents, of 500 incidents each. If there are more, the link of the message is that of a list.
const maxGroupingSteps = 4

// isGrouped reports whether the alerts of a storm are sent to a kind of channel as few messages: people
// read them. A program gets each alert.
func isGrouped(kind string) bool {
	k, known := notify.KindOf(kind)
	return known && !k.Can.Machine
}

// pendingChannels lists the channels with pending alerts, after the due alerts of channels that people
// read were grouped.
func (c *Dispatcher) pendingChannels(tx *store.Tx, now time.Time) ([]store.PendingChannel, error) {
	pending, err := tx.PendingByChannel(now)
	if err != nil {
		return nil, err
	}
	decided := false
	for _, p := range pending {
		if p.NextAttempt.After(now) || !isGrouped(p.Kind) {
			continue
		}
		some, err := tx.GroupAlerts(p.Channel, now)
		if err != nil {
			return nil, err
		}
		decided = decided || some
	}
	if !decided {
		return pending, nil
	}
	return tx.PendingByChannel(now)
}

// groupID returns the id of the group of an alert, which may be a part for one recipient.
func groupID(a monitor.Alert) string {
	if a.SplitFrom != "" {
		return a.SplitFrom
	}
	return a.ID
}

// addGroup adds the facts about the members of a group. It reports false if the group has none: their
// rows were deleted.
func (c *Dispatcher) addGroup(tx *store.Tx, e *delivery, now time.Time) (bool, error) {
	group, err := c.groupOf(tx, e.alert, now)
	if err != nil {
		return false, err
	}
	g, err := tx.AlertGroup(groupID(e.alert), maxGroupMembers)
	if err != nil {
		return false, err
	}
	if g.Count == 0 {
		_, err := tx.MarkFailed(e.alert)
		return false, err
	}
	event, cause, _ := strings.Cut(e.alert.Subject, " ")
	shown := client.IncidentGroup{
		Event: event, Cause: cause, Count: g.Count, Open: g.Open, From: g.From, To: g.To, Tags: commonTags(g), Incidents: []client.GroupedIncident{},
	}
	for _, m := range g.Members {
		shown.Incidents = append(shown.Incidents, client.GroupedIncident{
			ID: m.Incident, Number: m.Number, HeartbeatName: m.Heartbeat, Severity: string(m.Severity),
		})
	}
	n := &e.notification
	n.Group, n.AcknowledgedBy = &shown, ""
	n.URL = c.pageURL(groupPath(event, cause, group) + "project=" + strconv.FormatInt(e.alert.Project, 10))
	return true, nil
}

// groupOf returns the number of the group that all incidents of a message belong to, 0 if they do not
// belong to one. It decides about the next incidents of the project first: the first message of a storm is
// sent before the loop does.
func (c *Dispatcher) groupOf(tx *store.Tx, a monitor.Alert, now time.Time) (int64, error) {
	for range maxGroupingSteps {
		step, err := tx.GroupIncidents(a.Project, now)
		if err != nil {
			return 0, err
		}
		if !step.More {
			break
		}
	}
	return tx.GroupOfMembers(groupID(a))
}

// groupPath returns the page with the members of a message, and the beginning of a query: the group of
// incidents, or the incidents that are open, acknowledged or resolved.
func groupPath(event, cause string, group int64) string {
	if group > 0 {
		return "/incidents/groups/" + strconv.FormatInt(group, 10) + "?"
	}
	switch monitor.Event(event) {
	case monitor.IncidentOpened, monitor.IncidentReminder:
		return "/incidents?state=open&cause=" + cause + "&"
	case monitor.IncidentAcknowledged:
		return "/incidents?state=acknowledged&cause=" + cause + "&"
	case monitor.IncidentResolved:
		return "/incidents?state=resolved&cause=" + cause + "&"
	}
	return "/heartbeats?status=late&"
}

// commonTags returns the tags of nearly all members: nine of ten.
func commonTags(g store.AlertGroup) []string {
	tags := []string{}
	for tag, n := range g.Tags {
		if 10*n >= 9*g.Count {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return tags
}

// finishGroup gives the members of a group the result of its message.
func (c *Dispatcher) finishGroup(tx *store.Tx, r sendResult, failure *notify.SendError, now time.Time) error {
	if r.alert.Event != monitor.IncidentsGrouped {
		return nil
	}
	if failure == nil {
		if err := c.scheduleReminders(tx, r, now); err != nil {
			return err
		}
	}
	state, text := monitor.AlertSent, sentInGroupText(r.channel.Name, r.notification.Group)
	if failure != nil {
		state, text = monitor.AlertFailed, undeliveredText(r.channel.Name, failure)
	}
	return tx.FinishGroup(groupID(r.alert), state, text, now)
}

// scheduleReminders schedules the next reminders after a group of reminders was sent.
func (c *Dispatcher) scheduleReminders(tx *store.Tx, r sendResult, now time.Time) error {
	event, _, _ := strings.Cut(r.alert.Subject, " ")
	if monitor.Event(event) != monitor.IncidentReminder {
		return nil
	}
	members, err := tx.RemindersOfGroup(groupID(r.alert))
	if err != nil {
		return err
	}
	var next []store.NextReminder
	for _, m := range members {
		every, _ := reminderAfter(m.Alert, r.channel)
		if after, again := nextReminder(m.Alert, m.Incident, every, now); again {
			next = append(next, store.NextReminder{Alert: after, Repeat: m.Reminders})
		}
	}
	return tx.EnqueueReminders(next)
}

// sentInGroupText returns the sentence for the timeline of a member.
func sentInGroupText(channel string, g *client.IncidentGroup) string {
	if g == nil || g.Count < 2 {
		return "Sent to " + channel + " in a message about a group of incidents."
	}
	others := message.Quantity(g.Count-1, "other incident", "other incidents")
	switch g.Event {
	case message.EventAcknowledged:
		others = message.Quantity(g.Count-1, "other acknowledgement", "other acknowledgements")
	case message.EventResolved:
		others = message.Quantity(g.Count-1, "other recovery", "other recoveries")
	}
	return "Sent to " + channel + " in one message with " + others + "."
}
