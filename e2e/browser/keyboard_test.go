package browser_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focusScript returns the name of the focused element, and whether its focus is
// visible: by a ring around it, or around what is drawn in its place.
const focusScript = `(() => {
	const e = document.activeElement;
	if (e === document.body) return { name: "BODY", seen: true };
	const name = [e.getAttribute("aria-label"), ...[...(e.labels ?? [])].map((l) => l.innerText), e.innerText]
		.map((n) => (n ?? "").replace(/\s+/g, " ").trim()).find((n) => n) ?? e.tagName;
	const ring = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1.5 || style.boxShadow !== "none";
	const near = [e, e.nextElementSibling, e.parentElement, e.closest(".hb")].filter((n) => n);
	return { name, seen: near.some((n) => [null, "::before", "::after"].some((pseudo) => ring(getComputedStyle(n, pseudo)))) };
})()`

// focusedElement is the result of focusScript.
type focusedElement struct {
	Name string
	Seen bool
}

// tabTo presses Tab until a control has the focus. It reports every control on the
// way whose focus is not visible.
func (b *tab) tabTo(name string) {
	b.Helper()
	const most = 80 // controls of a page
	var passed []string
	for range most {
		b.typeKeys(kb.Tab)
		f := mustEvaluate[focusedElement](b, focusScript)
		if !f.Seen {
			b.Errorf("%s: the focus on %q cannot be seen", mustEvaluate[string](b, "location.pathname"), f.Name)
		}
		if f.Name == name {
			return
		}
		passed = append(passed, f.Name)
	}
	b.Fatalf("Tab never leads to %q, but to %q", name, passed)
}

// pressEnter presses Enter, and waits for the next page.
func (b *tab) pressEnter() {
	b.Helper()
	b.waitForNavigation(func() { b.typeKeys(kb.Enter) })
}

func TestKeyboard_CompletesTheFirstHeartbeat(t *testing.T) {
	t.Parallel()
	s := startFirstServer(t)
	b := newTab(t, s)
	b.step("the owner is created", func(b *tab) {
		b.navigate(s.setup)
		b.tabTo("Your name")
		b.typeKeys("Ada")
		b.tabTo("Email")
		b.typeKeys(ownerEmail)
		b.tabTo("Password")
		b.typeKeys(ownerPassword)
		b.pressEnter()
		b.waitForPath("/heartbeats")
	})
	b.step("the skip link leads to the content", func(b *tab) {
		b.tabTo("Skip to content")
		b.typeKeys(kb.Enter)
		b.waitFor("the focus in the content", `document.activeElement.id === "main"`)
	})
	b.step("a heartbeat is created", func(b *tab) {
		b.tabTo("Use cron or OnCalendar")
		b.pressEnter()
		b.waitForPath("/heartbeats/new")
		b.tabTo("Name")
		b.typeKeys("Nightly backup")
		b.tabTo("Expected interval")
		b.typeKeys(shortInterval) // Tab has selected the default
		b.tabTo("Grace period")
		b.typeKeys("2s")
		b.tabTo("Save")
		b.pressEnter()
		b.waitFor("the page of the new heartbeat", hasStatus("New"))
	})
	b.step("the ping URL is copied, and the page follows the heartbeat", func(b *tab) {
		b.tabTo("Copy")
		b.typeKeys(kb.Enter)
		b.waitForText("Copied")
		ping(b.T, mustEvaluate[string](b, `document.querySelector("#ping-url").textContent`))
		b.waitFor("Up", hasStatus("Up"))
		b.waitFor("Down", hasStatus("Down"))
	})
	b.step("the incident is acknowledged", func(b *tab) {
		b.tabTo("Incident #1")
		b.pressEnter()
		b.tabTo("Acknowledge")
		b.pressEnter()
		b.waitFor("Acknowledged", hasStatus("Acknowledged"))
	})
	b.step("the theme is chosen", func(b *tab) {
		b.tabTo("Match the system")
		b.tabTo("Dark")
		b.typeKeys(" ")
		b.waitFor("the dark theme", `document.documentElement.dataset.theme === "dark"`)
	})
	b.step("the menu opens and closes", func(b *tab) {
		b.tabTo("A Ada Owner Account menu")
		b.typeKeys(kb.Enter)
		b.waitFor("the menu", `document.querySelector("#user-menu").matches(":popover-open")`)
		b.typeKeys(kb.Escape)
		b.waitFor("no menu", `!document.querySelector("#user-menu").matches(":popover-open")`)
	})
}

func TestNoScript_CompletesTheFirstHeartbeat(t *testing.T) {
	t.Parallel()
	s := startFirstServer(t)
	b := newTab(t, s)
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	url := ""
	b.step("a heartbeat is created", func(b *tab) {
		createOwner(b, s)
		b.followLink("Use cron or OnCalendar")
		b.fill("Name", "Nightly backup")
		b.fill("Expected interval", shortInterval)
		b.fill("Grace period", shortGrace)
		b.submit("Save")
		b.waitFor("New", hasStatus("New"))
	})
	b.step("its status follows pings and silence", func(b *tab) {
		url = mustEvaluate[string](b, `document.querySelector("#ping-url").textContent`)
		ping(b.T, url)
		b.reloadUntil("Up")
		b.reloadUntil("Late")
		b.reloadUntil("Down")
	})
	b.step("its incident is acknowledged and resolved", func(b *tab) {
		b.followLink("Incident #1")
		b.submit("Acknowledge")
		b.waitFor("Acknowledged", hasStatus("Acknowledged"))
		ping(b.T, url)
		b.reloadUntil("Resolved")
	})
	b.step("it is paused from the list", func(b *tab) {
		b.followLink("Heartbeats")
		b.tick("Select Nightly backup")
		if mustEvaluate[bool](b, `document.querySelector("output").innerText === "1 selected"`) {
			b.Error("a script ran; the test proves nothing")
		}
		b.submit("Pause")
		b.waitFor("the row Paused", rowHasStatus("Nightly backup", "paused"))
	})
}

// reloadUntil reloads the page until it shows a status.
func (b *tab) reloadUntil(word string) {
	b.Helper()
	waitUntil(b.T, "the page says "+word, func() error {
		b.run(chromedp.Reload())
		return b.check(hasStatus(word))
	})
}
