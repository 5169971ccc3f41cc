package web

import (
	"time"

	"overdue/internal/notify"
	"overdue/internal/web/view"
)

// The job of the preview: a backup at night that did not ping.
const (
	previewJob   = "Nightly database backup"
	previewEvery = 24 * time.Hour
	previewGrace = 10 * time.Minute
	previewDown  = 2*time.Hour + 14*time.Minute
)

// previews show how alerts will look in the channel, in the words that it will
// be told in.
func (v *visit) previews(d draft) []view.MessagePreview {
	opened := v.now.Add(-previewDown).Truncate(time.Minute)
	due := opened.Add(-previewGrace)
	down := notify.News{
		Event: notify.EventOpened, At: opened, Project: v.actor.Project.Name, Channel: d.name, Zone: zone(v.clock),
		Heartbeat: previewJob, Number: 1, Cause: "missed", Schedule: "every 24 h", Grace: previewGrace,
		LastPing: due.Add(-previewEvery), Due: due, Deadline: opened, DownSince: opened, URL: v.site.Base, AckURL: v.site.Base,
	}
	all := []view.MessagePreview{v.message(down, "down")}
	if d.recovered {
		up := down
		up.Event, up.At, up.Resolution, up.DownFor = notify.EventResolved, v.now, "recovered", previewDown
		up.NextDue, up.LastPing, up.Due, up.Deadline, up.AckURL = v.now.Add(previewEvery), time.Time{}, time.Time{}, time.Time{}, ""
		all = append(all, v.message(up, "up"))
	}
	return all
}

// message is one message as the page shows it.
func (v *visit) message(n notify.News, status string) view.MessagePreview {
	m := n.Message()
	p := view.MessagePreview{Status: status, At: v.clock.Minute(n.At), Title: m.Subject, Text: m.Lead}
	for _, f := range m.Facts {
		p.Facts = append(p.Facts, view.Choice{Label: f.Label, Value: f.Value})
	}
	for _, l := range m.Links {
		p.Actions = append(p.Actions, l.Label)
	}
	return p
}
