package provider

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func pushStandIns() map[string]standIn {
	return map[string]standIn{"ntfy": ntfyStandIn(), "gotify": gotifyStandIn(), "pushover": pushoverStandIn()}
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

// gotifyStandIn checks what Gotify 3.0.0 rejects.
func gotifyStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct {
				Title, Message string
				Priority       *int
				Extras         map[string]map[string]any
			}
			if err := wantJSON(r, "/message", &body); err != nil {
				return err
			}
			switch {
			case r.Header.Get("X-Gotify-Key") != "gtfya.SECRET":
				return errors.New("401")
			case body.Message == "" || body.Priority == nil || *body.Priority < 0 || *body.Priority > 10:
				return errors.New("400")
			case body.Extras["client::display"]["contentType"] != "text/plain":
				return errors.New("the message could be shown as Markdown")
			}
			return atMost("title", body.Title, 250)
		},
		parts: jsonText,
		answers: []answer{
			{name: "sent", status: 200, body: `{"id":7,"appid":1,"message":"x"}`, want: Verdict{Sent: true}},
			{name: "bad token", status: 401, body: `{"error":"Unauthorized","errorCode":401,"errorDescription":"you need to provide a valid access token"}`, want: Verdict{Permanent: true, Detail: "from Apps"}},
			{name: "token of a client", status: 403, body: `{"error":"Forbidden","errorCode":403}`, want: Verdict{Permanent: true, Detail: "not that of a client"}},
			{name: "rejected", status: 400, body: `{"error":"Bad Request","errorCode":400,"errorDescription":"Field 'message' is required"}`, want: Verdict{Permanent: true}},
			{name: "proxy is overloaded", status: 503, header: http.Header{"Retry-After": {"9"}}, want: Verdict{RetryAfter: 9 * time.Second}},
		},
	}
}

// pushoverStandIn checks what pushover.net/api documents.
func pushoverStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			if strings.Contains(r.URL, "/receipts/") {
				form, err := wantForm(r, "/1/receipts/cancel_by_tag/0199a1b2-incident.json")
				if strings.Contains(r.URL, "channel-") || strings.Contains(r.URL, "/a1.json") { // of a failing channel, or without an incident
					form, err = map[string][]string{"token": {"appSECRET"}}, nil
				}
				if err == nil && (form.Get("token") != "appSECRET" || !r.Optional) {
					err = errors.New("application token is invalid, or the request decides about the delivery")
				}
				return err
			}
			form, err := wantForm(r, "/1/messages.json")
			priority, badPriority := strconv.Atoi(form.Get("priority"))
			retry, _ := strconv.Atoi(form.Get("retry"))
			expire, _ := strconv.Atoi(form.Get("expire"))
			switch {
			case err != nil:
				return err
			case form.Get("token") != "appSECRET" || form.Get("user") != "userSECRET":
				return errors.New("application token or user is invalid")
			case form.Get("message") == "":
				return errors.New("message cannot be blank")
			case badPriority != nil || priority < -2 || priority > 2:
				return errors.New("priority is invalid")
			case priority == 2 && (retry < 30 || expire < 1 || expire > 10800 || form.Get("tags") == ""):
				return errors.New("retry and expire must be supplied with priority=2")
			case form.Get("html") != "":
				return errors.New("names could be shown as HTML")
			}
			return errors.Join(atMost("message", form.Get("message"), 1024), atMost("title", form.Get("title"), 250),
				atMost("url", form.Get("url"), 512), atMost("url_title", form.Get("url_title"), 100))
		},
		parts: formParts,
		answers: []answer{
			{name: "sent", status: 200, body: `{"status":1,"request":"r","receipt":"abc"}`, want: Verdict{Sent: true}},
			{name: "bad user", status: 400, body: `{"user":"invalid","errors":["user identifier is invalid"],"status":0,"request":"r"}`, want: Verdict{Permanent: true, Detail: "user key"}},
			{name: "bad token", status: 400, body: `{"token":"invalid","errors":["application token is invalid"],"status":0}`, want: Verdict{Permanent: true, Detail: "API token"}},
			{name: "status 0 with 200", status: 200, body: `{"status":0,"errors":["device is not valid"]}`, want: Verdict{Permanent: true, Detail: "device is not valid"}},
			{name: "used up", status: 429, header: http.Header{"X-Limit-App-Reset": {"1796050800"}}, want: Verdict{RetryAfter: time.Unix(1796050800, 0).Sub(time.Unix(1796040000, 0)), Detail: "this month"}},
			{name: "server error", status: 500, want: Verdict{}},
		},
	}
}
