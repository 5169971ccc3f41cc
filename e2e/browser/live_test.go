package browser_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// live is whether the page says that it follows what happens.
const live = `document.querySelector(".page-head .live")?.innerText === "Live"`

func TestAPingThatArrivesLeavesWhatSomebodyHasOpenedAndTyped(t *testing.T) {
	t.Parallel()
	s := serveOwned(t)
	api := s.api(t)
	h := heartbeat(t, api, "Nightly backup", "24h", "1h")
	tell(t, *h.PingURL, "first output")
	tell(t, *h.PingURL+"/fail", "second output")
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.follow("Nightly backup")
	b.sees("the sign", live)
	const first = `document.querySelector("#log > li:last-child")`
	b.sees("the older of two lines", first+`.querySelector("details") && !`+first+`.querySelector("details").open`)
	b.do(chromedp.Evaluate[chromedp.Void](first + `.querySelector("summary").click(); ` + touch))
	b.reads("first output")

	notes := newTab(t, s)
	notes.signIn(ownerEmail, ownerPassword)
	notes.follow("Incidents")
	notes.follow("Nightly backup")
	notes.sees("the sign", live)
	notes.fill("Note", "The disk is fu")
	notes.do(chromedp.Evaluate[chromedp.Void](touch))
	must := func(text string) {
		notes.sees(text, untouched+`&& document.querySelector("#note").value === "The disk is fu"`)
	}
	beside := newTab(t, s)
	beside.signIn(ownerEmail, ownerPassword)
	beside.follow("Incidents")
	beside.follow("Nightly backup")
	beside.submit("Acknowledge")
	notes.sees("Acknowledged by somebody else, and the button gone", status("Acknowledged")+`&& !document.querySelector('.page-head button[form="ack"]')`)
	must("the note that is being typed, after an acknowledgement")

	tell(t, *h.PingURL, "third output")
	b.sees("the new line on top, on the page as it was loaded",
		untouched+`&& document.querySelector("#log > li:not(.head)").textContent.includes("third output")`)
	b.sees("the line still open that was opened", first+`.querySelector("details").open`)
	b.reads("first output")
	notes.sees("Resolved", status("Resolved"))
	must("the note that is being typed, after the recovery")
}

func TestALivePageSaysThatItsSessionHasEnded(t *testing.T) {
	t.Parallel()
	s := serveOwned(t)
	heartbeat(t, s.api(t), "Nightly backup", "24h", "1h")
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.follow("Nightly backup")
	b.sees("the sign", live)
	other := newTab(t, s)
	other.signIn(ownerEmail, ownerPassword)
	other.open("/account")
	other.submit("Sign out everywhere else")
	b.sees("Signed out, with the way back in", `document.querySelector(".live").innerText.startsWith("Signed out")
		&& document.querySelector(".live a").getAttribute("href") === "/sign-in?next=" + encodeURIComponent(location.pathname)`)
	b.follow("Sign in")
	b.sees("the sign-in", `location.pathname === "/sign-in"`)
}
