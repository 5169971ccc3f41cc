package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// showIncident is the page of one incident.
func showIncident(v *request) error {
	return v.renderIncident(http.StatusOK, v.r.PathValue("id"), view.Input{})
}

// renderIncident answers with the page of an incident; note is one that was refused.
func (v *request) renderIncident(status int, id string, note view.Input) error {
	s, err := v.site.Service.IncidentView(v.ctx(), v.actor, id)
	if err != nil {
		return err
	}
	page := v.incidentPage(s)
	live := ""
	if s.State() != monitor.StateResolved || HasPendingAlerts(s) {
		parts, err := v.fragmentRefs(page.Fragments())
		if err != nil {
			return err
		}
		live = StreamURL("/live/incidents/"+s.ID, nil, append(parts, FragmentRef{s.ID, Digest(incidentState(page))}))
	}
	page.Shell, page.Note = v.shell(live), note
	return v.renderStatus(status, view.Incident(page))
}

// HasPendingAlerts reports whether anybody is still to be told.
func HasPendingAlerts(s manage.IncidentView) bool {
	return slices.ContainsFunc(s.Deliveries, func(d manage.Delivery) bool { return d.State == monitor.AlertPending })
}

// incidentPage is what the page tells, but for what surrounds it.
func (v *request) incidentPage(s manage.IncidentView) view.IncidentPage {
	i := s.Incident
	p := view.IncidentPage{
		ID: i.ID, Number: int(i.Number), State: string(i.State()), Cause: string(i.Cause), Resolution: string(i.Resolution),
		Heartbeat: view.IncidentHeartbeat{
			Key: HeartbeatKey(s.Heartbeat), Name: i.HeartbeatName, Schedule: s.Heartbeat.Rule.Describe(), Interval: s.Heartbeat.Rule.Interval,
			Grace: s.Heartbeat.Rule.Grace, LastPing: i.LastPing, Due: i.Due, Alert: i.OpenedAt,
		},
		Opened: i.OpenedAt, Detected: i.DetectedAt, Acknowledged: i.AcknowledgedAt, AcknowledgedBy: i.AcknowledgedBy, Resolved: i.ResolvedAt,
		FirstAlert: TimeToFirstAlert(s), Timeline: Timeline(s), Deliveries: Deliveries(s, v.now), WaitingFor: IncidentNextStep(s),
		Runbook: FirstLink(s.Heartbeat.Description), PreviousText: PreviousIncident(s), PrintURL: v.site.BaseURL + view.IncidentPath(i.ID),
		CanAct: v.actor.May(auth.ChangeIncidents),
	}
	p.Shell.Clock, p.ChannelWarning = v.clock, v.alertGap(len(s.ExistingChannels))
	if s.State() != monitor.StateResolved || HasPendingAlerts(s) {
		p.FailingChannels = FailingChannelNames(s.FailingChannels)
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
		p.NextIncident = &view.RelatedIncident{ID: s.Next.ID, Number: int(s.Next.Number), Cause: string(s.Next.Cause)}
	}
	switch {
	case IsFailure(i.Cause):
		p.Explanation = &view.Explanation{Status: "down", FailedAt: i.OpenedAt, ExitStatus: p.ExitStatus, Decision: view.Capitalize(i.Reason)}
	case i.Cause == monitor.CauseMissed && i.Due.IsZero():
		p.Explanation = &view.Explanation{Status: "down", Decision: view.Capitalize(i.Reason)} // a first ping that never came has no sum
	case i.Cause == monitor.CauseMissed:
		p.Explanation = MissedWhy(s)
		p.Heartbeat.Grace = p.Explanation.Grace // as it was then
	}
	if p.Explanation != nil {
		p.Explanation.Past = i.State() == monitor.StateResolved
	}
	return p
}

// IsFailure reports whether a run that ended is the cause, and no silence.
func IsFailure(c monitor.Cause) bool { return c == monitor.CauseFailure || c == monitor.CauseTooShort }

// MissedWhy is the sum that led to an incident, as it was at its opening. Where
// it does not begin at the last ping, or is longer, the sentence tells it.
func MissedWhy(s manage.IncidentView) *view.Explanation {
	i := s.Incident
	grace := s.Heartbeat.Rule.Grace
	w := &view.Explanation{Status: "down", LastPing: i.LastPing, Due: i.Due, Grace: i.OpenedAt.Sub(i.Due), Alert: i.OpenedAt}
	several := s.Heartbeat.Rule.AlertAfter > 1
	if several && w.Grace > grace { // some bad runs came before the one that alerted
		w.Grace, w.AlertingRun = grace, i.OpenedAt.Add(-grace)
	}
	plain := s.Heartbeat.Rule.Calendar == nil && !several && !i.LastPing.IsZero()
	if interval := i.Due.Sub(i.LastPing); interval%time.Second == 0 && plain {
		w.Interval = interval
	} else {
		w.Decision = view.Capitalize(i.Reason)
	}
	return w
}

// TimeToFirstAlert is how long it took until somebody was told, 0 when nobody was.
func TimeToFirstAlert(s manage.IncidentView) time.Duration {
	var first time.Duration
	for _, d := range s.Deliveries {
		for _, t := range d.AttemptLog {
			if d.Event != monitor.IncidentOpened || t.Outcome != "sent" {
				continue
			}
			if took := t.At.Add(t.Took).Sub(s.OpenedAt); first == 0 || took < first {
				first = max(took, time.Millisecond)
			}
		}
	}
	return first
}

// IncidentNextStep says what is still expected, empty when nothing is.
func IncidentNextStep(s manage.IncidentView) string {
	if s.State() == monitor.StateResolved {
		return ""
	}
	return "The next successful ping resolves this incident."
}

// FirstLink is the first address in a description.
func FirstLink(description string) string {
	for _, word := range strings.Fields(description) {
		if strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://") {
			return strings.TrimRight(word, ".,;)")
		}
	}
	return ""
}

// PreviousIncident says how long all was well until this incident.
func PreviousIncident(s manage.IncidentView) string {
	if s.Previous.ID == "" {
		return "No incident before"
	}
	return "No incident in " + view.Elapsed(s.OpenedAt.Sub(s.Previous.ResolvedAt))
}
