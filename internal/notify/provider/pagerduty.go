package provider

import (
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

const pagerDutyURL = "https://events.pagerduty.com"

// Limits of the Events API v2.
const (
	maxPagerDutySummary = 1024 // characters
	maxPagerDutyKey     = 255  // characters of the dedup_key
)

// pagerduty sends events to a service of PagerDuty (Events API v2).
func pagerduty() Service {
	return Service{
		Name: "pagerduty", Label: "PagerDuty", Group: GroupOnCall,
		Help: "Triggers, acknowledges and resolves incidents of a PagerDuty service.",
		Setup: []string{
			"In PagerDuty, open **Services**, **Service Directory**, and choose the service.",
			"Open **Integrations**, choose **Add an integration**, and select **Events API V2**.",
			"Copy the **Integration Key**.",
		},
		Fields: []setting.Field{
			{Name: "routing_key", Label: "Integration key", Type: setting.FieldSecret, Secret: true, Required: true, Help: "Of an integration of the type Events API V2."},
			baseURL(pagerDutyURL, "Set https://events.eu.pagerduty.com for an account in the EU."),
		},
		Can:    Abilities{Resolve: true, Acknowledge: true, Severity: true, OnceOnly: true, Machine: true, Tested: TestedRecorded},
		Render: renderPagerDuty,
	}
}

// renderPagerDuty returns one event. A test alert is resolved at once, so that it calls no one. Other notices are
// change events, which are shown next to the incidents of the service and need no end.
func renderPagerDuty(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	if isNotice(n) && n.Event != message.EventTest {
		r, err := newJSON(base(set, pagerDutyURL)+"/v2/change/enqueue", map[string]any{
			"routing_key": set.Text("routing_key"), "links": hrefs(m),
			"payload": map[string]any{
				"summary": message.Shorten(m.Subject, maxPagerDutySummary), "source": sourceName(n),
				"timestamp": n.At.UTC().Format("2006-01-02T15:04:05.000Z"), "custom_details": details(m),
			},
		})
		return []Request{r}, err
	}
	event := map[string]any{
		"routing_key": set.Text("routing_key"), "event_action": "trigger",
		"dedup_key": fit(lifecycleKey(n), maxPagerDutyKey, runeCount),
	}
	send := func() (Request, error) { return newJSON(base(set, pagerDutyURL)+"/v2/enqueue", event) }
	switch lifecycle(n) {
	case lifecycleAcknowledge:
		event["event_action"] = "acknowledge"
	case lifecycleResolve:
		event["event_action"] = "resolve"
	default:
		event["payload"] = map[string]any{
			"summary": message.Shorten(m.Subject, maxPagerDutySummary), "source": sourceName(n), "severity": severity(n),
			"timestamp": n.At.UTC().Format("2006-01-02T15:04:05.000Z"), "component": n.Name(), "group": message.CleanLine(n.Project),
			"class": n.Cause, "custom_details": details(m),
		}
		event["client"], event["client_url"] = "Overdue", openURL(m)
		event["links"] = hrefs(m)
	}
	first, err := send()
	if err != nil || n.Event != message.EventTest {
		return []Request{first}, err
	}
	event["event_action"] = "resolve"
	second, err := send()
	return []Request{first, second}, err
}

// hrefs returns the links of a message in the form of PagerDuty.
func hrefs(m message.Message) []map[string]string {
	var all []map[string]string
	for _, l := range m.Links {
		all = append(all, map[string]string{"href": l.URL, "text": l.Label})
	}
	return all
}
