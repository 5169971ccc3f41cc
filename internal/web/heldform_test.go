package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/web/view"
)

// expire ends a person's session, as twelve hours without a visit do.
func (w *world) expire(as string) {
	w.Helper()
	id := w.person(as).ID
	w.update(func(tx *store.Tx) error { return tx.EndSessions(id, "") })
}

// sendExpired sends a form of a page whose session has ended.
func (w *world) sendExpired(as, path string, form url.Values) answer {
	w.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return w.send(as, r)
}

// signInAgain signs a person in on a page that a form waits on, as a browser does:
// it follows the redirect with the same form and the new cookie.
func (w *world) signInAgain(page answer, as string) answer {
	w.Helper()
	form := with(w.hidden(page, "/sign-in"), url.Values{"email": {as + "@example.com"}, "password": {password}})
	a := w.post("", "/sign-in", form)
	if a.code != http.StatusTemporaryRedirect || a.to() != "/resume" || a.jar == nil {
		w.Fatalf("the sign-in answered %d to %q", a.code, a.to())
	}
	w.cookies[as] = a.jar
	return w.sendExpired(as, "/resume", form)
}

// pageForms are forms of the pages: on which page, where they are sent, what is
// typed, and what the page that comes back has.
func (th things) pageForms(w *world) []struct {
	page, path string
	typed      url.Values
	back       []string
} {
	return []struct {
		page, path string
		typed      url.Values
		back       []string
	}{
		{"/heartbeats/new", "/heartbeats", url.Values{"name": {"New & one"}, "schedule": {"cron"}, "cron": {"0 3 * * *"}, "cron_timezone": {"UTC"}, "grace": {"9m"}, "min_run_time": {"3s"}}, []string{`value="New &amp; one"`, "0 3 * * *", `value="9m"`, `<details class="more" open`}},
		{"/heartbeats/" + th.ref + "/edit", "/heartbeats/" + th.heartbeat, url.Values{"name": {"Other"}, "interval": {"77m"}, "description": {"a\n<b>b</b>"}}, []string{`value="77m"`, "a\n&lt;b&gt;b&lt;/b&gt;"}},
		{"/heartbeats", "/heartbeats/bulk", url.Values{"id": {th.heartbeat}, "do": {"pause"}}, []string{`value="` + th.heartbeat + `"`, "checked"}},
		{"/heartbeats/" + th.ref, "/heartbeats/" + th.heartbeat + "/delete", url.Values{"confirm": {"thing"}}, []string{`value="thing"`, "Delete heartbeat"}},
		{"/heartbeats/" + th.ref, "/heartbeats/" + th.heartbeat + "/pause", url.Values{}, []string{"Press the button again"}},
		{"/incidents/" + th.incident, "/incidents/" + th.incident + "/notes", url.Values{"note": {"The disk\nis full"}}, []string{"\nThe disk\nis full</textarea>"}},
		{"/incidents/" + th.incident, "/incidents/" + th.incident + "/acknowledge", url.Values{"note": {"mine"}}, []string{"\nmine</textarea>"}},
		{"/channels/new?kind=webhook", "/channels", url.Values{"kind": {"webhook"}, "name": {"Ops"}, "settings.url": {"https://example.com/x"}, "settings.secret": {"s3cret-s3cret-s3cret"}}, []string{`value="Ops"`, `value="https://example.com/x"`, `name="kept"`, "Kept as you typed it"}},
		{"/channels/" + th.channel, "/channels/" + th.channel, url.Values{"kind": {"webhook"}, "name": {"Ops 2"}, "settings.url": {"https://example.com/y"}}, []string{`value="Ops 2"`}},
		{"/team", "/team/invitations", url.Values{"email": {"new@example.com"}, "role": {"admin"}}, []string{`value="new@example.com"`, `<option value="admin" selected`}},
		{"/team", "/team/" + th.person + "/role", url.Values{"role": {"admin"}}, []string{`<option value="admin" selected`}},
		{"/api-keys", "/api-keys", url.Values{"name": {"deploy"}, "read_only": {"on"}}, []string{`value="deploy"`, "checked"}},
		{"/settings", "/settings", url.Values{"name": {"Renamed"}, "timezone": {"Europe/Berlin"}}, []string{`value="Renamed"`, `value="Europe/Berlin"`}},
		{"/settings", "/projects", url.Values{"name": {"Second"}, "timezone": {"Asia/Tokyo"}}, []string{`value="Second"`, `value="Asia/Tokyo"`}},
		{"/account", "/account", url.Values{"name": {"Zoë"}}, []string{`value="Zoë"`}},
		{"/account", "/account/password", url.Values{"old_password": {password}, "new_password": {"another long one"}}, []string{"Change password"}},
	}
}

func TestSignIn_EveryFormComesBackAsItWasTypedAndChangesNothing(t *testing.T) {
	onEach(t, func(w *world) {
		th := w.things(1)
		before := w.entries()
		for _, f := range th.pageForms(w) {
			form := with(w.hidden(w.get("owner", f.page), f.path), f.typed)
			w.expire("owner")
			page := w.sendExpired("owner", f.path, form)
			w.want(page, 401, "You were signed out; sign in to continue. What you typed is kept.")
			w.lacks(page, "s3cret", password)
			back := w.signInAgain(page, "owner")
			w.want(back, 200, f.back...)
			w.lacks(back, "s3cret", password, "another long one")
			if !strings.Contains(back.body, "It is not saved yet") && !strings.Contains(back.body, "Press the button again") {
				w.Errorf("%s: the page does not say that nothing was saved", f.path)
			}
		}
		if after := w.entries(); after != before {
			w.Errorf("%d things were done; want 0", after-before)
		}
		if w.log.Len() > 0 {
			w.Errorf("the log has\n%s", w.log)
		}
	})
}

// entries counts what was done in the project.
func (w *world) entries() int {
	w.Helper()
	l, err := w.desk.AuditLog(w.Context(), w.actor("owner"), manage.AuditQuery{Page: manage.Page{Limit: manage.MostItems}})
	if err != nil {
		w.Fatal(err)
	}
	n := 0
	for _, e := range l.Items {
		if e.Action != "session.start" {
			n++
		}
	}
	return n
}

func TestSignIn_TwoTabsKeepTheirForms(t *testing.T) {
	onEach(t, func(w *world) {
		form := w.hidden(w.get("member", "/heartbeats/new"), "/heartbeats")
		w.expire("member")
		first := w.sendExpired("member", "/heartbeats", with(form, url.Values{"name": {"First"}, "interval": {"1h"}}))
		second := w.sendExpired("member", "/heartbeats", with(form, url.Values{"name": {"Second"}, "interval": {"2h"}}))
		w.want(w.signInAgain(second, "member"), 200, `value="Second"`, `value="2h"`)
		w.want(w.signInAgain(first, "member"), 200, `value="First"`, `value="1h"`)
	})
}

func TestSignIn_AWrongPasswordKeepsTheForm(t *testing.T) {
	onEach(t, func(w *world) {
		form := w.hidden(w.get("member", "/heartbeats/new"), "/heartbeats")
		w.expire("member")
		page := w.sendExpired("member", "/heartbeats", with(form, url.Values{"name": {"Kept"}}))
		wrong := w.post("", "/sign-in", with(w.hidden(page, "/sign-in"), url.Values{"email": {"member@example.com"}, "password": {"wrong"}}))
		w.want(wrong, 422)
		w.want(w.signInAgain(wrong, "member"), 200, `value="Kept"`)
	})
}

func TestResume_AFormIsShownToNobodyButTheOneWhoTypedIt(t *testing.T) {
	onEach(t, func(w *world) {
		form := w.hidden(w.get("member", "/heartbeats/new"), "/heartbeats")
		w.expire("member")
		page := w.sendExpired("member", "/heartbeats", with(form, url.Values{"name": {"Private plan"}}))
		a := w.signInAgain(page, "admin")
		w.leads(a, "/heartbeats")
		next := w.get("admin", "/heartbeats")
		w.want(next, 200, "The form was discarded because another person filled it in. Nothing was changed.")
		w.lacks(next, "Private plan")
	})
}

func TestResume_TakesNothingThatWasNotSealedHere(t *testing.T) {
	onEach(t, func(w *world) {
		for _, text := range []string{"", "x", "AAAA", strings.Repeat("A", 200)} {
			w.leads(w.post("member", "/resume", url.Values{view.HeldField: {text}}), "/heartbeats")
		}
		// What was sealed for another purpose is no form.
		other := w.site.sealer.seal(map[string]any{"path": "/heartbeats"}, "member", w.now())
		w.leads(w.post("member", "/resume", url.Values{view.HeldField: {other}}), "/heartbeats")
		// A form that is too old is discarded too.
		old, _ := w.site.sealHeld(heldForm{Person: w.person("member").ID, Path: "/account", Page: "/account"}, w.now().Add(-heldLife-monitor.Tick))
		w.leads(w.post("member", "/resume", url.Values{view.HeldField: {old}}), "/heartbeats")
		w.want(w.get("member", "/heartbeats"), 200, "more than a day old")
	})
}

func TestSignedOut_AFormThatIsTooLongSaysSo(t *testing.T) {
	onEach(t, func(w *world) {
		form := w.hidden(w.get("member", "/heartbeats/new"), "/heartbeats")
		w.expire("member")
		page := w.sendExpired("member", "/heartbeats", with(form, url.Values{"description": {strings.Repeat("<", longestHeld/5)}}))
		w.want(page, 401, "too long to keep")
		w.lacks(page, "&lt;&lt;&lt;&lt;&lt;")
	})
}
