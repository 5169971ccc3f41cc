package web

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"overdue/client"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/web/view/paths"
)

// createChannel creates a webhook as the member.
func (w *fixture) createChannel(name string) monitor.Channel {
	w.Helper()
	c, err := w.service.CreateChannel(w.Context(), w.actor("member"), manage.ChannelEdit{
		Kind: new("webhook"), Name: &name, Settings: map[string]any{"url": "https://example.com/secret-path", "headers": map[string]any{"X-Key": "hunter2"}},
	})
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// storedChannel returns a channel as stored, with its secrets.
func (w *fixture) storedChannel(id string) (c monitor.Channel) {
	w.Helper()
	w.update(func(tx *store.Tx) (err error) {
		c, err = tx.Channel(w.project.Key, id)
		return err
	})
	return c
}

var secretForm = regexp.MustCompile(`whsec_[A-Za-z0-9+/=]{20,}`)

func TestCreateChannel_ShowsTheSecretOnce(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.expectHTML(w.get("member", "/channels"), 200, "No one is notified yet", "/channels/new?kind=webhook", "/channels/new?kind=email")
		w.expectHTML(w.get("member", "/channels/new?kind=webhook"), 200, `name="settings.url"`, `name="settings.headers"`, "What will be sent", "Nightly database backup")
		w.expectHTML(w.get("member", "/channels/new?kind=email"), 200, `name="settings.to"`)
		w.expectHTML(w.get("member", "/channels/new?kind=none"), 200)
		w.expectNone(w.get("member", "/channels/new"), "tell_acknowledged")
		a := w.post("member", "/channels", url.Values{
			"kind": {"webhook"}, "name": {hostileName}, "settings.url": {"https://example.com/x"}, "settings.headers": {"X-Team: ops\nX-Other: 1"},
			"notify_on_recovery": {"on"}, "remind_every": {"3600"},
		})
		w.expectHTML(a, 201, "Signing secret")
		if !secretForm.MatchString(a.body) {
			w.Error("the secret is not shown")
		}
		list := w.get("viewer", "/channels")
		w.expectHTML(list, 200, "Not tested", "example.com")
		m := regexp.MustCompile(`/channels/([0-9a-f-]{36})`).FindStringSubmatch(w.get("member", "/channels").body)
		if m == nil {
			w.Fatal("the list does not lead to the channel")
		}
		c := w.storedChannel(m[1])
		if c.Name != hostileName || c.RemindEvery.Hours() != 1 || !c.NotifyOnRecovery || c.NotifyOnLate || fmt.Sprint(c.Settings["headers"]) != "map[X-Other:1 X-Team:ops]" {
			w.Errorf("kept %+v", c)
		}
		page := w.get("member", "/channels/"+c.ID)
		w.expectHTML(page, 200, "X-Team: ••••", `value="https://example.com/x"`, `<option value="3600" selected`)
		w.expectNone(page, c.Settings["secret"].(string), "X-Other: 1")
		w.expectNone(list, "/x")
	})
}

func TestCreateChannel_AnInvalidFormComesBackWithoutSecrets(t *testing.T) {
	onEach(t, func(w *fixture) {
		a := w.post("member", "/channels", url.Values{
			"kind": {"webhook"}, "name": {""}, "settings.url": {"ftp://x"}, "settings.headers": {"X-Key: hunter2"}, "settings.secret": {"whsec_short"},
		})
		w.expectHTML(a, 422, "Enter a name", `value="ftp://x"`, "X-Key: ••••")
		w.expectNone(a, "hunter2", "whsec_short")
		w.expectHTML(w.post("member", "/channels", url.Values{"kind": {"pigeon"}, "name": {"x"}}), 422)
		w.expectHTML(w.post("member", "/channels", url.Values{"kind": {"email"}, "name": {"x"}, "settings.to": {"nobody"}}), 422, "nobody")
	})
}

func TestChangeChannel_KeepsSecretsThatStayEmpty(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		before := w.storedChannel(c.ID)
		a := w.post("member", "/channels/"+c.ID, url.Values{
			"kind": {"webhook"}, "name": {"ops2"}, "settings.url": {"https://example.com/other"}, "settings.secret": {""},
			"settings.headers": {"X-Key: ••••\r\nX-New: 2\r\n"}, "notify_on_late": {"on"},
		})
		if a.location() != "/channels" {
			w.Fatal(a.code, a.body)
		}
		after := w.storedChannel(c.ID)
		if after.Settings["secret"] != before.Settings["secret"] || fmt.Sprint(after.Settings["headers"]) != "map[X-Key:hunter2 X-New:2]" ||
			after.Settings["url"] != "https://example.com/other" || !after.NotifyOnLate || after.NotifyOnRecovery || after.Name != "ops2" {
			w.Errorf("%+v", after)
		}
		w.expectHTML(w.post("member", "/channels/"+c.ID, url.Values{"kind": {"webhook"}, "name": {" "}, "settings.url": {"https://example.com"}}), 422, "ops2")
	})
}

func TestTestChannelDraft_UsesTheValuesOfTheForm(t *testing.T) {
	onEach(t, func(w *fixture) {
		var tested []monitor.Channel
		result := client.TestResult{Status: new(404), Detail: "no_service <b>"}
		w.test = func(c monitor.Channel) client.TestResult {
			tested = append(tested, c)
			return result
		}
		form := url.Values{"kind": {"webhook"}, "name": {"new one"}, "settings.url": {"https://example.com/draft"}}
		a := w.post("member", "/channels/test", form)
		w.expectHTML(a, 200, "404 no_service &lt;b&gt;", "Failed", `value="https://example.com/draft"`, `value="new one"`)
		if len(tested) != 1 || tested[0].Settings["url"] != "https://example.com/draft" {
			w.Errorf("got %+v", tested)
		}
		w.expectHTML(w.get("member", "/channels"), 200, "No one is notified yet")
		w.expectHTML(w.post("member", "/channels/test", url.Values{"kind": {"webhook"}, "name": {"x"}}), 422, "URL is required.")
		c := w.createChannel("ops")
		w.expectHTML(w.post("member", "/channels/"+c.ID+"/test", form), 200, "404 no_service")
		if got := tested[1]; got.Settings["url"] != "https://example.com/draft" || got.Settings["secret"] != w.storedChannel(c.ID).Settings["secret"] {
			w.Errorf("got %+v", got)
		}
		if w.storedChannel(c.ID).Settings["url"] != "https://example.com/secret-path" {
			w.Error("a test saved the form")
		}
		w.expectHTML(w.post("member", "/channels/"+c.ID+"/test", nil), 200, "404 no_service")
		if !w.storedChannel(c.ID).Failing || tested[2].Settings["url"] != "https://example.com/secret-path" {
			w.Error("a test of the saved channel is not recorded")
		}
		h := w.createHeartbeat("backup")
		w.expectHTML(w.get("member", "/channels"), 200, "ops is failing", "1 heartbeat uses this channel")
		partly := client.TestResult{Status: new(250), Detail: "Sent to 1 of 2; bob@example.com: 452 4.2.2 full"}
		result, partly = partly, result
		w.expectHTML(w.post("member", "/channels/test", form), 200, "<code>Sent to 1 of 2; bob@example.com: 452 4.2.2 full</code>", "Failed")
		result = partly
		w.expectHTML(w.get("member", "/heartbeats/"+h.ID), 200, "ops is failing")
		result = client.TestResult{Delivered: true, Status: new(200), Detail: "ok"}
		w.expectHTML(w.post("member", "/channels/"+c.ID+"/test", nil), 200, "200 ok", "Delivered")
		w.expectHTML(w.get("member", "/channels"), 200, "Working")
	})
}

func TestDeleteChannel_AsksForTheName(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		path := "/channels/" + c.ID + "/delete"
		w.expectHTML(w.get("member", path), 200, "Type the name to confirm")
		w.expectHTML(w.post("member", path, url.Values{"confirm": {"op"}}), 422)
		if a := w.post("member", path, url.Values{"confirm": {"ops"}}); a.location() != "/channels" {
			w.Error(a.code, a.body)
		}
		if a := w.get("member", "/channels"); strings.Contains(a.body, c.ID) {
			w.Error("still there")
		}
	})
}

func TestShowChannel_AViewerCannotChangeIt(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		w.failHeartbeat("backup", 0)
		w.recordDelivery(c, "sent", 200, "fine")
		w.expectHTML(w.get("viewer", "/channels"), 200, `href="/channels/`+c.ID+`"`)
		page := w.get("viewer", "/channels/"+c.ID)
		w.expectHTML(page, 200, "ops", "Webhook", "Down and recovered", "1 of 1 heartbeat uses this channel", "Last deliveries", "200 fine")
		w.expectNone(page, `<input class=`, `<input type="c`, "Save", "Send test alert", "Delete", "secret")
		w.expectHTML(w.get("viewer", "/channels/"+c.ID+"/delete"), 403)
		w.expectHTML(w.post("viewer", "/channels/"+c.ID, url.Values{"name": {"mine"}}), 403)
		w.expectHTML(w.get("member", "/channels/"+c.ID), 200, "Send test alert", "Save")
	})
}

func TestTestChannel_AppearsInTheLastDeliveries(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		w.test = func(monitor.Channel) client.TestResult {
			return client.TestResult{Status: new(404), Detail: "no_service"}
		}
		w.expectHTML(w.post("member", "/channels/"+c.ID+"/test", nil), 200, "404 no_service")
		w.expectHTML(w.get("viewer", "/channels/"+c.ID), 200, "Test", "Failed", "404 no_service")
		w.expectHTML(w.get("member", "/channels"), 200, "ops is failing", "404 no_service")
		w.test = func(monitor.Channel) client.TestResult {
			return client.TestResult{Delivered: true, Status: new(202), Detail: "taken"}
		}
		// Saving the unchanged form does not change the channel.
		form := url.Values{"kind": {"webhook"}, "name": {"ops"}, "settings.url": {"https://example.com/secret-path"}, "settings.headers": {"X-Key: ••••"}}
		w.expectHTML(w.post("member", "/channels/"+c.ID+"/test", form), 200, "202 taken")
		w.expectHTML(w.get("viewer", "/channels/"+c.ID), 200, "202 taken", "404 no_service")
		form.Set("settings.url", "https://example.com/other")
		w.test = func(monitor.Channel) client.TestResult {
			return client.TestResult{Status: new(410), Detail: "elsewhere"}
		}
		w.expectHTML(w.post("member", "/channels/"+c.ID+"/test", form), 200, "410 elsewhere")
		w.expectNone(w.get("viewer", "/channels/"+c.ID), "elsewhere")
		if w.storedChannel(c.ID).Failing {
			w.Error("the result of another URL was recorded for the channel")
		}
	})
}

func TestTestChannel_ExplainsTheRateLimit(t *testing.T) {
	onEach(t, func(w *fixture) {
		c, sent := w.createChannel("ops"), 0
		w.test = func(monitor.Channel) client.TestResult { sent++; return client.TestResult{Delivered: true} }
		for range 10 {
			w.expectHTML(w.post("member", "/channels/"+c.ID+"/test", nil), 200)
		}
		a := w.post("owner", "/channels/"+c.ID+"/test", nil)
		w.expectHTML(a, 429, "The maximum is 10 test alerts per minute")
		if a.header.Get("Retry-After") != "6" || sent != 10 {
			w.Errorf("Retry-After %q after %d tests", a.header.Get("Retry-After"), sent)
		}
		a = w.post("member", "/channels/test", url.Values{"kind": {"webhook"}, "name": {"new"}, "settings.url": {"https://example.com/typed"}})
		w.expectHTML(a, 429, "The maximum is 10 test alerts", "https://example.com/typed")
		other := url.Values{"kind": {"webhook"}, "name": {"new"}, "settings.url": {"https://example.com"}}
		w.expectHTML(w.post("stranger", "/channels/test", other), 200)
	})
}

var keptForm = regexp.MustCompile(`name="kept" value="([^"]+)"`)

func TestChannelForm_KeepsTypedSecretsWhenItComesBack(t *testing.T) {
	onEach(t, func(w *fixture) {
		const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
		form := url.Values{"kind": {"webhook"}, "name": {""}, "settings.url": {"https://example.com"}, "settings.secret": {secret}, "settings.headers": {"X-Key: hunter2"}}
		a := w.post("member", "/channels", form)
		kept := keptForm.FindStringSubmatch(a.body)
		if a.code != 422 || kept == nil {
			w.Fatal(a.code, a.body)
		}
		again := url.Values{"kind": {"webhook"}, "name": {"ops"}, "settings.url": {"https://example.com"}, "settings.secret": {""}, "settings.headers": {"X-Key: ••••"}, "kept": {kept[1]}}
		var tested monitor.Channel
		w.test = func(c monitor.Channel) client.TestResult { tested = c; return client.TestResult{Status: new(500)} }
		a = w.post("member", "/channels/test", again)
		w.expectNone(a, secret, "hunter2")
		if tested.Settings["secret"] != secret || fmt.Sprint(tested.Settings["headers"]) != "map[X-Key:hunter2]" {
			w.Errorf("got %v", tested.Settings)
		}
		again.Set("kept", keptForm.FindStringSubmatch(a.body)[1]) // a failing test brings them back too
		// Another person and another channel cannot use them.
		tested = monitor.Channel{}
		w.post("owner", "/channels/test", again)
		if tested.Settings["secret"] == secret {
			w.Error("another person decrypted the member's secrets")
		}
		if a := w.post("member", "/channels", again); a.location() != "/channels" {
			w.Fatal(a.code, a.body)
		}
		var all []monitor.Channel
		w.update(func(tx *store.Tx) (err error) { all, err = tx.Channels(w.project.Key); return err })
		if len(all) != 1 || all[0].Settings["secret"] != secret || fmt.Sprint(all[0].Settings["headers"]) != "map[X-Key:hunter2]" {
			w.Errorf("kept %v", all)
		}
	})
}

func TestChannelForm_DoesNotKeepAnInvalidSecret(t *testing.T) {
	onEach(t, func(w *fixture) {
		form := url.Values{"kind": {"webhook"}, "name": {"ops"}, "settings.url": {"https://example.com"}, "settings.secret": {"banana"}, "settings.headers": {"X-Key: hunter2"}}
		for _, path := range []string{"/channels", "/channels/test"} {
			a := w.post("member", path, form)
			w.expectHTML(a, 422, "or leave it empty to generate one")
			w.expectNone(a, "Your value is kept", "banana")
			kept := keptForm.FindStringSubmatch(a.body)
			if kept == nil {
				w.Fatal("the valid headers are not kept")
			}
			again := url.Values{"kind": {"webhook"}, "name": {"ops"}, "settings.url": {"https://example.com"}, "settings.secret": {""}, "settings.headers": {"X-Key: ••••"}, "kept": {kept[1]}}
			a = w.post("member", "/channels", again)
			w.expectHTML(a, 201, "Signing secret")
			if !secretForm.MatchString(a.body) {
				w.Error("no secret was generated in place of the invalid one")
			}
		}
	})
}

func TestDeleteChannel_ExplainsTheConsequences(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		for _, path := range []string{"/channels/" + c.ID, "/channels/" + c.ID + "/delete"} {
			w.expectHTML(w.get("member", path), 200, "the only channel of the project", "no one is notified")
		}
		w.createChannel("mail")
		for _, path := range []string{"/channels/" + c.ID, "/channels/" + c.ID + "/delete"} {
			page := w.get("member", path)
			w.expectHTML(page, 200, "will use all channels of the project")
			w.expectNone(page, "the only channel")
		}
	})
}

func TestChannelForm_ExplainsMissingMailSettings(t *testing.T) {
	onEach(t, func(w *fixture) {
		const note = "No mail server is configured"
		w.expectNone(w.get("member", "/channels/new?kind=email"), note)
		w.site.SendMail = nil
		w.expectHTML(w.get("member", "/channels/new?kind=email"), 200, note, "--smtp-url", "OVERDUE_SMTP_URL", paths.MailServerDoc)
		w.expectNone(w.get("member", "/channels/new?kind=webhook"), note)
		if a := w.post("member", "/channels", url.Values{"kind": {"email"}, "name": {"mail"}, "settings.to": {"ops@example.com"}}); a.location() != "/channels" {
			w.Fatal(a.code, a.body)
		}
		var all []monitor.Channel
		w.update(func(tx *store.Tx) (err error) { all, err = tx.Channels(w.project.Key); return err })
		w.expectHTML(w.get("member", "/channels/"+all[0].ID), 200, note)
		w.expectHTML(w.get("viewer", "/channels/"+all[0].ID), 200, note)
		if page := w.get("", "/docs/channels"); !strings.Contains(page.body, `id="email"`) {
			w.Error("the manual has no such section")
		}
	})
}

func TestChannelForm_StoredSecretsDoNotMoveToAnotherHost(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		before := w.storedChannel(c.ID)
		w.test = func(c monitor.Channel) client.TestResult {
			w.Errorf("a test went out with %v", c.Settings)
			return client.TestResult{}
		}
		form := url.Values{
			"kind": {"webhook"}, "name": {"ops"}, "settings.url": {"https://other.example/"}, "settings.secret": {""},
			"settings.headers": {"X-Key: ••••"},
		}
		for _, path := range []string{"/channels/" + c.ID, "/channels/" + c.ID + "/test"} {
			a := w.post("member", path, form)
			w.expectHTML(a, 422, "Enter the header X-Key again", "Enter the signing secret again, or generate a new one", "Generate a new signing secret")
		}
		if after := w.storedChannel(c.ID); fmt.Sprint(after.Settings) != fmt.Sprint(before.Settings) {
			w.Errorf("kept %v", after.Settings)
		}
		form.Set("settings.headers", "X-Key: typed")
		form.Set("settings.secret.new", "on")
		a := w.post("member", "/channels/"+c.ID, form)
		after := w.storedChannel(c.ID)
		secret, _ := after.Settings["secret"].(string)
		w.expectHTML(a, 200, "It is not shown again", html.EscapeString(secret))
		if secret == before.Settings["secret"] || fmt.Sprint(after.Settings["headers"]) != "map[X-Key:typed]" {
			w.Errorf("kept %v", after.Settings)
		}
		w.expectNone(w.get("member", "/channels/"+c.ID), secret)
	})
}

func TestChannelForm_TypedSecretsDoNotMoveToAnotherHost(t *testing.T) {
	onEach(t, func(w *fixture) {
		form := url.Values{"kind": {"webhook"}, "name": {""}, "settings.url": {"https://example.com"}, "settings.headers": {"X-Key: hunter2"}}
		kept := keptForm.FindStringSubmatch(w.post("member", "/channels", form).body)
		if kept == nil {
			w.Fatal("the form keeps no secrets")
		}
		w.test = func(c monitor.Channel) client.TestResult {
			w.Errorf("a test went out with %v", c.Settings)
			return client.TestResult{}
		}
		form = url.Values{"kind": {"webhook"}, "name": {"x"}, "settings.url": {"https://other.example"}, "settings.headers": {"X-Key: ••••"}, "kept": {kept[1]}}
		w.expectHTML(w.post("member", "/channels/test", form), 422, "Enter the secret itself")
	})
}

func TestListChannels_AViewerSeesOnlyTheHostOfAURL(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		for _, path := range []string{"/channels", "/channels/" + c.ID} {
			page := w.get("viewer", path)
			w.expectHTML(page, 200, "example.com")
			w.expectNone(page, "secret-path")
		}
	})
}

func TestTestChannel_AnswersInItsRowOfTheList(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		w.createChannel("mail")
		w.test = func(monitor.Channel) client.TestResult {
			return client.TestResult{Status: new(404), Detail: "no_service"}
		}
		list := w.get("member", "/channels")
		w.expectHTML(list, 200, `action="/channels/`+c.ID+`/test#channel-`+c.ID+`"`, `id="channel-`+c.ID+`"`)
		w.expectNone(list, "row-answer")
		a := w.post("member", "/channels/"+c.ID+"/test", nil)
		w.expectHTML(a, 200, "<h1>Channels</h1>", "Test alert not delivered", "<code>404 no_service</code>")
		if n := strings.Count(a.body, "row-answer"); n != 1 {
			w.Errorf("%d rows show the result", n)
		}
	})
}

func TestTestChannelDraft_AnswersUnderItsButton(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.test = func(monitor.Channel) client.TestResult {
			return client.TestResult{Delivered: true, Status: new(200), Detail: "ok"}
		}
		form := url.Values{"kind": {"webhook"}, "name": {"new"}, "settings.url": {"https://example.com/hook"}}
		w.expectHTML(w.get("member", "/channels/new"), 200, `formaction="/channels/test#test-answer"`)
		w.expectHTML(w.post("member", "/channels/test", form), 200, `id="test-answer"`, "Test alert delivered", "<code>200 ok</code>")
	})
}

func TestNotFound_ABrowserThatReloadsAFormReturnsToItsPage(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		for path, page := range map[string]string{
			"/channels/" + c.ID + "/test": "/channels/" + c.ID, "/incidents/x/notes": "/incidents/x", "/account/password": "/account",
			"/account/sessions/others": "/account", "/team/invitations": "/team",
		} {
			w.expectRedirect(w.get("member", path), page)
		}
	})
}

func TestChannelForm_ShowsTheExactRequest(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		page := w.get("member", "/channels/"+c.ID)
		w.expectHTML(page, 200, "Exact request", "POST https://example.com/••••", "X-Key: ••••", "Webhook-Signature: v1,••••", "&#34;event&#34;: &#34;incident.opened&#34;")
		w.expectNone(page, "hunter2")
		w.expectNone(w.get("viewer", "/channels/"+c.ID), "Exact request")
		w.expectNone(w.get("member", "/channels/new?kind=email"), "Exact request")
	})
}

func TestChannelForm_TheExampleRequestIsAsCompleteAsARealOne(t *testing.T) {
	onEach(t, func(w *fixture) {
		page := html.UnescapeString(w.get("member", "/channels/new?kind=webhook").body)
		_, text, found := strings.Cut(page, "Webhook-Signature: ")
		begin, end := strings.Index(text, "{"), strings.Index(text, "</pre>")
		if !found || begin < 0 || end < begin {
			w.Fatalf("no example request in %s", page)
		}
		var n client.Notification
		if err := json.NewDecoder(strings.NewReader(text[begin:end])).Decode(&n); err != nil {
			w.Fatal(err)
		}
		if n.Incident == nil || n.Heartbeat == nil || n.Why == nil || n.AcknowledgeURL == nil || n.AlertID == "" || n.Text == "" {
			w.Fatalf("the example lacks parts: %+v", n)
		}
		i, h := n.Incident, n.Heartbeat
		if h.Status != "down" || h.DeadlineAt == nil || !h.DeadlineAt.Equal(i.OpenedAt) || h.IncidentID == nil || *h.IncidentID != i.ID ||
			h.Ref != i.HeartbeatRef || h.Name != i.HeartbeatName || i.State != "open" || i.Cause != "missed" || h.Severity != i.Severity {
			w.Errorf("the example contradicts itself:\n%+v\n%+v", i, h)
		}
		if !strings.Contains(n.URL, i.ID) || !strings.Contains(*n.Why, "grace") {
			w.Errorf("URL %s, why %q", n.URL, *n.Why)
		}
	})
}
