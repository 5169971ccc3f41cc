package auth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"overdue/internal/auth"
	"overdue/internal/auth/authtest"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// currentPassword is the initial password of every person.
const currentPassword = "correct horse battery"

// fixture has the people of a store. It uses real time, because passwords are hashed.
type fixture struct {
	*testing.T
	db      *store.DB
	people  *auth.People
	project monitor.Project
	began   time.Time
}

// onEachDatabase runs a test with one project on every database.
func onEachDatabase(t *testing.T, test func(h *fixture)) {
	t.Helper()
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
			h := &fixture{T: t, db: db, people: authtest.NewPeople(db), began: time.Now().UTC().Truncate(monitor.Precision)}
			h.update(func(tx *store.Tx) (err error) {
				h.project, err = tx.AddProject(monitor.Project{Slug: "main", Name: "Main", Zone: "UTC", Created: h.began})
				return err
			})
			test(h)
		})
	}
}

// update changes the database directly.
func (h *fixture) update(fn func(*store.Tx) error) {
	h.Helper()
	if err := h.db.Update(h.Context(), fn); err != nil {
		h.Fatal(err)
	}
}

// addOwner adds the owner.
func (h *fixture) addOwner() {
	h.Helper()
	if made, err := h.people.AddOwner(h.Context(), "ada@example.com", currentPassword, h.began); !made || err != nil {
		h.Fatal(made, err)
	}
}

// withRequest calls fn in the handler of a request with the cookie c, if any. It returns
// the cookie that the response sets, or nil.
func (h *fixture) withRequest(c *http.Cookie, fn func(ctx context.Context)) *http.Cookie {
	h.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	if c != nil {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.people.Sessions.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fn(r.Context())
		w.WriteHeader(http.StatusOK)
	})).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		h.Fatalf("answered %d", w.Code)
	}
	if all := w.Result().Cookies(); len(all) > 0 {
		return all[0]
	}
	return nil
}

// signIn signs the person in and returns the session cookie.
func (h *fixture) signIn(email string, keep bool, now time.Time) *http.Cookie {
	h.Helper()
	c := h.withRequest(nil, func(ctx context.Context) {
		if err := h.people.SignIn(ctx, email, currentPassword, auth.ClientInfo{Address: "192.0.2.1", UserAgent: "curl", KeepSignedIn: keep}, now); err != nil {
			h.Fatal(err)
		}
	})
	if c == nil {
		h.Fatal("no cookie")
	}
	return c
}

// currentPerson returns the person whose session is in a cookie.
func (h *fixture) currentPerson(c *http.Cookie, now time.Time) (who auth.Person) {
	h.Helper()
	h.withRequest(c, func(ctx context.Context) {
		var err error
		if who, err = h.people.Current(ctx, "192.0.2.2", now); err != nil {
			h.Fatal(err)
		}
	})
	return who
}

// expectFault fails the test unless err contains a fault of the kind for the field.
func (h *fixture) expectFault(err error, kind monitor.FaultKind, field string) {
	h.Helper()
	faults, many := errors.AsType[monitor.Faults](err)
	if fault, one := errors.AsType[*monitor.Fault](err); !many && one {
		faults = monitor.Faults{fault}
	}
	for _, f := range faults {
		if f.Kind == kind && f.Field == field {
			return
		}
	}
	h.Errorf("error %v; want a fault of kind %d about %q", err, kind, field)
}

func TestSignIn_TheCorrectPasswordStartsASession(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		if h.currentPerson(nil, h.began).SignedIn() {
			h.Error("a request without a cookie is signed in")
		}
		c := h.signIn(" ADA@example.com ", false, h.began)
		if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Name != "__Host-overdue" || c.Path != "/" || c.Domain != "" || c.MaxAge != 0 {
			h.Errorf("cookie %+v", c)
		}
		who := h.currentPerson(c, h.began)
		if who.Email != "ada@example.com" || len(who.Memberships) != 1 || who.Actor(0, "x").Role != auth.Owner {
			h.Errorf("%+v", who)
		}
		if h.currentPerson(&http.Cookie{Name: c.Name, Value: strings.ToLower(c.Value)}, h.began).SignedIn() {
			h.Error("another token is accepted too")
		}
		if kept := h.storedText(); strings.Contains(kept, c.Value) || strings.Contains(kept, currentPassword) {
			h.Error("a secret is stored in plain text")
		}
		h.withRequest(c, func(ctx context.Context) {
			if err := h.people.SignOut(ctx, "192.0.2.2", h.began); err != nil {
				h.Error(err)
			}
		})
		if h.currentPerson(c, h.began).SignedIn() {
			h.Error("still signed in after signing out")
		}
	})
}

// storedText returns the stored person and sessions as text.
func (h *fixture) storedText() (text string) {
	h.Helper()
	h.update(func(tx *store.Tx) error {
		p, hash, _, err := tx.PersonByEmail("ada@example.com")
		if err != nil {
			return err
		}
		all, err := tx.Sessions(p.ID, h.began)
		for _, s := range all {
			text += s.ID + s.UserAgent + s.LastAddress
		}
		text += hash
		return err
	})
	return text
}

func TestSignIn_AWrongAddressAndAWrongPasswordGetTheSameAnswer(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		type check struct {
			length int
			cost   string
		}
		var checks []check
		h.people.NoteChecks(func(length int, cost string) { checks = append(checks, check{length, cost}) })
		try := func(email, password string) (answer string, work []check) {
			checks = nil
			err := h.people.SignIn(h.Context(), email, password, auth.ClientInfo{Address: "192.0.2.1"}, h.began)
			h.expectFault(err, monitor.Invalid, "password")
			return err.Error(), checks
		}
		known, wanted := try("ada@example.com", "wrong")
		for _, email := range []string{"nobody@example.com", "", "a\x00b", strings.Repeat("x", 10_000)} {
			text, work := try(email, "wrong")
			if text != known {
				h.Errorf("%.20q: %q; want %q", email, text, known)
			}
			// The same work takes the same time, so the time does not reveal an account.
			if len(work) != 1 || work[0].cost != wanted[0].cost {
				h.Errorf("%.20q: hashed %v; want one hash that costs as much as for a known address, %v", email, work, wanted)
			}
		}
		if _, work := try("ada@example.com", strings.Repeat("x", 1<<20)); len(work) != 1 || work[0].length > 100 || work[0].cost != wanted[0].cost {
			h.Errorf("a long password: hashed %v; want one short password at the same cost", work)
		}
	})
}

func TestSignIn_TooManyAttemptsMustWait(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		try := func(email, address string, now time.Time) error {
			return h.people.SignIn(h.Context(), email, "wrong", auth.ClientInfo{Address: address}, now)
		}
		for range 10 {
			h.expectFault(try("ada@example.com", "192.0.2.1", h.began), monitor.Invalid, "password")
		}
		err := try("ADA@example.com", "192.0.2.1", h.began.Add(time.Minute))
		h.expectFault(err, monitor.RateLimited, "password")
		rest, ok := errors.AsType[*auth.ThrottleError](err)
		if !ok || rest.Wait != 14*time.Minute || !strings.Contains(err.Error(), "14 minutes") {
			h.Errorf("%v", err)
		}
		// The owner at another address, and other people at this address, can still sign in.
		h.expectFault(try("ada@example.com", "192.0.2.9", h.began), monitor.Invalid, "password")
		h.expectFault(try("bob@example.com", "192.0.2.1", h.began), monitor.Invalid, "password")
		h.expectFault(try("ada@example.com", "192.0.2.1", h.began.Add(15*time.Minute)), monitor.Invalid, "password")
	})
}

func TestCurrent_ASessionEndsAfterTwelveHoursWithoutActivityUnlessItIsKept(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		// The library reads the real clock, so the sessions start in the past.
		for _, c := range []struct {
			ago  time.Duration
			keep bool
			want bool
		}{
			{11 * time.Hour, false, true},
			{12*time.Hour + time.Minute, false, false},
			{29 * 24 * time.Hour, true, true},
			{30*24*time.Hour + time.Minute, true, false},
		} {
			cookie := h.signIn("ada@example.com", c.keep, time.Now().UTC().Add(-c.ago))
			if kept := cookie.MaxAge > 0; kept != c.keep {
				h.Errorf("keep %t: the cookie lasts %d s", c.keep, cookie.MaxAge)
			}
			if got := h.currentPerson(cookie, time.Now().UTC()).SignedIn(); got != c.want {
				h.Errorf("keep %t, signed in %s ago: there %t; want %t", c.keep, c.ago, got, c.want)
			}
		}
	})
}

func TestCurrent_ActivityKeepsASessionAlive(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		now := time.Now().UTC()
		c := h.signIn("ada@example.com", false, now.Add(-11*time.Hour))
		h.currentPerson(c, now)
		var all []monitor.Session
		h.update(func(tx *store.Tx) (err error) {
			p, _, _, err := tx.PersonByEmail("ada@example.com")
			if err == nil {
				all, err = tx.Sessions(p.ID, now.Add(11*time.Hour))
			}
			return err
		})
		if len(all) != 1 || all[0].LastAddress != "192.0.2.2" {
			h.Errorf("sessions %+v; want one, seen now, from its new address", all)
		}
	})
}

// changePassword changes the password of the person whose session is in a cookie, and
// returns the new cookie.
func (h *fixture) changePassword(c *http.Cookie, old, wanted string) (after *http.Cookie, err error) {
	h.Helper()
	who := h.currentPerson(c, h.began)
	after = h.withRequest(c, func(ctx context.Context) {
		err = h.people.ChangePassword(ctx, who, auth.PasswordChange{Old: old, New: wanted, Client: auth.ClientInfo{Address: "192.0.2.1"}, At: h.began})
	})
	return after, err
}

func TestChangePassword_EndsEveryOtherSessionAndRenewsTheTokenOfThisOne(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		here, elsewhere := h.signIn("ada@example.com", true, h.began), h.signIn("ada@example.com", true, h.began)
		h.withRequest(here, func(ctx context.Context) { h.people.Sessions.SelectProject(ctx, "other") })
		for _, c := range []struct{ old, wanted, field string }{
			{"wrong", "another fine password", "old_password"}, {currentPassword, "short", "new_password"}, {currentPassword, "aaaaaaaaaaaaaaa", "new_password"},
		} {
			_, err := h.changePassword(here, c.old, c.wanted)
			h.expectFault(err, monitor.Invalid, c.field)
		}
		if !h.currentPerson(elsewhere, h.began).SignedIn() {
			h.Error("a change that was rejected ended a session")
		}
		after, err := h.changePassword(here, currentPassword, "another fine password")
		if err != nil || after == nil {
			h.Fatal(after, err)
		}
		if h.currentPerson(here, h.began).SignedIn() || h.currentPerson(elsewhere, h.began).SignedIn() {
			h.Error("a token from before the change still works")
		}
		if who := h.currentPerson(after, h.began); !who.SignedIn() || who.SelectedProject != "other" || after.MaxAge <= 0 {
			h.Errorf("this browser is signed in as %+v, for %d s; want as before", who, after.MaxAge)
		}
		h.expectFault(h.people.SignIn(h.Context(), "ada@example.com", currentPassword, auth.ClientInfo{}, h.began), monitor.Invalid, "password")
	})
}

func TestSessions_ASessionThatEndedElsewhereStaysEnded(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		c := h.signIn("ada@example.com", true, h.began)
		h.withRequest(c, func(ctx context.Context) {
			who, err := h.people.Current(ctx, "192.0.2.1", h.began)
			if err != nil {
				h.Fatal(err)
			}
			// The session is ended before this request writes to it.
			if err := h.people.EndSession(ctx, who, who.Session, "", h.began); err != nil {
				h.Fatal(err)
			}
			h.people.Sessions.SelectProject(ctx, "main")
		})
		if h.currentPerson(c, h.began).SignedIn() {
			h.Error("it came back")
		}
	})
}

func TestTakeFlash_ReturnsATextOnce(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		c := h.signIn("ada@example.com", false, h.began)
		h.withRequest(c, func(ctx context.Context) { h.people.Sessions.SetFlash(ctx, "Done.", "/undo") })
		for _, want := range []string{"Done./undo", ""} {
			h.withRequest(c, func(ctx context.Context) {
				text, undo := h.people.Sessions.TakeFlash(ctx)
				if text+undo != want {
					h.Errorf("took %q; want %q", text+undo, want)
				}
			})
		}
		if got := h.withRequest(nil, func(ctx context.Context) { h.people.Sessions.SetFlash(ctx, "Done.", "") }); got != nil {
			h.Error("a stranger got a session")
		}
	})
}
