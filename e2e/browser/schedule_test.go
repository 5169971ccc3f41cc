package browser_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

func TestHeartbeatForm_PreviewsACronExpression(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.step("the preview describes the schedule", func(b *tab) {
		b.navigate("/heartbeats/new")
		b.fill("Name", "Nightly backup")
		b.press("Cron")
		b.fill("Cron expression", "0 3 * * 1-5")
		b.fill("Time zone", "Europe/Berlin")
		b.waitForText("Overdue expects a ping at 03:00 on weekdays, Europe/Berlin.")
		b.waitForText("Next 5 runs")
	})
	b.step("an invalid line is named and focused", func(b *tab) {
		b.fill("Cron expression", "0 3 * * 1-5\n61 3 * * *")
		b.waitForText("Line 2: Minute 61 is out of range: minutes go from 0 to 59.")
		b.waitForText("A preview appears here as soon as the schedule is valid.")
		b.expect(422)
		b.submit("Save")
		b.waitFor("the focus on it, and what was typed", `document.activeElement.id === "cron" && document.activeElement.value.includes("61 3")`)
		b.waitFor("the other schedules still away", `!document.querySelector("#interval").checkVisibility()`)
	})
	b.step("a corrected schedule is saved", func(b *tab) {
		b.fill("Cron expression", "0 3 * * 1-5\n30 12 * * 6")
		b.waitForText("at 03:00 on weekdays")
		b.submit("Save")
		b.waitFor("the page of the new heartbeat", hasStatus("New"))
		b.followLink("Heartbeats")
		b.waitForText("at 03:00 on weekdays")
		b.expectRows("Nightly backup")
	})
}

func TestHeartbeatForm_ASuggestionFillsInTheField(t *testing.T) {
	t.Parallel()
	b := newTab(t, startOwnedServer(t))
	b.signIn(ownerEmail, ownerPassword)
	b.navigate("/heartbeats/new") // without a name, which must not keep the button from working
	b.fill("Expected interval", "24")
	b.waitForText("24 has no unit.")
	b.press("24 hours")
	b.waitForText("Overdue expects a ping every 24 h.")
	b.waitFor("the interval with its unit", `document.querySelector("#interval").value === "24h"`)

	b.press("Cron")
	b.fill("Cron expression", "0 3 * * *\n0 15 10 ? * 2-6")
	b.waitForText("Use 15 10 * * 1-5 (Quartz)")
	b.press("Use 15 10 * * 1-5 (Quartz)")
	b.waitForText("at 10:15 on weekdays")
	b.waitFor("the other line as it was", `document.querySelector("#cron").value === "0 3 * * *\n15 10 * * 1-5"`)
	b.fill("Name", "Nightly backup")
	b.submit("Save")
	b.waitFor("the page of the new heartbeat", hasStatus("New"))
}

// warnsBeforeLeaving is true if the browser would ask before the page is left.
const warnsBeforeLeaving = `(() => { const e = new Event("beforeunload", { cancelable: true }); window.dispatchEvent(e); return e.defaultPrevented; })()`

func TestHeartbeatForm_APresetFillsInTheSchedule(t *testing.T) {
	t.Parallel()
	b := newTab(t, startOwnedServer(t))
	b.signIn(ownerEmail, ownerPassword)
	b.navigate("/heartbeats/new")
	b.waitFor("the focus on the name", `document.activeElement.id === "name"`)
	b.waitFor("no warning before an empty form is left", `!`+warnsBeforeLeaving)
	b.press("10 min")
	b.waitForText("Overdue expects a ping every 10 min.")
	b.waitFor("a warning before the filled form is left", warnsBeforeLeaving)
	b.press("Weekdays")
	b.waitForText("at 03:00 on weekdays")
	b.fill("At time of day, 24 h", "4:30")
	b.waitForText("at 04:30 on weekdays")
	b.waitFor("the expression in its open tab", `document.querySelector("#cron").value === "30 4 * * 1-5" && document.querySelector("#cron").checkVisibility()`)
	b.fill("Name", "Report")
	b.submit("Save")
	b.waitFor("the page of the new heartbeat", hasStatus("New"))
}

func TestIncidents_SeveralAreAcknowledgedAtOnce(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	api := s.newClient(t)
	for _, name := range []string{longName, "import", "report"} {
		h := createHeartbeat(t, api, name, "24h", "1h")
		ping(t, *h.PingURL+"/fail")
	}
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.navigate("/incidents?state=open")
	for _, width := range []int64{360, 390, 768, 1280, 1920} {
		b.resize(width)
		b.expectNoSidewaysScroll()
	}
	b.resize(wide)
	b.tick("Select all open incidents")
	b.submit("Acknowledge selected")
	b.waitForToast("Acknowledged 3 incidents")
	b.waitFor("the same filter", `location.search === "?state=open"`)
	b.waitForText("No matching incidents.")
	b.navigate("/incidents/1")
	b.waitForText("Incident #1")
}

func TestPages_FollowTheZoneOfTheBrowser(t *testing.T) {
	t.Parallel()
	b := newTab(t, startOwnedServer(t))
	call(b, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"})
	b.signIn(ownerEmail, ownerPassword)
	b.waitForText("Times in Asia/Tokyo")
	b.step("a browser that travels", func(b *tab) {
		call(b, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "America/Chicago"})
		b.navigate("/heartbeats")
		b.waitForText("Times in America/Chicago")
	})
	b.step("a chosen zone stays", func(b *tab) {
		b.navigate("/account")
		b.fill("Time zone of your pages", "Asia/Tokyo")
		b.submit("Save time zone")
		b.waitForText("Times are shown in Asia/Tokyo")
		b.waitForText("Time zone of this browser: America/Chicago")
		b.press("Use it")
		b.submit("Save time zone")
		b.waitForText("Times are shown in America/Chicago")
	})
}

func TestAPIReference_ALinkOpensItsOperation(t *testing.T) {
	t.Parallel()
	b := newTab(t, startOwnedServer(t))
	const open = `[...document.querySelectorAll("details.op")].filter((d) => d.open).map((d) => d.id).join()`
	b.navigate("/docs/api")
	b.waitFor("all of them closed", open+` === ""`)
	const some = `[...document.querySelectorAll("details.op[id]")]`
	first, last := mustEvaluate[string](b, some+`[0].id`), mustEvaluate[string](b, some+`.at(-1).id`)
	b.navigate("/docs/search") // so that the address is not that of the page that is open
	b.navigate("/docs/api#" + last)
	b.waitFor("the one of the address, in view", isOpen(last))
	b.navigate("/docs/api#" + first)
	b.waitFor("another, without a new page", isOpen(first))
}

// isOpen returns an expression: the operation with an id is open and in view.
func isOpen(id string) string {
	return `(() => {
		const e = document.getElementById(` + quote(id) + `), box = e.closest("details.op"), at = e.getBoundingClientRect();
		return box.open && at.top >= 0 && at.top < innerHeight;
	})()`
}
