package app

import (
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// execSQL runs a statement directly on a database.
func execSQL(t *testing.T, address, text string) {
	t.Helper()
	driver := "sqlite"
	if strings.HasPrefix(address, "postgres:") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, address)
	if err == nil {
		_, err = db.Exec(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// newDatabase makes a database with one project.
func newDatabase(t *testing.T, address string) {
	t.Helper()
	db, err := store.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.AddProject(monitor.Project{Slug: "main", Name: "Main", Zone: "UTC", Created: time.Now().UTC()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// integrityResults returns the results of the check of the integrity.
func integrityResults(t *testing.T, address string) (all []CheckResult) {
	t.Helper()
	_ = Check(t.Context(), Options{Database: address}, func(r CheckResult) {
		if r.Name == integrityCheck {
			all = append(all, r)
		}
	})
	return all
}

func TestRepair_RepairsWhatTheCheckFinds(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			newDatabase(t, address)
			execSQL(t, address, "UPDATE counters SET value = 0 WHERE name = 'projects'")
			found := integrityResults(t, address)
			if len(found) != 1 || found[0].Problem != "counters_behind" || found[0].Count != 1 || found[0].State != CheckFailed ||
				!strings.HasSuffix(found[0].Detail, "`overdue check --repair` fixes this") {
				t.Fatalf("check: %+v", found)
			}
			var steps []CheckResult
			if err := Repair(t.Context(), address, func(r CheckResult) { steps = append(steps, r) }); err != nil {
				t.Fatal(err)
			}
			backups, _ := filepath.Glob(address + ".before-repair-*Z")
			if name == "SQLite" {
				if len(backups) != 1 || steps[0].Name != "backup" || steps[0].Detail != backups[0] {
					t.Errorf("backups %v; reported %+v", backups, steps[0])
				}
				if before := integrityResults(t, backups[0]); len(before) != 1 || before[0].Problem != "counters_behind" {
					t.Errorf("the backup has %+v; want the state before the repair", before)
				}
				steps = steps[1:]
			}
			if len(steps) != 1 || steps[0].State != CheckOK || steps[0].Count != 1 || *steps[0].Left != 0 {
				t.Errorf("steps %+v", steps)
			}
			if found := integrityResults(t, address); len(found) != 1 || found[0].State != CheckOK {
				t.Errorf("check after the repair: %+v", found)
			}
			db, err := store.Open(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var audit []monitor.AuditEntry
			err = db.View(t.Context(), func(tx *store.Tx) (err error) { audit, err = tx.RecentAuditEntries(1, 10); return err })
			if err != nil || len(audit) != 1 || audit[0].Action != "database.repair" {
				t.Errorf("audit log %+v, %v", audit, err)
			}
		})
	}
}

func TestRepair_ChangesNothingInAnIntactDatabase(t *testing.T) {
	address := filepath.Join(t.TempDir(), "overdue.db")
	newDatabase(t, address)
	var steps []CheckResult
	if err := Repair(t.Context(), address, func(r CheckResult) { steps = append(steps, r) }); err != nil || len(steps) != 1 || steps[0].Detail != "nothing to repair" {
		t.Errorf("%+v, %v", steps, err)
	}
	if files, _ := filepath.Glob(address + ".before-repair-*"); len(files) > 0 {
		t.Errorf("made %v", files)
	}
}

func TestRepair_ChangesNothingInADamagedFile(t *testing.T) {
	address := filepath.Join(t.TempDir(), "overdue.db")
	newDatabase(t, address)
	file, err := os.OpenFile(address, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		t.Fatal(err)
	}
	// The last page is the root of an index.
	if _, err := file.WriteAt([]byte(strings.Repeat("x", 4096)), size-4096); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(address)
	if err != nil {
		t.Fatal(err)
	}
	err = Repair(t.Context(), address, func(r CheckResult) { t.Errorf("reported %+v", r) })
	after, _ := os.ReadFile(address)
	if err == nil || !strings.Contains(err.Error(), "restore a backup") || string(before) != string(after) {
		t.Errorf("error %v, changed: %t; want an error and no change", err, string(before) != string(after))
	}
}
