package provider

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

func phoneStandIns() map[string]standIn {
	return map[string]standIn{"twilio": twilioStandIn(), "signal": signalStandIn()}
}

// wantForm checks the content type and the path of a form, and decodes it.
func wantForm(r Request, path string) (url.Values, error) {
	u, err := url.Parse(r.URL)
	switch {
	case err != nil:
		return nil, err
	case u.Path != path:
		return nil, fmt.Errorf("path %s; want %s", u.Path, path)
	case r.Header.Get("Content-Type") != "application/x-www-form-urlencoded":
		return nil, fmt.Errorf("content type %q", r.Header.Get("Content-Type"))
	}
	return url.ParseQuery(string(r.Body))
}

// formParts returns the values of a form.
func formParts(r Request) string {
	form, _ := url.ParseQuery(string(r.Body))
	var all []string
	for name, values := range form {
		all = append(all, name+"="+strings.Join(values, " "))
	}
	return strings.Join(all, "\n")
}

func twilioStandIn() standIn {
	short := "a text message has at most 320 characters, which are two or three segments"
	return standIn{
		check: func(r Request) error {
			form, err := wantForm(r, "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json")
			switch {
			case err != nil:
				return err
			case r.Header.Get("Authorization") != "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjp0d2lsaW9TRUNSRVQ=":
				return errors.New("20003")
			case !strings.HasPrefix(form.Get("To"), "+") || len(form["To"]) != 1 || r.Recipient != form.Get("To"):
				return errors.New("21211")
			case (form.Get("From") == "") == (form.Get("MessagingServiceSid") == ""):
				return errors.New("21603: either From or MessagingServiceSid")
			case form.Get("Body") == "":
				return errors.New("21602")
			}
			return atMost("body", form.Get("Body"), maxTwilioMessage)
		},
		parts: formParts,
		without: map[string]string{
			"cause": short, "why": short, "schedule": short, "description": short, "its 2nd line": short, "its link": short, "output": short,
			"exit code": short, "acknowledge link": short, "since": short, "until": short, "still open": short,
		},
		answers: []answer{
			{name: "queued", status: 201, body: `{"sid":"SM1","status":"queued"}`, want: Verdict{Sent: true}},
			{name: "wrong number", status: 400, body: `{"code":21211,"message":"Invalid 'To' Phone Number","status":400}`, want: Verdict{Permanent: true, Detail: "correct it"}},
			{name: "STOP", status: 400, body: `{"code":21610,"message":"Attempt to send to unsubscribed recipient","status":400}`, want: Verdict{Permanent: true, Detail: "START"}},
			{name: "unknown code", status: 400, body: `{"code":29999,"message":"Something new"}`, want: Verdict{Permanent: true, Detail: "Something new (29999)"}},
			{name: "wrong token", status: 401, body: `{"code":20003,"message":"Authenticate","status":401}`, want: Verdict{Permanent: true, Detail: "auth token"}},
			{name: "rate limit", status: 429, header: http.Header{"Retry-After": {"5"}}, body: `{"code":20429,"message":"Too Many Requests"}`, want: Verdict{RetryAfter: 5 * time.Second}},
			{name: "server error", status: 500, want: Verdict{}},
		},
	}
}

// signalStandIn checks what signal-cli-rest-api rejects (api.go, 2025).
func signalStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct {
				Number, Message string
				Recipients      []string
				TextMode        string `json:"text_mode"`
			}
			if err := wantJSON(r, "/v2/send", &body); err != nil {
				return err
			}
			switch {
			case len(body.Recipients) != 1 || body.Recipients[0] != r.Recipient:
				return errors.New("please provide at least one recipient, and no group together with numbers")
			case body.Number != "+491510000000":
				return errors.New("please provide a valid number")
			case body.Message == "" || body.TextMode != "normal":
				return errors.New("no message, or one with markup")
			}
			return atMost("message", body.Message, 2000)
		},
		parts: jsonText,
		answers: []answer{
			{name: "sent", status: 201, body: `{"timestamp":"1764500000000"}`, want: Verdict{Sent: true}},
			{name: "no account", status: 400, body: `{"error":"Failed to send message: Unregistered user \"+491511234567\""}`, want: Verdict{Permanent: true, Detail: "correct the number"}},
			{name: "sender not registered", status: 400, body: `{"error":"User +491510000000 is not registered."}`, want: Verdict{Permanent: true, Detail: "register or link"}},
			{name: "network error as 400", status: 400, body: `{"error":"Failed to send message: connect timed out"}`, want: Verdict{Detail: "timed out"}},
			{name: "challenge", status: 429, body: `{"error":"CAPTCHA proof required","challenge_tokens":["x"]}`, want: Verdict{Detail: "challenge"}},
			{name: "server error", status: 500, want: Verdict{}},
		},
	}
}
