package provider

import (
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// maxMattermostText is the maximum length of a post in characters (Mattermost 5.0 and later).
const maxMattermostText = 16383

// mattermost posts to a channel of Mattermost through an incoming webhook, which does not return the id of the post.
func mattermost() Service {
	return Service{
		Name: "mattermost", Label: "Mattermost", Group: GroupChat,
		Help: "Posts to a channel of Mattermost, with an incoming webhook.",
		Setup: []string{
			"In Mattermost, open the product menu, **Integrations**, **Incoming Webhook**.",
			"If **Integrations** is missing, a system administrator enables incoming webhooks in **System Console**, **Integrations**, **Integration Management**.",
			"Choose **Add Incoming Webhook**, enter a name, select the channel, choose **Add**, and copy the URL.",
		},
		Fields: []setting.Field{{
			Name: "url", Label: "Webhook URL", Type: setting.FieldURL, Secret: true, Destination: true, Required: true, Check: setting.WebURL,
			Placeholder: "https://mattermost.example.com/hooks/…", Help: "Of an incoming webhook.",
		}},
		Can:    Abilities{Tested: TestedRecorded},
		Render: renderMattermost, Interpret: interpretMattermost,
	}
}

// renderMattermost returns one request. The text is no attachment: attachments have smaller limits.
func renderMattermost(set setting.Values, n message.Notification) ([]Request, error) {
	r, err := newJSON(set.Text("url"), map[string]any{
		"text": layout{markup: mattermostMarkup(), limit: maxMattermostText}.text(n.Message()),
	})
	return []Request{r}, err
}

// mattermostMarkup is the Markdown of Mattermost, which shows HTML as text. The names of mentions and channels are
// separated from @ and ~.
func mattermostMarkup() markup {
	return markup{
		escape: outsideURLs(backslash("\\`*_~[]|"), asIs),
		strong: func(text string) string { return "**" + text + "**" },
		link:   markdownLink,
		output: codeBlock,
	}
}

// interpretMattermost explains errors. The names of errors contain the part that failed.
func interpretMattermost(r Response) Verdict {
	v := InterpretStatus(r)
	var body struct {
		ID      string `json:"id"`
		Message string `json:"message"`
	}
	if v.Sent || !decode(r.Body, &body) || body.Message == "" {
		return v
	}
	v.Detail = "Mattermost answered: " + body.Message
	switch {
	case strings.Contains(body.ID, "incoming_webhook.invalid"):
		v.Detail += " The webhook was deleted, or the URL is incomplete: create a new one and enter its URL."
	case strings.Contains(body.ID, "incoming_webhook.disabled"):
		v.Detail += " A system administrator must enable incoming webhooks."
	case strings.Contains(body.ID, "incoming_webhook.channel"):
		v.Detail += " The channel was archived or deleted: select another one in the webhook."
	}
	return v
}
