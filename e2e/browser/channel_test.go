package browser_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// webhookRequest is a request that the webhook received.
type webhookRequest struct {
	header http.Header
	body   []byte
}

// startWebhook starts a webhook receiver. The test can change the status that it
// answers with.
func startWebhook(t *testing.T) (url string, status *atomic.Int64, letters <-chan webhookRequest) {
	t.Helper()
	status, got := &atomic.Int64{}, make(chan webhookRequest, 100)
	status.Store(http.StatusOK)
	r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body) // a read error makes the signature wrong, which the test detects
		got <- webhookRequest{req.Header, body}
		w.WriteHeader(int(status.Load()))
		_, _ = io.WriteString(w, "the receiver has spoken") // the sender may have left
	}))
	t.Cleanup(r.Close)
	return r.URL + "/hook", status, got
}

func TestChannels_AWebhookTestIsSignedAndItsResponseShown(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	s.provoked = []string{"channel not delivering"} // the last test alert
	url, status, letters := startWebhook(t)
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.step("a test alert can be sent before saving", func(b *tab) {
		b.followLink("Channels")
		b.waitForText("No one is notified yet")
		b.followLink("Webhook")
		b.fill("Name", "Pager")
		b.fill("URL", url)
		b.submit("Send test alert")
		b.waitForText("Delivered")
		if l := <-letters; !strings.Contains(string(l.body), `"event":"test"`) {
			b.Errorf("before the channel is saved, the receiver got\n%s", l.body)
		}
	})
	b.step("a saved channel signs with the displayed secret", func(b *tab) {
		b.submit("Add channel")
		secret := mustEvaluate[string](b, `document.querySelector("#secret").innerText`)

		b.submit("Send test alert")
		b.waitForText("Delivered")
		l := <-letters
		verifier, err := webhooks.NewWebhook(secret)
		if err != nil {
			b.Fatalf("the displayed secret %q: %v", secret, err)
		}
		if err := verifier.Verify(l.body, l.header); err != nil {
			b.Errorf("with the displayed secret: %v", err)
		}
	})
	b.step("the response of a failing webhook is shown", func(b *tab) {
		status.Store(http.StatusGone)
		b.submit("Send test alert")
		b.waitForText("410")
		b.waitForText("the receiver has spoken")
		b.followLink("Channels")
		b.waitForText("Pager")
	})
}

func TestChannels_AKindIsFoundFilledInPreviewedTestedAndSaved(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	got := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // the test detects a missing body
		got <- r.URL.Path + " " + string(body)
		_, _ = io.WriteString(w, `{"id":"x1","event":"message"}`) // the sender may have left
	}))
	t.Cleanup(receiver.Close)
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.step("the gallery is searched while typing", func(b *tab) {
		b.followLink("Channels")
		b.fill("Search kinds", "pigeon")
		b.waitForText("No kinds for “pigeon”. Webhook")
		b.fill("Search kinds", "push")
		b.waitForText("Push notifications")
		b.waitFor("other groups disappear", `!document.querySelector("#add").innerText.includes("PagerDuty")`)
		b.followLink("ntfy")
	})
	b.step("the preview follows the form, and hides the token", func(b *tab) {
		b.waitForText("Where to find it")
		b.fill("Name", "Dock 3")
		b.fill("Server", receiver.URL)
		b.fill("Topic", "dock-three")
		b.fill("Access token", "tk_hunter2")
		b.waitFor("the request has the topic", `document.querySelector("#request-opened").textContent.includes("dock-three")`)
		b.waitFor("the request has a masked token", `document.querySelector("#request-opened").textContent.includes("Bearer ••••")`)
		if mustEvaluate[bool](b, `document.querySelector("#preview").textContent.includes("hunter2")`) {
			b.Error("the preview shows the token")
		}
		mustEvaluate[bool](b, `(document.querySelector('label[for="pre-recovered"]').click(), true)`)
		b.fill("Topic", "dock-four")
		b.waitFor("the chosen tab stays", `document.querySelector("#pre-recovered").checked && document.querySelector("#request-recovered").textContent.includes("dock-four")`)
	})
	b.step("a test alert is answered in place", func(b *tab) {
		b.submit("Send test alert")
		b.waitForText("Test alert delivered in")
		if request := <-got; !strings.Contains(request, "dock-four") {
			b.Errorf("the receiver got %s", request)
		}
	})
	b.step("the channel is saved with the token that was typed before the test", func(b *tab) {
		b.submit("Add channel")
		b.waitForText("Dock 3")
		b.followLink("Dock 3")
		b.waitForText("Leave empty to keep the current one.")
	})
}
