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

// IncidentLine returns the row of an incident.
func IncidentLine(i monitor.Incident, alerts manage.AlertCounts) incidentview.Row {
	return incidentview.Row{
		ID: i.ID, Number: int(i.Number), Heartbeat: i.HeartbeatName, Severity: string(i.Severity), State: string(i.State()), Cause: string(i.Cause),
		Opened: i.OpenedAt, Resolved: i.ResolvedAt, AcknowledgedBy: i.AcknowledgedBy,
		Alerts: incidentview.AlertCounts{Delivered: alerts[monitor.AlertSent], Pending: alerts[monitor.AlertPending], Failed: alerts[monitor.AlertFailed]},
	}
}

// SnoozedUntil returns the end of a snooze, or the zero time if the incident is not snoozed at now.
func SnoozedUntil(i monitor.Incident, now time.Time) time.Time {
	if i.Snoozed(now) {
		return i.SnoozedUntil
	}
	return time.Time{}
}

// Mute returns whether the alerts of a heartbeat are muted at now, and until when, the zero time if a user
// ends the mute.
func Mute(h monitor.Heartbeat, now time.Time) (muted bool, until time.Time) {
	if h.Muted(now) && !h.MutedUntil.Equal(monitor.MutedUntilUnmuted) {
		return true, h.MutedUntil
	}
	return h.Muted(now), time.Time{}
}

// MaintenanceUntil returns the end of the window that a heartbeat is in, the zero time if it is in none.
func MaintenanceUntil(h monitor.Heartbeat, now time.Time) time.Time {
	w, _ := h.InMaintenance(now)
	return w.To
}

// FlappingUntil returns until when alerts wait because the heartbeat flaps, the zero time if none do.
func FlappingUntil(h monitor.Heartbeat, now time.Time) time.Time {
	if !h.Flaps(now) {
		return time.Time{}
	}
	return h.Flapping.Until()
}

// HasPendingAlerts reports whether an alert of the incident is pending.
func HasPendingAlerts(s manage.IncidentView) bool {
	return slices.ContainsFunc(s.Deliveries, func(d manage.Delivery) bool { return d.State == monitor.AlertPending })
}

// IsFailure reports whether the cause is a failed run, not a missing ping.
func IsFailure(c monitor.Cause) bool { return c == monitor.CauseFailure || c == monitor.CauseTooShort }

// MissedExplanation returns the calculation that opened an incident. If the
// calculation does not begin at the last ping, or has more steps, a sentence
// describes it.
func MissedExplanation(s manage.IncidentView) *ui.Explanation {
	i := s.Incident
	grace := s.Heartbeat.Rule.Grace
	w := &ui.Explanation{Status: "down", LastPing: i.LastPing, Due: i.Due, Grace: i.OpenedAt.Sub(i.Due), Alert: i.OpenedAt}
	unknown := false
	for _, b := range s.Blackouts {
		if b.Effect.Kind == monitor.BlackoutUnknown {
			unknown, w.NotWatched = true, 0 // the wait started again
		} else if b.Length() < w.Grace {
			w.NotWatched += b.Length()
		}
	}
	w.Grace -= w.NotWatched
	several := s.Heartbeat.Rule.AlertAfter > 1
	if several && w.Grace > grace { // failed runs were tolerated before
		w.Grace, w.AlertingRun = grace, i.OpenedAt.Add(-grace-w.NotWatched)
	}
	plain := s.Heartbeat.Rule.Calendar == nil && !several && !unknown && !i.LastPing.IsZero()
	if interval := i.Due.Sub(i.LastPing); interval%time.Second == 0 && plain {
		w.Interval = interval
	} else {
		w.Decision = ui.Capitalize(i.Reason)
	}
	return w
}

// TimeToFirstAlert returns the time until the first alert was delivered, or 0.
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

// IncidentNextStep returns what resolves the incident, or "".
func IncidentNextStep(s manage.IncidentView) string {
	if s.State() == monitor.StateResolved {
		return ""
	}
	return "The next successful ping resolves this incident."
}

// FirstLink returns the first URL in a description.
func FirstLink(description string) string {
	for _, word := range strings.Fields(description) {
		if strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://") {
			return strings.TrimRight(word, ".,;)")
		}
	}
	return ""
}

// PreviousIncident describes the time since the previous incident.
func PreviousIncident(s manage.IncidentView) string {
	if s.Previous.ID == "" {
		return "No earlier incident"
	}
	return "No incident in " + ui.Elapsed(s.OpenedAt.Sub(s.Previous.ResolvedAt))
}
