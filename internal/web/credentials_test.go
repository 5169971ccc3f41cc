package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/web/view/ui"
)

// postWithEndedSession sends a form whose session ends between authentication and
// handler.
func (w *fixture) postWithEndedSession(as, pattern string, form url.Values) response {
	w.Helper()
	var during route
	for _, rt := range w.site.routes() {
		if rt.pattern == pattern {
			during = rt
		}
	}
	handle := during.handle
	during.handle = func(req *request) error {
		w.update(func(tx *store.Tx) error { return tx.EndOtherSessions(req.person.ID, "") })
		return handle(req)
	}
	_, path, _ := strings.Cut(pattern, " ")
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(w.cookie(as))
	rec := httptest.NewRecorder()
	w.site.People.Sessions.Middleware(w.site.serve(during)).ServeHTTP(rec, r)
	delete(w.cookies, as)
	return response{code: rec.Code, body: rec.Body.String(), header: rec.Header()}
}

func TestServe_ASessionThatEndsDuringARequestChangesNothing(t *testing.T) {
	onEach(t, func(w *fixture) {
		for pattern, form := range map[string]url.Values{
			"POST /api-keys":         {"name": {"thief"}},
			"POST /team/invitations": {"email": {"thief@example.org"}, "role": {"admin"}},
			"POST /account":          {"name": {"Thief"}, ui.VersionField: {"admin"}},
		} {
			w.expectText(w.postWithEndedSession("admin", pattern, w.withOrigin("admin", form)), http.StatusUnauthorized, "You were signed out; sign in to continue")
		}
		for _, path := range []string{"/api-keys", "/team", "/audit"} {
			w.expectNone(w.get("owner", path), "thief", "Thief")
		}
	})
}

func TestAcceptInvitation_GrantsNoMoreThanTheSenderCould(t *testing.T) {
	onEach(t, func(w *fixture) {
		invite := func(address string) string {
			_, token, err := w.service.Invite(w.Context(), w.actor("admin"), address, "admin")
			if err != nil {
				w.Fatal(err)
			}
			return "/invitations/" + token
		}
		first := invite("one@example.org")
		w.expectHTML(w.get("", first), 200, "one@example.org")
		w.expectRedirect(w.post("owner", "/team/"+w.person("admin").ID+"/role", url.Values{"role": {"viewer"}}), "/team")
		for _, a := range []response{w.get("", first), w.post("", first, url.Values{"name": {"Eve"}, "password": {testPassword}})} {
			w.expectHTML(a, http.StatusGone)
		}
		// The same if the link is still valid, and the sender's role changes meanwhile.
		admin := w.person("admin")
		become := func(role monitor.Role) {
			w.update(func(tx *store.Tx) error { return tx.SetMember(w.project.Key, admin.ID, role, w.now()) })
		}
		become(auth.Admin)
		second := invite("two@example.org")
		become(auth.Member)
		w.expectHTML(w.post("", second, url.Values{"name": {"Eve"}, "password": {testPassword}}), http.StatusGone)
		w.expectNone(w.get("owner", "/team"), "one@example.org", "<b>Eve</b>")
	})
}

func TestShowTeam_OffersToRevokeTheKeysOfARemovedMember(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.expectHTML(w.post("admin", "/api-keys", url.Values{"name": {"deploy script"}}), 200)
		w.expectNone(w.get("owner", "/team"), "API keys to check")
		w.expectRedirect(w.post("owner", "/team/"+w.person("admin").ID+"/remove", nil), "/team")
		w.expectHTML(w.get("owner", "/team"), 200, "API keys to check", "deploy script", "Revoke deploy script")
		w.expectNone(w.get("viewer", "/team"), "API keys to check", "deploy script")
	})
}

func TestInvite_MailsOnlyOurLinkAndAtMost20AnHour(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.expectRedirect(w.post("owner", "/account", url.Values{"name": {"Prize https://evil.example/1"}}), "/account")
		w.expectRedirect(w.post("owner", "/settings", url.Values{"name": {"http://evil.example/2 wins"}, "timezone": {"UTC"}}), "/settings")
		for n := range 20 {
			w.expectHTML(w.post("owner", "/team/invitations", url.Values{"email": {fmt.Sprintf("n%d@example.org", n)}, "role": {"viewer"}}), 200)
		}
		a := w.post("owner", "/team/invitations", url.Values{"email": {"n20@example.org"}, "role": {"viewer"}})
		w.expectHTML(a, http.StatusTooManyRequests, "20 invitations within the last hour", "Wait 60 minutes")
		if wait := a.header.Get("Retry-After"); len(wait) != 4 {
			w.Errorf("Retry-After %q", wait)
		}
		if len(w.mails) != 20 {
			w.Fatalf("%d mails", len(w.mails))
		}
		for _, mail := range w.mails {
			if strings.Contains(mail.subject+mail.text, "evil") || strings.Count(mail.text, "://") != 1 || !strings.Contains(mail.text, testBaseURL) {
				w.Fatalf("%s\n%s", mail.subject, mail.text)
			}
		}
	})
}

func TestAcknowledgeByLink_SavesOneNoteWithTheAcknowledgement(t *testing.T) {
	onEach(t, func(w *fixture) {
		links, err := manage.NewAckLinks(w.Context(), w.db)
		if err != nil {
			w.Fatal(err)
		}
		w.site.AckLinks = links
		c, other := w.createChannel("ops"), w.createChannel("boss")
		h, i := w.failHeartbeat("job", 2*time.Minute)
		first, second := "/acknowledge/"+links.Token(i.ID, c.ID), "/acknowledge/"+links.Token(i.ID, other.ID)
		w.expectHTML(w.post("", first, url.Values{"note": {strings.Repeat("x", 5000)}}), 422, "Enter a note of", "xxxx")
		if w.newestIncident(h).State() != monitor.StateOpen {
			w.Error("a note that was rejected acknowledged")
		}
		w.expectHTML(w.post("", first, url.Values{"note": {"the first note"}}), 200, "Acknowledged.")
		for n := range 5 {
			note := url.Values{"note": {fmt.Sprintf("late note %d", n)}}
			w.expectHTML(w.post("", first, note), 200, "Your note was not saved")
			w.expectHTML(w.post("", second, note), 200, "Your note was not saved", "already acknowledged")
		}
		w.ping(h, time.Minute, monitor.Ping{})
		w.expectHTML(w.post("", first, url.Values{"note": {"late note 6"}}), 200, "Your note was not saved", "already resolved")
		_, lone := w.failHeartbeat("another", 2*time.Minute)
		w.expectHTML(w.post("", "/acknowledge/"+links.Token(lone.ID, c.ID), nil), 200, "Acknowledged.")
		w.expectHTML(w.get("member", "/incidents/"+i.ID), 200, "the first note")
		w.expectNone(w.get("member", "/incidents/"+i.ID), "late note")
	})
}

func TestSignOut_ClearsStorageAndNoForeignCookies(t *testing.T) {
	onEach(t, func(w *fixture) {
		a := w.post("member", "/sign-out", nil)
		if got := a.header.Get("Clear-Site-Data"); got != `"cache", "storage"` {
			w.Errorf("Clear-Site-Data: %s", got)
		}
		delete(w.cookies, "member")
	})
}

// signedInAgo returns a session of the owner that started some time ago.
func (w *fixture) signedInAgo(ago time.Duration) (cookie *http.Cookie, session string) {
	w.Helper()
	rec := httptest.NewRecorder()
	w.people.Sessions.Middleware(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := w.people.SignIn(r.Context(), "owner@example.com", testPassword, auth.ClientInfo{KeepSignedIn: true}, w.now().Add(-ago)); err != nil {
			w.Fatal(err)
		}
		rw.WriteHeader(http.StatusOK)
	})).ServeHTTP(rec, httptest.NewRequest("POST", "/", nil))
	sessions, err := w.people.SessionsOf(w.Context(), auth.Person{Person: w.person("owner")}, w.now())
	if err != nil {
		w.Fatal(err)
	}
	return rec.Result().Cookies()[0], sessions[len(sessions)-1].ID
}

func TestEndSession_AsksForThePasswordLongAfterSignIn(t *testing.T) {
	onEach(t, func(w *fixture) {
		var session string
		w.cookies["owner"], _ = w.signedInAgo(auth.PasswordConfirmationLife)
		w.cookies["elsewhere"], session = w.signedInAgo(2 * auth.PasswordConfirmationLife)
		for _, one := range []bool{true, false} {
			path := "/account/sessions/others"
			if one {
				path = "/account/sessions/" + session + "/end"
			}
			w.expectHTML(w.post("owner", path, nil), 200, "Enter your password to confirm", `action="`+path+`"`)
			w.expectHTML(w.post("owner", path, url.Values{"password": {"wrong"}}), 422, "Incorrect password")
			w.expectHTML(w.get("elsewhere", "/account"), 200)
			w.expectRedirect(w.post("owner", path, url.Values{"password": {testPassword}}), "/account")
			w.expectRedirect(w.get("elsewhere", "/account"), "/sign-in?next=%2Faccount")
			w.cookies["elsewhere"], session = w.signedInAgo(2 * auth.PasswordConfirmationLife)
		}
	})
}

func TestForms_RejectBidiControlsInNames(t *testing.T) {
	onEach(t, func(w *fixture) {
		links := w.createChannel("ops")
		h := w.createHeartbeat("job")
		_, token, err := w.service.Invite(w.Context(), w.actor("owner"), "new@example.org", "viewer")
		if err != nil {
			w.Fatal(err)
		}
		for _, bad := range []string{"a\u202eb", "a\u2028b", "a\u2066b", "a\u200fb"} {
			for path, form := range map[string]url.Values{
				"/account":              {"name": {bad}},
				"/settings":             {"name": {bad}, "timezone": {"UTC"}},
				"/projects":             {"name": {bad}, "timezone": {"UTC"}},
				"/api-keys":             {"name": {bad}},
				"/channels":             {"kind": {"webhook"}, "name": {bad}, "settings.url": {"https://example.com/"}},
				"/channels/" + links.ID: {"kind": {"webhook"}, "name": {bad}, "settings.url": {"https://example.com/"}},
				"/heartbeats":           {"name": {bad}, "schedule": {"interval"}, "interval": {"1h"}, "grace": {"1m"}},
				"/heartbeats/" + h.Ref:  {"name": {"job"}, "tags": {strings.ReplaceAll(bad, "\u2028", "\u202e")}, "schedule": {"interval"}, "interval": {"1h"}, "grace": {"1m"}},
				"/invitations/" + token: {"name": {bad}, "password": {testPassword}},
			} {
				if a := w.post("owner", path, form); a.code != 422 || !strings.Contains(a.body, "contains the character U+2") {
					w.Errorf("%s with %q: answered %d", path, bad, a.code)
				}
			}
		}
	})
}
