package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// hasStatus returns an expression: the heartbeat page shows a status.
func hasStatus(word string) string {
	return `document.querySelector(".hero .status-xl")?.innerText.trim() === "` + word + `"`
}

// Long enough to see each status on a busy machine, and short enough to wait for.
const (
	shortInterval = "10s"
	shortGrace    = "10s"
)

// touch marks the document. untouched is true as long as it was not reloaded.
const (
	markDocument     = `document.documentElement.dataset.journey = "here"`
	documentIsMarked = `document.documentElement.dataset.journey === "here"`
)

// createOwner creates the owner by the one-time link, and ends at the empty list.
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
	url := ""
	b.step("the setup link creates the owner", func(b *tab) {
		createOwner(b, s)
	})
	b.step("a new heartbeat is created", func(b *tab) {
		b.followLink("Heartbeats")
		b.followLink("Use cron or OnCalendar")
		b.waitForPath("/heartbeats/new")
		b.fill("Name", "Nightly backup")
		b.fill("Expected interval", shortInterval)
		b.fill("Grace period", shortGrace)
		b.submit("Save")
		b.waitFor("the page of the new heartbeat", hasStatus("New"))
	})
	b.step("its ping URL can be copied", func(b *tab) {
		url = b.clipboard()
		if !strings.HasPrefix(url, s.base+"/api/v1/hb/") {
			b.Fatalf("the URL to copy is %q", url)
		}
	})
	b.step("a ping turns the open page Up", func(b *tab) {
		b.run(chromedp.Evaluate[chromedp.Void](markDocument))
		ping(b.T, url)
		b.waitFor("Up, on the page as it was loaded", hasStatus("Up")+"&&"+documentIsMarked)
		b.press("Show the URL and snippets")
		if again := b.clipboard(); again != url {
			b.Errorf("once it is Up, the URL to copy is %q; want %q", again, url)
		}
	})
	b.step("silence turns the open page Late and Down", func(b *tab) {
		b.waitFor("Late, on the page as it was loaded", hasStatus("Late")+"&&"+documentIsMarked)
		b.waitFor("Down, on the page as it was loaded", hasStatus("Down")+"&&"+documentIsMarked)
	})
	b.step("a note acknowledges the incident", func(b *tab) {
		b.followLink("Incident #1")
		b.waitForText("Nightly backup missed its ping")
		b.fill("Note", "The disk is full.")
		b.submit("Acknowledge with note")
		b.waitFor("Acknowledged", hasStatus("Acknowledged"))
		b.waitForText("The disk is full.")
	})
	b.step("a ping resolves the incident on the open page", func(b *tab) {
		b.run(chromedp.Evaluate[chromedp.Void](markDocument))
		ping(b.T, url)
		b.waitFor("Resolved, on the page as it was loaded", hasStatus("Resolved")+"&&"+documentIsMarked)
		b.waitForText("Was Down for")
	})
}

// clipboard presses Copy next to the ping URL, and returns the text of the
// clipboard, which must be the displayed URL.
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
