package web

import (
	"cmp"
	"slices"
	"strings"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view/groupview"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// groupPageSize is the number of incidents on the page of a group.
const groupPageSize = 20

// showGroup shows the page of a group of incidents. A link in a message names its project, which becomes
// the selected one.
func showGroup(req *request) error {
	q, number := req.r.URL.Query(), positiveNumber(req.r.PathValue("number"))
	d, err := req.site.Service.IncidentGroup(req.ctx(), req.actor, number)
	if err != nil {
		return err
	}
	filter := groupview.Filter{State: q.Get("state"), Query: strings.TrimSpace(q.Get("q")), Tag: q.Get("tag"), Host: q.Get("host")}
	if !slices.Contains([]string{"open", "acknowledged", "resolved"}, filter.State) {
		filter.State = ""
	}
	query := manage.GroupMembersQuery{State: filter.State, Text: filter.Query, Tag: filter.Tag, Host: filter.Host, Limit: groupPageSize, Cursor: q.Get("cursor")}
	m, err := req.site.Service.GroupMembers(req.ctx(), req.actor, number, query)
	if isFault(err, monitor.Invalid) { // an outdated link
		query.Cursor = ""
		m, err = req.site.Service.GroupMembers(req.ctx(), req.actor, number, query)
	}
	if err != nil {
		return err
	}
	ids := make([]string, 0, len(m.Rows))
	for _, i := range m.Rows {
		ids = append(ids, i.ID)
	}
	_, alerts, err := req.site.Service.IncidentsByID(req.ctx(), req.actor, ids)
	if err != nil {
		return err
	}
	page := req.groupPage(d)
	page.Filter = filter
	for _, i := range m.Rows {
		page.Rows = append(page.Rows, req.incidentRow(i, alerts[i.ID]))
	}
	path := paths.IncidentGroup(number)
	page.Pager = ui.Pager{First: m.Before + 1, Last: m.Before + len(m.Rows), Total: m.Total, Prev: pageURL(path, q, m.Prev), Next: pageURL(path, q, m.Next)}
	return req.render(groupview.Group(page))
}

// groupPage returns the page without the incidents.
func (req *request) groupPage(d manage.GroupDetail) groupview.Page {
	p := groupview.Page{
		Shell: req.shell(""), Number: d.Number, Factor: groupview.Factor{Kind: string(d.Factor.Kind), Value: d.Factor.Value}, State: string(d.State()),
		Open: d.Open, Acknowledged: d.Acknowledged, Resolved: d.Resolved, First: d.Facts.From, Last: d.Facts.To, Opened: d.Facts.Opened,
		AcknowledgedBy: d.AcknowledgedBy, CanAct: req.actor.May(auth.ChangeIncidents),
	}
	if d.Acknowledges(req.now) {
		p.AcknowledgesUntil = d.AcknowledgedAt.Add(monitor.GroupAcknowledgement)
	}
	for _, f := range d.Facts.Factors {
		p.Factors = append(p.Factors, groupview.Factor{Kind: string(f.Kind), Value: f.Value, Count: f.Count})
	}
	for cause, n := range d.Facts.Causes {
		p.Causes = append(p.Causes, groupview.Cause{Name: string(cause), Count: n})
	}
	slices.SortFunc(p.Causes, func(a, b groupview.Cause) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name))
	})
	for _, c := range d.Channels {
		p.Channels = append(p.Channels, groupview.Channel{
			Name: c.Name, Alone: c.Alone, Grouped: c.Grouped, Messages: c.Messages, Held: c.Held, Pending: c.Pending, Failed: c.Failed,
		})
	}
	return p
}

// acknowledgeGroup acknowledges the open incidents of a group.
func acknowledgeGroup(req *request) error {
	number := positiveNumber(req.r.PathValue("number"))
	d, err := req.site.Service.AcknowledgeGroup(req.ctx(), req.actor, number)
	if err != nil {
		return err
	}
	req.toast(ui.Plural(d.Acknowledged, "incident")+" acknowledged", "")
	return req.redirect(paths.IncidentGroup(number))
}

// snoozeGroup snoozes the open incidents of a group for the chosen time.
func snoozeGroup(req *request) error {
	number := positiveNumber(req.r.PathValue("number"))
	d, err := req.site.Service.SnoozeGroup(req.ctx(), req.actor, number, req.quietPeriod())
	if err != nil {
		return quietError(err)
	}
	req.toast(ui.Plural(d.Open, "incident")+" snoozed", "")
	return req.redirect(paths.IncidentGroup(number))
}
