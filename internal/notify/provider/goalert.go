package provider

import (
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// Limits of alerts in characters; GoAlert cuts longer texts (alert.MaxSummaryLength, alert.MaxDetailsLength).
const (
	maxGoAlertSummary = 1024
	maxGoAlertDetails = 6 * 1024
)

// goalert creates and closes alerts of a GoAlert service with a generic API key.
func goalert() Service {
	return Service{
		Name: "goalert", Label: "GoAlert", Group: GroupOnCall,
		Help: "Creates and closes alerts of a GoAlert service.",
		Setup: []string{
			"In GoAlert, open the service, choose **Integration Keys**, and create one of the type **Generic API**.",
			"Copy its URL, which contains the token.",
		},
		Fields: []setting.Field{{
			Name: "url", Label: "Integration URL", Type: setting.FieldURL, Secret: true, Destination: true, Required: true, Check: setting.WebURL,
			Placeholder: "https://goalert.example.com/api/v2/generic/incoming?token=…", Help: "Of an integration key of the type Generic API.",
		}},
		Can:    Abilities{Resolve: true, OnceOnly: true, Machine: true, Tested: TestedDocumented},
		Render: renderGoAlert, Interpret: interpretGoAlert,
	}
}

// renderGoAlert returns one request per step. To close an alert that is not known is no error. The API cannot
// acknowledge.
func renderGoAlert(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	var all []Request
	for _, s := range steps(n) {
		body := map[string]any{
			"summary": message.Shorten(m.Subject, maxGoAlertSummary), "details": fullText(m, maxGoAlertDetails), "dedup": lifecycleKey(n),
		}
		switch s {
		case lifecycleAcknowledge:
			return nil, nil
		case lifecycleResolve:
			body["action"] = "close"
		case lifecycleTrigger:
		}
		r, err := newJSON(set.Text("url"), body)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// interpretGoAlert adds advice to the errors that people can fix.
func interpretGoAlert(r Response) Verdict {
	v := InterpretStatus(r)
	switch r.Status {
	case 401, 403:
		v.Detail = "The token in the URL is not valid: copy the URL of the integration key again."
	case 404:
		v.Detail = "The URL is not that of the Generic API: copy it from the integration key."
	}
	return v
}
