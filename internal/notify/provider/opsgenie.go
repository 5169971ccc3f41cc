package provider

import (
	"net/url"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

const (
	opsgenieURL = "https://api.opsgenie.com"
	jsmURL      = "https://api.atlassian.com/jsm/ops/integration"
)

// Limits of the Alert API in characters (Opsgenie, "Alert API", fields of Create Alert).
const (
	maxOpsgenieMessage     = 130
	maxOpsgenieAlias       = 512
	maxOpsgenieDescription = 15000
	maxOpsgenieEntity      = 512
	maxOpsgenieTags        = 20
	maxOpsgenieTag         = 50
	maxOpsgenieDetail      = 400 // all details together have at most 8,000
)

// opsgenie creates, acknowledges and closes alerts of Opsgenie, whose API ends on 5 April 2027 (Atlassian Support, "What
// happens when Opsgenie is turned off").
func opsgenie() Service {
	return alertAPI(Service{
		Name: "opsgenie", Label: "Opsgenie",
		Help: "Creates, acknowledges and closes alerts of Opsgenie. Its API ends on 5 April 2027: use Jira Service Management by then.",
		Setup: []string{
			"In Opsgenie, open the team, choose **Integrations**, and add an integration of the type **API**.",
			"Allow it to create and update alerts, switch it on, and copy the API key.",
		},
	}, opsgenieURL, "Set https://api.eu.opsgenie.com for an account in the EU.")
}

// jsm does the same in Jira Service Management, whose operations have the same API.
func jsm() Service {
	return alertAPI(Service{
		Name: "jsm", Label: "Jira Service Management",
		Help: "Creates, acknowledges and closes alerts of Jira Service Management.",
		Setup: []string{
			"In Jira Service Management, open **Teams**, choose the team, and open **Operations**, **Integrations**.",
			"Add an integration of the type **API**, switch it on, and copy the API key.",
		},
	}, jsmURL, "Only for a proxy in front of the API.")
}

// alertAPI completes a service with the Alert API of Opsgenie.
func alertAPI(s Service, standard, help string) Service {
	s.Group = GroupOnCall
	s.Fields = []setting.Field{
		{Name: "api_key", Label: "API key", Type: setting.FieldSecret, Secret: true, Required: true, Help: "Of an integration of the type API."},
		{Name: "team", Label: "Team", Type: setting.FieldText, Placeholder: "Platform", Help: "Name of the team that gets the alerts. Leave it empty if the integration belongs to a team."},
		baseURL(standard, help),
	}
	s.Can = Abilities{Resolve: true, Acknowledge: true, Severity: true, OnceOnly: true, Machine: true, Tested: TestedRecorded}
	if s.Name == "jsm" {
		s.Can.Tested = TestedDocumented
	}
	s.Render = func(set setting.Values, n message.Notification) ([]Request, error) {
		return renderAlertAPI(set, standard, n)
	}
	s.Interpret = interpretAlertAPI
	return s
}

// renderAlertAPI returns one request, or two for a notice. The service processes them later, in their order.
func renderAlertAPI(set setting.Values, standard string, n message.Notification) ([]Request, error) {
	m := n.Message()
	alias := fit(lifecycleKey(n), maxOpsgenieAlias, runeCount)
	alerts := base(set, standard) + "/v2/alerts"
	var all []Request
	for _, s := range steps(n) {
		target, body := alerts, map[string]any{"source": "Overdue", "note": m.Lead}
		switch s {
		case lifecycleAcknowledge:
			target += "/" + url.PathEscape(alias) + "/acknowledge?identifierType=alias"
		case lifecycleResolve:
			target += "/" + url.PathEscape(alias) + "/close?identifierType=alias"
		default:
			body = newOpsgenieAlert(set, n, m)
			body["alias"] = alias
		}
		r, err := newJSON(target, body)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "GenieKey "+set.Text("api_key"))
		all = append(all, r)
	}
	return all, nil
}

// newOpsgenieAlert returns the body that creates an alert.
func newOpsgenieAlert(set setting.Values, n message.Notification, m message.Message) map[string]any {
	labels := []string{}
	for _, tag := range tags(n) {
		if len(labels) < maxOpsgenieTags {
			labels = append(labels, message.Shorten(tag, maxOpsgenieTag))
		}
	}
	body := map[string]any{
		"message": message.Shorten(m.Subject, maxOpsgenieMessage), "description": fullText(m, maxOpsgenieDescription),
		"priority": priority(n), "source": "Overdue", "entity": message.Shorten(sourceName(n), maxOpsgenieEntity),
		"tags": labels, "details": factDetails(m, maxOpsgenieDetail),
	}
	if team := set.Text("team"); team != "" {
		body["responders"] = []any{map[string]any{"type": "team", "name": team}}
	}
	return body
}

// interpretAlertAPI adds advice to the errors that people can fix. 202 means that the request was accepted: the
// service processes it later.
func interpretAlertAPI(r Response) Verdict {
	v := InterpretStatus(r)
	var body struct{ Message, Result string }
	decode(r.Body, &body)
	switch {
	case v.Sent && body.Result != "":
		v.Detail = "Accepted: " + body.Result + "."
	case r.Status == 401:
		v.Detail = "The API key is not valid. For an account in the EU, set the base URL."
	case r.Status == 403:
		v.Detail = "The integration is not allowed to do this: switch it on, and allow it to create and update alerts. " + body.Message
	case r.Status == 422:
		v.Detail = "The service does not accept the alert. Check the name of the team. " + body.Message
	}
	return v
}
