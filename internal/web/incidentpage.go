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
func showIncident(v *visit) error { return v.story(http.StatusOK, v.r.PathValue("id"), view.Input{}) }

// story answers with the page of an incident; note is one that was refused.
func (v *visit) story(status int, id string, note view.Input) error {
	s, err := v.site.Desk.IncidentStory(v.ctx(), v.actor, id)
	if err != nil {
		return err
	}
	page := v.incidentPage(s)
	live := ""
	if s.State() != monitor.Resolved || owes(s) {
		parts, err := v.marked(page.Living())
		if err != nil {
			return err
		}
		live = liveAt("/live/incidents/"+s.ID, nil, append(parts, shown{s.ID, mark(incidentFacts(page))}))
	}
	page.Shell, page.Note = v.shell(live), note
	return v.showStatus(status, view.Incident(page))
}

// owes reports whether anybody is still to be told.
func owes(s manage.IncidentStory) bool {
	return slices.ContainsFunc(s.Deliveries, func(d manage.Delivery) bool { return d.State == monitor.Owed })
}

// incidentPage is what the page tells, but for what surrounds it.
func (v *visit) incidentPage(s manage.IncidentStory) view.IncidentPage {
	i := s.Incident
	p := view.IncidentPage{
		ID: i.ID, Number: int(i.Number), State: string(i.State()), Cause: string(i.Cause), Resolution: string(i.Resolution),
		Heartbeat: view.Subject{
			Key: keyOf(s.Heartbeat), Name: i.HeartbeatName, Schedule: s.Heartbeat.Rule.Words(), Interval: s.Heartbeat.Rule.Interval,
			Grace: s.Heartbeat.Rule.Grace, LastPing: i.LastPing, Due: i.Due, Alert: i.Opened,
		},
		Opened: i.Opened, Detected: i.Detected, Acknowledged: i.AcknowledgedAt, AcknowledgedBy: i.AcknowledgedBy, Resolved: i.ResolvedAt,
		FirstAlert: firstAlert(s), Timeline: timeline(s), Deliveries: deliveries(s, v.now), Waiting: waiting(s),
		Runbook: runbook(s.Heartbeat.Description), Before: before(s), PrintAt: v.site.Base + view.IncidentPath(i.ID),
		CanAct: v.actor.May(auth.ChangeIncidents),
	}
	p.Shell.Clock, p.Untold = v.clock, v.untold(len(s.Present))
	if s.State() != monitor.Resolved || owes(s) {
		p.Failing = failingNames(s.NotDelivering)
	}
	for _, c := range s.Present {
		if p.ChannelsBy.IsZero() || c.Created.Before(p.ChannelsBy) {
			p.ChannelsBy = c.Created
		}
	}
	if s.Ping != nil {
		p.Exit = max(s.Ping.ExitCode, 0)
	}
	if s.After.ID != "" {
		p.After = &view.SeeAlso{ID: s.After.ID, Number: int(s.After.Number), Cause: string(s.After.Cause)}
	}
	switch {
	case failed(i.Cause):
		p.Why = &view.Why{Status: "down", Failed: i.Opened, Exit: p.Exit, Decision: view.Sentence(i.Because)}
	case i.Cause == monitor.Missed && i.Due.IsZero():
		p.Why = &view.Why{Status: "down", Decision: view.Sentence(i.Because)} // a first ping that never came has no sum
	case i.Cause == monitor.Missed:
		p.Why = missedWhy(s)
		p.Heartbeat.Grace = p.Why.Grace // as it was then
	}
	if p.Why != nil {
		p.Why.Past = i.State() == monitor.Resolved
	}
	return p
}

// failed reports whether a run that ended is the cause, and no silence.
func failed(c monitor.Cause) bool { return c == monitor.Failure || c == monitor.TooShort }

// missedWhy is the sum that led to an incident, as it was at its opening. Where
// it does not begin at the last ping, or is longer, the sentence tells it.
func missedWhy(s manage.IncidentStory) *view.Why {
	i := s.Incident
	grace := s.Heartbeat.Rule.Grace
	w := &view.Why{Status: "down", LastPing: i.LastPing, Due: i.Due, Grace: i.Opened.Sub(i.Due), Alert: i.Opened}
	several := s.Heartbeat.Rule.AlertAfter > 1
	if several && w.Grace > grace { // some bad runs came before the one that alerted
		w.Grace, w.Chance = grace, i.Opened.Add(-grace)
	}
	plain := s.Heartbeat.Rule.Calendar == nil && !several && !i.LastPing.IsZero()
	if interval := i.Due.Sub(i.LastPing); interval%time.Second == 0 && plain {
		w.Interval = interval
	} else {
		w.Decision = view.Sentence(i.Because)
	}
	return w
}

// firstAlert is how long it took until somebody was told, 0 when nobody was.
func firstAlert(s manage.IncidentStory) time.Duration {
	var first time.Duration
	for _, d := range s.Deliveries {
		for _, t := range d.Tries {
			if d.Event != monitor.IncidentOpened || t.Outcome != "sent" {
				continue
			}
			if took := t.At.Add(t.Took).Sub(s.Opened); first == 0 || took < first {
				first = max(took, time.Millisecond)
			}
		}
	}
	return first
}

// waiting says what is still expected, empty when nothing is.
func waiting(s manage.IncidentStory) string {
	if s.State() == monitor.Resolved {
		return ""
	}
	return "The next successful ping resolves this incident."
}

// runbook is the first address in a description.
func runbook(description string) string {
	for _, word := range strings.Fields(description) {
		if strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://") {
			return strings.TrimRight(word, ".,;)")
		}
	}
	return ""
}

// before says how long all was well until this incident.
func before(s manage.IncidentStory) string {
	if s.Before.ID == "" {
		return "No incident before"
	}
	return "No incident in " + view.Elapsed(s.Opened.Sub(s.Before.ResolvedAt))
}
