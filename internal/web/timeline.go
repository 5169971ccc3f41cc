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

// timeline is all that happened in an incident, oldest first: what was noted,
// and how telling people went.
func timeline(s manage.IncidentStory) []view.Entry {
	var all []view.Entry
	if !s.LastPing.IsZero() && s.Cause == monitor.Missed {
		all = append(all, view.Entry{At: s.LastPing, Sign: "k-ping", Tone: "up", Title: "Last ping"})
	}
	for _, e := range s.Timeline {
		if e.Kind != "due" { // "late" tells the same moment
			all = append(all, entry(s, e))
		}
	}
	for _, d := range s.Deliveries {
		all = append(all, attempts(s, d)...)
	}
	slices.SortStableFunc(all, func(a, b view.Entry) int { return a.At.Compare(b.At) })
	return all
}

// entry is one line of what was noted.
func entry(s manage.IncidentStory, e monitor.Entry) view.Entry {
	shown := view.Entry{At: e.At, Text: e.Text}
	switch e.Kind {
	case "late":
		shown.Sign, shown.Tone, shown.Title, shown.Word = "st-late", "late", "Due", "Late"
		shown.Text = "No ping came."
		if s.Cause == monitor.Missed {
			shown.Text += " A grace period of " + view.Span(missedWhy(s).Grace) + " began."
		}
	case "opened":
		shown.Sign, shown.Tone, shown.Title, shown.Word = "st-down", "down", "Incident opened", "Down"
		shown.Text = "Cause: " + strings.ToLower(view.Cause(string(s.Cause))) + ". " + view.Sentence(e.Text)
		if s.Cause == monitor.Missed && !s.Due.IsZero() && missedWhy(s).Decision == "" {
			shown.Text = "The grace period ran out. Cause: missed ping." // the page has the sum
		}
		if s.Ping != nil {
			shown.Quote, shown.Mono = tail(legible(s.Ping.Body)), true
		}
	case "failure":
		shown.Sign, shown.Tone, shown.Title = "k-fail", "down", "Failure reported again"
	case "reminder":
		shown.Sign, shown.Tone, shown.Title, shown.Text = "dl-ok", "delivered", strings.TrimSuffix(e.Text, "."), ""
	case "acknowledged":
		shown.Sign, shown.Tone, shown.Title, shown.Text = "in-ack", "acknowledged", strings.TrimSuffix(e.Text, "."), "Reminders stop."
	case "note":
		by, text, found := strings.Cut(e.Text, ": ")
		if !found {
			by, text = "somebody", e.Text
		}
		shown.Sign, shown.Title, shown.Text, shown.Quote = "note", "Note by "+by, "", text
	case "undelivered":
		shown.Sign, shown.Tone, shown.Title = "dl-fail", "failed", "Alert not delivered"
	case "recovered":
		shown.Sign, shown.Tone, shown.Title, shown.Word = "st-up", "up", "Recovered", "Up"
		shown.Text = "A ping arrived, and the incident was resolved."
	case "resolved":
		shown.Sign, shown.Tone, shown.Title = "in-resolved", "resolved", "Resolved"
		shown.Text = strings.TrimPrefix(e.Text, "Resolved: ")
	default: // a kind that a newer node wrote
		shown.Sign, shown.Title = "note", e.Kind
	}
	return shown
}

// shownTail is how many bytes of what a job wrote stand in a timeline.
const shownTail = 1000

// tail is the end of what a job wrote.
func tail(text string) string {
	text = strings.TrimSpace(text)
	if len(text) <= shownTail {
		return text
	}
	return "…" + strings.ToValidUTF8(text[len(text)-shownTail:], "")
}

// attempts are the lines about one alert. Of many attempts that failed only the
// first and the last are told: the table has their number.
func attempts(s manage.IncidentStory, d manage.Delivery) []view.Entry {
	name, what := s.Channels[d.Channel].Name, news(d.Event)
	if d.Recipient != "" {
		name += " for " + d.Recipient
	}
	var all []view.Entry
	for n, t := range d.Tries {
		if t.Outcome == "retry" && n > 0 && n < len(d.Tries)-1 {
			continue
		}
		e := view.Entry{At: t.At, Code: undivided(s, d, t.Detail)}
		switch t.Outcome {
		case "sent":
			e.Sign, e.Tone, e.Title = "dl-ok", "delivered", what+" delivered to "+name+" in "+view.Latency(t.Took)
			if n > 0 {
				e.Title = what + " delivered to " + name + " on attempt " + view.Count(n+1)
			}
		case "retry":
			e.Sign, e.Tone, e.Title = "dl-retry", "retrying", what+" to "+name+" not delivered, will retry"
			if n > 0 {
				e.Title = what + " to " + name + " not delivered after " + view.Plural(n+1, "attempt")
			}
		default:
			e.Sign, e.Tone, e.Title = "dl-fail", "failed", what+" to "+name+" refused"
		}
		all = append(all, e)
	}
	return all
}

// news names an alert by what it told, as the beginning of a sentence.
func news(event monitor.Event) string {
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

// message names what an alert of an incident told.
func message(s manage.IncidentStory, event monitor.Event) string {
	if event == monitor.IncidentResolved && s.Resolution == monitor.Recovered {
		return "Recovered"
	}
	return eventWords(event)
}

// eventWords names what an alert told.
func eventWords(event monitor.Event) string {
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

// deliveries are the alerts of an incident. A reminder to come is not one yet.
func deliveries(s manage.IncidentStory, now time.Time) []view.Delivery {
	var all []view.Delivery
	for _, d := range s.Deliveries {
		if d.Event == monitor.IncidentReminder && len(d.Tries) == 0 && d.State == monitor.Owed {
			continue
		}
		c := s.Channels[d.Channel]
		shown := view.Delivery{
			Channel: c.Name, Kind: kindLabel(c.Kind), Recipient: d.Recipient, Message: message(s, d.Event), State: string(d.State),
			Attempts: len(d.Tries),
		}
		if d.State == monitor.Owed && len(d.Tries) > 0 {
			shown.State = "retrying"
		}
		if n := len(d.Tries); n > 0 {
			last := d.Tries[n-1]
			shown.Took, shown.Response, shown.At = last.Took, response(last.Status, undivided(s, d, last.Detail)), last.At
		}
		if d.State == monitor.Owed && d.Next.After(now) {
			shown.Next = d.Next
		}
		all = append(all, shown)
	}
	return all
}

// undivided returns the answer to an alert, without the part about recipients that
// have a separate alert, which shows it.
func undivided(s manage.IncidentStory, d manage.Delivery, detail string) string {
	if slices.ContainsFunc(s.Deliveries, func(part manage.Delivery) bool { return part.Parent == d.ID }) {
		detail, _, _ = strings.Cut(detail, "; ")
	}
	return detail
}

// response is what a provider answered. A detail that names the code of each
// recipient needs it only once.
func response(status int, detail string) string {
	if status == 0 || strings.Contains(detail, ": "+strconv.Itoa(status)+" ") {
		return detail
	}
	return strings.TrimSpace(strconv.Itoa(status) + " " + detail)
}

// kindLabel is the name of a kind of channel for people.
func kindLabel(kind string) string {
	if k, known := notify.KindOf(kind); known {
		return k.Label
	}
	return kind
}
