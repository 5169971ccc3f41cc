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

// sinceField is the part of a stream's address that says what was the newest when
// the page was drawn, and how many rows its filter found besides those it shows.
const sinceField = "since"

// drawnAt says when a list was drawn, for the address of its stream.
func drawnAt(q url.Values, newest manage.Newest, beyond int) url.Values {
	q.Set(sinceField, fmt.Sprintf("%d.%d.%d", newest.Incident, newest.Heartbeat, beyond))
	return q
}

// since parses the value of drawnAt. It reports false if there is none: then changes
// cannot be counted.
func since(q url.Values) (newest manage.Newest, beyond int, ok bool) {
	n, err := fmt.Sscanf(q.Get(sinceField), "%d.%d.%d", &newest.Incident, &newest.Heartbeat, &beyond)
	return newest, beyond, err == nil && n == 3
}

// listQuery is what an address of the list of heartbeats asks for.
func listQuery(f view.Filter) manage.OverviewQuery {
	return manage.OverviewQuery{Status: f.Status, Tag: f.Tag, Text: f.Query, Running: f.Running, Sort: f.Sort}
}

// heartbeatNews is what the list would show if it were loaded again. onPage is
// how many rows it had, rows how many of them are left.
func (v *visit) heartbeatNews(ctx context.Context, keys []int64, onPage, rows int) (n view.News, err error) {
	q := v.r.URL.Query()
	newest, before, ok := since(q)
	if !ok {
		return n, nil
	}
	f := filterOf(q)
	found, err := v.site.Desk.HeartbeatNews(ctx, v.actor, listQuery(f), newest, keys)
	if err != nil {
		return n, err
	}
	n = view.News{
		Address: view.ListAddress(view.HeartbeatsPath, only(q, "status", "tag", "q", "sort", "running")),
		Down:    found.Down, New: found.Fresh, Gone: max(0, onPage-rows),
	}
	if moves := f.Running || f.Status != "" && f.Status != string(monitor.Down); moves {
		// Heartbeats enter and leave such a list by what happens to them.
		n.Down, n.New, n.More = 0, 0, max(0, found.Beyond-before)
	}
	return n, nil
}

// incidentNews is the same of the list of incidents.
func (v *visit) incidentNews(ctx context.Context, ids []string) (n view.News, err error) {
	q := v.r.URL.Query()
	newest, before, ok := since(q)
	if !ok {
		return n, nil
	}
	f := incidentFilter(q)
	found, err := v.site.Desk.IncidentNews(ctx, v.actor, manage.IncidentListQuery{State: f.State, Cause: f.Cause, Text: f.Query}, newest, ids)
	if err != nil {
		return n, err
	}
	n = view.News{Address: view.ListAddress(view.IncidentsPath, only(q, "state", "q", "cause")), New: found.Fresh}
	if f.State == string(monitor.Acknowledged) || f.State == string(monitor.Resolved) {
		n.New, n.More = 0, max(0, found.Beyond-before)
	}
	return n, nil
}

// announced are the parts of a list, with the sentence that is said aloud.
func (v *visit) announced(ctx context.Context, list []view.Living, n view.News) ([]part, error) {
	parts, err := v.living(ctx, list)
	for i := range parts {
		if parts[i].key == aside+"news" {
			parts[i].aloud = n.Words()
		}
	}
	return parts, err
}

// speakEvery is the minimum time between two announcements of a list to screen
// readers: during an outage the list changes all the time.
const speakEvery = 10 * time.Second

// speak says a sentence aloud, now or when the one before has been heard.
func (s *stream) speak(events *bytes.Buffer, text string, now time.Time) {
	if text == "" || now.Sub(s.spoke) < speakEvery {
		s.unsaid = text
		return
	}
	s.spoke, s.unsaid = now, ""
	s.event(events, "announce", text)
}

// catchUp announces the last sentence that was held back.
func (s *stream) catchUp(now time.Time) error {
	if s.unsaid == "" || now.Sub(s.spoke) < speakEvery {
		return nil
	}
	var events bytes.Buffer
	s.speak(&events, s.unsaid, now)
	return s.send(events.String())
}
