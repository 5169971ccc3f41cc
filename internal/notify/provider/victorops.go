package provider

import (
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// maxVictorOpsText is the maximum size of the state_message.
const maxVictorOpsText = 20480

// victorops sends alerts to the REST endpoint of Splunk On-Call.
func victorops() Service {
	return Service{
		Name: "victorops", Label: "Splunk On-Call", Group: GroupOnCall,
		Help: "Opens, acknowledges and resolves incidents of Splunk On-Call (VictorOps).",
		Setup: []string{
			"In Splunk On-Call, open **Integrations, 3rd Party Integrations, REST - Generic**, and enable it.",
			"Copy the URL, and replace $routing_key at its end with a routing key from **Settings, Routing Keys**.",
		},
		Fields: []setting.Field{{
			Name: "url", Label: "Endpoint URL", Type: setting.FieldURL, Secret: true, Destination: true, Required: true, Check: victorOpsURL,
			Placeholder: "https://alert.victorops.com/integrations/generic/20131114/alert/KEY/ROUTING_KEY",
			Help:        "With the routing key at its end. Alerts of the severity warning open an incident only if the settings of Splunk On-Call say so, and those of the severity info never do.",
		}},
		Can:    Abilities{Resolve: true, Acknowledge: true, Severity: true, OnceOnly: true, Machine: true, Tested: TestedRecorded},
		Render: renderVictorOps, Interpret: interpretVictorOps,
	}
}

// victorOpsURL rejects a URL whose routing key was not filled in.
func victorOpsURL(text string) (normal, problem string) {
	if strings.Contains(text, "$") {
		return "", "Replace $routing_key at the end of the URL with a routing key."
	}
	return setting.WebURL(text)
}

// renderVictorOps returns one request. An alert of the type INFO is shown in the timeline and opens no incident, so a
// notice needs no end (Splunk On-Call, "Incident fields glossary").
func renderVictorOps(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	body := map[string]any{}
	for label, value := range factDetails(m, message.MaxDetail) {
		body[label] = value
	}
	kind := map[string]string{"critical": "CRITICAL", "warning": "WARNING", "info": "INFO"}[alertSeverity(n)]
	switch lifecycle(n) {
	case lifecycleAcknowledge:
		kind = "ACKNOWLEDGEMENT"
		body["ack_author"] = message.CleanLine(n.AcknowledgedBy)
	case lifecycleResolve:
		kind = "RECOVERY"
	case lifecycleTrigger:
	}
	body["message_type"], body["entity_id"] = kind, lifecycleKey(n)
	body["entity_display_name"], body["state_message"] = m.Subject, layout{markup: plain(), limit: maxVictorOpsText, size: byteCount, noTitle: true}.text(m)
	body["state_start_time"], body["monitoring_tool"] = n.At.Unix(), "Overdue"
	if open := openURL(m); open != "" {
		body["alert_url"] = open
	}
	r, err := newJSON(set.Text("url"), body)
	return []Request{r}, err
}

// interpretVictorOps reads the result, which can be a failure with the status 200.
func interpretVictorOps(r Response) Verdict {
	v := InterpretStatus(r)
	var body struct{ Result, Message string }
	decode(r.Body, &body)
	switch {
	case v.Sent && body.Result == "failure":
		return Verdict{Permanent: true, Detail: "Splunk On-Call does not accept the alert: " + body.Message}
	case r.Status == 403, r.Status == 404:
		v.Detail = "The URL is not valid: enable the REST integration and copy its URL again."
	}
	return v
}
