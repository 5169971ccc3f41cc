package present

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/web/view/channelview"
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
	return d
}

// ChannelKinds returns all kinds of channel.
func ChannelKinds() []channelview.Kind {
	var all []channelview.Kind
	for _, k := range notify.Kinds() {
		all = append(all, ChannelKind(k.Name))
	}
	return all
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

// Channel returns the row of a channel.
func Channel(d manage.ChannelDetail) channelview.Channel {
	c := channelview.Channel{
		ID: d.ID, Name: d.Name, Kind: ChannelKind(d.Kind), Target: ChannelTarget(d.Channel), Heartbeats: d.Heartbeats,
		State: string(d.Health.State), LastDelivery: d.LastDelivery,
		LastError: d.Health.Reason(), FailingRecipients: strings.Join(d.Health.FailingFor(), ", "), Pending: d.Health.Pending, NextAttempt: d.Health.NextAttempt, PausedUntil: d.PausedUntil,
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

// ChannelTarget returns the destination of a channel without secrets: of a URL only
// the host.
func ChannelTarget(c monitor.Channel) string {
	if text, ok := c.Settings["url"].(string); ok {
		if u, err := url.Parse(text); err == nil && u.Host != "" {
			return u.Host
		}
	}
	to, _ := c.Settings["to"].([]any)
	var names []string
	for _, item := range to {
		if text, ok := item.(string); ok {
			names = append(names, text)
		}
	}
	if len(names) > 2 {
		return strings.Join(names[:2], ", ") + " and " + ui.Plural(len(names)-2, "other")
	}
	return strings.Join(names, ", ")
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
