package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// TestBackup_IsCompleteWhileOthersWrite backs up like the command,
// through a separate store, while a server stores pings.
func TestBackup_IsCompleteWhileOthersWrite(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		copied := filepath.Join(w.TempDir(), `it's a "copy"?.db`)
		if !store.OnSQLite(w.db) {
			if err := w.db.Backup(context.Background(), copied); err == nil || !strings.Contains(err.Error(), "pg_dump") {
				w.Errorf("backup of PostgreSQL: %v; want an error that names pg_dump", err)
			}
			return
		}
		h := w.newSavedHeartbeat("backup")
		w.applyManyPings(h, 500, 0)
		stop, stopped := make(chan bool), make(chan bool)
		go func() {
			defer close(stopped)
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				p := w.ping(monitor.PingLog, time.Duration(n)*time.Second)
				if err := w.db.Update(context.Background(), func(tx *store.Tx) error { _, err := applyInTx(tx, h, p); return err }); err != nil {
					w.Error(err)
				}
			}
		}()
		err := w.open().Backup(context.Background(), copied)
		close(stop)
		<-stopped
		if err != nil {
			w.Fatal(err)
		}
		if info, err := os.Stat(copied); err != nil || info.Mode() != 0o600 {
			w.Errorf("the copy has mode %v, %v; want 0600", info.Mode(), err)
		}
		other := w.onNode(openStore(w.T, copied))
		if result := other.queryNumber("PRAGMA integrity_check"); result != "ok" {
			w.Errorf("the copy is damaged: %s", result)
		}
		pings := other.reload(h).PingCount
		if n := other.storedPings(); pings < 500 || n != fmt.Sprint(pings) {
			w.Errorf("the heartbeat in the copy counts %d pings, and the copy has %s; want the same number, at least 500", pings, n)
		}
		other.applyPings(h, w.ping(monitor.PingSuccess, time.Hour)) // the server continues
	})
}

func TestBackup_NeverOverwritesAFile(t *testing.T) {
	dir := t.TempDir()
	db := openStore(t, filepath.Join(dir, "overdue.db"))
	for name, text := range map[string]string{"full": "precious", "empty": ""} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := db.Backup(context.Background(), file); err == nil || !strings.Contains(err.Error(), "already exists") {
			t.Errorf("backup to an existing file: %v; want an error", err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != text {
			t.Errorf("the file contains %q, %v; want it unchanged", got, err)
		}
	}
}

func TestBackup_LeavesNoFileAfterAFailure(t *testing.T) {
	dir := t.TempDir()
	db := openStore(t, filepath.Join(dir, "overdue.db"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	file := filepath.Join(dir, "copy.db")
	if err := db.Backup(ctx, file); err == nil {
		t.Error("a cancelled backup succeeded")
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the incomplete copy exists (%v); want no file", err)
	}
	if err := db.Backup(context.Background(), filepath.Join(dir, "none", "copy.db")); err == nil {
		t.Error("a backup into a directory that does not exist succeeded")
	}
}

// TestBackup_NamesTheCommandsOfOtherDatabases: no server is needed to learn them, and they
// contain neither the password nor parameters that only Overdue accepts.
func TestBackup_NamesTheCommandsOfOtherDatabases(t *testing.T) {
	const address = "postgres://me:hunter2@db.example.com/o?sslmode=verify-full&default_query_exec_mode=cache_describe&password=hunter2&search_path=x"
	const bare = "'postgres://me@db.example.com/o?sslmode=verify-full'"
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	archive, plain, ours := write("it's", "PGDMP\x01"), write("plain", "-- PostgreSQL"), write("ours.db", "SQLite format 3\x00")
	restore := func(file string) error {
		_, err := store.Restore(t.Context(), address, file, realTimeStart)
		return err
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{store.CheckBackup(address, "/b/x.dump"), "pg_dump --format=custom --file=/b/x.dump " + bare},
		{restore(archive), "pg_restore --clean --if-exists --no-owner --single-transaction --dbname=" + bare + ` '` + dir + `/it'\''s'`},
		{restore(plain), "psql --single-transaction --set=ON_ERROR_STOP=1 --file=" + plain + " " + bare},
		{restore(ours), "overdue restore " + ours + " --database restored.db, then overdue migrate --database restored.db --to " + bare},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) || strings.Contains(c.err.Error(), "hunter2") {
			t.Errorf("%v; want %s", c.err, c.want)
		}
	}
	if err := store.CheckBackup("overdue.db", "x"); err != nil {
		t.Errorf("SQLite: %v", err)
	}
}
