package present

import (
	"fmt"
	"slices"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify/message"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/incidentview"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
	"overdue/internal/wire"
)

// shownHeartbeats is the number of heartbeats of a blackout that is not the chosen one.
const shownHeartbeats = 5

// BlackoutStats returns the figures of the blackouts since a time.
func BlackoutStats(recent []manage.Blackout, since time.Time) (s incidentview.BlackoutStats, marks []incidentview.BlackoutMark) {
	for _, b := range slices.Backward(recent) {
		from := b.From
		if from.Before(since) {
			from = since
		}
		length := max(0, b.To.Sub(from))
		s.Total, s.Longest, s.Last = s.Total+length, max(s.Longest, length), b.To
		s.Count++
		s.Unknown += b.Counts[monitor.BlackoutUnknown]
		marks = append(marks, incidentview.BlackoutMark{Number: b.Key, From: from, To: b.To, Cause: string(b.Cause)})
	}
	return s, marks
}

// BlackoutRow returns a row of the list. open is the number of the blackout that is shown with all of
// its heartbeats.
func BlackoutRow(d manage.BlackoutDetail, open int64, project monitor.Project, zone *time.Location) incidentview.BlackoutRow {
	r := incidentview.BlackoutRow{
		Number: d.Key, From: d.From, To: d.To, Cause: string(d.Cause), Detail: d.Detail, Open: d.Key == open,
		Unknown: d.Counts[monitor.BlackoutUnknown], Moved: d.Counts[monitor.BlackoutMoved], Noticeable: d.Length() > monitor.NoticeThreshold,
	}
	shown := d.Affected
	if !r.Open && len(shown) > shownHeartbeats {
		shown = shown[:shownHeartbeats]
	}
	for _, a := range shown {
		r.Heartbeats = append(r.Heartbeats, incidentview.BlackoutHeartbeat{
			Key: HeartbeatKey(monitor.Heartbeat{ID: a.ID, Ref: a.Ref}), Name: a.Name, Unknown: a.Kind == monitor.BlackoutUnknown, Due: a.Due, Next: a.Next,
		})
	}
	if len(r.Heartbeats) < r.Unknown+r.Moved && !r.Open {
		r.AllPath = paths.Blackout(d.Key)
	}
	if len(d.Notices) > 0 {
		n := blackoutNotice(d, project, zone)
		r.Notice = &n
	}
	return r
}

// blackoutNotice returns the notice as the channels got it.
func blackoutNotice(d manage.BlackoutDetail, project monitor.Project, zone *time.Location) incidentview.BlackoutNotice {
	shown := wire.BlackoutDetail(d.Blackout.Blackout, d.Counts, d.PublicDetail(), d.Affected, false)
	m := message.Notification{Event: message.EventBlackout, At: d.To, Project: project.Name, Zone: zone, Blackout: &shown}.Message()
	n := incidentview.BlackoutNotice{At: d.Notices[0].Created, Title: m.Subject, Text: m.Lead}
	for _, f := range m.Facts {
		n.Facts = append(n.Facts, ui.Option{Label: f.Label, Value: f.Value})
	}
	for _, one := range d.Notices {
		switch one.State {
		case monitor.AlertSent:
			n.Delivered = append(n.Delivered, one.Channel)
		case monitor.AlertPending:
			n.Pending = append(n.Pending, one.Channel)
		default:
			n.Failed = append(n.Failed, one.Channel)
		}
	}
	for _, names := range []*[]string{&n.Delivered, &n.Pending, &n.Failed} {
		slices.Sort(*names)
		*names = slices.Compact(*names)
	}
	return n
}

// LogEnd returns the time of the event after the events of a page of the log, or the zero time for the
// newest page. before is the number of that event; pings are oldest first.
func LogEnd(pings []monitor.Ping, before int64) time.Time {
	for _, p := range pings {
		if before > 0 && p.Number >= before {
			return p.At
		}
	}
	return time.Time{}
}

// AddBlackouts adds the blackouts until a time to an event log, at their place. Older ones than the
// last event are on the next page, if there is one.
func AddBlackouts(l *heartbeatview.EventLog, all []manage.HeartbeatBlackout, until time.Time) {
	newest, oldest := until, l.Day
	if l.OlderPath != "" && len(l.Events) > 0 {
		oldest = l.Events[len(l.Events)-1].At
	}
	for _, b := range all {
		if b.To.Before(oldest) || !newest.IsZero() && !b.From.Before(newest) {
			continue
		}
		l.Events = append(l.Events, heartbeatview.Event{
			Kind: "gap", At: b.From, Until: b.To, Unknown: b.Effect.Kind == monitor.BlackoutUnknown, Due: b.Effect.Due, Next: b.Effect.Next, Path: paths.Blackout(b.Key),
		})
	}
	slices.SortStableFunc(l.Events, func(a, b heartbeatview.Event) int { return b.At.Compare(a.At) })
}

// BlackoutEntries returns the blackouts that touched the wait of an incident, for its timeline.
func blackoutEntries(all []manage.HeartbeatBlackout) (entries []incidentview.TimelineEntry) {
	for _, b := range all {
		e := incidentview.TimelineEntry{
			At: b.From, Icon: "k-none", Tone: "unknown", Title: "Overdue was not watching for " + ui.RunTime(b.Length()),
			Text: fmt.Sprintf("The deadline moved by %s.", ui.RunTime(b.Length())),
		}
		if b.Effect.Kind == monitor.BlackoutUnknown {
			e.Text = "The run that was due is unknown, and the next one was expected."
		}
		entries = append(entries, e)
	}
	return entries
}
