package provider

import (
	"cmp"
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

const slackAPI = "https://slack.com/api"

// Limits of Slack: characters of a text block, and of the text for notifications.
const (
	maxSlackBlock = 3000
	maxSlackText  = 4000
)

// slack posts to a channel of Slack, through an incoming webhook or as a bot. Only the bot learns which message it
// wrote, so only its later messages form a thread.
func slack() Service {
	return Service{
		Name: "slack", Label: "Slack", Group: GroupChat,
		Help: "Posts to a channel of Slack, with an incoming webhook or as a bot.",
		Setup: []string{
			"Open **api.slack.com/apps** and create an app for your workspace.",
			"For a webhook: open **Incoming Webhooks**, activate them, choose **Add New Webhook to Workspace**, pick the channel, and copy the URL.",
			"For a bot: open **OAuth & Permissions**, add the bot token scope **chat:write**, install the app, copy the bot token, and invite the bot to the channel.",
		},
		Fields: []setting.Field{
			{
				Name: "url", Label: "Webhook URL", Type: setting.FieldURL, Secret: true, Destination: true, Check: setting.WebURL,
				Placeholder: "https://hooks.slack.com/services/…",
				Help:        "Of an incoming webhook. Leave it empty to use a bot.",
			},
			{
				Name: "token", Label: "Bot token", Type: setting.FieldSecret, Secret: true, Placeholder: "xoxb-…",
				Help: "A bot posts recoveries and reminders into the thread of the incident.",
			},
			{
				Name: "channel", Label: "Channel", Type: setting.FieldText, Placeholder: "#alerts",
				Help: "Name or id of the channel of the bot.",
			},
			baseURL(slackAPI, "Only for a proxy in front of the API."),
		},
		Check: func(set setting.Values) []setting.Problem {
			switch {
			case set.Text("url") != "" && set.Text("token") != "":
				return []setting.Problem{{Field: "token", Text: "Use either the webhook URL or the bot token: remove one."}}
			case set.Text("url") == "" && set.Text("token") == "":
				return []setting.Problem{{Field: "url", Text: "Enter a webhook URL, or a bot token and a channel."}}
			case set.Text("token") != "" && set.Text("channel") == "":
				return []setting.Problem{{Field: "channel", Text: "Enter the channel in which the bot posts."}}
			}
			return nil
		},
		Can:    Abilities{Thread: true, Severity: true, Tested: TestedRecorded},
		Render: renderSlack, Interpret: interpretSlack,
	}
}

// renderSlack returns one request.
func renderSlack(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	body := map[string]any{
		// Shown in notifications and by clients without blocks.
		"text":         fit(escapeSlack(m.Subject), maxSlackText, runeCount),
		"unfurl_links": false, "unfurl_media": false,
		"attachments": []any{map[string]any{
			"color": slackColor(m.Tone), "fallback": escapeSlack(m.Subject),
			"blocks": []any{map[string]any{
				"type": "section",
				"text": map[string]any{"type": "mrkdwn", "text": layout{markup: slackMarkup(), limit: maxSlackBlock}.text(m)},
			}},
		}},
	}
	url := set.Text("url")
	if url == "" {
		url = base(set, slackAPI) + "/chat.postMessage"
		body["channel"] = set.Text("channel")
		if n.Thread != "" && !n.IsEvent(message.EventOpened) {
			body["thread_ts"] = n.Thread
			body["reply_broadcast"] = n.IsEvent(message.EventResolved)
		}
	}
	r, err := newJSON(url, body)
	if err != nil {
		return nil, err
	}
	if set.Text("url") == "" {
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		r = bearer(r, set.Text("token"))
	}
	return []Request{r}, nil
}

// slackColor returns the color of the bar next to a message.
func slackColor(tone string) string {
	return map[string]string{"down": "danger", "late": "warning", "up": "good"}[tone]
}

// slackMarkup is mrkdwn. Slack has no escape for its emphasis, so a zero width space separates its characters
// from words; & < > become entities, which also disables mentions and links.
func slackMarkup() markup {
	return markup{
		escape: escapeSlack,
		strong: func(text string) string { return "*" + text + "*" },
		link:   func(label, url string) string { return "<" + escapeSlackURL(url) + "|" + escapeSlack(label) + ">" },
		output: func(text string) string {
			return "```" + slackBlock.Replace(text) + "```"
		},
	}
}

var (
	slackEntities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	slackBlock    = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@\u200b", "```", "`\u200b`\u200b`")
	slackURLs     = strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C")
	slackEmphasis = strings.NewReplacer("*", "\u200b*\u200b", "_", "\u200b_\u200b", "~", "\u200b~\u200b", "`", "\u200b`\u200b", "@", "@\u200b")
)

func escapeSlack(text string) string   { return slackEmphasis.Replace(slackEntities.Replace(text)) }
func escapeSlackURL(url string) string { return slackURLs.Replace(url) }

// interpretSlack interprets a response: the webhook answers with a text and a status, the API with 200 and ok false.
func interpretSlack(r Response) Verdict {
	v := InterpretStatus(r)
	var body struct {
		OK    *bool  `json:"ok"`
		Error string `json:"error"`
		TS    string `json:"ts"`
	}
	isObject := decode(r.Body, &body)
	if !isObject {
		if advice := slackAdvice(strings.TrimSpace(string(r.Body))); advice != "" && !v.Sent {
			v.Detail = advice
		}
		return v
	}
	if !v.Sent || body.OK == nil || *body.OK {
		v.Thread = body.TS
		return v
	}
	v = Verdict{Detail: cmp.Or(slackAdvice(body.Error), "Slack answered: "+body.Error+".")}
	switch body.Error {
	case "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout":
		v.RetryAfter = ParseRetryAfter(r.Header.Get("Retry-After"), r.Now)
	default:
		v.Permanent = true
	}
	return v
}

// slackAdvice explains an error of Slack and says what to do, or returns "".
func slackAdvice(code string) string {
	return map[string]string{
		"not_in_channel":                    "The bot is not in the channel (not_in_channel): invite it with /invite.",
		"channel_not_found":                 "The channel does not exist or the bot cannot see it (channel_not_found): check the name, and invite the bot to a private channel.",
		"is_archived":                       "The channel is archived (is_archived): choose another one.",
		"channel_is_archived":               "The channel is archived (channel_is_archived): choose another one.",
		"invalid_auth":                      "The bot token is not valid (invalid_auth): copy it again from OAuth & Permissions.",
		"not_authed":                        "Slack got no token (not_authed): enter the bot token.",
		"account_inactive":                  "The app was removed from the workspace (account_inactive): install it again.",
		"token_revoked":                     "The bot token was revoked (token_revoked): install the app again and copy the new token.",
		"missing_scope":                     "The bot is not allowed to post (missing_scope): add the scope chat:write and install the app again.",
		"no_service":                        "The webhook was removed or disabled (no_service): create a new one.",
		"no_team":                           "The workspace of the webhook does not exist any more (no_team).",
		"action_prohibited":                 "An administrator of the workspace does not allow this (action_prohibited).",
		"posting_to_general_channel_denied": "The workspace does not allow apps to post to #general: choose another channel.",
	}[code]
}
