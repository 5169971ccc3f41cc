package browser_test

import "testing"

func TestACronLineIsReadBackWhileItIsTypedAndSaysWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	s := serveOwned(t)
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.open("/heartbeats/new")
	b.fill("Name", "Nightly backup")
	b.press("Cron")
	b.fill("Cron expression", "0 3 * * 1-5")
	b.fill("Time zone", "Europe/Berlin")
	b.reads("Overdue expects a ping at 03:00 on weekdays, Europe/Berlin.")
	b.reads("Next 5 runs")

	b.fill("Cron expression", "0 3 * * 1-5\n61 3 * * *")
	b.reads("Line 2: Minute 61 is out of range: minutes go from 0 to 59.")
	b.reads("The schedule cannot be read yet.")
	b.expect(422)
	b.submit("Save")
	b.sees("the focus on it, and what was typed", `document.activeElement.id === "cron" && document.activeElement.value.includes("61 3")`)
	b.sees("the other schedules still away", `!document.querySelector("#interval").checkVisibility()`)

	b.fill("Cron expression", "0 3 * * 1-5\n30 12 * * 6")
	b.reads("at 03:00 on weekdays")
	b.submit("Save")
	b.sees("the page of the new heartbeat", status("New"))
	b.follow("Heartbeats")
	b.reads("at 03:00 on weekdays")
	b.lists("Nightly backup")
}

func TestHeartbeatForm_AButtonFillsInWhatWasMeant(t *testing.T) {
	t.Parallel()
	b := newTab(t, serveOwned(t))
	b.signIn(ownerEmail, ownerPassword)
	b.open("/heartbeats/new") // without a name, which must not keep the button from working
	b.fill("Expected interval", "24")
	b.reads("24 has no unit")
	b.submit("Use 24h")
	b.reads("Overdue expects a ping every 24 h.")
	b.sees("the interval with its unit", `document.querySelector("#interval").value === "24h"`)

	b.press("Cron")
	b.fill("Cron expression", "0 3 * * *\n0 15 10 ? * 2-6")
	b.submit("Use 15 10 * * 1-5 (Quartz)")
	b.reads("at 10:15 on weekdays")
	b.sees("the other line as it was", `document.querySelector("#cron").value === "0 3 * * *\n15 10 * * 1-5"`)
	b.fill("Name", "Nightly backup")
	b.submit("Save")
	b.sees("the page of the new heartbeat", status("New"))
}

func TestAnAddressOfAnOperationOpensItsDetails(t *testing.T) {
	t.Parallel()
	b := newTab(t, serveOwned(t))
	const open = `[...document.querySelectorAll("details.op")].filter((d) => d.open).map((d) => d.id).join()`
	b.open("/docs/api")
	b.sees("all of them closed", open+` === ""`)
	const some = `[...document.querySelectorAll("details.op[id]")]`
	first, last := get[string](b, some+`[0].id`), get[string](b, some+`.at(-1).id`)
	b.open("/docs/search") // so that the address is not that of the page that is open
	b.open("/docs/api#" + last)
	b.sees("the one of the address, in view", openAt(last))
	b.open("/docs/api#" + first)
	b.sees("another, without a new page", openAt(first))
}

// openAt is whether the operation with an id can be read.
func openAt(id string) string {
	return `(() => {
		const e = document.getElementById(` + quote(id) + `), box = e.closest("details.op"), at = e.getBoundingClientRect();
		return box.open && at.top >= 0 && at.top < innerHeight;
	})()`
}
