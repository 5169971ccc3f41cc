package browser_test

import (
	"fmt"
	"testing"

	"overdue/client"

	"github.com/chromedp/chromedp"
)

// newsText is an expression: the text of the bar above a list.
const newsText = `document.querySelector("#live-news")?.innerText.trim()`

// wasAnnounced returns an expression: a sentence was announced to screen readers.
func wasAnnounced(text string) string {
	return `document.querySelector("#announce").innerText === ` + quote(text)
}

func TestNews_AnOpenListOffersNewMatches(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	api := s.newClient(t)
	b, incidents := newTab(t, s), newTab(t, s)
	for _, tab := range []*tab{b, incidents} {
		tab.signIn(ownerEmail, ownerPassword)
	}
	incidents.followLink("Incidents")
	incidents.waitFor("the sign", isLive)
	b.waitFor("the sign on the empty list", isLive)
	var first client.Heartbeat
	b.step("an empty list announces the first heartbeat", func(b *tab) {
		first = createHeartbeat(b.T, api, "Job 00", "24h", "1h")
		b.waitFor("the first heartbeat", newsText+` === "1 new: show"`)
	})
	b.step("a heartbeat that is Down on another page is announced", func(b *tab) {
		for n := range 26 {
			createHeartbeat(b.T, api, fmt.Sprintf("Job %02d", n+1), "24h", "1h")
		}
		last := createHeartbeat(b.T, api, "Zebra", "24h", "1h")
		b.navigate("/heartbeats?sort=name")
		b.waitFor("the sign", isLive)
		ping(b.T, *last.PingURL+"/fail")
		b.waitFor("the one that is Down elsewhere", newsText+` === "1 more is Down: show"`)
		b.waitFor("the same for a screen reader", wasAnnounced("1 more is Down"))
		b.waitFor("that it is not in the list yet", `!document.querySelector(".hb-list").innerText.includes("Zebra")`)
	})
	incidents.step("a new incident is offered and shown", func(incidents *tab) {
		incidents.waitFor("the new incident", newsText+` === "1 new: show"`)
		incidents.waitFor("the count of open incidents next to it", `document.querySelector('.toolbar a[data-status="open"]').innerText.trim() === "Open 1"
			&& document.querySelector(".stats dd").innerText === "1"`)
		incidents.followLink("1 new: show")
		incidents.waitFor("its row", `document.querySelector("tbody").innerText.includes("Zebra") && !document.querySelector("a[data-news]")`)
	})
	b.step("a new heartbeat is offered and shown", func(b *tab) {
		createHeartbeat(b.T, api, "Aardvark", "24h", "1h", "edge")
		b.waitFor("both", newsText+` === "1 more is Down, 1 new: show"`)
		b.followLink("1 more is Down, 1 new: show")
		b.waitFor("the new row and no bar", `document.querySelector(".hb-list").innerText.includes("Aardvark") && !document.querySelector("a[data-news]")`)
	})
	b.step("rows still change in place", func(b *tab) {
		ping(b.T, *first.PingURL)
		b.waitFor("a row that changes in place", `[...document.querySelectorAll('.hb[data-status="up"]')].some((r) => r.innerText.includes("Job 00"))`)
	})
}

func TestNews_AnUnattendedListRefreshesItself(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	api := s.newClient(t)
	createHeartbeat(t, api, "Known", "24h", "1h")
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.waitFor("the sign", isLive)
	b.run(chromedp.Evaluate[chromedp.Void](markDocument + `; document.querySelector(".pick[name=id]").click(); document.body.dataset.idle = "1"`))
	b.step("a selection delays the refresh", func(b *tab) {
		createHeartbeat(b.T, api, "Unknown", "24h", "1h")
		b.waitFor("the bar, while something is selected", newsText+` === "1 new: show"`)
		b.waitFor("that it waits", `!document.querySelector(".hb-list").innerText.includes("Unknown") && document.querySelector(".pick[name=id]").checked`)
	})
	b.step("without a selection the list refreshes", func(b *tab) {
		b.run(chromedp.Evaluate[chromedp.Void](`document.querySelector(".pick[name=id]").click(); document.activeElement.blur()`))
		b.waitFor("the new row, on the page as it was loaded", documentIsMarked+`&& document.querySelector(".hb-list").innerText.includes("Unknown") && !document.querySelector("a[data-news]")`)
	})
	b.step("it refreshes again with the new stream", func(b *tab) {
		down := createHeartbeat(b.T, api, "Later", "24h", "1h")
		b.waitFor("the next one too, by the new stream", documentIsMarked+`&& document.querySelector(".hb-list").innerText.includes("Later")`)
		ping(b.T, *down.PingURL+"/fail")
		b.waitFor("and its row live", `document.querySelector('.hb[data-status="down"]')?.innerText.includes("Later")`)
	})
}
