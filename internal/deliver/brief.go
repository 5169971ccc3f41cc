package deliver

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"overdue/client"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/safetext"
	"overdue/internal/shape"
	"overdue/internal/store"
)

// prepare gathers what telling an alert takes. ok is false when there is
// nothing to tell any more: the channel is gone, or a reminder came too late.
func (c *Courier) prepare(tx *store.Tx, a monitor.Alert, now time.Time) (e errand, ok bool, err error) {
	e = errand{alert: a}
	e.channel, err = tx.Channel(a.Project, a.Channel)
	if isMissing(err) {
		_, err = tx.GiveUp(a)
		return e, false, err
	}
	if err != nil {
		return e, false, err
	}
	project, err := tx.Project(a.Project)
	if err != nil {
		return e, false, err
	}
	e.news = c.news(a, e.channel, project)
	if a.Heartbeat > 0 {
		if err := c.aboutHeartbeat(tx, &e, now); err != nil {
			return e, false, err
		}
	}
	if a.Incident != "" {
		open, err := c.aboutIncident(tx, &e.news, a, now)
		if err != nil {
			return e, false, err
		}
		if a.Event == monitor.IncidentReminder && !open {
			return e, false, tx.Drop(a, now)
		}
	}
	if ok, err = c.resolveRecipients(tx, &e, now); err != nil || !ok {
		return e, false, err
	}
	if err := e.hideIDs(tx); err != nil {
		return e, false, err
	}
	return e, true, nil
}

// hideIDs removes every heartbeat id from a message before it is sent: receivers,
// their logs and their chats must not get the right to ping. References replace
// ids.
func (e *errand) hideIDs(tx *store.Tx) error {
	n := &e.news
	texts := []*string{&n.Project, &n.Channel, &n.By, &n.Heartbeat, &n.Description, &n.Schedule, &n.Sum, &n.Tail}
	if n.Failing != nil {
		texts = append(texts, &n.Failing.Channel, &n.Failing.Detail)
	}
	if i := n.Notice.Incident; i != nil {
		texts = append(texts, &i.HeartbeatName)
		if i.AcknowledgedBy != nil {
			texts = append(texts, i.AcknowledgedBy)
		}
	}
	if h := n.Notice.Heartbeat; h != nil {
		h.Tags = slices.Clone(h.Tags)
		texts = append(texts, &h.Name, &h.Description)
		for t := range h.Tags {
			texts = append(texts, &h.Tags[t])
		}
	}
	return shape.HideIDs(tx, e.own, texts...)
}

// isMissing reports whether what was asked for does not exist.
func isMissing(err error) bool {
	fault, ok := errors.AsType[*monitor.Fault](err)
	return ok && fault.Kind == monitor.Missing
}

// news is what any alert tells.
func (c *Courier) news(a monitor.Alert, channel monitor.Channel, project monitor.Project) notify.News {
	n := notify.News{
		AlertID: cmp.Or(a.Parent, a.ID), Event: string(a.Event), At: a.Created, Project: project.Name, Channel: channel.Name,
		By: a.About, URL: c.Base,
	}
	n.ProjectSlug = project.Slug
	if channel.ID != "" {
		n.ChannelURL = c.page("/channels/" + channel.ID)
	}
	if zone, err := time.LoadLocation(project.Zone); err == nil {
		n.Zone = zone
	}
	if a.Event == monitor.ChannelFailing || a.Event == monitor.ChannelRecovered {
		n.By, n.Failing = "", decodeFailing(a.About)
		n.URL = c.page("/channels")
	}
	return n
}

// page is the address of a page, empty when the server does not know its own.
func (c *Courier) page(path string) string {
	if c.Base == "" {
		return ""
	}
	return c.Base + path
}

// aboutHeartbeat adds what is known of the heartbeat.
func (c *Courier) aboutHeartbeat(tx *store.Tx, e *errand, now time.Time) error {
	n, a := &e.news, e.alert
	h, err := tx.HeartbeatByKey(a.Heartbeat)
	if err != nil {
		return err
	}
	shown := shape.Heartbeat(h, "", now)
	e.own, n.Notice.Heartbeat = h.ID, &shown
	n.Heartbeat, n.Description, n.Grace, n.Schedule = h.Name, h.Description, h.Rule.Grace, h.Rule.Words()
	n.LastPing, n.MaxRunTime = h.LastPing, h.Rule.MaxRunTime
	n.URL = c.page("/heartbeats/" + h.Ref)
	switch a.Event {
	case monitor.HeartbeatLate:
		n.Due, n.Deadline = h.Due(), h.Deadline()
	case monitor.IncidentResolved:
		n.NextDue = h.Due()
	}
	return nil
}

// aboutIncident adds what is known of the incident, and reports whether it is
// open and nobody takes care of it.
func (c *Courier) aboutIncident(tx *store.Tx, n *notify.News, a monitor.Alert, now time.Time) (open bool, err error) {
	i, err := tx.Incident(a.Project, a.Incident)
	if err != nil {
		return false, err
	}
	shown := shape.Incident(i, false)
	n.Notice.Incident = &shown
	n.ThreadID, n.Number, n.Cause, n.Sum = i.ID, i.Number, string(i.Cause), i.Because
	n.DownSince, n.DownFor, n.Resolution = i.Opened, i.Down(now), string(i.Resolution)
	n.URL = c.page("/incidents/" + i.ID)
	if c.AckURL != nil && c.Base != "" {
		n.AckURL = c.AckURL(i.ID, a.Channel)
	}
	if a.Event != monitor.IncidentResolved {
		n.LastPing, n.Due, n.Deadline = i.LastPing, i.Due, deadline(i)
		n.Resolution = ""
		if err := c.aboutPing(tx, n, i); err != nil {
			return false, err
		}
	}
	if a.Event == monitor.IncidentOpened {
		n.At, n.DownFor = i.Opened, i.Detected.Sub(i.Opened)
	}
	if a.Event == monitor.IncidentResolved {
		n.At = i.ResolvedAt
	}
	return i.State() == monitor.Open, nil
}

// deadline is when silence became this incident, none for other causes.
func deadline(i monitor.Incident) time.Time {
	if i.Cause == monitor.Missed {
		return i.Opened
	}
	return time.Time{}
}

// aboutPing adds the end of what the job wrote: with the failure that it
// reported, or else with the newest ping.
func (c *Courier) aboutPing(tx *store.Tx, n *notify.News, i monitor.Incident) error {
	number := i.Ping
	if number == 0 {
		newest, err := tx.Pings(i.Heartbeat, 0, 1)
		if err != nil || len(newest) == 0 {
			return err
		}
		number = newest[0].N
	}
	p, err := tx.Ping(i.Heartbeat, number)
	if isMissing(err) {
		return nil // histories are bounded
	}
	if err != nil {
		return err
	}
	n.Tail = safetext.Decode(p.Body)
	if i.Ping > 0 && p.ExitCode != monitor.NoExitCode {
		n.ExitCode = &p.ExitCode
	}
	return nil
}

// Test sends a test alert now and waits for the provider's answer.
func (c *Courier) Test(ctx context.Context, channel monitor.Channel, project monitor.Project, id string) (notify.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, longestSend)
	defer cancel()
	a := monitor.Alert{ID: id, Event: monitor.TestAlert, Created: time.Now().UTC()}
	n := c.news(a, channel, project)
	n.Notice = client.Notice{}
	return c.Send(ctx, channel.Kind, notify.Settings(channel.Settings), n)
}
