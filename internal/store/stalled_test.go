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

// stall holds what the commit of a SQLite file holds while its disk hangs.
// release lets it go on.
func (w *world) stall() (release func()) {
	w.Helper()
	hanging, ended, held := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		err := w.db.Update(context.Background(), func(*store.Tx) error { close(held); <-hanging; return nil })
		w.away("the commit that hung", err)
	}()
	<-held
	return func() {
		close(hanging)
		<-ended
	}
}

// TestDB_AStalledDiskIsAwayAtOnceAndCanStillBeLookedAt: while a commit hangs,
// pings and changes fail fast, pages show what is in the tables, and all goes on
// as soon as the commit has ended.
func TestDB_AStalledDiskIsAwayAtOnceAndCanStillBeLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "overdue.db")
		w := &world{T: t, db: opened(t, path), start: someDay}
		if err := w.db.Serve(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.project = w.addProject("main")
		h := w.heartbeat("backup")
		changes := make(chan error, 10)
		defer w.db.Watch(func(why error) { changes <- why })()
		ping := []store.Heard{w.said(h, monitor.Success, time.Second)}
		if _, err := w.db.Hear(context.Background(), ping); err != nil {
			t.Fatal(err)
		}

		release := w.stall()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		begun := time.Now()
		_, err := w.db.Hear(ctx, ping)
		w.away("the first ping", err)
		if took := time.Since(begun); took > 4*time.Second {
			t.Errorf("the first ping has no answer for %s; want at most 4s", took)
		}
		if why := <-changes; !errors.Is(why, store.ErrAway) {
			t.Errorf("it became unavailable because of %v", why)
		}
		begun = time.Now()
		for range 100 {
			_, err := w.db.Hear(context.Background(), ping)
			w.away("a later ping", err)
		}
		w.away("a change", w.db.Update(context.Background(), func(*store.Tx) error { return nil }))
		if got := w.now(h); got.ID != h.ID {
			t.Error("the heartbeat cannot be looked at")
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("all that came later took %s; want an answer at once", took)
		}

		begun = time.Now()
		release()
		if why := <-changes; why != nil || time.Since(begun) > time.Second {
			t.Errorf("%s after it went on: %v; want available within 1s", time.Since(begun), why)
		}
		if _, err := w.db.Hear(context.Background(), ping); err != nil {
			t.Error(err)
		}
	})
}

func TestDB_RehearseFailsOnWhateverKeepsPingsFromBeingStoredAndKeepsNothing(t *testing.T) {
	onEach(t, func(w *world) {
		if store.OnSQLite(w.db) {
			return // its journal is rehearsed; see the tests of full disks
		}
		w.heartbeat("backup")
		before := w.counted("SELECT COUNT(*) FROM heartbeats")
		if err := w.db.Rehearse(context.Background()); err != nil {
			w.Fatal(err)
		}
		for _, table := range []string{"pings", "slots", "incidents", "alerts"} {
			if n := w.counted("SELECT COUNT(*) FROM " + table); n != "0" {
				w.Errorf("%s rows in %s; want none", n, table)
			}
		}
		if n := w.counted("SELECT COUNT(*) FROM heartbeats"); n != before {
			w.Errorf("%s heartbeats; want %s as before", n, before)
		}
		for _, spoil := range []struct{ name, do, undo string }{
			{"a column is missing", `ALTER TABLE pings RENAME COLUMN exit_code TO code`, `ALTER TABLE pings RENAME COLUMN code TO exit_code`},
			{"a check at the commit fails", `CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
				CREATE CONSTRAINT TRIGGER no AFTER INSERT ON pings DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION no()`, `DROP TRIGGER no ON pings`},
			{"another session has locked all heartbeats", "", ""},
		} {
			time.Sleep(time.Hour) // what was proven counts no longer
			if spoil.do == "" {
				w.update(func(tx *store.Tx) error {
					return store.Locked(tx, "heartbeats", func() {
						w.away(spoil.name, w.db.Rehearse(context.Background()))
					})
				})
				continue
			}
			w.run(spoil.do)
			if err := w.db.Rehearse(context.Background()); err == nil {
				w.Errorf("%s: no error", spoil.name)
			}
			w.run(spoil.undo)
			if err := w.db.Rehearse(context.Background()); err != nil {
				w.Errorf("%s, undone: %v", spoil.name, err)
			}
		}
	})
}

// run runs statements without arguments past all methods.
func (w *world) run(statements string) {
	w.Helper()
	if err := store.Ran(w.db, statements); err != nil {
		w.Fatal(err)
	}
}

// TestDB_QuietPingsGoOnWhileAnotherProcessHasTheFile: a failure waits for the
// tables, and nobody else waits with it.
func TestDB_QuietPingsGoOnWhileAnotherProcessHasTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overdue.db")
	w := &world{T: t, db: opened(t, path), start: someDay}
	if err := w.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.project = w.addProject("main")
	quiet, failing := w.heartbeat("quiet"), w.heartbeat("failing")
	w.say(w.said(quiet, monitor.Success, time.Second)) // the first brings it up
	other := opened(t, path)
	if err := other.Update(context.Background(), func(*store.Tx) error {
		waiting := make(chan error, 1)
		go func() {
			_, err := w.db.Hear(context.Background(), []store.Heard{w.said(failing, monitor.Fail, time.Second)})
			waiting <- err
		}()
		for n := range 10 {
			w.say(w.said(quiet, monitor.Success, time.Duration(n+2)*time.Second))
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
	if got := w.now(quiet); got.Pings != 11 {
		t.Errorf("%d pings are stored; want 11", got.Pings)
	}
}
