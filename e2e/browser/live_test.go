package browser_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// isLive is an expression: the page shows that it is live.
const isLive = `document.querySelector(".page-head .live")?.innerText === "Live"`

func TestLive_APingKeepsOpenedDetailsAndTypedText(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	api := s.newClient(t)
	h := createHeartbeat(t, api, "Nightly backup", "24h", "1h")
	report(t, *h.PingURL, "first output")
	report(t, *h.PingURL+"/fail", "second output")
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.followLink("Nightly backup")
	b.waitFor("the sign", isLive)
	const first = `document.querySelector("#log > li:last-child")`
	b.waitFor("the older of two lines", first+`.querySelector("details") && !`+first+`.querySelector("details").open`)
	b.run(chromedp.Evaluate[chromedp.Void](first + `.querySelector("summary").click(); ` + markDocument))
	b.waitForText("first output")

	notes := newTab(t, s)
	notes.signIn(ownerEmail, ownerPassword)
	notes.followLink("Incidents")
	notes.followLink("Nightly backup")
	notes.waitFor("the sign", isLive)
	notes.fill("Note", "The disk is fu")
	notes.run(chromedp.Evaluate[chromedp.Void](markDocument))
	must := func(text string) {
		notes.waitFor(text, documentIsMarked+`&& document.querySelector("#note").value === "The disk is fu"`)
	}
	second := newTab(t, s)
	second.signIn(ownerEmail, ownerPassword)
	second.followLink("Incidents")
	second.followLink("Nightly backup")
	second.submit("Acknowledge")
	notes.waitFor("Acknowledged by another person, and no button", hasStatus("Acknowledged")+`&& !document.querySelector('.page-head button[form="ack"]')`)
	must("the note that is being typed, after an acknowledgement")

	report(t, *h.PingURL, "third output")
	b.waitFor("the new line on top, on the page as it was loaded",
		documentIsMarked+`&& document.querySelector("#log > li:not(.head)").textContent.includes("third output")`)
	b.waitFor("the line still open that was opened", first+`.querySelector("details").open`)
	b.waitForText("first output")
	notes.waitFor("Resolved", hasStatus("Resolved"))
	must("the note that is being typed, after the recovery")
}

// TestLive_TheTimeDownGrowsWhileThePageIsOpen reads the figures of the page of a heartbeat
// that is Down and of the list of incidents.
func TestLive_TheTimeDownGrowsWhileThePageIsOpen(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	h := createHeartbeat(t, s.newClient(t), "archive", "24h", "1h")
	report(t, *h.PingURL, "first output")
	report(t, *h.PingURL+"/fail", "second output")
	b, incidents := newTab(t, s), newTab(t, s)
	for _, tab := range []*tab{b, incidents} {
		tab.signIn(ownerEmail, ownerPassword)
	}
	b.followLink("archive")
	incidents.followLink("Incidents")
	for tab, name := range map[*tab]string{b: "Time Down", incidents: "Time Down in total"} {
		tab.waitFor("the sign", isLive)
		figure := `[...document.querySelectorAll(".stats dt")].find((e) => e.innerText === ` + quote(name) + `)?.nextElementSibling.innerText`
		tab.run(chromedp.Evaluate[chromedp.Void](markDocument))
		for range 4 { // the first changes can be those of the incident
			before := mustEvaluate[string](tab, figure)
			tab.waitFor("a larger figure on the same document", documentIsMarked+` && `+figure+` !== `+quote(before))
		}
	}
}

func TestLive_ThePageReportsAnEndedSession(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	createHeartbeat(t, s.newClient(t), "Nightly backup", "24h", "1h")
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.followLink("Nightly backup")
	b.waitFor("the sign", isLive)
	other := newTab(t, s)
	other.signIn(ownerEmail, ownerPassword)
	other.navigate("/account")
	other.submit("Sign out everywhere else")
	b.waitFor("Signed out, with the way back in", `document.querySelector(".live").innerText.startsWith("Signed out")
		&& document.querySelector(".live a").getAttribute("href") === "/sign-in?next=" + encodeURIComponent(location.pathname)`)
	b.followLink("Sign in")
	b.waitFor("the sign-in", `location.pathname === "/sign-in"`)
}

func TestLive_ManyTabsLeaveConnectionsForPages(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.waitFor("the sign", isLive)
	// Windows have the cookies of their opener, as the tabs of a browser do.
	b.run(chromedp.Evaluate[chromedp.Void](`void (window.opened = Array.from({ length: 7 }, () => open("/heartbeats")))`))
	const signs = `[window, ...opened].map((w) => w.document.querySelector(".page-head .live")?.innerText)`
	b.waitFor("all pages, four of them live", `(() => {
		const signs = `+signs+`;
		return signs.every((s) => s === "Live" || s === "Not live") && signs.filter((s) => s === "Live").length === 4;
	})()`)
	b.run(chromedp.Evaluate[chromedp.Void](`for (const w of opened) w.dispatchEvent(new Event("focus"))`))
	b.waitFor("the oldest tab not live", signs+`[0] === "Not live"`)
	createHeartbeat(t, s.newClient(t), "Nightly backup", "24h", "1h")
	b.run(chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event("focus"))`))
	b.waitFor("the tab that is used live again, and another one not", isLive+` && `+signs+`.filter((s) => s === "Live").length === 4`)
	b.waitFor("what it missed", newsText+` === "1 new: show"`)
	b.run(chromedp.Evaluate[chromedp.Void](`for (const w of opened) w.close()`))
}
