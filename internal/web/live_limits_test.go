package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/web/live"
)

// signIn signs a person in with another browser.
func (w *fixture) signIn(as string) *http.Cookie {
	w.Helper()
	delete(w.cookies, as)
	return w.cookie(as)
}

// sessionOf returns the id of a person's newest session.
func (w *fixture) sessionOf(as string) (id string) {
	w.Helper()
	person := w.person(as).ID
	w.update(func(tx *store.Tx) error {
		all, err := tx.Sessions(person, w.now())
		if err == nil {
			id = slices.MaxFunc(all, func(a, b monitor.Session) int { return a.Created.Compare(b.Created) }).ID
		}
		return err
	})
	return id
}

// member adds a person to the project.
func (w *fixture) member(name string, role monitor.Role) {
	w.Helper()
	w.update(func(tx *store.Tx) error {
		_, hash, _, err := tx.PersonByEmail("owner@example.com")
		if err != nil {
			return err
		}
		p, err := tx.AddPerson(monitor.Person{Email: name + "@example.com", Name: name, Created: w.now()}, hash)
		if err != nil {
			return err
		}
		return tx.SetMember(w.project.Key, p.ID, role, w.now())
	})
}

// Each case ends a session, or its rights, while a page is open. All pages are
// open at the same time: a live page looks every few seconds.
func TestStream_EndsWithItsSession(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		path := "/live/heartbeats/" + h.Ref
		cases := map[string]struct {
			end func(as string)
			why string
		}{
			"signed-out": {func(as string) { w.post(as, "/sign-out", nil) }, "signed-out"},
			"elsewhere":  {func(as string) { w.signIn(as); w.post(as, "/account/sessions/others", nil) }, "signed-out"},
			"revoked":    {func(as string) { id := w.sessionOf(as); w.signIn(as); w.post(as, "/account/sessions/"+id+"/end", nil) }, "signed-out"},
			"changed":    {func(as string) { w.signIn(as); w.changePassword(as) }, "signed-out"},
			"reset":      {func(as string) { w.resetPassword(as) }, "signed-out"},
			"removed":    {func(as string) { w.post("owner", "/team/"+w.person(as).ID+"/remove", nil) }, "role"},
			"demoted":    {func(as string) { w.post("owner", "/team/"+w.person(as).ID+"/role", url.Values{"role": {"viewer"}}) }, "role"},
		}
		open := map[string]*eventStream{}
		for name := range cases {
			w.member(name, auth.Member)
			open[name] = w.openStream(name, path)
		}
		stays := w.openStream("viewer", path)
		for name, c := range cases {
			open[name].expectEvent("row")
			c.end(name)
		}
		for name, c := range cases {
			if last := open[name].expectEvent("ended"); last != "ended: "+c.why+"\n" {
				w.Errorf("%s: the live page was sent %q, want why it ended: %s", name, last, c.why)
			}
			open[name].expectEnd()
		}
		stays.expectEvent("row")
		select {
		case e := <-stays.events:
			if strings.HasPrefix(e, "ended") || e == "" {
				w.Errorf("a live page of another person was sent %q", e)
			}
		default:
		}
	})
}

// changePassword sets a new password, which ends the other sessions.
func (w *fixture) changePassword(as string) {
	w.Helper()
	a := w.post(as, "/account/password", url.Values{"old_password": {testPassword}, "new_password": {"another good one"}})
	if a.code != http.StatusSeeOther {
		w.Fatalf("the password was not changed: %d %s", a.code, a.body)
	}
}

// resetPassword sets a new password with a link from an email.
func (w *fixture) resetPassword(as string) {
	w.Helper()
	token, _, made, err := w.people.CreateResetLink(w.Context(), as+"@example.com", auth.Operator(monitor.Project{}, "root"), w.now())
	if err != nil || !made {
		w.Fatalf("no link: %v", err)
	}
	if a := w.post("", "/reset/"+token, url.Values{"password": {"another good one"}}); a.code != http.StatusSeeOther {
		w.Fatalf("the password was not reset: %d %s", a.code, a.body)
	}
}

func TestFeed_OnePersonHasAtMost20LivePages(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		rejected := 0
		w.site.Feed.Rejected = func(string) { rejected++ }
		var open []*eventStream
		for range live.MaxPagesPerPerson {
			f := w.openStream("viewer", "/live/heartbeats/"+h.Ref)
			f.expectEvent("row")
			open = append(open, f)
		}
		a := w.get("viewer", "/live/heartbeats/"+h.Ref)
		if a.code != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || rejected != 1 ||
			!strings.HasPrefix(a.body, "You have 20 live pages open, the maximum.") || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
			w.Errorf("one page too many: %d, %q, counted %d", a.code, a.body, rejected)
		}
		w.openStream("owner", "/live/heartbeats/"+h.Ref).expectEvent("row")
		open[0].stop()
		open[0].expectEnd()
		for range 100 { // the server may have yet to notice that one was closed
			if f := w.openStream("viewer", "/live/heartbeats/"+h.Ref); f.code == http.StatusOK {
				return
			}
		}
		w.Error("a page that was closed still takes a place")
	})
}

func TestRecent_PagesShareOneReading(t *testing.T) {
	var r recent[sessionProject, sessionRole]
	reads := 0
	get := func(session string, project int64, at time.Duration) sessionRole {
		t.Helper()
		found, _, err := r.get(sessionProject{session, project}, time.Unix(1e9, 0).Add(at), roleMaxAge, func() (sessionRole, error) {
			reads++
			return sessionRole{role: auth.Role(reads), signedIn: true}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for range 20 { // pages of one session
		if found := get("ann", 1, 0); found.role != 1 {
			t.Fatalf("role %d; want the first one", found.role)
		}
	}
	if get("ann", 2, 0).role != 2 || get("bob", 1, 0).role != 3 {
		t.Error("a session got the role of another session or project")
	}
	if get("ann", 1, roleMaxAge).role != 4 {
		t.Error("a role is used for longer than its maximum age")
	}
	_, _, err := r.get(sessionProject{"ann", 1}, time.Unix(1e9, 0).Add(time.Minute), roleMaxAge, func() (sessionRole, error) { return sessionRole{}, errors.New("unavailable") })
	if err == nil || get("ann", 1, time.Minute).role != 5 {
		t.Error("a failed reading is used")
	}
	for n := range 3 * maxRecentValues {
		get("many", int64(n), 0)
	}
	if len(r.values) > maxRecentValues {
		t.Errorf("%d values are kept; want at most %d", len(r.values), maxRecentValues)
	}
}
