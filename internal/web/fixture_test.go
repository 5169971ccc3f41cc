package web

import (
	"bytes"
	"context"
	"flag"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"overdue/client"
	"overdue/internal/api"
	"overdue/internal/auth"
	"overdue/internal/auth/authtest"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
	"overdue/internal/web/docsite"
	"overdue/internal/web/view/ui"
)

// testBaseURL is the address of the pages in tests.
const testBaseURL = "https://overdue.example"

// testPassword is the password of every person.
const testPassword = "correct horse battery"

// fixture is a site on a real store. Its project "main" has one person of each
// role; a stranger owns another project.
type fixture struct {
	*testing.T
	site    *Site
	db      *store.DB
	service *manage.Service
	people  *auth.People

	project, otherProject monitor.Project
	cookies               map[string]*http.Cookie // by name of person
	log                   *bytes.Buffer

	mu    sync.Mutex
	mails []sentMail
	test  func(monitor.Channel) client.TestResult // what a test alert answers
}

// sentMail is an email that was sent.
type sentMail struct{ to, subject, text string }

func TestMain(m *testing.M) {
	flag.Parse()
	// The tests of streams wait most of the time, so more of them run than there are
	// processors.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// onEach runs a test with a fixture on every database.
func onEach(t *testing.T, test func(w *fixture)) {
	t.Helper()
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newFixture(t, address))
		})
	}
}

// newEmptyFixture returns a fixture without accounts.
func newEmptyFixture(t *testing.T, address string) *fixture {
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
	db.UseListIndex()
	w := &fixture{T: t, db: db, cookies: map[string]*http.Cookie{}, log: &bytes.Buffer{}}
	w.people = authtest.NewPeople(db)
	w.service = manage.New(manage.Options{DB: db, SendTest: func(_ context.Context, _ monitor.Project, c monitor.Channel) (client.TestResult, []monitor.DeliveryResult, setting.Values) {
		result := client.TestResult{Delivered: true}
		if w.test != nil {
			result = w.test(c)
		}
		return result, []monitor.DeliveryResult{{Delivered: result.Delivered, Permanent: true, Reason: result.Detail}}, nil
	}})
	w.project, w.otherProject = w.addProject("main"), w.addProject("elsewhere")
	w.site, err = New(Options{
		Service: w.service, People: w.people, BaseURL: testBaseURL, Version: "1.0.0", Logger: slog.New(slog.NewTextHandler(w.log, nil)),
		ClientAddress: func(r *http.Request) string { return strings.Split(r.RemoteAddr, ":")[0] },
		OpenAPI: func() ([]byte, error) {
			rec := httptest.NewRecorder()
			api.New(api.Options{BaseURL: testBaseURL, Version: "1.0.0"}).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, docsite.SpecPath, nil))
			return rec.Body.Bytes(), nil
		},
		SendMail: func(_ context.Context, to, subject, text string) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.mails = append(w.mails, sentMail{to, subject, text})
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// newFixture returns a fixture with its people, none of them signed in.
func newFixture(t *testing.T, address string) *fixture {
	t.Helper()
	w := newEmptyFixture(t, address)
	if _, err := w.people.AddOwner(t.Context(), "owner@example.com", testPassword, w.now()); err != nil {
		t.Fatal(err)
	}
	w.update(func(tx *store.Tx) error {
		owner, hash, _, err := tx.PersonByEmail("owner@example.com")
		if err != nil {
			return err
		}
		if err := tx.RemoveMember(w.otherProject.Key, owner.ID); err != nil {
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
		return tx.SetMember(w.otherProject.Key, p.ID, auth.Owner, w.now())
	})
	return w
}

// now returns the current time in the precision of the store.
func (w *fixture) now() time.Time { return time.Now().UTC().Truncate(monitor.Precision) }

// update changes the database directly.
func (w *fixture) update(fn func(*store.Tx) error) {
	w.Helper()
	if err := w.db.Update(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
}

// addProject adds a project.
func (w *fixture) addProject(name string) (p monitor.Project) {
	w.Helper()
	w.update(func(tx *store.Tx) (err error) {
		p, err = tx.AddProject(monitor.Project{Slug: name, Name: name, Zone: "UTC", Created: w.now()})
		return err
	})
	return p
}

// person returns a person by name.
func (w *fixture) person(name string) (p monitor.Person) {
	w.Helper()
	w.update(func(tx *store.Tx) (err error) {
		p, _, _, err = tx.PersonByEmail(name + "@example.com")
		return err
	})
	return p
}

// actor returns a person as an actor in their project.
func (w *fixture) actor(name string) auth.Actor {
	w.Helper()
	who := auth.Person{Person: w.person(name)}
	w.update(func(tx *store.Tx) (err error) {
		who.Memberships, err = tx.Memberships(who.ID)
		return err
	})
	return who.Actor(0, "")
}

// response is a recorded response.
type response struct {
	code          int
	body          string
	header        http.Header
	sessionCookie *http.Cookie // the session's cookie, if one was set
}

// location returns the target of a redirect.
func (a response) location() string { return a.header.Get("Location") }

// get reads a page as a person, or without a session if the name is empty.
func (w *fixture) get(as, path string) response {
	w.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	return w.send(as, r)
}

// post sends a form as a person, with the headers of a browser.
func (w *fixture) post(as, path string, form url.Values) response {
	w.Helper()
	form = w.withVersion(as, path, w.withOrigin(as, form))
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return w.send(as, r)
}

// withOrigin adds the hidden fields that every form has. It keeps given values.
func (w *fixture) withOrigin(as string, form url.Values) url.Values {
	w.Helper()
	if as == "" {
		return form
	}
	a := w.actor(as)
	all := url.Values{ui.OriginProjectField: {projectID(a.Project)}, ui.OriginPersonField: {a.Person}}
	maps.Copy(all, form)
	return all
}

// withVersion adds the version that the page shows now to a form that edits
// something. It keeps given values.
func (w *fixture) withVersion(as, path string, form url.Values) url.Values {
	w.Helper()
	page, edits := map[string]string{"/settings": "/settings", "/account": "/account"}[path]
	switch {
	case as == "" || form.Has(ui.VersionField):
		return form
	case regexp.MustCompile(`^/heartbeats/[0-9a-f-]{30,}$`).MatchString(path):
		page, edits = path+"/edit", true
	case regexp.MustCompile(`^/channels/[0-9a-f-]{30,}$`).MatchString(path):
		page, edits = path, true
	case regexp.MustCompile(`^/policies/[0-9a-z-]+$`).MatchString(path) && path != "/policies/preview":
		page, edits = path, true
	case strings.HasPrefix(path, "/team/") && strings.HasSuffix(path, "/role"):
		page, edits = "/team", true
	}
	if !edits {
		return form
	}
	a := w.get(as, page)
	// The form of a member contains the id, even if the path has the ref.
	if m := regexp.MustCompile(`<form[^>]*action="(/heartbeats/[0-9a-f-]{30,})"`).FindStringSubmatch(a.body); strings.HasSuffix(page, "/edit") && m != nil {
		path = m[1]
	}
	if !strings.Contains(a.body, `action="`+path+`"`) {
		return form
	}
	shown := w.hiddenFields(a, path)
	return mergeForms(form, url.Values{ui.VersionField: shown[ui.VersionField], ui.OriginalValuesField: shown[ui.OriginalValuesField]})
}

// send sends a request with the session of a person.
func (w *fixture) send(as string, r *http.Request) response {
	w.Helper()
	if as != "" {
		r.AddCookie(w.cookie(as))
	}
	return w.sendRaw(r)
}

// sendRaw sends a request without a session.
func (w *fixture) sendRaw(r *http.Request) response {
	w.Helper()
	rec := httptest.NewRecorder()
	w.site.ServeHTTP(rec, r)
	result := rec.Result()
	body, err := io.ReadAll(result.Body)
	if err != nil {
		w.Fatal(err)
	}
	a := response{code: result.StatusCode, body: string(body), header: result.Header}
	for _, c := range result.Cookies() {
		if strings.HasSuffix(c.Name, "overdue") {
			a.sessionCookie = c
		}
	}
	return a
}

// cookie returns the session cookie of a person, and signs them in the first time.
func (w *fixture) cookie(as string) *http.Cookie {
	w.Helper()
	if c := w.cookies[as]; c != nil {
		return c
	}
	a := w.post("", "/sign-in", url.Values{"email": {as + "@example.com"}, "password": {testPassword}})
	if a.code != http.StatusSeeOther || a.sessionCookie == nil {
		w.Fatalf("%s could not sign in: %d %s", as, a.code, a.body)
	}
	w.cookies[as] = a.sessionCookie
	return a.sessionCookie
}
