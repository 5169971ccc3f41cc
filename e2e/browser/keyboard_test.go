package browser_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focused is the name of what has the focus, and whether that can be seen: by a
// ring around it, or around what is drawn in its place.
const focused = `(() => {
	const e = document.activeElement;
	if (e === document.body) return { name: "BODY", seen: true };
	const name = [e.getAttribute("aria-label"), ...[...(e.labels ?? [])].map((l) => l.innerText), e.innerText]
		.map((n) => (n ?? "").replace(/\s+/g, " ").trim()).find((n) => n) ?? e.tagName;
	const ring = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1.5 || style.boxShadow !== "none";
	const near = [e, e.nextElementSibling, e.parentElement, e.closest(".hb")].filter((n) => n);
	return { name, seen: near.some((n) => [null, "::before", "::after"].some((pseudo) => ring(getComputedStyle(n, pseudo)))) };
})()`

// focus is what focused finds.
type focus struct {
	Name string
	Seen bool
}

// to presses Tab until the focus is on a control, and complains of every one on
// the way whose focus cannot be seen.
func (b *tab) to(name string) {
	b.Helper()
	const most = 80 // controls of a page
	var passed []string
	for range most {
		b.keys(kb.Tab)
		f := get[focus](b, focused)
		if !f.Seen {
			b.Errorf("%s: the focus on %q cannot be seen", get[string](b, "location.pathname"), f.Name)
		}
		if f.Name == name {
			return
		}
		passed = append(passed, f.Name)
	}
	b.Fatalf("Tab never leads to %q, but to %q", name, passed)
}

// enter presses Enter, and waits for the page that it leads to.
func (b *tab) enter() {
	b.Helper()
	b.leaves(func() { b.keys(kb.Enter) })
}

func TestTheWholeWayIsGoneByKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := serveFirst(t)
	b := newTab(t, s)
	b.open(s.setup)
	b.to("Your name")
	b.keys("Ada")
	b.to("Email")
	b.keys(ownerEmail)
	b.to("Password")
	b.keys(ownerPassword)
	b.enter()
	b.at("/heartbeats")

	b.to("Skip to content")
	b.keys(kb.Enter)
	b.sees("the focus in the content", `document.activeElement.id === "main"`)
	b.to("Use cron or OnCalendar")
	b.enter()
	b.at("/heartbeats/new")
	b.to("Name")
	b.keys("Nightly backup")
	b.to("Expected interval")
	b.keys("3s") // what was there is selected by Tab
	b.to("Grace period")
	b.keys("2s")
	b.to("Save")
	b.enter()
	b.sees("the page of the new heartbeat", status("New"))

	b.to("Copy")
	b.keys(kb.Enter)
	b.reads("Copied")
	ping(t, get[string](b, `document.querySelector("#ping-url").textContent`))
	b.sees("Up", status("Up"))
	b.sees("Down", status("Down"))
	b.to("Incident #1")
	b.enter()
	b.to("Acknowledge")
	b.enter()
	b.sees("Acknowledged", status("Acknowledged"))

	b.to("Match the system")
	b.to("Dark")
	b.keys(" ")
	b.sees("the dark theme", `document.documentElement.dataset.theme === "dark"`)
	b.to("A Ada Owner Account menu")
	b.keys(kb.Enter)
	b.sees("the menu", `document.querySelector("#user-menu").matches(":popover-open")`)
	b.keys(kb.Escape)
	b.sees("no menu", `!document.querySelector("#user-menu").matches(":popover-open")`)
}

func TestTheWholeWayWorksWithoutScript(t *testing.T) {
	t.Parallel()
	s := serveFirst(t)
	b := newTab(t, s)
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	founder(b, s)
	b.follow("Use cron or OnCalendar")
	b.fill("Name", "Nightly backup")
	b.fill("Expected interval", "2s")
	b.fill("Grace period", "2s")
	b.submit("Save")
	b.sees("New", status("New"))
	url := get[string](b, `document.querySelector("#ping-url").textContent`)
	ping(t, url)
	b.reloads("Up")
	b.reloads("Late")
	b.reloads("Down")
	b.follow("Incident #1")
	b.submit("Acknowledge")
	b.sees("Acknowledged", status("Acknowledged"))
	ping(t, url)
	b.reloads("Resolved")
	b.follow("Heartbeats")
	b.tick("Select Nightly backup")
	if get[bool](b, `document.querySelector("output").innerText === "1 selected"`) {
		b.Error("a script ran, so this proves nothing")
	}
	b.submit("Pause")
	b.sees("the row Paused", rowIs("Nightly backup", "paused"))
}

// reloads loads the page anew until its sign says a word.
func (b *tab) reloads(word string) {
	b.Helper()
	await(b.T, "the page says "+word, func() error {
		b.do(chromedp.Reload())
		return b.is(status(word))
	})
}
