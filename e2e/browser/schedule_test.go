package browser_test

import "testing"

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
	b.waitForText("24 has no unit")
	b.submit("Use 24h")
	b.waitForText("Overdue expects a ping every 24 h.")
	b.waitFor("the interval with its unit", `document.querySelector("#interval").value === "24h"`)

	b.press("Cron")
	b.fill("Cron expression", "0 3 * * *\n0 15 10 ? * 2-6")
	b.submit("Use 15 10 * * 1-5 (Quartz)")
	b.waitForText("at 10:15 on weekdays")
	b.waitFor("the other line as it was", `document.querySelector("#cron").value === "0 3 * * *\n15 10 * * 1-5"`)
	b.fill("Name", "Nightly backup")
	b.submit("Save")
	b.waitFor("the page of the new heartbeat", hasStatus("New"))
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
