package web

import (
	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// keyOf is how paths name a heartbeat: by its id for those who may ping, by its
// ref for everyone else.
func keyOf(h monitor.Heartbeat) string {
	if h.ID != "" {
		return h.ID
	}
	return h.Ref
}

// row is one line of the list.
func (v *visit) row(w manage.Watched) view.Row {
	r := view.Row{
		Key: keyOf(w.Heartbeat), Name: w.Name, Status: string(w.Shown(v.now)), Tags: w.Tags, Schedule: w.Rule.Words(),
		Grace: w.Rule.Grace, Editable: v.actor.May(auth.ChangeHeartbeats),
		Due: w.Due(), Deadline: w.Deadline(), LastPing: w.LastPing, LastStart: w.Began, Created: w.Created,
		PausedAt: w.PausedAt, PausedBy: w.PausedBy, RunningSince: runningSince(w.Heartbeat),
		Strip: strip(runs(w, v.now)), Spark: spark(w.Pings),
	}
	if w.Status == monitor.Down {
		r.DownSince, r.Cause = w.Deadline(), string(w.Cause)
		if n := len(w.Outages); n > 0 && w.Outages[n-1].Resolved.IsZero() {
			r.DownSince = w.Outages[n-1].Opened
		}
	}
	return r
}
