package provider

import (
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"

	"overdue/internal/notify/message"
	"overdue/internal/notify/message/messagetest"
	"overdue/internal/notify/provider/providertest"
	"overdue/internal/notify/setting"
)

// renderChat returns the only request of a chat for a notification, with the settings of the first sample and more.
func renderChat(t *testing.T, name string, more setting.Values, n message.Notification) Request {
	t.Helper()
	all := All()
	s := all[slices.IndexFunc(all, func(s Service) bool { return s.Name == name })]
	set := setting.Values{}
	for _, values := range []setting.Values{providertest.Samples("https://service.example")[name][0], more} {
		for key, value := range values {
			set[key] = value
		}
	}
	requests, err := s.Render(set, n)
	if err != nil || len(requests) != 1 {
		t.Fatalf("%d requests, %v", len(requests), err)
	}
	return requests[0]
}

// members decodes a JSON body.
func members(t *testing.T, r Request) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatal(err)
	}
	return body
}

func TestRenderTelegram_LaterMessagesReplyToTheFirst(t *testing.T) {
	n := messagetest.FailedBackup(message.EventResolved)
	n.Thread = "4711"
	reply, _ := members(t, renderChat(t, "telegram", nil, n))["reply_parameters"].(map[string]any)
	if reply["message_id"] != 4711.0 || reply["allow_sending_without_reply"] != true {
		t.Errorf("reply_parameters %v; want the number of the first message, also if it was deleted", reply)
	}
	for _, thread := range []string{"", "no number"} {
		n.Thread = thread
		if reply, found := members(t, renderChat(t, "telegram", nil, n))["reply_parameters"]; found {
			t.Errorf("thread %q: reply_parameters %v", thread, reply)
		}
	}
}

func TestRenderMatrix_LaterMessagesReplyToTheFirst(t *testing.T) {
	n := messagetest.FailedBackup(message.EventReminder)
	n.Thread = "$first"
	body := members(t, renderChat(t, "matrix", nil, n))
	relation, _ := body["m.relates_to"].(map[string]any)
	reply, _ := relation["m.in_reply_to"].(map[string]any)
	if reply["event_id"] != "$first" || relation["rel_type"] != nil {
		t.Errorf("relation %v; want a reply, which is visible outside threads", relation)
	}
	n.Event = message.EventOpened
	if relation, found := members(t, renderChat(t, "matrix", nil, n))["m.relates_to"]; found {
		t.Errorf("an opening has the relation %v", relation)
	}
}

func TestRenderMatrix_TheTransactionIsTheAlert(t *testing.T) {
	n := messagetest.FailedBackup(message.EventOpened)
	n.AlertID = "a/1 ?#"
	if r := renderChat(t, "matrix", nil, n); !strings.HasSuffix(r.URL, "/send/m.room.message/a%2F1%20%3F%23") {
		t.Errorf("URL %s; want the escaped alert id as the transaction id", r.URL)
	}
}

func TestRenderGoogleChat_TheIncidentIsTheThread(t *testing.T) {
	opened := renderChat(t, "google_chat", nil, messagetest.FailedBackup(message.EventOpened))
	n := messagetest.FailedBackup(message.EventResolved)
	n.AlertID = "another"
	resolved := renderChat(t, "google_chat", nil, n)
	first, last := members(t, opened)["thread"], members(t, resolved)["thread"]
	if a, b := first.(map[string]any)["threadKey"], last.(map[string]any)["threadKey"]; a != b || a != "0199a1b2-incident" {
		t.Errorf("thread keys %v and %v; want the incident", a, b)
	}
	u, err := url.Parse(resolved.URL)
	if err != nil || u.Query().Get("requestId") != "another" {
		t.Errorf("URL %s, %v; want the alert as the request id", resolved.URL, err)
	}
}

func TestRenderZulip_EachHeartbeatHasItsTopic(t *testing.T) {
	n := messagetest.FailedBackup(message.EventOpened)
	n.Heartbeat = strings.Repeat("ü", 61)
	for fixed, want := range map[string]string{"": strings.Repeat("ü", 59) + "…", "incidents": "incidents"} {
		form, err := url.ParseQuery(string(renderChat(t, "zulip", setting.Values{"topic": fixed}, n).Body))
		if err != nil || form.Get("topic") != want {
			t.Errorf("topic setting %q: topic %q, %v; want %q", fixed, form.Get("topic"), err, want)
		}
	}
}

func TestRenderChats_AddressesInTextsOpen(t *testing.T) {
	const address = "https://wiki.example.com/run_book/_disk_full_?a=1&b=2#step-2"
	n := messagetest.FailedBackup(message.EventOpened)
	n.Description = "Runbook: " + address + " (for *everyone*)."
	for _, name := range []string{"teams", "discord", "mattermost", "rocketchat", "zulip", "webex"} {
		r := renderChat(t, name, nil, n)
		text := jsonText(r)
		if name == "zulip" {
			form, _ := url.ParseQuery(string(r.Body))
			text = form.Get("content")
		}
		if !strings.Contains(text, address) {
			t.Errorf("%s: the address is changed in\n%s", name, text)
		}
	}
	for _, name := range []string{"telegram", "matrix", "google_chat"} {
		if text := jsonText(renderChat(t, name, nil, n)); !strings.Contains(text, strings.ReplaceAll(address, "&", "&amp;")) {
			t.Errorf("%s: the address is changed in\n%s", name, text)
		}
	}
}

func TestRenderChats_OnlyMessagesThatNeedActionMakeASound(t *testing.T) {
	for event, quiet := range map[string]bool{message.EventOpened: false, message.EventReminder: false, message.EventResolved: true, message.EventAcknowledged: true} {
		n := messagetest.FailedBackup(event)
		if got := members(t, renderChat(t, "telegram", nil, n))["disable_notification"]; got != quiet {
			t.Errorf("%s, Telegram: disable_notification %v", event, got)
		}
		if got := members(t, renderChat(t, "matrix", nil, n))["msgtype"] == "m.notice"; got != quiet {
			t.Errorf("%s, Matrix: notice %v", event, got)
		}
	}
	n := messagetest.FailedBackup(message.EventOpened)
	n.Notice.Heartbeat.Severity = "info"
	if got := members(t, renderChat(t, "telegram", nil, n))["disable_notification"]; got != true {
		t.Errorf("severity info: disable_notification %v", got)
	}
}

func TestTeamsCard_IsShortenedUntilItFits(t *testing.T) {
	n := messagetest.FailedBackup(message.EventOpened)
	n.Description, n.Output = strings.Repeat("a\n", 2500), strings.Repeat("b\n", 1000)
	r := renderChat(t, "teams", nil, n)
	if len(r.Body) > maxTeamsBody || len(r.Body) < maxTeamsBody/8 {
		t.Errorf("%d bytes; want at most %d, and not an empty card", len(r.Body), maxTeamsBody)
	}
	if text := jsonText(r); !strings.Contains(text, "Failure, exit code 3") || !strings.Contains(text, "/acknowledge") {
		t.Errorf("the facts or the links are missing in\n%s", text)
	}
}

func TestFields_ChatsRejectValuesThatCannotWork(t *testing.T) {
	for _, test := range []struct {
		name, field, value string
		ok                 bool
	}{
		{"telegram", "token", "123:abc/../x", false},
		{"telegram", "token", "123456:AB-c_d", true},
		{"telegram", "chat_id", "alerts", false},
		{"telegram", "chat_id", "@alerts", true},
		{"telegram", "chat_id", "-100123", true},
		{"telegram", "thread_id", "0", false},
		{"telegram", "thread_id", "12", true},
		{"matrix", "room_id", "#alerts:example.com", false},
		{"matrix", "room_id", "!abc:example.com", true},
	} {
		all := All()
		s := all[slices.IndexFunc(all, func(s Service) bool { return s.Name == test.name })]
		f := s.Fields[slices.IndexFunc(s.Fields, func(f setting.Field) bool { return f.Name == test.field })]
		if _, problem := f.Normalize(test.value); (problem == "") != test.ok {
			t.Errorf("%s, %s %q: problem %q", test.name, test.field, test.value, problem)
		}
	}
}

func TestEscapeRocketChat_KeepsNamesReadable(t *testing.T) {
	for text, want := range map[string]string{
		"nightly_backup_db1": "nightly_backup_db1",
		"_x_":                "\u02cdx_",
		"a__b":               "a\u02cd\u02cdb",
		"*/5 * * * *":        "\u2217/5 \u2217 \u2217 \u2217 \u2217",
		"> quote\n- item":    "\u200b> quote\n\u200b- item",
		"05:00:04":           "05:00:04",
		":smile:":            ":\u200bsmile:",
	} {
		if got := escapeRocketChat(text); got != want {
			t.Errorf("%q became %q; want %q", text, got, want)
		}
	}
}

func TestRenderChats_LimitsHoldForOtherAlphabets(t *testing.T) {
	fakes := chatStandIns()
	for _, text := range []string{"漢", "🚨", "\"", "\n\n&"} {
		n := messagetest.FailedBackup(message.EventOpened)
		n.Description, n.Output, n.Explanation, n.Heartbeat = strings.Repeat(text, 5000)+"x", strings.Repeat(text, 5000)+"y", strings.Repeat(text, 900), strings.Repeat(text, 200)
		for name, fake := range fakes {
			r := renderChat(t, name, nil, n)
			if err := fake.check(r); err != nil {
				t.Errorf("%s, %q: %v", name, text, err)
			}
			// A quotation mark needs five characters in HTML, so these texts fill a short message alone.
			isEscaped := strings.ContainsAny(text, "\"&")
			if !isEscaped && !strings.Contains(fake.parts(r), "Failure, exit code 3") {
				t.Errorf("%s, %q: the facts were cut before the output", name, text)
			}
		}
	}
}

func TestEscapeWithin_CutsBeforeItEscapes(t *testing.T) {
	got := escapeWithin(html.EscapeString, strings.Repeat("<", 100), 50, runeCount)
	if rest := strings.ReplaceAll(got, "&lt;", ""); rest != "…" || len(got) > 52 || len(got) < 20 {
		t.Errorf("%q; want complete entities, and an ellipsis", got)
	}
}
