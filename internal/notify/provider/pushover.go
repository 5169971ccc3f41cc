package provider

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

const pushoverURL = "https://api.pushover.net"

// Limits of Pushover in characters (pushover.net/api, 2026).
const (
	maxPushoverMessage  = 1024
	maxPushoverTitle    = 250
	maxPushoverURL      = 512
	maxPushoverURLTitle = 100
)

// A message with emergency priority is repeated until a person confirms it on the phone: at most every 30 seconds, and for
// at most 10,800 seconds.
const (
	pushoverEmergency = 2
	pushoverRetry     = 60   // seconds between two repetitions
	pushoverExpire    = 3600 // seconds
)

// pushover sends to the devices of a user or a group. Critical alerts are repeated until they are confirmed, or until the
// recovery or the acknowledgement cancels them.
func pushover() Service {
	return Service{
		Name: "pushover", Label: "Pushover", Group: GroupPush,
		Help: "Sends to the devices of a user or a group of Pushover.",
		Setup: []string{
			"Sign in at pushover.net. Your **User Key** is on the first page; a group has a group key.",
			"Under **Your Applications**, choose **Create an Application/API Token**, and copy the API token.",
		},
		Fields: []setting.Field{
			{Name: "token", Label: "API token", Type: setting.FieldSecret, Secret: true, Required: true, Help: "Of the application."},
			{Name: "user", Label: "User key", Type: setting.FieldSecret, Secret: true, Required: true, Help: "Of a user or a group."},
			{Name: "device", Label: "Device", Type: setting.FieldText, Help: "Names of devices, separated by commas. Leave it empty for all devices."},
			baseURL(pushoverURL, "Only for a proxy in front of the API."),
		},
		Can:    Abilities{Severity: true, Tested: TestedDocumented},
		Render: renderPushover, Interpret: interpretPushover,
	}
}

// renderPushover returns the message. If it ends an incident, a second request cancels the repetitions of earlier messages.
// They are found by a tag, so those of reminders and of attempts with an unknown result are canceled too.
func renderPushover(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	form := url.Values{
		"token": {set.Text("token")}, "user": {set.Text("user")}, "title": {message.Shorten(m.Subject, maxPushoverTitle)},
	}
	body := m
	if open := openURL(m); open != "" && len(open) <= maxPushoverURL {
		form.Set("url", open)
		form.Set("url_title", fit(m.Links[0].Label, maxPushoverURLTitle, runeCount))
		body.Links = m.Links[1:]
	}
	form.Set("message", layout{markup: plain(), limit: maxPushoverMessage, noTitle: true}.text(body))
	if device := set.Text("device"); device != "" {
		form.Set("device", device)
	}
	priority := pushoverPriority(n, m)
	form.Set("priority", strconv.Itoa(priority))
	tag := message.HeaderToken(lifecycleKey(n))
	if priority == pushoverEmergency {
		form.Set("retry", strconv.Itoa(pushoverRetry))
		form.Set("expire", strconv.Itoa(pushoverExpire))
		form.Set("tags", tag)
	}
	requests := []Request{newForm(base(set, pushoverURL)+"/1/messages.json", form)}
	if lifecycle(n) != lifecycleTrigger {
		cancel := newForm(base(set, pushoverURL)+"/1/receipts/cancel_by_tag/"+tag+".json", url.Values{"token": {set.Text("token")}})
		cancel.Optional = true
		requests = append(requests, cancel)
	}
	return requests, nil
}

// pushoverPriority returns the priority: 2 is repeated, 1 ignores quiet hours, and -1 makes no sound.
func pushoverPriority(n message.Notification, m message.Message) int {
	if m.Tone != "down" {
		return map[string]int{"late": 0, "up": -1, "quiet": -1}[m.Tone]
	}
	return map[string]int{"critical": pushoverEmergency, "warning": 1, "info": 0}[severity(n)]
}

// newForm returns a POST with a form.
func newForm(address string, form url.Values) Request {
	return Request{URL: address, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte(form.Encode())}
}

// interpretPushover interprets a response: the body has status 1 if the message was accepted.
func interpretPushover(r Response) Verdict {
	v := InterpretStatus(r)
	var body struct {
		Status *int     `json:"status"`
		Errors []string `json:"errors"`
		User   string   `json:"user"`
		Token  string   `json:"token"`
	}
	isObject := decode(r.Body, &body)
	if r.Status == http.StatusTooManyRequests {
		v.Detail = "The application has used its messages of this month (429): see its limit at pushover.net."
		if reset, err := strconv.ParseInt(r.Header.Get("X-Limit-App-Reset"), 10, 64); err == nil && v.RetryAfter == 0 {
			v.RetryAfter = min(max(time.Unix(reset, 0).Sub(r.Now), 0), maxRetryAfter)
		}
		return v
	}
	if !isObject || v.Sent && (body.Status == nil || *body.Status == 1) {
		return v
	}
	if v.Sent {
		v = Verdict{Permanent: true}
	}
	switch {
	case body.Token == "invalid":
		v.Detail = "The API token is not valid: copy it again from the page of the application."
	case body.User == "invalid":
		v.Detail = "The user key is not valid, or the user has no active device: copy it again from pushover.net."
	default:
		v.Detail = strings.Join(body.Errors, ", ")
	}
	return v
}
