package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// away fails the test unless err says that the database is away.
func (w *world) away(when string, err error) {
	w.Helper()
	if !errors.Is(err, store.ErrAway) {
		w.Errorf("%s: error %v; want ErrAway", when, err)
	}
}

// TestAFullDiskIsAwayAndNothingHalfWrittenStays bounds the file by its number
// of pages, for which SQLite gives the error of a full disk.
func TestAFullDiskIsAwayAndNothingHalfWrittenStays(t *testing.T) {
	w := &world{T: t, db: opened(t, filepath.Join(t.TempDir(), "overdue.db")), start: someDay}
	w.project = w.addProject("main")
	h := w.heartbeat("backup")
	pages := w.counted("PRAGMA page_count")
	if _, err := store.Written(w.db, "PRAGMA max_page_count = "+pages); err != nil {
		t.Fatal(err)
	}
	large := w.ping(monitor.Fail, time.Minute)
	large.Body = []byte(strings.Repeat("x", 1<<20))
	keep := func() error {
		return w.db.Update(context.Background(), func(tx *store.Tx) error { _, err := judge(tx, h, large); return err })
	}
	w.away("a full disk", keep())
	for _, table := range []string{"pings", "incidents", "timeline"} {
		if n := w.counted("SELECT COUNT(*) FROM " + table); n != "0" {
			t.Errorf("%s rows in %s; want none", n, table)
		}
	}
	if got := w.now(h); got.Status != monitor.New || got.Pings != 0 {
		t.Errorf("the heartbeat is %s after %d pings; want it as it was", got.Status, got.Pings)
	}
	if _, err := store.Written(w.db, "PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if err := keep(); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if got := w.incident(h); got.Number != 1 {
		t.Errorf("the incident is numbered %d; want 1", got.Number)
	}
}

func TestAFileLockedForTooLongIsAway(t *testing.T) {
	onEach(t, func(w *world) {
		if !store.OnSQLite(w.db) {
			return // no transaction locks all of it
		}
		other := w.from(w.open())
		if _, err := store.Written(other.db, "PRAGMA busy_timeout = 20"); err != nil { // SQLite sleeps in real time
			w.Fatal(err)
		}
		w.update(func(*store.Tx) error {
			other.away("a file that another process locks", other.db.Update(context.Background(), func(*store.Tx) error { return nil }))
			return nil
		})
		other.heartbeat("backup")
	})
}

func TestATransactionThatWaitsBeyondItsDeadlineIsAway(t *testing.T) {
	onEachAwake(t, func(w *world) {
		h := w.heartbeat("backup")
		hear := func(ctx context.Context) error {
			return w.db.Update(ctx, func(tx *store.Tx) error { _, err := judge(tx, h, w.ping(monitor.Success, 0)); return err })
		}
		w.update(func(tx *store.Tx) error {
			if _, err := tx.Pinged([]string{h.ID}); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			w.away("a row that another transaction has", hear(ctx))
			return nil
		})
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		w.away("a deadline that passed before the commit", w.db.Update(ctx, func(tx *store.Tx) error {
			_, err := judge(tx, h, w.ping(monitor.Success, 0))
			<-ctx.Done()
			return err
		}))
		if n := w.now(h).Pings; n != 0 {
			w.Errorf("%d pings are kept; want none", n)
		}
		if err := hear(context.Background()); err != nil {
			w.Error(err)
		}
	})
}

// ownPostgres starts a server that only this test uses, and stops it at the end.
func ownPostgres(t *testing.T, fast bool) *storetest.Postgres {
	t.Helper()
	dir, err := os.MkdirTemp("", "overdue-store-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil { // the server may run as another user
		t.Fatal(err)
	}
	server, err := storetest.NewPostgres(filepath.Join(dir, "pg"), fast)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// TestAServerThatDiesIsAwayUntilItIsBack kills a separate server, between
// transactions and in one.
func TestAServerThatDiesIsAwayUntilItIsBack(t *testing.T) {
	server := ownPostgres(t, false)
	w := &world{T: t, db: opened(t, server.Address("public")), start: someDay}
	w.project = w.addProject("main")
	h := w.heartbeat("backup")
	w.hear(h, w.ping(monitor.Success, 0))
	fail := func(before func() error) error {
		return w.db.Update(context.Background(), func(tx *store.Tx) error {
			if _, err := judge(tx, h, w.ping(monitor.Fail, time.Minute)); err != nil {
				return err
			}
			return before()
		})
	}
	w.away("a connection that ends before its commit", fail(func() error {
		_, err := store.Written(w.db, "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE state = 'idle in transaction'")
		return err
	}))
	w.away("a server that dies before a commit", fail(server.Kill))
	w.away("a dead server, asked to write", fail(func() error { return nil }))
	w.away("a dead server, asked to look", w.db.View(context.Background(), func(tx *store.Tx) error { _, err := tx.Projects(); return err }))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	if got := w.now(h); got.Status != monitor.Up || got.Pings != 1 || len(w.incidents(w.project.Key)) != 0 {
		t.Errorf("it is %s after %d pings; want what was committed, up after 1, and no incident", got.Status, got.Pings)
	}
	if err := fail(func() error { return nil }); err != nil {
		t.Errorf("with the server back: %v", err)
	}
}

func TestAMistakeOfOursIsNotTakenForADatabaseThatIsAway(t *testing.T) {
	onEach(t, func(w *world) {
		err := w.db.Update(context.Background(), func(tx *store.Tx) error {
			h := w.newHeartbeat("backup")
			h.Project = 99 // there is none
			_, err := tx.AddHeartbeat(h)
			return err
		})
		if err == nil || errors.Is(err, store.ErrAway) || errors.Is(err, store.ErrTaken) {
			w.Errorf("a heartbeat of no project: error %v; want one of neither kind", err)
		}
	})
}
