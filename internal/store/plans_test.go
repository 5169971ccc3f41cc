package store_test

import (
	"path/filepath"
	"strings"
	"testing"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// TestWhatRunsAllTheTimeReadsNoWholeTable asks SQLite how it carries out what
// the engine asks for with every ping, sweep and delivery.
func TestWhatRunsAllTheTimeReadsNoWholeTable(t *testing.T) {
	w := &world{T: t, db: opened(t, filepath.Join(t.TempDir(), "overdue.db")), start: someDay}
	w.project = w.addProject("main")
	ops := w.channel(w.newChannel("ops"))
	h := w.heartbeat("backup")
	i := w.down(h, 0)
	a := w.deliveries(i.ID)[0].Alert
	large := []string{"heartbeats", "h", "pings", "p", "alerts", "a", "d", "e", "timeline", "incidents", "i", "attempts", "t", "slots", "s", "x"}
	for name, ask := range map[string]func(tx *store.Tx) error{
		"Pinged":         func(tx *store.Tx) error { _, err := tx.Pinged([]string{h.ID}); return err },
		"Lapsing":        func(tx *store.Tx) error { _, err := tx.Lapsing(w.start, 10); return err },
		"NextLapse":      func(tx *store.Tx) error { _, err := tx.NextLapse(); return err },
		"Owing":          func(tx *store.Tx) error { _, err := tx.Owing(); return err },
		"Claim":          func(tx *store.Tx) error { _, err := tx.Claim(ops.ID, "a", w.start, w.start, 10); return err },
		"Later":          func(tx *store.Tx) error { a.Attempts = 1; return tx.Later(a, w.start, w.start) },
		"Follow":         func(tx *store.Tx) error { return tx.Follow(a, w.start) },
		"Sent":           func(tx *store.Tx) error { _, err := tx.Sent(a.ID); return err },
		"Reminders":      func(tx *store.Tx) error { _, err := tx.Reminders(i.ID, ops.ID); return err },
		"Acknowledge":    func(tx *store.Tx) error { _, err := tx.Acknowledge(i, "Ann", w.start); return err },
		"Heartbeat":      func(tx *store.Tx) error { _, err := tx.Heartbeat(h.Project, h.ID); return err },
		"HeartbeatByKey": func(tx *store.Tx) error { _, err := tx.HeartbeatByKey(h.Key); return err },
		"HeartbeatWithSlug": func(tx *store.Tx) error {
			_, err := tx.HeartbeatWithSlug(h.Project, h.Slug)
			return err
		},
		"HeartbeatBySlug": func(tx *store.Tx) error {
			_, _, err := tx.HeartbeatBySlug(h.Project, h.Slug)
			return err
		},
		"Pings": func(tx *store.Tx) error { _, err := tx.Pings(h.Key, 0, 10); return err },
		"Slots": func(tx *store.Tx) error {
			_, err := tx.Slots(store.SlotFilter{Heartbeat: h.Key, Limit: 10})
			return err
		},
		"RecentSlots": func(tx *store.Tx) error { _, err := tx.RecentSlots([]int64{h.Key}, 30); return err },
		"Uptime":      func(tx *store.Tx) error { _, err := tx.Uptime(h.Key, w.start); return err },
		"Incidents": func(tx *store.Tx) error {
			_, err := tx.Incidents(store.IncidentFilter{Project: 1, Limit: 10})
			return err
		},
		"Incidents of one": func(tx *store.Tx) error {
			_, err := tx.Incidents(store.IncidentFilter{Project: 1, Heartbeat: h.Key, Limit: 10})
			return err
		},
		"Timeline":   func(tx *store.Tx) error { _, err := tx.Timeline(i); return err },
		"Deliveries": func(tx *store.Tx) error { _, err := tx.Deliveries(i.ID); return err },
		"Key":        func(tx *store.Tx) error { _, _, err := tx.Key("hash"); return err },
	} {
		w.reads(name, large, ask)
	}
	// Once a day each heartbeat is looked at, but not each of its pings.
	w.reads("Forget", []string{"pings", "slots", "p"}, func(tx *store.Tx) error { _, err := tx.Forget(w.start, 10); return err })
	w.reads("a full history", []string{"pings"}, func(tx *store.Tx) error {
		h := w.now(h)
		h.Pings = 1999
		h, change := h.Hear(w.ping(monitor.Log, 0), w.start)
		_, err := tx.Save(w.start, []store.Judgement{{Heartbeat: h, Change: change}})
		return err
	})
}

// reads fails the test when ask has SQLite read one of the tables from end to
// end, or when nothing was asked that could.
func (w *world) reads(name string, tables []string, ask func(tx *store.Tx) error) {
	w.Helper()
	plans, err := store.Plans(w.db, ask)
	if err != nil {
		w.Fatalf("%s: %v", name, err)
	}
	if !strings.Contains(strings.Join(plans, ""), "SEARCH") {
		w.Errorf("%s searched nothing, so that this tells nothing:\n%s", name, strings.Join(plans, "\n"))
	}
	for _, plan := range plans {
		for _, table := range tables {
			if strings.Contains(plan+"\n", "\nSCAN "+table+"\n") || strings.Contains(plan, "\nSCAN "+table+" USING") {
				w.Errorf("%s reads all of %s:\n%s", name, table, plan)
			}
		}
	}
}
