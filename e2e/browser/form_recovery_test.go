package browser_test

import (
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// disableScript disables JavaScript in the tab.
func (b *tab) disableScript() {
	b.Helper()
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// dropSession removes the session cookie, as an expired session does.
func (b *tab) dropSession() {
	b.Helper()
	call(b, network.ClearBrowserCookies, cdp.Empty{})
}

func TestHeldForm_ComesBackAfterSigningInAgain(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	for _, script := range []bool{true, false} {
		b := newTab(t, s)
		b.signIn(ownerEmail, ownerPassword)
		b.navigate("/heartbeats/new")
		if !script {
			b.disableScript()
			b.navigate("/heartbeats/new")
		}
		b.fill("Name", "Nightly & <b>backup</b>")
		b.fill("Expected interval", "36h")
		b.fill("Grace period", "90m")
		b.fill("Description", "Runs on db1")
		b.dropSession()
		b.expect(401)
		b.submit("Save")
		b.waitForText("You were signed out; sign in to continue. Your input is kept.")
		b.fill("Email", ownerEmail)
		b.fill("Password", "not this one")
		b.expect(422)
		b.submit("Sign in")
		b.fill("Password", ownerPassword)
		b.submit("Sign in")
		b.waitForText("Your values are back in the form. They are not saved yet.")
		b.waitFor("the form as it was typed", `document.querySelector("#name").value === "Nightly & <b>backup</b>"
			&& document.querySelector("#interval").value === "36h" && document.querySelector("#grace").value === "90m"
			&& document.querySelector("#desc").value === "Runs on db1"`)
		b.submit("Save")
		b.waitForText("Waiting for the first ping")
		b.waitFor("the name that was typed", `document.querySelector("h1").innerText === "Nightly & <b>backup</b>"`)
	}
}

func TestFormOrigin_AFormIsNotSavedInAnotherProject(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.navigate("/settings")
	b.fill("New project", "Other")
	b.submit("Create project")
	b.navigate("/settings")
	b.submit("Open Main")
	b.navigate("/heartbeats/new")
	b.fill("Name", "Of main")
	// Another tab of the same browser opens the other project.
	b.run(chromedp.Evaluate[chromedp.Void](`fetch("/projects/other/choose", {method: "POST", body: new URLSearchParams(new FormData(document.querySelector('form[action="/projects/other/choose"]')))})
		.then(() => { document.body.dataset.switched = "yes"; })`))
	b.waitFor("the switch", `document.body.dataset.switched`)
	b.expect(409)
	b.submit("Save")
	b.waitForText("This form belongs to another project")
	b.waitForText("Nothing was changed")
	b.submit("Continue in Main")
	b.waitFor("the form as it was typed", `document.querySelector("#name").value === "Of main"`)
	b.submit("Save")
	b.waitFor("the heartbeat in its project", `document.querySelector(".switcher b").innerText === "Main" && document.querySelector("h1").innerText === "Of main"`)
}

func TestFormConflict_TwoEditsAreMerged(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	h := createHeartbeat(t, s.newClient(t), "Nightly backup", "24h", "1h")
	edit := "/heartbeats/" + *h.ID + "/edit"
	one, two := newTab(t, s), newTab(t, s)
	for _, b := range []*tab{one, two} {
		b.signIn(ownerEmail, ownerPassword)
		b.navigate(edit)
	}
	two.step("the first edit is saved", func(two *tab) {
		two.fill("Description", "Runbook: call Ada")
		two.fill("Tags", "db")
		two.submit("Save")
		two.waitForText("Runbook: call Ada")
	})
	one.step("the second edit shows both changes", func(one *tab) {
		one.fill("Grace period", "2h")
		one.fill("Tags", "disk")
		one.expect(409)
		one.submit("Save")
		one.waitForText("has changed since you opened it")
		one.waitForText("Only they changed it: their value is kept.")
		one.waitForText("Only you changed it: your value is kept.")
	})
	one.step("the merged form is saved", func(one *tab) {
		one.tick("disk")
		one.submit("Save")
		one.waitForPath("/heartbeats/" + *h.ID)
		one.waitForText("Runbook: call Ada")
		one.waitForText("grace 2h")
		one.waitForText("disk")
	})
}
