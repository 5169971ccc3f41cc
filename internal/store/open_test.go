package store_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

func TestOpen_NodesMayOpenAnEmptyStoreAtTheSameTime(t *testing.T) {
	for name, address := range storetest.AddressesWithoutSchema(t) {
		t.Run(name, func(t *testing.T) {
			var nodes sync.WaitGroup
			for range 4 {
				nodes.Go(func() {
					db, err := store.Open(context.Background(), address)
					if err != nil {
						t.Error(err)
						return
					}
					if err := db.Update(context.Background(), func(tx *store.Tx) error { _, err := tx.Projects(); return err }); err != nil {
						t.Error(err)
					}
					if err := db.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			nodes.Wait()
			db := openStore(t, address)
			if n, err := store.QueryReader(db, "SELECT COUNT(*) FROM counters"); err != nil || n != "3" {
				t.Errorf("%s counters, %v; want one run of the migrations", n, err)
			}
		})
	}
}

func TestOpen_StoredDataIsReadBackAfterReopening(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(context.Background(), address)
			if err != nil {
				t.Fatal(err)
			}
			w := &fixture{T: t, db: db, start: realTimeStart}
			w.project = w.addProject("main")
			h := w.newSavedHeartbeat("backup")
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			w.db = openStore(t, address)
			if got := w.reload(h); got.Name != "backup" {
				t.Errorf("found %q", got.Name)
			}
		})
	}
}

func TestOpen_RejectsANewerSchema(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		if _, err := store.QueryWriter(w.db, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)"); err != nil {
			w.Fatal(err)
		}
		db, err := store.Open(context.Background(), w.address)
		if err == nil {
			w.Fatal("it was opened", db.Close())
		}
		for _, part := range []string{"schema 99", "made by a newer Overdue", "start the newer version"} {
			if !strings.Contains(err.Error(), part) {
				w.Errorf("error %q without %q", err, part)
			}
		}
	})
}

func TestServe_AllowsOneServerPerFile(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ctx := context.Background()
		second := w.open()
		if err := w.db.Serve(ctx); err != nil {
			w.Fatal(err)
		}
		err := second.Serve(ctx)
		switch {
		case !store.OnSQLite(w.db):
			if err != nil {
				w.Errorf("a second server on PostgreSQL: %v", err)
			}
			return
		case err == nil:
			w.Fatal("a second server of the same file was accepted")
		case !strings.Contains(err.Error(), "already in use by another Overdue server"):
			w.Errorf("error %q without the reason", err)
		}
		w.newSavedHeartbeat("backup") // the rejection does not affect the first server
		served := make(chan error)
		go func() { served <- second.Serve(ctx) }()
		if err := store.EndServer(w.db); err != nil {
			w.Fatal(err)
		}
		if err := <-served; err != nil {
			w.Errorf("after the first server ended: %v", err)
		}
	})
}

func TestOpen_FilesAreReadableByTheirOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by", "us")
	w := &fixture{T: t, db: openStore(t, filepath.Join(dir, "overdue.db")), start: realTimeStart}
	if err := w.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.project = w.addProject("main")
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v, %v; want 0700", info.Mode(), err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files, %v; want the database, its log, its index and locks", len(files), err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode() != fs.FileMode(0o600) {
			t.Errorf("%s has mode %v, %v; want 0600", f.Name(), info.Mode(), err)
		}
	}
}

func TestOpen_AcceptsAnyFileName(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{
		"plain.db", "with space.db", "what?mode=memory&x=.db", "a#b.db", "100%41.db", "it's;1.db", "a+b&c=d.db", "é日.db", "a:b.db",
		"sub dir?#%/over due.db", "./dot.db", "file:x.db", filepath.Join(t.TempDir(), "absolute ?#%.db"),
	} {
		t.Run(name, func(t *testing.T) {
			w := &fixture{T: t, db: openStore(t, name), start: realTimeStart}
			w.project = w.addProject("main")
			if info, err := os.Stat(name); err != nil || info.Size() < 0 {
				t.Errorf("no file with that name: %v", err)
			}
			log, err := os.Stat(name + "-wal")
			if err != nil || log.Size() == 0 {
				t.Errorf("no WAL next to a file with that name: %v", err)
			}
			again := &fixture{T: t, db: openStore(t, name)}
			if got := view(again, (*store.Tx).Projects); len(got) != 1 {
				t.Errorf("%d projects after opening it again; want 1", len(got))
			}
		})
	}
}

func TestOpen_RejectsAnAddressWithoutAFileName(t *testing.T) {
	for _, address := range []string{"", ":memory:"} {
		if db, err := store.Open(context.Background(), address); err == nil {
			t.Errorf("%q was opened; %v", address, db.Close())
		} else if !strings.Contains(err.Error(), "name a file") {
			t.Errorf("error %q without advice", err)
		}
	}
}

func TestOpen_AnUnreachablePostgreSQLIsAnErrorWithoutThePassword(t *testing.T) {
	for _, address := range []string{
		"postgres://me:hunter2@/x?host=" + t.TempDir(), "postgresql://me:hunter2@127.0.0.1:1/x", "postgres://me:hunter2@127.0.0.1:port/x",
		"postgres://127.0.0.1:1/x?password=hunter2&user=me",
	} {
		db, err := store.Open(context.Background(), address)
		if err == nil {
			t.Fatalf("%s was opened; %v", address, db.Close())
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error %q contains the password", err)
		}
	}
}

func TestDescribeAddress_HidesThePassword(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"overdue.db":                        "SQLite file " + filepath.Join(here, "overdue.db"),
		"/var/lib/overdue.db":               "SQLite file /var/lib/overdue.db",
		"postgres://me:hunter2@db:5432/x":   "PostgreSQL postgres://me:xxxxx@db:5432/x",
		"postgresql://db/x?sslmode=disable": "PostgreSQL postgresql://db/x?sslmode=disable",
		"postgres://me:hunter2@db:port/x":   "PostgreSQL",
		"postgres://db/x?password=hunter2":  "PostgreSQL postgres://db/x?password=xxxxx",
	} {
		if got := store.DescribeAddress(address); got != want {
			t.Errorf("%s is %q; want %q", address, got, want)
		}
	}
}

// TestOpen_CommitsAreSynced reads the settings back from live connections.
// FULL is 2, see https://www.sqlite.org/pragma.html#pragma_synchronous.
func TestOpen_CommitsAreSynced(t *testing.T) {
	db := openStore(t, filepath.Join(t.TempDir(), "overdue.db"))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "4000", "query_only": "0"} {
		if got, err := store.QueryWriter(db, "PRAGMA "+pragma); got != want || err != nil {
			t.Errorf("a connection that writes has %s %s, %v; want %s", pragma, got, err, want)
		}
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "busy_timeout": "4000", "query_only": "1"} {
		if got, err := store.QueryReader(db, "PRAGMA "+pragma); got != want || err != nil {
			t.Errorf("a connection that reads has %s %s, %v; want %s", pragma, got, err, want)
		}
	}
}

func TestWriters_IsMoreThanOneOnlyOnPostgreSQL(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		if n := w.db.Writers(); (n > 1) == store.OnSQLite(w.db) {
			w.Errorf("%d writers", n)
		}
	})
}
