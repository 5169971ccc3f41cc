package provider

import (
	"net/http"
	"regexp"
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// maxSignalMessage is the maximum number of characters of a message. Apps show longer ones as an attachment.
const maxSignalMessage = 2000

// signal sends messages through signal-cli-rest-api, a server that holds a Signal account.
func signal() Service {
	return Service{
		Name: "signal", Label: "Signal", Group: GroupPhone,
		Help: "Sends through your own signal-cli-rest-api server.",
		Setup: []string{
			"Run signal-cli-rest-api (the container bbernhard/signal-cli-rest-api) where only Overdue can reach it: it has no sign-in.",
			"Register a number there, or link it: open /v1/qrcodelink?device_name=overdue, and scan the code in the Signal app under **Settings**, **Linked devices**.",
			"If the server has a private address, the operator of Overdue must allow it with --allow-networks.",
		},
		Fields: []setting.Field{
			{
				Name: "url", Label: "Server", Type: setting.FieldURL, Destination: true, Required: true, Check: setting.WebURL,
				Placeholder: "http://signal.example.com:8080", Help: "Address of signal-cli-rest-api.",
			},
			{Name: "number", Label: "Number", Type: setting.FieldText, Required: true, Check: phoneNumber, Placeholder: "+491511234567", Help: "The registered number that sends."},
			{Name: "recipients", Label: "Recipients", Type: setting.FieldList, Required: true, Check: signalRecipient, Placeholder: "+491511234567", Help: "Numbers, user names (u:name.01), or ids of groups (group.…)."},
		},
		Can:        Abilities{Tested: TestedDocumented},
		Recipients: func(set setting.Values) []string { return set.List("recipients") },
		Render:     renderSignal, Interpret: interpretSignal,
	}
}

var signalIDPattern = regexp.MustCompile(`^(group\.[A-Za-z0-9+/=_-]+|u:[^\s]+\.[0-9]+|[0-9a-f]{8}-[0-9a-f-]{27})$`)

// signalRecipient accepts a number, a user name, a group or an account id.
func signalRecipient(text string) (normal, problem string) {
	if signalIDPattern.MatchString(text) {
		return text, ""
	}
	return phoneNumber(text)
}

// renderSignal returns one request per recipient: groups and numbers cannot be in one request.
func renderSignal(set setting.Values, n message.Notification) ([]Request, error) {
	text := layout{markup: plain(), limit: maxSignalMessage}.text(n.Message())
	var requests []Request
	for _, to := range set.List("recipients") {
		r, err := newJSON(strings.TrimRight(set.Text("url"), "/")+"/v2/send", map[string]any{
			"number": set.Text("number"), "recipients": []string{to}, "message": text,
			"text_mode": "normal", // otherwise a server with DEFAULT_SIGNAL_TEXT_MODE=styled interprets * and _
		})
		if err != nil {
			return nil, err
		}
		r.Recipient = to
		requests = append(requests, r)
	}
	return requests, nil
}

// interpretSignal interprets a response. The server answers every error with 400, also those that pass, such as a
// network error. So only errors that name a setting are permanent.
func interpretSignal(r Response) Verdict {
	v := InterpretStatus(r)
	var body struct {
		Error string `json:"error"`
	}
	if v.Sent || !decode(r.Body, &body) || r.Status != http.StatusBadRequest && r.Status != http.StatusTooManyRequests {
		return v
	}
	v.Permanent, v.Detail = false, body.Error
	text := strings.ToLower(body.Error)
	for part, advice := range map[string]string{
		"unregistered user": "The recipient has no Signal account (unregistered user): correct the number.",
		"is not registered": "The sending number is not registered at the server (is not registered): register or link it.",
		"no group found":    "There is no such group at the server: list the groups with /v1/groups/NUMBER.",
	} {
		if strings.Contains(text, part) {
			v.Permanent, v.Detail = true, advice
		}
	}
	if r.Status == http.StatusTooManyRequests || strings.Contains(text, "captcha") || strings.Contains(text, "challenge") {
		v.Detail = "Signal asks for proof that the sender is a person: solve a challenge with /v1/accounts/NUMBER/rate-limit-challenge. " + body.Error
	}
	return v
}
