package auth_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"testing"
	"time"

	"overdue/internal/auth"
	"overdue/internal/auth/authtest"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// The password that the person sets with the link, and the one that the thief tries to set.
const (
	rescued = "a brand new horse battery"
	stolen  = "the thief was here before"
)

// thief knows the old password and has a session on one node. The person uses
// another node, so the two requests can overlap while a password is hashed.
type thief struct {
	*house
	person  *auth.People
	cookie  *http.Cookie
	session *http.Cookie // of what the thief did, if it signed in
}

// onThieves runs a test on every database.
func onThieves(t *testing.T, test func(th *thief)) {
	onEach(t, func(h *house) {
		h.owned()
		test(&thief{house: h, person: authtest.NewPeople(h.db), cookie: h.signIn("ada@example.com", true, h.began)})
	})
}

// rescue replaces the password with a reset link.
func (th *thief) rescue() {
	th.Helper()
	token := th.resetLink("ada@example.com", th.began)
	th.visit(nil, func(ctx context.Context) {
		if open, err := th.person.Reset(ctx, token, rescued, auth.ClientInfo{Address: "192.0.2.9"}, th.began); !open || err != nil {
			th.Errorf("reset: %t, %v", open, err)
		}
	})
}

// deeds are the requests of the thief that can be in progress.
func (th *thief) deeds(token string) map[string]func() error {
	who := th.here(th.cookie, th.began)
	in := func(c *http.Cookie, fn func(ctx context.Context) error) (err error) {
		th.session = th.visit(c, func(ctx context.Context) { err = fn(ctx) })
		return err
	}
	return map[string]func() error{
		"sign-in": func() error {
			return in(nil, func(ctx context.Context) error {
				return th.people.SignIn(ctx, "ada@example.com", secret, auth.ClientInfo{}, th.began)
			})
		},
		"change of password": func() error {
			return in(th.cookie, func(ctx context.Context) error {
				return th.people.ChangePassword(ctx, who, auth.PasswordChange{Old: secret, New: stolen, At: th.began})
			})
		},
		"joining": func() error {
			return in(nil, func(ctx context.Context) error {
				return th.people.AcceptInvitation(ctx, token, "", secret, auth.ClientInfo{}, th.began)
			})
		},
		"ending sessions": func() error {
			return in(th.cookie, func(ctx context.Context) error { return th.people.EndOtherSessions(ctx, who, secret, th.began) })
		},
	}
}

// lost fails the test unless the deed came to nothing and the rescue holds.
func (th *thief) lost(deed string, err error) {
	th.Helper()
	if err == nil {
		th.Errorf("%s: succeeded with a password that was replaced", deed)
	}
	if th.here(th.cookie, th.began).SignedIn() || th.session != nil && th.here(th.session, th.began).SignedIn() {
		th.Errorf("%s: the thief is signed in", deed)
	}
	var sessions []monitor.Session
	var members []monitor.Membership
	th.update(func(tx *store.Tx) error {
		p, _, _, err := tx.PersonByEmail("ada@example.com")
		if err != nil {
			return err
		}
		if sessions, err = tx.Sessions(p.ID, th.began); err != nil {
			return err
		}
		members, err = tx.Memberships(p.ID)
		return err
	})
	if len(sessions) != 1 || len(members) != 1 {
		th.Errorf("%s: %d sessions in %d projects; want that of the person, in one", deed, len(sessions), len(members))
	}
	for password, want := range map[string]bool{rescued: true, secret: false, stolen: false} {
		th.visit(nil, func(ctx context.Context) {
			if err := th.person.SignIn(ctx, "ada@example.com", password, auth.ClientInfo{}, th.began); (err == nil) != want {
				th.Errorf("%s: sign-in with %q: %v", deed, password, err)
			}
		})
	}
}

// elsewhere invites ada to another project.
func (h *house) elsewhere() (token string) {
	h.Helper()
	h.update(func(tx *store.Tx) error {
		p, err := tx.AddProject(monitor.Project{Slug: "other", Name: "Other", Zone: "UTC", Created: h.began})
		if err != nil {
			return err
		}
		token = auth.NewInvitationToken()
		_, err = tx.AddInvitation(monitor.Invitation{
			Project: p.Key, Email: "ada@example.com", Role: auth.Owner, Created: h.began, ExpiresAt: h.began.Add(time.Hour),
		}, auth.HashKey(token))
		return err
	})
	return token
}

// deedNames are the names of the deeds; each test runs in a separate world.
var deedNames = []string{"sign-in", "change of password", "joining", "ending sessions"}

func TestPeople_APasswordThatIsReplacedWhileItIsCheckedCannotAct(t *testing.T) {
	for _, deed := range deedNames {
		t.Run(deed, func(t *testing.T) {
			onThieves(t, func(th *thief) {
				act := th.deeds(th.elsewhere())[deed]
				once := false
				th.people.HoldChecks(func() { // the hash was read, and is compared only now
					if !once {
						once = true
						th.rescue()
					}
				})
				th.lost(deed, act())
			})
		})
	}
}

func TestPeople_APasswordThatIsReplacedWhileItsCheckWaitsCannotAct(t *testing.T) {
	for _, deed := range deedNames {
		t.Run(deed, func(t *testing.T) {
			onThieves(t, func(th *thief) {
				act := th.deeds(th.elsewhere())[deed]
				free, err := th.people.TakePlaces(th.Context())
				if err != nil {
					th.Fatal(err)
				}
				before, done := th.people.Queued(), make(chan error)
				go func() { done <- act() }()
				for th.people.Queued() == before {
					runtime.Gosched()
				}
				th.rescue()
				free()
				th.lost(deed, <-done)
			})
		})
	}
}

func TestPeople_APasswordThatIsReplacedFirstCannotAct(t *testing.T) {
	for _, deed := range deedNames {
		t.Run(deed, func(t *testing.T) {
			onThieves(t, func(th *thief) {
				act := th.deeds(th.elsewhere())[deed]
				th.rescue()
				th.lost(deed, act())
			})
		})
	}
}

func TestChangePassword_IsUndoneByAResetThatComesWhileTheNewOneIsHashed(t *testing.T) {
	onThieves(t, func(th *thief) {
		act, once := th.deeds("")["change of password"], false
		th.people.HoldHashes(func() { // the old password was found right
			if !once {
				once = true
				th.rescue()
			}
		})
		th.lost("change of password", act())
	})
}

func TestReset_ALinkThatAChangeOfPasswordEndedSetsNothing(t *testing.T) {
	onThieves(t, func(th *thief) {
		token, once := th.resetLink("ada@example.com", th.began), false
		who := th.here(th.cookie, th.began)
		th.people.HoldHashes(func() { // the link was found open
			if once {
				return
			}
			once = true
			th.visit(th.cookie, func(ctx context.Context) {
				if err := th.person.ChangePassword(ctx, who, auth.PasswordChange{Old: secret, New: rescued, At: th.began}); err != nil {
					th.Error(err)
				}
			})
		})
		if open, err := th.reset(token, stolen, th.began); open || err != nil {
			th.Errorf("the link sets a password: %t, %v", open, err)
		}
		th.lost("reset", errors.New("it was closed"))
	})
}

func TestPeople_ASessionThatWasEndedMeanwhileCannotAct(t *testing.T) {
	onThieves(t, func(th *thief) {
		deeds := th.deeds("")
		mine := th.signIn("ada@example.com", true, th.began)
		me, who := th.here(mine, th.began), th.here(th.cookie, th.began)
		once := false
		th.people.HoldChecks(func() {
			if !once {
				once = true
				if err := th.person.EndOtherSessions(th.Context(), me, "", th.began); err != nil {
					th.Error(err)
				}
			}
		})
		for _, deed := range []string{"change of password", "ending sessions"} {
			if err := deeds[deed](); !errors.Is(err, auth.ErrSignedOut) {
				th.Errorf("%s: %v; want the session to have ended", deed, err)
			}
		}
		if err := th.people.Rename(th.Context(), who, "Eve", th.began); !errors.Is(err, auth.ErrSignedOut) {
			th.Errorf("rename: %v; want the session to have ended", err)
		}
		if now := th.here(mine, th.began); !now.SignedIn() || now.Name != "Owner" {
			th.Errorf("%+v; want the person to be signed in as before", now)
		}
	})
}

func TestEndSession_NeedsThePasswordUnlessTheSignInWasJustNow(t *testing.T) {
	onEach(t, func(h *house) {
		h.owned()
		mine, other := h.signIn("ada@example.com", true, h.began), h.signIn("ada@example.com", true, h.began)
		me, them := h.here(mine, h.began), h.here(other, h.began)
		later := h.began.Add(auth.PasswordConfirmationLife)
		end := func(password string, now time.Time) error {
			return h.people.EndSession(h.Context(), me, them.Session, password, now)
		}
		h.faulty(end("", later), monitor.Invalid, "password")
		h.faulty(end("wrong", later), monitor.Invalid, "password")
		h.faulty(h.people.EndOtherSessions(h.Context(), me, "", later), monitor.Invalid, "password")
		if !h.here(other, h.began).SignedIn() {
			h.Error("a session was ended without proof")
		}
		if err := end(secret, later); err != nil || h.here(other, h.began).SignedIn() {
			h.Errorf("with the password: %v", err)
		}
		other = h.signIn("ada@example.com", true, h.began)
		if err := h.people.EndOtherSessions(h.Context(), me, "", later.Add(-time.Second)); err != nil || h.here(other, h.began).SignedIn() {
			h.Errorf("just after the sign-in: %v", err)
		}
	})
}

func TestSessions_OneTooManyEndsTheOneThatWasNotSeenForLongest(t *testing.T) {
	onEach(t, func(h *house) {
		h.owned()
		first := h.signIn("ada@example.com", true, h.began)
		me := h.here(first, h.began)
		h.update(func(tx *store.Tx) error {
			for n := range auth.MaxSessions - 1 {
				at := h.began.Add(time.Duration(n+1) * time.Second)
				s := monitor.Session{ID: "s" + at.String(), Person: me.ID, Created: at, LastSeen: at, KeepSignedIn: true}
				s.ExpiresAt = s.ExpiryFrom(at)
				if err := tx.AddSession(s, s.ID, "{}"); err != nil {
					return err
				}
			}
			return nil
		})
		if !h.here(first, h.began).SignedIn() {
			h.Fatal("the first session ended too early")
		}
		// Being here noted that it was seen, so another one is seen before all.
		h.update(func(tx *store.Tx) error {
			return tx.RecordSessionUse(monitor.Session{ID: me.Session, Person: me.ID, LastSeen: h.began, ExpiresAt: h.began.Add(time.Hour)})
		})
		last := h.signIn("ada@example.com", true, h.began.Add(time.Hour/2))
		if h.here(first, h.began).SignedIn() || !h.here(last, h.began).SignedIn() {
			h.Error("want the oldest to end and the newest to be there")
		}
		all, err := h.people.SessionsOf(h.Context(), me, h.began)
		if err != nil || len(all) != auth.MaxSessions {
			h.Errorf("%d sessions, %v", len(all), err)
		}
	})
}

func TestSignIn_IsCheckedAgainstThePasswordOfItsTurn(t *testing.T) {
	onThieves(t, func(th *thief) {
		free, err := th.people.TakePlaces(th.Context())
		if err != nil {
			th.Fatal(err)
		}
		before, done := th.people.Queued(), make(chan error)
		go func() { done <- th.try(rescued, "192.0.2.1", "", th.began) }()
		for th.people.Queued() == before {
			runtime.Gosched()
		}
		th.rescue()
		free()
		if err := <-done; err != nil {
			th.Errorf("the new password, which waited while it was set: %v", err)
		}
	})
}

func TestAcceptInvitation_FailsIfItsSenderIsDemotedMeanwhile(t *testing.T) {
	onEach(t, func(h *house) {
		h.owned()
		ada, token := h.here(h.signIn("ada@example.com", false, h.began), h.began), auth.NewInvitationToken()
		h.update(func(tx *store.Tx) error {
			_, err := tx.AddInvitation(monitor.Invitation{
				Project: h.project.Key, Email: "eve@example.com", Role: auth.Admin, InvitedByID: ada.ID, Created: h.began, ExpiresAt: h.began.Add(time.Hour),
			}, auth.HashKey(token))
			return err
		})
		h.people.HoldHashes(func() { // the invitation was found good
			h.update(func(tx *store.Tx) error { return tx.SetMember(h.project.Key, ada.ID, auth.Member, h.began) })
		})
		h.visit(nil, func(ctx context.Context) {
			h.faulty(h.people.AcceptInvitation(ctx, token, "Eve", otherSecret, auth.ClientInfo{}, h.began), monitor.NotFound, "")
		})
		h.update(func(tx *store.Tx) error {
			all, err := tx.Members(h.project.Key)
			if n, _ := tx.CountPeople(); n != 1 || len(all) != 1 {
				h.Errorf("%d people, %d members; want ada alone", n, len(all))
			}
			return err
		})
	})
}
