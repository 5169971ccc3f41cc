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
	"overdue/internal/web/view"
)

// endedDuring sends a form as a person whose session is ended after it was
// found, and before the route does its work.
func (w *world) endedDuring(as, pattern string, form url.Values) answer {
	w.Helper()
	var during route
	for _, rt := range w.site.routes() {
		if rt.pattern == pattern {
			during = rt
		}
	}
	handle := during.handle
	during.handle = func(v *visit) error {
		w.update(func(tx *store.Tx) error { return tx.EndSessions(v.who.ID, "") })
		return handle(v)
	}
	_, path, _ := strings.Cut(pattern, " ")
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(w.cookie(as))
	rec := httptest.NewRecorder()
	w.site.People.Sessions.Remember(w.site.serve(during)).ServeHTTP(rec, r)
	delete(w.cookies, as)
	return answer{code: rec.Code, body: rec.Body.String(), header: rec.Header()}
}

func TestServe_ARequestWhoseSessionEndsMeanwhileMakesNothingAndLeadsToTheSignIn(t *testing.T) {
	onEach(t, func(w *world) {
		for pattern, form := range map[string]url.Values{
			"POST /api-keys":         {"name": {"thief"}},
			"POST /team/invitations": {"email": {"thief@example.org"}, "role": {"admin"}},
			"POST /account":          {"name": {"Thief"}, view.VersionField: {"admin"}},
		} {
			w.want(w.endedDuring("admin", pattern, w.drawn("admin", form)), http.StatusUnauthorized, "You were signed out; sign in to continue")
		}
		for _, path := range []string{"/api-keys", "/team", "/audit"} {
			w.lacks(w.get("owner", path), "thief", "Thief")
		}
	})
}

func TestJoin_AnInvitationGivesNothingThatItsSenderCouldNotGive(t *testing.T) {
	onEach(t, func(w *world) {
		invite := func(address string) string {
			_, token, err := w.desk.Invite(w.Context(), w.actor("admin"), address, "admin")
			if err != nil {
				w.Fatal(err)
			}
			return "/invitations/" + token
		}
		first := invite("one@example.org")
		w.shows(w.get("", first), 200, "one@example.org")
		w.leads(w.post("owner", "/team/"+w.person("admin").ID+"/role", url.Values{"role": {"viewer"}}), "/team")
		for _, a := range []answer{w.get("", first), w.post("", first, url.Values{"name": {"Eve"}, "password": {password}})} {
			w.shows(a, http.StatusGone)
		}
		// Also where the link was not ended, and the role is lowered while it is taken up.
		admin := w.person("admin")
		become := func(role monitor.Role) {
			w.update(func(tx *store.Tx) error { return tx.SetMember(w.project.Key, admin.ID, role, w.now()) })
		}
		become(auth.Admin)
		second := invite("two@example.org")
		become(auth.Member)
		w.shows(w.post("", second, url.Values{"name": {"Eve"}, "password": {password}}), http.StatusGone)
		w.lacks(w.get("owner", "/team"), "one@example.org", "<b>Eve</b>")
	})
}

func TestTeam_OffersToRevokeTheKeysOfWhoWasRemoved(t *testing.T) {
	onEach(t, func(w *world) {
		w.shows(w.post("admin", "/api-keys", url.Values{"name": {"deploy script"}}), 200)
		w.lacks(w.get("owner", "/team"), "API keys to check")
		w.leads(w.post("owner", "/team/"+w.person("admin").ID+"/remove", nil), "/team")
		w.shows(w.get("owner", "/team"), 200, "API keys to check", "deploy script", "Revoke deploy script")
		w.lacks(w.get("viewer", "/team"), "API keys to check", "deploy script")
	})
}

func TestInvite_TheOnlyLinkInTheMailIsOursAndThereAreTwentyInAnHour(t *testing.T) {
	onEach(t, func(w *world) {
		w.leads(w.post("owner", "/account", url.Values{"name": {"Prize https://evil.example/1"}}), "/account")
		w.leads(w.post("owner", "/settings", url.Values{"name": {"http://evil.example/2 wins"}, "timezone": {"UTC"}}), "/settings")
		for n := range 20 {
			w.shows(w.post("owner", "/team/invitations", url.Values{"email": {fmt.Sprintf("n%d@example.org", n)}, "role": {"viewer"}}), 200)
		}
		a := w.post("owner", "/team/invitations", url.Values{"email": {"n20@example.org"}, "role": {"viewer"}})
		w.shows(a, http.StatusTooManyRequests, "20 invitations within the last hour", "Wait 60 minutes")
		if wait := a.header.Get("Retry-After"); len(wait) != 4 {
			w.Errorf("Retry-After %q", wait)
		}
		if len(w.mails) != 20 {
			w.Fatalf("%d mails", len(w.mails))
		}
		for _, mail := range w.mails {
			if strings.Contains(mail.subject+mail.text, "evil") || strings.Count(mail.text, "://") != 1 || !strings.Contains(mail.text, base) {
				w.Fatalf("%s\n%s", mail.subject, mail.text)
			}
		}
	})
}

func TestFollowLink_SavesOneNoteTogetherWithTheAcknowledgement(t *testing.T) {
	onEach(t, func(w *world) {
		links, err := manage.NewLinks(w.Context(), w.db)
		if err != nil {
			w.Fatal(err)
		}
		w.site.Links = links
		c, other := w.channel("ops"), w.channel("boss")
		h, i := w.failed("job", 2*time.Minute)
		first, second := "/acknowledge/"+links.Token(i.ID, c.ID), "/acknowledge/"+links.Token(i.ID, other.ID)
		w.shows(w.post("", first, url.Values{"note": {strings.Repeat("x", 5000)}}), 422, "Write a note of", "xxxx")
		if w.incident(h).State() != monitor.Open {
			w.Error("a note that was rejected acknowledged")
		}
		w.shows(w.post("", first, url.Values{"note": {"the first note"}}), 200, "Acknowledged.")
		for n := range 5 {
			note := url.Values{"note": {fmt.Sprintf("late note %d", n)}}
			w.shows(w.post("", first, note), 200, "Your note was not saved")
			w.shows(w.post("", second, note), 200, "Your note was not saved", "Someone has acknowledged it already")
		}
		w.hear(h, time.Minute, monitor.Ping{})
		w.shows(w.post("", first, url.Values{"note": {"late note 6"}}), 200, "Your note was not saved", "The incident is over")
		_, lone := w.failed("another", 2*time.Minute)
		w.shows(w.post("", "/acknowledge/"+links.Token(lone.ID, c.ID), nil), 200, "Acknowledged.")
		w.shows(w.get("member", "/incidents/"+i.ID), 200, "the first note")
		w.lacks(w.get("member", "/incidents/"+i.ID), "late note")
	})
}

func TestSignOut_ClearsWhatTheBrowserKeptAndNoCookiesOfOthers(t *testing.T) {
	onEach(t, func(w *world) {
		a := w.post("member", "/sign-out", nil)
		if got := a.header.Get("Clear-Site-Data"); got != `"cache", "storage"` {
			w.Errorf("Clear-Site-Data: %s", got)
		}
		delete(w.cookies, "member")
	})
}

// signedInBefore signs the owner in as if it had been some time ago.
func (w *world) signedInBefore(ago time.Duration) (cookie *http.Cookie, session string) {
	w.Helper()
	rec := httptest.NewRecorder()
	w.people.Sessions.Remember(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := w.people.SignIn(r.Context(), "owner@example.com", password, auth.Entry{Keep: true}, w.now().Add(-ago)); err != nil {
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

func TestEndSession_AsksForThePasswordLongAfterTheSignIn(t *testing.T) {
	onEach(t, func(w *world) {
		var session string
		w.cookies["owner"], _ = w.signedInBefore(auth.ProofLife)
		w.cookies["elsewhere"], session = w.signedInBefore(2 * auth.ProofLife)
		for _, one := range []bool{true, false} {
			path := "/account/sessions/others"
			if one {
				path = "/account/sessions/" + session + "/end"
			}
			w.shows(w.post("owner", path, nil), 200, "Enter your password to confirm", `action="`+path+`"`)
			w.shows(w.post("owner", path, url.Values{"password": {"wrong"}}), 422, "Incorrect password")
			w.shows(w.get("elsewhere", "/account"), 200)
			w.leads(w.post("owner", path, url.Values{"password": {password}}), "/account")
			w.leads(w.get("elsewhere", "/account"), "/sign-in?next=%2Faccount")
			w.cookies["elsewhere"], session = w.signedInBefore(2 * auth.ProofLife)
		}
	})
}

func TestForms_NamesThatTurnTheDirectionOfReadingAreRejectedEverywhere(t *testing.T) {
	onEach(t, func(w *world) {
		links := w.channel("ops")
		h := w.heartbeat("job")
		_, token, err := w.desk.Invite(w.Context(), w.actor("owner"), "new@example.org", "viewer")
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
				"/invitations/" + token: {"name": {bad}, "password": {password}},
			} {
				if a := w.post("owner", path, form); a.code != 422 || !strings.Contains(a.body, "contains the character U+2") {
					w.Errorf("%s with %q: answered %d", path, bad, a.code)
				}
			}
		}
	})
}
