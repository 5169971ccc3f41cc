package browser_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// complaint is what the sign-in says about the last try.
func (b *tab) complaint() string {
	b.Helper()
	return get[string](b, `[...document.querySelectorAll(".error")].map((e) => e.innerText.trim()).join(" ")`)
}

// guess tries passwords until the answer changes, and returns the answers and
// after how many tries the second came.
func guess(b *tab, email string) (wrong, tooMany string, tries int) {
	b.Helper()
	const most = 20
	b.open("/sign-in")
	b.fill("Email", email)
	for tries = 1; tries <= most; tries++ {
		b.fill("Password", "no") // the address stays in the form
		b.submit("Sign in")
		b.at("/sign-in")
		switch said := b.complaint(); {
		case wrong == "":
			wrong = said
		case said != wrong:
			return wrong, said, tries
		}
	}
	b.Fatalf("%d wrong passwords were answered alike: %s", most, wrong)
	return "", "", 0
}

func TestGuessingPasswordsIsSlowedDownAndTellsNothingAboutAccounts(t *testing.T) {
	t.Parallel()
	s := serveOwned(t)
	s.provoked = []string{"sign-in throttled", `"reason":"rate_limit"`}
	b := newTab(t, s)
	b.expect(422, 429)
	wrong, tooMany, tries := guess(b, ownerEmail)
	otherWrong, otherTooMany, otherTries := guess(b, "nobody@example.com")
	digits := regexp.MustCompile(`\d+`)
	if wrong != otherWrong || digits.ReplaceAllString(tooMany, "N") != digits.ReplaceAllString(otherTooMany, "N") || tries != otherTries {
		b.Errorf("answers differ:\n  account: %s / %s after %d\n  nobody:  %s / %s after %d", wrong, tooMany, tries, otherWrong, otherTooMany, otherTries)
	}
	if !strings.Contains(tooMany, "minute") {
		b.Errorf("too many tries are answered %q, which does not say when to come back", tooMany)
	}
	b.fill("Email", ownerEmail)
	b.fill("Password", ownerPassword)
	b.submit("Sign in")
	if got := b.complaint(); digits.ReplaceAllString(got, "N") != digits.ReplaceAllString(tooMany, "N") {
		b.Errorf("the right password was answered %q", got)
	}
}

func TestAViewerWhoIsInvitedSeesNoPingURLAndMayChangeNothing(t *testing.T) {
	t.Parallel()
	s := serveOwned(t)
	h := heartbeat(t, s.api(t), "Nightly backup", "24h", "1h")
	ping(t, *h.PingURL)
	owner := newTab(t, s)
	owner.signIn(ownerEmail, ownerPassword)
	owner.follow("Team")
	owner.fill("Email", "viewer@example.com")
	owner.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#role").focus()`))
	owner.keys("Viewer")
	owner.submit("Create invitation")
	link := get[string](owner, `document.querySelector("#invite-link").innerText`)

	b := newTab(t, s)
	b.open(link)
	b.reads("viewer@example.com")
	b.fill("Your name", "Vera")
	b.fill("Password", "another long password")
	b.submit("Create account and join")
	b.at("/heartbeats")
	b.lists("Nightly backup")
	b.hides("New Heartbeat", *h.ID)
	b.follow("Nightly backup")
	b.sees("the status", status("Up"))
	b.hides("Ping URL", *h.ID, "Pause", "Danger zone")
	b.follow("Team")
	b.hides("Invite someone")
	b.expect(403)
	for _, path := range []string{"/heartbeats/new", "/settings", "/api-keys", "/audit"} {
		b.open(path)
		b.reads("Your role in this project, viewer, does not allow it.")
	}
	owner.follow("Team")
	owner.reads("Vera")
}

// hides complains when the document has any of the texts, seen or not.
func (b *tab) hides(texts ...string) {
	b.Helper()
	document := get[string](b, `document.documentElement.outerHTML`)
	for _, text := range texts {
		if strings.Contains(document, text) {
			b.Errorf("%s has %q", get[string](b, "location.pathname"), text)
		}
	}
}
