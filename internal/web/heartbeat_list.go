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
	defaultPageSize = 25
	largePageSize   = 50
)

// summaryMinHeartbeats is below how many the summary above the list says nothing that
// the list does not.
const summaryMinHeartbeats = 10

// heartbeatRoutes are the pages of the heartbeats.
func (s *Site) heartbeatRoutes() []route {
	return []route{
		{pattern: "GET /heartbeats", right: auth.Read, handle: listHeartbeats},
		{pattern: "GET /heartbeats/new", right: auth.ChangeHeartbeats, handle: showNewHeartbeat},
		{pattern: "POST /heartbeats", right: auth.ChangeHeartbeats, handle: createHeartbeat, renderForm: rerenderNewHeartbeat},
		{pattern: "POST /heartbeats/preview", right: auth.ChangeHeartbeats, handle: previewHeartbeat, projectInQuery: true},
		{pattern: "POST /heartbeats/bulk", right: auth.ChangeHeartbeats, handle: changeHeartbeats},
		{pattern: "POST /heartbeats/restore", right: auth.ChangeHeartbeats, handle: restoreHeartbeats},
		{pattern: "GET /heartbeats/{key}", right: auth.Read, handle: showHeartbeat},
		{pattern: "POST /heartbeats/{key}", right: auth.ChangeHeartbeats, handle: changeHeartbeat, renderForm: rerenderHeartbeatForm},
		{pattern: "GET /heartbeats/{key}/edit", right: auth.ChangeHeartbeats, handle: showHeartbeatForm},
		{pattern: "POST /heartbeats/{key}/pause", right: auth.ChangeHeartbeats, handle: pauseHeartbeat},
		{pattern: "POST /heartbeats/{key}/resume", right: auth.ChangeHeartbeats, handle: resumeHeartbeat},
		{pattern: "GET /heartbeats/{key}/delete", right: auth.ChangeHeartbeats, handle: confirmHeartbeatDeletion},
		{pattern: "POST /heartbeats/{key}/delete", right: auth.ChangeHeartbeats, handle: deleteHeartbeat},
		{pattern: "POST /heartbeats/{key}/restore", right: auth.ChangeHeartbeats, handle: restoreHeartbeat},
		{pattern: "GET /heartbeats/{key}/events.csv", right: auth.Read, handle: downloadEvents},
		{pattern: "GET /heartbeats/{key}/pings/{n}/body", right: auth.Read, handle: downloadBody},
	}
}

// listHeartbeats is the list of a project, or the way to its first heartbeat.
func listHeartbeats(v *request) error {
	q := v.r.URL.Query()
	f := heartbeatFilter(q)
	per := defaultPageSize
	if q.Get("per") == strconv.Itoa(largePageSize) {
		per = largePageSize
	}
	o, err := v.site.Service.HeartbeatList(v.ctx(), v.actor, manage.HeartbeatListQuery{
		Status: f.Status, Tag: f.Tag, Text: f.Query, Running: f.Running, Sort: f.Sort, Limit: per, Cursor: q.Get("cursor"),
	})
	if err != nil {
		return err
	}
	if TallyTotal(o.Tally) == 0 {
		return v.emptyList(o)
	}
	page := view.HeartbeatsPage{
		Filter: f, TagTotal: o.TagTotal, PingURLPrefix: v.pingBase(),
		Pager: view.Pager{First: o.Before + 1, Last: o.Before + len(o.Rows), Total: o.Total, Prev: pageURL(q, o.Prev), Next: pageURL(q, o.Next)},
	}
	var parts []FragmentRef
	for _, w := range o.Rows {
		row := v.heartbeatRow(w)
		page.Rows = append(page.Rows, row)
		parts = append(parts, FragmentRef{w.Ref, Digest(row)})
	}
	counts, from, err := v.site.counts(v.ctx(), v.actor, v.now)
	if err != nil {
		return err
	}
	counts.StatusCounts, counts.NavCounts = o.Tally, o.Standing // of the same moment as the rows
	page = v.withCounts(page, counts, from)
	above, err := v.fragmentRefs(page.Fragments())
	if err != nil {
		return err
	}
	page.Shell = v.shell(StreamURL("/live/heartbeats", withListVersion(v.withProject(selectValues(q, "status", "tag", "q", "sort", "running")), o.Newest, o.Total-len(o.Rows)), append(parts, above...)))
	for _, t := range o.Tags {
		page.Tags = append(page.Tags, view.TagCount{Tag: t.Tag, Count: t.Count})
	}
	if page.Channels, err = v.channelChoices(); err != nil {
		return err
	}
	return v.render(view.Heartbeats(page))
}

// emptyList is the way to the first heartbeat.
func (v *request) emptyList(o manage.HeartbeatList) error {
	page := view.EmptyListPage{PingURLPrefix: v.pingBase(), Interval: view.Input{Value: "24h"}, Grace: view.Input{Value: "1h"}}
	parts, err := v.fragmentRefs(page.Fragments())
	if err != nil {
		return err
	}
	page.Shell = v.shell(StreamURL("/live/heartbeats", withListVersion(v.withProject(nil), o.Newest, 0), parts))
	return v.render(view.EmptyList(page))
}

// heartbeatFilter is what an address narrows the list to.
func heartbeatFilter(q url.Values) view.Filter {
	return view.Filter{
		Status: q.Get("status"), Tag: q.Get("tag"), Query: strings.TrimSpace(q.Get("q")), Sort: q.Get("sort"),
		Running: q.Get("running") != "",
	}
}

// withCounts is the page with the numbers above its list. The minutes of the hour
// ahead begin at from.
func (v *request) withCounts(p view.HeartbeatsPage, counts manage.ProjectCounts, from time.Time) view.HeartbeatsPage {
	p.Counts, p.ChannelWarning = Tally(counts.StatusCounts), v.alertGap(counts.Channels)
	p.ChannelWarning.FailingChannels = counts.FailingChannels
	if TallyTotal(counts.StatusCounts) >= summaryMinHeartbeats {
		p.NextHour = &view.NextHour{From: from, PerMinute: counts.DuePerMinute, Down: p.Counts.Down, Late: p.Counts.Late}
	}
	return p
}

// alertGap is what is said where nobody would be told, of a project with so many
// channels.
func (v *request) alertGap(channels int) view.ChannelWarning {
	return view.ChannelWarning{NoChannels: channels == 0, CanAddChannel: v.actor.May(auth.ChangeChannels)}
}

// pageURL is the address of another page of a list: the same query with another
// cursor.
func pageURL(q url.Values, cursor string) string {
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

// TallyTotal counts the heartbeats of a project.
func TallyTotal(t manage.StatusCounts) (n int) {
	for _, of := range t.ByStatus {
		n += of
	}
	return n
}

// Tally is the tally as the page shows it.
func Tally(t manage.StatusCounts) view.StatusCounts {
	return view.StatusCounts{
		All: TallyTotal(t), Down: t.ByStatus[monitor.Down], Late: t.ByStatus[monitor.Late], New: t.ByStatus[monitor.New],
		Up: t.ByStatus[monitor.Up], Paused: t.ByStatus[monitor.Paused], Running: t.Running,
	}
}

// pingBase is what ping URLs start with, empty for those who may not ping.
func (v *request) pingBase() string {
	if !v.actor.SeesPingURLs() {
		return ""
	}
	return v.site.pingBase()
}

// channelChoices are the channels of the project, for those who may choose.
func (v *request) channelChoices() ([]view.Option, error) {
	if !v.actor.May(auth.ChangeHeartbeats) {
		return nil, nil
	}
	l, err := v.site.Service.Channels(v.ctx(), v.actor, manage.PageQuery{Limit: manage.MaxLimit})
	var choices []view.Option
	for _, c := range l.Items {
		choices = append(choices, view.Option{Value: c.ID, Label: c.Name})
	}
	return choices, err
}
