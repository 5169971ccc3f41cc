package app

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// newDamagedWAL returns a database whose server was killed, and in whose WAL a bit of a
// record in the middle was flipped.
func newDamagedWAL(t *testing.T) (database string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "served.db")
	newDatabase(t, path)
	db, err := store.OpenToServe(t.Context(), path, store.ServeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	h := monitor.Heartbeat{
		ID: "8e4f7f0e-45ce-4d0c-8d0e-6d9d4c3a7f11", Ref: "h", Project: 1, Name: "backup", Slug: "backup",
		Status: monitor.New, Rule: monitor.Rule{Interval: time.Hour, Grace: time.Hour, Methods: monitor.AnyMethod}, Created: now, Updated: now,
	}
	err = db.Update(t.Context(), func(tx *store.Tx) (err error) {
		h, err = tx.AddHeartbeat(h)
		return err
	})
	for n := range 5 {
		p := monitor.Ping{Kind: monitor.PingSuccess, At: now.Add(time.Duration(n) * time.Second), Method: "POST", Body: fmt.Appendf(nil, "body of %d", n)}
		_, applied := db.ApplyPings(t.Context(), []store.ReceivedPing{{ID: h.ID, Ping: p, Watermark: p.At}})
		err = errors.Join(err, applied)
	}
	if err != nil {
		t.Fatal(err)
	}
	database = filepath.Join(t.TempDir(), "overdue.db")
	for _, suffix := range []string{"-pings0", "-pings1", "", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(content, []byte("body of 2")); suffix == "-pings0" {
			content[at] ^= 1
		}
		if err := os.WriteFile(database+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return database
}

// keptFileResults returns the results of the check of files that a start kept.
func keptFileResults(t *testing.T, database string) (all []string) {
	t.Helper()
	_ = Check(t.Context(), Options{Database: database}, func(r CheckResult) {
		if r.Name == "write-ahead log" {
			all = append(all, string(r.State)+": "+r.Detail)
		}
	})
	return all
}

func TestRepair_StoresThePingsAroundDamageAndKeepsTheFile(t *testing.T) {
	database := newDamagedWAL(t)
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := Backup(t.Context(), database, backup); err == nil || !strings.Contains(err.Error(), "was written, but can lack pings") {
		t.Errorf("backup: %v; want an error about the damage", err)
	}
	if _, err := os.Stat(backup); err != nil {
		t.Error(err)
	}
	found := integrityResults(t, database)
	if len(found) != 1 || found[0].Problem != "damaged_wal" || !strings.Contains(found[0].Detail, "overdue check --repair") {
		t.Errorf("check: %v", found)
	}
	if results := keptFileResults(t, database); len(results) > 0 {
		t.Errorf("before the repair: %v", results)
	}
	if err := Repair(t.Context(), database, func(CheckResult) {}); err != nil {
		t.Fatal(err)
	}
	if found := integrityResults(t, database); len(found) != 1 || found[0].State != CheckOK {
		t.Errorf("check after the repair: %v", found)
	}
	kept, err := filepath.Glob(database + "-pings0.damaged-*")
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept files: %v, %v", kept, err)
	}
	if results := keptFileResults(t, database); len(results) != 1 || !strings.HasPrefix(results[0], string(CheckFailed)+": "+kept[0]) {
		t.Errorf("check: %v; want a failure that names %s", results, kept[0])
	}
	if err := os.Remove(kept[0]); err != nil {
		t.Fatal(err)
	}
	if results := keptFileResults(t, database); len(results) > 0 {
		t.Errorf("check after the file was deleted: %v", results)
	}
}
