package web

import (
	"math"
	"net/url"
	"slices"
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
		{pattern: "GET /blackouts", right: auth.Read, handle: listBlackouts, projectInQuery: true},
		{pattern: "GET /incidents/{id}", right: auth.Read, handle: showIncident},
		{pattern: "POST /incidents/acknowledge", right: auth.ChangeIncidents, handle: acknowledgeIncidents},
		{pattern: "POST /incidents/{id}/acknowledge", right: auth.ChangeIncidents, handle: acknowledgeIncident},
		{pattern: "POST /incidents/snooze", right: auth.ChangeIncidents, handle: snoozeIncidents},
		{pattern: "POST /incidents/{id}/snooze", right: auth.ChangeIncidents, handle: snoozeIncident},
		{pattern: "POST /incidents/{id}/unsnooze", right: auth.ChangeIncidents, handle: unsnoozeIncident},
		{pattern: "POST /incidents/{id}/notes", right: auth.ChangeIncidents, handle: addIncidentNote},
		{pattern: "GET /incidents/groups/{number}", right: auth.Read, handle: showGroup},
		{pattern: "POST /incidents/groups/{number}/acknowledge", right: auth.ChangeIncidents, handle: acknowledgeGroup},
		{pattern: "POST /incidents/groups/{number}/snooze", right: auth.ChangeIncidents, handle: snoozeGroup},
		{pattern: "GET /acknowledge/{token}", right: anyone, handle: showAckLink},
		{pattern: "POST /acknowledge/{token}", right: anyone, handle: acknowledgeByLink},
	}
}

// listIncidents shows the incidents of a project.
func listIncidents(req *request) error {
	q := req.r.URL.Query()
	f := incidentFilter(q)
	l, err := req.site.Service.IncidentList(req.ctx(), req.actor, manage.IncidentListQuery{
		State: f.State, Cause: f.Cause, Text: f.Query, Limit: defaultPageSize, Cursor: q.Get("cursor"),
	})
	if err != nil {
		return err
	}
	total, beyond := l.Total, l.Total-len(l.Rows)
	if l.More {
		total = min(-l.Total, -2) // "1,234+"
	}
	page := incidentview.ListPage{
		CSVPath: paths.IncidentsCSV + "?" + req.withProject(selectValues(q, "state", "q", "cause")).Encode(),
		Filter:  f, Open: l.Open, Acknowledged: l.Acknowledged,
		Pager: ui.Pager{
			First: l.Before + 1, Last: l.Before + len(l.Rows), Total: total,
			Prev: pageURL(paths.Incidents, q, l.Prev), Next: pageURL(paths.Incidents, q, l.Next),
		},
		Kept:  req.site.Service.Retention().IncidentsText(),
		Stats: incidentStats(l.Last30Days),
	}
	var parts []live.FragmentRef
	for _, i := range l.Rows {
		row := req.incidentRow(i, l.Alerts[i.ID])
		page.Rows = append(page.Rows, row)
		parts = append(parts, live.FragmentRef{Key: i.ID, Digest: live.Digest(row)})
	}
	above, err := req.fragmentRefs(page.Fragments())
	if err != nil {
		return err
	}
	page.Shell = req.shell(live.StreamURL("/live/incidents", withListVersion(req.withProject(selectValues(q, "state", "q", "cause")), l.Newest, beyond), append(parts, above...)))
	return req.render(incidentview.List(page))
}

// incidentStats returns statistics for the page.
func incidentStats(s manage.IncidentStats) incidentview.Stats {
	sent := s.Alerts[monitor.AlertSent]
	return incidentview.Stats{
		Opened: s.Opened, TotalDown: s.TotalDuration, LongestDown: s.LongestDuration, MedianTimeToAcknowledge: s.MedianToAcknowledge, MedianAlertDelay: s.MedianToFirstAlert,
		AlertsDelivered: sent, Alerts: sent + s.Alerts[monitor.AlertPending] + s.Alerts[monitor.AlertFailed],
	}
}

// incidentFilter returns the filter in the query of the list.
func incidentFilter(q url.Values) incidentview.Filter {
	return incidentview.Filter{State: q.Get("state"), Query: strings.TrimSpace(q.Get("q")), Cause: q.Get("cause")}
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

// incidentRow returns the row of an incident, for the person.
func (req *request) incidentRow(i monitor.Incident, alerts manage.AlertCounts) incidentview.Row {
	row := present.IncidentLine(i, alerts)
	row.CanAct, row.SnoozedUntil = req.actor.May(auth.ChangeIncidents), present.SnoozedUntil(i, req.now)
	return row
}

// acknowledgeIncidents acknowledges the selected incidents, and returns to the list
// with the same filter.
func acknowledgeIncidents(req *request) error {
	return req.changeIncidents("Acknowledged", "already resolved", func(id string) error {
		_, err := req.site.Service.AcknowledgeIncident(req.ctx(), req.actor, id)
		return err
	})
}

// snoozeIncidents snoozes the selected incidents, and returns to the list with the same filter.
func snoozeIncidents(req *request) error {
	period := req.quietPeriod()
	return req.changeIncidents("Snoozed", "acknowledged or resolved", func(id string) error {
		_, err := req.site.Service.SnoozeIncident(req.ctx(), req.actor, id, period)
		return quietError(err)
	})
}

// changeIncidents applies a change to the selected incidents. others describes those that it does not
// apply to.
func (req *request) changeIncidents(done, others string, change func(id string) error) error {
	ids := req.r.PostForm["id"]
	ids = slices.DeleteFunc(ids[:min(len(ids), manage.MaxLimit)], func(id string) bool { return id == "" })
	changed := 0
	for _, id := range ids {
		switch err := change(id); {
		case err == nil:
			changed++
		case !isMissing(err) && !isFault(err, monitor.Conflict): // deleted or resolved since
			return err
		}
	}
	req.toast(changedText(done, others, len(ids), changed), "")
	back := safeRedirect(req.formValue(ui.OriginPageField))
	if page, _, _ := strings.Cut(back, "?"); page != paths.Incidents && !strings.HasPrefix(page, paths.Incidents+"/groups/") {
		back = paths.Incidents
	}
	return req.redirect(back)
}

// changedText returns a text with the number of selected incidents that were changed.
func changedText(done, others string, selected, changed int) string {
	switch {
	case selected == 0:
		return "No incident was selected"
	case changed < selected:
		return done + " " + ui.Plural(changed, "incident") + ". " + ui.Count(selected-changed) + " " + others + "."
	}
	return done + " " + ui.Plural(changed, "incident")
}

// blackoutsPageSize is the number of blackouts of a page.
const blackoutsPageSize = 25

// listBlackouts shows the times in which Overdue was not watching. A link in a notice names its
// project, which becomes the selected one.
func listBlackouts(req *request) error {
	q := req.r.URL.Query()
	if parseProjectID(q.Get(ui.OriginProjectField)) != 0 {
		req.site.People.Sessions.SelectProject(req.ctx(), req.actor.Project.Slug)
	}
	open, before := positiveNumber(q.Get("blackout")), positiveNumber(q.Get("before"))
	l, err := req.site.Service.BlackoutList(req.ctx(), req.actor, manage.BlackoutListQuery{Before: before, Open: open, Limit: blackoutsPageSize})
	if err != nil {
		return err
	}
	page := incidentview.BlackoutsPage{Shell: req.shell(""), Since: l.Since}
	page.Stats, page.Marks = present.BlackoutStats(l.Recent, l.Since)
	for _, d := range l.Rows {
		page.Rows = append(page.Rows, present.BlackoutRow(d, open, req.actor.Project, req.projectZone()))
	}
	if l.Newer {
		page.NewestPath = paths.Blackouts
	}
	if l.NextBefore > 0 {
		page.OlderPath = paths.Blackouts + paths.Query("before", strconv.FormatInt(l.NextBefore, 10))
	}
	return req.render(incidentview.Blackouts(page))
}

// positiveNumber returns a number of a query, 0 without one.
func positiveNumber(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n == math.MaxInt64 {
		return 0
	}
	return n
}
