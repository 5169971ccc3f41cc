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
		{pattern: "GET /incidents", needs: auth.Read, handle: listIncidents},
		{pattern: "GET /incidents.csv", needs: auth.Read, handle: downloadIncidents, byPage: true},
		{pattern: "GET /incidents/{id}", needs: auth.Read, handle: showIncident},
		{pattern: "POST /incidents/{id}/acknowledge", needs: auth.ChangeIncidents, handle: acknowledge},
		{pattern: "POST /incidents/{id}/notes", needs: auth.ChangeIncidents, handle: addNote},
		{pattern: "GET /acknowledge/{token}", needs: open, handle: showLink},
		{pattern: "POST /acknowledge/{token}", needs: open, handle: followLink},
	}
}

// listIncidents is the list of incidents of a project.
func listIncidents(v *visit) error {
	q := v.r.URL.Query()
	f := incidentFilter(q)
	at, back := place(q)
	l, err := v.site.Desk.IncidentList(v.ctx(), v.actor, manage.IncidentListQuery{
		State: f.State, Cause: f.Cause, Text: f.Query, From: at, Back: back, Limit: usualPage,
	})
	if err != nil {
		return err
	}
	page := view.IncidentsPage{
		Export: view.IncidentsFile + "?" + v.inProject(only(q, "state", "q", "cause")).Encode(),
		Filter: f, Open: l.Open, Acknowledged: l.Acknowledged, Pager: view.Pager{First: 1, Last: len(l.Rows), Total: l.Total},
		Stats: view.IncidentStats{
			Opened: l.Month.Opened, MedianDown: l.Month.Down, MedianAcknowledge: l.Month.ToAcknowledge, MedianDelay: l.Month.ToFirstTelling,
			Delivered: l.Month.Alerts[monitor.Sent], Owed: l.Month.Alerts[monitor.Sent] + l.Month.Alerts[monitor.Owed] + l.Month.Alerts[monitor.GivenUp],
		},
	}
	var parts []shown
	for _, i := range l.Rows {
		row := line(i, l.Alerts[i.ID])
		page.Rows = append(page.Rows, row)
		parts = append(parts, shown{i.ID, mark(row)})
	}
	if first, err := strconv.Atoi(q.Get("row")); err == nil && first > 1 && l.Newer {
		page.Pager.First, page.Pager.Last = first, first+len(l.Rows)-1
	}
	if n := len(l.Rows); n > 0 && l.Newer {
		page.Pager.Prev = beside(q, "newer", l.Rows[0].Number, page.Pager.First-usualPage)
	}
	if n := len(l.Rows); n > 0 && l.Older {
		page.Pager.Next = beside(q, "older", l.Rows[n-1].Number, page.Pager.Last+1)
	}
	above, err := v.marked(page.Living())
	if err != nil {
		return err
	}
	page.Shell = v.shell(liveAt("/live/incidents", drawnAt(v.inProject(only(q, "state", "q", "cause")), l.Newest, l.Total-len(l.Rows)), append(parts, above...)))
	return v.show(view.Incidents(page))
}

// incidentFilter is what an address narrows the list to.
func incidentFilter(q url.Values) view.IncidentFilter {
	return view.IncidentFilter{State: q.Get("state"), Query: strings.TrimSpace(q.Get("q")), Cause: q.Get("cause")}
}

// place is the incident beside which a page of the list lies.
func place(q url.Values) (number int64, back bool) {
	if n, err := strconv.ParseInt(q.Get("newer"), 10, 64); err == nil && n > 0 {
		return n, true
	}
	n, err := strconv.ParseInt(q.Get("older"), 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	return n, false
}

// beside is the address of the page that is newer or older than an incident; row
// is the number of its first row.
func beside(q url.Values, way string, number int64, row int) string {
	other := only(q, "state", "q", "cause")
	other.Set(way, strconv.FormatInt(number, 10))
	other.Set("row", strconv.Itoa(max(row, 1)))
	return view.IncidentsPath + "?" + other.Encode()
}

// line is one incident of a list.
func line(i monitor.Incident, alerts manage.Alerts) view.IncidentLine {
	return view.IncidentLine{
		ID: i.ID, Number: int(i.Number), Heartbeat: i.HeartbeatName, State: string(i.State()), Cause: string(i.Cause),
		Opened: i.Opened, Resolved: i.ResolvedAt, AcknowledgedBy: i.AcknowledgedBy,
		Alerts: view.AlertTally{Sent: alerts[monitor.Sent], Owed: alerts[monitor.Owed], GivenUp: alerts[monitor.GivenUp]},
	}
}

// acknowledge notes that the visitor takes care of an incident, with a note if
// one was written.
func acknowledge(v *visit) error {
	id := v.r.PathValue("id")
	_, err := v.site.Desk.AcknowledgeWithNote(v.ctx(), v.actor, id, strings.TrimSpace(v.text("note")))
	if about, wrong := wrongs(err); wrong {
		return v.story(refused, id, view.Input{Value: v.text("note"), Error: about["text"]})
	}
	if err != nil {
		return err
	}
	v.toast("Acknowledged", "")
	return v.redirect(view.IncidentPath(id))
}

// addNote writes a note on an incident.
func addNote(v *visit) error {
	id := v.r.PathValue("id")
	_, err := v.site.Desk.AddNote(v.ctx(), v.actor, id, v.text("note"), nil)
	if about, wrong := wrongs(err); wrong {
		return v.story(refused, id, view.Input{Value: v.text("note"), Error: about["text"]})
	}
	if err != nil {
		return err
	}
	v.toast("Note added", "")
	return v.redirect(view.IncidentPath(id))
}
