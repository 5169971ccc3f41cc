package provider

import (
	"net/http"
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// maxGotifyMessage is the maximum number of characters of a message. Gotify has no limit, and a phone shows less.
const maxGotifyMessage = 4000

// gotify sends messages to an application of a Gotify server.
func gotify() Service {
	return Service{
		Name: "gotify", Label: "Gotify", Group: GroupPush,
		Help: "Sends to an application of your Gotify server.",
		Setup: []string{
			"Sign in to your Gotify server, open **Apps**, and choose **Create Application**.",
			"Copy the token of the application. The token of a client cannot send messages.",
		},
		Fields: []setting.Field{
			{
				Name: "url", Label: "Server", Type: setting.FieldURL, Destination: true, Required: true, Check: setting.WebURL,
				Placeholder: "https://gotify.example.com", Help: "Address of your Gotify server.",
			},
			// Its form is not checked: it was "A" and 14 characters before version 3, and "gtfya." and 43 since.
			{Name: "token", Label: "Application token", Type: setting.FieldSecret, Secret: true, Required: true, Help: "Of an application, not of a client."},
		},
		Can:    Abilities{Severity: true, Tested: TestedRecorded},
		Render: renderGotify, Interpret: interpretGotify,
	}
}

// renderGotify returns one request. Gotify 3.0.0 rejects JSON without its content type.
func renderGotify(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	extras := map[string]any{"client::display": map[string]any{"contentType": "text/plain"}}
	if url := openURL(m); url != "" {
		extras["client::notification"] = map[string]any{"click": map[string]any{"url": url}}
	}
	r, err := newJSON(strings.TrimRight(set.Text("url"), "/")+"/message", map[string]any{
		"title": m.Subject, "message": layout{markup: plain(), limit: maxGotifyMessage, noTitle: true}.text(m),
		"priority": gotifyPriority(n, m), "extras": extras,
	})
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Gotify-Key", set.Text("token"))
	return []Request{r}, nil
}

// gotifyPriority returns the priority. The Android app shows 8 to 10 on top of the screen, plays a sound from 4 on, and
// makes no sound below.
func gotifyPriority(n message.Notification, m message.Message) int {
	if m.Tone != "down" {
		return map[string]int{"late": 5, "up": 2, "quiet": 2}[m.Tone]
	}
	return map[string]int{"critical": 9, "warning": 6, "info": 4}[severity(n)]
}

// interpretGotify adds advice to the errors that people can fix.
func interpretGotify(r Response) Verdict {
	v := InterpretStatus(r)
	switch r.Status {
	case http.StatusUnauthorized:
		v.Detail = "The application token is not valid (401): copy it again from Apps."
	case http.StatusForbidden:
		v.Detail = "This token is not allowed to send messages (403): use the token of an application, from Apps, and not that of a client."
	case http.StatusNotFound:
		v.Detail = "There is no Gotify server at this address (404): enter the address without /message, and with its path if it has one."
	}
	return v
}
