package provider

import (
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"overdue/internal/notify/setting"
)

// telegramStandIn checks what the Bot API rejects.
func telegramStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct {
				ChatID    string `json:"chat_id"`
				Text      string
				ParseMode string `json:"parse_mode"`
				ThreadID  int    `json:"message_thread_id"`
				Preview   struct {
					IsDisabled bool `json:"is_disabled"`
				} `json:"link_preview_options"`
			}
			if err := wantJSON(r, "/bot123456:tgSECRET/sendMessage", &body); err != nil {
				return err
			}
			switch {
			case body.ChatID != "-1001" && body.ChatID != "@alerts":
				return errors.New("chat not found")
			case body.ChatID == "-1001" && body.ThreadID != 7:
				return errors.New("not in the topic")
			case body.ParseMode != "HTML" || !body.Preview.IsDisabled:
				return errors.New("the parse mode is wrong, or previews are on")
			case body.Text == "":
				return errors.New("message text is empty")
			}
			return errors.Join(strictHTML(body.Text, "b a pre"), noMentions(body.Text), atMostUTF16("text", body.Text, 4096))
		},
		parts: func(r Request) string { return html.UnescapeString(jsonText(r)) },
		answers: []answer{
			{name: "posted", status: 200, body: `{"ok":true,"result":{"message_id":4711,"chat":{"id":-1001}}}`, want: Verdict{Sent: true, Thread: "4711"}},
			{name: "not ok with 200", status: 200, body: `{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked from the group chat"}`, want: Verdict{Permanent: true, Detail: "add the bot to the group again"}},
			{name: "not ok with 200 and without a code", status: 200, body: `{"ok":false,"description":"Internal"}`, want: Verdict{Detail: "Internal"}},
			{name: "rate limit", status: 429, body: `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}}`, want: Verdict{RetryAfter: 35 * time.Second}},
			{name: "rate limit with header", status: 429, header: http.Header{"Retry-After": {"40"}}, body: `{"ok":false,"error_code":429,"parameters":{"retry_after":35}}`, want: Verdict{RetryAfter: 40 * time.Second}},
			{
				name: "supergroup", status: 400, body: `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1001234567890}}`,
				want: Verdict{Repeat: true, Settings: setting.Values{"chat_id": "-1001234567890"}},
			},
			{name: "no such chat", status: 400, body: `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`, want: Verdict{Permanent: true, Detail: "add the bot to the group"}},
			{name: "blocked", status: 403, body: `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`, want: Verdict{Permanent: true, Detail: "unblock"}},
			{name: "wrong token", status: 401, body: `{"ok":false,"error_code":401,"description":"Unauthorized"}`, want: Verdict{Permanent: true, Detail: "@BotFather"}},
			{name: "no token", status: 404, body: `{"ok":false,"error_code":404,"description":"Not Found"}`, want: Verdict{Permanent: true, Detail: "@BotFather"}},
			{name: "server error", status: 502, body: "<html>", want: Verdict{}},
		},
	}
}

// matrixStandIn checks what a Matrix server rejects.
func matrixStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct {
				MsgType, Body, Format string
				FormattedBody         string          `json:"formatted_body"`
				Mentions              *map[string]any `json:"m.mentions"`
			}
			u, err := url.Parse(r.URL)
			if err != nil {
				return err
			}
			txn, found := strings.CutPrefix(u.EscapedPath(), "/_matrix/client/v3/rooms/%21room:example.com/send/m.room.message/")
			if !found || txn == "" || strings.Contains(txn, "/") {
				return fmt.Errorf("path %s", u.EscapedPath())
			}
			if r.Method != http.MethodPut {
				return fmt.Errorf("method %s", r.Method)
			}
			r.Method = ""
			if err := wantJSON(r, u.Path, &body); err != nil {
				return err
			}
			switch {
			case r.Header.Get("Authorization") != "Bearer syt_SECRET" || u.RawQuery != "":
				return errors.New("M_MISSING_TOKEN")
			case body.MsgType != "m.text" && body.MsgType != "m.notice":
				return fmt.Errorf("msgtype %s", body.MsgType)
			case body.Body == "" || body.Format != "org.matrix.custom.html" || body.FormattedBody == "":
				return errors.New("M_BAD_JSON")
			case body.Mentions == nil || len(*body.Mentions) != 0:
				return errors.New("mentions are detected in the text")
			case len(r.Body) > 60_000:
				return fmt.Errorf("M_TOO_LARGE: %d bytes", len(r.Body))
			}
			return errors.Join(strictHTML(body.FormattedBody, "b a br pre code"), noMentions(body.Body), noMentions(body.FormattedBody))
		},
		parts: jsonText,
		answers: []answer{
			{name: "posted", status: 200, body: `{"event_id":"$abc"}`, want: Verdict{Sent: true, Thread: "$abc"}},
			{name: "rate limit", status: 429, body: `{"errcode":"M_LIMIT_EXCEEDED","error":"Too Many Requests","retry_after_ms":1500}`, want: Verdict{RetryAfter: 1500 * time.Millisecond}},
			{name: "rate limit with header", status: 429, header: http.Header{"Retry-After": {"2"}}, body: `{"errcode":"M_LIMIT_EXCEEDED","error":"Too Many Requests"}`, want: Verdict{RetryAfter: 2 * time.Second}},
			{name: "token", status: 401, body: `{"errcode":"M_UNKNOWN_TOKEN","error":"Unknown token"}`, want: Verdict{Permanent: true, Detail: "sign in again"}},
			{name: "not in the room", status: 403, body: `{"errcode":"M_FORBIDDEN","error":"user not joined"}`, want: Verdict{Permanent: true, Detail: "accept the invitation"}},
			{name: "no such room", status: 404, body: `{"errcode":"M_NOT_FOUND","error":"Room not found"}`, want: Verdict{Permanent: true, Detail: "check the room id"}},
			{name: "no such room on Dendrite", status: 400, body: `{"errcode":"M_UNSUPPORTED_ROOM_VERSION","error":"QueryRoomVersionForRoom: missing room info for room !unknown:localhost"}`, want: Verdict{Permanent: true, Detail: "check the room id"}},
			{name: "no Matrix server", status: 404, body: `{"errcode":"M_UNRECOGNIZED","error":"Unrecognized request"}`, want: Verdict{Permanent: true, Detail: "address of the homeserver"}},
			{name: "too large", status: 413, body: `{"errcode":"M_TOO_LARGE","error":"event too large"}`, want: Verdict{Permanent: true, Detail: "event too large (M_TOO_LARGE)"}},
			{name: "server error", status: 502, body: "", want: Verdict{}},
		},
	}
}

// zulipStandIn checks what Zulip rejects or cuts.
func zulipStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			u, err := url.Parse(r.URL)
			form, bad := url.ParseQuery(string(r.Body))
			if err != nil || bad != nil || u.Path != "/api/v1/messages" {
				return fmt.Errorf("path %s: %w", u.Path, errors.Join(err, bad))
			}
			switch {
			case r.Method != "" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded":
				return errors.New("not a form")
			case r.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("bot@example.com:zulipSECRET")):
				return errors.New("INVALID_API_KEY")
			case form.Get("type") != "stream" || form.Get("to") != "alerts":
				return errors.New("STREAM_DOES_NOT_EXIST")
			case form.Get("topic") == "" || form.Get("content") == "":
				return errors.New("REQUEST_VARIABLE_MISSING")
			case len(form.Get("content")) > 10_000:
				return fmt.Errorf("%d bytes are cut", len(form.Get("content")))
			}
			return errors.Join(atMost("topic", form.Get("topic"), 60), noMarkup(form.Get("content"), "*`~[|<@$"))
		},
		parts: func(r Request) string {
			form, _ := url.ParseQuery(string(r.Body))
			return html.UnescapeString(form.Get("content"))
		},
		answers: []answer{
			{name: "posted", status: 200, body: `{"id":42,"msg":"","result":"success"}`, want: Verdict{Sent: true}},
			{name: "rate limit", status: 429, header: http.Header{"Retry-After": {"29"}}, body: `{"code":"RATE_LIMIT_HIT","msg":"API usage exceeded rate limit","result":"error","retry-after":28.706807374954224}`, want: Verdict{RetryAfter: 29 * time.Second}},
			{name: "rate limit without header", status: 429, body: `{"code":"RATE_LIMIT_HIT","msg":"API usage exceeded rate limit","result":"error","retry-after":28.5}`, want: Verdict{RetryAfter: 28500 * time.Millisecond}},
			{name: "rate limit with 200", status: 200, body: `{"code":"RATE_LIMIT_HIT","msg":"API usage exceeded rate limit","result":"error","retry-after":3}`, want: Verdict{RetryAfter: 3 * time.Second}},
			{name: "no channel", status: 400, body: `{"code":"STREAM_DOES_NOT_EXIST","msg":"Channel 'x' does not exist","result":"error","stream":"x"}`, want: Verdict{Permanent: true, Detail: "check the name"}},
			{name: "error with 200", status: 200, body: `{"code":"STREAM_DOES_NOT_EXIST","msg":"Channel 'x' does not exist","result":"error"}`, want: Verdict{Permanent: true, Detail: "check the name"}},
			{name: "not allowed", status: 400, body: `{"code":"BAD_REQUEST","msg":"Not authorized to send to channel 'x'","result":"error"}`, want: Verdict{Permanent: true, Detail: "Not authorized"}},
			{name: "key", status: 401, body: `{"code":"INVALID_API_KEY","msg":"Invalid API key","result":"error"}`, want: Verdict{Permanent: true, Detail: "copy it again"}},
			{name: "server error", status: 500, body: "<html>", want: Verdict{}},
		},
	}
}

func webexStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			var body struct{ RoomID, Markdown string }
			if err := wantJSON(r, "/v1/messages", &body); err != nil {
				return err
			}
			switch {
			case r.Header.Get("Authorization") != "Bearer webexSECRET":
				return errors.New("401")
			case body.RoomID != "Y2lzY28":
				return errors.New("could not find a room with provided ID")
			case body.Markdown == "" || len(body.Markdown) > 7439:
				return fmt.Errorf("%d bytes", len(body.Markdown))
			case regexp.MustCompile("<[@b!]").MatchString(codeBlocks.ReplaceAllString(body.Markdown, "")):
				return errors.New("a live element")
			}
			return noMarkup(body.Markdown, "*_`~[|")
		},
		parts: readMarkdown,
		answers: []answer{
			{name: "posted", status: 200, body: `{"id":"Y2lzY29tZXNzYWdl","roomId":"Y2lzY28"}`, want: Verdict{Sent: true}},
			{name: "rate limit", status: 429, header: http.Header{"Retry-After": {"64"}}, body: `{"message":"Too many requests"}`, want: Verdict{RetryAfter: 64 * time.Second}},
			{name: "token", status: 401, body: `{"message":"The request requires a valid access token set in the Authorization request header.","trackingId":"x"}`, want: Verdict{Permanent: true, Detail: "regenerate it"}},
			{name: "not in the space", status: 404, body: `{"message":"Could not find a room with provided ID.","trackingId":"x"}`, want: Verdict{Permanent: true, Detail: "add the bot to the space"}},
			{name: "rejected", status: 400, body: `{"message":"Message is too long.","trackingId":"x"}`, want: Verdict{Permanent: true, Detail: "Message is too long."}},
			{name: "unavailable", status: 503, want: Verdict{}},
		},
	}
}
