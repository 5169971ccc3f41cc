package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// hasStatus is whether the sign of the heartbeat's page says a word.
func hasStatus(word string) string {
	return `document.querySelector(".hero .status-xl")?.innerText.trim() === "` + word + `"`
}

// untouched marks the document, and later tells whether it is still the one
// that was loaded then.
const (
	touch     = `document.documentElement.dataset.journey = "here"`
	untouched = `document.documentElement.dataset.journey === "here"`
)

// createOwner makes the owner by the one-time link, and arrives at the empty list.
func createOwner(b *tab, s *server) {
	b.Helper()
	b.navigate(s.setup)
	b.fill("Your name", "Ada")
	b.fill("Email", ownerEmail)
	b.fill("Password", ownerPassword)
	b.submit("Create owner account")
	b.waitForPath("/heartbeats")
	b.waitForText("No heartbeats yet.")
}

func TestFirstHeartbeat_FromSetupToDown(t *testing.T) {
	t.Parallel()
	s := startFirstServer(t)
	b := newTab(t, s)
	createOwner(b, s)

	b.followLink("Heartbeats")
	b.followLink("Use cron or OnCalendar")
	b.waitForPath("/heartbeats/new")
	b.fill("Name", "Nightly backup")
	b.fill("Expected interval", "3s")
	b.fill("Grace period", "2s")
	b.submit("Save")
	b.waitFor("the page of the new heartbeat", hasStatus("New"))

	url := b.clipboard()
	if !strings.HasPrefix(url, s.base+"/api/v1/hb/") {
		t.Fatalf("the URL to copy is %q", url)
	}
	b.run(chromedp.Evaluate[chromedp.Void](touch))
	ping(t, url)
	b.waitFor("Up, on the page as it was loaded", hasStatus("Up")+"&&"+untouched)
	if again := b.clipboard(); again != url {
		t.Errorf("once it is Up, the URL to copy is %q; want %q", again, url)
	}
	b.waitFor("Late, on the page as it was loaded", hasStatus("Late")+"&&"+untouched)
	b.waitFor("Down, on the page as it was loaded", hasStatus("Down")+"&&"+untouched)

	b.followLink("Incident #1")
	b.waitForText("Nightly backup missed its ping")
	b.fill("Note", "The disk is full.")
	b.submit("Acknowledge with note")
	b.waitFor("Acknowledged", hasStatus("Acknowledged"))
	b.waitForText("The disk is full.")
	b.run(chromedp.Evaluate[chromedp.Void](touch))
	ping(t, url)
	b.waitFor("Resolved, on the page as it was loaded", hasStatus("Resolved")+"&&"+untouched)
	b.waitForText("Was Down for")
}

// clipboard presses Copy beside the ping URL, and returns what is on the clipboard
// then, which must be what is shown.
func (b *tab) clipboard() string {
	b.Helper()
	permission := browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: "clipboard-read"}, Setting: browser.PermissionSettingGranted,
		BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
	}
	if _, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, permission); err != nil {
		b.Fatal(err)
	}
	b.press("Copy")
	b.waitFor("the word on the button", `document.querySelector('[data-copy="#ping-url"]').innerText.trim() === "Copied"`)
	b.waitFor("the word for a screen reader", `document.querySelector("#announce").textContent === "Copied"`)
	shown := mustEvaluate[string](b, `document.querySelector("#ping-url").textContent`)
	clip, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`navigator.clipboard.readText()`, chromedp.EvalAwaitPromise))
	if err != nil || clip != shown {
		b.Errorf("the clipboard has %q (%v); shown is %q", clip, err, shown)
	}
	return shown
}
