package web

import (
	"net/url"
	"strconv"
	"strings"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// incidentRoutes are the pages of the incidents.
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

// listIncidents is the list of incidents of a project.
func listIncidents(v *request) error {
	q := v.r.URL.Query()
	f := incidentFilter(q)
	at, back := incidentCursor(q)
	l, err := v.site.Service.IncidentList(v.ctx(), v.actor, manage.IncidentListQuery{
		State: f.State, Cause: f.Cause, Text: f.Query, From: at, Backwards: back, Limit: defaultPageSize,
	})
	if err != nil {
		return err
	}
	page := view.IncidentsPage{
		CSVPath: view.IncidentsCSVPath + "?" + v.withProject(selectValues(q, "state", "q", "cause")).Encode(),
		Filter:  f, Open: l.Open, Acknowledged: l.Acknowledged, Pager: view.Pager{First: 1, Last: len(l.Rows), Total: l.Total},
		Stats: view.IncidentStats{
			Opened: l.Last30Days.Opened, MedianDown: l.Last30Days.MedianDuration, MedianTimeToAcknowledge: l.Last30Days.MedianToAcknowledge, MedianAlertDelay: l.Last30Days.MedianToFirstAlert,
			AlertsDelivered: l.Last30Days.Alerts[monitor.AlertSent], Alerts: l.Last30Days.Alerts[monitor.AlertSent] + l.Last30Days.Alerts[monitor.AlertPending] + l.Last30Days.Alerts[monitor.AlertFailed],
		},
	}
	var parts []FragmentRef
	for _, i := range l.Rows {
		row := IncidentLine(i, l.Alerts[i.ID])
		page.Rows = append(page.Rows, row)
		parts = append(parts, FragmentRef{i.ID, Digest(row)})
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
	above, err := v.fragmentRefs(page.Fragments())
	if err != nil {
		return err
	}
	page.Shell = v.shell(StreamURL("/live/incidents", withListVersion(v.withProject(selectValues(q, "state", "q", "cause")), l.Newest, l.Total-len(l.Rows)), append(parts, above...)))
	return v.render(view.Incidents(page))
}

// incidentFilter is what an address narrows the list to.
func incidentFilter(q url.Values) view.IncidentFilter {
	return view.IncidentFilter{State: q.Get("state"), Query: strings.TrimSpace(q.Get("q")), Cause: q.Get("cause")}
}

// incidentCursor is the incident beside which a page of the list lies.
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

// incidentPageURL is the address of the page that is newer or older than an incident; row
// is the number of its first row.
func incidentPageURL(q url.Values, way string, number int64, row int) string {
	other := selectValues(q, "state", "q", "cause")
	other.Set(way, strconv.FormatInt(number, 10))
	other.Set("row", strconv.Itoa(max(row, 1)))
	return view.IncidentsPath + "?" + other.Encode()
}

// IncidentLine is one incident of a list.
func IncidentLine(i monitor.Incident, alerts manage.AlertCounts) view.IncidentLine {
	return view.IncidentLine{
		ID: i.ID, Number: int(i.Number), Heartbeat: i.HeartbeatName, State: string(i.State()), Cause: string(i.Cause),
		Opened: i.OpenedAt, Resolved: i.ResolvedAt, AcknowledgedBy: i.AcknowledgedBy,
		Alerts: view.AlertCounts{Delivered: alerts[monitor.AlertSent], Pending: alerts[monitor.AlertPending], Failed: alerts[monitor.AlertFailed]},
	}
}

// acknowledgeIncident notes that the visitor takes care of an incident, with a note if
// one was written.
func acknowledgeIncident(v *request) error {
	id := v.r.PathValue("id")
	_, err := v.site.Service.AcknowledgeWithNote(v.ctx(), v.actor, id, strings.TrimSpace(v.formValue("note")))
	if about, wrong := fieldErrors(err); wrong {
		return v.renderIncident(statusInvalid, id, view.Input{Value: v.formValue("note"), Error: about["text"]})
	}
	if err != nil {
		return err
	}
	v.toast("Acknowledged", "")
	return v.redirect(view.IncidentPath(id))
}

// addIncidentNote writes a note on an incident.
func addIncidentNote(v *request) error {
	id := v.r.PathValue("id")
	_, err := v.site.Service.AddNote(v.ctx(), v.actor, id, v.formValue("note"), nil)
	if about, wrong := fieldErrors(err); wrong {
		return v.renderIncident(statusInvalid, id, view.Input{Value: v.formValue("note"), Error: about["text"]})
	}
	if err != nil {
		return err
	}
	v.toast("Note added", "")
	return v.redirect(view.IncidentPath(id))
}
