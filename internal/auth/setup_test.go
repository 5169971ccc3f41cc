package auth_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// founder is somebody who may own it all.
func founder() auth.Founder {
	return auth.Founder{Name: "Ada", Email: "ada@example.com", Password: secret, Project: "Production", Zone: "europe/berlin"}
}

func TestTheSetupLinkWorksOnceAndANewOneEndsIt(t *testing.T) {
	onEach(t, func(h *house) {
		first, needed, err := h.people.SetupLink(h.Context())
		if err != nil || !needed || len(first) < 40 {
			h.Fatal(first, needed, err)
		}
		second, _, err := h.people.SetupLink(h.Context())
		if err != nil || second == first {
			h.Fatal(err)
		}
		f := founder()
		f.Zone = "Europe/Berlin"
		setUp := func(token string, f auth.Founder) (err error) {
			h.visit(nil, func(ctx context.Context) { err = h.people.SetUp(ctx, token, f, auth.Entry{}, h.began) })
			return err
		}
		h.faulty(setUp(first, f), monitor.Missing, "")
		h.faulty(setUp("", f), monitor.Missing, "")
		for field, spoil := range map[string]func(*auth.Founder){
			"name": func(f *auth.Founder) { f.Name = " " }, "email": func(f *auth.Founder) { f.Email = "Ada <ada@example.com>" },
			"password": func(f *auth.Founder) { f.Password = "short" }, "project": func(f *auth.Founder) { f.Project = "a\nb" },
			"timezone": func(f *auth.Founder) { f.Zone = "Mars/Olympus" },
		} {
			bad := f
			spoil(&bad)
			h.faulty(setUp(second, bad), monitor.Invalid, field)
		}
		c := h.visit(nil, func(ctx context.Context) {
			if err := h.people.SetUp(ctx, second, f, auth.Entry{}, h.began); err != nil {
				h.Fatal(err)
			}
		})
		who := h.here(c, h.began)
		if a := who.Actor(0, ""); a.Role != auth.Owner || a.Project.Name != "Production" || a.Project.Zone != "Europe/Berlin" || a.Project.Slug != "main" {
			h.Errorf("the owner is %+v", a)
		}
		h.faulty(setUp(second, f), monitor.Missing, "")
		if _, needed, err := auth.NewPeople(h.db, true).SetupLink(h.Context()); needed || err != nil {
			h.Errorf("a link is needed %t, %v", needed, err)
		}
	})
}

func TestOfManyWhoHaveTheLinkOneBecomesTheOwner(t *testing.T) {
	onEach(t, func(h *house) {
		token, _, err := h.people.SetupLink(h.Context())
		if err != nil {
			h.Fatal(err)
		}
		var wg sync.WaitGroup
		for _, name := range []string{"a", "b", "c"} {
			wg.Go(func() {
				f := founder()
				f.Email, f.Zone = name+"@example.com", ""
				people := auth.NewPeople(h.db, true) // another node
				people.Sessions.Remember(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					_ = people.SetUp(r.Context(), token, f, auth.Entry{}, h.began) // who is late is refused
				})).ServeHTTP(discard{}, (&http.Request{Header: http.Header{}}).WithContext(h.Context()))
			})
		}
		wg.Wait()
		h.update(func(tx *store.Tx) error {
			n, err := tx.People()
			if n != 1 {
				h.Errorf("%d people; want one owner", n)
			}
			return err
		})
	})
}

// discard is an answer that nobody reads.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

func TestTheOwnerIsCreatedUnattendedOnlyWhenThereIsNobody(t *testing.T) {
	onEach(t, func(h *house) {
		_, err := h.people.AddOwner(h.Context(), "ada", "short", h.began)
		h.faulty(err, monitor.Invalid, "email")
		h.faulty(err, monitor.Invalid, "password")
		h.owned()
		for range 2 {
			made, err := auth.NewPeople(h.db, true).AddOwner(h.Context(), "eve@example.com", secret, h.began)
			if made || err != nil {
				h.Errorf("made another owner %t, %v", made, err)
			}
		}
	})
}

// invite adds an invitation and returns its token.
func (h *house) invite(email string, role monitor.Role) string {
	h.Helper()
	token := auth.NewInvitationToken()
	h.update(func(tx *store.Tx) error {
		_, err := tx.AddInvitation(monitor.Invitation{
			Project: h.project.Key, Email: email, Role: role, By: "Ada", Created: h.began, Ends: h.began.Add(monitor.InvitationLife),
		}, auth.HashKey(token))
		return err
	})
	return token
}

func TestAnInvitationMakesAMemberOnce(t *testing.T) {
	onEach(t, func(h *house) {
		h.owned()
		token := h.invite("bob@example.com", auth.Member)
		join := func(token, name, password string, now time.Time) (err error) {
			h.visit(nil, func(ctx context.Context) { err = h.people.Join(ctx, token, name, password, auth.Entry{}, now) })
			return err
		}
		h.faulty(join("wrong", "Bob", secret, h.began), monitor.Missing, "")
		h.faulty(join(token, "Bob", secret, h.began.Add(7*24*time.Hour)), monitor.Missing, "")
		h.faulty(join(token, "", "short", h.began), monitor.Invalid, "name")
		h.faulty(join(token, "", "short", h.began), monitor.Invalid, "password")
		if err := join(token, "Bob", secret, h.began); err != nil {
			h.Fatal(err)
		}
		h.faulty(join(token, "Eve", secret, h.began), monitor.Missing, "")
		who := h.here(h.signIn("bob@example.com", false, h.began), h.began)
		if a := who.Actor(h.project.Key, ""); a.Role != auth.Member || a.Name != "Bob" {
			h.Errorf("joined as %+v", a)
		}
	})
}

func TestAnInvitationOfAKnownAddressAsksForItsPasswordAndLowersNobody(t *testing.T) {
	onEach(t, func(h *house) {
		h.owned()
		token := h.invite("ADA@example.com", auth.Viewer)
		i, found, err := h.people.Invitation(h.Context(), token, h.began)
		if err != nil || !found || !i.Known || i.Into.Name != "Main" {
			h.Fatalf("%+v, %t, %v", i, found, err)
		}
		h.faulty(h.people.Join(h.Context(), token, "Eve", "a password of eve", auth.Entry{}, h.began), monitor.Invalid, "password")
		c := h.visit(nil, func(ctx context.Context) {
			if err := h.people.Join(ctx, token, "", secret, auth.Entry{}, h.began); err != nil {
				h.Fatal(err)
			}
		})
		if who := h.here(c, h.began); who.Name != "Owner" || who.Actor(0, "").Role != auth.Owner {
			h.Errorf("%+v; want the owner as before", who)
		}
	})
}
