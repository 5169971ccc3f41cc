package web

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
)

// nextMail waits for the only email that was sent.
func (w *fixture) nextMail() sentMail {
	w.Helper()
	for range 1000 {
		w.mu.Lock()
		n := len(w.mails)
		w.mu.Unlock()
		if n > 0 {
			break
		}
		<-w.timerAfter(10 * time.Millisecond)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.mails) != 1 {
		w.Fatalf("%d emails were sent", len(w.mails))
	}
	return w.mails[0]
}

func TestPasswordReset_WorksByMail(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.expectHTML(w.get("", "/sign-in"), 200, `href="/reset"`)
		w.expectHTML(w.get("", "/reset"), 200, "Send reset link")
		w.expectHTML(w.post("", "/reset", url.Values{"email": {"nonsense"}}), 422, "Write an email address")
		unknown := w.post("", "/reset", url.Values{"email": {"nobody@example.com"}})
		known := w.post("", "/reset", url.Values{"email": {"member@example.com"}})
		same := regexp.MustCompile(`nobody@|member@|data-now="[^"]*"`)
		if known.code != 200 || same.ReplaceAllString(known.body, "") != same.ReplaceAllString(unknown.body, "") {
			w.Error("the page reveals whether an address has an account")
		}
		mail := w.nextMail()
		link := regexp.MustCompile(testBaseURL + `(/reset/[^\s]+)`).FindStringSubmatch(mail.text)
		if mail.to != "member@example.com" || link == nil {
			w.Fatalf("%+v", mail)
		}
		w.expectHTML(w.get("", link[1]), 200, "member@example.com", "Set password and sign in")
		w.expectHTML(w.get("", link[1]), 200, "Set password and sign in") // looking does not use it up
		w.expectHTML(w.post("", link[1], url.Values{"password": {"short"}, "email": {"member@example.com"}}), 422, "12")
		before := w.cookie("member")
		a := w.post("", link[1], url.Values{"password": {"a new horse battery"}})
		if a.location() != "/heartbeats" || a.sessionCookie == nil || a.sessionCookie.Value == before.Value {
			w.Fatal(a.code, a.body)
		}
		if a := w.get("member", "/heartbeats"); !strings.HasPrefix(a.location(), "/sign-in") {
			w.Error("an earlier session still exists")
		}
		w.expectHTML(w.get("", link[1]), 410, "This link has expired or was already used", "Request another link")
		w.expectHTML(w.post("", link[1], url.Values{"password": {"yet another horse"}}), 410)
	})
}

func TestPasswordReset_IsNotOfferedWithoutAMailServer(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.site.SendMail = nil
		page := w.get("", "/sign-in")
		w.expectHTML(page, 200, "Ask the operator of this server for a reset link")
		w.expectNone(page, `href="/reset"`)
		w.expectHTML(w.get("", "/reset"), 404)
		w.expectHTML(w.post("", "/reset", url.Values{"email": {"member@example.com"}}), 404)
		token, _, _, err := w.people.CreateResetLink(w.Context(), "member@example.com", auth.Operator(monitor.Project{}, "root"), w.now())
		if err != nil {
			w.Fatal(err)
		}
		w.expectHTML(w.get("", "/reset/"+token), 200, "Set password and sign in") // one that the operator made
	})
}
