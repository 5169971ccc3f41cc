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

// letter is a request that a receiver took.
type letter struct {
	header http.Header
	body   []byte
}

// receive starts what webhooks are sent to. It answers with a status that can
// be changed.
func receive(t *testing.T) (url string, status *atomic.Int64, letters <-chan letter) {
	t.Helper()
	status, got := &atomic.Int64{}, make(chan letter, 100)
	status.Store(http.StatusOK)
	r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body) // an unreadable body shows as a wrong signature
		got <- letter{req.Header, body}
		w.WriteHeader(int(status.Load()))
		_, _ = io.WriteString(w, "the receiver has spoken") // the sender may have left
	}))
	t.Cleanup(r.Close)
	return r.URL + "/hook", status, got
}

func TestAWebhookIsAddedAndItsTestArrivesSignedAndTheAnswerIsShown(t *testing.T) {
	t.Parallel()
	s := serveOwned(t)
	s.provoked = []string{"channel not delivering"} // the last test alert
	url, status, letters := receive(t)
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.follow("Channels")
	b.reads("No one is notified yet")
	b.follow("Webhook")
	b.fill("Name", "Pager")
	b.fill("URL", url)
	b.submit("Send test alert")
	b.reads("Delivered")
	if l := <-letters; !strings.Contains(string(l.body), `"event":"test"`) {
		b.Errorf("before the channel is saved, the receiver got\n%s", l.body)
	}
	b.submit("Add channel")
	secret := get[string](b, `document.querySelector("#secret").innerText`)

	b.submit("Send test alert")
	b.reads("Delivered")
	l := <-letters
	verifier, err := webhooks.NewWebhook(secret)
	if err != nil {
		t.Fatalf("the secret that is shown, %q: %v", secret, err)
	}
	if err := verifier.Verify(l.body, l.header); err != nil {
		b.Errorf("with the secret that is shown: %v", err)
	}
	status.Store(http.StatusGone)
	b.submit("Send test alert")
	b.reads("410")
	b.reads("the receiver has spoken")
	b.follow("Channels")
	b.reads("Pager")
}
