package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// status is whether the sign of the heartbeat's page says a word.
func status(word string) string {
	return `document.querySelector(".hero .status-xl")?.innerText.trim() === "` + word + `"`
}

// untouched marks the document, and later tells whether it is still the one
// that was loaded then.
const (
	touch     = `document.documentElement.dataset.journey = "here"`
	untouched = `document.documentElement.dataset.journey === "here"`
)

// founder makes the owner by the one-time link, and arrives at the empty list.
func founder(b *tab, s *server) {
	b.Helper()
	b.open(s.setup)
	b.fill("Your name", "Ada")
	b.fill("Email", ownerEmail)
	b.fill("Password", ownerPassword)
	b.submit("Create owner account")
	b.at("/heartbeats")
	b.reads("No heartbeats yet.")
}

func TestFromTheSetupLinkToAPingThatTurnsTheHeartbeatUpAndSilenceThatTurnsItDown(t *testing.T) {
	t.Parallel()
	s := serveFirst(t)
	b := newTab(t, s)
	founder(b, s)

	b.follow("Heartbeats")
	b.follow("Use cron or OnCalendar")
	b.at("/heartbeats/new")
	b.fill("Name", "Nightly backup")
	b.fill("Expected interval", "3s")
	b.fill("Grace period", "2s")
	b.submit("Save")
	b.sees("the page of the new heartbeat", status("New"))

	url := b.copied()
	if !strings.HasPrefix(url, s.base+"/api/v1/hb/") {
		t.Fatalf("the URL to copy is %q", url)
	}
	b.do(chromedp.Evaluate[chromedp.Void](touch))
	ping(t, url)
	b.sees("Up, on the page as it was loaded", status("Up")+"&&"+untouched)
	if again := b.copied(); again != url {
		t.Errorf("once it is Up, the URL to copy is %q; want %q", again, url)
	}
	b.sees("Late, on the page as it was loaded", status("Late")+"&&"+untouched)
	b.sees("Down, on the page as it was loaded", status("Down")+"&&"+untouched)

	b.follow("Incident #1")
	b.reads("Nightly backup missed its ping")
	b.fill("Note", "The disk is full.")
	b.submit("Acknowledge with note")
	b.sees("Acknowledged", status("Acknowledged"))
	b.reads("The disk is full.")
	b.do(chromedp.Evaluate[chromedp.Void](touch))
	ping(t, url)
	b.sees("Resolved, on the page as it was loaded", status("Resolved")+"&&"+untouched)
	b.reads("Was Down for")
}

// copied presses Copy beside the ping URL, and returns what is on the clipboard
// then, which must be what is shown.
func (b *tab) copied() string {
	b.Helper()
	permission := browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: "clipboard-read"}, Setting: browser.PermissionSettingGranted,
		BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
	}
	if _, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, permission); err != nil {
		b.Fatal(err)
	}
	b.press("Copy")
	b.sees("the word on the button", `document.querySelector('[data-copy="#ping-url"]').innerText.trim() === "Copied"`)
	b.sees("the word for a screen reader", `document.querySelector("#announce").textContent === "Copied"`)
	shown := get[string](b, `document.querySelector("#ping-url").textContent`)
	clip, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`navigator.clipboard.readText()`, chromedp.EvalAwaitPromise))
	if err != nil || clip != shown {
		b.Errorf("the clipboard has %q (%v); shown is %q", clip, err, shown)
	}
	return shown
}
