package provider

import (
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// Sizes that keep an event small: Rootly documents no limits of the fields.
const (
	maxRootlyTitle       = 250
	maxRootlyDescription = 10000
)

// rootly sends events to a generic webhook source of Rootly, whose users map the members.
func rootly() Service {
	return Service{
		Name: "rootly", Label: "Rootly", Group: GroupOnCall,
		Help: "Opens and resolves alerts of a generic webhook source of Rootly.",
		Setup: []string{
			"In Rootly, open **Alerts, Sources**, and add a **Generic Webhook**. Copy its URL, which contains a secret; add /notify/TYPE/ID before the question mark to choose who is notified.",
			"Map the title to title, the description to description, the external identifier to external_id, and the link to url.",
			"On the tab **Events**, combine alerts by external_id. In the resolution conditions, set: state is resolved.",
		},
		Fields: []setting.Field{{
			Name: "url", Label: "Webhook URL", Type: setting.FieldURL, Secret: true, Destination: true, Required: true, Check: setting.WebURL,
			Placeholder: "https://webhooks.rootly.com/webhooks/incoming/generic_webhooks?secret=…", Help: "Of the alert source, with its secret.",
		}},
		Can:    Abilities{Resolve: true, Severity: true, Machine: true, Tested: TestedDocumented},
		Render: renderRootly, Interpret: interpretRootly,
	}
}

// renderRootly returns one request per step. Rootly suppresses a request with the same body as an earlier one, so the
// body has the event and its id. It opens an alert for every event that its rules do not match, so an acknowledgement
// is not sent.
func renderRootly(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	var all []Request
	for _, s := range steps(n) {
		state := "open"
		switch s {
		case lifecycleAcknowledge:
			return nil, nil
		case lifecycleResolve:
			state = "resolved"
		case lifecycleTrigger:
		}
		r, err := newJSON(set.Text("url"), map[string]any{
			"title": message.Shorten(m.Subject, maxRootlyTitle), "description": fullText(m, maxRootlyDescription), "external_id": lifecycleKey(n),
			"state": state, "url": openURL(m), "severity": alertSeverity(n), "event": n.Event, "event_id": n.AlertID,
			"project": message.CleanLine(n.Project), "heartbeat": n.Name(), "tags": append([]string{}, tags(n)...), "details": factDetails(m, message.MaxDetail),
		})
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// interpretRootly adds advice to the errors that people can fix. By default, a source accepts 50 alerts per minute.
func interpretRootly(r Response) Verdict {
	v := InterpretStatus(r)
	switch r.Status {
	case 401, 403:
		v.Detail = "The secret in the URL is not valid: copy the URL of the source again."
	case 404:
		v.Detail = "The alert source or its target does not exist: copy the URL again."
	case 422:
		v.Detail = "Rootly does not accept the event: check how the source maps its members."
	}
	return v
}
