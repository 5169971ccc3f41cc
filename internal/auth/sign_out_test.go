package auth_test

import (
	"testing"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

func TestSignOutEverywhere_EndsEverySessionAndRecordsTheActor(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		one, other := h.signIn("ada@example.com", false, h.began), h.signIn("ada@example.com", true, h.began)
		n, found, err := h.people.SignOutEverywhere(h.Context(), " ADA@example.com", auth.Operator(monitor.Project{}, "root"), h.began)
		if n != 2 || !found || err != nil {
			h.Errorf("%d sessions, %t, %v; want 2", n, found, err)
		}
		if h.currentPerson(one, h.began).SignedIn() || h.currentPerson(other, h.began).SignedIn() {
			h.Error("a session is still valid")
		}
		if _, found, err := h.people.SignOutEverywhere(h.Context(), "eve@example.com", auth.Operator(monitor.Project{}, "root"), h.began); found || err != nil {
			h.Errorf("an address without an account: %t, %v", found, err)
		}
		var newest []monitor.AuditEntry
		h.update(func(tx *store.Tx) (err error) { newest, err = tx.RecentAuditEntries(h.project.Key, 1); return err })
		if len(newest) != 1 || newest[0].Action != "session.end-all" || newest[0].Kind != monitor.ActorCommandLine || newest[0].ActorID != "root" {
			h.Errorf("recorded %+v", newest)
		}
	})
}
