package provider

import (
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

const webexURL = "https://webexapis.com"

// maxWebexText is the maximum size of a message in bytes (Webex API reference, Create a Message, 2026).
const maxWebexText = 7439

// webex posts to a space of Webex as a bot. Messages are no replies: Webex rejects a reply to a deleted message.
func webex() Service {
	return Service{
		Name: "webex", Label: "Webex", Group: GroupChat,
		Help: "Posts to a space of Webex, as a bot.",
		Setup: []string{
			"Sign in to developer.webex.com, open **My Webex Apps** in the menu of your profile, and choose **Create a Bot**.",
			"Copy the bot access token, which is shown only once.",
			"In Webex, add the bot to the space by its email address.",
			"The id of the space is in the response of GET https://webexapis.com/v1/rooms with the token of the bot.",
		},
		Fields: []setting.Field{
			{Name: "token", Label: "Bot access token", Type: setting.FieldSecret, Secret: true, Required: true, Help: "Of the bot. A personal access token expires after 12 hours."},
			{Name: "room_id", Label: "Room id", Type: setting.FieldText, Required: true, Placeholder: "Y2lzY29zcGFyazovL…", Help: "Id of the space."},
			baseURL(webexURL, "Only for a proxy in front of the API."),
		},
		Can:    Abilities{Tested: TestedRecorded},
		Render: renderWebex, Interpret: interpretWebex,
	}
}

// renderWebex returns one request.
func renderWebex(set setting.Values, n message.Notification) ([]Request, error) {
	r, err := newJSON(base(set, webexURL)+"/v1/messages", map[string]any{
		"roomId":   set.Text("room_id"),
		"markdown": layout{markup: webexMarkup(), limit: maxWebexText, size: byteCount, newline: "  \n"}.text(n.Message()),
	})
	if err != nil {
		return nil, err
	}
	return []Request{bearer(r, set.Text("token"))}, nil
}

// webexMarkup is the Markdown of Webex (CommonMark). It can contain HTML and mentions such as <@all>, so < is an entity.
// An address is in angle brackets, because CommonMark does not detect it otherwise.
func webexMarkup() markup {
	entities := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	escape := backslash("\\`*_~[]|")
	return markup{
		escape: outsideURLs(func(text string) string {
			return strings.ReplaceAll(entities.Replace(escape(text)), "\n", "  \n")
		}, func(address string) string { return "<" + address + ">" }),
		strong: func(text string) string { return "**" + text + "**" },
		link:   markdownLink,
		output: codeBlock,
	}
}

// interpretWebex explains errors.
func interpretWebex(r Response) Verdict {
	v := InterpretStatus(r)
	var body struct {
		Message string `json:"message"`
	}
	if v.Sent || !decode(r.Body, &body) {
		return v
	}
	switch {
	case r.Status == 401:
		v.Detail = "The bot access token is not valid: regenerate it at developer.webex.com, My Webex Apps."
	case r.Status == 403 || r.Status == 404:
		v.Detail = "The bot is not in the space, or the space does not exist: add the bot to the space, and check the room id."
	case v.Permanent && body.Message != "":
		v.Detail = "Webex answered: " + body.Message
	}
	return v
}
