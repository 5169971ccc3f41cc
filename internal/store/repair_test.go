package store_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// breakRows runs statements without foreign keys.
func (w *fixture) breakRows(statements ...string) {
	w.Helper()
	if !store.OnSQLite(w.db) {
		all := "SET session_replication_role = replica; " + strings.Join(statements, "; ") + "; SET session_replication_role = DEFAULT"
		if err := store.ExecPostgres(w.db, all); err != nil {
			w.Fatal(err)
		}
		return
	}
	for _, text := range append(append([]string{"PRAGMA foreign_keys = 0"}, statements...), "PRAGMA foreign_keys = 1") {
		if _, err := store.QueryWriter(w.db, text); err != nil {
			w.Fatalf("%s: %v", text, err)
		}
	}
}

// problems lists the problems of the database as name and count.
func (w *fixture) problems() string {
	w.Helper()
	found, err := w.db.CheckIntegrity(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	var all []string
	for _, p := range found {
		all = append(all, fmt.Sprintf("%s %d", p.Name, p.Count))
	}
	return strings.Join(all, ", ")
}

// repair repairs all problems once.
func (w *fixture) repair(d time.Duration) {
	w.Helper()
	found, err := w.db.CheckIntegrity(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	for _, p := range found {
		left, err := w.db.Repair(context.Background(), p, w.at(d), func(*store.Tx) error { return nil })
		if err != nil || left != 0 || !p.Repairable || p.Repair == "" {
			w.Errorf("%s: %d left, %v", p, left, err)
		}
	}
}

// brokenFixture has a heartbeat with a resolved incident, another that is Down with an
// open one, and a third that is Up, all with pings, runs, alerts and attempts.
type brokenFixture struct {
	*fixture
	resolved, down, up monitor.Heartbeat
	open               monitor.Incident
}

func newBrokenFixture(w *fixture) brokenFixture {
	b := brokenFixture{fixture: w}
	c := w.addChannel(w.newChannel("ops"))
	b.resolved, b.down, b.up = w.newSavedHeartbeat("resolved"), w.newSavedHeartbeat("down"), w.newSavedHeartbeat("up")
	w.addIncident(b.resolved, c, 0, false)
	b.open = w.addIncident(b.down, c, 0, true)
	w.applyPings(b.up, w.ping(monitor.PingSuccess, 0), w.ping(monitor.PingSuccess, 4*time.Minute))
	return b
}

func TestRepair_RepairsEachContradictionBetweenRows(t *testing.T) {
	for name, of := range map[string]struct {
		breaks   func(b brokenFixture) []string
		problems string
		after    map[string]int // what rows are left, by table; those not named are unchanged
	}{
		"attempts without alert": {func(brokenFixture) []string {
			return []string{"INSERT INTO attempts (alert, n, at, took, outcome, detail) VALUES ('gone', 1, 0, 0, 'sent', '')"}
		}, "attempts_without_alert 1", nil},
		"alerts of a missing incident": {func(b brokenFixture) []string {
			return []string{"UPDATE alerts SET incident = 'gone' WHERE incident = '" + b.open.ID + "'"}
		}, "alerts_without_parent 1", map[string]int{"alerts": -1, "attempts": -1}},
		"timeline of a missing incident": {func(brokenFixture) []string {
			return []string{"INSERT INTO timeline (id, incident, at, kind, text) VALUES ('t', 'gone', 0, 'note', '')"}
		}, "timeline_without_incident 1", nil},
		"a group without its first incident": {func(b brokenFixture) []string {
			return []string{
				"INSERT INTO incident_groups (project, number, factor, value, first_opened, last_opened, members, acknowledged_by, acknowledging) VALUES (" +
					fmt.Sprint(b.project.Key) + ", 9, 'tag', 'db', 0, 0, 2, '', FALSE)",
				"UPDATE incidents SET group_number = 9",
			}
		}, "incidents_without_group 2, groups_without_incident 1", nil},
		"everything of a missing heartbeat": {
			func(b brokenFixture) []string {
				return []string{fmt.Sprint("DELETE FROM heartbeats WHERE key = ", b.resolved.Key)}
			}, "incidents_without_heartbeat 1, pings_without_heartbeat 3, runs_without_heartbeat 2",
			map[string]int{"incidents": -1, "timeline": -1, "alerts": -2, "attempts": -2, "ping_blocks": -3, "slots": -2},
		},
		"a pending alert of a deleted channel": {func(brokenFixture) []string {
			return []string{"UPDATE alerts SET state = 'pending' WHERE event = 'incident.resolved'", "UPDATE channels SET deleted = 1"}
		}, "alerts_undeliverable 1", nil},
		"counters": {func(brokenFixture) []string {
			return []string{"UPDATE counters SET value = 1", "DELETE FROM counters WHERE name = 'cleanup'", "UPDATE projects SET incidents = 1", "UPDATE heartbeats SET pings = 1"}
		}, "counters_missing 1, counters_behind 1, incident_numbers_behind 1, ping_numbers_behind 3", nil},
		"a Down heartbeat that names another incident": {func(b brokenFixture) []string {
			return []string{"UPDATE heartbeats SET incident = 'gone' WHERE status = 'down'"}
		}, "down_with_another_incident 1", nil},
		"an open incident of a heartbeat that is Up": {func(b brokenFixture) []string {
			return []string{fmt.Sprint("UPDATE incidents SET heartbeat = ", b.up.Key, " WHERE id = '", b.open.ID, "'"), "UPDATE heartbeats SET status = 'up', incident = NULL WHERE status = 'down'"}
		}, "open_without_down 1, evaluated_too_late 1", map[string]int{"alerts": 1}},
		"a Down heartbeat without an open incident": {func(b brokenFixture) []string {
			return []string{"UPDATE incidents SET resolved = 1, resolution = 'recovered'"}
		}, "down_without_incident 1", map[string]int{"incidents": 1, "alerts": 1}},
		"a heartbeat that is never evaluated": {func(b brokenFixture) []string {
			return []string{fmt.Sprint("UPDATE heartbeats SET next_at = NULL WHERE key = ", b.up.Key)}
		}, "evaluated_too_late 1", nil},
		"a heartbeat that is evaluated too late": {func(b brokenFixture) []string {
			return []string{fmt.Sprint("UPDATE heartbeats SET next_at = next_at + 1 WHERE key = ", b.up.Key)}
		}, "evaluated_too_late 1", nil},
		"a heartbeat that is evaluated early": {func(b brokenFixture) []string {
			return []string{fmt.Sprint("UPDATE heartbeats SET next_at = next_at - 1 WHERE key = ", b.up.Key)}
		}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			onEachDatabase(t, func(w *fixture) {
				b := newBrokenFixture(w)
				if found := w.problems(); found != "" {
					w.Fatalf("problems before: %s", found)
				}
				tables := []string{"ping_blocks", "slots", "incidents", "timeline", "alerts", "attempts"}
				want := map[string]int{}
				for _, table := range tables {
					var n int
					fmt.Sscan(w.rows(table), &n)
					want[table] = n + of.after[table]
				}
				w.breakRows(of.breaks(b)...)
				if found := w.problems(); found != of.problems {
					w.Errorf("problems: %s; want %s", found, of.problems)
				}
				w.repair(3 * time.Hour)
				if found := w.problems(); found != "" {
					w.Errorf("problems after the repair: %s", found)
				}
				for _, table := range tables {
					if n := w.rows(table); n != fmt.Sprint(want[table]) {
						w.Errorf("%s: %s rows after the repair; want %d", table, n, want[table])
					}
				}
			})
		})
	}
}

func TestRepair_ANewIncidentNotifiesAndIsNumbered(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		b := newBrokenFixture(w)
		w.breakRows("UPDATE incidents SET resolved = 1, resolution = 'recovered'")
		w.repair(3 * time.Hour)
		i := w.incident(b.down)
		if i.Number != 3 || i.Cause != monitor.CauseFailure || i.State() != monitor.StateOpen || len(w.deliveries(i.ID)) != 1 {
			w.Errorf("incident %+v with %d alerts; want an open failure, number 3, with an alert", i, len(w.deliveries(i.ID)))
		}
		if h := w.reload(b.down); h.OpenIncident != i.ID {
			w.Errorf("the heartbeat names the incident %q; want %q", h.OpenIncident, i.ID)
		}
		w.applyPings(b.down, w.ping(monitor.PingSuccess, 4*time.Hour))
		if i := w.incident(b.down); i.Resolution != monitor.ResolvedByPing {
			w.Errorf("the next success resolves the incident as %q", i.Resolution)
		}
	})
}

// TestRepair_RebuildsIndexesOfSQLite hides an index while rows are added.
func TestRepair_RebuildsIndexesOfSQLite(t *testing.T) {
	w, path := serveSQLite(t)
	sql, err := store.QueryReader(w.db, "SELECT rootpage || ' ' || sql FROM sqlite_master WHERE name = 'timeline_incident'")
	if err != nil {
		t.Fatal(err)
	}
	page, sql, _ := strings.Cut(sql, " ")
	c := w.addChannel(w.newChannel("ops"))
	b := w.newSavedHeartbeat("backup")
	w.breakRows("PRAGMA writable_schema = 1", "DELETE FROM sqlite_master WHERE name = 'timeline_incident'", "PRAGMA writable_schema = RESET")
	w.addIncident(b, c, 0, false)
	w.breakRows("PRAGMA writable_schema = 1", "INSERT INTO sqlite_master VALUES ('index', 'timeline_incident', 'timeline', "+page+", '"+sql+"')", "PRAGMA writable_schema = RESET")
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".restore-20260101T000000Z", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if w.db, err = store.OpenToRepair(t.Context(), path, w.start); err != nil {
		t.Fatal(err)
	}
	if err := w.db.RecoverPings(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found := w.problems(); found != "leftover_files 1, broken_indexes 2" {
		t.Errorf("problems: %s", found)
	}
	w.repair(time.Hour)
	if found := w.problems(); found != "" {
		t.Errorf("problems after the repair: %s", found)
	}
	if err := w.db.Close(); err != nil {
		t.Error(err)
	}
	w.db = openStore(t, path)
}

func TestOpenToRepair_FailsWhileAServerRuns(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		w.db.SetNode("a")
		if err := w.db.Serve(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.update(func(tx *store.Tx) error {
			return tx.PublishWatermark(w.start, store.Watermark{All: w.start, Default: w.start})
		})
		db, err := store.OpenToRepair(t.Context(), w.address, w.start)
		if err == nil {
			t.Error("opened next to a server", db.Close())
		} else if !strings.Contains(err.Error(), "in use") && !strings.Contains(err.Error(), "server") {
			t.Errorf("error %v; want that a server runs", err)
		}
	})
}
