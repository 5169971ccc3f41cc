package provider

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

func chatStandIns() map[string]standIn {
	return map[string]standIn{
		"slack": slackStandIn(), "teams": teamsStandIn(), "discord": discordStandIn(), "google_chat": googleChatStandIn(),
		"mattermost": mattermostStandIn(), "rocketchat": rocketChatStandIn(), "telegram": telegramStandIn(),
		"matrix": matrixStandIn(), "zulip": zulipStandIn(), "webex": webexStandIn(),
	}
}

func slackStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct {
				Channel     string `json:"channel"`
				Text        string `json:"text"`
				Attachments []struct {
					Fallback string `json:"fallback"`
					Blocks   []struct {
						Type string `json:"type"`
						Text struct{ Type, Text string }
					} `json:"blocks"`
				} `json:"attachments"`
			}
			path, isWebhook := "/chat.postMessage", strings.Contains(r.URL, "/services/")
			if isWebhook {
				path = "/services/T000/B000/hookSECRET"
			}
			if err := wantJSON(r, path, &body); err != nil {
				return err
			}
			switch {
			case !isWebhook && r.Header.Get("Authorization") != "Bearer xoxb-1-SECRET":
				return errors.New("not_authed")
			case !isWebhook && body.Channel != "#alerts":
				return errors.New("channel_not_found")
			case body.Text == "" || len(body.Attachments) != 1 || len(body.Attachments[0].Blocks) != 1:
				return errors.New("no_text")
			}
			text := body.Attachments[0].Blocks[0].Text
			for _, mention := range []string{"<!", "<@", "<#", "@everyone"} {
				if strings.Contains(text.Text+body.Text, mention) {
					return fmt.Errorf("a live mention: %s", mention)
				}
			}
			return errors.Join(atMost("text", body.Text, 4000), atMost("block", text.Text, 3000))
		},
		parts: jsonText,
		answers: []answer{
			{name: "posted", status: 200, body: `{"ok":true,"channel":"C1","ts":"1503435956.000247"}`, want: Verdict{Sent: true, Thread: "1503435956.000247"}},
			{name: "webhook", status: 200, body: "ok", want: Verdict{Sent: true}},
			{name: "not in the channel", status: 200, body: `{"ok":false,"error":"not_in_channel"}`, want: Verdict{Permanent: true, Detail: "invite it"}},
			{name: "unknown error", status: 200, body: `{"ok":false,"error":"new_error"}`, want: Verdict{Permanent: true, Detail: "new_error"}},
			{name: "rate limit", status: 429, header: http.Header{"Retry-After": {"30"}}, body: `{"ok":false,"error":"ratelimited"}`, want: Verdict{RetryAfter: 30 * time.Second}},
			{name: "rate limit with 200", status: 200, header: http.Header{"Retry-After": {"3"}}, body: `{"ok":false,"error":"ratelimited"}`, want: Verdict{RetryAfter: 3 * time.Second}},
			{name: "webhook removed", status: 404, body: "no_service", want: Verdict{Permanent: true, Detail: "create a new one"}},
			{name: "archived", status: 410, body: "channel_is_archived", want: Verdict{Permanent: true, Detail: "archived"}},
			{name: "server error", status: 500, body: "", want: Verdict{}},
		},
	}
}

// noMentions returns an error if a text has a mention that the hostile name would add.
func noMentions(text string) error {
	for _, live := range []string{"@everyone", "@all"} {
		if strings.Contains(text, live) {
			return fmt.Errorf("a live mention: %s", live)
		}
	}
	return nil
}

var (
	codeBlocks   = regexp.MustCompile("(?s)```\\w*\n.*?\n```")
	escapedChars = regexp.MustCompile(`\\[[:punct:]]|&#?\w+;`)
	realLinks    = regexp.MustCompile(`\[[^\[\]]+\]\(https://[^()\s]+\)`)
	webAddresses = regexp.MustCompile(`https://\S+`)
)

// noMarkup returns an error if a text in Markdown has a mention, or one of the characters that the hostile name would add
// to the markup. Code blocks, escaped characters, and the links and the emphasis of the message itself are allowed.
func noMarkup(text, special string) error {
	if err := noMentions(text); err != nil {
		return err
	}
	if strings.Count(text, "```")%2 != 0 {
		return errors.New("a code block is not closed")
	}
	for _, own := range []*regexp.Regexp{codeBlocks, escapedChars, realLinks, webAddresses} {
		text = own.ReplaceAllString(text, "")
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.Count(line, "**") == 2 && strings.HasPrefix(line, "**") { // a label or the title
			line = strings.ReplaceAll(line, "**", "")
		}
		if at := strings.IndexAny(line, special); at >= 0 {
			return fmt.Errorf("live markup at %q", line[at:])
		}
	}
	return nil
}

// readMarkdown returns Markdown as people read it.
func readMarkdown(r Request) string {
	return html.UnescapeString(regexp.MustCompile(`\\([[:punct:]])`).ReplaceAllString(jsonText(r), "$1"))
}

// strictHTML returns an error if a text has an element or entity that the service rejects, or an element that is not
// closed. Elements that are allowed have a link as their only attribute.
func strictHTML(text, allowed string) error {
	var open []string
	for _, tag := range regexp.MustCompile(`<[^>]*>?`).FindAllString(text, -1) {
		parts := regexp.MustCompile(`^<(/?)([a-z]+)( href="[^"<>]+")?>$`).FindStringSubmatch(tag)
		switch {
		case parts == nil || !slices.Contains(strings.Fields(allowed), parts[2]):
			return fmt.Errorf("the element %q is not allowed", tag)
		case parts[2] == "br":
		case parts[1] == "":
			open = append(open, parts[2])
		case len(open) == 0 || open[len(open)-1] != parts[2]:
			return fmt.Errorf("%s closes nothing", tag)
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("%v is not closed", open)
	}
	if bad := regexp.MustCompile(`&(amp|lt|gt|quot|#\d+);|&`).FindAllString(text, -1); slices.Contains(bad, "&") {
		return errors.New("an entity is broken")
	}
	return nil
}
