package store_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// TestTx_FrequentQueriesScanNoWholeTable reads SQLite's query plans of the
// statements that run for every ping, sweep and delivery.
func TestTx_FrequentQueriesScanNoWholeTable(t *testing.T) {
	w := &fixture{T: t, db: openStore(t, filepath.Join(t.TempDir(), "overdue.db")), start: realTimeStart}
	w.project = w.addProject("main")
	ops := w.addChannel(w.newChannel("ops"))
	h := w.newSavedHeartbeat("backup")
	i := w.fail(h, 0)
	a := w.deliveries(i.ID)[0].Alert
	large := []string{"heartbeats", "h", "pings", "p", "ping_blocks", "b", "alerts", "a", "d", "e", "timeline", "threads", "incidents", "i", "attempts", "t", "slots", "s", "x", "m"}
	for name, ask := range map[string]func(tx *store.Tx) error{
		"Pinged":         func(tx *store.Tx) error { _, err := tx.HeartbeatsForPings([]string{h.ID}); return err },
		"Lapsing":        func(tx *store.Tx) error { _, err := tx.DueForEvaluation(w.start, 10); return err },
		"DueKeys":        func(tx *store.Tx) error { _, err := tx.DueKeys(w.start, 10); return err },
		"DueAmong":       func(tx *store.Tx) error { _, err := tx.DueAmong(w.start, []int64{h.Key}, nil); return err },
		"NextLapse":      func(tx *store.Tx) error { _, err := tx.NextDue(); return err },
		"Owing":          func(tx *store.Tx) error { _, err := tx.PendingByChannel(w.start); return err },
		"Claim":          func(tx *store.Tx) error { _, err := tx.Claim(ops.ID, "a", w.start, w.start, 10); return err },
		"Later":          func(tx *store.Tx) error { a.Attempts = 1; return tx.Reschedule(a, w.start, w.start) },
		"Follow":         func(tx *store.Tx) error { return tx.ReleaseNext(a, w.start) },
		"Sent":           func(tx *store.Tx) error { _, err := tx.MarkSent(a.ID); return err },
		"Reminders":      func(tx *store.Tx) error { _, err := tx.CountReminders(i.ID, ops.ID); return err },
		"Acknowledge":    func(tx *store.Tx) error { _, err := tx.AcknowledgeIncident(i, "Ann", w.start); return err },
		"Heartbeat":      func(tx *store.Tx) error { _, err := tx.Heartbeat(h.Project, h.ID); return err },
		"HeartbeatByKey": func(tx *store.Tx) error { _, err := tx.HeartbeatByKey(h.Key); return err },
		"HeartbeatWithSlug": func(tx *store.Tx) error {
			_, err := tx.HeartbeatWithSlug(h.Project, h.Slug)
			return err
		},
		"HeartbeatBySlug": func(tx *store.Tx) error {
			_, _, err := tx.LockHeartbeatBySlug(h.Project, h.Slug)
			return err
		},
		"Pings":           func(tx *store.Tx) error { _, err := tx.Pings(h.Key, 0, 10); return err },
		"Ping":            func(tx *store.Tx) error { _, err := tx.Ping(h.Key, 1); return err },
		"RecentPings":     func(tx *store.Tx) error { _, err := tx.RecentPings([]int64{h.Key}, 10); return err },
		"CountPingsSince": func(tx *store.Tx) error { _, err := tx.CountPingsSince(h.Key, w.start); return err },
		"Slots": func(tx *store.Tx) error {
			_, err := tx.RunHistory(store.RunHistoryFilter{Heartbeat: h.Key, Limit: 10})
			return err
		},
		"RecentSlots": func(tx *store.Tx) error { _, err := tx.RecentRunHistory([]int64{h.Key}, 30); return err },
		"Uptime":      func(tx *store.Tx) error { _, err := tx.Uptime(h.Key, w.start); return err },
		"Incidents": func(tx *store.Tx) error {
			_, err := tx.Incidents(store.IncidentFilter{Project: 1, Limit: 10})
			return err
		},
		"Incidents of one": func(tx *store.Tx) error {
			_, err := tx.Incidents(store.IncidentFilter{Project: 1, Heartbeat: h.Key, Limit: 10})
			return err
		},
		"BlackoutNotices": func(tx *store.Tx) error { _, err := tx.BlackoutNotices(1, []int64{1}); return err },
		"Blackouts of one": func(tx *store.Tx) error {
			_, err := tx.BlackoutsOfHeartbeat(h.Key, w.start, 10)
			return err
		},
		"NotifiedIncidents": func(tx *store.Tx) error { _, err := tx.NotifiedIncidents(ops, w.start); return err },
		"GroupIncidents":    func(tx *store.Tx) error { _, err := tx.GroupIncidents(h.Project, w.start); return err },
		"AcknowledgeMembers": func(tx *store.Tx) error {
			if err := tx.AcknowledgeGroup(monitor.IncidentGroup{Project: h.Project, Number: i.Number}, "Ann", w.start); err != nil {
				return err
			}
			_, err := tx.AcknowledgeMembers(h.Project, i.Number, w.start)
			return err
		},
		"CountGroups": func(tx *store.Tx) error { _, err := tx.CountGroups(h.Project, []int64{1}); return err },
		"Group and its alerts": func(tx *store.Tx) error {
			_, err := tx.GroupAlertsByChannel(monitor.IncidentGroup{Project: h.Project, Number: i.Number}, w.start)
			return err
		},
		"Incidents of a group": func(tx *store.Tx) error {
			_, err := tx.Incidents(store.IncidentFilter{Project: 1, Group: 1, Limit: 10})
			return err
		},
		"Timeline":   func(tx *store.Tx) error { _, err := tx.Timeline(i); return err },
		"Deliveries": func(tx *store.Tx) error { _, err := tx.Deliveries(i.ID); return err },
		"Key":        func(tx *store.Tx) error { _, _, err := tx.APIKeyByHash("hash"); return err },
	} {
		w.expectIndexed(name, large, ask)
	}
	w.expectIndexed("a full history", []string{"pings", "ping_blocks"}, func(tx *store.Tx) error {
		h := w.reload(h)
		h.PingCount = 1999
		h, change := h.ApplyPing(w.ping(monitor.PingLog, 0), w.start)
		_, err := tx.Save(w.start, []store.Transition{{Heartbeat: h, Change: change}})
		return err
	})
}

// A list of due heartbeats must not read their rows, and a transaction of a backlog only those of
// its heartbeats: other due heartbeats are as many again for each of many transactions.
func TestDueAmong_ReadsNoOtherDueHeartbeats(t *testing.T) {
	w := &fixture{T: t, db: openStore(t, filepath.Join(t.TempDir(), "overdue.db")), start: realTimeStart}
	for want, ask := range map[string]func(tx *store.Tx) error{
		"SEARCH h USING COVERING INDEX heartbeats_next (next_at<?)": func(tx *store.Tx) error { _, err := tx.DueKeys(w.start, 10); return err },
		"SEARCH h USING INTEGER PRIMARY KEY (rowid=?)":              func(tx *store.Tx) error { _, err := tx.DueAmong(w.start, []int64{1, 2}, nil); return err },
	} {
		plans, err := store.QueryPlans(w.db, ask)
		if err != nil {
			t.Fatal(err)
		}
		if len(plans) != 1 || !strings.Contains(plans[0], "\n"+want) {
			t.Errorf("plan %q; want %s", plans, want)
		}
	}
}

// The pages of a heartbeat with many incidents must not sort all of them.
func TestIncidents_OfAHeartbeatAreReadInTheOrderOfTheIndex(t *testing.T) {
	w := &fixture{T: t, db: openStore(t, filepath.Join(t.TempDir(), "overdue.db")), start: realTimeStart}
	list := func(f store.IncidentFilter) func(tx *store.Tx) error {
		f.Project, f.Heartbeat, f.Limit = 1, 1, 10
		return func(tx *store.Tx) error { _, err := tx.Incidents(f); return err }
	}
	for want, ask := range map[string]func(tx *store.Tx) error{
		"(heartbeat=?)":              list(store.IncidentFilter{}),
		"(heartbeat=? AND <expr><?)": list(store.IncidentFilter{From: 5}),
		"(heartbeat=? AND <expr>>?)": list(store.IncidentFilter{From: 5, Backwards: true}),
		"": func(tx *store.Tx) error {
			_, _, err := tx.AdjacentIncidents(monitor.Incident{Heartbeat: 1, Number: 5})
			return err
		},
	} {
		plans, err := store.QueryPlans(w.db, ask)
		if err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(plans, "\n")
		if !strings.Contains(plan, "SEARCH i USING INDEX incidents_heartbeat "+want) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("want a search %q in the order of incidents_heartbeat:\n%s", want, plan)
		}
	}
}

// An event stream names the rows of its page by their refs. Other heartbeats of the project must not be read.
func TestHeartbeatKeys_SearchesByRef(t *testing.T) {
	w := &fixture{T: t, db: openStore(t, filepath.Join(t.TempDir(), "overdue.db")), start: realTimeStart}
	w.project = w.addProject("main")
	plans, err := store.QueryPlans(w.db, func(tx *store.Tx) error {
		_, err := tx.HeartbeatKeys(w.project.Key, []string{"ref"})
		return err
	})
	if err != nil || len(plans) != 1 || !strings.Contains(plans[0], "(ref=?)") {
		t.Errorf("plan %q: %v; want a search by ref", plans, err)
	}
}

// expectIndexed fails the test if ask scans one of the tables, or if it uses none of them.
func (w *fixture) expectIndexed(name string, tables []string, ask func(tx *store.Tx) error) {
	w.Helper()
	plans, err := store.QueryPlans(w.db, ask)
	if err != nil {
		w.Fatalf("%s: %v", name, err)
	}
	if !strings.Contains(strings.Join(plans, ""), "SEARCH") {
		w.Errorf("%s searched no table, so the test is not meaningful:\n%s", name, strings.Join(plans, "\n"))
	}
	for _, plan := range plans {
		for _, table := range tables {
			if strings.Contains(plan+"\n", "\nSCAN "+table+"\n") || strings.Contains(plan, "\nSCAN "+table+" USING") {
				w.Errorf("%s reads all of %s:\n%s", name, table, plan)
			}
		}
	}
}

// SQLite compiles a prepared statement again when the value of a plain LIMIT parameter changes,
// which takes several times as long as a claim.
func TestHotStatements_HaveNoPlainParameterAsLimit(t *testing.T) {
	db := openStore(t, filepath.Join(t.TempDir(), "overdue.db"))
	for _, text := range store.HotStatements(db) {
		if regexp.MustCompile(`LIMIT [$?]`).MatchString(text) {
			t.Errorf("the limit is a plain parameter: %s", text)
		}
	}
}
