package auth_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// auditActions returns the actions in the project's audit log, oldest first. Each entry
// must identify its actor.
func (h *fixture) auditActions() (actions []string) {
	h.Helper()
	h.update(func(tx *store.Tx) error {
		entries, err := tx.RecentAuditEntries(h.project.Key, 100)
		actions = nil
		for _, e := range entries {
			if e.Kind == "" || e.ActorID == "" || e.Kind != monitor.ActorCommandLine && e.Source == "" {
				h.Errorf("the entry does not identify its actor: %+v", e)
			}
			actions = append(actions, e.Action)
		}
		slices.Reverse(actions)
		return err
	})
	return actions
}

func TestPeople_EveryActionOnAnAccountIsInTheAuditLog(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		for _, step := range []struct {
			name string
			do   func()
			want []string
		}{
			{"setup", func() {}, []string{"person.setup"}},
			{"sign in", func() { h.signIn("ada@example.com", false, h.began) }, []string{"session.start"}},
			{"rename", func() {
				h.asOwner(func(ctx context.Context, who auth.Person) error { return h.people.Rename(ctx, who, "Ada L.", h.began) })
			}, []string{"session.start", "person.rename"}},
			{"the same name", func() {
				h.asOwner(func(ctx context.Context, who auth.Person) error { return h.people.Rename(ctx, who, "Ada L.", h.began) })
			}, []string{"session.start"}},
			{"end others", func() {
				h.asOwner(func(ctx context.Context, who auth.Person) error {
					return h.people.EndOtherSessions(ctx, who, currentPassword, h.began)
				})
			}, []string{"session.start", "session.end-others"}},
			{"change the password", func() {
				h.asOwner(func(ctx context.Context, who auth.Person) error {
					c := auth.PasswordChange{Old: currentPassword, New: "seven wild geese over the bay", Client: auth.ClientInfo{Address: "192.0.2.1"}, At: h.began}
					return h.people.ChangePassword(ctx, who, c)
				})
			}, []string{"session.start", "person.password", "session.start"}},
			{"a reset link", func() {
				if _, _, made, err := h.people.CreateResetLink(h.Context(), "ada@example.com", auth.Visitor("192.0.2.3"), h.began); !made || err != nil {
					h.Fatal(made, err)
				}
			}, []string{"person.reset-link"}},
		} {
			before := len(h.auditActions())
			if step.name == "setup" {
				before = 0
			}
			step.do()
			if got := h.auditActions()[before:]; !slices.Equal(got, step.want) {
				h.Errorf("%s is recorded as %v; want %v", step.name, got, step.want)
			}
		}
	})
}

// asOwner signs the owner in and calls do as the owner.
func (h *fixture) asOwner(do func(ctx context.Context, who auth.Person) error) {
	h.Helper()
	c := h.signIn("ada@example.com", false, h.began)
	h.withRequest(c, func(ctx context.Context) {
		who, err := h.people.Current(ctx, "192.0.2.1", h.began)
		if err == nil {
			err = do(ctx, who)
		}
		if err != nil {
			h.Fatal(err)
		}
	})
}

func TestSignOut_IsInTheAuditLog(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		h.asOwner(func(ctx context.Context, _ auth.Person) error { return h.people.SignOut(ctx, "192.0.2.1", h.began) })
		if got, want := h.auditActions(), []string{"person.setup", "session.start", "session.end"}; !slices.Equal(got, want) {
			h.Errorf("recorded %v; want %v", got, want)
		}
	})
}

func TestSignIn_IsLoggedWithTheAccountAndNeverWithWhatWasTyped(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		var log bytes.Buffer
		h.people.Log = slog.New(slog.NewTextHandler(&log, nil))
		try := func(email, password string) {
			h.withRequest(nil, func(ctx context.Context) {
				_ = h.people.SignIn(ctx, email, password, auth.ClientInfo{Address: "192.0.2.1", UserAgent: "curl"}, h.began.Add(time.Second))
			})
		}
		try("ada@example.com", currentPassword)
		try("ada@example.com", "typed wrong password")
		try("typed-address@example.com", "typed wrong password")
		var ada monitor.Person
		h.update(func(tx *store.Tx) (err error) { ada, _, _, err = tx.PersonByEmail("ada@example.com"); return err })
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		for n, want := range []string{`msg="signed in"`, `msg="sign-in rejected"`, `msg="sign-in rejected"`} {
			if n >= len(lines) || !strings.Contains(lines[n], want) || !strings.Contains(lines[n], "client=192.0.2.1") {
				h.Fatalf("line %d of the log is not %s with the client:\n%s", n+1, want, &log)
			}
		}
		if !strings.Contains(lines[0], ada.ID) || !strings.Contains(lines[1], ada.ID) || !strings.Contains(lines[2], "email_sha256=") {
			h.Errorf("the log does not say which account:\n%s", &log)
		}
		for _, typed := range []string{"ada@example.com", "typed", currentPassword} {
			if strings.Contains(log.String(), typed) {
				h.Errorf("the log holds %q", typed)
			}
		}
	})
}
