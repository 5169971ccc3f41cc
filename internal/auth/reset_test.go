package auth_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

const otherPassword = "another horse battery"

// resetLink returns the token of a new reset link.
func (h *fixture) resetLink(email string, now time.Time) string {
	h.Helper()
	token, _, made, err := h.people.CreateResetLink(h.Context(), email, auth.Operator(monitor.Project{}, "root"), now)
	if err != nil || !made {
		h.Fatal(made, err)
	}
	return token
}

// reset sets a password with a reset link.
func (h *fixture) reset(token, password string, now time.Time) (open bool, err error) {
	h.Helper()
	h.withRequest(nil, func(ctx context.Context) {
		open, err = h.people.Reset(ctx, token, password, auth.ClientInfo{Address: "192.0.2.9"}, now)
	})
	return open, err
}

func TestReset_ALinkSetsANewPasswordOnceAndEndsAllSessions(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		old := h.signIn("ada@example.com", true, h.began)
		token := h.resetLink(" ADA@example.com ", h.began)
		if who, open, err := h.people.ResetLinkOwner(h.Context(), token, h.began); err != nil || !open || who.Email != "ada@example.com" {
			h.Fatal(who, open, err)
		}
		_, err := h.reset(token, "short", h.began)
		h.expectFault(err, monitor.Invalid, "password")
		if open, err := h.reset(token, otherPassword, h.began); !open || err != nil {
			h.Fatal(open, err)
		}
		if h.currentPerson(old, h.began).SignedIn() {
			h.Error("a session from before is still there")
		}
		h.withRequest(nil, func(ctx context.Context) {
			if err := h.people.SignIn(ctx, "ada@example.com", currentPassword, auth.ClientInfo{}, h.began); err == nil {
				h.Error("the old password still works")
			}
			if err := h.people.SignIn(ctx, "ada@example.com", otherPassword, auth.ClientInfo{}, h.began); err != nil {
				h.Error(err)
			}
		})
		if open, err := h.reset(token, currentPassword, h.began); open || err != nil {
			h.Errorf("the link works twice: %t, %v", open, err)
		}
		var audited []monitor.AuditEntry
		h.update(func(tx *store.Tx) (err error) { audited, err = tx.RecentAuditEntries(h.project.Key, 10); return err })
		if !slices.ContainsFunc(audited, func(e monitor.AuditEntry) bool { return e.Action == "person.password" && e.Source == "192.0.2.9" }) {
			h.Errorf("audited %+v", audited)
		}
	})
}

func TestReset_ALinkExpiresAndIsReplaced(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		first := h.resetLink("ada@example.com", h.began)
		second := h.resetLink("ada@example.com", h.began)
		for token, want := range map[string]bool{first: false, second: true, second + "x": false, second[1:]: false, "": false, "x.y\x00": false} {
			if _, open, err := h.people.ResetLinkOwner(h.Context(), token, h.began.Add(auth.ResetLife-time.Second)); open != want || err != nil {
				h.Errorf("%q is open: %t, %v; want %t", token, open, err, want)
			}
		}
		if open, err := h.reset(second, otherPassword, h.began.Add(auth.ResetLife)); open || err != nil {
			h.Errorf("a link that has ended: %t, %v", open, err)
		}
	})
}

func TestAllowReset_LimitsHowManyLinksAreSent(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		if _, _, made, err := h.people.CreateResetLink(h.Context(), "ada@example.com", auth.Visitor("192.0.2.9"), h.began); !made || err != nil {
			h.Fatal(made, err)
		}
		if _, _, made, err := h.people.CreateResetLink(h.Context(), "ada@example.com", auth.Visitor("192.0.2.9"), h.began.Add(4*time.Minute)); made || err != nil {
			h.Errorf("another one after four minutes: %t, %v", made, err)
		}
		if _, _, made, err := h.people.CreateResetLink(h.Context(), "ada@example.com", auth.Visitor("192.0.2.9"), h.began.Add(6*time.Minute)); !made || err != nil {
			h.Errorf("none after six minutes: %t, %v", made, err)
		}
		if _, _, made, err := h.people.CreateResetLink(h.Context(), "bob@example.com", auth.Operator(monitor.Project{}, "root"), h.began); made || err != nil {
			h.Errorf("one for nobody: %t, %v", made, err)
		}
		for range 10 {
			if err := h.people.AllowReset("bob@example.com", "192.0.2.1", h.began); err != nil {
				h.Fatal(err)
			}
		}
		if rest, tooMany := errors.AsType[*auth.ThrottleError](h.people.AllowReset("bob@example.com", "192.0.2.1", h.began)); !tooMany || rest.Wait <= 0 {
			h.Error("the eleventh was let through")
		}
	})
}

func TestReset_ALinkEndsWhenThePasswordIsChangedOtherwise(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		c := h.signIn("ada@example.com", false, h.began)
		token := h.resetLink("ada@example.com", h.began)
		if _, err := h.changePassword(c, currentPassword, otherPassword); err != nil {
			h.Fatal(err)
		}
		if open, err := h.reset(token, currentPassword, h.began); open || err != nil {
			h.Errorf("the link from before still sets a password: %t, %v", open, err)
		}
	})
}
