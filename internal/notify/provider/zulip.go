package provider

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// Limits of Zulip (API documentation, Send a message): characters of a topic, and of a message. The message is counted
// in bytes, which is the smaller limit of different versions. Longer ones are cut by the server.
const (
	maxZulipTopic   = 60
	maxZulipContent = 10_000
)

// zulip posts to a channel of Zulip. Each heartbeat has its topic, which is the thread.
func zulip() Service {
	return Service{
		Name: "zulip", Label: "Zulip", Group: GroupChat,
		Help: "Posts to a channel of Zulip, with one topic per heartbeat.",
		Setup: []string{
			"In Zulip, open the gear menu, **Personal settings**, **Bots**, and choose **Add a new bot**.",
			"Select the type **Incoming webhook**, and create the bot.",
			"Copy the email address and the API key of the bot.",
		},
		Fields: []setting.Field{
			{Name: "url", Label: "Server", Type: setting.FieldURL, Destination: true, Required: true, Check: setting.WebURL, Placeholder: "https://example.zulipchat.com", Help: "Address of your organization."},
			{Name: "email", Label: "Email address of the bot", Type: setting.FieldText, Required: true, Placeholder: "overdue-bot@example.zulipchat.com", Help: "From the settings of the bot."},
			{Name: "api_key", Label: "API key", Type: setting.FieldSecret, Secret: true, Required: true, Help: "Of the bot."},
			{Name: "stream", Label: "Channel", Type: setting.FieldText, Required: true, Placeholder: "alerts", Help: "Name of the channel, formerly called stream."},
			{Name: "topic", Label: "Topic", Type: setting.FieldText, Help: "One topic for all alerts. Leave it empty for a topic per heartbeat."},
		},
		Can:    Abilities{Thread: true, Tested: TestedDocumented},
		Render: renderZulip, Interpret: interpretZulip,
	}
}

// renderZulip returns one request.
func renderZulip(set setting.Values, n message.Notification) ([]Request, error) {
	topic := set.Text("topic")
	if topic == "" {
		topic = sourceName(n)
	}
	form := url.Values{
		"type": {"stream"}, "to": {set.Text("stream")}, "topic": {message.Shorten(topic, maxZulipTopic)},
		"content": {layout{markup: zulipMarkup(), limit: maxZulipContent, size: byteCount}.text(n.Message())},
	}
	r := Request{
		URL:    strings.TrimRight(set.Text("url"), "/") + "/api/v1/messages",
		Header: map[string][]string{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte(form.Encode()),
	}
	return []Request{basic(r, set.Text("email"), set.Text("api_key"))}, nil
}

// zulipSpecial are the characters that have a meaning in Zulip. Zulip has no backslash escapes, but shows numeric
// entities as text (zerver/lib/markdown, build_inlinepatterns, 2025). The underscore has no meaning.
var zulipSpecial = regexp.MustCompile("[&<>*~`$#|:\\[\\]@!]|(?m:^[ \t]*[+-])")

var escapeZulip = outsideURLs(func(text string) string {
	return zulipSpecial.ReplaceAllStringFunc(text, func(found string) string {
		space := strings.TrimRight(found, "&<>*~`$#|:[]@!+-")
		return space + "&#" + strconv.Itoa(int(found[len(found)-1])) + ";"
	})
}, asIs)

// zulipMarkup is the Markdown of Zulip.
func zulipMarkup() markup {
	return markup{
		escape: escapeZulip,
		strong: func(text string) string { return "**" + text + "**" },
		link:   markdownLink,
		output: codeBlock,
	}
}

// interpretZulip interprets a response: an error has result "error", and a code that does not depend on the language.
func interpretZulip(r Response) Verdict {
	v := InterpretStatus(r)
	var body struct {
		Result     string  `json:"result"`
		Code       string  `json:"code"`
		Message    string  `json:"msg"`
		RetryAfter float64 `json:"retry-after"`
	}
	if !decode(r.Body, &body) {
		return v
	}
	advice := map[string]string{
		"STREAM_DOES_NOT_EXIST": "The channel does not exist, or the bot cannot see it (STREAM_DOES_NOT_EXIST): check the name, and subscribe the bot to a private channel.",
		"INVALID_API_KEY":       "The API key is not valid (INVALID_API_KEY): copy it again from the settings of the bot.",
		"UNAUTHORIZED":          "The email address or the API key is not valid (UNAUTHORIZED): copy them again from the settings of the bot.",
		"USER_DEACTIVATED":      "The bot was deactivated (USER_DEACTIVATED): activate it again, or use another one.",
		"REALM_DEACTIVATED":     "The organization was deactivated (REALM_DEACTIVATED).",
	}[body.Code]
	if v.Sent && body.Result == "error" {
		v = Verdict{Permanent: advice != "" || body.Code == "BAD_REQUEST"}
	}
	if v.Sent {
		return v
	}
	if v.Detail = advice; advice == "" && body.Message != "" {
		v.Detail = "Zulip answered: " + body.Message
	}
	if !v.Permanent {
		v.RetryAfter = max(v.RetryAfter, ParseRetryAfter(r.Header.Get("Retry-After"), r.Now), seconds2delay(body.RetryAfter))
	}
	return v
}
