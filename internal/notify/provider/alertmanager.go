package provider

import (
	"strings"
	"time"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// Alertmanager forgets alerts: when it restarts, and 5 minutes after it got one without an end. So open incidents are
// sent again every minute, with an end in 5 minutes.
const (
	alertmanagerResendEvery = time.Minute
	alertmanagerValidFor    = 5 * time.Minute
	maxAlertsPerRequest     = 500
	maxAnnotation           = 10000
	// alertmanagerFailingFor is the maximum duration of the alert about a failing channel, which is not sent again.
	alertmanagerFailingFor = 7 * 24 * time.Hour
)

// alertmanager posts alerts to the API v2 of a Prometheus Alertmanager.
func alertmanager() Service {
	return Service{
		Name: "alertmanager", Label: "Alertmanager", Group: GroupGeneric,
		Help: "Sends alerts to a Prometheus Alertmanager, which routes and groups them. Open incidents are sent again every minute.",
		Setup: []string{
			"Enter the address of the Alertmanager, without /api. For a cluster, add one channel per member.",
			"In a private network, the operator of Overdue must allow its address with --allow-networks.",
			"In the configuration of the Alertmanager, route on the labels alertname, severity, project and heartbeat, or on labels that you add here.",
		},
		Fields: []setting.Field{
			{Name: "url", Label: "URL", Type: setting.FieldURL, Destination: true, Required: true, Check: setting.WebURL, Placeholder: "http://alertmanager.example.com:9093", Help: "Address of the Alertmanager, with its route prefix."},
			{Name: "username", Label: "User name", Type: setting.FieldText, Help: "Only if it requires Basic authentication."},
			{Name: "password", Label: "Password", Type: setting.FieldSecret, Secret: true, Help: "Of that user."},
			{Name: "labels", Label: "Labels", Type: setting.FieldLabels, CheckName: alertLabel, Placeholder: "team: ops", Help: "Added to every alert. They replace labels with the same name."},
		},
		Check: func(set setting.Values) []setting.Problem {
			switch {
			case set.Text("username") != "" && set.Text("password") == "":
				return []setting.Problem{{Field: "password", Text: "Enter the password of the user."}}
			case set.Text("username") == "" && set.Text("password") != "":
				return []setting.Problem{{Field: "username", Text: "Enter the user of the password."}}
			}
			return nil
		},
		Can:           Abilities{Resolve: true, Severity: true, OnceOnly: true, Machine: true, Tested: TestedReal},
		MaxConcurrent: 8,
		Render:        renderAlertmanager, Interpret: interpretAlertmanager,
		ResendEvery: alertmanagerResendEvery, Resend: resendAlertmanager,
	}
}

// alertLabel accepts the names of labels that can be added: incident tells the alerts of two incidents apart.
func alertLabel(name string) (normal, problem string) {
	if name == "incident" {
		return "", "The label incident is set by Overdue: choose another name."
	}
	return setting.LabelName(name)
}

// alertmanagerAlert is one alert of the API v2.
type alertmanagerAlert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     string            `json:"startsAt,omitempty"`
	EndsAt       string            `json:"endsAt,omitempty"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// renderAlertmanager returns one request. An alert without an end ends by itself, unless it is sent again.
func renderAlertmanager(set setting.Values, n message.Notification) ([]Request, error) {
	a := newAlertmanagerAlert(set, n)
	switch {
	case isNotice(n), lifecycle(n) == lifecycleResolve:
		a.EndsAt = alertTime(n.At)
	case n.Failing != nil:
		a.EndsAt = alertTime(n.At.Add(alertmanagerFailingFor))
	}
	r, err := postAlerts(set, []alertmanagerAlert{a})
	return []Request{r}, err
}

// resendAlertmanager returns requests with many alerts. Resolved ones are among them: an alert that was sent again
// while its incident was resolved must not stay active.
func resendAlertmanager(set setting.Values, all []message.Notification, now time.Time) ([]Request, error) {
	var requests []Request
	for start := 0; start < len(all); start += maxAlertsPerRequest {
		var alerts []alertmanagerAlert
		for _, n := range all[start:min(start+maxAlertsPerRequest, len(all))] {
			a := newAlertmanagerAlert(set, n)
			a.EndsAt = alertTime(now.Add(alertmanagerValidFor))
			if lifecycle(n) == lifecycleResolve {
				a.EndsAt = alertTime(n.At)
			}
			alerts = append(alerts, a)
		}
		r, err := postAlerts(set, alerts)
		if err != nil {
			return nil, err
		}
		requests = append(requests, r)
	}
	return requests, nil
}

// postAlerts returns a request with alerts.
func postAlerts(set setting.Values, alerts []alertmanagerAlert) (Request, error) {
	address := strings.TrimSuffix(strings.TrimRight(set.Text("url"), "/"), "/api/v2/alerts")
	r, err := newJSON(address+"/api/v2/alerts", alerts)
	if err == nil && set.Text("username") != "" {
		r = basic(r, set.Text("username"), set.Text("password"))
	}
	return r, err
}

// newAlertmanagerAlert returns an alert without an end. Its labels identify it, so they are the same from the opening
// to the recovery, unless the heartbeat is edited meanwhile: then the earlier alert ends after 5 minutes.
func newAlertmanagerAlert(set setting.Values, n message.Notification) alertmanagerAlert {
	m := n.Message()
	labels := map[string]string{
		"alertname": alertName(n), "severity": alertSeverity(n), "project": message.CleanLine(n.Project), "heartbeat": n.Name(),
		"incident": lifecycleKey(n), "tags": strings.Join(tags(n), ","),
	}
	for name, value := range set.Map("labels") {
		labels[name] = value
	}
	annotations := map[string]string{"summary": m.Subject, "description": fullText(m, maxAnnotation)}
	for _, f := range m.Facts {
		annotations[annotationName(f.Label)] = f.Value
	}
	for _, l := range m.Links {
		if l.Label == "Acknowledge" {
			annotations["acknowledge_url"] = l.URL
		}
	}
	if n.Event == message.EventAcknowledged {
		annotations["acknowledged_by"] = message.CleanLine(n.AcknowledgedBy)
	}
	for _, texts := range []map[string]string{labels, annotations} {
		for name, value := range texts {
			if value == "" {
				delete(texts, name)
			}
		}
	}
	a := alertmanagerAlert{Labels: labels, Annotations: annotations, GeneratorURL: openURL(m)}
	if start := n.DownSince; n.Failing == nil && !isNotice(n) && !start.IsZero() && start.Before(n.At) {
		a.StartsAt = alertTime(start)
	} else if isNotice(n) || n.Event != message.EventChannelRecovered {
		a.StartsAt = alertTime(n.At)
	}
	return a
}

// alertName returns the name of an alert. It is the same for all events of one incident.
func alertName(n message.Notification) string {
	switch n.Event {
	case message.EventLate:
		return "OverdueHeartbeatLate"
	case message.EventChannelFailing, message.EventChannelRecovered:
		return "OverdueChannelFailing"
	case message.EventBlackout:
		return "OverdueBlackout"
	case message.EventGrouped:
		return "OverdueIncidentsGrouped"
	case message.EventTest:
		return "OverdueTest"
	}
	return "OverdueHeartbeatDown"
}

// annotationName converts the label of a fact: "Down since" is down_since.
func annotationName(label string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(label))
}

// alertTime formats a time, or returns "" for none.
func alertTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// interpretAlertmanager adds advice to the errors that people can fix.
func interpretAlertmanager(r Response) Verdict {
	v := InterpretStatus(r)
	switch r.Status {
	case 401, 403:
		v.Detail = "The Alertmanager requires another user name or password."
	case 404, 405:
		v.Detail = "There is no Alertmanager API v2 at this URL: enter its address without /api, with its route prefix."
	case 410:
		v.Detail = "This API was removed: enter the address without /api."
	}
	return v
}
