package browser_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focusScript is the name of what has the focus, and whether that can be seen: by a
// ring around it, or around what is drawn in its place.
const focusScript = `(() => {
	const e = document.activeElement;
	if (e === document.body) return { name: "BODY", seen: true };
	const name = [e.getAttribute("aria-label"), ...[...(e.labels ?? [])].map((l) => l.innerText), e.innerText]
		.map((n) => (n ?? "").replace(/\s+/g, " ").trim()).find((n) => n) ?? e.tagName;
	const ring = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1.5 || style.boxShadow !== "none";
	const near = [e, e.nextElementSibling, e.parentElement, e.closest(".hb")].filter((n) => n);
	return { name, seen: near.some((n) => [null, "::before", "::after"].some((pseudo) => ring(getComputedStyle(n, pseudo)))) };
})()`

// focusedElement is what focused finds.
type focusedElement struct {
	Name string
	Seen bool
}

// tabTo presses Tab until the focus is on a control, and complains of every one on
// the way whose focus cannot be seen.
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

// pressEnter presses Enter, and waits for the page that it leads to.
func (b *tab) pressEnter() {
	b.Helper()
	b.waitForNavigation(func() { b.typeKeys(kb.Enter) })
}

func TestKeyboard_CompletesTheFirstHeartbeat(t *testing.T) {
	t.Parallel()
	s := startFirstServer(t)
	b := newTab(t, s)
	b.navigate(s.setup)
	b.tabTo("Your name")
	b.typeKeys("Ada")
	b.tabTo("Email")
	b.typeKeys(ownerEmail)
	b.tabTo("Password")
	b.typeKeys(ownerPassword)
	b.pressEnter()
	b.waitForPath("/heartbeats")

	b.tabTo("Skip to content")
	b.typeKeys(kb.Enter)
	b.waitFor("the focus in the content", `document.activeElement.id === "main"`)
	b.tabTo("Use cron or OnCalendar")
	b.pressEnter()
	b.waitForPath("/heartbeats/new")
	b.tabTo("Name")
	b.typeKeys("Nightly backup")
	b.tabTo("Expected interval")
	b.typeKeys("3s") // what was there is selected by Tab
	b.tabTo("Grace period")
	b.typeKeys("2s")
	b.tabTo("Save")
	b.pressEnter()
	b.waitFor("the page of the new heartbeat", hasStatus("New"))

	b.tabTo("Copy")
	b.typeKeys(kb.Enter)
	b.waitForText("Copied")
	ping(t, mustEvaluate[string](b, `document.querySelector("#ping-url").textContent`))
	b.waitFor("Up", hasStatus("Up"))
	b.waitFor("Down", hasStatus("Down"))
	b.tabTo("Incident #1")
	b.pressEnter()
	b.tabTo("Acknowledge")
	b.pressEnter()
	b.waitFor("Acknowledged", hasStatus("Acknowledged"))

	b.tabTo("Match the system")
	b.tabTo("Dark")
	b.typeKeys(" ")
	b.waitFor("the dark theme", `document.documentElement.dataset.theme === "dark"`)
	b.tabTo("A Ada Owner Account menu")
	b.typeKeys(kb.Enter)
	b.waitFor("the menu", `document.querySelector("#user-menu").matches(":popover-open")`)
	b.typeKeys(kb.Escape)
	b.waitFor("no menu", `!document.querySelector("#user-menu").matches(":popover-open")`)
}

func TestNoScript_CompletesTheFirstHeartbeat(t *testing.T) {
	t.Parallel()
	s := startFirstServer(t)
	b := newTab(t, s)
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	createOwner(b, s)
	b.followLink("Use cron or OnCalendar")
	b.fill("Name", "Nightly backup")
	b.fill("Expected interval", "2s")
	b.fill("Grace period", "2s")
	b.submit("Save")
	b.waitFor("New", hasStatus("New"))
	url := mustEvaluate[string](b, `document.querySelector("#ping-url").textContent`)
	ping(t, url)
	b.reloadUntil("Up")
	b.reloadUntil("Late")
	b.reloadUntil("Down")
	b.followLink("Incident #1")
	b.submit("Acknowledge")
	b.waitFor("Acknowledged", hasStatus("Acknowledged"))
	ping(t, url)
	b.reloadUntil("Resolved")
	b.followLink("Heartbeats")
	b.tick("Select Nightly backup")
	if mustEvaluate[bool](b, `document.querySelector("output").innerText === "1 selected"`) {
		b.Error("a script ran, so this proves nothing")
	}
	b.submit("Pause")
	b.waitFor("the row Paused", rowHasStatus("Nightly backup", "paused"))
}

// reloadUntil loads the page anew until its sign says a word.
func (b *tab) reloadUntil(word string) {
	b.Helper()
	waitUntil(b.T, "the page says "+word, func() error {
		b.run(chromedp.Reload())
		return b.check(hasStatus(word))
	})
}
