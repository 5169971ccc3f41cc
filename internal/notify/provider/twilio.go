package provider

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

const twilioURL = "https://api.twilio.com"

// maxTwilioMessage is the maximum number of characters of a message. Twilio accepts 1,600 and charges for each segment of
// at most 160; 320 characters are two or three segments.
const maxTwilioMessage = 320

// twilio sends text messages to phones.
func twilio() Service {
	return Service{
		Name: "twilio", Label: "Twilio", Group: GroupPhone,
		Help: "Sends text messages (SMS) with your Twilio account, one per number. Each costs money.",
		Setup: []string{
			"Open the Twilio Console. The **Account SID** and the **Auth Token** are in the section **Account Info**.",
			"Under **Phone Numbers**, **Manage**, **Active numbers**, choose the number that sends. Or use the SID of a service from **Messaging**, **Services**.",
			"A trial account sends only to numbers that are listed under **Verified Caller IDs**.",
		},
		Fields: []setting.Field{
			{Name: "account_sid", Label: "Account SID", Type: setting.FieldText, Required: true, Check: twilioAccount, Placeholder: "AC…", Help: "It begins with AC."},
			{Name: "auth_token", Label: "Auth token", Type: setting.FieldSecret, Secret: true, Required: true, Help: "Of the account."},
			{Name: "from", Label: "From", Type: setting.FieldText, Required: true, Placeholder: "+15005550006", Help: "Number, sender name, or SID of a messaging service (MG…)."},
			{Name: "to", Label: "To", Type: setting.FieldList, Required: true, Check: phoneNumber, Placeholder: "+491511234567", Help: "Numbers with + and the country code."},
			baseURL(twilioURL, "For another region, such as https://api.dublin.ie1.twilio.com."),
		},
		Can:        Abilities{Tested: TestedDocumented},
		Recipients: func(set setting.Values) []string { return set.List("to") },
		Render:     renderTwilio, Interpret: interpretTwilio,
	}
}

var (
	twilioAccountPattern = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	phonePattern         = regexp.MustCompile(`^\+[1-9][0-9]{5,14}$`)
	phoneSeparators      = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "/", "")
)

// twilioAccount accepts the SID of an account.
func twilioAccount(text string) (normal, problem string) {
	if !twilioAccountPattern.MatchString(text) {
		return "", "Enter AC followed by 32 letters a to f and digits."
	}
	return text, ""
}

// phoneNumber accepts a number with its country code (E.164), with separators.
func phoneNumber(text string) (normal, problem string) {
	normal = phoneSeparators.Replace(text)
	if !phonePattern.MatchString(normal) {
		return "", fmt.Sprintf("%q is not a phone number with + and the country code, such as +491511234567.", text)
	}
	return normal, ""
}

// renderTwilio returns one request per number.
func renderTwilio(set setting.Values, n message.Notification) ([]Request, error) {
	form := url.Values{"Body": {shortText(n.Message(), maxTwilioMessage)}}
	if from := set.Text("from"); strings.HasPrefix(from, "MG") && len(from) == 34 {
		form.Set("MessagingServiceSid", from)
	} else {
		form.Set("From", from)
	}
	var requests []Request
	for _, to := range set.List("to") {
		form.Set("To", to)
		r := basic(newForm(base(set, twilioURL)+"/2010-04-01/Accounts/"+url.PathEscape(set.Text("account_sid"))+"/Messages.json", form),
			set.Text("account_sid"), set.Text("auth_token"))
		r.Recipient = to
		requests = append(requests, r)
	}
	return requests, nil
}

// smsCharacters replaces punctuation that is not in the GSM alphabet: with it, a segment has 70 characters instead of 160.
var smsCharacters = strings.NewReplacer("…", "...", "“", `"`, "”", `"`, "’", "'", "–", "-", "—", "-", "→", "->", "\u00a0", " ", "\u202f", " ")

// shortText returns the subject, the lead and the first link, as far as they fit.
func shortText(m message.Message, limit int) string {
	subject, lead, link := smsCharacters.Replace(m.Subject), smsCharacters.Replace(m.Lead), ""
	if url := openURL(m); url != "" && runeCount(url) < limit/2 {
		link = "\n" + url
	}
	text := subject + "\n" + lead
	if room := limit - runeCount(link); runeCount(text) > room {
		text = smsCharacters.Replace(message.Shorten(text, room-len("..")))
	}
	return text + link
}

// interpretTwilio adds advice to the errors that people can fix. A message that a network rejects later is not reported.
func interpretTwilio(r Response) Verdict {
	v := InterpretStatus(r)
	var body struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if v.Sent {
		v.Detail = "Accepted by Twilio."
		return v
	}
	if !decode(r.Body, &body) {
		return v
	}
	advice := map[int]string{
		20003: "The account SID or the auth token is not valid: copy both again from the Twilio Console.",
		21211: "The number is not valid: correct it.",
		21408: "Messages to this country are not allowed: open Messaging, Settings, Geo permissions in the Twilio Console.",
		21606: "The account has no such sender: choose one of its numbers.",
		21608: "A trial account sends only to verified numbers: add it under Verified Caller IDs.",
		21610: "The recipient answered STOP: the recipient must send START to your number.",
		21614: "The number cannot receive text messages: enter a mobile number.",
	}[body.Code]
	switch {
	case advice != "":
		v.Detail = fmt.Sprintf("%s (%d)", advice, body.Code)
	case body.Message != "" && body.Code != 0:
		v.Detail = fmt.Sprintf("%s (%d)", body.Message, body.Code)
	}
	if r.Status == http.StatusUnauthorized && v.Detail == "" {
		v.Detail = "The account SID or the auth token is not valid (401)."
	}
	return v
}
