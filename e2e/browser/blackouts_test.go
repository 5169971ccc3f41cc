package browser_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"

	"overdue/internal/demo"
)

func TestBlackouts_TheListOpensWithTheKeyboardAndReadsWithoutScript(t *testing.T) {
	t.Parallel()
	s, _ := startDemoServer(t)
	b := newTab(t, s)
	b.signIn(demo.Accounts[3].Email, demo.Password) // a viewer
	b.step("incidents lead to blackouts", func(b *tab) {
		b.navigate("/incidents")
		b.followLink("Blackouts")
		b.waitForPath("/blackouts")
		b.waitForText("Stopped with version 0.9.3, started again with version 1.0.0.")
		b.expectAccessible()
	})
	b.step("a row opens with the keyboard, and shows who is affected and the notice", func(b *tab) {
		mustEvaluate[bool](b, `document.querySelector(".outage summary").focus() || true`)
		b.typeKeys(" ")
		b.waitFor("the open row", `document.querySelector(".outage").open`)
		b.waitForText("The notice as it was sent")
		b.expectAccessible()
	})
	b.step("the link of the notice opens the row with all heartbeats", func(b *tab) {
		b.navigate("/blackouts?blackout=1#blackout-1")
		b.waitFor("all heartbeats", `document.querySelector("#blackout-1").open && document.querySelectorAll("#blackout-1 tbody tr").length > 5`)
		for _, width := range []int64{360, 390, 768, 1280, 1920} {
			b.resize(width)
			b.expectNoSidewaysScroll()
		}
	})
	b.step("print has no controls", func(b *tab) {
		call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		b.waitFor("the print", `!`+isShown(".sidebar")+` && !`+isShown(".page-head .seg")+` && `+isShown(".outage"))
		call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: ""})
	})
	b.step("everything reads without script", func(b *tab) {
		b.disableScript()
		b.navigate("/blackouts?blackout=1")
		b.waitForText("Whose runs are unknown")
	})
	b.step("the heartbeat has the blackout in its log", func(b *tab) {
		b.navigate("/blackouts?blackout=1")
		b.followLink("Session clean-up")
		b.waitForText("Overdue was not watching. The run that was due at")
		b.waitForText("1 unknown")
	})
}
