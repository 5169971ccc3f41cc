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
	simulate(t, func(w *world) {
		w.heartbeat("backup", monitor.Rule{Interval: time.Hour, Grace: time.Minute})
		key, err := seal.ParseKey(seal.GenerateKey())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.db.UseSecretKey(context.Background(), key); err != nil {
			t.Fatal(err)
		}
		keyless := w.node()
		w.hear(keyless, "backup", "/fail")
		synctest.Wait()
		if open := w.incidents(); len(open) != 1 || len(w.provider.events()) != 0 {
			t.Fatalf("incidents %v, told %v", open, w.provider.events())
		}
		w.stop(keyless)
		open := w.open
		w.open = func() *store.DB {
			db := open()
			db.LoadSecretKey(key)
			return db
		}
		w.node()
		time.Sleep(2 * time.Minute)
		w.expect("opened")
	})
}
