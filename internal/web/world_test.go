package web

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
	"overdue/internal/web/view"
)

// base is where the pages of the worlds are.
const base = "https://overdue.example"

// password is everybody's.
const password = "correct horse battery"

// world is the pages over a real store, with one person of each role in the
// project "main", and a stranger who owns another one.
type world struct {
	*testing.T
	site   *Site
	db     *store.DB
	desk   *manage.Desk
	people *auth.People

	project, elsewhere monitor.Project
	cookies            map[string]*http.Cookie // by name of person
	log                *bytes.Buffer

	mu    sync.Mutex
	mails []mailed
	test  func(monitor.Channel) client.TestResult // what a test alert answers
}

// mailed is a letter that went out.
type mailed struct{ to, subject, text string }

// onEach runs a test in a world on every database.
func onEach(t *testing.T, test func(w *world)) {
	t.Helper()
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they wait most of the time
			test(newWorld(t, address))
		})
	}
}

// emptyWorld is a world in which nobody has an account yet.
func emptyWorld(t *testing.T, address string) *world {
	t.Helper()
	db, err := store.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{T: t, db: db, cookies: map[string]*http.Cookie{}, log: &bytes.Buffer{}}
	w.people = auth.NewPeople(db, true)
	w.desk = manage.New(manage.Options{DB: db, Test: func(_ context.Context, _ monitor.Project, c monitor.Channel) (client.TestResult, []monitor.DeliveryResult) {
		result := client.TestResult{Delivered: true}
		if w.test != nil {
			result = w.test(c)
		}
		return result, []monitor.DeliveryResult{{Delivered: result.Delivered, Final: true, Reason: result.Detail}}
	}})
	w.project, w.elsewhere = w.addProject("main"), w.addProject("elsewhere")
	w.site, err = New(Options{
		Desk: w.desk, People: w.people, Base: base, Version: "1.0.0", Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Source:   func(r *http.Request) string { return strings.Split(r.RemoteAddr, ":")[0] },
		Document: document,
		Mail: func(_ context.Context, to, subject, text string) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.mails = append(w.mails, mailed{to, subject, text})
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// newWorld is a world with its people, none of them signed in.
func newWorld(t *testing.T, address string) *world {
	t.Helper()
	w := emptyWorld(t, address)
	if _, err := w.people.AddOwner(t.Context(), "owner@example.com", password, w.now()); err != nil {
		t.Fatal(err)
	}
	w.update(func(tx *store.Tx) error {
		owner, hash, _, err := tx.PersonAt("owner@example.com")
		if err != nil {
			return err
		}
		if err := tx.RemoveMember(w.elsewhere.Key, owner.ID); err != nil {
			return err
		}
		for name, role := range map[string]monitor.Role{"viewer": auth.Viewer, "member": auth.Member, "admin": auth.Admin} {
			p, err := tx.AddPerson(monitor.Person{Email: name + "@example.com", Name: name, Created: w.now()}, hash)
			if err != nil {
				return err
			}
			if err := tx.SetMember(w.project.Key, p.ID, role, w.now()); err != nil {
				return err
			}
		}
		p, err := tx.AddPerson(monitor.Person{Email: "stranger@example.com", Name: "stranger", Created: w.now()}, hash)
		if err != nil {
			return err
		}
		return tx.SetMember(w.elsewhere.Key, p.ID, auth.Owner, w.now())
	})
	return w
}

// now is the moment, as it is stored.
func (w *world) now() time.Time { return time.Now().UTC().Truncate(monitor.Tick) }

// update changes the database directly.
func (w *world) update(fn func(*store.Tx) error) {
	w.Helper()
	if err := w.db.Update(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
}

// addProject adds a project.
func (w *world) addProject(name string) (p monitor.Project) {
	w.Helper()
	w.update(func(tx *store.Tx) (err error) {
		p, err = tx.AddProject(monitor.Project{Slug: name, Name: name, Zone: "UTC", Created: w.now()})
		return err
	})
	return p
}

// person is somebody of the world, by name.
func (w *world) person(name string) (p monitor.Person) {
	w.Helper()
	w.update(func(tx *store.Tx) (err error) {
		p, _, _, err = tx.PersonAt(name + "@example.com")
		return err
	})
	return p
}

// actor is somebody of the world as the desk knows them in their project.
func (w *world) actor(name string) auth.Actor {
	w.Helper()
	who := auth.Person{Person: w.person(name)}
	w.update(func(tx *store.Tx) (err error) {
		who.Memberships, err = tx.Memberships(who.ID)
		return err
	})
	return who.Actor(0, "")
}

// answer is what came back.
type answer struct {
	code   int
	body   string
	header http.Header
	jar    *http.Cookie // the session's cookie, if one was set
}

// to is where an answer leads.
func (a answer) to() string { return a.header.Get("Location") }

// get reads a page as somebody; "" is nobody.
func (w *world) get(as, path string) answer {
	w.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	return w.send(as, r)
}

// post sends a form as somebody, as a browser does.
func (w *world) post(as, path string, form url.Values) answer {
	w.Helper()
	form = w.versioned(as, path, w.drawn(as, form))
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return w.send(as, r)
}

// drawn is a form with the hidden fields that every form on a page has. What is
// given stays.
func (w *world) drawn(as string, form url.Values) url.Values {
	w.Helper()
	if as == "" {
		return form
	}
	a := w.actor(as)
	all := url.Values{view.OriginProject: {projectField(a.Project)}, view.OriginPerson: {a.Person}}
	maps.Copy(all, form)
	return all
}

// versioned is a form that edits something, with the version that its page shows
// at this moment. What is given stays.
func (w *world) versioned(as, path string, form url.Values) url.Values {
	w.Helper()
	page, edits := map[string]string{"/settings": "/settings", "/account": "/account"}[path]
	switch {
	case as == "" || form.Has(view.VersionField):
		return form
	case regexp.MustCompile(`^/heartbeats/[0-9a-f-]{30,}$`).MatchString(path):
		page, edits = path+"/edit", true
	case regexp.MustCompile(`^/channels/[0-9a-f-]{30,}$`).MatchString(path):
		page, edits = path, true
	case strings.HasPrefix(path, "/team/") && strings.HasSuffix(path, "/role"):
		page, edits = "/team", true
	}
	if !edits {
		return form
	}
	a := w.get(as, page)
	// A member's form names the heartbeat by its id, also where the path has its ref.
	if m := regexp.MustCompile(`<form[^>]*action="(/heartbeats/[0-9a-f-]{30,})"`).FindStringSubmatch(a.body); strings.HasSuffix(page, "/edit") && m != nil {
		path = m[1]
	}
	if !strings.Contains(a.body, `action="`+path+`"`) {
		return form
	}
	shown := w.hidden(a, path)
	return with(form, url.Values{view.VersionField: shown[view.VersionField], view.ShownField: shown[view.ShownField]})
}

// send sends a request as somebody, who is signed in first.
func (w *world) send(as string, r *http.Request) answer {
	w.Helper()
	if as != "" {
		r.AddCookie(w.cookie(as))
	}
	return w.raw(r)
}

// raw sends a request as it is.
func (w *world) raw(r *http.Request) answer {
	w.Helper()
	rec := httptest.NewRecorder()
	w.site.ServeHTTP(rec, r)
	result := rec.Result()
	body, err := io.ReadAll(result.Body)
	if err != nil {
		w.Fatal(err)
	}
	a := answer{code: result.StatusCode, body: string(body), header: result.Header}
	for _, c := range result.Cookies() {
		if strings.HasSuffix(c.Name, "overdue") {
			a.jar = c
		}
	}
	return a
}

// cookie signs somebody in, once, and returns the cookie of their session.
func (w *world) cookie(as string) *http.Cookie {
	w.Helper()
	if c := w.cookies[as]; c != nil {
		return c
	}
	a := w.post("", "/sign-in", url.Values{"email": {as + "@example.com"}, "password": {password}})
	if a.code != http.StatusSeeOther || a.jar == nil {
		w.Fatalf("%s could not sign in: %d %s", as, a.code, a.body)
	}
	w.cookies[as] = a.jar
	return a.jar
}
