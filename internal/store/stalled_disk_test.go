package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// stallDisk holds the locks that a commit of a SQLite file holds while its disk hangs, until
// release.
func (w *fixture) stallDisk() (release func()) {
	w.Helper()
	hanging, ended, held := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		err := w.db.UpdateAll(context.Background(), func(*store.Tx) error { close(held); <-hanging; return nil })
		w.expectUnavailable("the commit that hung", err)
	}()
	<-held
	return func() {
		close(hanging)
		<-ended
	}
}

// TestDB_AStalledDiskIsUnavailableAtOnceAndStillReadable: while a commit
// hangs, pings and changes fail fast and reads use the tables. Everything continues when the
// commit has ended.
func TestDB_AStalledDiskIsUnavailableAtOnceAndStillReadable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "overdue.db")
		w := &fixture{T: t, db: openStore(t, path), start: realTimeStart}
		if err := w.db.Serve(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.project = w.addProject("main")
		h := w.newSavedHeartbeat("backup")
		changes := make(chan error, 10)
		defer w.db.WatchAvailability(func(why error) { changes <- why })()
		ping := []store.ReceivedPing{w.receivedPing(h, monitor.PingSuccess, time.Second)}
		if _, err := w.db.ApplyPings(context.Background(), ping); err != nil {
			t.Fatal(err)
		}

		release := w.stallDisk()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		begun := time.Now()
		_, err := w.db.ApplyPings(ctx, ping)
		w.expectUnavailable("the first ping", err)
		if took := time.Since(begun); took > 4*time.Second {
			t.Errorf("the first ping had no answer for %s; want at most 4s", took)
		}
		if why := <-changes; !errors.Is(why, store.ErrUnavailable) {
			t.Errorf("cause %v; want ErrUnavailable", why)
		}
		begun = time.Now()
		for range 100 {
			_, err := w.db.ApplyPings(context.Background(), ping)
			w.expectUnavailable("a later ping", err)
		}
		w.expectUnavailable("a change", w.db.Update(context.Background(), func(*store.Tx) error { return nil }))
		if got := w.reload(h); got.ID != h.ID {
			t.Error("the heartbeat cannot be read")
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("later requests took %s; want an answer at once", took)
		}

		begun = time.Now()
		release()
		if why := <-changes; why != nil || time.Since(begun) > time.Second {
			t.Errorf("%s after the commit ended: %v; want available within 1s", time.Since(begun), why)
		}
		if _, err := w.db.ApplyPings(context.Background(), ping); err != nil {
			t.Error(err)
		}
	})
}

func TestStoreTestPing_FailsIfPingsCannotBeStoredAndStoresNothing(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		if store.OnSQLite(w.db) {
			return // its rollback journal is tested with full disks
		}
		w.newSavedHeartbeat("backup")
		before := w.queryNumber("SELECT COUNT(*) FROM heartbeats")
		if err := w.db.StoreTestPing(context.Background()); err != nil {
			w.Fatal(err)
		}
		for _, table := range []string{"ping_blocks", "slots", "incidents", "alerts"} {
			if n := w.queryNumber("SELECT COUNT(*) FROM " + table); n != "0" {
				w.Errorf("%s rows in %s; want none", n, table)
			}
		}
		if n := w.queryNumber("SELECT COUNT(*) FROM heartbeats"); n != before {
			w.Errorf("%s heartbeats; want %s as before", n, before)
		}
		for _, spoil := range []struct{ name, do, undo string }{
			{"a column is missing", `ALTER TABLE ping_blocks RENAME COLUMN earliest TO early`, `ALTER TABLE ping_blocks RENAME COLUMN early TO earliest`},
			{"a check at the commit fails", `CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
				CREATE CONSTRAINT TRIGGER no AFTER INSERT ON ping_blocks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION no()`, `DROP TRIGGER no ON ping_blocks`},
			{"another session has locked all heartbeats", "", ""},
		} {
			time.Sleep(time.Hour) // what was proven counts no longer
			if spoil.do == "" {
				w.update(func(tx *store.Tx) error {
					return store.WithTableLocked(tx, "heartbeats", func() {
						w.expectUnavailable(spoil.name, w.db.StoreTestPing(context.Background()))
					})
				})
				continue
			}
			w.execOnPostgres(spoil.do)
			if err := w.db.StoreTestPing(context.Background()); err == nil {
				w.Errorf("%s: no error", spoil.name)
			}
			w.execOnPostgres(spoil.undo)
			if err := w.db.StoreTestPing(context.Background()); err != nil {
				w.Errorf("%s, reverted: %v", spoil.name, err)
			}
		}
	})
}

// execOnPostgres runs statements directly on the database.
func (w *fixture) execOnPostgres(statements string) {
	w.Helper()
	if err := store.ExecPostgres(w.db, statements); err != nil {
		w.Fatal(err)
	}
}

// TestApplyPings_ContinuesWhileAnotherProcessLocksTheFile: a failure waits
// for the tables, and other pings do not.
func TestApplyPings_ContinuesWhileAnotherProcessLocksTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overdue.db")
	w := &fixture{T: t, db: openStore(t, path), start: realTimeStart}
	if err := w.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.project = w.addProject("main")
	quiet, failing := w.newSavedHeartbeat("quiet"), w.newSavedHeartbeat("failing")
	w.applyBatch(w.receivedPing(quiet, monitor.PingSuccess, time.Second)) // the first brings it up
	other := openStore(t, path)
	if err := other.Update(context.Background(), func(*store.Tx) error {
		waiting := make(chan error, 1)
		go func() {
			_, err := w.db.ApplyPings(context.Background(), []store.ReceivedPing{w.receivedPing(failing, monitor.PingFail, time.Second)})
			waiting <- err
		}()
		for n := range 10 {
			w.applyBatch(w.receivedPing(quiet, monitor.PingSuccess, time.Duration(n+2)*time.Second))
			select {
			case err := <-waiting:
				t.Errorf("the failure did not wait: %v", err)
				return nil
			case <-time.After(20 * time.Millisecond):
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := w.reload(quiet); got.PingCount != 11 {
		t.Errorf("%d pings are stored; want 11", got.PingCount)
	}
}
