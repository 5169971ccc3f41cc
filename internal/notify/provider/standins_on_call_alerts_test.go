package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// afterOpening says why messages after the opening leave facts out: the alert at the service has them.
var afterOpening = map[string]string{
	"incident.acknowledged": "the alert there has them", "incident.resolved": "the alert there has them",
	"status": "an alert has its own status",
}

// rateLimits are the forms of a 429: with seconds, with a date, and without Retry-After.
func rateLimits() []answer {
	return []answer{
		{name: "rate limit", status: 429, header: http.Header{"Retry-After": {"60"}}, want: Verdict{RetryAfter: time.Minute}},
		{name: "rate limit with a date", status: 429, header: http.Header{"Retry-After": {"Mon, 30 Nov 2026 12:00:30 GMT"}}, want: Verdict{RetryAfter: 30 * time.Second}},
		{name: "rate limit without a time", status: 429, body: `{"message":"You are making too many requests!"}`, want: Verdict{}},
		{name: "server error", status: 500, want: Verdict{}},
		{name: "unavailable", status: 503, header: http.Header{"Retry-After": {"5"}}, want: Verdict{RetryAfter: 5 * time.Second}},
	}
}

// opsgenieStandIn checks what the Alert API rejects.
func opsgenieStandIn(alerts string) standIn {
	return standIn{
		check: func(r Request) error {
			u, err := url.Parse(r.URL)
			if err != nil {
				return err
			}
			if r.Header.Get("Authorization") != "GenieKey genieSECRET" {
				return errors.New("401")
			}
			if u.Path != alerts {
				return checkAlertAction(r, u, alerts)
			}
			var body struct {
				Message, Alias, Description, Priority, Source, Entity string
				Tags                                                  []string
				Details                                               map[string]string
				Responders                                            []struct{ Type, Name string }
			}
			if err := wantJSON(r, alerts, &body); err != nil {
				return err
			}
			size := 0
			for name, value := range body.Details {
				size += len([]rune(name + value))
			}
			switch {
			case body.Message == "" || body.Alias == "":
				return errors.New("message and alias are required")
			case !slices.Contains([]string{"P1", "P2", "P3", "P4", "P5"}, body.Priority):
				return fmt.Errorf("priority %q", body.Priority)
			case size > 8000 || len(body.Tags) > 20:
				return fmt.Errorf("details of %d characters, %d tags", size, len(body.Tags))
			}
			for _, who := range body.Responders {
				if who.Type != "team" || who.Name != "Platform" {
					return errors.New("422")
				}
			}
			return errors.Join(atMost("message", body.Message, 130), atMost("alias", body.Alias, 512), atMost("description", body.Description, 15000),
				atMost("source", body.Source, 100), atMost("entity", body.Entity, 512))
		},
		parts: jsonText, without: afterOpening,
		answers: append(rateLimits(),
			answer{name: "accepted", status: 202, body: `{"result":"Request will be processed","took":0.302,"requestId":"43a29c5c"}`, want: Verdict{Sent: true, Detail: "Accepted"}},
			answer{name: "bad key", status: 401, body: `{"message":"Could not authenticate","took":0.0,"requestId":"x"}`, want: Verdict{Permanent: true, Detail: "API key"}},
			answer{name: "not allowed", status: 403, body: `{"message":"You are not authorized"}`, want: Verdict{Permanent: true, Detail: "switch it on"}},
			answer{name: "invalid", status: 422, body: `{"message":"Request body is not processable. Please check the errors.","errors":{"message":"..."}}`, want: Verdict{Permanent: true, Detail: "name of the team"}},
		),
	}
}

// checkAlertAction checks a request that acknowledges or closes an alert.
func checkAlertAction(r Request, u *url.URL, alerts string) error {
	var body struct{ Source, Note string }
	alias, action, _ := strings.Cut(strings.TrimPrefix(u.EscapedPath(), alerts+"/"), "/")
	switch {
	case alias == "" || action != "close" && action != "acknowledge":
		return fmt.Errorf("path %s", u.Path)
	case u.Query().Get("identifierType") != "alias":
		return errors.New("the alias is taken for an id")
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return err
	}
	return errors.Join(atMost("source", body.Source, 100), atMost("note", body.Note, 25000))
}

// victorOpsStandIn checks what the REST endpoint of Splunk On-Call rejects.
func victorOpsStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct {
				MessageType string `json:"message_type"`
				EntityID    string `json:"entity_id"`
				State       string `json:"state_message"`
				Tool        string `json:"monitoring_tool"`
				Start       int64  `json:"state_start_time"`
			}
			if err := wantJSON(r, "/integrations/generic/20131114/alert/voSECRET/database", &body); err != nil {
				return err
			}
			switch {
			case !slices.Contains([]string{"CRITICAL", "WARNING", "INFO", "ACKNOWLEDGEMENT", "RECOVERY"}, body.MessageType):
				return fmt.Errorf("message_type %q", body.MessageType)
			case body.EntityID == "" || body.Tool == "":
				return errors.New("entity_id and monitoring_tool are required")
			case len(body.State) > 20480:
				return fmt.Errorf("state_message of %d bytes", len(body.State))
			}
			return nil
		},
		parts: jsonText,
		answers: append(rateLimits(),
			answer{name: "accepted", status: 200, body: `{"result":"success","entity_id":"k"}`, want: Verdict{Sent: true}},
			answer{name: "failure with 200", status: 200, body: `{"result":"failure","message":"Unknown key"}`, want: Verdict{Permanent: true, Detail: "Unknown key"}},
			answer{name: "wrong URL", status: 404, want: Verdict{Permanent: true, Detail: "copy its URL"}},
		),
	}
}

// incidentIOStandIn checks what an HTTP alert source of incident.io rejects.
func incidentIOStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct {
				Title, Status, Description string
				Key                        string         `json:"deduplication_key"`
				Metadata                   map[string]any `json:"metadata"`
			}
			if err := wantJSON(r, "/v2/alert_events/http/01GW2G", &body); err != nil {
				return err
			}
			switch {
			case r.Header.Get("Authorization") != "Bearer incidentSECRET":
				return errors.New("401")
			case body.Title == "" || body.Key == "" || body.Status != "firing" && body.Status != "resolved":
				return errors.New("title, status and deduplication_key are required")
			}
			for line := range strings.Lines(body.Description) {
				code := strings.HasPrefix(line, "    ") // indented: no markup
				if !code && (strings.Contains(line, "[x](y)") || strings.Contains(line, "<b>&")) {
					return fmt.Errorf("live markup in %q", line)
				}
			}
			return nil
		},
		parts: func(r Request) string {
			return strings.ReplaceAll(jsonText(r), `\`, "") // Markdown: escaped punctuation
		},
		without: map[string]string{"incident.acknowledged": "there are no acknowledgements of alerts"},
		answers: append(rateLimits(),
			answer{name: "accepted", status: 202, body: `{"deduplication_key":"k","message":"Event accepted for processing","status":"success"}`, want: Verdict{Sent: true}},
			answer{name: "bad token", status: 401, body: `{"type":"authentication_error","status":401}`, want: Verdict{Permanent: true, Detail: "token is not valid"}},
			answer{name: "no source", status: 404, body: `{"type":"not_found"}`, want: Verdict{Permanent: true, Detail: "does not exist"}},
			answer{name: "invalid", status: 422, body: `{"type":"validation_error","errors":[{"message":"title is required"}]}`, want: Verdict{Permanent: true}},
		),
	}
}

// rootlyStandIn checks what a generic webhook source of Rootly rejects. It suppresses identical bodies.
func rootlyStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct {
				Title, Description, State, Event string
				ExternalID                       string `json:"external_id"`
				EventID                          string `json:"event_id"`
			}
			if err := wantJSON(r, "/webhooks/incoming/generic_webhooks/notify/Service/s1", &body); err != nil {
				return err
			}
			switch {
			case !strings.HasSuffix(r.URL, "?secret=rootlySECRET"):
				return errors.New("401")
			case body.Title == "" || body.ExternalID == "" || body.Event == "" || body.EventID == "":
				return errors.New("a mapped member is missing, or the body of the next event can be the same")
			case body.State != "open" && body.State != "resolved":
				return fmt.Errorf("state %q", body.State)
			}
			return nil
		},
		parts:   jsonText,
		without: map[string]string{"incident.acknowledged": "it would open an alert if the rules of the source do not match it"},
		answers: append(rateLimits(),
			answer{name: "accepted", status: 200, body: `{"status":"success"}`, want: Verdict{Sent: true}},
			answer{name: "bad secret", status: 401, body: `{"error":"unauthorized"}`, want: Verdict{Permanent: true, Detail: "secret in the URL"}},
			answer{name: "no source", status: 404, want: Verdict{Permanent: true, Detail: "does not exist"}},
			answer{name: "not mapped", status: 422, want: Verdict{Permanent: true, Detail: "maps its members"}},
		),
	}
}

// squadcastStandIn checks what an Incident Webhook of Squadcast rejects.
func squadcastStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct {
				Message, Description, Status, Priority string
				EventID                                string            `json:"event_id"`
				Tags                                   map[string]string `json:"tags"`
			}
			if err := wantJSON(r, "/v2/incidents/api/squadSECRET", &body); err != nil {
				return err
			}
			switch {
			case len(r.Body) > 30_000:
				return fmt.Errorf("413: %d bytes", len(r.Body))
			case body.EventID == "" || body.Status != "trigger" && body.Status != "resolve":
				return errors.New("status and event_id are required")
			case body.Status == "trigger" && (body.Message == "" || body.Description == ""):
				return errors.New("message and description are required")
			case body.Status == "trigger" && !slices.Contains([]string{"P1", "P2", "P3", "P4", "P5"}, body.Priority):
				return fmt.Errorf("priority %q", body.Priority)
			}
			return nil
		},
		parts: jsonText, without: afterOpening,
		answers: append(rateLimits(),
			answer{name: "accepted", status: 202, body: `{"status":"success"}`, want: Verdict{Sent: true}},
			answer{name: "invalid", status: 400, body: `{"message":"invalid json"}`, want: Verdict{Permanent: true, Detail: "Incident Webhook"}},
			answer{name: "wrong URL", status: 404, want: Verdict{Permanent: true, Detail: "copy it again"}},
			answer{name: "too large", status: 413, want: Verdict{Permanent: true}},
		),
	}
}

// goAlertStandIn checks what the generic API of GoAlert rejects.
func goAlertStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct{ Summary, Details, Dedup, Action string }
			if err := wantJSON(r, "/api/v2/generic/incoming", &body); err != nil {
				return err
			}
			switch {
			case !strings.HasSuffix(r.URL, "?token=goSECRET"):
				return errors.New("401")
			case body.Summary == "" || body.Dedup == "":
				return errors.New("a dedup made of the texts would not close the alert")
			case body.Action != "" && body.Action != "close":
				return fmt.Errorf("action %q", body.Action)
			}
			return errors.Join(atMost("summary", body.Summary, 1024), atMost("details", body.Details, 6*1024))
		},
		parts:   jsonText,
		without: map[string]string{"incident.acknowledged": "the API cannot acknowledge"},
		answers: append(rateLimits(),
			answer{name: "created or closed", status: 204, want: Verdict{Sent: true}},
			answer{name: "with JSON", status: 200, body: `{"AlertID":1,"ServiceID":"s","IsNew":true}`, want: Verdict{Sent: true}},
			answer{name: "bad token", status: 401, body: "unauthorized", want: Verdict{Permanent: true, Detail: "token in the URL"}},
			answer{name: "invalid", status: 400, body: "invalid value for 'Summary'", want: Verdict{Permanent: true}},
		),
	}
}
