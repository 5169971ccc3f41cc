package provider

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

func onCallStandIns() map[string]standIn {
	return map[string]standIn{
		"pagerduty": pagerDutyStandIn(), "opsgenie": opsgenieStandIn("/v2/alerts"), "jsm": opsgenieStandIn("/v2/alerts"),
		"victorops": victorOpsStandIn(), "incidentio": incidentIOStandIn(), "rootly": rootlyStandIn(), "squadcast": squadcastStandIn(),
		"goalert": goAlertStandIn(),
	}
}

func pagerDutyStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct {
				RoutingKey  string `json:"routing_key"`
				EventAction string `json:"event_action"`
				DedupKey    string `json:"dedup_key"`
				Payload     *struct{ Summary, Source, Severity, Timestamp string }
				Links       []struct{ Href, Text string }
			}
			path, isChange := "/v2/enqueue", strings.Contains(r.URL, "/change/")
			if isChange {
				path = "/v2/change/enqueue"
			}
			if err := wantJSON(r, path, &body); err != nil {
				return err
			}
			switch {
			case isChange && body.RoutingKey == "R0UT1NGSECRET" && body.EventAction == "" && body.DedupKey == "" && body.Payload != nil:
				return atMost("summary", body.Payload.Summary, 1024)
			case body.RoutingKey != "R0UT1NGSECRET":
				return errors.New("invalid routing key")
			case !slices.Contains([]string{"trigger", "acknowledge", "resolve"}, body.EventAction):
				return fmt.Errorf("event_action %q", body.EventAction)
			case body.DedupKey == "":
				return errors.New("no dedup_key")
			case body.EventAction != "trigger":
				return atMost("dedup_key", body.DedupKey, 255)
			case body.Payload == nil || body.Payload.Summary == "" || body.Payload.Source == "":
				return errors.New("summary and source are required")
			case !slices.Contains([]string{"critical", "error", "warning", "info"}, body.Payload.Severity):
				return fmt.Errorf("severity %q", body.Payload.Severity)
			}
			_, err := time.Parse(time.RFC3339, body.Payload.Timestamp)
			return errors.Join(err, atMost("summary", body.Payload.Summary, 1024), atMost("dedup_key", body.DedupKey, 255))
		},
		parts:   jsonText,
		without: map[string]string{"incident.acknowledged": "the alert there has them", "incident.resolved": "the alert there has them", "status": "an alert has its own status"},
		answers: []answer{
			{name: "accepted", status: 202, body: `{"status":"success","message":"Event processed","dedup_key":"k"}`, want: Verdict{Sent: true}},
			{name: "invalid", status: 400, body: `{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect"]}`, want: Verdict{Permanent: true}},
			{name: "rate limit", status: 429, header: http.Header{"Retry-After": {"60"}}, body: "", want: Verdict{RetryAfter: time.Minute}},
			{name: "server error", status: 500, want: Verdict{}},
		},
	}
}
