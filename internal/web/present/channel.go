package present

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/provider"
	"overdue/internal/web/view/channelview"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// LastDelivery returns the row of a delivery attempt.
func LastDelivery(d manage.LastDelivery) ui.Delivery {
	state := map[string]string{"sent": "sent", "retry": "retrying", "refused": "failed"}[d.Outcome]
	return ui.Delivery{
		Message: EventName(d.Event), State: state, Latency: d.Took, Response: Response(d.Status, d.Detail), At: d.At,
	}
}

// TestDelivery returns the row of a test alert.
func TestDelivery(result manage.TestResult, took time.Duration, now time.Time) ui.Delivery {
	d := ui.Delivery{Message: "Test", State: "sent", Attempts: 1, Latency: took, At: now}
	code := 0
	if result.Status != nil {
		code = *result.Status
	}
	if !result.Delivered {
		d.State = "failed"
		if code < 300 { // the code of the recipients that accepted it
			code = 0
		}
	}
	d.Response = Response(code, result.Detail)
	d.Advice = testAdvice(result.Delivered, code, result.Detail)
	return d
}

// testAdvice says what to do after a test alert, or returns "".
func testAdvice(delivered bool, code int, detail string) string {
	switch {
	case delivered:
		return "Check that the test alert appeared there: a service can accept an alert and drop it later."
	case strings.HasSuffix(detail, "."): // an explanation with advice
		return ""
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return "The service rejected the credentials or their rights: check them, then test again."
	case code == http.StatusNotFound, code == http.StatusGone:
		return "The address does not exist at the service: check it, then test again."
	case code == http.StatusTooManyRequests:
		return "The service limits the rate of messages: wait, then test again."
	case code >= 500 && code < 600:
		return "The service has a problem: test again later."
	case code >= 400:
		return "The service did not accept the message: check the settings, then test again."
	}
	return ""
}

// ChannelKindGroups returns all kinds of channel, in the groups of the gallery. off returns why the server does not offer
// a kind, or "".
func ChannelKindGroups(off func(kind string) string) []channelview.KindGroup {
	var all []channelview.KindGroup
	for _, group := range provider.Groups() {
		g := channelview.KindGroup{Name: string(group)}
		for _, k := range notify.Kinds() {
			if k.Group == group {
				shown := ChannelKind(k.Name)
				shown.Off = off(k.Name)
				g.Kinds = append(g.Kinds, shown)
			}
		}
		if len(g.Kinds) > 0 {
			all = append(all, g)
		}
	}
	return all
}

// FallbackKinds returns the labels of the kinds that reach services without a kind.
func FallbackKinds() []string {
	var labels []string
	for _, name := range []string{"webhook", "apprise"} {
		if k, known := notify.KindOf(name); known {
			labels = append(labels, k.Label)
		}
	}
	return labels
}

// ChannelKind returns a kind of channel. A kind that this version does not know has
// its own name as label.
func ChannelKind(name string) channelview.Kind {
	k, known := notify.KindOf(name)
	if !known {
		return channelview.Kind{Name: name, Label: name}
	}
	return channelview.Kind{Name: k.Name, Label: k.Label, About: k.Help}
}

// KindSetup returns the steps to get the values of the fields of a kind.
func KindSetup(name string) []string {
	k, _ := notify.KindOf(name)
	return k.Setup
}

// KindNotes returns what a kind does with the messages of one incident.
func KindNotes(name string) []string {
	k, known := notify.KindOf(name)
	if !known {
		return nil
	}
	var notes []string
	switch {
	case k.Can.Resolve && k.Can.Acknowledge:
		notes = append(notes, "A recovery closes the alert in "+k.Label+", and an acknowledgement is shown there.")
	case k.Can.Resolve:
		notes = append(notes, "A recovery closes the alert in "+k.Label+".")
	}
	if k.Can.Thread {
		notes = append(notes, "Messages about one incident form a thread, if the way to connect allows it.")
	}
	if k.Can.Severity {
		notes = append(notes, "Alerts have the severity of the heartbeat: critical, warning or info.")
	}
	return notes
}

// PendingAlert returns the line of an alert that is not delivered yet.
func PendingAlert(a manage.PendingAlert) channelview.PendingAlert {
	shown := channelview.PendingAlert{
		Event: EventName(a.Event), Heartbeat: a.HeartbeatName, IncidentNumber: a.IncidentNumber, Recipient: a.Recipient, State: "waiting",
		Attempts: a.Attempts, Created: a.Created, NextAttempt: a.NextAttempt, Blocked: a.Blocked,
	}
	if a.Attempts > 0 {
		shown.State = "retrying"
	}
	if a.Incident != "" {
		shown.IncidentPath = paths.Incident(a.Incident)
	}
	if a.InProgress {
		shown.NextAttempt = time.Time{}
	}
	return shown
}

// Channel returns the row of a channel.
func Channel(d manage.ChannelDetail) channelview.Channel {
	c := channelview.Channel{
		ID: d.ID, Name: d.Name, Kind: ChannelKind(d.Kind), Target: d.Target, Heartbeats: d.Heartbeats,
		State: string(d.Health.State), LastDelivery: d.LastDelivery,
		LastError: d.Health.Reason(), FailingRecipients: strings.Join(d.Health.FailingFor(), ", "), Pending: d.Health.Pending, NextAttempt: d.Health.NextAttempt, PausedUntil: d.PausedUntil,
	}
	for _, f := range d.Health.Failures {
		if c.Since.IsZero() || f.Since.Before(c.Since) {
			c.Since = f.Since
		}
		if f.Attempts >= c.Attempts {
			c.Attempts, c.StatusCode = f.Attempts, f.StatusCode
		}
	}
	if !d.LastDelivery.IsZero() {
		c.LastOutcome = "Delivered"
	}
	if d.Health.State == monitor.ChannelStateRetrying && d.Health.Pending == 0 {
		c.State = "unconfirmed" // a test failed, and no alert is pending
	}
	if len(d.LastDeliveries) > 0 {
		last := d.LastDeliveries[0]
		c.LastDelivery = last.At
		c.LastOutcome = "Delivered in " + ui.Latency(last.Took)
		if last.Outcome != "sent" {
			c.LastOutcome = strings.TrimSpace("Not delivered. " + Response(last.Status, last.Detail))
		}
	}
	return c
}

// FailingChannelNames returns the names of failing channels, with the affected
// recipients if it is not all of them.
func FailingChannelNames(channels []monitor.Channel) []string {
	var names []string
	for _, c := range channels {
		name := c.Name
		if only := c.Health.FailingFor(); len(only) > 0 {
			name += " for " + strings.Join(only, ", ")
		}
		names = append(names, name)
	}
	return names
}

// Response returns the response of a provider. It omits the status code if the
// detail contains it.
func Response(status int, detail string) string {
	if status == 0 || strings.Contains(detail, ": "+strconv.Itoa(status)+" ") {
		return detail
	}
	return strings.TrimSpace(strconv.Itoa(status) + " " + detail)
}

// ChannelKindLabel returns the label of a kind of channel.
func ChannelKindLabel(kind string) string {
	if k, known := notify.KindOf(kind); known {
		return k.Label
	}
	return kind
}
