package browser_test

import "testing"

func TestHeartbeatForm_ShowsErrorsAtTheFieldsAndFocusesTheFirst(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	h := createHeartbeat(t, s.newClient(t), "Nightly backup", "24h", "1h")
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.followLink("Nightly backup")
	b.followLink("Edit")
	b.waitForPath("/heartbeats/" + *h.ID + "/edit")

	b.step("an error appears and disappears while typing", func(b *tab) {
		b.fill("Expected interval", "sometimes")
		b.waitFor("the complaint while it is typed", `document.querySelector("#interval-e").innerText.includes("sometimes")`)
		b.waitFor("the field marked as wrong", `document.querySelector("#interval").getAttribute("aria-invalid") === "true"`)
		b.fill("Expected interval", "2h")
		b.waitFor("the complaint gone", `document.querySelector("#interval-e").hidden && !document.querySelector("#interval").ariaInvalid`)
		b.waitForText("expects a ping every 2 h")
	})
	b.step("a rejected form shows its errors and focuses the first", func(b *tab) {
		b.fill("Expected interval", "often")
		b.fill("Grace period", "a bit")
		b.waitFor("the complaints, which move the button", `document.querySelector("#interval-e").innerText.includes("often") && document.querySelector("#grace-e").innerText.includes("a bit")`)
		b.expect(422)
		b.submit("Save")
		b.waitFor("what to type instead, at both fields", `["interval", "grace"].every((id) => /for example/.test(document.getElementById(id + "-e").innerText))`)
		b.waitFor("the focus on the first of them", `document.activeElement.id === "interval"`)
		b.waitFor("the error read with the field", `document.activeElement.getAttribute("aria-describedby").split(" ").includes("interval-e")`)
		b.waitFor("what was typed still there", `document.querySelector("#interval").value === "often" && document.querySelector("#grace").value === "a bit"`)
	})
	b.step("a corrected form is saved", func(b *tab) {
		b.fill("Expected interval", "36h")
		b.fill("Grace period", "90m")
		b.fill("Name", "Weekly backup")
		b.submit("Save")
		b.waitForPath("/heartbeats/" + *h.ID)
		b.waitForToast("Saved")
		b.waitFor("the new name", `document.querySelector("h1").innerText === "Weekly backup"`)
		b.waitForText("every 36 h")
	})
}
