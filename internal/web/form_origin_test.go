package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/web/view/ui"
)

// joinElsewhere adds the member to the other project with this role.
func (w *fixture) joinElsewhere(role auth.Role) {
	w.Helper()
	id := w.person("member").ID
	w.update(func(tx *store.Tx) error { return tx.SetMember(w.otherProject.Key, id, role, w.now()) })
}

// hiddenFields returns the hidden fields of the first form that is sent to an
// address, by its own action or that of a button.
func (w *fixture) hiddenFields(page response, action string) url.Values {
	w.Helper()
	at := strings.Index(page.body, `action="`+action+`"`)
	if at < 0 {
		w.Fatalf("no form is sent to %s:\n%s", action, page.body)
	}
	form, _, _ := strings.Cut(page.body[strings.LastIndex(page.body[:at], "<form"):], "</form>")
	fields := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
		fields.Add(m[1], unescapeAttribute(m[2]))
	}
	return fields
}

// unescapeAttribute decodes the value of an attribute.
func unescapeAttribute(value string) string {
	return strings.NewReplacer("&amp;", "&", "&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">").Replace(value)
}

// mergeForms returns a form with more fields.
func mergeForms(form url.Values, more url.Values) url.Values {
	all := url.Values{}
	for _, fields := range []url.Values{form, more} {
		for name, values := range fields {
			all[name] = values
		}
	}
	return all
}

func TestCheckFormOrigin_EveryFormMustNameItsProjectAndPerson(t *testing.T) {
	onEach(t, func(w *fixture) {
		n := 0
		for _, rt := range w.site.routes() {
			if !strings.HasPrefix(rt.pattern, "POST ") || rt.right == anyone {
				continue
			}
			n++
			th := w.createResources(n)
			for what, form := range map[string]url.Values{
				"nothing":        {},
				"another person": w.withOrigin("owner", url.Values{ui.OriginPersonField: {w.person("viewer").ID}}),
				"no person":      w.withOrigin("owner", url.Values{ui.OriginPersonField: {""}}),
				"no project":     w.withOrigin("owner", url.Values{ui.OriginProjectField: {""}}),
				"another":        w.withOrigin("owner", url.Values{ui.OriginProjectField: {projectID(w.otherProject)}}),
			} {
				aboutProject := what == "no project" || what == "another"
				if aboutProject && (rt.right == signedIn || rt.projectInQuery) {
					continue // it is about the person, or only reads
				}
				r := httptest.NewRequest(http.MethodPost, th.path(rt.pattern), strings.NewReader(form.Encode()))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("Sec-Fetch-Site", "same-origin")
				if a := w.send("owner", r); a.code != http.StatusConflict {
					w.Errorf("%s, with %s: %d; want 409", rt.pattern, what, a.code)
				}
			}
		}
		if n < 25 {
			w.Errorf("only %d forms were tried", n)
		}
		l, err := w.service.AuditLog(w.Context(), w.actor("owner"), manage.AuditQuery{})
		for _, e := range l.Items {
			if e.Action != "heartbeat.create" && e.Action != "person.setup" && e.Action != "session.start" {
				w.Errorf("a rejected form did %s", e.Action)
			}
		}
		if err != nil {
			w.Error(err)
		}
	})
}

func TestCheckFormOrigin_AFormActsOnTheProjectThatItShows(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.joinElsewhere(auth.Admin)
		w.expectRedirect(w.post("member", "/projects/main/choose", nil), "/heartbeats")
		here := w.hiddenFields(w.get("member", "/heartbeats/new"), "/heartbeats")
		if here.Get(ui.OriginPageField) != "/heartbeats/new" {
			w.Errorf("the page of the form is %q", here.Get(ui.OriginPageField))
		}
		// Another tab opens a link to the other project.
		name := "theirs"
		h, err := w.service.CreateHeartbeat(w.Context(), w.actor("stranger"), manage.HeartbeatEdit{Name: &name, Interval: new("1h")})
		if err != nil {
			w.Fatal(err)
		}
		w.expectHTML(w.get("member", "/heartbeats/"+h.ID), 200, "theirs")
		typed := url.Values{
			"name": {hostileName}, "schedule": {"interval"}, "interval": {"2h"}, "grace": {"7m"}, "channels": {"all"}, "description": {"line one\nline two"},
		}
		a := w.post("member", "/heartbeats", mergeForms(here, typed))
		w.expectHTML(a, 409, "This form belongs to another project", "Continue in main", "Stay in elsewhere", "line one")
		for _, who := range []string{"owner", "stranger"} {
			if l, err := w.service.Heartbeats(w.Context(), w.actor(who), manage.HeartbeatListQuery{Text: "script"}); err != nil || len(l.Items) > 0 {
				w.Fatal("a heartbeat was made", err)
			}
		}
		again := w.post("member", "/resume", w.hiddenFields(a, "/resume"))
		w.expectHTML(again, 200, "New heartbeat", "<small>Project</small><b>main</b>", `value="2h"`, `value="7m"`, "line one\nline two", "They are not saved yet")
		made := w.post("member", "/heartbeats", mergeForms(w.hiddenFields(again, "/heartbeats"), typed))
		l, err := w.service.Heartbeats(w.Context(), w.actor("owner"), manage.HeartbeatListQuery{Text: "script"})
		if made.code != http.StatusSeeOther || err != nil || len(l.Items) != 1 {
			w.Errorf("%d %v, %d in main", made.code, err, len(l.Items))
		}
	})
}

func TestCheckFormOrigin_AFormOfALeftProjectIsNotResumed(t *testing.T) {
	onEach(t, func(w *fixture) {
		form := mergeForms(w.hiddenFields(w.get("member", "/heartbeats/new"), "/heartbeats"), url.Values{"name": {"kept"}, "interval": {"1h"}})
		w.joinElsewhere(auth.Member)
		id := w.person("member").ID
		w.update(func(tx *store.Tx) error { return tx.RemoveMember(w.project.Key, id) })
		a := w.post("member", "/heartbeats", form)
		w.expectHTML(a, 409, "not a member of", "kept")
		w.expectNone(a, "Continue in")
	})
}

func TestStreamHeartbeats_ReadsTheProjectOfItsPage(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("of main")
		w.failHeartbeat("backup", 0)
		w.joinElsewhere(auth.Member)
		w.expectRedirect(w.post("member", "/projects/main/choose", nil), "/heartbeats")
		live := w.streamURL(w.get("member", "/heartbeats"))
		file := regexp.MustCompile(`href="(/incidents\.csv[^"]*)"`).FindStringSubmatch(w.get("member", "/incidents").body)
		w.expectRedirect(w.post("member", "/projects/elsewhere/choose", nil), "/heartbeats")
		open := w.openStream("member", live)
		w.ping(h, 0, monitor.Ping{})
		w.site.Feed.Changed([]int64{h.Key})
		open.expectEvent("row", "of main", `data-status="up"`)
		other := w.openStream("member", regexp.MustCompile(`project=\d+`).ReplaceAllString(live, "project=99"))
		if other.code != http.StatusNotFound {
			w.Errorf("the stream of a project that is not theirs: %d", other.code)
		}
		if a := w.get("member", unescapeAttribute(file[1])); a.code != 200 || !strings.Contains(a.body, "backup") {
			w.Errorf("the file has %s", a.body)
		}
	})
}

func TestFormOrigin_EveryFormCarriesIt(t *testing.T) {
	onEach(t, func(w *fixture) {
		th, n := w.createResources(1), 0
		for _, rt := range w.site.routes() {
			if !strings.HasPrefix(rt.pattern, "GET ") || rt.isStream || rt.right == anyone {
				continue
			}
			for _, form := range regexp.MustCompile(`(?s)<form [^>]*method="post".*?</form>`).FindAllString(w.get("owner", th.path(rt.pattern)).body, -1) {
				n++
				for _, field := range []string{ui.OriginProjectField, ui.OriginPersonField, ui.OriginPageField} {
					if !strings.Contains(form, `name="`+field+`"`) {
						w.Errorf("%s has a form without %s: %s", rt.pattern, field, form)
					}
				}
			}
		}
		if n < 50 {
			w.Errorf("only %d forms were checked", n)
		}
	})
}
