package store_test

import (
	"testing"
	"time"

	"overdue/internal/store"
)

func TestRenewClaim_ExtendsOnlyTheClaimsOfTheNode(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		w.fail(w.newSavedHeartbeat("backup"), time.Minute)
		claimed := w.claimAlerts(ops, "a", time.Minute, 3*time.Minute, 10)
		if len(claimed) != 1 {
			w.Fatalf("claimed %d; want 1", len(claimed))
		}
		alert := claimed[0].ID
		w.update(func(tx *store.Tx) error { return tx.RenewClaim(alert, "b", w.at(time.Hour)) })
		w.update(func(tx *store.Tx) error { return tx.RenewClaim(alert, "a", w.at(5*time.Minute)) })
		if early := w.claimAlerts(ops, "b", 5*time.Minute-time.Microsecond, time.Hour, 10); early != nil {
			w.Errorf("another node claimed %v during the renewed lease", eventsOf(early))
		}
		late := w.claimAlerts(ops, "b", 5*time.Minute, 7*time.Minute, 10)
		if len(late) != 1 {
			w.Fatalf("after the lease another node claimed %d; want 1", len(late))
		}
		w.update(func(tx *store.Tx) error { return tx.RenewClaim(alert, "a", w.at(time.Hour)) })
		if again := w.claimAlerts(ops, "c", 7*time.Minute, time.Hour, 10); len(again) != 1 {
			w.Errorf("the first node held on to a claim that it had lost")
		}
	})
}
