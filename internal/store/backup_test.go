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

// TestBackup_IsCompleteWhileOthersWrite backs up as the command does,
// through a store of its own, while a server keeps pings.
func TestBackup_IsCompleteWhileOthersWrite(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		copied := filepath.Join(w.TempDir(), `it's a "copy"?.db`)
		if !store.OnSQLite(w.db) {
			if err := w.db.Backup(context.Background(), copied); err == nil || !strings.Contains(err.Error(), "pg_dump") {
				w.Errorf("backup of PostgreSQL: %v; want it refused, with what to use", err)
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
				if err := w.db.Update(context.Background(), func(tx *store.Tx) error { _, err := judge(tx, h, p); return err }); err != nil {
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
		if said := other.queryNumber("PRAGMA integrity_check"); said != "ok" {
			w.Errorf("the copy is not sound: %s", said)
		}
		pings := other.reload(h).PingCount
		if n := other.queryNumber("SELECT COUNT(*) FROM pings"); pings < 500 || n != fmt.Sprint(pings) {
			w.Errorf("the copy counts %d pings and has %s; want both alike, and 500 at least", pings, n)
		}
		other.applyPings(h, w.ping(monitor.PingSuccess, time.Hour)) // and it goes on
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
		if err := db.Backup(context.Background(), file); err == nil || !strings.Contains(err.Error(), "exists already") {
			t.Errorf("backup to a file that exists: %v; want it refused", err)
		}
		if kept, err := os.ReadFile(file); err != nil || string(kept) != text {
			t.Errorf("the file holds %q, %v; want it as it was", kept, err)
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
		t.Errorf("the copy is there (%v); want nothing that somebody could trust", err)
	}
	if err := db.Backup(context.Background(), filepath.Join(dir, "none", "copy.db")); err == nil {
		t.Error("a backup into a directory that does not exist succeeded")
	}
}
