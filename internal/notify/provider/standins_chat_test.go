package provider

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

func chatStandIns() map[string]standIn {
	return map[string]standIn{"slack": slackStandIn()}
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
