package web

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// How many heartbeats a page of the list has: fewer, or as many as one may ask
// for.
const (
	usualPage = 25
	largePage = 50
)

// fewHeartbeats is below how many the summary above the list says nothing that
// the list does not.
const fewHeartbeats = 10

// heartbeatRoutes are the pages of the heartbeats.
func (s *Site) heartbeatRoutes() []route {
	return []route{
		{pattern: "GET /heartbeats", needs: auth.Read, handle: listHeartbeats},
		{pattern: "GET /heartbeats/new", needs: auth.ChangeHeartbeats, handle: newHeartbeat},
		{pattern: "POST /heartbeats", needs: auth.ChangeHeartbeats, handle: createHeartbeat, again: newAgain},
		{pattern: "POST /heartbeats/preview", needs: auth.ChangeHeartbeats, handle: previewHeartbeat, byPage: true},
		{pattern: "POST /heartbeats/bulk", needs: auth.ChangeHeartbeats, handle: changeMany},
		{pattern: "POST /heartbeats/restore", needs: auth.ChangeHeartbeats, handle: restoreMany},
		{pattern: "GET /heartbeats/{key}", needs: auth.Read, handle: showHeartbeat},
		{pattern: "POST /heartbeats/{key}", needs: auth.ChangeHeartbeats, handle: changeHeartbeat, again: editAgain},
		{pattern: "GET /heartbeats/{key}/edit", needs: auth.ChangeHeartbeats, handle: editHeartbeat},
		{pattern: "POST /heartbeats/{key}/pause", needs: auth.ChangeHeartbeats, handle: pauseHeartbeat},
		{pattern: "POST /heartbeats/{key}/resume", needs: auth.ChangeHeartbeats, handle: resumeHeartbeat},
		{pattern: "GET /heartbeats/{key}/delete", needs: auth.ChangeHeartbeats, handle: confirmDeletion},
		{pattern: "POST /heartbeats/{key}/delete", needs: auth.ChangeHeartbeats, handle: deleteHeartbeat},
		{pattern: "POST /heartbeats/{key}/restore", needs: auth.ChangeHeartbeats, handle: restoreHeartbeat},
		{pattern: "GET /heartbeats/{key}/events.csv", needs: auth.Read, handle: downloadEvents},
		{pattern: "GET /heartbeats/{key}/pings/{n}/body", needs: auth.Read, handle: sendBody},
	}
}

// listHeartbeats is the list of a project, or the way to its first heartbeat.
func listHeartbeats(v *visit) error {
	q := v.r.URL.Query()
	f := filterOf(q)
	per := usualPage
	if q.Get("per") == strconv.Itoa(largePage) {
		per = largePage
	}
	o, err := v.site.Desk.Overview(v.ctx(), v.actor, manage.OverviewQuery{
		Status: f.Status, Tag: f.Tag, Text: f.Query, Running: f.Running, Sort: f.Sort, Limit: per, Cursor: q.Get("cursor"),
	})
	if err != nil {
		return err
	}
	if all(o.Tally) == 0 {
		return v.emptyList(o)
	}
	page := view.HeartbeatsPage{
		Filter: f, TagTotal: o.TagTotal, PingBase: v.pingBase(),
		Pager: view.Pager{First: o.Before + 1, Last: o.Before + len(o.Rows), Total: o.Total, Prev: turn(q, o.Prev), Next: turn(q, o.Next)},
	}
	var parts []shown
	for _, w := range o.Rows {
		row := v.row(w)
		page.Rows = append(page.Rows, row)
		parts = append(parts, shown{w.Ref, mark(row)})
	}
	counts, from, err := v.site.counts(v.ctx(), v.actor, v.now)
	if err != nil {
		return err
	}
	counts.Tally, counts.Standing = o.Tally, o.Standing // of the same moment as the rows
	page = v.around(page, counts, from)
	above, err := v.marked(page.Living())
	if err != nil {
		return err
	}
	page.Shell = v.shell(liveAt("/live/heartbeats", drawnAt(v.inProject(only(q, "status", "tag", "q", "sort", "running")), o.Newest, o.Total-len(o.Rows)), append(parts, above...)))
	for _, t := range o.Tags {
		page.Tags = append(page.Tags, view.TagCount{Tag: t.Tag, N: t.N})
	}
	if page.Channels, err = v.channelChoices(); err != nil {
		return err
	}
	return v.show(view.Heartbeats(page))
}

// emptyList is the way to the first heartbeat.
func (v *visit) emptyList(o manage.Overview) error {
	page := view.EmptyPage{PingBase: v.pingBase(), Interval: view.Input{Value: "24h"}, Grace: view.Input{Value: "1h"}}
	parts, err := v.marked(page.Living())
	if err != nil {
		return err
	}
	page.Shell = v.shell(liveAt("/live/heartbeats", drawnAt(v.inProject(nil), o.Newest, 0), parts))
	return v.show(view.HeartbeatsEmpty(page))
}

// filterOf is what an address narrows the list to.
func filterOf(q url.Values) view.Filter {
	return view.Filter{
		Status: q.Get("status"), Tag: q.Get("tag"), Query: strings.TrimSpace(q.Get("q")), Sort: q.Get("sort"),
		Running: q.Get("running") != "",
	}
}

// around is the page with the numbers above its list. The minutes of the hour
// ahead begin at from.
func (v *visit) around(p view.HeartbeatsPage, counts manage.Counts, from time.Time) view.HeartbeatsPage {
	p.Tally, p.Untold = tallied(counts.Tally), v.untold(counts.Channels)
	p.Untold.Failing = counts.Failing
	if all(counts.Tally) >= fewHeartbeats {
		p.Ahead = &view.Ahead{From: from, PerMinute: counts.Minutes, Down: p.Tally.Down, Late: p.Tally.Late}
	}
	return p
}

// untold is what is said where nobody would be told, of a project with so many
// channels.
func (v *visit) untold(channels int) view.Untold {
	return view.Untold{Silent: channels == 0, MayAdd: v.actor.May(auth.ChangeChannels)}
}

// turn is the address of another page of a list: the same query with another
// cursor.
func turn(q url.Values, cursor string) string {
	if cursor == "" {
		return ""
	}
	other := url.Values{}
	for name, values := range q {
		if name != "cursor" && len(values) > 0 && values[0] != "" {
			other.Set(name, values[0])
		}
	}
	other.Set("cursor", cursor)
	return view.HeartbeatsPath + "?" + other.Encode()
}

// all counts the heartbeats of a project.
func all(t manage.Tally) (n int) {
	for _, of := range t.ByStatus {
		n += of
	}
	return n
}

// tallied is the tally as the page shows it.
func tallied(t manage.Tally) view.Tally {
	return view.Tally{
		All: all(t), Down: t.ByStatus[monitor.Down], Late: t.ByStatus[monitor.Late], New: t.ByStatus[monitor.New],
		Up: t.ByStatus[monitor.Up], Paused: t.ByStatus[monitor.Paused], Running: t.Running,
	}
}

// pingBase is what ping URLs start with, empty for those who may not ping.
func (v *visit) pingBase() string {
	if !v.actor.SeesPingURLs() {
		return ""
	}
	return v.site.pingBase()
}

// channelChoices are the channels of the project, for those who may choose.
func (v *visit) channelChoices() ([]view.Choice, error) {
	if !v.actor.May(auth.ChangeHeartbeats) {
		return nil, nil
	}
	l, err := v.site.Desk.Channels(v.ctx(), v.actor, manage.Page{Limit: manage.MostItems})
	var choices []view.Choice
	for _, c := range l.Items {
		choices = append(choices, view.Choice{Value: c.ID, Label: c.Name})
	}
	return choices, err
}
