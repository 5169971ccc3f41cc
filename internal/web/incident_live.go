package web

import (
	"context"
	"fmt"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/live"
	"overdue/internal/web/view/incidentview"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// pollAlways returns another value each time: the state of the alerts of an incident
// changes without a signal to the feed.
func pollAlways() func(context.Context) (string, error) {
	n := 0
	return func(context.Context) (string, error) {
		n++
		return fmt.Sprint(n), nil
	}
}

// streamIncidents keeps the rows of the incident list up to date.
func streamIncidents(req *request) error {
	ids, digests := live.ParseStreamURL(req.r.URL.Query(), manage.MaxLimit)
	rows, _, err := req.site.Service.IncidentsByID(req.ctx(), req.actor, ids)
	if err != nil {
		return err
	}
	viewer := req
	req, key := req.sharedView(ids)
	v := live.View{Key: key, Keys: heartbeatKeys(rows), Poll: pollAlways()}
	v.Snapshot = func(ctx context.Context, _ time.Time) (found live.Snapshot, err error) {
		rows, alerts, err := req.site.Service.IncidentsByID(ctx, req.actor, ids)
		if err != nil {
			return found, err
		}
		for _, i := range rows {
			row := req.incidentRow(i, alerts[i.ID])
			found.Fragments = append(found.Fragments, live.Fragment{
				Key: i.ID, State: row,
				Render: func(c ui.Clock) templ.Component { return incidentview.ListRow(c, row) },
			})
		}
		news, err := req.incidentNews(ctx, ids)
		if err != nil {
			return found, err
		}
		around, err := req.site.Service.IncidentOverview(ctx, req.actor)
		if err != nil {
			return found, err
		}
		above, err := req.listFragments(ctx, incidentview.ListPage{
			Updates: news, Filter: incidentFilter(req.r.URL.Query()), Open: around.Open, Acknowledged: around.Acknowledged, Stats: incidentStats(around.Last30Days),
		}.Fragments(), news)
		found.Fragments = append(found.Fragments, above...)
		return found, err
	}
	return viewer.serveStream(v, digests)
}

// heartbeatKeys returns the keys of the heartbeats of incidents.
func heartbeatKeys(list []monitor.Incident) []int64 {
	var keys []int64
	for _, i := range list {
		keys = append(keys, i.Heartbeat)
	}
	return keys
}

// streamIncident keeps the page of one incident up to date.
func streamIncident(req *request) error {
	_, digests := live.ParseStreamURL(req.r.URL.Query(), manage.MaxLimit)
	id := req.r.PathValue("id")
	found, err := req.site.Service.IncidentView(req.ctx(), req.actor, id)
	if err != nil {
		return err
	}
	viewer := req
	req, key := req.sharedView()
	v := live.View{Key: key, Keys: []int64{found.Incident.Heartbeat}, Poll: pollAlways()}
	v.Snapshot = func(ctx context.Context, now time.Time) (live.Snapshot, error) {
		found, err := req.site.Service.IncidentView(ctx, req.actor, id)
		if err != nil {
			return live.Snapshot{}, err
		}
		page := req.atTime(now).incidentPage(found)
		rest, err := live.Fragments(ctx, req.clock.Zone, page.Fragments())
		return live.Snapshot{Fragments: append([]live.Fragment{{
			Key: id, State: incidentState(page),
			Render: func(c ui.Clock) templ.Component {
				page.Clock = c
				return incidentview.StatusPanel(page)
			},
		}}, rest...)}, err
	}
	return viewer.serveStream(v, digests)
}

// incidentState returns the state that the hero of an incident is rendered from.
func incidentState(p incidentview.DetailPage) any {
	return []any{p.State, p.AcknowledgedBy, p.Acknowledged, p.Resolved, p.FirstAlert, p.Resolution}
}

// incidentNews returns what the incident list would show if it were reloaded.
func (req *request) incidentNews(ctx context.Context, ids []string) (n layout.ListUpdates, err error) {
	q := req.r.URL.Query()
	newest, before, ok := parseListVersion(q)
	if !ok {
		return n, nil
	}
	f := incidentFilter(q)
	found, err := req.site.Service.NewIncidentMatches(ctx, req.actor, manage.IncidentListQuery{State: f.State, Cause: f.Cause, Text: f.Query}, newest, ids)
	if err != nil {
		return n, err
	}
	n = layout.ListUpdates{Path: layout.ListPath(paths.Incidents, selectValues(q, "state", "q", "cause")), New: found.Created}
	if f.State == string(monitor.StateAcknowledged) || f.State == string(monitor.StateResolved) {
		n.New, n.Matching = 0, max(0, found.Total-before)
	}
	return n, nil
}
