package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// invite adds an invitation for an hour.
func (w *fixture) invite(email, hash string, d time.Duration) monitor.Invitation {
	w.Helper()
	return updateValue(w, func(tx *store.Tx) (monitor.Invitation, error) {
		return tx.AddInvitation(monitor.Invitation{
			Project: w.project.Key, Email: email, Role: monitor.Admin, InvitedBy: "Ada", InvitedByID: "ada", Created: w.at(d), ExpiresAt: w.at(d + time.Hour),
		}, hash)
	})
}

// findInvitation returns the invitation with a hash at a moment.
func (w *fixture) findInvitation(hash string, d time.Duration) lookup[monitor.Invitation] {
	w.Helper()
	return lookUp(w, func(tx *store.Tx) (monitor.Invitation, bool, error) { return tx.Invitation(hash, w.at(d)) })
}

func TestUseInvitation_WorksOnceUntilTheInvitationExpires(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		i := w.invite("bob@example.com", "h1", 0)
		if got := w.findInvitation("h1", time.Hour-1000); !got.Found || cmp.Diff(i, got.Value) != "" {
			w.Errorf("found %t: %s", got.Found, cmp.Diff(i, got.Value))
		}
		if w.findInvitation("h1", time.Hour).Found || w.findInvitation("other", 0).Found {
			w.Error("found what ended or never was")
		}
		for n, want := range []bool{true, false} {
			if used := updateValue(w, func(tx *store.Tx) (bool, error) { return tx.UseInvitation(i.ID) }); used != want {
				w.Errorf("use %d: %t; want %t", n+1, used, want)
			}
		}
		if w.findInvitation("h1", 0).Found {
			w.Error("found after its use")
		}
	})
}

func TestAddInvitation_ReplacesTheEarlierOneOfTheAddress(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.invite("Bob@Example.com", "h1", 0)
		w.invite("bob@example.COM", "h2", time.Minute)
		w.invite("eve@example.com", "h3", time.Minute)
		if w.findInvitation("h1", time.Minute).Found || !w.findInvitation("h2", time.Minute).Found {
			w.Error("the first must have ended, and the second not")
		}
		list := func(d time.Duration) int {
			return len(view(w, func(tx *store.Tx) ([]monitor.Invitation, error) { return tx.Invitations(w.project.Key, w.at(d)) }))
		}
		if now, later := list(time.Minute), list(2*time.Hour); now != 2 || later != 0 {
			w.Errorf("%d invitations now and %d after all ended; want 2 and 0", now, later)
		}
		w.update(func(tx *store.Tx) error { return tx.DeleteInvitationsBy(w.project.Key, "ada") })
		if n := list(time.Minute); n != 0 {
			w.Errorf("%d are left after those of ada ended", n)
		}
	})
}
