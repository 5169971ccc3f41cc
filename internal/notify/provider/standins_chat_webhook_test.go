package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf16"
)

// teamsStandIn checks the card of Microsoft Teams. Its texts must not be elements that interpret Markdown.
func teamsStandIn() standIn {
	type block struct {
		Type    string
		Inlines []struct{ Type, Text string }
	}
	return standIn{
		check: func(r Request) error {
			var body struct {
				Type        string
				Attachments []struct {
					ContentType string
					ContentURL  *string
					Content     struct {
						Schema        string `json:"$schema"`
						Type, Version string
						Body          []block
						Actions       []struct{ Type, Title, URL string }
					}
				}
			}
			if err := wantJSON(r, "/workflows/1/triggers/manual/paths/invoke", &body); err != nil {
				return err
			}
			switch {
			case body.Type != "message" || len(body.Attachments) != 1:
				return errors.New("not one attachment")
			case body.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" || body.Attachments[0].ContentURL != nil:
				return errors.New("not an Adaptive Card")
			case len(r.Body) > 28_000:
				return fmt.Errorf("%d bytes", len(r.Body))
			}
			card := body.Attachments[0].Content
			if card.Type != "AdaptiveCard" || card.Version != "1.2" || card.Schema == "" || len(card.Body) == 0 {
				return errors.New("not a complete card")
			}
			for _, b := range card.Body {
				if b.Type != "RichTextBlock" || len(b.Inlines) == 0 {
					return fmt.Errorf("the element %s interprets Markdown, or is empty", b.Type)
				}
				for _, run := range b.Inlines {
					if run.Type != "TextRun" || run.Text == "" || strings.Contains(run.Text, "{{") || strings.Contains(run.Text, "@everyone") {
						return fmt.Errorf("the run %+v", run)
					}
				}
			}
			for _, a := range card.Actions {
				if a.Type != "Action.OpenUrl" || a.Title == "" || !strings.HasPrefix(a.URL, "https://") {
					return fmt.Errorf("the action %+v", a)
				}
			}
			return nil
		},
		parts: jsonText,
		answers: []answer{
			{name: "accepted", status: 202, want: Verdict{Sent: true}},
			{name: "rate limit", status: 429, header: http.Header{"Retry-After": {"17"}}, want: Verdict{RetryAfter: 17 * time.Second}},
			{name: "turned off", status: 400, body: `{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"The trigger is not enabled."}}`, want: Verdict{Permanent: true, Detail: "turn it on"}},
			{name: "sign-in required", status: 401, body: `{"error":{"code":"DirectApiAuthorizationRequired","message":"…"}}`, want: Verdict{Permanent: true, Detail: "Anyone"}},
			{name: "removed", status: 404, body: `{"error":{"code":"WorkflowNotFound","message":"…"}}`, want: Verdict{Permanent: true, Detail: "account of its owner"}},
			{name: "other error", status: 400, body: `{"error":{"code":"X","message":"The schema is wrong."}}`, want: Verdict{Permanent: true, Detail: "The schema is wrong."}},
			{name: "old webhook", status: 200, body: "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429", want: Verdict{Detail: "delivery failed"}},
			{name: "bad gateway", status: 502, body: "<html>", want: Verdict{}},
		},
	}
}

func discordStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct {
				Content string
				Embeds  []struct {
					Title, Description, URL string
					Color                   int
				}
				AllowedMentions *struct{ Parse *[]string } `json:"allowed_mentions"`
			}
			if err := wantJSON(r, "/api/webhooks/1/hookSECRET", &body); err != nil {
				return err
			}
			u, _ := url.Parse(r.URL)
			switch {
			case u.RawQuery != "wait=true":
				return fmt.Errorf("query %s", u.RawQuery)
			case body.AllowedMentions == nil || body.AllowedMentions.Parse == nil || len(*body.AllowedMentions.Parse) != 0:
				return errors.New("mentions are allowed")
			case body.Content == "" || len(body.Embeds) != 1 || body.Embeds[0].Description == "" || body.Embeds[0].Title == "":
				return errors.New("50006: an empty message")
			case body.Embeds[0].Color <= 0 || body.Embeds[0].Color > 0xffffff:
				return errors.New("no color")
			}
			e := body.Embeds[0]
			return errors.Join(noMarkup(body.Content+"\n"+e.Title+"\n"+e.Description, "*_`~[|<"), atMostUTF16("content", body.Content, 2000),
				atMostUTF16("title", e.Title, 256), atMostUTF16("description", e.Description, 4096))
		},
		parts: readMarkdown,
		answers: []answer{
			{name: "posted", status: 200, body: `{"id":"1","content":"x"}`, want: Verdict{Sent: true}},
			{name: "posted without wait", status: 204, want: Verdict{Sent: true}},
			{name: "rate limit", status: 429, header: http.Header{"Retry-After": {"1"}}, body: `{"message":"You are being rate limited.","retry_after":1.337,"global":false}`, want: Verdict{RetryAfter: 1337 * time.Millisecond}},
			{name: "rate limit without header", status: 429, body: `{"message":"You are being rate limited.","retry_after":64.57,"global":true}`, want: Verdict{RetryAfter: 64570 * time.Millisecond}},
			{name: "rate limit of the proxy", status: 429, header: http.Header{"Retry-After": {"600"}}, body: "error code: 1015", want: Verdict{RetryAfter: 10 * time.Minute}},
			{name: "deleted", status: 404, body: `{"message":"Unknown Webhook","code":10015}`, want: Verdict{Permanent: true, Detail: "create a new one"}},
			{name: "wrong token", status: 401, body: `{"message":"Invalid Webhook Token","code":50027}`, want: Verdict{Permanent: true, Detail: "copy the URL again"}},
			{name: "forum", status: 400, body: `{"message":"…","code":220001}`, want: Verdict{Permanent: true, Detail: "?thread_id="}},
			{name: "server error", status: 500, want: Verdict{}},
		},
	}
}

// atMostUTF16 returns an error if a text is longer than the limit in UTF-16 code units.
func atMostUTF16(name, text string, limit int) error {
	if n := len(utf16.Encode([]rune(text))); n > limit {
		return fmt.Errorf("%s has %d code units; the limit is %d", name, n, limit)
	}
	return nil
}

func googleChatStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct {
				FallbackText string
				CardsV2      []struct {
					CardID string
					Card   struct {
						Sections []struct {
							Widgets []struct {
								TextParagraph *struct{ Text string }
								ButtonList    *struct {
									Buttons []struct {
										Text    string
										OnClick struct{ OpenLink struct{ URL string } }
									}
								}
							}
						}
					}
				}
				Thread struct{ ThreadKey string }
			}
			if err := wantJSON(r, "/v1/spaces/AAA/messages", &body); err != nil {
				return err
			}
			u, _ := url.Parse(r.URL)
			q := u.Query()
			switch {
			case q.Get("key") != "keySECRET" || q.Get("token") != "hookSECRET":
				return errors.New("unauthenticated")
			case q.Get("messageReplyOption") != "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD":
				return errors.New("the thread is ignored")
			case q.Get("requestId") == "" || body.Thread.ThreadKey == "" || len(body.Thread.ThreadKey) > 4000:
				return errors.New("no request id or thread key")
			case len(r.Body) > 32_000:
				return fmt.Errorf("%d bytes", len(r.Body))
			case len(body.CardsV2) != 1 || len(body.CardsV2[0].Card.Sections) != 1 || body.CardsV2[0].CardID == "" || body.FallbackText == "":
				return errors.New("no card")
			}
			widgets := body.CardsV2[0].Card.Sections[0].Widgets
			if len(widgets) == 0 || widgets[0].TextParagraph == nil {
				return errors.New("no text")
			}
			text := widgets[0].TextParagraph.Text
			return errors.Join(strictHTML(text, "b a br"), noMentions(text), noMentions(body.FallbackText))
		},
		parts: func(r Request) string { return html.UnescapeString(jsonText(r)) },
		answers: []answer{
			{name: "posted", status: 200, body: `{"name":"spaces/AAA/messages/BBB","thread":{"name":"spaces/AAA/threads/CCC"}}`, want: Verdict{Sent: true}},
			{name: "rate limit", status: 429, body: `{"error":{"code":429,"message":"Resource has been exhausted","status":"RESOURCE_EXHAUSTED"}}`, want: Verdict{}},
			{name: "rate limit with a delay", status: 429, body: `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"12.5s"}]}}`, want: Verdict{RetryAfter: 12500 * time.Millisecond}},
			{name: "rate limit with a date", status: 429, header: http.Header{"Retry-After": {"Mon, 30 Nov 2026 12:00:09 GMT"}}, want: Verdict{RetryAfter: 9 * time.Second}},
			{name: "not allowed", status: 403, body: `{"error":{"code":403,"status":"PERMISSION_DENIED"}}`, want: Verdict{Permanent: true, Detail: "organization allows"}},
			{name: "removed", status: 404, body: `{"error":{"code":404,"status":"NOT_FOUND"}}`, want: Verdict{Permanent: true, Detail: "add a new webhook"}},
			{name: "rejected", status: 400, body: `{"error":{"code":400,"message":"Message cannot be empty.","status":"INVALID_ARGUMENT"}}`, want: Verdict{Permanent: true, Detail: "Message cannot be empty."}},
			{name: "unavailable", status: 503, body: `{"error":{"code":503,"status":"UNAVAILABLE"}}`, want: Verdict{}},
		},
	}
}

func mattermostStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct{ Text string }
			if err := wantJSON(r, "/hooks/hookSECRET", &body); err != nil {
				return err
			}
			if body.Text == "" {
				return errors.New("web.incoming_webhook.text.app_error")
			}
			return errors.Join(noMarkup(body.Text, "*_`~[|"), atMost("text", body.Text, 16383))
		},
		parts: readMarkdown,
		answers: []answer{
			{name: "posted", status: 200, body: "ok", want: Verdict{Sent: true}},
			{name: "deleted", status: 400, body: `{"id":"web.incoming_webhook.invalid.app_error","message":"Invalid webhook.","status_code":400}`, want: Verdict{Permanent: true, Detail: "create a new one"}},
			{name: "disabled", status: 501, body: `{"id":"web.incoming_webhook.disabled.app_error","message":"Incoming webhooks have been disabled by the system admin.","status_code":501}`, want: Verdict{Detail: "must enable"}},
			{name: "channel", status: 404, body: `{"id":"web.incoming_webhook.channel.app_error","message":"Couldn't find the channel.","status_code":404}`, want: Verdict{Permanent: true, Detail: "select another one"}},
			{name: "other error", status: 400, body: `{"id":"web.incoming_webhook.decode.app_error","message":"Could not decode.","status_code":400}`, want: Verdict{Permanent: true, Detail: "Could not decode."}},
			{name: "rate limit", status: 429, header: http.Header{"Retry-After": {"5"}}, body: "limit exceeded", want: Verdict{RetryAfter: 5 * time.Second}},
			{name: "rate limit without a delay", status: 429, want: Verdict{}},
		},
	}
}

func rocketChatStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct {
				Text        string
				ParseURLs   *bool
				Attachments []struct{ Color, Text string }
			}
			if err := wantJSON(r, "/hooks/1/hookSECRET", &body); err != nil {
				return err
			}
			switch {
			case body.Text == "" || len(body.Attachments) != 1 || body.Attachments[0].Text == "":
				return errors.New("an empty message")
			case body.ParseURLs == nil || *body.ParseURLs:
				return errors.New("previews are on")
			case !regexp.MustCompile("^#[0-9a-f]{6}$").MatchString(body.Attachments[0].Color):
				return fmt.Errorf("color %s", body.Attachments[0].Color)
			}
			text := body.Attachments[0].Text
			own := regexp.MustCompile(`(?m)^\*[^*\n]+\*`).ReplaceAllString(text, "") // labels
			for _, part := range []string{"](y)", "<@", "<!"} {
				if strings.Contains(codeBlocks.ReplaceAllString(body.Text+"\n"+text, ""), part) {
					return fmt.Errorf("live markup: %s", part)
				}
			}
			return errors.Join(noMarkup(body.Text, "*`~"), noMarkup(own, "*`~"), atMostUTF16("text", body.Text, 5000), atMostUTF16("attachment", text, 5000))
		},
		parts: func(r Request) string {
			var body json.RawMessage = r.Body
			return strings.ReplaceAll(jsonText(Request{Body: body}), "\u200b", "")
		},
		answers: []answer{
			{name: "posted", status: 200, body: `{"success":true}`, want: Verdict{Sent: true}},
			{name: "failed with 200", status: 200, body: `{"success":false,"error":"invalid-channel"}`, want: Verdict{Permanent: true, Detail: "select another one"}},
			{name: "unknown failure with 200", status: 200, body: `{"success":false,"error":"unknown-error"}`, want: Verdict{Detail: "unknown-error"}},
			{name: "deleted", status: 400, body: `{"success":false,"error":"Invalid integration id or token provided."}`, want: Verdict{Permanent: true, Detail: "create a new one"}},
			{name: "too long", status: 400, body: `{"success":false,"error":"error-message-size-exceeded"}`, want: Verdict{Permanent: true, Detail: "Message_MaxAllowedSize to 5000"}},
			{name: "turned off", status: 503, body: `{"success":false,"error":"Service Unavailable"}`, want: Verdict{Detail: "Service Unavailable"}},
			{name: "rate limit", status: 429, body: `{"success":false,"error":"Error, too many requests. Please slow down. You must wait 23 seconds before trying this endpoint again. [error-too-many-requests]"}`, want: Verdict{RetryAfter: 23 * time.Second}},
			{name: "rate limit with 400", status: 400, body: `{"success":false,"error":"Error, too many requests. Please slow down. You must wait 3 seconds before trying again. [error-too-many-requests]"}`, want: Verdict{RetryAfter: 3 * time.Second}},
			{name: "rate limit of a proxy", status: 429, header: http.Header{"Retry-After": {"2"}}, want: Verdict{RetryAfter: 2 * time.Second}},
		},
	}
}
