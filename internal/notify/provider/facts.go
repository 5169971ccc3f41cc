package provider

import (
	"cmp"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// incidentKey identifies the incident at services that match the messages about one incident: the same from the
// opening to the recovery. For other events it identifies the alert.
func incidentKey(n message.Notification) string {
	if i := n.Notice.Incident; i != nil && i.ID != "" {
		return i.ID
	}
	return cmp.Or(n.ThreadID, n.AlertID)
}

// severity returns the severity of a notification: "critical", "warning" or "info".
func severity(n message.Notification) string {
	if n.IsEvent(message.EventOpened, message.EventReminder, message.EventAcknowledged, message.EventResolved) {
		if h := n.Notice.Heartbeat; h != nil && h.Severity != "" {
			return h.Severity
		}
		return "critical"
	}
	if n.IsEvent(message.EventLate, message.EventChannelFailing, message.EventBlackout) {
		return "warning"
	}
	if g := n.Group; g != nil && g.Event == message.EventOpened {
		if len(g.Incidents) > 0 && g.Incidents[0].Severity != "" {
			return g.Incidents[0].Severity // the most severe one is the first
		}
		return "critical"
	}
	return "info"
}

// tags returns the tags of the heartbeat.
func tags(n message.Notification) []string {
	if h := n.Notice.Heartbeat; h != nil {
		return h.Tags
	}
	return nil
}

// openURL returns the first link, which opens the incident.
func openURL(m message.Message) string {
	if len(m.Links) > 0 {
		return m.Links[0].URL
	}
	return ""
}

// baseURL is the field of a hosted service for its address, with the address that is used without it.
func baseURL(standard, help string) setting.Field {
	return setting.Field{
		Name: "base_url", Label: "Base URL", Type: setting.FieldURL, Destination: true, Check: setting.WebURL,
		Placeholder: standard, Help: help,
	}
}

// base returns the address of a hosted service, without a slash at the end.
func base(set setting.Values, standard string) string {
	return strings.TrimRight(cmp.Or(set.Text("base_url"), standard), "/")
}

// bearer returns the headers of a JSON request with a token.
func bearer(r Request, token string) Request {
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// basic returns a request with a user name and password.
func basic(r Request, user, password string) Request {
	r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	return r
}

// runeCount and byteCount are sizes of texts.
func runeCount(text string) int { return utf8.RuneCountInString(text) }
func byteCount(text string) int { return len(text) }

// step is what an event means for a service that has alerts with a lifecycle.
type step int

const (
	lifecycleTrigger step = iota
	lifecycleAcknowledge
	lifecycleResolve
)

// lifecycle returns what the event of a notification means for the alert at the service.
func lifecycle(n message.Notification) step {
	switch n.Event {
	case message.EventAcknowledged:
		return lifecycleAcknowledge
	case message.EventResolved, message.EventChannelRecovered:
		return lifecycleResolve
	}
	return lifecycleTrigger
}

// lifecycleKey identifies the alert at the service. A failing channel has one key from its failure to its recovery.
func lifecycleKey(n message.Notification) string {
	if n.Failing != nil {
		return failingKey(n)
	}
	return incidentKey(n)
}

// sourceName returns the name of what is affected: the heartbeat, or the project.
func sourceName(n message.Notification) string {
	return cmp.Or(n.Name(), message.CleanLine(n.Project), "Overdue")
}

// details returns the lead, the description, the facts and the output by label.
func details(m message.Message) map[string]string {
	all := map[string]string{"Summary": m.Lead}
	for _, f := range m.Facts {
		all[f.Label] = f.Value
	}
	if m.Description != "" {
		all["Description"] = m.Description
	}
	if m.Output != "" {
		all["Last output of the job"] = m.Output
	}
	return all
}
