package provider

import (
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// Sizes that keep an event small: incident.io documents no limits.
const (
	maxIncidentIOTitle       = 250
	maxIncidentIODescription = 10000
)

// incidentio sends alert events to an HTTP source of incident.io.
func incidentio() Service {
	return Service{
		Name: "incidentio", Label: "incident.io", Group: GroupOnCall,
		Help: "Fires and resolves alerts of an HTTP alert source of incident.io.",
		Setup: []string{
			"In incident.io, open Alerts, Sources, choose New alert source, and select HTTP.",
			"Copy the URL and the token that it shows.",
		},
		Fields: []setting.Field{
			{
				Name: "url", Label: "Source URL", Type: setting.FieldURL, Destination: true, Required: true, Check: setting.WebURL,
				Placeholder: "https://api.incident.io/v2/alert_events/http/…", Help: "Of the alert source.",
			},
			{Name: "token", Label: "Token", Type: setting.FieldSecret, Secret: true, Required: true, Help: "Of the same alert source."},
		},
		Can:    Abilities{Resolve: true, Severity: true, OnceOnly: true, Machine: true, Tested: TestedDocumented},
		Render: renderIncidentIO, Interpret: interpretIncidentIO,
	}
}

// renderIncidentIO returns one request per step. The service has no acknowledgement of alerts.
func renderIncidentIO(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	var all []Request
	for _, s := range steps(n) {
		status := "firing"
		switch s {
		case lifecycleAcknowledge:
			return nil, nil
		case lifecycleResolve:
			status = "resolved"
		case lifecycleTrigger:
		}
		metadata := map[string]any{"severity": alertSeverity(n), "project": message.CleanLine(n.Project), "heartbeat": n.Name(), "event": n.Event, "tags": append([]string{}, tags(n)...)}
		body := map[string]any{
			"title": message.Shorten(m.Subject, maxIncidentIOTitle), "status": status, "deduplication_key": lifecycleKey(n), "metadata": metadata,
			"description": layout{markup: markdown(), newline: "  \n", limit: maxIncidentIODescription, noTitle: true}.text(m),
		}
		if open := openURL(m); open != "" {
			body["source_url"] = open
		}
		r, err := newJSON(set.Text("url"), body)
		if err != nil {
			return nil, err
		}
		all = append(all, bearer(r, set.Text("token")))
	}
	return all, nil
}

// markdown is CommonMark, in which a backslash escapes every ASCII punctuation character (section 2.4). The output of
// a job is indented code, which no text can end.
func markdown() markup {
	escape := func(text string) string {
		var b strings.Builder
		for _, r := range text {
			if r < 0x80 && strings.ContainsRune("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", r) && !strings.ContainsRune(",.:;'\"/", r) {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
		return strings.ReplaceAll(b.String(), "\n", "  \n")
	}
	return markup{
		escape: escape,
		strong: func(escaped string) string { return "**" + escaped + "**" },
		link:   func(label, url string) string { return "[" + escape(label) + "](<" + url + ">)" },
		output: func(text string) string { return "\n    " + strings.ReplaceAll(text, "\n", "\n    ") },
	}
}

// interpretIncidentIO adds advice to the errors that people can fix. 202 means that the event was accepted.
func interpretIncidentIO(r Response) Verdict {
	v := InterpretStatus(r)
	switch r.Status {
	case 401, 403:
		v.Detail = "The token is not valid for this alert source: copy it again."
	case 404:
		v.Detail = "The alert source does not exist: copy its URL again."
	}
	return v
}
