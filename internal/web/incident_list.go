package web

import (
	"net/url"
	"strconv"
	"strings"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/live"
	"overdue/internal/web/present"
	"overdue/internal/web/view/incidentview"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// incidentRoutes returns the routes of incidents.
func (s *Site) incidentRoutes() []route {
	return []route{
		{pattern: "GET /incidents", right: auth.Read, handle: listIncidents},
		{pattern: "GET /incidents.csv", right: auth.Read, handle: downloadIncidents, projectInQuery: true},
		{pattern: "GET /incidents/{id}", right: auth.Read, handle: showIncident},
		{pattern: "POST /incidents/{id}/acknowledge", right: auth.ChangeIncidents, handle: acknowledgeIncident},
		{pattern: "POST /incidents/{id}/notes", right: auth.ChangeIncidents, handle: addIncidentNote},
		{pattern: "GET /acknowledge/{token}", right: anyone, handle: showAckLink},
		{pattern: "POST /acknowledge/{token}", right: anyone, handle: acknowledgeByLink},
	}
}

// listIncidents shows the incidents of a project.
func listIncidents(req *request) error {
	q := req.r.URL.Query()
	f := incidentFilter(q)
	at, back := incidentCursor(q)
	l, err := req.site.Service.IncidentList(req.ctx(), req.actor, manage.IncidentListQuery{
		State: f.State, Cause: f.Cause, Text: f.Query, From: at, Backwards: back, Limit: defaultPageSize,
	})
	if err != nil {
		return err
	}
	page := incidentview.ListPage{
		CSVPath: paths.IncidentsCSV + "?" + req.withProject(selectValues(q, "state", "q", "cause")).Encode(),
		Filter:  f, Open: l.Open, Acknowledged: l.Acknowledged, Pager: ui.Pager{First: 1, Last: len(l.Rows), Total: l.Total},
		Stats: incidentview.Stats{
			Opened: l.Last30Days.Opened, MedianDown: l.Last30Days.MedianDuration, MedianTimeToAcknowledge: l.Last30Days.MedianToAcknowledge, MedianAlertDelay: l.Last30Days.MedianToFirstAlert,
			AlertsDelivered: l.Last30Days.Alerts[monitor.AlertSent], Alerts: l.Last30Days.Alerts[monitor.AlertSent] + l.Last30Days.Alerts[monitor.AlertPending] + l.Last30Days.Alerts[monitor.AlertFailed],
		},
	}
	var parts []live.FragmentRef
	for _, i := range l.Rows {
		row := present.IncidentLine(i, l.Alerts[i.ID])
		page.Rows = append(page.Rows, row)
		parts = append(parts, live.FragmentRef{Key: i.ID, Digest: live.Digest(row)})
	}
	if first, err := strconv.Atoi(q.Get("row")); err == nil && first > 1 && l.Newer {
		page.Pager.First, page.Pager.Last = first, first+len(l.Rows)-1
	}
	if n := len(l.Rows); n > 0 && l.Newer {
		page.Pager.Prev = incidentPageURL(q, "newer", l.Rows[0].Number, page.Pager.First-defaultPageSize)
	}
	if n := len(l.Rows); n > 0 && l.Older {
		page.Pager.Next = incidentPageURL(q, "older", l.Rows[n-1].Number, page.Pager.Last+1)
	}
	above, err := req.fragmentRefs(page.Fragments())
	if err != nil {
		return err
	}
	page.Shell = req.shell(live.StreamURL("/live/incidents", withListVersion(req.withProject(selectValues(q, "state", "q", "cause")), l.Newest, l.Total-len(l.Rows)), append(parts, above...)))
	return req.render(incidentview.List(page))
}

// incidentFilter returns the filter in the query of the list.
func incidentFilter(q url.Values) incidentview.Filter {
	return incidentview.Filter{State: q.Get("state"), Query: strings.TrimSpace(q.Get("q")), Cause: q.Get("cause")}
}

// incidentCursor returns the number of the incident next to the page, and whether
// the page is newer than that incident.
func incidentCursor(q url.Values) (number int64, back bool) {
	if n, err := strconv.ParseInt(q.Get("newer"), 10, 64); err == nil && n > 0 {
		return n, true
	}
	n, err := strconv.ParseInt(q.Get("older"), 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	return n, false
}

// incidentPageURL returns the address of the page that is "newer" or "older" than
// an incident. row is the number of its first row.
func incidentPageURL(q url.Values, way string, number int64, row int) string {
	other := selectValues(q, "state", "q", "cause")
	other.Set(way, strconv.FormatInt(number, 10))
	other.Set("row", strconv.Itoa(max(row, 1)))
	return paths.Incidents + "?" + other.Encode()
}

// downloadIncidents sends the incidents that match the filter as a CSV file.
func downloadIncidents(req *request) error {
	filter := incidentFilter(req.r.URL.Query())
	f := req.csvFile(req.actor.Project.Slug+"-incidents", present.IncidentHeader)
	more, err := req.site.Service.ExportIncidents(req.ctx(), req.actor, manage.IncidentListQuery{State: filter.State, Cause: filter.Cause, Text: filter.Query},
		func(part []monitor.Incident) error {
			rows := make([][]string, 0, len(part))
			for _, i := range part {
				rows = append(rows, present.IncidentRow(i, req.now))
			}
			return f.WriteRows(rows)
		})
	return f.Finish(req.ctx(), more, err)
}
