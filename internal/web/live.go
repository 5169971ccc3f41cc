package web

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// liveRoutes are the streams of events that keep open pages up to date.
func (s *Site) liveRoutes() []route {
	return []route{
		{pattern: "GET /live/heartbeats", right: auth.Read, handle: streamHeartbeats, isStream: true, projectInQuery: true},
		{pattern: "GET /live/heartbeats/{key}", right: auth.Read, handle: streamHeartbeat, isStream: true},
		{pattern: "GET /live/incidents", right: auth.Read, handle: streamIncidents, isStream: true, projectInQuery: true},
		{pattern: "GET /live/incidents/{id}", right: auth.Read, handle: streamIncident, isStream: true},
	}
}

// FragmentRef names a part of a page and the facts that it was drawn from.
type FragmentRef struct{ Key, Digest string }

// StreamURL is the address of a stream of several parts. It carries what each part
// looked like when the page was drawn, so that what happened between the page
// and the stream is not lost, and the rest is not sent twice.
// q is what of the page's own address the stream must know.
func StreamURL(path string, q url.Values, parts []FragmentRef) string {
	if len(parts) == 0 {
		return ""
	}
	var list []string
	for _, p := range parts {
		list = append(list, p.Key+"."+p.Digest)
	}
	// Neither keys nor marks have anything that an address must escape.
	of := "of=" + strings.Join(list, "~")
	if len(q) > 0 {
		of = q.Encode() + "&" + of
	}
	return path + "?" + of
}

// selectValues are the values of a query by these names.
func selectValues(q url.Values, names ...string) url.Values {
	kept := url.Values{}
	for _, name := range names {
		if value := q.Get(name); value != "" {
			kept.Set(name, value)
		}
	}
	return kept
}

// maxFragments bounds how many parts a page may have.
const maxFragments = manage.MaxLimit + 50

// ParseStreamURL reads what StreamURL wrote: the keys of its rows, and the marks of all.
func ParseStreamURL(q url.Values) (keys []string, seen map[string]string) {
	seen = map[string]string{}
	for _, p := range strings.Split(q.Get("of"), "~") {
		key, mark, found := strings.Cut(p, ".")
		if !found || len(seen) >= maxFragments {
			continue
		}
		if seen[key] = mark; !strings.HasPrefix(key, StaticPrefix) && len(keys) < manage.MaxLimit {
			keys = append(keys, key)
		}
	}
	return keys, seen
}

// streamHeartbeats keeps the rows of the list up to date, in place: order and page
// change only when the page is loaded anew.
func streamHeartbeats(v *request) error {
	refs, seen := ParseStreamURL(v.r.URL.Query())
	keys, err := v.site.Service.HeartbeatKeys(v.ctx(), v.actor, refs)
	if err != nil {
		return err
	}
	filter := heartbeatFilter(v.r.URL.Query())
	s := &Stream{request: v, Keys: keys}
	s.Poll = func(ctx context.Context) (string, error) {
		counts, from, err := v.site.counts(ctx, v.actor, time.Now().UTC())
		if err != nil {
			return "", err
		}
		pulse, err := v.pollHeartbeats(keys)(ctx)
		return pulse + fmt.Sprint(counts.StatusCounts, counts.DuePerMinute, counts.Newest, from.Minute()), err
	}
	s.Snapshot = func(ctx context.Context, now time.Time) (Snapshot, error) {
		rows, down, err := v.site.Service.HeartbeatsByKey(ctx, v.actor, keys)
		if err != nil {
			return Snapshot{}, err
		}
		found := Snapshot{Title: view.PageTitle("Heartbeats", v.actor.Project.Name, down)}
		for _, w := range rows {
			row := v.atTime(now).heartbeatRow(w)
			found.Fragments = append(found.Fragments, Fragment{
				Key: w.Ref, State: row, Name: row.Name, Status: row.Status,
				Render: func(c view.Clock) templ.Component { return view.HeartbeatRow(c, row) },
			})
		}
		news, err := v.heartbeatNews(ctx, keys, len(refs), len(rows))
		if err != nil {
			return Snapshot{}, err
		}
		above, err := s.heartbeatSummary(ctx, filter, news, now)
		found.Fragments = append(found.Fragments, above...)
		return found, err
	}
	return s.Serve(seen)
}

// heartbeatSummary are the counts above the list.
func (s *Stream) heartbeatSummary(ctx context.Context, f view.Filter, n view.ListUpdates, now time.Time) ([]Fragment, error) {
	counts, from, err := s.site.counts(ctx, s.actor, now)
	if err != nil {
		return nil, err
	}
	return s.withAnnouncement(ctx, s.withCounts(view.HeartbeatsPage{Filter: f, Updates: n}, counts, from).Fragments(), n)
}

// atTime is the visit at another moment.
func (v *request) atTime(now time.Time) *request {
	later := *v
	later.now = now.Truncate(monitor.Precision)
	later.clock.Now = later.now
	return &later
}

// pollHeartbeats tells whether anything about heartbeats has changed.
func (v *request) pollHeartbeats(keys []int64) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		pulses, err := v.site.Service.HeartbeatDigests(ctx, v.actor, keys)
		return fmt.Sprint(pulses), err
	}
}

// streamHeartbeat keeps the page of one heartbeat up to date: it is what turns
// from New to Up while somebody watches.
func streamHeartbeat(v *request) error {
	_, seen := ParseStreamURL(v.r.URL.Query())
	h, err := v.site.Service.Heartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	query := detailQuery(v.r.URL.Query())
	keys := []int64{h.Key}
	s := &Stream{request: v, Keys: keys, Poll: v.pollHeartbeats(keys)}
	s.Snapshot = func(ctx context.Context, now time.Time) (Snapshot, error) {
		d, err := v.site.Service.HeartbeatDetail(ctx, v.actor, h.Ref, query)
		if err != nil {
			return Snapshot{}, err
		}
		page := v.atTime(now).heartbeatPage(d, query)
		hero := page.Heartbeat
		rest, err := v.fragments(ctx, page.Fragments())
		return Snapshot{Title: view.HeartbeatTitle(hero.Name, hero.Status), Fragments: append([]Fragment{{
			Key: h.Ref, State: heroState(hero), Name: hero.Name, Status: hero.Status,
			Render: func(c view.Clock) templ.Component { return view.HeartbeatHero(c, hero, false) },
		}}, rest...)}, err
	}
	return s.Serve(seen)
}

// heroState are the facts of a hero; the open incident by what it says and not
// by where it lies in memory.
func heroState(h view.Heartbeat) any {
	open := h.Incident
	h.Incident = nil
	if open == nil {
		return h
	}
	return struct {
		view.Heartbeat
		Open view.OpenIncident
	}{h, *open}
}

// pollAlways looks as if something had changed: incidents change by what becomes of
// their alerts, of which nobody tells the feed.
func pollAlways() func(context.Context) (string, error) {
	n := 0
	return func(context.Context) (string, error) {
		n++
		return fmt.Sprint(n), nil
	}
}

// streamIncidents keeps the rows of the list of incidents up to date.
func streamIncidents(v *request) error {
	ids, seen := ParseStreamURL(v.r.URL.Query())
	lines, alerts, err := v.site.Service.IncidentsByID(v.ctx(), v.actor, ids)
	if err != nil {
		return err
	}
	s := &Stream{request: v, Keys: heartbeatKeys(lines), Poll: pollAlways()}
	s.Snapshot = func(ctx context.Context, _ time.Time) (found Snapshot, err error) {
		if lines, alerts, err = v.site.Service.IncidentsByID(ctx, v.actor, ids); err != nil {
			return found, err
		}
		for _, i := range lines {
			l := IncidentLine(i, alerts[i.ID])
			found.Fragments = append(found.Fragments, Fragment{
				Key: i.ID, State: l,
				Render: func(c view.Clock) templ.Component { return view.IncidentRow(c, l) },
			})
		}
		news, err := v.incidentNews(ctx, ids)
		if err != nil {
			return found, err
		}
		above, err := s.withAnnouncement(ctx, view.IncidentsPage{Updates: news}.Fragments(), news)
		found.Fragments = append(found.Fragments, above...)
		return found, err
	}
	return s.Serve(seen)
}

// heartbeatKeys are the keys of the heartbeats that incidents are about.
func heartbeatKeys(list []monitor.Incident) []int64 {
	var keys []int64
	for _, i := range list {
		keys = append(keys, i.Heartbeat)
	}
	return keys
}

// streamIncident keeps the page of one incident up to date.
func streamIncident(v *request) error {
	_, seen := ParseStreamURL(v.r.URL.Query())
	id := v.r.PathValue("id")
	story, err := v.site.Service.IncidentView(v.ctx(), v.actor, id)
	if err != nil {
		return err
	}
	s := &Stream{request: v, Keys: []int64{story.Incident.Heartbeat}, Poll: pollAlways()}
	s.Snapshot = func(ctx context.Context, now time.Time) (Snapshot, error) {
		story, err := v.site.Service.IncidentView(ctx, v.actor, id)
		if err != nil {
			return Snapshot{}, err
		}
		page := v.atTime(now).incidentPage(story)
		rest, err := v.fragments(ctx, page.Fragments())
		return Snapshot{Fragments: append([]Fragment{{
			Key: id, State: incidentState(page),
			Render: func(c view.Clock) templ.Component {
				page.Clock = c
				return view.IncidentHero(page)
			},
		}}, rest...)}, err
	}
	return s.Serve(seen)
}

// incidentState are what the state of an incident is drawn from.
func incidentState(p view.IncidentPage) any {
	return []any{p.State, p.AcknowledgedBy, p.Acknowledged, p.Resolved, p.FirstAlert, p.Resolution}
}
