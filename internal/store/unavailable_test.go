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

// expectUnavailable fails the test unless err is ErrUnavailable.
func (w *fixture) expectUnavailable(when string, err error) {
	w.Helper()
	if !errors.Is(err, store.ErrUnavailable) {
		w.Errorf("%s: error %v; want ErrUnavailable", when, err)
	}
}

// TestUpdate_AFullDiskIsUnavailableAndLeavesNoPartialWrite limits the number of
// pages of the file: SQLite then returns the error of a full disk.
func TestUpdate_AFullDiskIsUnavailableAndLeavesNoPartialWrite(t *testing.T) {
	w := &fixture{T: t, db: openStore(t, filepath.Join(t.TempDir(), "overdue.db")), start: realTimeStart}
	w.project = w.addProject("main")
	h := w.newSavedHeartbeat("backup")
	pages := w.queryNumber("PRAGMA page_count")
	if _, err := store.QueryWriter(w.db, "PRAGMA max_page_count = "+pages); err != nil {
		t.Fatal(err)
	}
	large := w.ping(monitor.PingFail, time.Minute)
	large.Body = []byte(strings.Repeat("x", 1<<20))
	save := func() error {
		return w.db.Update(context.Background(), func(tx *store.Tx) error { _, err := applyInTx(tx, h, large); return err })
	}
	w.expectUnavailable("a full disk", save())
	for _, table := range []string{"ping_blocks", "incidents", "timeline"} {
		if n := w.queryNumber("SELECT COUNT(*) FROM " + table); n != "0" {
			t.Errorf("%s rows in %s; want none", n, table)
		}
	}
	if got := w.reload(h); got.Status != monitor.New || got.PingCount != 0 {
		t.Errorf("the heartbeat is %s after %d pings; want it unchanged", got.Status, got.PingCount)
	}
	if _, err := store.QueryWriter(w.db, "PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if err := save(); err != nil {
		t.Errorf("with free space again: %v", err)
	}
	if got := w.incident(h); got.Number != 1 {
		t.Errorf("the incident has the number %d; want 1", got.Number)
	}
}

func TestUpdate_AFileLockedForTooLongIsUnavailable(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		if !store.OnSQLite(w.db) {
			return // no transaction locks all of it
		}
		other := w.onNode(w.open())
		if _, err := store.QueryWriter(other.db, "PRAGMA busy_timeout = 20"); err != nil { // SQLite sleeps in real time
			w.Fatal(err)
		}
		w.update(func(*store.Tx) error {
			other.expectUnavailable("a file that another process locks", other.db.Update(context.Background(), func(*store.Tx) error { return nil }))
			return nil
		})
		other.newSavedHeartbeat("backup")
	})
}

func TestUpdate_ATransactionThatWaitsPastItsDeadlineIsUnavailable(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		hear := func(ctx context.Context) error {
			return w.db.Update(ctx, func(tx *store.Tx) error { _, err := applyInTx(tx, h, w.ping(monitor.PingSuccess, 0)); return err })
		}
		w.update(func(tx *store.Tx) error {
			if _, err := tx.HeartbeatsForPings([]string{h.ID}); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			w.expectUnavailable("a row that another transaction has", hear(ctx))
			return nil
		})
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		w.expectUnavailable("a deadline that passed before the commit", w.db.Update(ctx, func(tx *store.Tx) error {
			_, err := applyInTx(tx, h, w.ping(monitor.PingSuccess, 0))
			<-ctx.Done()
			return err
		}))
		if n := w.reload(h).PingCount; n != 0 {
			w.Errorf("%d pings are stored; want none", n)
		}
		if err := hear(context.Background()); err != nil {
			w.Error(err)
		}
	})
}

// startPostgres starts a server for this test only, until the test ends.
func startPostgres(t *testing.T, fast bool) *storetest.Postgres {
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
	if err := os.Chmod(dir, 0o755); err != nil { // the server can run as another user
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

// TestUpdate_AStoppedPostgreSQLIsUnavailableUntilItIsBack kills a separate server,
// between transactions and during one.
func TestUpdate_AStoppedPostgreSQLIsUnavailableUntilItIsBack(t *testing.T) {
	server := startPostgres(t, false)
	w := &fixture{T: t, db: openStore(t, server.Address()), start: realTimeStart}
	w.project = w.addProject("main")
	h := w.newSavedHeartbeat("backup")
	w.applyPings(h, w.ping(monitor.PingSuccess, 0))
	fail := func(before func() error) error {
		return w.db.Update(context.Background(), func(tx *store.Tx) error {
			if _, err := applyInTx(tx, h, w.ping(monitor.PingFail, time.Minute)); err != nil {
				return err
			}
			return before()
		})
	}
	w.expectUnavailable("a connection that ends before its commit", fail(func() error {
		_, err := store.QueryWriter(w.db, "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE state = 'idle in transaction'")
		return err
	}))
	w.expectUnavailable("a server that dies before a commit", fail(server.Kill))
	w.expectUnavailable("a dead server, asked to write", fail(func() error { return nil }))
	w.expectUnavailable("a read on a dead server", w.db.View(context.Background(), func(tx *store.Tx) error { _, err := tx.Projects(); return err }))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	if got := w.reload(h); got.Status != monitor.Up || got.PingCount != 1 || len(w.incidents(w.project.Key)) != 0 {
		t.Errorf("it is %s after %d pings; want the committed state: up after 1 ping, without an incident", got.Status, got.PingCount)
	}
	if err := fail(func() error { return nil }); err != nil {
		t.Errorf("with the server back: %v", err)
	}
}

func TestUpdate_AnInvalidStatementIsNotUnavailable(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		err := w.db.Update(context.Background(), func(tx *store.Tx) error {
			h := w.newHeartbeat("backup")
			h.Project = 99 // it does not exist
			_, err := tx.AddHeartbeat(h)
			return err
		})
		if err == nil || errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrTaken) {
			w.Errorf("a heartbeat without a project: error %v; want neither ErrUnavailable nor ErrTaken", err)
		}
	})
}
