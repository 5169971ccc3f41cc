package provider

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

func pushStandIns() map[string]standIn {
	return map[string]standIn{"ntfy": ntfyStandIn()}
}

// ntfyStandIn checks what ntfy 2.13.0 rejects.
func ntfyStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct {
				Topic, Title, Message string
				Priority              int
				Tags                  []string
				Actions               []struct{ Action, Label, URL string }
			}
			if err := wantJSON(r, "/", &body); err != nil {
				return err
			}
			switch {
			case r.Header.Get("Authorization") != "Basic b3BzOm50ZnlTRUNSRVQ=" && r.Header.Get("Authorization") != "Bearer tk_SECRET":
				return errors.New("40101")
			case body.Topic != "alerts":
				return errors.New("40009")
			case body.Priority < 1 || body.Priority > 5:
				return errors.New("40007")
			case len(body.Actions) > 3:
				return errors.New("40018")
			case len(body.Message) > 4096:
				return fmt.Errorf("40014: %d bytes", len(body.Message))
			}
			return atMost("title", body.Title, 250)
		},
		parts: jsonText,
		answers: []answer{
			{name: "published", status: 200, body: `{"id":"x","event":"message"}`, want: Verdict{Sent: true}},
			{name: "bad token", status: 401, body: `{"code":40101,"http":401,"error":"unauthorized"}`, want: Verdict{Permanent: true, Detail: "access token"}},
			{name: "forbidden", status: 403, body: `{"code":40301,"http":403,"error":"forbidden"}`, want: Verdict{Permanent: true, Detail: "is not allowed to publish"}},
			{name: "rate limit without Retry-After", status: 429, body: `{"code":42901,"http":429}`, want: Verdict{}},
			{name: "rate limit of a proxy", status: 429, header: http.Header{"Retry-After": {"7"}}, body: "", want: Verdict{RetryAfter: 7 * time.Second}},
		},
	}
}
