package provider

import (
	"cmp"
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

const ntfyURL = "https://ntfy.sh"

// maxNtfyMessage is the maximum size of a message in bytes: servers turn longer ones into attachments, or reject
// them with error 40014 (ntfy 2.13.0).
const maxNtfyMessage = 4096

// ntfy publishes to a topic of ntfy.sh or of another server.
func ntfy() Service {
	return Service{
		Name: "ntfy", Label: "ntfy", Group: GroupPush,
		Help: "Publishes to a topic of ntfy.sh or of your own server.",
		Setup: []string{
			"Install the ntfy app and subscribe to a topic. On a public server, everyone who knows the name of the topic can read it: choose one that cannot be guessed.",
			"If the server requires it, open **Account** in its web app and create an **access token**.",
		},
		Fields: []setting.Field{
			{
				Name: "url", Label: "Server", Type: setting.FieldURL, Destination: true, Check: setting.WebURL, Placeholder: ntfyURL,
				Help: "Leave it empty for ntfy.sh.",
			},
			{Name: "topic", Label: "Topic", Type: setting.FieldText, Required: true, Check: ntfyTopic, Placeholder: "my-alerts-x7f2", Help: "Name of the topic. Everyone who knows it can read it on a public server."},
			{Name: "token", Label: "Access token", Type: setting.FieldSecret, Secret: true, Placeholder: "tk_…", Help: "Or enter a user name and a password."},
			{Name: "username", Label: "User name", Type: setting.FieldText, Help: "Of a user that may publish to the topic."},
			{Name: "password", Label: "Password", Type: setting.FieldSecret, Secret: true, Help: "Of that user."},
		},
		Check: func(set setting.Values) []setting.Problem {
			switch {
			case set.Text("token") != "" && set.Text("username") != "":
				return []setting.Problem{{Field: "username", Text: "Use either an access token or a user name and password: remove one."}}
			case set.Text("username") != "" && set.Text("password") == "":
				return []setting.Problem{{Field: "password", Text: "Enter the password of the user."}}
			case set.Text("username") == "" && set.Text("password") != "":
				return []setting.Problem{{Field: "username", Text: "Enter the user of the password."}}
			}
			return nil
		},
		Can:    Abilities{Severity: true, Tested: TestedRecorded},
		Render: renderNtfy, Interpret: interpretNtfy,
	}
}

// ntfyTopic accepts the names that ntfy accepts.
func ntfyTopic(text string) (normal, problem string) {
	valid := len(text) <= 64 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
	if !valid {
		return "", "A topic has at most 64 letters, digits, dashes and underscores. Enter the name only, without the server."
	}
	return text, ""
}

// renderNtfy returns one request.
func renderNtfy(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	var actions []map[string]any
	for _, l := range m.Links {
		actions = append(actions, map[string]any{"action": "view", "label": l.Label, "url": l.URL})
	}
	r, err := newJSON(strings.TrimRight(cmp.Or(set.Text("url"), ntfyURL), "/")+"/", map[string]any{
		"topic": set.Text("topic"), "title": m.Subject,
		"message":  layout{markup: plain(), limit: maxNtfyMessage, size: byteCount, noTitle: true}.text(m),
		"priority": ntfyPriority(n, m), "tags": ntfyTags(m.Tone), "click": openURL(m), "actions": actions,
	})
	if err != nil {
		return nil, err
	}
	switch {
	case set.Text("token") != "":
		r = bearer(r, set.Text("token"))
	case set.Text("username") != "":
		r = basic(r, set.Text("username"), set.Text("password"))
	}
	return []Request{r}, nil
}

// ntfyPriority returns the priority: 5 breaks through Do Not Disturb, 2 makes no sound.
func ntfyPriority(n message.Notification, m message.Message) int {
	if m.Tone != "down" {
		return map[string]int{"late": 3, "up": 2, "quiet": 2}[m.Tone]
	}
	return map[string]int{"critical": 5, "warning": 4, "info": 3}[severity(n)]
}

// ntfyTags returns the name of the symbol before the title.
func ntfyTags(tone string) []string {
	return map[string][]string{"down": {"rotating_light"}, "late": {"hourglass"}, "up": {"white_check_mark"}, "quiet": {"information_source"}}[tone]
}

// interpretNtfy adds advice to the errors that people can fix. A 429 has no Retry-After (ntfy 2.13.0).
func interpretNtfy(r Response) Verdict {
	v := InterpretStatus(r)
	var body struct {
		Code  int    `json:"code"`
		Error string `json:"error"`
	}
	if v.Sent || !decode(r.Body, &body) {
		return v
	}
	switch body.Code {
	case 40101:
		v.Detail = "The access token or the password is not valid (40101)."
	case 40301:
		v.Detail = "This user is not allowed to publish to the topic (40301): allow it on the server, or choose another topic."
	case 40009:
		v.Detail = "The server does not accept the name of the topic (40009)."
	}
	return v
}
