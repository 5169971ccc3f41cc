package provider

import (
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// Limits of Discord in characters (Discord API docs, Message Create and Embed Limits, 2026): the text, and the title
// and the description of an embed.
const (
	maxDiscordText        = 2000
	maxDiscordTitle       = 256
	maxDiscordDescription = 4096
)

// discord posts to a channel of Discord through a webhook. Webhooks cannot reply to a message.
func discord() Service {
	return Service{
		Name: "discord", Label: "Discord", Group: GroupChat,
		Help: "Posts to a channel of a Discord server, with a webhook.",
		Setup: []string{
			"In Discord, open **Server Settings**, **Integrations**, **Webhooks**.",
			"Choose **New Webhook**, and select the channel.",
			"Choose **Copy Webhook URL**.",
		},
		Fields: []setting.Field{{
			Name: "url", Label: "Webhook URL", Type: setting.FieldURL, Secret: true, Destination: true, Required: true, Check: setting.WebURL,
			Placeholder: "https://discord.com/api/webhooks/…",
			Help:        "For a post in a thread of a forum channel, add ?thread_id= and the id of the thread.",
		}},
		Can:    Abilities{Tested: TestedDocumented},
		Render: renderDiscord, Interpret: interpretDiscord,
	}
}

// renderDiscord returns one request. With wait=true, Discord answers after the message was stored.
func renderDiscord(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	r, err := newJSON(addQuery(set.Text("url"), "wait=true"), map[string]any{
		// Shown in notifications.
		"content": escapeWithin(escapeDiscord, m.Subject, maxDiscordText, utf16Count),
		"embeds": []any{map[string]any{
			"title": escapeWithin(escapeDiscord, sourceName(n), maxDiscordTitle, utf16Count), "url": openURL(m),
			"description": layout{markup: discordMarkup(), limit: maxDiscordDescription, size: utf16Count, noTitle: true}.text(m),
			"color":       discordColor(m.Tone),
		}},
		"allowed_mentions": map[string]any{"parse": []string{}},
	})
	return []Request{r}, err
}

// discordColor returns the color of the bar next to an embed.
func discordColor(tone string) int {
	return map[string]int{"down": 0xd13438, "late": 0xd98300, "up": 0x2e8b57, "quiet": 0x6b7280}[tone]
}

var escapeDiscord = outsideURLs(backslash("\\`*_~[]|<>"), asIs)

// discordMarkup is the Markdown of Discord, in which a backslash escapes every punctuation character.
func discordMarkup() markup {
	return markup{
		escape: escapeDiscord,
		strong: func(text string) string { return "**" + text + "**" },
		link:   markdownLink,
		output: codeBlock,
	}
}

// interpretDiscord reads the delay of a rate limit, which is a fraction of seconds and more exact than Retry-After, and
// explains errors. Requests that a proxy rejects have no JSON.
func interpretDiscord(r Response) Verdict {
	v := InterpretStatus(r)
	var body struct {
		Message    string  `json:"message"`
		Code       int     `json:"code"`
		RetryAfter float64 `json:"retry_after"`
	}
	if v.Sent || !decode(r.Body, &body) {
		return v
	}
	if !v.Permanent {
		v.RetryAfter = max(v.RetryAfter, seconds2delay(body.RetryAfter))
		return v
	}
	v.Detail = map[int]string{
		10015:  "The webhook was deleted (10015): create a new one and enter its URL.",
		50027:  "The token in the webhook URL is not valid (50027): copy the URL again.",
		220001: "The webhook belongs to a forum channel (220001): add ?thread_id= and the id of a thread to its URL, or choose another channel.",
	}[body.Code]
	return v
}
