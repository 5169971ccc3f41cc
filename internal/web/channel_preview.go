package web

import (
	"time"

	"overdue/internal/notify"
	"overdue/internal/web/view"
)

// The job of the preview: a backup at night that did not ping.
const (
	previewJob      = "Nightly database backup"
	previewInterval = 24 * time.Hour
	previewGrace    = 10 * time.Minute
	previewDownFor  = 2*time.Hour + 14*time.Minute
)

// messagePreviews show how alerts will look in the channel, in the words that it will
// be told in.
func (v *request) messagePreviews(d channelDraft) []view.MessagePreview {
	opened := v.now.Add(-previewDownFor).Truncate(time.Minute)
	due := opened.Add(-previewGrace)
	down := notify.Notification{
		Event: notify.EventOpened, At: opened, Project: v.actor.Project.Name, Channel: d.name, Zone: Zone(v.clock),
		Heartbeat: previewJob, Number: 1, Cause: "missed", Schedule: "every 24 h", Grace: previewGrace,
		LastPing: due.Add(-previewInterval), Due: due, Deadline: opened, DownSince: opened, URL: v.site.BaseURL, AckURL: v.site.BaseURL,
	}
	all := []view.MessagePreview{v.messagePreview(down, "down")}
	if d.notifyOnRecovery {
		up := down
		up.Event, up.At, up.Resolution, up.DownFor = notify.EventResolved, v.now, "recovered", previewDownFor
		up.NextDue, up.LastPing, up.Due, up.Deadline, up.AckURL = v.now.Add(previewInterval), time.Time{}, time.Time{}, time.Time{}, ""
		all = append(all, v.messagePreview(up, "up"))
	}
	return all
}

// messagePreview is one message as the page shows it.
func (v *request) messagePreview(n notify.Notification, status string) view.MessagePreview {
	m := n.Message()
	p := view.MessagePreview{Status: status, At: v.clock.Minute(n.At), Title: m.Subject, Text: m.Lead}
	for _, f := range m.Facts {
		p.Facts = append(p.Facts, view.Option{Label: f.Label, Value: f.Value})
	}
	for _, l := range m.Links {
		p.Actions = append(p.Actions, l.Label)
	}
	return p
}
