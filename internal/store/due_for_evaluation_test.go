package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// dueHeartbeats returns the names of the heartbeats that are due for evaluation by then.
func (w *fixture) dueHeartbeats(tx *store.Tx, d time.Duration, n int) []string {
	w.Helper()
	found, err := tx.DueForEvaluation(w.at(d), n)
	if err != nil {
		w.Error(err)
	}
	var names []string
	for _, h := range found {
		names = append(names, h.Name)
	}
	return names
}

func TestDueForEvaluation_ReturnsTheEarliestFirstIncludingNow(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		for name, d := range map[string]time.Duration{"b": 2 * time.Minute, "c": 3 * time.Minute, "a": time.Minute} {
			w.applyPings(w.newSavedHeartbeat(name), w.ping(monitor.PingSuccess, d))
		}
		w.newSavedHeartbeat("new")
		w.update(func(tx *store.Tx) error {
			for _, c := range []struct {
				at   time.Duration
				n    int
				want []string
			}{
				{6*time.Minute - time.Microsecond, 10, nil},
				{6 * time.Minute, 10, []string{"a"}},
				{time.Hour, 10, []string{"a", "b", "c"}},
				{time.Hour, 2, []string{"a", "b"}},
			} {
				if diff := cmp.Diff(c.want, w.dueHeartbeats(tx, c.at, c.n)); diff != "" {
					w.Errorf("due at %s (-want +got):\n%s", c.at, diff)
				}
			}
			return nil
		})
	})
}

// The ping that sets the deadline is still in the write-behind buffer, whose small rest nothing
// flushes.
func TestDueForEvaluation_ATransactionThatFailsHidesNoDeadline(t *testing.T) {
	w, _ := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute))
	w.rollBack(func(tx *store.Tx) error {
		if got := w.dueHeartbeats(tx, time.Hour, 10); len(got) != 1 {
			w.Errorf("due %q; want the heartbeat", got)
		}
		return nil
	})
	w.update(func(tx *store.Tx) error {
		if got := w.dueHeartbeats(tx, time.Hour, 10); len(got) != 1 {
			w.Errorf("due after a rollback: %q; want the heartbeat again", got)
		}
		return nil
	})
}

// A heartbeat that was never pinged has no other deadline.
func TestDueForEvaluation_IncludesANewHeartbeatWithoutItsExpectedFirstPing(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		by := w.at(time.Hour)
		w.update(func(tx *store.Tx) error {
			h := w.newHeartbeat("new")
			h.Rule.ExpectFirstBy = by
			_, err := tx.AddHeartbeat(h)
			return err
		})
		if got := view(w, (*store.Tx).NextDue); !got.Equal(by) {
			w.Errorf("due at %s; want %s", got, by)
		}
		w.update(func(tx *store.Tx) error {
			if diff := cmp.Diff([]string{"new"}, w.dueHeartbeats(tx, time.Hour, 10)); diff != "" {
				w.Error(diff)
			}
			return nil
		})
	})
}

func TestNextDue_IsTheEarliestOfAllHeartbeats(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		next := func() time.Time { return view(w, (*store.Tx).NextDue) }
		if got := next(); !got.IsZero() {
			w.Errorf("next due of an empty store: %s; want never", got)
		}
		h := w.newSavedHeartbeat("backup")
		if got := next(); !got.IsZero() {
			w.Errorf("next due of a new heartbeat: %s; want never", got)
		}
		w.applyPings(w.newSavedHeartbeat("later"), w.ping(monitor.PingSuccess, time.Hour))
		w.applyPings(h, w.ping(monitor.PingSuccess, time.Minute))
		if got := next(); !got.Equal(w.at(6 * time.Minute)) {
			w.Errorf("next due at %s; want the deadline of the first heartbeat", got)
		}
		w.evaluate(10 * time.Minute)
		if got := next(); !got.Equal(w.at(time.Hour + 5*time.Minute)) {
			w.Errorf("next due at %s; want the deadline of the second heartbeat, because the first is down", got)
		}
	})
}

func TestDueForEvaluation_SkipsDownPausedAndDeletedHeartbeats(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		down, paused, deleted := w.newSavedHeartbeat("down"), w.newSavedHeartbeat("paused"), w.newSavedHeartbeat("deleted")
		for _, h := range []monitor.Heartbeat{down, paused, deleted} {
			w.applyPings(h, w.ping(monitor.PingSuccess, 0))
		}
		w.applyPings(down, w.ping(monitor.PingFail, time.Minute))
		w.update(func(tx *store.Tx) error {
			paused, change := w.reload(paused).Pause(w.at(time.Minute), w.at(time.Minute))
			deleted, gone := w.reload(deleted).Delete(w.at(time.Minute), w.at(time.Minute))
			_, err := tx.Save(w.at(time.Minute), []store.Transition{{Heartbeat: paused, Change: change}, {Heartbeat: deleted, Change: gone}})
			return errors.Join(err, tx.SaveHeartbeatSettings(deleted))
		})
		w.update(func(tx *store.Tx) error {
			if names := w.dueHeartbeats(tx, 1000*time.Hour, 10); names != nil {
				w.Errorf("due: %v; want none", names)
			}
			return nil
		})
	})
}

// TestDueForEvaluation_TwoSweepsNeverHaveTheSameHeartbeat holds the transaction of
// one sweep open while another reads. On PostgreSQL the second one skips the rows; on SQLite
// it waits, and then reads the result of the first one.
func TestDueForEvaluation_TwoSweepsNeverHaveTheSameHeartbeat(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		for n := range 6 {
			w.applyPings(w.newSavedHeartbeat(fmt.Sprint("job-", n)), w.ping(monitor.PingSuccess, time.Duration(n)*time.Second))
		}
		other := w.onNode(w.open())
		done := make(chan bool)
		var second []string
		w.update(func(tx *store.Tx) error {
			found, err := tx.DueForEvaluation(w.at(time.Hour), 4)
			if err != nil {
				return err
			}
			var transitions []store.Transition
			for _, h := range found {
				h, change := h.Evaluate(w.at(time.Hour))
				transitions = append(transitions, store.Transition{Heartbeat: h, Change: change})
			}
			go other.updateConcurrently(done, func(tx *store.Tx) error {
				second = other.dueHeartbeats(tx, time.Hour, 10)
				return nil
			})
			if !store.OnSQLite(w.db) {
				<-done // it must not wait for us
			}
			_, err = tx.Save(w.at(time.Hour), transitions)
			return err
		})
		<-done
		if diff := cmp.Diff([]string{"job-4", "job-5"}, second); diff != "" {
			w.Errorf("the second sweep had (-want +got):\n%s", diff)
		}
	})
}

func TestHeartbeatsForPings_LocksTheRows(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		w.applyPings(h, w.ping(monitor.PingSuccess, 0))
		other := w.onNode(w.open())
		if store.OnSQLite(w.db) {
			return // there the whole file is locked
		}
		w.update(func(tx *store.Tx) error {
			for name, lock := range map[string]func() error{
				"Pinged":            func() error { _, err := tx.HeartbeatsForPings([]string{h.ID}); return err },
				"HeartbeatToChange": func() error { _, err := tx.HeartbeatForUpdate(h.Project, h.ID); return err },
				"HeartbeatBySlug":   func() error { _, _, err := tx.LockHeartbeatBySlug(h.Project, h.Slug); return err },
			} {
				if err := lock(); err != nil {
					return err
				}
				other.update(func(tx *store.Tx) error {
					if names := other.dueHeartbeats(tx, time.Hour, 10); names != nil {
						w.Errorf("after %s another node has %v; want it locked", name, names)
					}
					return nil
				})
			}
			return nil
		})
	})
}

func TestHeartbeatsForPings_FindsHeartbeatsOfAnyProject(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		gone := w.newSavedHeartbeat("gone")
		gone.Deleted = w.start
		w.update(func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(gone) })
		w.project = w.addProject("other")
		other := w.newSavedHeartbeat("backup")
		found := updateValue(w, func(tx *store.Tx) (map[string]monitor.Heartbeat, error) {
			return tx.HeartbeatsForPings([]string{h.ID, other.ID, gone.ID, h.Ref, h.ID, `"%'],`})
		})
		if diff := cmp.Diff(map[string]monitor.Heartbeat{h.ID: w.reload(h), other.ID: w.reload(other)}, found); diff != "" {
			w.Errorf("found (-want +got):\n%s", diff)
		}
		if none := updateValue(w, func(tx *store.Tx) (map[string]monitor.Heartbeat, error) { return tx.HeartbeatsForPings(nil) }); len(none) != 0 {
			w.Errorf("an empty list of ids found %d heartbeats; want none", len(none))
		}
	})
}

// maxSweepStatements is the number of statements of a transaction with many deadlines, and a few
// more.
const maxSweepStatements = 15

func TestDueForEvaluation_ManyDeadlinesTakeAsManyStatementsAsAFew(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		w.addChannel(w.newChannel("ops"))
		const n = 500
		var all []monitor.Heartbeat
		w.update(func(tx *store.Tx) error {
			var up []store.Transition
			for i := range n {
				h, err := tx.AddHeartbeat(w.newHeartbeat(fmt.Sprint("job-", i)))
				if err != nil {
					return err
				}
				h, change := h.ApplyPing(w.ping(monitor.PingSuccess, 0), w.start)
				up, all = append(up, store.Transition{Heartbeat: h, Change: change}), append(all, h)
			}
			_, err := tx.Save(w.start, up)
			return err
		})
		now := w.at(time.Hour)
		statements, err := store.CountStatements(w.db, func(tx *store.Tx) error {
			if _, err := tx.Peers(now); err != nil {
				return err
			}
			due, err := tx.DueForEvaluation(now, n)
			if err != nil {
				return err
			}
			var down []store.Transition
			for _, h := range due {
				h, change := h.Evaluate(now)
				down = append(down, store.Transition{Heartbeat: h, Change: change})
			}
			if alerts, err := tx.Save(now, down); err != nil || alerts != n {
				w.Errorf("%d alerts, %v; want %d", alerts, err, n)
			}
			_, err = tx.DueKeys(now, n)
			return err
		})
		if err != nil {
			w.Fatal(err)
		}
		if statements > maxSweepStatements {
			w.Errorf("%d statements for %d deadlines; want at most %d", statements, n, maxSweepStatements)
		}
		if n := view(w, (*store.Tx).CountOpenIncidents); n != int64(len(all)) {
			w.Errorf("%d incidents; want %d", n, len(all))
		}
	})
}

func TestDueAmong_ReturnsThoseThatAreStillDueInTheOrderOfTheirKeys(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		var keys []int64
		for n, name := range []string{"late", "later", "not due", "not asked for"} {
			h := w.newSavedHeartbeat(name)
			w.applyPings(h, w.ping(monitor.PingSuccess, []time.Duration{time.Minute, 0, time.Hour, 0}[n]))
			keys = append(keys, h.Key)
		}
		w.update(func(tx *store.Tx) error {
			listed, err := tx.DueKeys(w.at(10*time.Minute), 10)
			if diff := cmp.Diff([]int64{keys[0], keys[1], keys[3]}, listed); diff != "" || err != nil {
				w.Errorf("keys, %v (-want +got):\n%s", err, diff)
			}
			found, err := tx.DueAmong(w.at(10*time.Minute), []int64{keys[2], keys[1], keys[0]}, nil)
			var names []string
			for _, h := range found {
				names = append(names, h.Name)
			}
			if diff := cmp.Diff([]string{"late", "later"}, names); diff != "" || err != nil {
				w.Errorf("heartbeats, %v (-want +got):\n%s", err, diff)
			}
			return nil
		})
	})
}

// TestReadAhead_IsUsedUnlessRowsOfHeartbeatsChanged reads heartbeats while an earlier transaction
// runs, and changes something between the two transactions.
func TestReadAhead_IsUsedUnlessRowsOfHeartbeatsChanged(t *testing.T) {
	edit := func(w *fixture, h monitor.Heartbeat) {
		w.update(func(tx *store.Tx) error {
			h, err := tx.HeartbeatForUpdate(h.Project, h.ID)
			if err != nil {
				return err
			}
			h.Description = "edited"
			return tx.SaveHeartbeatSettings(h)
		})
	}
	for name, c := range map[string]struct {
		between func(w *fixture, path string, h monitor.Heartbeat)
		again   bool // they are read again
	}{
		"nothing":             {func(*fixture, string, monitor.Heartbeat) {}, false},
		"another transaction": {func(w *fixture, _ string, _ monitor.Heartbeat) { w.addChannel(w.newChannel("ops")) }, false},
		"a ping in the buffer": {func(w *fixture, _ string, h monitor.Heartbeat) {
			w.applyBatch(w.receivedPing(h, monitor.PingSuccess, 5*time.Minute))
		}, false},
		"a ping in the tables": {func(w *fixture, _ string, h monitor.Heartbeat) {
			w.applyBatch(w.receivedPing(h, monitor.PingSuccess, 5*time.Minute))
			w.update(func(tx *store.Tx) error { _, err := tx.HeartbeatForUpdate(h.Project, h.ID); return err })
		}, true},
		"a flush": {func(w *fixture, _ string, h monitor.Heartbeat) {
			w.applyBatch(w.receivedPing(h, monitor.PingSuccess, 5*time.Minute))
			store.SetFlushThreshold(w.db, 0)
			if _, err := store.FlushSome(w.db); err != nil {
				w.Fatal(err)
			}
		}, true},
		"a failure": {func(w *fixture, _ string, h monitor.Heartbeat) {
			w.applyBatch(w.receivedPing(h, monitor.PingFail, time.Hour))
		}, true},
		"an edit": {func(w *fixture, _ string, h monitor.Heartbeat) { edit(w, h) }, true},
		"an edit of another process": {func(w *fixture, path string, h monitor.Heartbeat) {
			edit(&fixture{T: w.T, db: openStore(w.T, path), start: w.start, project: w.project}, h)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w, path := serveSQLite(t)
			var keys []int64
			var due []monitor.Heartbeat
			for n := range 3 {
				due = append(due, w.newSavedHeartbeat(fmt.Sprint("job-", n)))
				keys = append(keys, due[n].Key)
				w.applyPings(due[n], w.ping(monitor.PingSuccess, 0))
			}
			now := w.at(30 * time.Minute)
			w.update(func(tx *store.Tx) error { _, err := tx.DueKeys(now, 10); return err }) // it saves the pings
			ahead := w.sweepAndReadAhead(now, keys[:1], keys[1:])
			c.between(w, path, due[1])
			var want, got []monitor.Heartbeat
			w.rollBack(func(tx *store.Tx) (err error) { want, err = tx.DueAmong(now, keys[1:], nil); return err })
			reads := 0
			w.db.TraceStatements(func(text string, _ []any) {
				if strings.Contains(text, "FROM heartbeats h") {
					reads++
				}
			})
			w.update(func(tx *store.Tx) (err error) { got, err = tx.DueAmong(now, keys[1:], ahead); return err })
			if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
				t.Errorf("%d heartbeats (-want +got):\n%s", len(want), diff)
			}
			if again := reads > 0; again != c.again {
				t.Errorf("read again: %t; want %t", again, c.again)
			}
		})
	}
}

// sweepAndReadAhead evaluates heartbeats, and reads others meanwhile.
func (w *fixture) sweepAndReadAhead(now time.Time, keys, next []int64) (ahead *store.Ahead) {
	w.Helper()
	w.update(func(tx *store.Tx) error {
		due, err := tx.DueAmong(now, keys, nil)
		if err != nil {
			return err
		}
		var down []store.Transition
		for _, h := range due {
			h, change := h.Evaluate(now)
			down = append(down, store.Transition{Heartbeat: h, Change: change})
		}
		mark, ok, err := tx.Mark()
		if err != nil || !ok {
			w.Fatalf("mark: %t, %v", ok, err)
		}
		if ahead, err = w.db.ReadAhead(w.Context(), mark, now, next); err != nil {
			return err
		}
		_, err = tx.Save(now, down)
		return err
	})
	return ahead
}
