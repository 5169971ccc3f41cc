package deliver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"overdue/client"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
	"overdue/internal/safetext"
	"overdue/internal/store"
	"overdue/internal/wire"
)

// prepare reads what is needed to send an alert. ok is false if there is
// nothing to send: the channel was deleted, or a reminder is no longer needed.
func (c *Dispatcher) prepare(tx *store.Tx, f facts, a monitor.Alert, now time.Time) (e delivery, ok bool, err error) {
	e = delivery{alert: a}
	e.channel, err = f.channel(tx, a)
	if isNotFound(err) {
		return e, false, failDeleted(tx, a, now)
	}
	if err != nil {
		return e, false, err
	}
	project, err := f.project(tx, a)
	if err != nil {
		return e, false, err
	}
	e.notification = c.newNotification(a, e.channel, project)
	if held, err := holdQuiet(tx, f, a, now); held || err != nil {
		return e, false, err
	}
	if a.Heartbeat > 0 {
		if err := c.addHeartbeat(tx, f, &e, now); err != nil {
			return e, false, err
		}
	}
	if a.Event == monitor.BlackoutNoticed {
		if ok, err := c.addBlackout(tx, &e); err != nil || !ok {
			return e, false, err
		}
	}
	if a.Event == monitor.IncidentsGrouped {
		if ok, err := c.addGroup(tx, &e, now); err != nil || !ok {
			return e, false, err
		}
	}
	if a.Incident != "" {
		open, err := c.addIncident(tx, f, &e, now)
		if err != nil {
			return e, false, err
		}
		if a.Event == monitor.IncidentReminder && !open {
			return e, false, tx.Cancel(a, now)
		}
		if until := e.snoozedUntil; a.Event == monitor.IncidentReminder && now.Before(until) {
			return e, false, waitForSnooze(tx, a, until, now)
		}
	}
	if err := e.addThread(tx, f); err != nil {
		return e, false, err
	}
	if ok, err = c.resolveRecipients(tx, &e, now); err != nil || !ok {
		return e, false, err
	}
	if err := e.redactIDs(tx); err != nil {
		return e, false, err
	}
	return e, true, nil
}

// redactIDs replaces every heartbeat id in a message with the reference of the
// heartbeat: the readers of messages, logs and chats must not be able to ping.
func (e *delivery) redactIDs(tx *store.Tx) error {
	n := &e.notification
	texts := []*string{&n.Project, &n.Channel, &n.AcknowledgedBy, &n.Heartbeat, &n.Description, &n.Schedule, &n.Explanation, &n.Escalation, &n.Flapping, &n.Output}
	if n.Failing != nil {
		texts = append(texts, &n.Failing.Channel, &n.Failing.Reason)
	}
	if b := n.Blackout; b != nil {
		for i := range b.Heartbeats {
			texts = append(texts, &b.Heartbeats[i].HeartbeatName)
		}
	}
	if g := n.Group; g != nil {
		for i := range g.Tags {
			texts = append(texts, &g.Tags[i])
		}
		for i := range g.Incidents {
			texts = append(texts, &g.Incidents[i].HeartbeatName)
		}
	}
	if i := n.Notice.Incident; i != nil {
		texts = append(texts, &i.HeartbeatName)
		if i.AcknowledgedBy != nil {
			texts = append(texts, i.AcknowledgedBy)
		}
		if i.Host != nil {
			texts = append(texts, i.Host)
		}
	}
	if h := n.Notice.Heartbeat; h != nil {
		h.Tags = slices.Clone(h.Tags)
		texts = append(texts, &h.Name, &h.Description)
		for i := range h.Hosts { // wire.Heartbeat made them
			texts = append(texts, &h.Hosts[i].Name)
		}
		for t := range h.Tags {
			texts = append(texts, &h.Tags[t])
		}
	}
	return wire.HideIDs(tx, e.heartbeatID, texts...)
}

// holdQuiet makes a claimed alert wait if the alerts of its heartbeat are muted, or wait because it flaps, and
// reports whether they do. This check, and not the time of the next attempt, decides: other rules can change that.
func holdQuiet(tx *store.Tx, f facts, a monitor.Alert, now time.Time) (bool, error) {
	if a.Heartbeat == 0 || a.Attempts > 1 {
		return false, nil
	}
	h, err := f.heartbeat(tx, a)
	if err != nil {
		return false, err
	}
	if held, err := holdInMaintenance(tx, h, a, now); held || err != nil {
		return held, err
	}
	kind, until, why := "muted", h.MutedUntil, h.ExplainMute(now)
	if !h.Mutes(a.Event, now) {
		flaps, err := isHeldByFlapping(tx, f, h, a, now)
		if !flaps || err != nil {
			return false, err
		}
		kind, until, why = "flapping", h.Flapping.Until(), monitor.ExplainFlappingHold
	}
	if a.Event == monitor.HeartbeatLate {
		return true, tx.Cancel(a, now)
	}
	if err := tx.Hold(a, until); err != nil {
		return true, err
	}
	what := "Not sent: "
	if a.Event == monitor.IncidentResolved {
		what = "Recovery not sent: "
	}
	return true, tx.AddTimelineEntryOnce(a.Incident, kind, what+why+".", now)
}

// isHeldByFlapping reports whether an alert waits because its heartbeat flaps.
func isHeldByFlapping(tx *store.Tx, f facts, h monitor.Heartbeat, a monitor.Alert, now time.Time) (bool, error) {
	if !h.Flaps(now) {
		return false, nil
	}
	var i monitor.Incident
	if a.Incident != "" {
		var err error
		if i, err = f.incident(tx, a); err != nil {
			return false, err
		}
	}
	return h.FlappingHolds(a.Event, i, now), nil
}

// waitForSnooze makes a claimed reminder wait: its incident was snoozed after it was enqueued or
// attempted. At the end of the snooze, one reminder is sent, so the others are not needed.
func waitForSnooze(tx *store.Tx, a monitor.Alert, until, now time.Time) error {
	if a.Subject == monitor.SnoozeReminder {
		return tx.Reschedule(a, until, time.Time{})
	}
	if _, step := a.Escalation(); step {
		return tx.Hold(a, until)
	}
	return tx.Cancel(a, now)
}

// failDeleted marks an alert of a deleted channel as failed, with the members of a group, and sends their
// openings to other channels.
func failDeleted(tx *store.Tx, a monitor.Alert, now time.Time) error {
	if _, err := tx.MarkFailed(a); err != nil {
		return err
	}
	alerts := []monitor.Alert{a}
	if a.Event == monitor.IncidentsGrouped {
		var err error
		if alerts, err = tx.FailMembers(groupID(a)); err != nil {
			return err
		}
	}
	return tx.SendElsewhere(alerts, now)
}

// isNotFound reports whether an error means that an object does not exist.
func isNotFound(err error) bool {
	fault, ok := errors.AsType[*monitor.Fault](err)
	return ok && fault.Kind == monitor.NotFound
}

// newNotification returns the parts of the notification that every event has.
func (c *Dispatcher) newNotification(a monitor.Alert, channel monitor.Channel, project monitor.Project) message.Notification {
	n := message.Notification{
		AlertID: cmp.Or(a.SplitFrom, a.ID), Event: string(a.Event), At: a.Created, Project: project.Name, Channel: channel.Name,
		AcknowledgedBy: a.Subject, URL: c.Base,
	}
	n.ProjectSlug = project.Slug
	if channel.ID != "" {
		n.ChannelURL = c.pageURL("/channels/" + channel.ID)
	}
	if zone, err := time.LoadLocation(project.Zone); err == nil {
		n.Zone = zone
	}
	if a.Event == monitor.BlackoutNoticed {
		n.AcknowledgedBy = ""
	}
	if a.Event == monitor.IncidentReminder {
		n.AcknowledgedBy, n.SnoozeEnded = "", a.Subject == monitor.SnoozeReminder
	}
	if step, ok := a.Escalation(); ok {
		n.AcknowledgedBy, n.Escalation = "", step.Explain()
	}
	if a.Event == monitor.ChannelFailing || a.Event == monitor.ChannelRecovered {
		n.AcknowledgedBy, n.Failing = "", decodeChannelFailure(a.Subject)
		n.URL = c.pageURL("/channels")
	}
	return n
}

// pageURL returns the URL of a page, or "" if the base URL is not known.
func (c *Dispatcher) pageURL(path string) string {
	if c.Base == "" {
		return ""
	}
	return c.Base + path
}

// addHeartbeat adds the facts about the heartbeat.
func (c *Dispatcher) addHeartbeat(tx *store.Tx, f facts, e *delivery, now time.Time) error {
	n, a := &e.notification, e.alert
	h, err := f.heartbeat(tx, a)
	if err != nil {
		return err
	}
	shown := wire.Heartbeat(h, "", now)
	e.heartbeatID, e.pings, n.Notice.Heartbeat = h.ID, h.PingCount, &shown
	n.Heartbeat, n.Description, n.Grace, n.Schedule = h.Name, h.Description, h.Rule.Grace, h.Rule.Describe()
	n.LastPing, n.MaxRunTime = h.LastPing, h.Rule.MaxRunTime
	n.URL = c.pageURL("/heartbeats/" + h.Ref)
	switch a.Event {
	case monitor.HeartbeatLate:
		n.Due, n.Deadline = h.Due(), h.Deadline()
	case monitor.IncidentResolved:
		n.NextDue = h.Due()
	}
	return nil
}

// maxNoticedHeartbeats is the maximum number of affected heartbeats in the body of a webhook.
const maxNoticedHeartbeats = 100

// addBlackout adds the blackout that a notice is about, with the heartbeats of the project that it
// affected. It reports false if the blackout is no longer stored: then there is nothing to send.
func (c *Dispatcher) addBlackout(tx *store.Tx, e *delivery) (bool, error) {
	key, err := strconv.ParseInt(e.alert.Subject, 10, 64)
	if err != nil {
		return false, fmt.Errorf("notice of a blackout: %w", err)
	}
	b, err := tx.Blackout(key)
	if isNotFound(err) {
		_, err = tx.MarkFailed(e.alert)
		return false, err
	}
	if err != nil {
		return false, err
	}
	counts, err := tx.CountAffected(e.alert.Project, []int64{key})
	if err != nil {
		return false, err
	}
	affected, err := tx.AffectedHeartbeats(key, e.alert.Project, maxNoticedHeartbeats)
	if err != nil {
		return false, err
	}
	shown := wire.BlackoutDetail(b, counts[key], b.PublicDetail(), affected, false)
	n := &e.notification
	n.Blackout, n.At = &shown, b.To
	n.URL = c.pageURL("/blackouts?project=" + strconv.FormatInt(e.alert.Project, 10) + "&blackout=" + e.alert.Subject + "#blackout-" + e.alert.Subject)
	return true, nil
}

// addIncident adds the facts about the incident, and reports whether it is open
// and not acknowledged.
func (c *Dispatcher) addIncident(tx *store.Tx, f facts, e *delivery, now time.Time) (open bool, err error) {
	n, a := &e.notification, e.alert
	i, err := f.incident(tx, a)
	if err != nil {
		return false, err
	}
	if i.Snoozed(now) {
		e.snoozedUntil = i.SnoozedUntil
	}
	shown := wire.Incident(i, false)
	n.Notice.Incident = &shown
	n.ThreadID, n.Number, n.Cause, n.Explanation = i.ID, i.Number, string(i.Cause), i.Reason
	n.DownSince, n.DownFor, n.Resolution = i.OpenedAt, i.Duration(now), string(i.Resolution)
	n.URL = c.pageURL("/incidents/" + i.ID)
	if c.AckURL != nil && c.Base != "" {
		n.AckURL = c.AckURL(i.ID, a.Channel)
	}
	if a.Event != monitor.IncidentResolved {
		n.LastPing, n.Due, n.Deadline = i.LastPing, i.Due, missedDeadline(i)
		n.Resolution = ""
		if err := e.addPingOutput(tx, f, i); err != nil {
			return false, err
		}
	}
	if a.Heartbeat > 0 {
		h, err := f.heartbeat(tx, a)
		if err != nil {
			return false, err
		}
		n.Flapping = h.ExplainFlappingIn(a.Event, i)
	}
	if a.Event == monitor.IncidentOpened {
		n.At, n.DownFor = i.OpenedAt, i.DetectedAt.Sub(i.OpenedAt)
	}
	if a.Event == monitor.IncidentResolved {
		n.At = i.ResolvedAt
	}
	return i.State() == monitor.StateOpen, nil
}

// missedDeadline returns the missed deadline of an incident, or the zero time if it has
// another cause.
func missedDeadline(i monitor.Incident) time.Time {
	if i.Cause == monitor.CauseMissed {
		return i.OpenedAt
	}
	return time.Time{}
}

// addPingOutput adds the output of the ping that reported the failure, or of
// the newest ping.
func (e *delivery) addPingOutput(tx *store.Tx, f facts, i monitor.Incident) error {
	n, number := &e.notification, i.PingNumber
	if o, known := f.known[i.ID]; known {
		n.Output, n.ExitCode = o.text, o.exit
		return nil
	}
	if number == 0 && (e.pings == 0 || !f.mayHaveOutput(i.Heartbeat)) {
		return nil
	}
	if number == 0 {
		newest, err := tx.Pings(i.Heartbeat, 0, 1)
		if err != nil || len(newest) == 0 || newest[0].BodySize == 0 {
			return err
		}
		number = newest[0].Number
	}
	p, err := tx.Ping(i.Heartbeat, number)
	if isNotFound(err) {
		return nil // histories are bounded
	}
	if err != nil {
		return err
	}
	n.Output = safetext.Decode(p.Body)
	if i.PingNumber > 0 && p.ExitCode != monitor.NoExitCode {
		n.ExitCode = &p.ExitCode
	}
	return nil
}

// SendTest sends a test alert and waits for the response of the provider.
func (c *Dispatcher) SendTest(ctx context.Context, channel monitor.Channel, project monitor.Project, id string) (notify.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, defaultSendTimeout)
	defer cancel()
	a := monitor.Alert{ID: id, Event: monitor.TestAlert, Created: time.Now().UTC()}
	n := c.newNotification(a, channel, project)
	n.Notice = client.Notification{}
	return c.Send(ctx, channel.Kind, setting.Values(channel.Settings), n)
}
