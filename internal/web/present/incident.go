package present

import (
	"slices"
	"strings"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view/incidentview"
	"overdue/internal/web/view/ui"
)

// IncidentLine is one incident of a list.
func IncidentLine(i monitor.Incident, alerts manage.AlertCounts) incidentview.Row {
	return incidentview.Row{
		ID: i.ID, Number: int(i.Number), Heartbeat: i.HeartbeatName, State: string(i.State()), Cause: string(i.Cause),
		Opened: i.OpenedAt, Resolved: i.ResolvedAt, AcknowledgedBy: i.AcknowledgedBy,
		Alerts: incidentview.AlertCounts{Delivered: alerts[monitor.AlertSent], Pending: alerts[monitor.AlertPending], Failed: alerts[monitor.AlertFailed]},
	}
}

// HasPendingAlerts reports whether anybody is still to be told.
func HasPendingAlerts(s manage.IncidentView) bool {
	return slices.ContainsFunc(s.Deliveries, func(d manage.Delivery) bool { return d.State == monitor.AlertPending })
}

// IsFailure reports whether a run that ended is the cause, and no silence.
func IsFailure(c monitor.Cause) bool { return c == monitor.CauseFailure || c == monitor.CauseTooShort }

// MissedExplanation is the sum that led to an incident, as it was at its opening. Where
// it does not begin at the last ping, or is longer, the sentence tells it.
func MissedExplanation(s manage.IncidentView) *ui.Explanation {
	i := s.Incident
	grace := s.Heartbeat.Rule.Grace
	w := &ui.Explanation{Status: "down", LastPing: i.LastPing, Due: i.Due, Grace: i.OpenedAt.Sub(i.Due), Alert: i.OpenedAt}
	several := s.Heartbeat.Rule.AlertAfter > 1
	if several && w.Grace > grace { // some bad runs came before the one that alerted
		w.Grace, w.AlertingRun = grace, i.OpenedAt.Add(-grace)
	}
	plain := s.Heartbeat.Rule.Calendar == nil && !several && !i.LastPing.IsZero()
	if interval := i.Due.Sub(i.LastPing); interval%time.Second == 0 && plain {
		w.Interval = interval
	} else {
		w.Decision = ui.Capitalize(i.Reason)
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
	return "No incident in " + ui.Elapsed(s.OpenedAt.Sub(s.Previous.ResolvedAt))
}
