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

// Timeline returns the events and deliveries of an incident, oldest first.
func Timeline(s manage.IncidentView) []incidentview.TimelineEntry {
	var all []incidentview.TimelineEntry
	if !s.LastPing.IsZero() && s.Cause == monitor.CauseMissed {
		all = append(all, incidentview.TimelineEntry{At: s.LastPing, Icon: "k-ping", Tone: "up", Title: "Last ping"})
	}
	for _, e := range s.Timeline {
		// Omitted: "due", because "late" has the same time, and "undelivered", if the failed
		// attempt is shown.
		if e.Kind != "due" && (e.Kind != "undelivered" || !hasFailedAttempt(s)) {
			all = append(all, timelineEntry(s, e))
		}
	}
	all = append(all, blackoutEntries(s.Blackouts)...)
	for _, d := range s.Deliveries {
		all = append(all, deliveryEntries(s, d)...)
	}
	slices.SortStableFunc(all, func(a, b incidentview.TimelineEntry) int { return a.At.Compare(b.At) })
	return incidentview.FoldDeliveries(all)
}

// hasFailedAttempt reports whether the last attempt of an alert was rejected.
func hasFailedAttempt(s manage.IncidentView) bool {
	return slices.ContainsFunc(s.Deliveries, func(d manage.Delivery) bool {
		n := len(d.AttemptLog)
		return n > 0 && d.AttemptLog[n-1].Outcome == "refused"
	})
}

// timelineEntry returns one entry of the timeline.
func timelineEntry(s manage.IncidentView, e monitor.TimelineEntry) incidentview.TimelineEntry {
	shown := incidentview.TimelineEntry{At: e.At, Text: e.Text}
	switch e.Kind {
	case "late":
		shown.Icon, shown.Tone, shown.Title, shown.Status = "st-late", "late", "Due", "Late"
		shown.Text = "No ping arrived."
		if s.Cause == monitor.CauseMissed {
			shown.Text += " A grace period of " + ui.ExactDuration(MissedExplanation(s).Grace) + " began."
		}
	case "opened":
		shown.Icon, shown.Tone, shown.Title, shown.Status = "st-down", "down", "Incident opened", "Down"
		shown.Text = "Cause: " + strings.ToLower(ui.Cause(string(s.Cause))) + ". " + ui.Capitalize(e.Text)
		if s.Cause == monitor.CauseMissed && !s.Due.IsZero() && MissedExplanation(s).Decision == "" {
			shown.Text = "The grace period ended. Cause: missed ping." // the page shows the calculation
		}
		if s.Ping != nil {
			shown.Quote, shown.Output = lastOutput(PrintableText(s.Ping.Body)), true
		}
	case "failure":
		shown.Icon, shown.Tone, shown.Title = "k-fail", "down", "Failure reported again"
	case "reminder":
		shown.Icon, shown.Tone, shown.Title, shown.Text = "dl-ok", "delivered", strings.TrimSuffix(e.Text, "."), ""
	case "acknowledged":
		shown.Icon, shown.Tone, shown.Title, shown.Text = "in-ack", "acknowledged", strings.TrimSuffix(e.Text, "."), "Reminders stop."
	case "note":
		by, text, found := strings.Cut(e.Text, ": ")
		if !found {
			by, text = "an unknown person", e.Text
		}
		shown.Icon, shown.Title, shown.Text, shown.Quote = "note", "Note by "+by, "", text
	case "escalation":
		shown.Icon, shown.Tone, shown.Title = "dl-ok", "delivered", "Escalation"
	case "grouped":
		shown.Icon, shown.Tone, shown.Title, shown.Text = "dl-ok", "delivered", strings.TrimSuffix(e.Text, "."), ""
	case "undelivered":
		shown.Icon, shown.Tone, shown.Title = "dl-fail", "failed", "Alert not delivered"
	case "recovered":
		shown.Icon, shown.Tone, shown.Title, shown.Status = "st-up", "up", "Recovered", "Up"
		shown.Text = "A ping arrived, and the incident was resolved."
	case "resolved":
		shown.Icon, shown.Tone, shown.Title = "in-resolved", "resolved", "Resolved"
		shown.Text = strings.TrimPrefix(e.Text, "Resolved: ")
	case "muted":
		shown.Icon, shown.Tone, shown.Title = "clock", "waiting", "Alerts muted"
	case "flapping":
		shown.Icon, shown.Tone, shown.Title = "clock", "waiting", "Flapping"
	case "maintenance":
		shown.Icon, shown.Tone, shown.Title = "calendar", "waiting", "In maintenance"
	case "snoozed":
		shown.Icon, shown.Tone, shown.Title = "clock", "waiting", "Snooze"
	default: // written by a newer node
		shown.Icon, shown.Title = "note", e.Kind
	}
	return shown
}

// maxOutputShown is the maximum size in bytes of job output in a timeline.
const maxOutputShown = 1000

// lastOutput returns the end of the output of a job.
func lastOutput(text string) string {
	text = strings.TrimSpace(text)
	if len(text) <= maxOutputShown {
		return text
	}
	return "…" + strings.ToValidUTF8(text[len(text)-maxOutputShown:], "")
}

// deliveryEntries returns the entries of one alert. Of failed attempts it contains
// only the first and the last; the table shows their number.
func deliveryEntries(s manage.IncidentView, d manage.Delivery) []incidentview.TimelineEntry {
	name, what := s.Channels[d.Channel].Name, alertName(d.Event)
	if d.Recipient != "" {
		name += " for " + d.Recipient
	}
	var all []incidentview.TimelineEntry
	for n, t := range d.AttemptLog {
		if t.Outcome == "retry" && n > 0 && n < len(d.AttemptLog)-1 {
			continue
		}
		e := incidentview.TimelineEntry{At: t.At, Delivery: true, Code: ownDetail(s, d, t.Detail)}
		switch t.Outcome {
		case "sent":
			e.Icon, e.Tone, e.Title = "dl-ok", "delivered", what+" delivered to "+name+" in "+ui.Latency(t.Took)
			if n > 0 {
				e.Title = what + " delivered to " + name + " on attempt " + ui.Count(n+1)
			}
		case "retry":
			e.Icon, e.Tone, e.Title = "dl-retry", "retrying", what+" to "+name+" not delivered, will retry"
			if n > 0 {
				e.Title = what + " to " + name + " not delivered after " + ui.Plural(n+1, "attempt")
			}
		default:
			e.Icon, e.Tone, e.Title = "dl-fail", "failed", what+" to "+name+" rejected"
		}
		all = append(all, e)
	}
	return all
}

// alertName returns the name of an alert at the beginning of a sentence.
func alertName(event monitor.Event) string {
	switch event {
	case monitor.IncidentReminder:
		return "Reminder"
	case monitor.IncidentAcknowledged:
		return "Acknowledgement"
	case monitor.IncidentResolved:
		return "Recovery"
	}
	return "Alert"
}

// deliveryMessage returns the name of an alert of an incident.
func deliveryMessage(s manage.IncidentView, event monitor.Event) string {
	if event == monitor.IncidentResolved && s.Resolution == monitor.ResolvedByPing {
		return "Recovered"
	}
	return EventName(event)
}

// EventName returns the name of an event.
func EventName(event monitor.Event) string {
	switch event {
	case monitor.IncidentOpened:
		return "Down"
	case monitor.IncidentReminder:
		return "Reminder"
	case monitor.IncidentAcknowledged:
		return "Acknowledged"
	case monitor.IncidentResolved:
		return "Resolved"
	case monitor.HeartbeatLate:
		return "Late"
	case monitor.ChannelFailing:
		return "Channel failing"
	case monitor.ChannelRecovered:
		return "Channel recovered"
	case monitor.BlackoutNoticed:
		return "Not watching"
	case monitor.IncidentsGrouped:
		return "Group of alerts"
	case monitor.TestAlert:
		return "Test"
	}
	return string(event)
}

// carriedText describes an alert that is part of a message about several incidents.
func carriedText(state monitor.AlertState) string {
	if state == monitor.AlertPending {
		return "Collected with other incidents, to be sent in one message."
	}
	return "Part of one message about several incidents."
}

// Deliveries returns the alerts of an incident, without scheduled reminders.
func Deliveries(s manage.IncidentView, now time.Time) []ui.Delivery {
	var all []ui.Delivery
	for _, d := range s.Deliveries {
		if d.Event == monitor.IncidentReminder && len(d.AttemptLog) == 0 && d.State == monitor.AlertPending {
			continue
		}
		c := s.Channels[d.Channel]
		shown := ui.Delivery{
			Channel: c.Name, Kind: ChannelKindLabel(c.Kind), Recipient: d.Recipient, Message: deliveryMessage(s, d.Event), State: string(d.State),
			Attempts: len(d.AttemptLog),
		}
		if d.State == monitor.AlertPending && len(d.AttemptLog) > 0 {
			shown.State = "retrying"
		}
		if n := len(d.AttemptLog); n > 0 {
			last := d.AttemptLog[n-1]
			shown.Latency, shown.Response, shown.At = last.Took, Response(last.Status, ownDetail(s, d, last.Detail)), last.At
		}
		if d.Carrier != "" {
			shown.Advice = carriedText(d.State)
		}
		if d.State == monitor.AlertPending && d.Carrier == "" && d.NextAttempt.After(now) {
			shown.NextAttempt = d.NextAttempt
		}
		all = append(all, shown)
	}
	return all
}

// ownDetail returns the response to an alert, without recipients that have a
// separate alert.
func ownDetail(s manage.IncidentView, d manage.Delivery, detail string) string {
	if slices.ContainsFunc(s.Deliveries, func(part manage.Delivery) bool { return part.SplitFrom == d.ID }) {
		detail, _, _ = strings.Cut(detail, "; ")
	}
	return detail
}
