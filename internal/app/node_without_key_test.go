package app

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/seal"
	"overdue/internal/store"
)

// TestPing_ANodeWithoutTheKeyStoresPingsAndOpensIncidents: whatever becomes of the
// key while nodes run, no miss stays unnoticed. Alerts wait for a node that has it.
func TestPing_ANodeWithoutTheKeyStoresPingsAndOpensIncidents(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.addHeartbeat("backup", monitor.Rule{Interval: time.Hour, Grace: time.Minute})
		key, err := seal.ParseKey(seal.GenerateKey())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sim.db.UseSecretKey(context.Background(), key); err != nil {
			t.Fatal(err)
		}
		keyless := sim.startNode()
		sim.mustPing(keyless, "backup", "/fail")
		synctest.Wait()
		if open := sim.incidents(); len(open) != 1 || len(sim.receiver.events()) != 0 {
			t.Fatalf("incidents %v, alerts %v; want one incident and no alert", open, sim.receiver.events())
		}
		sim.stopNode(keyless)
		open := sim.openDB
		sim.openDB = func() *store.DB {
			db := open()
			db.LoadSecretKey(key)
			return db
		}
		sim.startNode()
		time.Sleep(2 * time.Minute)
		sim.expectEvents("opened")
	})
}
