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

// The password that the person sets with the link, and the one that the attacker tries
// to set.
const (
	newPassword      = "a brand new horse battery"
	attackerPassword = "the attacker was here before"
)

// attacker knows the old password and has a session on one node. The person uses
// another node, so the two requests can overlap while a password is hashed.
type attacker struct {
	*fixture
	person  *auth.People
	cookie  *http.Cookie
	session *http.Cookie // of the attacker's action, if it signed in
}

// onEachWithAttacker runs a test with an attacker on every database.
func onEachWithAttacker(t *testing.T, test func(th *attacker)) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		test(&attacker{fixture: h, person: authtest.NewPeople(h.db), cookie: h.signIn("ada@example.com", true, h.began)})
	})
}

// resetPassword replaces the password with a reset link.
func (th *attacker) resetPassword() {
	th.Helper()
	token := th.resetLink("ada@example.com", th.began)
	th.withRequest(nil, func(ctx context.Context) {
		if open, err := th.person.Reset(ctx, token, newPassword, auth.ClientInfo{Address: "192.0.2.9"}, th.began); !open || err != nil {
			th.Errorf("reset: %t, %v", open, err)
		}
	})
}

// actions returns the requests of the attacker that can be in progress.
func (th *attacker) actions(token string) map[string]func() error {
	who := th.currentPerson(th.cookie, th.began)
	in := func(c *http.Cookie, fn func(ctx context.Context) error) (err error) {
		th.session = th.withRequest(c, func(ctx context.Context) { err = fn(ctx) })
		return err
	}
	return map[string]func() error{
		"sign-in": func() error {
			return in(nil, func(ctx context.Context) error {
				return th.people.SignIn(ctx, "ada@example.com", currentPassword, auth.ClientInfo{}, th.began)
			})
		},
		"change of password": func() error {
			return in(th.cookie, func(ctx context.Context) error {
				return th.people.ChangePassword(ctx, who, auth.PasswordChange{Old: currentPassword, New: attackerPassword, At: th.began})
			})
		},
		"joining": func() error {
			return in(nil, func(ctx context.Context) error {
				return th.people.AcceptInvitation(ctx, token, "", currentPassword, auth.ClientInfo{}, th.began)
			})
		},
		"ending sessions": func() error {
			return in(th.cookie, func(ctx context.Context) error {
				return th.people.EndOtherSessions(ctx, who, currentPassword, th.began)
			})
		},
	}
}

// expectRejected fails the test unless the action failed and the new password is valid.
func (th *attacker) expectRejected(action string, err error) {
	th.Helper()
	if err == nil {
		th.Errorf("%s: succeeded with a password that was replaced", action)
	}
	if th.currentPerson(th.cookie, th.began).SignedIn() || th.session != nil && th.currentPerson(th.session, th.began).SignedIn() {
		th.Errorf("%s: the attacker is signed in", action)
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
		th.Errorf("%s: %d sessions in %d projects; want only that of the person, in one project", action, len(sessions), len(members))
	}
	for password, want := range map[string]bool{newPassword: true, currentPassword: false, attackerPassword: false} {
		th.withRequest(nil, func(ctx context.Context) {
			if err := th.person.SignIn(ctx, "ada@example.com", password, auth.ClientInfo{}, th.began); (err == nil) != want {
				th.Errorf("%s: sign-in with %q: %v", action, password, err)
			}
		})
	}
}

// inviteToOtherProject invites ada to another project.
func (h *fixture) inviteToOtherProject() (token string) {
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

// actionNames are the names of the actions. Each one needs a new fixture.
var actionNames = []string{"sign-in", "change of password", "joining", "ending sessions"}

func TestPeople_APasswordThatIsReplacedWhileItIsCheckedCannotAct(t *testing.T) {
	for _, deed := range actionNames {
		t.Run(deed, func(t *testing.T) {
			onEachWithAttacker(t, func(th *attacker) {
				act := th.actions(th.inviteToOtherProject())[deed]
				once := false
				th.people.HoldChecks(func() { // the hash was read, but not compared yet
					if !once {
						once = true
						th.resetPassword()
					}
				})
				th.expectRejected(deed, act())
			})
		})
	}
}

func TestPeople_APasswordThatIsReplacedWhileItsCheckWaitsCannotAct(t *testing.T) {
	for _, deed := range actionNames {
		t.Run(deed, func(t *testing.T) {
			onEachWithAttacker(t, func(th *attacker) {
				act := th.actions(th.inviteToOtherProject())[deed]
				free, err := th.people.FillHasher(th.Context())
				if err != nil {
					th.Fatal(err)
				}
				before, done := th.people.Queued(), make(chan error)
				go func() { done <- act() }()
				for th.people.Queued() == before {
					runtime.Gosched()
				}
				th.resetPassword()
				free()
				th.expectRejected(deed, <-done)
			})
		})
	}
}

func TestPeople_APasswordThatIsReplacedFirstCannotAct(t *testing.T) {
	for _, deed := range actionNames {
		t.Run(deed, func(t *testing.T) {
			onEachWithAttacker(t, func(th *attacker) {
				act := th.actions(th.inviteToOtherProject())[deed]
				th.resetPassword()
				th.expectRejected(deed, act())
			})
		})
	}
}

func TestChangePassword_IsUndoneByAResetThatComesWhileTheNewOneIsHashed(t *testing.T) {
	onEachWithAttacker(t, func(th *attacker) {
		act, once := th.actions("")["change of password"], false
		th.people.HoldHashes(func() { // the old password was accepted
			if !once {
				once = true
				th.resetPassword()
			}
		})
		th.expectRejected("change of password", act())
	})
}

func TestReset_ALinkThatAChangeOfPasswordEndedSetsNothing(t *testing.T) {
	onEachWithAttacker(t, func(th *attacker) {
		token, once := th.resetLink("ada@example.com", th.began), false
		who := th.currentPerson(th.cookie, th.began)
		th.people.HoldHashes(func() { // the link was accepted
			if once {
				return
			}
			once = true
			th.withRequest(th.cookie, func(ctx context.Context) {
				if err := th.person.ChangePassword(ctx, who, auth.PasswordChange{Old: currentPassword, New: newPassword, At: th.began}); err != nil {
					th.Error(err)
				}
			})
		})
		if open, err := th.reset(token, attackerPassword, th.began); open || err != nil {
			th.Errorf("the link sets a password: %t, %v", open, err)
		}
		th.expectRejected("reset", errors.New("it was closed"))
	})
}

func TestPeople_ASessionThatWasEndedMeanwhileCannotAct(t *testing.T) {
	onEachWithAttacker(t, func(th *attacker) {
		deeds := th.actions("")
		mine := th.signIn("ada@example.com", true, th.began)
		me, who := th.currentPerson(mine, th.began), th.currentPerson(th.cookie, th.began)
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
		if now := th.currentPerson(mine, th.began); !now.SignedIn() || now.Name != "Owner" {
			th.Errorf("%+v; want the person to be signed in as before", now)
		}
	})
}

func TestEndSession_NeedsThePasswordUnlessTheSignInWasJustNow(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		mine, other := h.signIn("ada@example.com", true, h.began), h.signIn("ada@example.com", true, h.began)
		me, them := h.currentPerson(mine, h.began), h.currentPerson(other, h.began)
		later := h.began.Add(auth.PasswordConfirmationLife)
		end := func(password string, now time.Time) error {
			return h.people.EndSession(h.Context(), me, them.Session, password, now)
		}
		h.expectFault(end("", later), monitor.Invalid, "password")
		h.expectFault(end("wrong", later), monitor.Invalid, "password")
		h.expectFault(h.people.EndOtherSessions(h.Context(), me, "", later), monitor.Invalid, "password")
		if !h.currentPerson(other, h.began).SignedIn() {
			h.Error("a session was ended without proof")
		}
		if err := end(currentPassword, later); err != nil || h.currentPerson(other, h.began).SignedIn() {
			h.Errorf("with the password: %v", err)
		}
		other = h.signIn("ada@example.com", true, h.began)
		if err := h.people.EndOtherSessions(h.Context(), me, "", later.Add(-time.Second)); err != nil || h.currentPerson(other, h.began).SignedIn() {
			h.Errorf("just after the sign-in: %v", err)
		}
	})
}

func TestSessions_OneTooManyEndsTheOneThatWasNotSeenForLongest(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		first := h.signIn("ada@example.com", true, h.began)
		me := h.currentPerson(first, h.began)
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
		if !h.currentPerson(first, h.began).SignedIn() {
			h.Fatal("the first session ended too early")
		}
		// currentPerson recorded a use of the first session: make it the least recently used again.
		h.update(func(tx *store.Tx) error {
			return tx.RecordSessionUse(monitor.Session{ID: me.Session, Person: me.ID, LastSeen: h.began, ExpiresAt: h.began.Add(time.Hour)})
		})
		last := h.signIn("ada@example.com", true, h.began.Add(time.Hour/2))
		if h.currentPerson(first, h.began).SignedIn() || !h.currentPerson(last, h.began).SignedIn() {
			h.Error("want the oldest to end and the newest to be there")
		}
		all, err := h.people.SessionsOf(h.Context(), me, h.began)
		if err != nil || len(all) != auth.MaxSessions {
			h.Errorf("%d sessions, %v", len(all), err)
		}
	})
}

func TestSignIn_IsCheckedAgainstThePasswordOfItsTurn(t *testing.T) {
	onEachWithAttacker(t, func(th *attacker) {
		free, err := th.people.FillHasher(th.Context())
		if err != nil {
			th.Fatal(err)
		}
		before, done := th.people.Queued(), make(chan error)
		go func() { done <- th.trySignIn(newPassword, "192.0.2.1", "", th.began) }()
		for th.people.Queued() == before {
			runtime.Gosched()
		}
		th.resetPassword()
		free()
		if err := <-done; err != nil {
			th.Errorf("the new password, which waited while it was set: %v", err)
		}
	})
}

func TestAcceptInvitation_FailsIfItsSenderIsDemotedMeanwhile(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		ada, token := h.currentPerson(h.signIn("ada@example.com", false, h.began), h.began), auth.NewInvitationToken()
		h.update(func(tx *store.Tx) error {
			_, err := tx.AddInvitation(monitor.Invitation{
				Project: h.project.Key, Email: "eve@example.com", Role: auth.Admin, InvitedByID: ada.ID, Created: h.began, ExpiresAt: h.began.Add(time.Hour),
			}, auth.HashKey(token))
			return err
		})
		h.people.HoldHashes(func() { // the invitation was accepted
			h.update(func(tx *store.Tx) error { return tx.SetMember(h.project.Key, ada.ID, auth.Member, h.began) })
		})
		h.withRequest(nil, func(ctx context.Context) {
			h.expectFault(h.people.AcceptInvitation(ctx, token, "Eve", otherPassword, auth.ClientInfo{}, h.began), monitor.NotFound, "")
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
