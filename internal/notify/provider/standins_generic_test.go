package provider

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

func genericStandIns() map[string]standIn {
	return map[string]standIn{"apprise": appriseStandIn(), "alertmanager": alertmanagerStandIn()}
}

// appriseStandIn checks what the Apprise API rejects (views.py, 2024).
func appriseStandIn() standIn {
	one := Request{Body: []byte(`{"urls":"json://localhost"}`)}
	return standIn{
		check: func(r Request) error {
			var body struct{ URLs, Title, Body, Type, Format string }
			if err := wantJSON(r, "/notify", &body); err != nil {
				if err := wantJSON(r, "/notify/overdue", &body); err != nil {
					return err
				}
				if body.URLs != "" {
					return errors.New("URLs next to a key")
				}
			} else if body.URLs == "" {
				return errors.New("no URLs")
			}
			switch {
			case body.Body == "":
				return errors.New("an invalid payload was specified")
			case !slices.Contains([]string{"info", "success", "warning", "failure"}, body.Type):
				return fmt.Errorf("type %q", body.Type)
			case body.Format != "text":
				return fmt.Errorf("format %q", body.Format)
			}
			return errors.Join(atMost("title", body.Title, 250), atMost("body", body.Body, 2000))
		},
		parts: jsonText,
		answers: []answer{
			{name: "sent", status: 200, body: `{"error":null}`, want: Verdict{Sent: true}},
			{name: "nothing stored", status: 204, want: Verdict{Permanent: true, Detail: "Nothing is stored"}},
			{name: "some of several failed", status: 424, body: `{"error":"One or more notification could not be sent."}`, want: Verdict{Sent: true, Detail: "Warning"}},
			{name: "the only one failed", status: 424, request: one, body: `{"error":"One or more notification could not be sent."}`, want: Verdict{Detail: "could not send to its target"}},
			{name: "rejected", status: 400, body: `{"error":"An invalid payload was specified."}`, want: Verdict{Permanent: true}},
			{name: "overloaded", status: 503, want: Verdict{RetryAfter: 0 * time.Second}},
		},
	}
}
