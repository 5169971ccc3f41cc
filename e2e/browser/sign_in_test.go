package browser_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// errorText returns the error on the sign-in page.
func (b *tab) errorText() string {
	b.Helper()
	return mustEvaluate[string](b, `[...document.querySelectorAll(".error")].map((e) => e.innerText.trim()).join(" ")`)
}

// guessPassword tries passwords until the error changes. It returns both errors and
// the number of tries.
func guessPassword(b *tab, email string) (wrong, tooMany string, tries int) {
	b.Helper()
	const most = 20
	b.navigate("/sign-in")
	b.fill("Email", email)
	for tries = 1; tries <= most; tries++ {
		b.fill("Password", "no") // the address stays in the form
		b.submit("Sign in")
		b.waitForPath("/sign-in")
		switch said := b.errorText(); {
		case wrong == "":
			wrong = said
		case said != wrong:
			return wrong, said, tries
		}
	}
	b.Fatalf("%d wrong passwords got the same error: %s", most, wrong)
	return "", "", 0
}

func TestSignIn_LimitsGuessesAndRevealsNoAccount(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	s.provoked = []string{"sign-in throttled", `"reason":"rate_limit"`}
	b := newTab(t, s)
	b.expect(422, 429)
	wrong, tooMany, tries := guessPassword(b, ownerEmail)
	otherWrong, otherTooMany, otherTries := guessPassword(b, "nobody@example.com")
	digits := regexp.MustCompile(`\d+`)
	if wrong != otherWrong || digits.ReplaceAllString(tooMany, "N") != digits.ReplaceAllString(otherTooMany, "N") || tries != otherTries {
		b.Errorf("answers differ:\n  account: %s / %s after %d\n  nobody:  %s / %s after %d", wrong, tooMany, tries, otherWrong, otherTooMany, otherTries)
	}
	if !strings.Contains(tooMany, "minute") {
		b.Errorf("the error after too many tries is %q, without the time to wait", tooMany)
	}
	b.fill("Email", ownerEmail)
	b.fill("Password", ownerPassword)
	b.submit("Sign in")
	if got := b.errorText(); digits.ReplaceAllString(got, "N") != digits.ReplaceAllString(tooMany, "N") {
		b.Errorf("the correct password got %q", got)
	}
}

func TestViewer_SeesNoPingURLAndCannotChangeAnything(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	h := createHeartbeat(t, s.newClient(t), "Nightly backup", "24h", "1h")
	ping(t, *h.PingURL)
	owner := newTab(t, s)
	owner.signIn(ownerEmail, ownerPassword)
	link, b := "", newTab(t, s)
	owner.step("an owner creates an invitation", func(owner *tab) {
		owner.followLink("Team")
		owner.fill("Email", "viewer@example.com")
		owner.run(chromedp.Evaluate[chromedp.Void](`document.querySelector("#role").focus()`))
		owner.typeKeys("Viewer")
		owner.submit("Create invitation")
		link = mustEvaluate[string](owner, `document.querySelector("#invite-link").innerText`)
	})
	b.step("the invitation creates an account", func(b *tab) {
		b.navigate(link)
		b.waitForText("viewer@example.com")
		b.fill("Your name", "Vera")
		b.fill("Password", "another long password")
		b.submit("Create account and join")
		b.waitForPath("/heartbeats")
		b.expectRows("Nightly backup")
	})
	b.step("lists and pages show no ping URL and no actions", func(b *tab) {
		b.expectHidden("New Heartbeat", *h.ID)
		b.followLink("Nightly backup")
		b.waitFor("the status", hasStatus("Up"))
		b.expectHidden("Ping URL", *h.ID, "Pause", "Danger zone")
		b.followLink("Team")
		b.expectHidden("Invite someone")
	})
	b.step("pages of other roles are forbidden", func(b *tab) {
		b.expect(403)
		for _, path := range []string{"/heartbeats/new", "/settings", "/api-keys", "/audit"} {
			b.navigate(path)
			b.waitForText("Your role in this project, viewer, does not allow this.")
		}
	})
	owner.step("the owner sees the new member", func(owner *tab) {
		owner.followLink("Team")
		owner.waitForText("Vera")
	})
}

// expectHidden reports an error if the document contains any of the texts, visible
// or not.
func (b *tab) expectHidden(texts ...string) {
	b.Helper()
	document := mustEvaluate[string](b, `document.documentElement.outerHTML`)
	for _, text := range texts {
		if strings.Contains(document, text) {
			b.Errorf("%s has %q", mustEvaluate[string](b, "location.pathname"), text)
		}
	}
}
