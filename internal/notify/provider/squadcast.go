package provider

import (
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// Sizes that keep a request below 30 kB, above which Squadcast answers 413 ("Incident Webhook", payload size).
const (
	maxSquadcastMessage     = 500
	maxSquadcastDescription = 15000 // bytes of JSON text before escapes; details are small
)

// squadcast triggers and resolves incidents of Squadcast.
func squadcast() Service {
	return Service{
		Name: "squadcast", Label: "Squadcast", Group: GroupOnCall,
		Help: "Triggers and resolves incidents of a Squadcast service.",
		Setup: []string{
			"In Squadcast, open **Services**, and choose **Alert Sources** of the service.",
			"Search for **Incident Webhook** and copy its URL.",
		},
		Fields: []setting.Field{{
			Name: "url", Label: "Webhook URL", Type: setting.FieldURL, Secret: true, Destination: true, Required: true, Check: setting.WebURL,
			Placeholder: "https://api.squadcast.com/v2/incidents/api/…", Help: "Of the alert source Incident Webhook.",
		}},
		Can:    Abilities{Resolve: true, Severity: true, Machine: true, Tested: TestedDocumented},
		Render: renderSquadcast, Interpret: interpretSquadcast,
	}
}

// renderSquadcast returns one request per step. To resolve, the service needs only the status and the event_id. It has
// no acknowledgement.
func renderSquadcast(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	var all []Request
	for _, s := range steps(n) {
		body := map[string]any{"status": "resolve", "event_id": lifecycleKey(n)}
		switch s {
		case lifecycleAcknowledge:
			return nil, nil
		case lifecycleTrigger:
			labels := map[string]string{"severity": alertSeverity(n)}
			for name, value := range map[string]string{"project": message.CleanLine(n.Project), "heartbeat": n.Name(), "event": n.Event} {
				if value != "" {
					labels[name] = value
				}
			}
			body["status"], body["message"], body["priority"], body["tags"] = "trigger", message.Shorten(m.Subject, maxSquadcastMessage), priority(n), labels
			body["description"] = layout{markup: plain(), limit: maxSquadcastDescription, size: jsonSize, noTitle: true}.text(m)
		case lifecycleResolve:
		}
		r, err := newJSON(set.Text("url"), body)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// jsonSize is the size of a text in a JSON body.
func jsonSize(text string) int {
	data, _ := marshal(text) // a string always encodes
	return len(data)
}

// interpretSquadcast adds advice to the errors that people can fix.
func interpretSquadcast(r Response) Verdict {
	v := InterpretStatus(r)
	switch r.Status {
	case 400:
		v.Detail = "Squadcast does not accept the incident: check that the URL is that of the alert source Incident Webhook."
	case 401, 403, 404:
		v.Detail = "The URL is not valid: copy it again from the alert source Incident Webhook."
	}
	return v
}
