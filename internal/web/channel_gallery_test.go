package web

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"overdue/client"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
)

// createChannelOf creates a channel of a kind as the member.
func (w *fixture) createChannelOf(kind, name string, settings map[string]any) monitor.Channel {
	w.Helper()
	c, err := w.service.CreateChannel(w.Context(), w.actor("member"), manage.ChannelEdit{Kind: &kind, Name: &name, Settings: settings})
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func TestListChannels_EveryKindIsInTheGalleryAndFoundByItsName(t *testing.T) {
	onEach(t, func(w *fixture) {
		all := w.get("member", "/channels")
		for _, k := range notify.Kinds() {
			link := `href="/channels/new?kind=` + k.Name + `"`
			w.expectHTML(all, 200, link, "<b>"+k.Label+"</b>", string(k.Group))
			w.expectHTML(w.get("member", "/channels?"+url.Values{"kind": {strings.ToUpper(k.Label)}}.Encode()), 200, link)
			if page := w.get("member", "/channels/new?kind="+k.Name); len(k.Setup) > 0 {
				w.expectHTML(page, 200, "Where to find it", "Change kind")
				_, steps, _ := strings.Cut(page.body, "Where to find it")
				if steps, _, _ = strings.Cut(steps, "</details>"); strings.Contains(steps, "**") {
					w.Errorf("%s: the steps show their markup: %s", k.Name, steps)
				}
			}
		}
		found := w.get("member", "/channels?kind=on-call+pager")
		w.expectHTML(found, 200, "PagerDuty", `value="on-call pager"`)
		w.expectNone(found, "kind=email", "kind=slack", ">Chat<")
		w.expectHTML(w.get("member", "/channels?"+url.Values{"kind": {"<b>pigeon"}}.Encode()), 200, "No kinds for “<bdi>&lt;b&gt;pigeon</bdi>”. Webhook", "everything else.")
	})
}

func TestListChannels_ThoseThatDoNotDeliverAreFirst(t *testing.T) {
	onEach(t, func(w *fixture) {
		good, bad, slow := w.createChannel("alpha"), w.createChannel("beta"), w.createChannelOf("slack", "gamma", map[string]any{"url": "https://hooks.slack.com/services/T0/B0/hunter2"})
		w.failHeartbeat("backup", 2*time.Minute)
		w.recordAttempts(good, 1, monitor.DeliveryResult{Delivered: true})
		w.recordAttempts(bad, monitor.FailingAttempts, monitor.DeliveryResult{StatusCode: 500, Reason: "broke"})
		w.recordAttempts(slow, 2, monitor.DeliveryResult{StatusCode: 429, Reason: "slow down"})
		page := w.get("viewer", "/channels")
		order := []int{strings.Index(page.body, "<bdi>beta"), strings.Index(page.body, "<bdi>gamma"), strings.Index(page.body, "<bdi>alpha")}
		if order[0] < 0 || order[0] > order[1] || order[1] > order[2] {
			w.Errorf("failing, retrying and working are at %v", order)
		}
		w.expectHTML(page, 200, "2 attempts, 429", "since ", "1 pending", "hooks.slack.com")
		w.expectNone(page, "hunter2", "services/T0")
		w.expectNone(w.get("owner", "/channels/"+slow.ID), "hunter2", "services/T0")
	})
}

func TestPreviewChannel_FollowsTheFormAndMasksSecrets(t *testing.T) {
	onEach(t, func(w *fixture) {
		form := url.Values{
			"kind": {"slack"}, "name": {"<b>ops"}, "settings.token": {"xoxb-hunter2"}, "settings.channel": {"#night"}, "preview": {"recovered"},
		}
		page := w.post("member", "/channels/preview", form)
		w.expectHTML(page, 200, "POST https://slack.com/api/chat.postMessage", "Authorization: Bearer ••••", "#night", `value="recovered" id="pre-recovered" form="channel" autocomplete="off" checked`)
		w.expectNone(page, "hunter2", "<b>ops", "<html")
		form.Set("settings.token", "")
		form.Set("settings.url", "https://hooks.slack.com/services/T0/B0/hunter2")
		page = w.post("member", "/channels/preview", form)
		w.expectHTML(page, 200, "POST https://hooks.slack.com/••••", "Exact request to hooks.slack.com")
		w.expectNone(page, "hunter2")
		c := w.createChannelOf("slack", "saved", map[string]any{"url": "https://hooks.slack.com/services/T0/B0/hunter2"})
		for _, page := range []response{
			w.get("member", "/channels/"+c.ID),
			w.post("member", "/channels/preview", url.Values{"kind": {"slack"}, "channel": {c.ID}, "name": {"saved"}}),
		} {
			w.expectHTML(page, 200, "POST https://hooks.slack.com/••••")
			w.expectNone(page, "hunter2")
		}
		w.expectHTML(w.post("stranger", "/channels/preview", url.Values{"kind": {"slack"}, "channel": {c.ID}}), 404)
	})
}

func TestPreviewChannel_EveryKindHasAnExampleOfEachEvent(t *testing.T) {
	onEach(t, func(w *fixture) {
		for _, k := range notify.Kinds() {
			page := w.get("member", "/channels/new?kind="+k.Name)
			w.expectHTML(page, 200, `for="pre-opened">Down`, `for="pre-acknowledged">Acknowledged`, `for="pre-recovered">Recovered`, `for="pre-late">Late`, `for="pre-test">Test`)
			if k.Preview != nil {
				w.expectHTML(page, 200, `id="request-opened"`)
			}
		}
	})
}

func TestRetryChannel_AdminsSendPendingAlertsAtOnce(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		_, i := w.failHeartbeat("backup", 2*time.Minute)
		w.recordAttempts(c, 1, monitor.DeliveryResult{StatusCode: 429, Reason: "slow down"})
		w.update(func(tx *store.Tx) error {
			all, err := tx.Claim(c.ID, "node", w.now(), w.now().Add(time.Minute), 10)
			if err != nil {
				return err
			}
			for _, a := range all {
				a.Attempts = 1
				if err := tx.Reschedule(a, w.now().Add(time.Hour), w.now().Add(time.Hour)); err != nil {
					return err
				}
			}
			return tx.PauseChannel(c.ID, w.now().Add(time.Hour))
		})
		path := "/channels/" + c.ID
		w.expectHTML(w.get("admin", path), 200, "ops is retrying", "Retry now", "Pending", "Down: backup", "1 attempt", "/incidents/"+i.ID)
		w.expectNone(w.get("member", path), "Retry now")
		w.expectHTML(w.post("member", path+"/retry", nil), 403)
		w.expectRedirect(w.post("admin", path+"/retry", nil), path)
		w.update(func(tx *store.Tx) error {
			due, err := tx.Claim(c.ID, "node", w.now(), w.now().Add(time.Minute), 10)
			if len(due) != 1 {
				w.Errorf("%d alerts are due after the retry; want 1", len(due))
			}
			return err
		})
		w.expectHTML(w.get("owner", "/audit"), 200, "retried the pending alerts of", "1 alert")
	})
}

func TestTestChannelDraft_AnExplanationIsShownFirstElseWhatToDo(t *testing.T) {
	onEach(t, func(w *fixture) {
		form := url.Values{"kind": {"slack"}, "name": {"new"}, "settings.url": {"https://hooks.slack.com/x"}}
		for detail, want := range map[string]string{
			"The webhook was removed or disabled (no_service): create a new one.": "<span>404 The webhook was removed or disabled (no_service): create a new one.</span>",
			"no_service": "<code>404 no_service</code></span><span class=\"quiet\">The address does not exist at the service",
		} {
			w.test = func(monitor.Channel) client.TestResult { return client.TestResult{Status: new(404), Detail: detail} }
			page := w.post("member", "/channels/test", form)
			if !strings.Contains(strings.ReplaceAll(page.body, "</span> <span", "</span><span"), want) {
				w.Errorf("no %q", want)
			}
		}
	})
}
