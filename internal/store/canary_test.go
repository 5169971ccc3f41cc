package store_test

import (
	"fmt"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// canaryTables are the tables that contain rows of canaries.
var canaryTables = []string{"projects", "channels", "heartbeats", "pings", "ping_blocks", "slots", "incidents", "timeline", "threads", "alerts", "attempts"}

// rowCounts counts the rows of all tables that contain rows of canaries.
func (w *fixture) rowCounts() string {
	w.Helper()
	text := ""
	for _, table := range canaryTables {
		n, err := store.QueryWriter(w.db, `SELECT CAST(COUNT(*) AS TEXT) FROM `+table)
		if err != nil {
			w.Fatal(err)
		}
		text += fmt.Sprintf("%s %s ", table, n)
	}
	return text
}

// canaryRule is the rule of the canary of these tests.
var canaryRule = monitor.Rule{Interval: 5 * time.Second, Grace: 5 * time.Second, AlertAfter: 1, Methods: monitor.AnyMethod}

// canaryPing begins a round of the canary of a node, at d after the start.
func (w *fixture) canaryPing(db *store.DB, d time.Duration) {
	w.Helper()
	at := w.start.Add(d)
	var h monitor.Heartbeat
	w.updateOn(db, func(tx *store.Tx) (err error) {
		h, err = tx.PrepareCanary(canaryRule, at, at.Add(-10*time.Minute))
		return err
	})
	if _, err := db.ApplyPings(w.Context(), []store.ReceivedPing{{ID: h.ID, Ping: w.ping(monitor.PingSuccess, d), Watermark: at}}); err != nil {
		w.Fatal(err)
	}
}

// canaryMiss evaluates everything that is due on a node after a round that began at d.
func (w *fixture) canaryMiss(db *store.DB, d time.Duration) {
	w.Helper()
	now := w.start.Add(d + 11*time.Second)
	w.updateOn(db, func(tx *store.Tx) error {
		next, err := tx.NextDue()
		if err != nil || next.IsZero() || next.After(now) {
			w.Errorf("the next evaluation is at %s, %v; want the canary of the node", next, err)
		}
		due, err := tx.DueForEvaluation(now, 10)
		if err != nil || len(due) != 1 || !due[0].IsCanary() {
			w.Fatalf("%d heartbeats are due, %v; want the canary of the node", len(due), err)
		}
		after, change := due[0].Evaluate(now)
		_, err = tx.Save(now, []store.Transition{{Heartbeat: after, Change: change}})
		return err
	})
}

// canaryDeliver delivers everything that is pending on a node after a round that began
// at d. It returns the channel.
func (w *fixture) canaryDeliver(db *store.DB, d time.Duration) (channel string) {
	w.Helper()
	now := w.start.Add(d + 12*time.Second)
	w.updateOn(db, func(tx *store.Tx) error {
		pending, err := tx.PendingByChannel(now)
		if err != nil || len(pending) != 1 {
			w.Fatalf("pending %v, %v; want the alert of the canary of the node", pending, err)
		}
		channel = pending[0].Channel
		alerts, err := tx.Claim(channel, "node", now, now.Add(time.Minute), 5)
		if err != nil || len(alerts) != 1 {
			w.Fatalf("claimed %d alerts, %v; want 1", len(alerts), err)
		}
		if _, err := tx.MarkSent(alerts[0].ID); err != nil {
			return err
		}
		return tx.AddAttempt(store.Attempt{AlertID: alerts[0].ID, Number: 1, At: now, Outcome: "sent"})
	})
	return channel
}

// canaryRound is one round of the canary of a node.
func (w *fixture) canaryRound(db *store.DB, d time.Duration) {
	w.Helper()
	w.canaryPing(db, d)
	w.canaryMiss(db, d)
	w.canaryDeliver(db, d)
}

// updateOn changes a database directly.
func (w *fixture) updateOn(db *store.DB, fn func(*store.Tx) error) {
	w.Helper()
	if err := db.Update(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
}

func TestPrepareCanary_ItsRowsDoNotGrowAndLeaveNothing(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.addChannel(w.newChannel("ops"))
		none := w.rowCounts()
		w.db.SetNode("a")
		before := ""
		for round := range 5 {
			w.canaryRound(w.db, time.Duration(round)*2*time.Minute)
			after := w.rowCounts()
			if round > 1 && after != before {
				w.Errorf("round %d: %s; want %s as before", round, after, before)
			}
			if before = after; round == 0 { // an earlier version made it
				w.breakRows("UPDATE heartbeats SET flapping_alerts = 'hold' WHERE project < 0")
			}
		}
		if before == none {
			w.Error("a round added no rows, so the test is not meaningful")
		}
		w.updateOn(w.db, (*store.Tx).DeleteCanary)
		if after := w.rowCounts(); after != none {
			w.Errorf("after the deletion: %s; want %s", after, none)
		}
	})
}

func TestPrepareCanary_ANodeSeesOnlyItsCanaryAndDeletesThoseOfDeadNodes(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		none := w.rowCounts()
		other := w.open()
		w.db.SetNode("a")
		other.SetNode("b")
		for _, db := range []*store.DB{w.db, other} {
			w.updateOn(db, func(tx *store.Tx) error {
				return tx.PublishWatermark(w.start, store.Watermark{All: w.start, Default: w.start})
			})
		}
		w.canaryPing(w.db, 0)
		w.canaryPing(other, 0)
		w.canaryMiss(w.db, 0)
		w.updateOn(w.db, func(tx *store.Tx) error {
			if next, err := tx.NextDue(); err != nil || !next.IsZero() {
				w.Errorf("the next evaluation is at %s, %v; want none: only the canary of the other node is due", next, err)
			}
			return nil
		})
		w.canaryMiss(other, 0)
		if first, second := w.canaryDeliver(w.db, 0), w.canaryDeliver(other, 0); first == second {
			w.Errorf("both nodes have the channel %s", first)
		}
		w.canaryRound(w.db, 9*time.Minute)
		w.updateOn(other, func(tx *store.Tx) error {
			if h, failed, err := tx.Canary(); err != nil || failed || h.Key == 0 {
				w.Errorf("the canary of a node that may be running: %d, %t, %v", h.Key, failed, err)
			}
			return nil
		})
		w.updateOn(w.db, func(tx *store.Tx) error {
			return tx.PublishWatermark(w.start.Add(11*time.Minute), store.Watermark{All: w.start, Default: w.start})
		})
		w.canaryRound(w.db, 11*time.Minute)
		w.updateOn(other, func(tx *store.Tx) error {
			if h, _, err := tx.Canary(); err != nil || h.Key != 0 {
				w.Errorf("the canary of a dead node: %d, %v; want none", h.Key, err)
			}
			return nil
		})
		w.updateOn(w.db, (*store.Tx).DeleteCanary)
		if after := w.rowCounts(); after != none {
			w.Errorf("after the deletion: %s; want %s", after, none)
		}
	})
}

func TestPrepareCanary_NoListOrCountContainsIt(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.db.SetNode("a")
		w.canaryRound(w.db, 0)
		w.updateOn(w.db, func(tx *store.Tx) error {
			projects, err := tx.Projects()
			if err != nil || len(projects) != 1 {
				w.Errorf("projects %v, %v; want 1", projects, err)
			}
			if _, err := tx.ProjectBySlugOrName("canary"); err == nil {
				w.Error("its project can be selected")
			}
			if n, err := tx.CountOpenIncidents(); err != nil || n != 0 {
				w.Errorf("%d open incidents, %v; want none", n, err)
			}
			if o, err := tx.Outbox(); err != nil || o.Pending != 0 || len(o.Channels) != 0 {
				w.Errorf("outbox %+v, %v; want nothing", o, err)
			}
			return nil
		})
		if problems, err := w.db.CheckIntegrity(w.Context()); err != nil || len(problems) > 0 {
			w.Errorf("problems %v, %v; want none", problems, err)
		}
		key := newKey(w.T)
		w.useSecretKey(w.db, key)
		w.updateOn(w.db, (*store.Tx).DeleteCanary)
		w.canaryRound(w.db, 2*time.Minute)
		if err := w.db.CheckSealed(w.Context(), key); err != nil {
			w.Errorf("its channel, which has no secrets: %v", err)
		}
	})
}

func TestDeleteCanary_SavesNoPendingPingsOfOthers(t *testing.T) {
	w, _ := serveSQLite(t)
	store.OnlyFlushAboveThreshold(w.db)
	w.canaryPing(w.db, 0)
	w.applyBatch(w.receivedPing(w.newSavedHeartbeat("backup"), monitor.PingSuccess, time.Minute))
	w.update(func(tx *store.Tx) error {
		err := tx.DeleteCanary()
		if n := store.HeldPings(tx); n > 1 {
			t.Errorf("saves %d pings; want at most that of the canary", n)
		}
		return err
	})
}
