package provider

import (
	"html"
	"net/url"
	"strings"
	"time"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// Limits of Google Chat in bytes: the text of a card, which leaves space for the rest of a message of 32,000.
const maxGoogleChatText = 20_000

// googleChat posts a card to a space of Google Chat through an incoming webhook. The incident is the key of the thread.
func googleChat() Service {
	return Service{
		Name: "google_chat", Label: "Google Chat", Group: GroupChat,
		Help: "Posts to a space of Google Chat, with an incoming webhook. Messages about one incident form a thread.",
		Setup: []string{
			"Open Google Chat in a browser: webhooks cannot be added in the mobile app. Your organization must allow incoming webhooks.",
			"Open the space, the menu next to its title, **Apps & integrations**, and choose **Add webhooks**.",
			"Enter a name, choose **Save**, and copy the URL.",
		},
		Fields: []setting.Field{{
			Name: "url", Label: "Webhook URL", Type: setting.FieldURL, Secret: true, Destination: true, Required: true, Check: setting.WebURL,
			Placeholder: "https://chat.googleapis.com/v1/spaces/…", Help: "Of an incoming webhook of the space.",
		}},
		Can:    Abilities{Thread: true, Tested: TestedDocumented},
		Render: renderGoogleChat, Interpret: interpretGoogleChat,
	}
}

// renderGoogleChat returns one request. The message is a card: its HTML has escapes, and no mentions. The option is
// required, because threads are ignored without it. The request id is that of the alert: Google Chat answers a repeated
// request with the first message (Chat API, spaces.messages.create, 2026).
func renderGoogleChat(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	widgets := []any{map[string]any{"textParagraph": map[string]any{
		"text": layout{markup: googleChatMarkup(), limit: maxGoogleChatText, size: byteCount, newline: "<br>", noLinks: true}.text(m),
	}}}
	if buttons := googleChatButtons(m); len(buttons) > 0 {
		widgets = append(widgets, map[string]any{"buttonList": map[string]any{"buttons": buttons}})
	}
	query := url.Values{"messageReplyOption": {"REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"}, "requestId": {message.HeaderToken(n.AlertID)}}
	r, err := newJSON(addQuery(set.Text("url"), query.Encode()), map[string]any{
		// Shown in notifications.
		"fallbackText": inertMentions.Replace(m.Subject),
		"cardsV2": []any{map[string]any{
			"cardId": "alert", "card": map[string]any{"sections": []any{map[string]any{"widgets": widgets}}},
		}},
		"thread": map[string]any{"threadKey": incidentKey(n)},
	})
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json; charset=UTF-8")
	return []Request{r}, nil
}

// googleChatButtons returns the links.
func googleChatButtons(m message.Message) []any {
	var all []any
	for _, l := range m.Links {
		all = append(all, map[string]any{"text": l.Label, "onClick": map[string]any{"openLink": map[string]any{"url": l.URL}}})
	}
	return all
}

// googleChatMarkup is the HTML of cards, which has no element for code.
func googleChatMarkup() markup {
	m := htmlMarkup("<br>")
	escape := m.escape
	m.escape = outsideURLs(func(text string) string { return inertMentions.Replace(escape(text)) }, func(address string) string {
		return `<a href="` + html.EscapeString(address) + `">` + html.EscapeString(address) + "</a>"
	})
	m.output = func(text string) string { return inertMentions.Replace(escape(text)) }
	return m
}

// interpretGoogleChat reads the delay of a rate limit, which can be part of the details, and explains errors.
func interpretGoogleChat(r Response) Verdict {
	v := InterpretStatus(r)
	var body struct {
		Error struct {
			Message string `json:"message"`
			Status  string `json:"status"`
			Details []struct {
				RetryDelay string `json:"retryDelay"`
			} `json:"details"`
		} `json:"error"`
	}
	if v.Sent || !decode(r.Body, &body) {
		return v
	}
	if !v.Permanent {
		for _, d := range body.Error.Details {
			if delay, err := time.ParseDuration(d.RetryDelay); err == nil && strings.HasSuffix(d.RetryDelay, "s") {
				v.RetryAfter = max(v.RetryAfter, seconds2delay(delay.Seconds()))
			}
		}
		return v
	}
	switch r.Status {
	case 401, 403:
		v.Detail = "Google Chat does not accept the webhook: copy its URL again, and check that your organization allows incoming webhooks."
	case 404:
		v.Detail = "The webhook or the space does not exist any more: add a new webhook in Apps & integrations and enter its URL."
	default:
		if body.Error.Message != "" {
			v.Detail = "Google Chat answered: " + body.Error.Message
		}
	}
	return v
}
