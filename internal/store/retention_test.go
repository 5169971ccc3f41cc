package store_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/pingblock"
)

const day = 24 * time.Hour

// cleanUp runs a whole round as of the time d after the start, and returns the number of
// deleted rows by table.
func (w *fixture) cleanUp(d time.Duration) map[string]int64 {
	w.Helper()
	deleted := map[string]int64{}
	c := w.db.NewCleanup()
	for range 10_000 {
		step, err := c.Step(context.Background(), w.at(d))
		if err != nil || step.Busy {
			w.Fatalf("busy: %t, %v", step.Busy, err)
		}
		total := int64(0)
		for table, n := range step.Deleted {
			deleted[table] += n
			total += n
		}
		if total > 450 {
			w.Errorf("a step deleted %v; want at most about 200 rows", step.Deleted)
		}
		if step.Done {
			maps.DeleteFunc(deleted, func(_ string, n int64) bool { return n == 0 })
			return deleted
		}
	}
	w.Fatal("the round does not end")
	return nil
}

// rows counts the rows of a table.
func (w *fixture) rows(table string) string {
	w.Helper()
	return w.queryNumber("SELECT COUNT(*) FROM " + table)
}

func TestCleanup_DeletesPingsByAge(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h, young := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("young")
		w.applyPings(h, w.ping(monitor.PingLog, 0), w.ping(monitor.PingLog, day), w.ping(monitor.PingLog, 2*day))
		w.applyPings(young, w.ping(monitor.PingLog, 2*day))
		for _, step := range []struct {
			at     time.Duration
			stored []int64
		}{
			{90 * day, []int64{3, 2, 1}},
			{90*day + time.Microsecond, []int64{3, 2}},
			{91*day + time.Hour, []int64{3}},
		} {
			w.cleanUp(step.at)
			if diff := cmp.Diff(step.stored, w.pingNumbers(h, 0, 10)); diff != "" {
				w.Errorf("stored after %s (-want +got):\n%s", step.at, diff)
			}
		}
		if stored := w.pingNumbers(young, 0, 10); len(stored) != 1 {
			w.Errorf("the new heartbeat has %d pings; want its only one", len(stored))
		}
		if h := w.reload(h); h.PingCount != 3 {
			w.Errorf("the heartbeat counts %d pings after the deletion; want all 3", h.PingCount)
		}
	})
}

func TestCleanup_DeletesPingsAboveTheNumberPerHeartbeat(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.db.SetRetention(monitor.Retention{})
		h := w.newSavedHeartbeat("backup")
		w.applyManyPings(h, 1250, 0)
		w.cleanUp(1000 * day)
		if n := w.storedPings(); n != "1250" {
			w.Fatalf("%s pings are stored with unlimited retention; want all", n)
		}
		w.db.SetRetention(monitor.Retention{PingsPerHeartbeat: 200})
		w.cleanUp(1000 * day)
		if stored := w.pingNumbers(h, 0, 2000); len(stored) < 200 || len(stored) >= 200+pingblock.MaxPings || stored[0] != 1250 || stored[199] != 1051 {
			w.Errorf("%d pings are stored; want the newest 200, and the rest of a block", len(stored))
		}
	})
}

func TestSave_PrunesAtMostAFewHundredPings(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.db.SetRetention(monitor.Retention{})
		h := w.newSavedHeartbeat("backup")
		w.applyManyPings(h, 899, 0)
		w.db.SetRetention(monitor.Retention{PingsPerHeartbeat: 100})
		w.applyManyPings(h, 1, 900*time.Minute)
		if n := w.storedPings(); n != "644" {
			w.Errorf("%s pings are stored after the setting was lowered; want 644: a ping deletes the blocks among at most 300 pings", n)
		}
	})
}

func TestCleanup_DeletesTheHistoryOfAHeartbeatDeletedAWeekAgo(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h, living := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("living")
		for _, of := range []monitor.Heartbeat{h, living} {
			w.applyPings(of, w.ping(monitor.PingSuccess, 0), w.ping(monitor.PingSuccess, time.Minute), w.ping(monitor.PingSuccess, time.Hour))
		}
		h = w.reload(h)
		h.Deleted = w.at(time.Hour)
		w.update(func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(h) })
		before := w.rows("slots")
		if deleted := w.cleanUp(time.Hour + 7*day); len(deleted) > 0 {
			w.Errorf("%v was deleted after exactly a week", deleted)
		}
		w.cleanUp(time.Hour + 7*day + time.Microsecond)
		if left := w.pingNumbers(h, 0, 10); len(left) != 0 {
			w.Errorf("%d pings of the deleted heartbeat are stored", len(left))
		}
		if n := w.queryNumber(fmt.Sprint("SELECT COUNT(*) FROM slots WHERE heartbeat = ", h.Key)); n != "0" || before == "0" {
			w.Errorf("%s of %s spans of the deleted heartbeat are stored", n, before)
		}
		if stored := w.pingNumbers(living, 0, 10); len(stored) != 3 {
			w.Errorf("the other heartbeat has %d pings; want 3", len(stored))
		}
	})
}

func TestCleanup_DeletesTheRunHistoryByAge(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		w.applyPings(h, w.ping(monitor.PingSuccess, 0), w.ping(monitor.PingFail, day), w.ping(monitor.PingSuccess, 2*day))
		all := w.runHistory(h, 49*time.Hour)
		w.cleanUp(400 * day)
		if left := w.runHistory(h, 49*time.Hour); len(left) != len(all) {
			w.Errorf("%d of %d spans are left after 400 days; want all", len(left), len(all))
		}
		w.cleanUp(400*day + time.Hour)
		if left := w.runHistory(h, 49*time.Hour); len(left) == 0 || len(left) >= len(all) {
			w.Errorf("%d of %d spans are left; want all except the first", len(left), len(all))
		}
	})
}

// addIncident opens an incident at d, notifies a channel with an attempt, and resolves
// it an hour later unless it is left open.
func (w *fixture) addIncident(h monitor.Heartbeat, c monitor.Channel, d time.Duration, open bool) monitor.Incident {
	w.Helper()
	i := w.fail(h, d)
	w.applyPings(h, w.ping(monitor.PingFail, d+time.Minute)) // an entry of the timeline
	if !open {
		w.applyPings(h, w.ping(monitor.PingSuccess, d+time.Hour))
	}
	for range 2 {
		for _, a := range w.claimAlerts(c, "a", d+2*time.Hour, d+3*time.Hour, 10) {
			w.update(func(tx *store.Tx) error {
				_, err := tx.MarkSent(a.ID)
				if err == nil {
					err = tx.AddAttempt(store.Attempt{AlertID: a.ID, Number: a.Attempts, At: w.at(d), Outcome: "sent"})
				}
				if err == nil {
					err = tx.ReleaseNext(a, w.at(d))
				}
				return err
			})
		}
	}
	return i
}

func TestCleanup_DeletesResolvedIncidentsByAge(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.addChannel(w.newChannel("ops"))
		h, other := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("other")
		w.addIncident(h, c, 0, false)
		w.addIncident(h, c, day, false)
		open := w.addIncident(other, c, 0, true)
		if diff := cmp.Diff([]string{"3", "4", "5", "5"}, []string{w.rows("incidents"), w.rows("timeline"), w.rows("alerts"), w.rows("attempts")}); diff != "" {
			w.Fatalf("rows before (-want +got):\n%s", diff)
		}
		w.cleanUp(400*day + time.Hour)
		if n := w.rows("incidents"); n != "3" {
			w.Errorf("%s incidents exactly 400 days after one was resolved; want all 3", n)
		}
		want := map[string]int64{"incidents": 1, "timeline": 1, "alerts": 2, "attempts": 2}
		deleted := w.cleanUp(400*day + time.Hour + time.Microsecond)
		for _, history := range []string{"ping_blocks", "slots"} {
			delete(deleted, history)
		}
		if diff := cmp.Diff(want, deleted); diff != "" {
			w.Errorf("deleted (-want +got):\n%s", diff)
		}
		w.cleanUp(5000 * day)
		left := w.incidents(w.project.Key)
		if len(left) != 1 || left[0].ID != open.ID || len(w.deliveries(open.ID)) != 1 {
			w.Errorf("left after years: %+v; want the open incident with its alert", left)
		}
		if i := w.fail(h, 5000*day); i.Number != 4 {
			w.Errorf("the next incident has the number %d; want 4", i.Number)
		}
	})
}

func TestCleanup_KeepsIncidentsWithPendingAlerts(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		w.fail(h, 0)
		w.applyPings(h, w.ping(monitor.PingSuccess, time.Hour))
		w.cleanUp(1000 * day)
		if n := w.rows("incidents"); n != "1" {
			w.Errorf("%s incidents; want the one whose alerts are not delivered", n)
		}
	})
}

func TestCleanup_DeletesALargeIncidentInSteps(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		i := w.addIncident(h, c, 0, false)
		w.update(func(tx *store.Tx) error {
			for n := range 700 {
				if err := tx.AddTimelineEntry(i.ID, "failure", "again", w.at(time.Duration(n))); err != nil {
					return err
				}
			}
			return nil
		})
		w.addIncident(h, c, 2*day, false)
		deleted := w.cleanUp(401 * day)
		if deleted["timeline"] != 701 || deleted["incidents"] != 1 {
			w.Errorf("deleted %v; want 701 entries of a timeline and 1 incident", deleted)
		}
	})
}

func TestCleanup_DeletesAuditEntriesAndTestAlertsByAge(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.addChannel(w.newChannel("ops"))
		w.update(func(tx *store.Tx) error {
			for n := range 3 {
				at := w.at(time.Duration(n) * day)
				err := tx.AddAuditEntry(monitor.AuditEntry{Project: w.project.Key, At: at, Actor: "Ann", Kind: monitor.ActorPerson, ActorID: "ann", Action: "x"})
				if err == nil {
					err = tx.AddTestAlert(c, store.Attempt{At: at, Outcome: "sent"})
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if deleted := w.cleanUp(400 * day); len(deleted) > 0 {
			w.Errorf("deleted %v after exactly 400 days", deleted)
		}
		want := map[string]int64{"audit": 2, "alerts": 2, "attempts": 2}
		if diff := cmp.Diff(want, w.cleanUp(402*day)); diff != "" {
			w.Errorf("deleted (-want +got):\n%s", diff)
		}
		w.db.SetRetention(monitor.Retention{})
		if deleted := w.cleanUp(5000 * day); len(deleted) > 0 {
			w.Errorf("deleted %v with unlimited retention", deleted)
		}
	})
}

func TestCleanup_DeletesAHeartbeatAfterItsIncidents(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		w.newSavedHeartbeat("living")
		w.fail(h, 0)
		w.applyPings(h, w.ping(monitor.PingSuccess, 10*day))
		h = w.reload(h)
		h.Deleted = w.at(5 * day)
		w.update(func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(h) })
		w.cleanUp(405*day + time.Hour)
		if n := w.rows("heartbeats"); n != "2" {
			w.Errorf("%s heartbeats while an incident names the deleted one; want 2", n)
		}
		w.cleanUp(410*day + time.Hour)
		if n := w.rows("heartbeats"); n != "1" {
			w.Errorf("%s heartbeats; want the one that is not deleted", n)
		}
	})
}

// The heartbeats that a cleanup deletes get no pings, and are in no list.
func TestCleanup_OfADeletedHeartbeatFlushesAndLoadsNothing(t *testing.T) {
	w, _ := serveSQLite(t)
	w.db.UseListIndex()
	loads := store.CountListLoads(w.db)
	list := func() {
		if err := w.db.ViewLists(t.Context(), func(tx *store.Tx) error { _, err := tx.StatusCounts(w.project.Key); return err }); err != nil {
			t.Fatal(err)
		}
	}
	h, gone := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("gone")
	gone.Deleted = w.at(5 * day)
	w.update(func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(gone) })
	list()
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, 500*day))
	if deleted := w.cleanUp(500 * day); deleted["heartbeats"] != 1 {
		t.Fatalf("deleted %v; want a heartbeat", deleted)
	}
	list()
	if n := w.pendingOf(h); n != "1" || *loads != 1 {
		t.Errorf("%s pings are pending, and the lists were loaded %d times; want 1 and once", n, *loads)
	}
}

func TestCleanup_LimitsAStepByTheSizeOfBodies(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		for n := range 30 {
			p := w.ping(monitor.PingLog, time.Duration(n)*time.Minute)
			p.Body, p.BodySize = make([]byte, 100_000), 100_000
			w.applyPings(h, p)
		}
		c := w.db.NewCleanup()
		step, err := c.Step(context.Background(), w.at(91*day))
		if err != nil || step.Deleted["ping_blocks"] != 21 {
			w.Errorf("the first step deleted %v, %v; want 21 pings: 2 MiB of bodies", step.Deleted, err)
		}
	})
}

// TestCleanup_OneNodeDeletesAtATimeOnPostgreSQL also shows that a ping does not wait for
// the node that deletes.
func TestCleanup_OneNodeDeletesAtATimeOnPostgreSQL(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		if store.OnSQLite(w.db) {
			return // has one node
		}
		h := w.newSavedHeartbeat("backup")
		w.applyPings(h, w.ping(monitor.PingLog, 0))
		other := w.onNode(w.open())
		w.update(func(tx *store.Tx) error {
			if err := store.LockCleanup(tx); err != nil {
				return err
			}
			step, err := other.db.NewCleanup().Step(context.Background(), w.at(91*day))
			if err != nil || !step.Busy || step.Done {
				t.Errorf("step while another node deletes: %+v, %v; want busy", step, err)
			}
			other.applyPings(h, w.ping(monitor.PingLog, time.Minute))
			return nil
		})
		if n := w.storedPings(); n != "2" {
			t.Errorf("%s pings; want 2", n)
		}
	})
}

// TestCleanup_ScansNoLargeTable reads SQLite's query plans of a round that deletes from
// every table.
func TestCleanup_ScansNoLargeTable(t *testing.T) {
	w := &fixture{T: t, db: openStore(t, filepath.Join(t.TempDir(), "overdue.db")), start: realTimeStart}
	w.project = w.addProject("main")
	c := w.addChannel(w.newChannel("ops"))
	h := w.newSavedHeartbeat("backup")
	w.addIncident(h, c, 0, false)
	w.update(func(tx *store.Tx) error {
		if err := tx.AddTestAlert(c, store.Attempt{At: w.start, Outcome: "sent"}); err != nil {
			return err
		}
		return tx.AddAuditEntry(monitor.AuditEntry{Project: w.project.Key, At: w.start, Actor: "Ann", Kind: monitor.ActorPerson, ActorID: "ann", Action: "x"})
	})
	w.update(func(tx *store.Tx) error {
		p := w.ping(monitor.PingLog, 0)
		p.Number = 1000
		return store.InsertPingRows(tx, h.Key, []monitor.Ping{p})
	})
	h = w.reload(h)
	h.Deleted = w.at(day)
	w.update(func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(h) })
	plans, err := store.CleanupPlans(w.db, w.at(500*day))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(plans, "\n\n")
	for _, table := range []string{"pings", "ping_blocks", "slots", "timeline", "attempts", "alerts", "incidents", "audit", "heartbeats"} {
		if !strings.Contains(text, "DELETE FROM "+table+" ") {
			t.Errorf("the round deletes nothing from %s", table)
		}
	}
	for _, plan := range plans {
		if slices.ContainsFunc(strings.Split(plan, "\n"), func(step string) bool {
			return strings.HasPrefix(step, "SCAN ") && step != "SCAN json_each VIRTUAL TABLE INDEX 1:" && !strings.Contains(step, "CONSTANT ROW")
		}) {
			t.Errorf("reads a whole table:\n%s", plan)
		}
	}
}
