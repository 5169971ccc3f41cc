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
		{pattern: "GET /live/heartbeats", needs: auth.Read, handle: followList, stream: true, byPage: true},
		{pattern: "GET /live/heartbeats/{key}", needs: auth.Read, handle: followHeartbeat, stream: true},
		{pattern: "GET /live/incidents", needs: auth.Read, handle: followIncidents, stream: true, byPage: true},
		{pattern: "GET /live/incidents/{id}", needs: auth.Read, handle: followIncident, stream: true},
	}
}

// shown names a part of a page and the facts that it was drawn from.
type shown struct{ key, mark string }

// liveAt is the address of a stream of several parts. It carries what each part
// looked like when the page was drawn, so that what happened between the page
// and the stream is not lost, and the rest is not sent twice.
// q is what of the page's own address the stream must know.
func liveAt(path string, q url.Values, parts []shown) string {
	if len(parts) == 0 {
		return ""
	}
	var list []string
	for _, p := range parts {
		list = append(list, p.key+"."+p.mark)
	}
	// Neither keys nor marks have anything that an address must escape.
	of := "of=" + strings.Join(list, "~")
	if len(q) > 0 {
		of = q.Encode() + "&" + of
	}
	return path + "?" + of
}

// only are the values of a query by these names.
func only(q url.Values, names ...string) url.Values {
	kept := url.Values{}
	for _, name := range names {
		if value := q.Get(name); value != "" {
			kept.Set(name, value)
		}
	}
	return kept
}

// mostParts bounds how many parts a page may have.
const mostParts = manage.MostItems + 50

// parts reads what liveAt wrote: the keys of its rows, and the marks of all.
func parts(q url.Values) (keys []string, seen map[string]string) {
	seen = map[string]string{}
	for _, p := range strings.Split(q.Get("of"), "~") {
		key, mark, found := strings.Cut(p, ".")
		if !found || len(seen) >= mostParts {
			continue
		}
		if seen[key] = mark; !strings.HasPrefix(key, aside) && len(keys) < manage.MostItems {
			keys = append(keys, key)
		}
	}
	return keys, seen
}

// followList keeps the rows of the list up to date, in place: order and page
// change only when the page is loaded anew.
func followList(v *visit) error {
	refs, seen := parts(v.r.URL.Query())
	keys, err := v.site.Desk.HeartbeatKeys(v.ctx(), v.actor, refs)
	if err != nil {
		return err
	}
	filter := filterOf(v.r.URL.Query())
	s := &stream{visit: v, keys: keys}
	s.look = func(ctx context.Context) (string, error) {
		counts, from, err := v.site.counts(ctx, v.actor, time.Now().UTC())
		if err != nil {
			return "", err
		}
		pulse, err := v.pulse(keys)(ctx)
		return pulse + fmt.Sprint(counts.Tally, counts.Minutes, counts.Newest, from.Minute()), err
	}
	s.read = func(ctx context.Context, now time.Time) (scene, error) {
		rows, down, err := v.site.Desk.Glance(ctx, v.actor, keys)
		if err != nil {
			return scene{}, err
		}
		found := scene{title: view.PageTitle("Heartbeats", v.actor.Project.Name, down)}
		for _, w := range rows {
			row := v.at(now).row(w)
			found.parts = append(found.parts, part{
				key: w.Ref, facts: row, name: row.Name, status: row.Status,
				draw: func(c view.Clock) templ.Component { return view.HeartbeatRow(c, row) },
			})
		}
		news, err := v.heartbeatNews(ctx, keys, len(refs), len(rows))
		if err != nil {
			return scene{}, err
		}
		above, err := s.above(ctx, filter, news, now)
		found.parts = append(found.parts, above...)
		return found, err
	}
	return s.run(seen)
}

// above are the counts above the list.
func (s *stream) above(ctx context.Context, f view.Filter, n view.News, now time.Time) ([]part, error) {
	counts, from, err := s.site.counts(ctx, s.actor, now)
	if err != nil {
		return nil, err
	}
	return s.announced(ctx, s.around(view.HeartbeatsPage{Filter: f, News: n}, counts, from).Living(), n)
}

// at is the visit at another moment.
func (v *visit) at(now time.Time) *visit {
	later := *v
	later.now = now.Truncate(monitor.Tick)
	later.clock.Now = later.now
	return &later
}

// pulse tells whether anything about heartbeats has changed.
func (v *visit) pulse(keys []int64) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		pulses, err := v.site.Desk.Pulses(ctx, v.actor, keys)
		return fmt.Sprint(pulses), err
	}
}

// followHeartbeat keeps the page of one heartbeat up to date: it is what turns
// from New to Up while somebody watches.
func followHeartbeat(v *visit) error {
	_, seen := parts(v.r.URL.Query())
	h, err := v.site.Desk.Heartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	query := detailQuery(v.r.URL.Query())
	keys := []int64{h.Key}
	s := &stream{visit: v, keys: keys, look: v.pulse(keys)}
	s.read = func(ctx context.Context, now time.Time) (scene, error) {
		d, err := v.site.Desk.Detail(ctx, v.actor, h.Ref, query)
		if err != nil {
			return scene{}, err
		}
		page := v.at(now).heartbeatPage(d, query)
		hero := page.Heartbeat
		rest, err := v.living(ctx, page.Living())
		return scene{title: view.HeartbeatTitle(hero.Name, hero.Status), parts: append([]part{{
			key: h.Ref, facts: heroFacts(hero), name: hero.Name, status: hero.Status,
			draw: func(c view.Clock) templ.Component { return view.HeartbeatHero(c, hero, false) },
		}}, rest...)}, err
	}
	return s.run(seen)
}

// heroFacts are the facts of a hero; the open incident by what it says and not
// by where it lies in memory.
func heroFacts(h view.Heartbeat) any {
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

// always looks as if something had changed: incidents change by what becomes of
// their alerts, of which nobody tells the feed.
func always() func(context.Context) (string, error) {
	n := 0
	return func(context.Context) (string, error) {
		n++
		return fmt.Sprint(n), nil
	}
}

// followIncidents keeps the rows of the list of incidents up to date.
func followIncidents(v *visit) error {
	ids, seen := parts(v.r.URL.Query())
	lines, alerts, err := v.site.Desk.IncidentLines(v.ctx(), v.actor, ids)
	if err != nil {
		return err
	}
	s := &stream{visit: v, keys: heartbeatsOf(lines), look: always()}
	s.read = func(ctx context.Context, _ time.Time) (found scene, err error) {
		if lines, alerts, err = v.site.Desk.IncidentLines(ctx, v.actor, ids); err != nil {
			return found, err
		}
		for _, i := range lines {
			l := line(i, alerts[i.ID])
			found.parts = append(found.parts, part{
				key: i.ID, facts: l,
				draw: func(c view.Clock) templ.Component { return view.IncidentRow(c, l) },
			})
		}
		news, err := v.incidentNews(ctx, ids)
		if err != nil {
			return found, err
		}
		above, err := s.announced(ctx, view.IncidentsPage{News: news}.Living(), news)
		found.parts = append(found.parts, above...)
		return found, err
	}
	return s.run(seen)
}

// heartbeatsOf are the keys of the heartbeats that incidents are about.
func heartbeatsOf(list []monitor.Incident) []int64 {
	var keys []int64
	for _, i := range list {
		keys = append(keys, i.Heartbeat)
	}
	return keys
}

// followIncident keeps the page of one incident up to date.
func followIncident(v *visit) error {
	_, seen := parts(v.r.URL.Query())
	id := v.r.PathValue("id")
	story, err := v.site.Desk.IncidentStory(v.ctx(), v.actor, id)
	if err != nil {
		return err
	}
	s := &stream{visit: v, keys: []int64{story.Incident.Heartbeat}, look: always()}
	s.read = func(ctx context.Context, now time.Time) (scene, error) {
		story, err := v.site.Desk.IncidentStory(ctx, v.actor, id)
		if err != nil {
			return scene{}, err
		}
		page := v.at(now).incidentPage(story)
		rest, err := v.living(ctx, page.Living())
		return scene{parts: append([]part{{
			key: id, facts: incidentFacts(page),
			draw: func(c view.Clock) templ.Component {
				page.Clock = c
				return view.IncidentHero(page)
			},
		}}, rest...)}, err
	}
	return s.run(seen)
}

// incidentFacts are what the state of an incident is drawn from.
func incidentFacts(p view.IncidentPage) any {
	return []any{p.State, p.AcknowledgedBy, p.Acknowledged, p.Resolved, p.FirstAlert, p.Resolution}
}
