package provider

import (
	"regexp"
	"strconv"
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// maxRocketChatText is the default of Message_MaxAllowedSize (Rocket.Chat, settings of the server, 2026), in UTF-16 code
// units. Administrators can change it.
const maxRocketChatText = 5000

// rocketchat posts to a channel of Rocket.Chat through an incoming integration, which does not return the id of the
// message.
func rocketchat() Service {
	return Service{
		Name: "rocketchat", Label: "Rocket.Chat", Group: GroupChat,
		Help: "Posts to a channel of Rocket.Chat, with an incoming integration.",
		Setup: []string{
			"In Rocket.Chat, open **Administration**, **Workspace**, **Integrations**.",
			"Choose **New**, **Incoming**, and turn on **Enabled**. Enter a name, the channel, and the user that posts.",
			"Save, and copy the webhook URL.",
		},
		Fields: []setting.Field{{
			Name: "url", Label: "Webhook URL", Type: setting.FieldURL, Secret: true, Destination: true, Required: true, Check: setting.WebURL,
			Placeholder: "https://chat.example.com/hooks/…", Help: "Of an incoming integration.",
		}},
		Can:    Abilities{Tested: TestedRecorded},
		Render: renderRocketChat, Interpret: interpretRocketChat,
	}
}

// renderRocketChat returns one request. Only the subject is the text of the message, in which Rocket.Chat looks for
// mentions; the rest is an attachment.
func renderRocketChat(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	r, err := newJSON(set.Text("url"), map[string]any{
		"text": escapeWithin(escapeRocketChat, m.Subject, maxRocketChatText, utf16Count), "parseUrls": false,
		"attachments": []any{map[string]any{
			"color": rocketChatColor(m.Tone), "text": layout{markup: rocketChatMarkup(), limit: maxRocketChatText, size: utf16Count, noTitle: true}.text(m),
		}},
	})
	return []Request{r}, err
}

// rocketChatColor returns the color of an attachment.
func rocketChatColor(tone string) string {
	return "#" + strconv.FormatInt(int64(discordColor(tone)), 16)
}

// Rocket.Chat has no escapes in messages (packages/message-parser/src/grammar.pegjs, 2026), so characters that can
// emphasize are replaced by ones that look the same. A zero width space separates the parts of links, mentions, names
// of channels, emoji, times and spoilers.
var (
	rocketChatReplacer = strings.NewReplacer(
		"*", "\u2217", "`", "\u02cb", "~", "\u223c", "@", "@\u200b", "#", "#\u200b", "<", "<\u200b", "](", "]\u200b(", "||", "|\u200b|",
	)
	rocketChatItalic = regexp.MustCompile(`(^|[^a-zA-Z0-9])_+|_{2,}`)
	rocketChatEmoji  = regexp.MustCompile(`:([a-zA-Z+_-])`)
	rocketChatStart  = regexp.MustCompile(`(?m)^([>-])`)
)

var escapeRocketChat = outsideURLs(func(text string) string {
	text = rocketChatItalic.ReplaceAllStringFunc(text, func(found string) string { return strings.ReplaceAll(found, "_", "\u02cd") })
	text = rocketChatEmoji.ReplaceAllString(rocketChatReplacer.Replace(text), ":\u200b$1")
	return rocketChatStart.ReplaceAllString(text, "\u200b$1")
}, asIs)

// rocketChatMarkup is the markup of Rocket.Chat.
func rocketChatMarkup() markup {
	return markup{
		escape: escapeRocketChat,
		strong: func(text string) string { return "*" + text + "*" },
		link:   markdownLink,
		output: codeBlock,
	}
}

// rocketChatWait finds the delay of a rate limit in its text (error-too-many-requests).
var rocketChatWait = regexp.MustCompile(`must wait (\d{1,6}) seconds`)

// interpretRocketChat interprets a response: success can be false with any status.
func interpretRocketChat(r Response) Verdict {
	v := InterpretStatus(r)
	var body struct {
		Success *bool  `json:"success"`
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	if !decode(r.Body, &body) {
		return v
	}
	problem := body.Error
	if problem == "" {
		problem = body.Message
	}
	if v.Sent && (body.Success == nil || *body.Success) {
		return v
	}
	advice := ""
	for part, text := range map[string]string{
		"Invalid integration":         "The integration was deleted, or the URL is incomplete: create a new one and enter its URL.",
		"invalid-channel":             "The channel of the integration does not exist (invalid-channel): select another one.",
		"error-not-allowed":           "The user of the integration is not allowed to post in the channel (error-not-allowed): add the user to the channel.",
		"error-message-size-exceeded": "The message is longer than the workspace allows (error-message-size-exceeded): an administrator must set Message_MaxAllowedSize to 5000 or more.",
		"error-running-script":        "The script of the integration failed (error-running-script): correct it, or turn it off.",
	} {
		if strings.Contains(problem, part) {
			advice = text
		}
	}
	if v.Sent {
		v = Verdict{Permanent: advice != ""}
	}
	if strings.Contains(problem, "too-many-requests") || strings.Contains(problem, "too many requests") {
		v = Verdict{RetryAfter: ParseRetryAfter(r.Header.Get("Retry-After"), r.Now)}
		if found := rocketChatWait.FindStringSubmatch(problem); found != nil {
			v.RetryAfter = max(v.RetryAfter, ParseRetryAfter(found[1], r.Now))
		}
	}
	if v.Detail = advice; advice == "" && problem != "" {
		v.Detail = "Rocket.Chat answered: " + problem
	}
	return v
}
