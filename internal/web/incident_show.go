package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/live"
	"overdue/internal/web/present"
	"overdue/internal/web/view/incidentview"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// isIncidentNumber reports whether the path names an incident by its number in the
// selected project: "/incidents/12".
func isIncidentNumber(req *request) bool {
	rest, found := strings.CutPrefix(req.r.URL.Path, paths.Incidents+"/")
	n, err := strconv.ParseInt(rest, 10, 64)
	return found && err == nil && n > 0
}

// redirectIncidentNumber leads to the incident with the number in the path.
func redirectIncidentNumber(req *request) error {
	number := req.r.PathValue("id")
	found, err := req.site.Service.Incidents(req.ctx(), req.actor, manage.IncidentListQuery{Text: "#" + number})
	if err != nil {
		return err
	}
	if len(found.Items) == 0 {
		return monitor.Faultf(monitor.NotFound, "", "The project %s has no incident #%s. %s", req.actor.Project.Name, number, req.site.Service.Retention().IncidentsText())
	}
	return req.redirect(paths.Incident(found.Items[0].ID))
}

// showIncident shows the page of one incident.
func showIncident(req *request) error {
	if isIncidentNumber(req) {
		return redirectIncidentNumber(req)
	}
	return req.renderIncident(http.StatusOK, req.r.PathValue("id"), ui.Input{})
}

// renderIncident shows the page of an incident. note is an invalid note to correct.
func (req *request) renderIncident(status int, id string, note ui.Input) error {
	s, err := req.site.Service.IncidentView(req.ctx(), req.actor, id)
	if err != nil {
		return err
	}
	page := req.incidentPage(s)
	streamURL := ""
	if s.State() != monitor.StateResolved || present.HasPendingAlerts(s) {
		parts, err := req.fragmentRefs(page.Fragments())
		if err != nil {
			return err
		}
		streamURL = live.StreamURL("/live/incidents/"+s.ID, nil, append(parts, live.FragmentRef{Key: s.ID, Digest: live.Digest(incidentState(page))}))
	}
	page.Shell, page.Note = req.shell(streamURL), note
	return req.renderStatus(status, incidentview.Detail(page))
}

// incidentPage returns the page without its shell.
func (req *request) incidentPage(s manage.IncidentView) incidentview.DetailPage {
	i := s.Incident
	p := incidentview.DetailPage{
		ID: i.ID, Number: int(i.Number), Group: i.Group, State: string(i.State()), Cause: string(i.Cause), Severity: string(i.Severity), Host: i.Host, Resolution: string(i.Resolution),
		Heartbeat: incidentview.Heartbeat{
			Key: present.HeartbeatKey(s.Heartbeat), Name: i.HeartbeatName, Schedule: s.Heartbeat.Rule.Describe(), Interval: s.Heartbeat.Rule.Interval,
			Grace: s.Heartbeat.Rule.Grace, LastPing: i.LastPing, Due: i.Due, Alert: i.OpenedAt,
		},
		Opened: i.OpenedAt, Detected: i.DetectedAt, Acknowledged: i.AcknowledgedAt, AcknowledgedBy: i.AcknowledgedBy, Resolved: i.ResolvedAt,
		FirstAlert: present.TimeToFirstAlert(s), Timeline: present.Timeline(s), Deliveries: present.Deliveries(s, req.now), WaitingFor: present.IncidentNextStep(s),
		Runbook: present.FirstLink(s.Heartbeat.Description), PreviousText: present.PreviousIncident(s), PrintURL: req.site.BaseURL + paths.Incident(i.ID),
		CanAct: req.actor.May(auth.ChangeIncidents), SnoozedUntil: present.SnoozedUntil(i, req.now),
	}
	p.Shell.Clock, p.ChannelWarning = req.clock, req.channelWarning(len(s.ExistingChannels))
	if s.State() != monitor.StateResolved || present.HasPendingAlerts(s) {
		p.FailingChannels = present.FailingChannelNames(s.FailingChannels)
	}
	for _, c := range s.ExistingChannels {
		if p.FirstChannelAt.IsZero() || c.Created.Before(p.FirstChannelAt) {
			p.FirstChannelAt = c.Created
		}
	}
	if s.Ping != nil {
		p.ExitStatus = max(s.Ping.ExitCode, 0)
	}
	if s.Next.ID != "" {
		p.NextIncident = &incidentview.Related{ID: s.Next.ID, Number: int(s.Next.Number), Cause: string(s.Next.Cause)}
	}
	switch {
	case present.IsFailure(i.Cause):
		p.Explanation = &ui.Explanation{Status: "down", FailedAt: i.OpenedAt, ExitStatus: p.ExitStatus, Decision: ui.Capitalize(i.Reason)}
	case i.Cause == monitor.CauseMissed && i.Due.IsZero():
		p.Explanation = &ui.Explanation{Status: "down", Decision: ui.Capitalize(i.Reason)} // without a first ping there is no calculation
	case i.Cause == monitor.CauseMissed:
		p.Explanation = present.MissedExplanation(s)
		p.Heartbeat.Grace = p.Explanation.Grace // the grace period at that time
	}
	if p.Explanation != nil {
		p.Explanation.Past = i.State() == monitor.StateResolved
	}
	return p
}

// acknowledgeIncident acknowledges an incident, with an optional note.
func acknowledgeIncident(req *request) error {
	id := req.r.PathValue("id")
	_, err := req.site.Service.AcknowledgeWithNote(req.ctx(), req.actor, id, strings.TrimSpace(req.formValue("note")))
	if fieldErrs, invalid := fieldErrors(err); invalid {
		return req.renderIncident(statusInvalid, id, ui.Input{Value: req.formValue("note"), Error: fieldErrs["text"]})
	}
	if err != nil {
		return err
	}
	req.toast("Acknowledged", "")
	if key := req.formValue("heartbeat"); key != "" { // the page of the heartbeat has this form, too
		return req.redirect(paths.Heartbeat(key))
	}
	return req.redirect(paths.Incident(id))
}

// addIncidentNote adds a note to an incident.
func addIncidentNote(req *request) error {
	id := req.r.PathValue("id")
	_, err := req.site.Service.AddNote(req.ctx(), req.actor, id, req.formValue("note"), nil)
	if fieldErrs, invalid := fieldErrors(err); invalid {
		return req.renderIncident(statusInvalid, id, ui.Input{Value: req.formValue("note"), Error: fieldErrs["text"]})
	}
	if err != nil {
		return err
	}
	req.toast("Note added", "")
	return req.redirect(paths.Incident(id))
}

// snoozeIncident snoozes an incident for the chosen time.
func snoozeIncident(req *request) error {
	id := req.r.PathValue("id")
	d, err := req.site.Service.SnoozeIncident(req.ctx(), req.actor, id, req.quietPeriod())
	if err != nil {
		return quietError(err)
	}
	req.toast("Snoozed until "+req.clock.ShortDateTime(d.SnoozedUntil), "")
	return req.redirect(paths.Incident(id))
}

// unsnoozeIncident ends a snooze.
func unsnoozeIncident(req *request) error {
	id := req.r.PathValue("id")
	if _, err := req.site.Service.UnsnoozeIncident(req.ctx(), req.actor, id); err != nil {
		return err
	}
	req.toast("Snooze ended", "")
	return req.redirect(paths.Incident(id))
}

// showAckLink shows the page of an acknowledge link. It changes nothing, because
// mail scanners open links.
func showAckLink(req *request) error {
	found, err := req.site.Service.IncidentByAckLink(req.ctx(), req.site.AckLinks, req.r.PathValue("token"))
	if err != nil {
		return err
	}
	return req.render(incidentview.Acknowledge(req.ackLinkPage(found)))
}

// acknowledgeByLink acknowledges an incident by its link, without a session.
func acknowledgeByLink(req *request) error {
	text := strings.TrimSpace(req.formValue("note"))
	found, kept, err := req.site.Service.AcknowledgeByAckLink(req.ctx(), req.site.AckLinks, req.r.PathValue("token"), text, req.clientAddress())
	if fieldErrs, invalid := fieldErrors(err); invalid {
		if found, err = req.site.Service.IncidentByAckLink(req.ctx(), req.site.AckLinks, req.r.PathValue("token")); err != nil {
			return err
		}
		p := req.ackLinkPage(found)
		p.Note = ui.Input{Value: text, Error: fieldErrs["text"]}
		return req.renderStatus(statusInvalid, incidentview.Acknowledge(p))
	}
	if err != nil {
		return err
	}
	p := req.ackLinkPage(found)
	p.NoteNotSaved = !kept
	p.Acknowledged = found.Incident.AcknowledgedBy == p.By && found.Incident.State() != monitor.StateResolved
	return req.render(incidentview.Acknowledge(p))
}

// ackLinkPage returns the page of an acknowledge link.
func (req *request) ackLinkPage(found manage.LinkedIncident) incidentview.AcknowledgePage {
	if zone, err := time.LoadLocation(found.Zone); err == nil {
		req.clock.Zone = zone
	}
	i := found.Incident
	return incidentview.AcknowledgePage{
		SignedOutShell: req.signedOutShell(), Number: int(i.Number), Heartbeat: i.HeartbeatName, Cause: string(i.Cause), State: string(i.State()), Severity: string(i.Severity),
		Opened: i.OpenedAt, Action: paths.Acknowledge(req.r.PathValue("token")), By: "link from " + found.Channel,
		IncidentPath: paths.Incident(i.ID),
	}
}
