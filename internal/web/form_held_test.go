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
	"overdue/internal/web/forms"
	"overdue/internal/web/view/ui"
)

// endSession ends the sessions of a person, as expiry does.
func (w *fixture) endSession(as string) {
	w.Helper()
	id := w.person(as).ID
	w.update(func(tx *store.Tx) error { return tx.EndOtherSessions(id, "") })
}

// postRaw sends a form without adding the current hidden fields.
func (w *fixture) postRaw(as, path string, form url.Values) response {
	w.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return w.send(as, r)
}

// signInAgain signs a person in on a page that carries a form. Like a browser, it
// follows the redirect with the same form and the new cookie.
func (w *fixture) signInAgain(page response, as string) response {
	w.Helper()
	form := mergeForms(w.hiddenFields(page, "/sign-in"), url.Values{"email": {as + "@example.com"}, "password": {testPassword}})
	a := w.post("", "/sign-in", form)
	if a.code != http.StatusTemporaryRedirect || a.location() != "/resume" || a.sessionCookie == nil {
		w.Fatalf("the sign-in got %d with location %q", a.code, a.location())
	}
	w.cookies[as] = a.sessionCookie
	return w.postRaw(as, "/resume", form)
}

// pageForms returns forms: the page, the target, typed values, and what the
// restored page contains.
func (th resources) pageForms(w *fixture) []struct {
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
		{"/channels/new?kind=webhook", "/channels", url.Values{"kind": {"webhook"}, "name": {"Ops"}, "settings.url": {"https://example.com/x"}, "settings.secret": {"s3cret-s3cret-s3cret"}}, []string{`value="Ops"`, `value="https://example.com/x"`, `name="kept"`, "Your value is kept"}},
		{"/channels/" + th.channel, "/channels/" + th.channel, url.Values{"kind": {"webhook"}, "name": {"Ops 2"}, "settings.url": {"https://example.com/y"}}, []string{`value="Ops 2"`}},
		{"/team", "/team/invitations", url.Values{"email": {"new@example.com"}, "role": {"admin"}}, []string{`value="new@example.com"`, `<option value="admin" selected`}},
		{"/team", "/team/" + th.person + "/role", url.Values{"role": {"admin"}}, []string{`<option value="admin" selected`}},
		{"/api-keys", "/api-keys", url.Values{"name": {"deploy"}, "read_only": {"on"}}, []string{`value="deploy"`, "checked"}},
		{"/settings", "/settings", url.Values{"name": {"Renamed"}, "timezone": {"Europe/Berlin"}}, []string{`value="Renamed"`, `value="Europe/Berlin"`}},
		{"/settings", "/projects", url.Values{"name": {"Second"}, "timezone": {"Asia/Tokyo"}}, []string{`value="Second"`, `value="Asia/Tokyo"`}},
		{"/account", "/account", url.Values{"name": {"Zoë"}}, []string{`value="Zoë"`}},
		{"/account", "/account/password", url.Values{"old_password": {testPassword}, "new_password": {"another long one"}}, []string{"Change password"}},
	}
}

func TestResumeHeldForm_EveryFormComesBackAndChangesNothing(t *testing.T) {
	onEach(t, func(w *fixture) {
		th := w.createResources(1)
		before := w.auditCount()
		for _, f := range th.pageForms(w) {
			form := mergeForms(w.hiddenFields(w.get("owner", f.page), f.path), f.typed)
			w.endSession("owner")
			page := w.postRaw("owner", f.path, form)
			w.expectText(page, 401, "You were signed out; sign in to continue. Your input is kept.")
			w.expectNone(page, "s3cret", testPassword)
			back := w.signInAgain(page, "owner")
			w.expectText(back, 200, f.back...)
			w.expectNone(back, "s3cret", testPassword, "another long one")
			if !strings.Contains(back.body, "They are not saved yet") && !strings.Contains(back.body, "Press the button again") {
				w.Errorf("%s: the page does not say that nothing was saved", f.path)
			}
		}
		if after := w.auditCount(); after != before {
			w.Errorf("%d audit entries; want 0", after-before)
		}
		if w.log.Len() > 0 {
			w.Errorf("the log has\n%s", w.log)
		}
	})
}

// auditCount returns the number of audit entries of the project.
func (w *fixture) auditCount() int {
	w.Helper()
	l, err := w.service.AuditLog(w.Context(), w.actor("owner"), manage.AuditQuery{PageQuery: manage.PageQuery{Limit: manage.MaxLimit}})
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

func TestResumeHeldForm_TwoTabsKeepTheirForms(t *testing.T) {
	onEach(t, func(w *fixture) {
		form := w.hiddenFields(w.get("member", "/heartbeats/new"), "/heartbeats")
		w.endSession("member")
		first := w.postRaw("member", "/heartbeats", mergeForms(form, url.Values{"name": {"First"}, "interval": {"1h"}}))
		second := w.postRaw("member", "/heartbeats", mergeForms(form, url.Values{"name": {"Second"}, "interval": {"2h"}}))
		w.expectText(w.signInAgain(second, "member"), 200, `value="Second"`, `value="2h"`)
		w.expectText(w.signInAgain(first, "member"), 200, `value="First"`, `value="1h"`)
	})
}

func TestResumeHeldForm_SurvivesAWrongPassword(t *testing.T) {
	onEach(t, func(w *fixture) {
		form := w.hiddenFields(w.get("member", "/heartbeats/new"), "/heartbeats")
		w.endSession("member")
		page := w.postRaw("member", "/heartbeats", mergeForms(form, url.Values{"name": {"Kept"}}))
		wrong := w.post("", "/sign-in", mergeForms(w.hiddenFields(page, "/sign-in"), url.Values{"email": {"member@example.com"}, "password": {"wrong"}}))
		w.expectText(wrong, 422)
		w.expectText(w.signInAgain(wrong, "member"), 200, `value="Kept"`)
	})
}

func TestResumeHeldForm_IsShownOnlyToItsAuthor(t *testing.T) {
	onEach(t, func(w *fixture) {
		form := w.hiddenFields(w.get("member", "/heartbeats/new"), "/heartbeats")
		w.endSession("member")
		page := w.postRaw("member", "/heartbeats", mergeForms(form, url.Values{"name": {"Private plan"}}))
		a := w.signInAgain(page, "admin")
		w.expectRedirect(a, "/heartbeats")
		next := w.get("admin", "/heartbeats")
		w.expectText(next, 200, "The form was discarded because another person filled it in. Nothing was changed.")
		w.expectNone(next, "Private plan")
	})
}

func TestResumeHeldForm_RejectsAForgedForm(t *testing.T) {
	onEach(t, func(w *fixture) {
		for _, text := range []string{"", "x", "AAAA", strings.Repeat("A", 200)} {
			w.expectRedirect(w.post("member", "/resume", url.Values{ui.HeldFormField: {text}}), "/heartbeats")
		}
		// A value that was sealed for another purpose is rejected.
		other := w.site.sealer.SealSecrets(map[string]any{"path": "/heartbeats"}, "member", w.now())
		w.expectRedirect(w.post("member", "/resume", url.Values{ui.HeldFormField: {other}}), "/heartbeats")
		// An expired form is discarded.
		old, _ := w.site.sealer.SealHeldForm(forms.HeldForm{Person: w.person("member").ID, Path: "/account", Page: "/account"}, w.now().Add(-forms.HeldFormMaxAge-monitor.Precision))
		w.expectRedirect(w.post("member", "/resume", url.Values{ui.HeldFormField: {old}}), "/heartbeats")
		w.expectText(w.get("member", "/heartbeats"), 200, "more than a day old")
	})
}

func TestRenderSignedOut_SaysThatAFormIsTooLong(t *testing.T) {
	onEach(t, func(w *fixture) {
		form := w.hiddenFields(w.get("member", "/heartbeats/new"), "/heartbeats")
		w.endSession("member")
		page := w.postRaw("member", "/heartbeats", mergeForms(form, url.Values{"description": {strings.Repeat("<", forms.MaxHeldFormSize/5)}}))
		w.expectText(page, 401, "too long to keep")
		w.expectNone(page, "&lt;&lt;&lt;&lt;&lt;")
	})
}
