package web

import (
	"context"
	"fmt"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/live"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// streamHeartbeats keeps the rows of the heartbeat list up to date, in place. Order
// and page change only when the page is reloaded.
func streamHeartbeats(req *request) error {
	refs, digests := live.ParseStreamURL(req.r.URL.Query(), manage.MaxLimit)
	keys, err := req.site.Service.HeartbeatKeys(req.ctx(), req.actor, refs)
	if err != nil {
		return err
	}
	viewer := req
	req, key := req.sharedView(len(refs), keys)
	v := live.View{Key: key, Keys: keys}
	v.Poll = func(ctx context.Context) (string, error) {
		counts, from, err := req.site.counts(ctx, req.actor, req.site.Service.Now())
		if err != nil {
			return "", err
		}
		return fmt.Sprint(counts.StatusCounts, counts.DuePerMinute, counts.Newest, from.Minute()), nil
	}
	v.Snapshot = func(ctx context.Context, now time.Time) (live.Snapshot, error) {
		rows, down, err := req.site.Service.HeartbeatsByKey(ctx, req.actor, keys)
		if err != nil {
			return live.Snapshot{}, err
		}
		found := live.Snapshot{Title: layout.PageTitle("Heartbeats", req.actor.Project.Name, down)}
		for _, h := range rows {
			row := req.atTime(now).heartbeatRow(h)
			found.Fragments = append(found.Fragments, live.Fragment{
				Key: h.Ref, State: row, Name: row.Name, Status: row.Status,
				Render: func(c ui.Clock) templ.Component { return heartbeatview.ListRow(c, row) },
			})
		}
		news, err := req.heartbeatNews(ctx, keys, len(refs), len(rows))
		if err != nil {
			return live.Snapshot{}, err
		}
		above, err := req.heartbeatSummary(ctx, news, now)
		found.Fragments = append(found.Fragments, above...)
		return found, err
	}
	return viewer.serveStream(v, digests)
}

// heartbeatSummary returns the fragments above the list.
func (req *request) heartbeatSummary(ctx context.Context, news layout.ListUpdates, now time.Time) ([]live.Fragment, error) {
	counts, from, err := req.site.counts(ctx, req.actor, now)
	if err != nil {
		return nil, err
	}
	page := heartbeatview.ListPage{Filter: heartbeatFilter(req.r.URL.Query()), Updates: news}
	return req.listFragments(ctx, req.withCounts(page, counts, from).Fragments(), news)
}

// pollNothing is for views that show heartbeats only: the feed compares these itself.
func pollNothing(context.Context) (string, error) { return "", nil }

// fingerprints returns the fingerprints of heartbeats for the feed of live pages.
func (s *Site) fingerprints(ctx context.Context, keys []int64) (map[int64]live.Fingerprint, error) {
	found, err := s.Service.HeartbeatDigests(ctx, keys)
	all := make(map[int64]live.Fingerprint, len(found))
	for _, d := range found {
		all[d.Key] = live.Fingerprint{Pings: d.Pings, Other: fmt.Sprint(d.Status, d.Updated, d.Deleted, d.Incident)}
	}
	return all, err
}

// streamHeartbeat keeps the page of one heartbeat up to date.
func streamHeartbeat(req *request) error {
	_, digests := live.ParseStreamURL(req.r.URL.Query(), manage.MaxLimit)
	h, err := req.site.Service.Heartbeat(req.ctx(), req.actor, req.r.PathValue("key"))
	if err != nil {
		return err
	}
	viewer := req
	req, key := req.sharedView()
	query := req.detailQuery()
	v := live.View{Key: key, Keys: []int64{h.Key}, Poll: pollNothing}
	v.Snapshot = func(ctx context.Context, now time.Time) (live.Snapshot, error) {
		d, err := req.site.Service.HeartbeatDetail(ctx, req.actor, h.Ref, query)
		if err != nil {
			return live.Snapshot{}, err
		}
		page := req.atTime(now).heartbeatPage(d, query)
		hero := page.Heartbeat
		rest, err := live.Fragments(ctx, req.clock.Zone, page.Fragments())
		return live.Snapshot{Title: heartbeatview.DetailTitle(hero.Name, hero.Status), Fragments: append([]live.Fragment{{
			Key: h.Ref, State: heroState(hero), Name: hero.Name, Status: hero.Status,
			Render: func(c ui.Clock) templ.Component { return heartbeatview.StatusPanel(c, hero, false) },
		}}, rest...)}, err
	}
	return viewer.serveStream(v, digests)
}

// heroState returns the state that a hero is rendered from. It holds the open
// incident by value, so that its digest does not depend on a pointer.
func heroState(h heartbeatview.Heartbeat) any {
	open := h.Incident
	h.Incident = nil
	if open == nil {
		return h
	}
	return struct {
		heartbeatview.Heartbeat
		Open heartbeatview.OpenIncident
	}{h, *open}
}

// listQuery returns the query of a filter of the heartbeat list.
func listQuery(f heartbeatview.Filter) manage.HeartbeatListQuery {
	return manage.HeartbeatListQuery{Status: f.Status, Tags: f.Tags, Text: f.Query, Running: f.Running, Sort: f.Sort}
}

// heartbeatNews returns what the list would show if it were reloaded. The page had
// onPage rows, of which rows are left.
func (req *request) heartbeatNews(ctx context.Context, keys []int64, onPage, rows int) (n layout.ListUpdates, err error) {
	q := req.r.URL.Query()
	newest, before, ok := parseListVersion(q)
	if !ok {
		return n, nil
	}
	f := heartbeatFilter(q)
	found, err := req.site.Service.NewHeartbeatMatches(ctx, req.actor, listQuery(f), newest, keys)
	if err != nil {
		return n, err
	}
	n = layout.ListUpdates{
		Path: layout.ListPath(paths.Heartbeats, selectValues(q, filterParameters...)),
		Down: found.NewlyDown, New: found.Created, Deleted: max(0, onPage-rows),
	}
	if moves := f.Running || f.Status != "" && f.Status != string(monitor.Down); moves {
		// Heartbeats enter and leave such a list when their status changes.
		n.Down, n.New, n.Matching = 0, 0, max(0, found.Total-before)
	}
	return n, nil
}
