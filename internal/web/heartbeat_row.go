package web

import (
	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// HeartbeatKey is how paths name a heartbeat: by its id for those who may ping, by its
// ref for everyone else.
func HeartbeatKey(h monitor.Heartbeat) string {
	if h.ID != "" {
		return h.ID
	}
	return h.Ref
}

// heartbeatRow is one line of the list.
func (v *request) heartbeatRow(w manage.HeartbeatHistory) view.Row {
	r := view.Row{
		Key: HeartbeatKey(w.Heartbeat), Name: w.Name, Status: string(w.StatusAt(v.now)), Tags: w.Tags, Schedule: w.Rule.Describe(),
		Grace: w.Rule.Grace, Editable: v.actor.May(auth.ChangeHeartbeats),
		Due: w.Due(), Deadline: w.Deadline(), LastPing: w.LastPing, LastStart: w.LastStart, Created: w.Created,
		PausedAt: w.PausedAt, PausedBy: w.PausedBy, RunningSince: RunningSince(w.Heartbeat),
		Strip: Strip(Runs(w, v.now)), Spark: Spark(w.Pings),
	}
	if w.Status == monitor.Down {
		r.DownSince, r.Cause = w.Deadline(), string(w.DownCause)
		if n := len(w.Outages); n > 0 && w.Outages[n-1].Resolved.IsZero() {
			r.DownSince = w.Outages[n-1].Opened
		}
	}
	return r
}
