package browser_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// news is the text of the bar above a list.
const news = `document.querySelector("#live-news")?.innerText.trim()`

// announced is whether a screen reader was given a sentence.
func announced(text string) string {
	return `document.querySelector("#announce").innerText === ` + quote(text)
}

func TestAnOpenListSaysWhatItDoesNotShowAndShowsItWhenAsked(t *testing.T) {
	t.Parallel()
	s := serveOwned(t)
	api := s.api(t)
	b, incidents := newTab(t, s), newTab(t, s)
	for _, tab := range []*tab{b, incidents} {
		tab.signIn(ownerEmail, ownerPassword)
	}
	incidents.follow("Incidents")
	incidents.sees("the sign", live)
	b.sees("the sign on the empty list", live)
	first := heartbeat(t, api, "Job 00", "24h", "1h")
	b.sees("the first heartbeat", news+` === "1 new: show"`)
	for n := range 26 {
		heartbeat(t, api, fmt.Sprintf("Job %02d", n+1), "24h", "1h")
	}
	last := heartbeat(t, api, "Zebra", "24h", "1h")
	b.open("/heartbeats?sort=name")
	b.sees("the sign", live)
	ping(t, *last.PingURL+"/fail")
	b.sees("the one that is Down elsewhere", news+` === "1 more is Down: show"`)
	b.sees("the same for a screen reader", announced("1 more is Down"))
	b.sees("that it is not in the list yet", `!document.querySelector(".hb-list").innerText.includes("Zebra")`)
	incidents.sees("the new incident", news+` === "1 new: show"`)
	incidents.follow("1 new: show")
	incidents.sees("its row", `document.querySelector("tbody").innerText.includes("Zebra") && !document.querySelector("a[data-news]")`)
	heartbeat(t, api, "Aardvark", "24h", "1h", "edge")
	b.sees("both", news+` === "1 more is Down, 1 new: show"`)
	b.follow("1 more is Down, 1 new: show")
	b.sees("the new row and no bar", `document.querySelector(".hb-list").innerText.includes("Aardvark") && !document.querySelector("a[data-news]")`)
	ping(t, *first.PingURL)
	b.sees("a row that changes in place", `[...document.querySelectorAll('.hb[data-status="up"]')].some((r) => r.innerText.includes("Job 00"))`)
}

func TestAListThatNobodyTouchesBringsItselfUpToDate(t *testing.T) {
	t.Parallel()
	s := serveOwned(t)
	api := s.api(t)
	heartbeat(t, api, "Known", "24h", "1h")
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.sees("the sign", live)
	b.do(chromedp.Evaluate[chromedp.Void](touch + `; document.querySelector(".pick[name=id]").click(); document.body.dataset.idle = "1"`))
	heartbeat(t, api, "Unknown", "24h", "1h")
	b.sees("the bar, while something is selected", news+` === "1 new: show"`)
	b.sees("that it waits", `!document.querySelector(".hb-list").innerText.includes("Unknown") && document.querySelector(".pick[name=id]").checked`)
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector(".pick[name=id]").click(); document.activeElement.blur()`))
	b.sees("the new row, on the page as it was loaded", untouched+`&& document.querySelector(".hb-list").innerText.includes("Unknown") && !document.querySelector("a[data-news]")`)
	down := heartbeat(t, api, "Later", "24h", "1h")
	b.sees("the next one too, by the new stream", untouched+`&& document.querySelector(".hb-list").innerText.includes("Later")`)
	ping(t, *down.PingURL+"/fail")
	b.sees("and its row live", `document.querySelector('.hb[data-status="down"]')?.innerText.includes("Later")`)
}
