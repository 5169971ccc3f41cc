package web

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// SinceField is the part of a stream's address that says what was the newest when
// the page was drawn, and how many rows its filter found besides those it shows.
const SinceField = "since"

// withListVersion says when a list was drawn, for the address of its stream.
func withListVersion(q url.Values, newest manage.NewestKeys, beyond int) url.Values {
	q.Set(SinceField, fmt.Sprintf("%d.%d.%d", newest.Incident, newest.Heartbeat, beyond))
	return q
}

// parseListVersion parses the value of withListVersion. It reports false if there is none: then changes
// cannot be counted.
func parseListVersion(q url.Values) (newest manage.NewestKeys, beyond int, ok bool) {
	n, err := fmt.Sscanf(q.Get(SinceField), "%d.%d.%d", &newest.Incident, &newest.Heartbeat, &beyond)
	return newest, beyond, err == nil && n == 3
}

// listQuery is what an address of the list of heartbeats asks for.
func listQuery(f view.Filter) manage.HeartbeatListQuery {
	return manage.HeartbeatListQuery{Status: f.Status, Tag: f.Tag, Text: f.Query, Running: f.Running, Sort: f.Sort}
}

// heartbeatNews is what the list would show if it were loaded again. onPage is
// how many rows it had, rows how many of them are left.
func (v *request) heartbeatNews(ctx context.Context, keys []int64, onPage, rows int) (n view.ListUpdates, err error) {
	q := v.r.URL.Query()
	newest, before, ok := parseListVersion(q)
	if !ok {
		return n, nil
	}
	f := heartbeatFilter(q)
	found, err := v.site.Service.NewHeartbeatMatches(ctx, v.actor, listQuery(f), newest, keys)
	if err != nil {
		return n, err
	}
	n = view.ListUpdates{
		Path: view.ListPath(view.HeartbeatsPath, selectValues(q, "status", "tag", "q", "sort", "running")),
		Down: found.NewlyDown, New: found.Created, Deleted: max(0, onPage-rows),
	}
	if moves := f.Running || f.Status != "" && f.Status != string(monitor.Down); moves {
		// Heartbeats enter and leave such a list by what happens to them.
		n.Down, n.New, n.Matching = 0, 0, max(0, found.Total-before)
	}
	return n, nil
}

// incidentNews is the same of the list of incidents.
func (v *request) incidentNews(ctx context.Context, ids []string) (n view.ListUpdates, err error) {
	q := v.r.URL.Query()
	newest, before, ok := parseListVersion(q)
	if !ok {
		return n, nil
	}
	f := incidentFilter(q)
	found, err := v.site.Service.NewIncidentMatches(ctx, v.actor, manage.IncidentListQuery{State: f.State, Cause: f.Cause, Text: f.Query}, newest, ids)
	if err != nil {
		return n, err
	}
	n = view.ListUpdates{Path: view.ListPath(view.IncidentsPath, selectValues(q, "state", "q", "cause")), New: found.Created}
	if f.State == string(monitor.StateAcknowledged) || f.State == string(monitor.StateResolved) {
		n.New, n.Matching = 0, max(0, found.Total-before)
	}
	return n, nil
}

// withAnnouncement are the parts of a list, with the sentence that is said aloud.
func (v *request) withAnnouncement(ctx context.Context, list []view.Fragment, n view.ListUpdates) ([]Fragment, error) {
	parts, err := v.fragments(ctx, list)
	for i := range parts {
		if parts[i].Key == StaticPrefix+"news" {
			parts[i].Announcement = n.Text()
		}
	}
	return parts, err
}

// announceInterval is the minimum time between two announcements of a list to screen
// readers: during an outage the list changes all the time.
const announceInterval = 10 * time.Second

// announce says a sentence aloud, now or when the one before has been heard.
func (s *Stream) announce(events *bytes.Buffer, text string, now time.Time) {
	if text == "" || now.Sub(s.announcedAt) < announceInterval {
		s.pendingAnnouncement = text
		return
	}
	s.announcedAt, s.pendingAnnouncement = now, ""
	s.appendEvent(events, "announce", text)
}

// sendPendingAnnouncement announces the last sentence that was held back.
func (s *Stream) sendPendingAnnouncement(now time.Time) error {
	if s.pendingAnnouncement == "" || now.Sub(s.announcedAt) < announceInterval {
		return nil
	}
	var events bytes.Buffer
	s.announce(&events, s.pendingAnnouncement, now)
	return s.send(events.String())
}
