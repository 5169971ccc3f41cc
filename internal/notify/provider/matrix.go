package provider

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"time"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// maxMatrixText is the maximum size in bytes of each form of the text. An event has at most 65,536 bytes (Matrix
// Client-Server API, size limits; Dendrite 0.13.8), with both forms and what the server adds.
const maxMatrixText = 24_000

// matrix posts to a room of Matrix. The alert id is the transaction id, so the server drops a repeated request.
func matrix() Service {
	return Service{
		Name: "matrix", Label: "Matrix", Group: GroupChat,
		Help: "Posts to a room of Matrix. Messages are not end-to-end encrypted.",
		Setup: []string{
			"Create an account for Overdue on your Matrix server, and sign in with Element.",
			"In Element, open **All settings**, **Help & About**, and copy the access token. Close the window without signing out: signing out invalidates the token.",
			"Invite the account to the room, and accept the invitation.",
			"Open the settings of the room, **Advanced**, and copy the internal room ID.",
		},
		Fields: []setting.Field{
			{Name: "url", Label: "Homeserver", Type: setting.FieldURL, Destination: true, Required: true, Check: setting.WebURL, Placeholder: "https://matrix.example.com", Help: "Address of the Matrix server, not of Element."},
			{Name: "token", Label: "Access token", Type: setting.FieldSecret, Secret: true, Required: true, Help: "Of the account that posts."},
			{Name: "room_id", Label: "Room id", Type: setting.FieldText, Required: true, Check: matrixRoom, Placeholder: "!abcdef:example.com", Help: "Internal id of the room, which starts with !."},
		},
		Can:    Abilities{Thread: true, Severity: true, OnceOnly: true, Tested: TestedReal},
		Render: renderMatrix, Interpret: interpretMatrix,
	}
}

// matrixRoom accepts room ids. The server name after the colon is optional since room version 12.
func matrixRoom(text string) (normal, problem string) {
	if !strings.HasPrefix(text, "!") || len(text) < 2 || len(text) > 255 {
		return "", "Enter the internal room id, which starts with !. An address that starts with # does not work."
	}
	return text, ""
}

// renderMatrix returns one request. Later messages are replies to the first one instead of a thread (m.thread): clients
// hide the messages of a thread, and a reminder must be visible.
func renderMatrix(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	body := map[string]any{
		"msgtype": "m.text",
		"body":    layout{markup: matrixPlain(), limit: maxMatrixText, size: byteCount}.text(m),
		"format":  "org.matrix.custom.html", "formatted_body": layout{markup: matrixMarkup(), limit: maxMatrixText, size: byteCount, newline: "<br>"}.text(m),
		"m.mentions": map[string]any{}, // none, whatever the text contains
	}
	if isQuiet(n, m) {
		body["msgtype"] = "m.notice" // no sound
	}
	if n.Thread != "" && !n.IsEvent(message.EventOpened) {
		body["m.relates_to"] = map[string]any{"m.in_reply_to": map[string]any{"event_id": n.Thread}}
	}
	address := strings.TrimRight(set.Text("url"), "/") + "/_matrix/client/v3/rooms/" + url.PathEscape(set.Text("room_id")) +
		"/send/m.room.message/" + url.PathEscape(n.AlertID)
	r, err := newJSON(address, body)
	r.Method = http.MethodPut
	if err != nil {
		return nil, err
	}
	return []Request{bearer(r, set.Text("token"))}, nil
}

// matrixPlain is the text without markup. Old servers detect @room in it.
func matrixPlain() markup {
	m := plain()
	m.escape, m.output = inertMentions.Replace, inertMentions.Replace
	return m
}

// matrixMarkup is the HTML of Matrix.
func matrixMarkup() markup {
	m := htmlMarkup("<br>")
	escape := m.escape
	m.escape = func(text string) string { return inertMentions.Replace(escape(text)) }
	m.output = func(text string) string {
		return "<pre><code>" + inertMentions.Replace(html.EscapeString(text)) + "</code></pre>"
	}
	return m
}

// interpretMatrix reads the id of the event, the delay of a rate limit, and explains errors.
func interpretMatrix(r Response) Verdict {
	v := InterpretStatus(r)
	var body struct {
		EventID    string  `json:"event_id"`
		Code       string  `json:"errcode"`
		Error      string  `json:"error"`
		RetryAfter float64 `json:"retry_after_ms"`
	}
	if !decode(r.Body, &body) {
		return v
	}
	switch {
	case v.Sent:
		v.Thread = body.EventID
	case !v.Permanent:
		v.RetryAfter = max(v.RetryAfter, seconds2delay(body.RetryAfter/1000).Round(time.Millisecond))
	default:
		v.Detail = matrixAdvice(body.Code, body.Error)
	}
	return v
}

// matrixAdvice explains an error of Matrix and says what to do, or returns "".
func matrixAdvice(code, text string) string {
	advice := map[string]string{
		"M_UNKNOWN_TOKEN": "The access token is not valid any more (M_UNKNOWN_TOKEN): sign in again and copy the new token.",
		"M_MISSING_TOKEN": "The server got no access token (M_MISSING_TOKEN): enter it again.",
		"M_FORBIDDEN":     "The account is not allowed to post in the room (M_FORBIDDEN): invite it, accept the invitation, and allow it to send messages.",
		"M_NOT_FOUND":     "The room does not exist, or the account is not in it (M_NOT_FOUND): check the room id, and invite the account.",
		// Dendrite 0.13.8 answers this for a room that it does not know.
		"M_UNSUPPORTED_ROOM_VERSION": "The room does not exist on this server (M_UNSUPPORTED_ROOM_VERSION): check the room id, and invite the account.",
		"M_UNRECOGNIZED":             "This is not a Matrix server (M_UNRECOGNIZED): check the address of the homeserver.",
		"M_USER_DEACTIVATED":         "The account was deactivated (M_USER_DEACTIVATED): use another one.",
		"M_USER_LOCKED":              "The account is locked (M_USER_LOCKED): ask the operator of the server.",
	}[code]
	if advice == "" && text != "" {
		return "Matrix answered: " + text + " (" + code + ")."
	}
	return advice
}
