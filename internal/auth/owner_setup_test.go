package auth_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"overdue/internal/auth"
	"overdue/internal/auth/authtest"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// founder returns valid details of the first owner.
func founder() auth.OwnerSetup {
	return auth.OwnerSetup{Name: "Ada", Email: "ada@example.com", Password: secret, Project: "Production", Zone: "europe/berlin"}
}

func TestSetUp_TheLinkWorksOnceAndANewOneReplacesIt(t *testing.T) {
	onEach(t, func(h *house) {
		first, needed, err := h.people.CreateSetupLink(h.Context())
		if err != nil || !needed || len(first) < 40 {
			h.Fatal(first, needed, err)
		}
		second, _, err := h.people.CreateSetupLink(h.Context())
		if err != nil || second == first {
			h.Fatal(err)
		}
		f := founder()
		f.Zone = "Europe/Berlin"
		setUp := func(token string, f auth.OwnerSetup) (err error) {
			h.visit(nil, func(ctx context.Context) { err = h.people.SetUp(ctx, token, f, auth.ClientInfo{}, h.began) })
			return err
		}
		h.faulty(setUp(first, f), monitor.NotFound, "")
		h.faulty(setUp("", f), monitor.NotFound, "")
		for field, spoil := range map[string]func(*auth.OwnerSetup){
			"name": func(f *auth.OwnerSetup) { f.Name = " " }, "email": func(f *auth.OwnerSetup) { f.Email = "Ada <ada@example.com>" },
			"password": func(f *auth.OwnerSetup) { f.Password = "short" }, "project": func(f *auth.OwnerSetup) { f.Project = "a\nb" },
			"timezone": func(f *auth.OwnerSetup) { f.Zone = "Mars/Olympus" },
		} {
			bad := f
			spoil(&bad)
			h.faulty(setUp(second, bad), monitor.Invalid, field)
		}
		c := h.visit(nil, func(ctx context.Context) {
			if err := h.people.SetUp(ctx, second, f, auth.ClientInfo{}, h.began); err != nil {
				h.Fatal(err)
			}
		})
		who := h.here(c, h.began)
		if a := who.Actor(0, ""); a.Role != auth.Owner || a.Project.Name != "Production" || a.Project.Zone != "Europe/Berlin" || a.Project.Slug != "main" {
			h.Errorf("the owner is %+v", a)
		}
		h.faulty(setUp(second, f), monitor.NotFound, "")
		if _, needed, err := authtest.NewPeople(h.db).CreateSetupLink(h.Context()); needed || err != nil {
			h.Errorf("a link is needed %t, %v", needed, err)
		}
	})
}

func TestSetUp_OfSeveralPeopleWithTheLinkOneBecomesTheOwner(t *testing.T) {
	onEach(t, func(h *house) {
		token, _, err := h.people.CreateSetupLink(h.Context())
		if err != nil {
			h.Fatal(err)
		}
		var wg sync.WaitGroup
		for _, name := range []string{"a", "b", "c"} {
			wg.Go(func() {
				f := founder()
				f.Email, f.Zone = name+"@example.com", ""
				people := authtest.NewPeople(h.db) // another node
				people.Sessions.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					_ = people.SetUp(r.Context(), token, f, auth.ClientInfo{}, h.began) // only the first succeeds
				})).ServeHTTP(discard{}, (&http.Request{Header: http.Header{}}).WithContext(h.Context()))
			})
		}
		wg.Wait()
		h.update(func(tx *store.Tx) error {
			n, err := tx.CountPeople()
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

func TestAddOwner_CreatesTheOwnerOnlyIfThereIsNoAccount(t *testing.T) {
	onEach(t, func(h *house) {
		_, err := h.people.AddOwner(h.Context(), "ada", "short", h.began)
		h.faulty(err, monitor.Invalid, "email")
		h.faulty(err, monitor.Invalid, "password")
		h.owned()
		for range 2 {
			made, err := authtest.NewPeople(h.db).AddOwner(h.Context(), "eve@example.com", secret, h.began)
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
			Project: h.project.Key, Email: email, Role: role, InvitedBy: "Ada", Created: h.began, ExpiresAt: h.began.Add(monitor.InvitationLifetime),
		}, auth.HashKey(token))
		return err
	})
	return token
}

func TestAcceptInvitation_WorksOnce(t *testing.T) {
	onEach(t, func(h *house) {
		h.owned()
		token := h.invite("bob@example.com", auth.Member)
		join := func(token, name, password string, now time.Time) (err error) {
			h.visit(nil, func(ctx context.Context) {
				err = h.people.AcceptInvitation(ctx, token, name, password, auth.ClientInfo{}, now)
			})
			return err
		}
		h.faulty(join("wrong", "Bob", secret, h.began), monitor.NotFound, "")
		h.faulty(join(token, "Bob", secret, h.began.Add(7*24*time.Hour)), monitor.NotFound, "")
		h.faulty(join(token, "", "short", h.began), monitor.Invalid, "name")
		h.faulty(join(token, "", "short", h.began), monitor.Invalid, "password")
		if err := join(token, "Bob", secret, h.began); err != nil {
			h.Fatal(err)
		}
		h.faulty(join(token, "Eve", secret, h.began), monitor.NotFound, "")
		who := h.here(h.signIn("bob@example.com", false, h.began), h.began)
		if a := who.Actor(h.project.Key, ""); a.Role != auth.Member || a.Name != "Bob" {
			h.Errorf("joined as %+v", a)
		}
	})
}

func TestAcceptInvitation_WithAnAccountNeedsItsPasswordAndLowersNoRole(t *testing.T) {
	onEach(t, func(h *house) {
		h.owned()
		token := h.invite("ADA@example.com", auth.Viewer)
		i, found, err := h.people.Invitation(h.Context(), token, h.began)
		if err != nil || !found || !i.HasAccount || i.Target.Name != "Main" {
			h.Fatalf("%+v, %t, %v", i, found, err)
		}
		h.faulty(h.people.AcceptInvitation(h.Context(), token, "Eve", "a password of eve", auth.ClientInfo{}, h.began), monitor.Invalid, "password")
		c := h.visit(nil, func(ctx context.Context) {
			if err := h.people.AcceptInvitation(ctx, token, "", secret, auth.ClientInfo{}, h.began); err != nil {
				h.Fatal(err)
			}
		})
		if who := h.here(c, h.began); who.Name != "Owner" || who.Actor(0, "").Role != auth.Owner {
			h.Errorf("%+v; want the owner as before", who)
		}
	})
}
