package browser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"

	"overdue/client"
)

// isShown is a script that reports whether an element is visible.
func isShown(selector string) string {
	return fmt.Sprintf(`(() => { const e = document.querySelector(%q); return !!e && e.checkVisibility(); })()`, selector)
}

func TestPrint_ListAndHeartbeatHaveTheContentAndNoControl(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	api := s.newClient(t)
	for i := range 30 {
		createHeartbeat(t, api, fmt.Sprintf("job %02d", i+1), "24h", "1h")
	}
	long := strings.Repeat("Copies the archive to the other region. ", 50)
	created, err := api.CreateHeartbeat(t.Context(), client.HeartbeatSettings{Name: new("archive"), Interval: "24h", Grace: "1h", Description: &long})
	if err != nil {
		t.Fatal(err)
	}
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	printed := func(b *tab, media string) {
		call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media})
	}
	b.step("Print all has the rows of every page", func(b *tab) {
		b.navigate("/heartbeats?q=job")
		b.followLink("Print all")
		b.waitFor("30 rows", `document.querySelectorAll(".hb").length === 30`)
		b.waitForText("30 matching heartbeats: search “job”")
		b.expectNoSidewaysScroll()
		if !mustEvaluate[bool](b, isShown("[data-print]")) {
			b.Error("no button prints the page")
		}
		printed(b, "print")
		b.waitFor("the print without controls", `!`+isShown("[data-print]")+`&& !`+isShown(".sidebar")+`&&`+isShown(".key")+`&&`+isShown("main .print-only"))
		printed(b, "")
	})
	b.step("a long description leaves the status on the first screen of a phone", func(b *tab) {
		b.resize(390)
		b.navigate("/heartbeats/" + *created.ID)
		const top = `document.querySelector(".hero .status").getBoundingClientRect().top`
		b.waitFor("the status on the first screen", top+` < 600`)
		b.press("Show the whole description")
		b.waitFor("the whole description", top+` > 700`)
		b.press("Show less")
		b.waitFor("the short description", top+` < 600`)
	})
	b.step("the print of a heartbeat has its status and its whole description", func(b *tab) {
		b.resize(768)
		printed(b, "print")
		b.waitFor("status and description", isShown(".hero .status")+`&& (() => { const e = document.querySelector(".clamped"); return e.scrollHeight <= e.clientHeight + 1; })()`)
	})
}
