package browser_test

import "testing"

func TestAFormThatCannotBeSavedSaysBesideEachFieldWhatToTypeAndPutsTheFocusOnTheFirst(t *testing.T) {
	t.Parallel()
	s := serveOwned(t)
	h := heartbeat(t, s.api(t), "Nightly backup", "24h", "1h")
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.follow("Nightly backup")
	b.follow("Edit")
	b.at("/heartbeats/" + *h.ID + "/edit")

	b.fill("Expected interval", "sometimes")
	b.sees("the complaint while it is typed", `document.querySelector("#interval-e").innerText.includes("sometimes")`)
	b.sees("the field marked as wrong", `document.querySelector("#interval").getAttribute("aria-invalid") === "true"`)
	b.fill("Expected interval", "2h")
	b.sees("the complaint gone", `document.querySelector("#interval-e").hidden && !document.querySelector("#interval").ariaInvalid`)
	b.reads("expects a ping every 2 h")

	b.fill("Expected interval", "often")
	b.fill("Grace period", "a bit")
	b.sees("the complaints, which move the button", `document.querySelector("#interval-e").innerText.includes("often") && document.querySelector("#grace-e").innerText.includes("a bit")`)
	b.expect(422)
	b.submit("Save")
	b.sees("what to type instead, at both fields", `["interval", "grace"].every((id) => /for example/.test(document.getElementById(id + "-e").innerText))`)
	b.sees("the focus on the first of them", `document.activeElement.id === "interval"`)
	b.sees("the error read with the field", `document.activeElement.getAttribute("aria-describedby").split(" ").includes("interval-e")`)
	b.sees("what was typed still there", `document.querySelector("#interval").value === "often" && document.querySelector("#grace").value === "a bit"`)

	b.fill("Expected interval", "36h")
	b.fill("Grace period", "90m")
	b.fill("Name", "Weekly backup")
	b.submit("Save")
	b.at("/heartbeats/" + *h.ID)
	b.reads("Saved")
	b.sees("the new name", `document.querySelector("h1").innerText === "Weekly backup"`)
	b.reads("every 36 h")
}
