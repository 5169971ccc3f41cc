package web

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/web/view"
)

// Timeline is all that happened in an incident, oldest first: what was noted,
// and how telling people went.
func Timeline(s manage.IncidentView) []view.TimelineEntry {
	var all []view.TimelineEntry
	if !s.LastPing.IsZero() && s.Cause == monitor.CauseMissed {
		all = append(all, view.TimelineEntry{At: s.LastPing, Icon: "k-ping", Tone: "up", Title: "Last ping"})
	}
	for _, e := range s.Timeline {
		if e.Kind != "due" { // "late" tells the same moment
			all = append(all, timelineEntry(s, e))
		}
	}
	for _, d := range s.Deliveries {
		all = append(all, deliveryEntries(s, d)...)
	}
	slices.SortStableFunc(all, func(a, b view.TimelineEntry) int { return a.At.Compare(b.At) })
	return all
}

// timelineEntry is one line of what was noted.
func timelineEntry(s manage.IncidentView, e monitor.TimelineEntry) view.TimelineEntry {
	shown := view.TimelineEntry{At: e.At, Text: e.Text}
	switch e.Kind {
	case "late":
		shown.Icon, shown.Tone, shown.Title, shown.Status = "st-late", "late", "Due", "Late"
		shown.Text = "No ping came."
		if s.Cause == monitor.CauseMissed {
			shown.Text += " A grace period of " + view.ExactDuration(MissedWhy(s).Grace) + " began."
		}
	case "opened":
		shown.Icon, shown.Tone, shown.Title, shown.Status = "st-down", "down", "Incident opened", "Down"
		shown.Text = "Cause: " + strings.ToLower(view.Cause(string(s.Cause))) + ". " + view.Capitalize(e.Text)
		if s.Cause == monitor.CauseMissed && !s.Due.IsZero() && MissedWhy(s).Decision == "" {
			shown.Text = "The grace period ran out. Cause: missed ping." // the page has the sum
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
			by, text = "somebody", e.Text
		}
		shown.Icon, shown.Title, shown.Text, shown.Quote = "note", "Note by "+by, "", text
	case "undelivered":
		shown.Icon, shown.Tone, shown.Title = "dl-fail", "failed", "Alert not delivered"
	case "recovered":
		shown.Icon, shown.Tone, shown.Title, shown.Status = "st-up", "up", "Recovered", "Up"
		shown.Text = "A ping arrived, and the incident was resolved."
	case "resolved":
		shown.Icon, shown.Tone, shown.Title = "in-resolved", "resolved", "Resolved"
		shown.Text = strings.TrimPrefix(e.Text, "Resolved: ")
	default: // a kind that a newer node wrote
		shown.Icon, shown.Title = "note", e.Kind
	}
	return shown
}

// maxOutputShown is how many bytes of what a job wrote stand in a timeline.
const maxOutputShown = 1000

// lastOutput is the end of what a job wrote.
func lastOutput(text string) string {
	text = strings.TrimSpace(text)
	if len(text) <= maxOutputShown {
		return text
	}
	return "…" + strings.ToValidUTF8(text[len(text)-maxOutputShown:], "")
}

// deliveryEntries are the lines about one alert. Of many attempts that failed only the
// first and the last are told: the table has their number.
func deliveryEntries(s manage.IncidentView, d manage.Delivery) []view.TimelineEntry {
	name, what := s.Channels[d.Channel].Name, alertName(d.Event)
	if d.Recipient != "" {
		name += " for " + d.Recipient
	}
	var all []view.TimelineEntry
	for n, t := range d.AttemptLog {
		if t.Outcome == "retry" && n > 0 && n < len(d.AttemptLog)-1 {
			continue
		}
		e := view.TimelineEntry{At: t.At, Code: ownDetail(s, d, t.Detail)}
		switch t.Outcome {
		case "sent":
			e.Icon, e.Tone, e.Title = "dl-ok", "delivered", what+" delivered to "+name+" in "+view.Latency(t.Took)
			if n > 0 {
				e.Title = what + " delivered to " + name + " on attempt " + view.Count(n+1)
			}
		case "retry":
			e.Icon, e.Tone, e.Title = "dl-retry", "retrying", what+" to "+name+" not delivered, will retry"
			if n > 0 {
				e.Title = what + " to " + name + " not delivered after " + view.Plural(n+1, "attempt")
			}
		default:
			e.Icon, e.Tone, e.Title = "dl-fail", "failed", what+" to "+name+" refused"
		}
		all = append(all, e)
	}
	return all
}

// alertName names an alert by what it told, as the beginning of a sentence.
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

// deliveryMessage names what an alert of an incident told.
func deliveryMessage(s manage.IncidentView, event monitor.Event) string {
	if event == monitor.IncidentResolved && s.Resolution == monitor.ResolvedByPing {
		return "Recovered"
	}
	return EventName(event)
}

// EventName names what an alert told.
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
	case monitor.TestAlert:
		return "Test"
	}
	return string(event)
}

// Deliveries are the alerts of an incident. A reminder to come is not one yet.
func Deliveries(s manage.IncidentView, now time.Time) []view.Delivery {
	var all []view.Delivery
	for _, d := range s.Deliveries {
		if d.Event == monitor.IncidentReminder && len(d.AttemptLog) == 0 && d.State == monitor.AlertPending {
			continue
		}
		c := s.Channels[d.Channel]
		shown := view.Delivery{
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
		if d.State == monitor.AlertPending && d.NextAttempt.After(now) {
			shown.NextAttempt = d.NextAttempt
		}
		all = append(all, shown)
	}
	return all
}

// ownDetail returns the answer to an alert, without the part about recipients that
// have a separate alert, which shows it.
func ownDetail(s manage.IncidentView, d manage.Delivery, detail string) string {
	if slices.ContainsFunc(s.Deliveries, func(part manage.Delivery) bool { return part.SplitFrom == d.ID }) {
		detail, _, _ = strings.Cut(detail, "; ")
	}
	return detail
}

// Response is what a provider answered. A detail that names the code of each
// recipient needs it only once.
func Response(status int, detail string) string {
	if status == 0 || strings.Contains(detail, ": "+strconv.Itoa(status)+" ") {
		return detail
	}
	return strings.TrimSpace(strconv.Itoa(status) + " " + detail)
}

// ChannelKindLabel is the name of a kind of channel for people.
func ChannelKindLabel(kind string) string {
	if k, known := notify.KindOf(kind); known {
		return k.Label
	}
	return kind
}
