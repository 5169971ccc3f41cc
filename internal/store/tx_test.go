package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

func TestUpdate_AnErrorRollsBackAndIsReturned(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		err := w.db.Update(context.Background(), func(tx *store.Tx) error {
			if _, err := tx.AddHeartbeat(w.newHeartbeat("backup")); err != nil {
				return err
			}
			return errRollback
		})
		if err != errRollback {
			w.Errorf("error %v; want the error of the function", err)
		}
		if n := w.queryNumber("SELECT COUNT(*) FROM heartbeats"); n != "0" {
			w.Errorf("%s heartbeats; want none", n)
		}
	})
}

func TestUpdate_APanicRollsBackAndFreesTheConnection(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		func() {
			defer func() { _ = recover() }() // it is the one below
			_ = w.db.Update(context.Background(), func(tx *store.Tx) error {
				_, err := tx.AddHeartbeat(w.newHeartbeat("backup"))
				if err != nil {
					w.Error(err)
				}
				panic("a mistake of ours")
			})
		}()
		if h := w.newSavedHeartbeat("backup"); h.Key != 1 {
			w.Errorf("the next heartbeat has key %d; want 1", h.Key)
		}
	})
}

func TestView_CannotChangeData(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		for name, write := range map[string]func(tx *store.Tx) error{
			"AddHeartbeat": func(tx *store.Tx) error { _, err := tx.AddHeartbeat(w.newHeartbeat("other")); return err },
			"SaveSettings": func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(h) },
			"Alive": func(tx *store.Tx) error {
				return tx.PublishWatermark(w.start, store.Watermark{All: w.start, Default: w.start})
			},
			"Save": func(tx *store.Tx) error { _, err := tx.Save(w.start, []store.Transition{{Heartbeat: h}}); return err },
		} {
			if err := w.db.View(context.Background(), write); err == nil {
				w.Errorf("%s changed data in a View", name)
			}
		}
		if n := w.queryNumber("SELECT COUNT(*) FROM heartbeats") + w.queryNumber("SELECT COUNT(*) FROM nodes"); n != "10" {
			w.Errorf("%s heartbeats and nodes; want 1 and 0", n)
		}
	})
}

func TestView_SeesOneStateAndNeverWaits(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		err := w.db.View(context.Background(), func(tx *store.Tx) error {
			before, err := tx.HeartbeatByKey(h.Key)
			if err != nil {
				return err
			}
			w.fail(h, time.Minute)
			after, err := tx.HeartbeatByKey(h.Key)
			if err != nil {
				return err
			}
			open, err := tx.CountOpenIncidents()
			if before.Status != after.Status || open != 0 {
				w.Errorf("a View saw %s, then %s and %d open incidents, committed meanwhile", before.Status, after.Status, open)
			}
			return err
		})
		if err != nil {
			w.Fatal(err)
		}
		w.update(func(tx *store.Tx) error {
			if _, err := applyInTx(tx, h, w.ping(monitor.PingSuccess, time.Hour)); err != nil {
				return err
			}
			if got := w.reload(h); got.Status != monitor.Down {
				w.Errorf("a View during an open transaction sees %s; want the committed status, down", got.Status)
			}
			return nil
		})
	})
}

// TestUpdate_RetriesADeadlock makes two transactions lock two rows in opposite
// orders: PostgreSQL ends one of them, which must run again.
func TestUpdate_RetriesADeadlock(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		if store.OnSQLite(w.db) {
			return // transactions that write come one after the other
		}
		a, b := w.newSavedHeartbeat("a"), w.newSavedHeartbeat("b")
		other := w.onNode(w.open())
		locked := map[string]chan bool{a.ID: make(chan bool, 10), b.ID: make(chan bool, 10)}
		tries := make(chan bool, 20)
		cross := func(w *fixture, first, second monitor.Heartbeat) error {
			return w.db.Update(context.Background(), func(tx *store.Tx) error {
				tries <- true
				if _, err := applyInTx(tx, first, w.ping(monitor.PingLog, time.Minute)); err != nil {
					return err
				}
				locked[first.ID] <- true
				if len(tries) <= 2 {
					<-locked[second.ID]
				}
				_, err := applyInTx(tx, second, w.ping(monitor.PingLog, time.Minute))
				return err
			})
		}
		done := make(chan error)
		go func() { done <- cross(other, b, a) }()
		if err := errors.Join(cross(w, a, b), <-done); err != nil {
			w.Errorf("a deadlock was not run again: %v", err)
		}
		if len(tries) < 3 {
			w.Errorf("%d tries; want a deadlock", len(tries))
		}
		for _, h := range []monitor.Heartbeat{a, b} {
			if n := w.reload(h).PingCount; n != 2 {
				w.Errorf("%s has %d pings; want one of each transaction", h.Name, n)
			}
		}
	})
}

func TestUpdate_ACancelledTransactionStoresNothing(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ctx, cancel := context.WithCancel(context.Background())
		err := w.db.Update(ctx, func(tx *store.Tx) error {
			_, err := tx.AddHeartbeat(w.newHeartbeat("backup"))
			cancel()
			return err
		})
		if !errors.Is(err, context.Canceled) {
			w.Errorf("error %v; want context.Canceled", err)
		}
		if n := w.queryNumber("SELECT COUNT(*) FROM heartbeats"); n != "0" {
			w.Errorf("%s heartbeats; want none", n)
		}
		w.newSavedHeartbeat("backup")
	})
}

// TestUpdate_ManyPendingPingsAreFlushedBeforeAllHeartbeatsAreHeld: while a transaction that
// holds all of them saves many pings, no ping is stored.
func TestUpdate_ManyPendingPingsAreFlushedBeforeAllHeartbeatsAreHeld(t *testing.T) {
	w, _ := serveSQLite(t)
	store.OnlyFlushAboveThreshold(w.db)
	store.SetMaxHeldPings(w.db, 5)
	h := w.newSavedHeartbeat("backup")
	number := 0
	ping := func(n int) {
		for range n {
			number++
			w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Duration(number)*time.Second))
		}
	}
	for _, pending := range []int{5, 20} {
		ping(pending)
		err := w.db.UpdateAll(context.Background(), func(tx *store.Tx) error {
			if n := store.HeldPings(tx); n != pending%20 {
				t.Errorf("with %d pending, the transaction saves %d; want %d", pending, n, pending%20)
			}
			return nil
		})
		if got := w.reload(h); err != nil || got.PingCount != int64(number) {
			t.Errorf("%d pings, %v; want %d", got.PingCount, err, number)
		}
	}
	ping(20)
	w.update(func(tx *store.Tx) error { // it holds all when it changes the heartbeats
		err := tx.DeleteProject(w.project, w.at(time.Hour))
		if n := store.HeldPings(tx); n > 5 {
			t.Errorf("the transaction saves %d pings; want at most 5", n)
		}
		return err
	})
}

func TestReleaseMemory_KeepsTheHeartbeatsUnlessTheyAreToBeForgotten(t *testing.T) {
	w, _ := serveSQLite(t)
	store.OnlyFlushAboveThreshold(w.db)
	h := w.newSavedHeartbeat("backup")
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute))
	for _, c := range []struct {
		forget bool
		want   int
	}{{false, 1}, {true, 0}} {
		err := w.db.ReleaseMemory(context.Background(), c.forget)
		if n := store.StatesInMemory(w.db); err != nil || n != c.want || w.reload(h).PingCount != 1 {
			t.Errorf("forget %v: %d heartbeats in memory, %v; want %d", c.forget, n, err, c.want)
		}
	}
}
