package provider

import (
	"fmt"
	"strconv"
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

const telegramURL = "https://api.telegram.org"

// maxTelegramText is the maximum size of a message (Telegram Bot API, sendMessage: 4096 characters after the entities
// are parsed). The markup is counted too, so no message is too long.
const maxTelegramText = 4096

// telegram posts as a bot to a chat of Telegram. Later messages about an incident reply to the first.
func telegram() Service {
	return Service{
		Name: "telegram", Label: "Telegram", Group: GroupChat,
		Help: "Posts to a group, a channel or a person on Telegram, as a bot.",
		Setup: []string{
			"In Telegram, open a chat with **@BotFather**, send **/newbot**, and copy the token.",
			"Add the bot to the group, or as an administrator to the channel. A person must send **/start** to the bot first.",
			"Send a message to the group, open https://api.telegram.org/bot, followed by the token and /getUpdates, and copy the id of the chat. The id of a group is negative.",
		},
		Fields: []setting.Field{
			{Name: "token", Label: "Bot token", Type: setting.FieldSecret, Secret: true, Required: true, Check: telegramToken, Placeholder: "123456:ABC-…", Help: "From @BotFather."},
			{Name: "chat_id", Label: "Chat id", Type: setting.FieldText, Required: true, Check: telegramChat, Placeholder: "-1001234567890", Help: "Id of a chat, or the @name of a public channel."},
			{Name: "thread_id", Label: "Topic id", Type: setting.FieldText, Check: telegramTopic, Help: "Only for a group with topics: the message_thread_id of the topic."},
			baseURL(telegramURL, "Only for your own Bot API server."),
		},
		Can:    Abilities{Thread: true, Severity: true, Tested: TestedDocumented},
		Render: renderTelegram, Interpret: interpretTelegram,
	}
}

// telegramToken accepts tokens that can be part of a path.
func telegramToken(text string) (normal, problem string) {
	text = strings.TrimPrefix(text, "bot")
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_") != "" {
		return "", "A bot token has digits, a colon, and letters, such as 123456:ABC-DEF. Copy it from @BotFather."
	}
	return text, ""
}

func telegramChat(text string) (normal, problem string) {
	if _, err := strconv.ParseInt(text, 10, 64); err != nil && !strings.HasPrefix(text, "@") {
		return "", "Enter a number such as -1001234567890, or the name of a public channel with @."
	}
	return text, ""
}

func telegramTopic(text string) (normal, problem string) {
	if id, err := strconv.ParseInt(text, 10, 64); err != nil || id < 1 {
		return "", "Enter the number of the topic."
	}
	return text, ""
}

// renderTelegram returns one request. The links are part of the text: Telegram rejects a message with a button whose
// address has no public host name, and shows a link to it as text.
func renderTelegram(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	body := map[string]any{
		"chat_id": set.Text("chat_id"), "parse_mode": "HTML",
		"text":                 layout{markup: telegramMarkup(), limit: maxTelegramText, size: utf16Count}.text(m),
		"link_preview_options": map[string]any{"is_disabled": true},
		"disable_notification": isQuiet(n, m),
	}
	if topic, err := strconv.ParseInt(set.Text("thread_id"), 10, 64); err == nil {
		body["message_thread_id"] = topic
	}
	if first, err := strconv.ParseInt(n.Thread, 10, 64); err == nil && !n.IsEvent(message.EventOpened) {
		body["reply_parameters"] = map[string]any{"message_id": first, "allow_sending_without_reply": true}
	}
	r, err := newJSON(base(set, telegramURL)+"/bot"+set.Text("token")+"/sendMessage", body)
	return []Request{r}, err
}

// telegramMarkup is the HTML of the Bot API. A zero width space separates @ from names, which would be mentions.
func telegramMarkup() markup {
	m := htmlMarkup("\n")
	escape, output := m.escape, m.output
	m.escape = func(text string) string { return inertMentions.Replace(escape(text)) }
	m.output = func(text string) string { return inertMentions.Replace(output(text)) }
	return m
}

// interpretTelegram interprets a response. A group that became a supergroup has a new id, which the response names.
func interpretTelegram(r Response) Verdict {
	var body struct {
		OK          *bool  `json:"ok"`
		ErrorCode   int    `json:"error_code"`
		Description string `json:"description"`
		Result      struct {
			MessageID int64 `json:"message_id"`
		} `json:"result"`
		Parameters struct {
			MigrateTo  int64   `json:"migrate_to_chat_id"`
			RetryAfter float64 `json:"retry_after"`
		} `json:"parameters"`
	}
	if !decode(r.Body, &body) {
		return InterpretStatus(r)
	}
	if r.Status < 300 && body.OK != nil && !*body.OK && body.ErrorCode >= 300 {
		r.Status = body.ErrorCode
	}
	v := InterpretStatus(r)
	switch {
	case v.Sent && body.OK != nil && !*body.OK:
		return Verdict{Detail: "Telegram answered: " + body.Description}
	case v.Sent:
		if body.Result.MessageID != 0 {
			v.Thread = strconv.FormatInt(body.Result.MessageID, 10)
		}
	case body.Parameters.MigrateTo != 0:
		id := strconv.FormatInt(body.Parameters.MigrateTo, 10)
		return Verdict{
			Repeat: true, Settings: setting.Values{"chat_id": id},
			Detail: fmt.Sprintf("The group became a supergroup with the id %s.", id),
		}
	case !v.Permanent:
		v.RetryAfter = max(v.RetryAfter, seconds2delay(body.Parameters.RetryAfter))
	default:
		v.Detail = telegramAdvice(r.Status, body.Description)
	}
	return v
}

// telegramAdvice explains an error of Telegram and says what to do, or returns "".
func telegramAdvice(status int, description string) string {
	for part, advice := range map[string]string{
		"chat not found":                "add the bot to the group or channel, or send it /start, and check the chat id.",
		"bot was blocked":               "the person must unblock the bot.",
		"bot was kicked":                "add the bot to the group again.",
		"bot is not a member":           "add the bot to the group or channel.",
		"not enough rights":             "allow the bot to send messages in the group.",
		"message thread not found":      "the topic was deleted: remove the topic id, or enter another one.",
		"TOPIC_CLOSED":                  "open the topic again, or enter the id of another one.",
		"bot can't initiate":            "the person must send /start to the bot first.",
		"user is deactivated":           "the account does not exist any more: enter another chat id.",
		"need administrator rights in ": "make the bot an administrator of the channel.",
	} {
		if strings.Contains(description, part) {
			return description + ": " + advice
		}
	}
	if status == 401 || status == 404 {
		return description + ": the bot token is not valid. Copy it again from @BotFather."
	}
	return description
}
