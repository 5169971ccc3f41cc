package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/live"
	"overdue/internal/web/present"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// defaultPageSize is the number of rows on a page of a list.
const defaultPageSize = 25

// pageSizes are the numbers of heartbeats that a page of the list can have.
var pageSizes = []int{defaultPageSize, 50, manage.MaxLimit}

// maxFilterTags is the maximum number of tags of a filter, as in the API. The page has
// several links for each tag, each with all tags.
const maxFilterTags = 20

// filterParameters are the parameters of the address that select and sort rows.
var filterParameters = []string{"status", "tag", "q", "sort", "running"}

// summaryMinHeartbeats is the number of heartbeats from which the list has a
// summary.
const summaryMinHeartbeats = 10

// maxPrintedHeartbeats limits the rows of the list for printing.
const maxPrintedHeartbeats = 1000

// allRows is the value of the parameter "per" for the list for printing.
const allRows = "all"

// heartbeatRoutes returns the routes of heartbeats.
func (s *Site) heartbeatRoutes() []route {
	return []route{
		{pattern: "GET /heartbeats", right: auth.Read, handle: listHeartbeats},
		{pattern: "GET /heartbeats/new", right: auth.ChangeHeartbeats, handle: showNewHeartbeat},
		{pattern: "POST /heartbeats", right: auth.ChangeHeartbeats, handle: createHeartbeat, renderForm: rerenderNewHeartbeat},
		{pattern: "POST /heartbeats/preview", right: auth.ChangeHeartbeats, handle: previewHeartbeat, projectInQuery: true},
		{pattern: "POST /heartbeats/bulk", right: auth.ChangeHeartbeats, handle: changeHeartbeats},
		{pattern: "POST /heartbeats/undo", right: auth.ChangeHeartbeats, handle: undoHeartbeats},
		{pattern: "POST /heartbeats/restore", right: auth.ChangeHeartbeats, handle: restoreHeartbeats},
		{pattern: "GET /heartbeats/{key}", right: auth.Read, handle: showHeartbeat},
		{pattern: "POST /heartbeats/{key}", right: auth.ChangeHeartbeats, handle: changeHeartbeat, renderForm: rerenderHeartbeatForm},
		{pattern: "GET /heartbeats/{key}/edit", right: auth.ChangeHeartbeats, handle: showHeartbeatForm},
		{pattern: "POST /heartbeats/{key}/pause", right: auth.ChangeHeartbeats, handle: pauseHeartbeat},
		{pattern: "POST /heartbeats/{key}/mute", right: auth.ChangeHeartbeats, handle: muteHeartbeat},
		{pattern: "POST /heartbeats/{key}/forget-host", right: auth.ChangeHeartbeats, handle: forgetHost},
		{pattern: "POST /heartbeats/{key}/unmute", right: auth.ChangeHeartbeats, handle: unmuteHeartbeat},
		{pattern: "POST /heartbeats/{key}/resume", right: auth.ChangeHeartbeats, handle: resumeHeartbeat},
		{pattern: "GET /heartbeats/{key}/delete", right: auth.ChangeHeartbeats, handle: confirmHeartbeatDeletion},
		{pattern: "POST /heartbeats/{key}/delete", right: auth.ChangeHeartbeats, handle: deleteHeartbeat},
		{pattern: "POST /heartbeats/{key}/restore", right: auth.ChangeHeartbeats, handle: restoreHeartbeat},
		{pattern: "GET /heartbeats/{key}/events.csv", right: auth.Read, handle: downloadEvents},
		{pattern: "GET /heartbeats/{key}/pings/{n}/body", right: auth.Read, handle: downloadBody},
	}
}

// listHeartbeats shows the heartbeats of a project, or how to create the first one.
func listHeartbeats(req *request) error {
	q := req.r.URL.Query()
	if q.Get("per") == allRows {
		return printHeartbeats(req)
	}
	f := heartbeatFilter(q)
	per := pageSize(q)
	o, err := req.site.Service.HeartbeatList(req.ctx(), req.actor, heartbeatListQuery(f, per, q.Get("cursor")))
	if err != nil {
		return err
	}
	if present.TallyTotal(o.Tally) == 0 {
		return req.emptyList(o)
	}
	page := heartbeatview.ListPage{
		Filter: f, TagTotal: o.TagTotal, PingURLPrefix: req.pingBase(), Address: listAddress(req.r.URL.RequestURI()), PrintPath: printURL(q),
		Pager: ui.Pager{
			First: o.Before + 1, Last: o.Before + len(o.Rows), Total: o.Total, Size: per, Sizes: pageSizeLinks(q, o.Total),
			Prev: pageURL(paths.Heartbeats, q, o.Prev), Next: pageURL(paths.Heartbeats, q, o.Next),
		},
	}
	var parts []live.FragmentRef
	for _, w := range o.Rows {
		row := req.heartbeatRow(w)
		page.Rows = append(page.Rows, row)
		parts = append(parts, live.FragmentRef{Key: w.Ref, Digest: live.Digest(row)})
	}
	counts, from, err := req.site.counts(req.ctx(), req.actor, req.now)
	if err != nil {
		return err
	}
	counts.StatusCounts, counts.NavCounts = o.Tally, o.Standing // read together with the rows
	page = req.withCounts(page, counts, from)
	above, err := req.fragmentRefs(page.Fragments())
	if err != nil {
		return err
	}
	page.Shell = req.shell(live.StreamURL("/live/heartbeats", withListVersion(req.withProject(selectValues(q, filterParameters...)), o.Newest, o.Total-len(o.Rows)), append(parts, above...)))
	for _, t := range o.Tags {
		page.Tags = append(page.Tags, heartbeatview.TagCount{Tag: t.Tag, Count: t.Count})
	}
	if page.Channels, page.DefaultPolicy, err = req.channelChoices(); err != nil {
		return err
	}
	return req.render(heartbeatview.List(page))
}

// printURL returns the address of the list for printing, with the filters and the
// sort order of q.
func printURL(q url.Values) string {
	kept := selectValues(q, filterParameters...)
	kept.Set("per", allRows)
	return paths.Heartbeats + "?" + kept.Encode()
}

// printHeartbeats shows all matching heartbeats on one page for printing. The page has
// no live updates: its event stream would have to name every row.
func printHeartbeats(req *request) error {
	q := req.r.URL.Query()
	page := heartbeatview.PrintPage{Filter: heartbeatFilter(q), Address: req.site.BaseURL + printURL(q), ListPath: paths.Heartbeats}
	if kept := selectValues(q, filterParameters...); len(kept) > 0 {
		page.ListPath += "?" + kept.Encode()
	}
	seen := map[string]bool{} // a row can move to the next page between two reads
	for cursor, more := "", true; more && len(page.Rows) < maxPrintedHeartbeats; {
		o, err := req.site.Service.HeartbeatList(req.ctx(), req.actor, heartbeatListQuery(page.Filter, manage.MaxLimit, cursor))
		if err != nil {
			return err
		}
		if present.TallyTotal(o.Tally) == 0 {
			return req.emptyList(o)
		}
		for _, h := range o.Rows {
			if len(page.Rows) == maxPrintedHeartbeats || seen[h.Ref] {
				continue
			}
			seen[h.Ref] = true
			row := req.heartbeatRow(h)
			row.Editable = false
			page.Rows = append(page.Rows, row)
		}
		page.Total, cursor, more = o.Total, o.Next, o.Next != ""
	}
	page.Shell = req.shell("")
	return req.render(heartbeatview.Print(page))
}

// heartbeatListQuery returns the query of one page of the list.
func heartbeatListQuery(f heartbeatview.Filter, limit int, cursor string) manage.HeartbeatListQuery {
	return manage.HeartbeatListQuery{
		Status: f.Status, Tags: f.Tags, Text: f.Query, Running: f.Running, Sort: f.Sort, Limit: limit, Cursor: cursor,
	}
}

// emptyList shows how to create the first heartbeat.
func (req *request) emptyList(o manage.HeartbeatList) error {
	page := heartbeatview.EmptyListPage{PingURLPrefix: req.pingBase(), Interval: ui.Input{Value: "24h"}, Grace: ui.Input{Value: "1h"}}
	parts, err := req.fragmentRefs(page.Fragments())
	if err != nil {
		return err
	}
	page.Shell = req.shell(live.StreamURL("/live/heartbeats", withListVersion(req.withProject(nil), o.Newest, 0), parts))
	return req.render(heartbeatview.EmptyList(page))
}

// heartbeatFilter returns the filter in the query of the list.
func heartbeatFilter(q url.Values) heartbeatview.Filter {
	tags := slices.DeleteFunc(slices.Clone(q["tag"]), func(tag string) bool { return tag == "" })
	slices.Sort(tags)
	tags = slices.Compact(tags)
	return heartbeatview.Filter{
		Status: q.Get("status"), Tags: tags[:min(len(tags), maxFilterTags)], Per: q.Get("per"), Query: strings.TrimSpace(q.Get("q")), Sort: q.Get("sort"),
		Running: q.Get("running") != "",
	}
}

// listAddress returns an address of the list from a form, or the address of the
// whole list: a redirect must not lead to another site.
func listAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Path != paths.Heartbeats {
		return paths.Heartbeats
	}
	if q := selectValues(u.Query(), append([]string{"cursor", "per"}, filterParameters...)...); len(q) > 0 {
		return paths.Heartbeats + "?" + q.Encode()
	}
	return paths.Heartbeats
}

// pageSize returns the number of rows of a page.
func pageSize(q url.Values) int {
	for _, size := range pageSizes {
		if q.Get("per") == strconv.Itoa(size) {
			return size
		}
	}
	return defaultPageSize
}

// pageSizeLinks returns the addresses of the first page in other sizes, for a list
// that needs several pages.
func pageSizeLinks(q url.Values, total int) []ui.Option {
	if total <= defaultPageSize {
		return nil
	}
	var links []ui.Option
	for _, size := range pageSizes {
		other := selectValues(q, filterParameters...)
		other.Set("per", strconv.Itoa(size))
		links = append(links, ui.Option{Label: strconv.Itoa(size), Value: paths.Heartbeats + "?" + other.Encode()})
	}
	return links
}

// withCounts adds the counts above the list. from is the beginning of the next
// hour's first minute.
func (req *request) withCounts(p heartbeatview.ListPage, counts manage.ProjectCounts, from time.Time) heartbeatview.ListPage {
	p.Counts, p.ChannelWarning = present.StatusCounts(counts.StatusCounts), req.channelWarning(counts.Channels)
	p.ChannelWarning.FailingChannels = counts.FailingChannels
	if present.TallyTotal(counts.StatusCounts) >= summaryMinHeartbeats {
		p.NextHour = &heartbeatview.NextHour{From: from, PerMinute: counts.DuePerMinute, Down: p.Counts.Down, Late: p.Counts.Late}
	}
	return p
}

// channelWarning returns the warning of a project with this number of channels.
func (req *request) channelWarning(channels int) layout.ChannelWarning {
	return layout.ChannelWarning{NoChannels: channels == 0, CanAddChannel: req.actor.May(auth.ChangeChannels)}
}

// pageURL returns the address of another page of a list: the same query with
// another cursor.
func pageURL(path string, q url.Values, cursor string) string {
	if cursor == "" {
		return ""
	}
	other := url.Values{}
	for name, values := range q {
		if name != "cursor" && len(values) > 0 && values[0] != "" {
			other[name] = values
		}
	}
	other.Set("cursor", cursor)
	return path + "?" + other.Encode()
}

// pingBase returns the ping URL up to the id, or "" for people who cannot see ping
// URLs.
func (req *request) pingBase() string {
	if !req.actor.SeesPingURLs() {
		return ""
	}
	return req.site.pingBase()
}

// channelChoices returns the channels of the project and the name of its default policy, for people who
// can change heartbeats.
func (req *request) channelChoices() (choices []ui.Option, defaultPolicy string, err error) {
	if !req.actor.May(auth.ChangeHeartbeats) {
		return nil, "", nil
	}
	who, err := req.site.Service.Audience(req.ctx(), req.actor)
	for _, c := range who.Channels {
		choices = append(choices, ui.Option{Value: c.ID, Label: c.Name})
	}
	for _, p := range who.Policies {
		if p.Default {
			defaultPolicy = p.Name
		}
	}
	return choices, defaultPolicy, err
}

// heartbeatRow returns one row of the list.
func (req *request) heartbeatRow(w manage.HeartbeatHistory) heartbeatview.Row {
	r := heartbeatview.Row{
		Key: present.HeartbeatKey(w.Heartbeat), Name: w.Name, Status: string(w.StatusAt(req.now)), Severity: string(w.Severity), Tags: w.Tags, Schedule: w.Rule.Describe(),
		Grace: w.Rule.Grace, Editable: req.actor.May(auth.ChangeHeartbeats),
		Due: w.Due(), AlertAt: w.AlertTime(), LastPing: w.LastPing, LastStart: w.LastStart, Created: w.Created,
		PausedAt: w.PausedAt, PausedBy: w.PausedBy, RunningSince: present.RunningSince(w.Heartbeat),
		Strip: present.RunStrip(present.Runs(w, req.now)), Spark: present.DurationSparkline(w.Pings),
	}
	r.Muted, r.MutedUntil = present.Mute(w.Heartbeat, req.now)
	r.FlappingUntil = present.FlappingUntil(w.Heartbeat, req.now)
	r.MaintenanceUntil = present.MaintenanceUntil(w.Heartbeat, req.now)
	if w.Status == monitor.Down {
		r.DownSince, r.Cause = w.Deadline(), string(w.DownCause)
		if n := len(w.Outages); n > 0 && w.Outages[n-1].Resolved.IsZero() {
			r.DownSince = w.Outages[n-1].Opened
		}
	}
	return r
}
