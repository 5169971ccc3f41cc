package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// integrityCheck is the name of the results about the database's content.
const integrityCheck = "integrity"

// checkIntegrity reports each problem in the content of the database.
func (c *checker) checkIntegrity(ctx context.Context, db *store.DB) {
	problems, err := db.CheckIntegrity(ctx)
	if err != nil || len(problems) == 0 {
		c.check(integrityCheck, err, "")
		return
	}
	for _, p := range problems {
		detail := p.String()
		if p.Repairable {
			detail += "; `overdue check --repair` fixes this"
		}
		c.failed++
		c.report(CheckResult{Name: integrityCheck, State: CheckFailed, Detail: detail, Problem: p.Name, Count: p.Count})
	}
}

// checkKeptFiles reports the damaged files that a start kept: pings can be missing.
func (c *checker) checkKeptFiles(ctx context.Context, db *store.DB) {
	_, kept, err := db.WALDamage(ctx)
	if err != nil {
		c.check("write-ahead log", err, "")
	}
	for _, file := range kept {
		c.check("write-ahead log", fmt.Errorf("%s was damaged, and pings can be missing. Find the cause as the manual describes, then delete the file", file), "")
	}
}

// Repair repairs what CheckIntegrity finds, and reports each step. No server may use
// the database. On SQLite, it first creates a backup.
func Repair(ctx context.Context, database string, report func(CheckResult)) (err error) {
	now := time.Now().UTC().Truncate(monitor.Precision)
	db, err := store.OpenToRepair(ctx, database, now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	problems, err := db.CheckIntegrity(ctx)
	if err != nil {
		return err
	}
	if len(problems) == 0 {
		report(CheckResult{Name: "repair", State: CheckOK, Detail: "nothing to repair"})
		return nil
	}
	for _, p := range problems {
		if !p.Repairable {
			return fmt.Errorf("%s. This cannot be repaired, so nothing was changed", p)
		}
	}
	if file := db.RepairBackup(now); file != "" {
		if err := db.Backup(ctx, file); err != nil {
			return fmt.Errorf("nothing was repaired: %w", err)
		}
		report(CheckResult{Name: "backup", State: CheckOK, Detail: file})
	}
	// Pings that a killed server had only in its WAL are newer than the tables, so they
	// come first. They can solve a problem, too.
	if err := db.RecoverPings(ctx); err != nil {
		return err
	}
	return repairAll(ctx, db, problems, now, report)
}

// repairAll repairs problems one by one. A repair can reveal or solve another problem,
// so it looks again afterwards.
func repairAll(ctx context.Context, db *store.DB, problems []store.Problem, now time.Time, report func(CheckResult)) error {
	var left []string
	for round := 0; len(problems) > 0 && round < 3; round++ {
		left = nil
		for _, p := range problems {
			after, err := db.Repair(ctx, p, now, func(tx *store.Tx) error { return auditRepair(tx, p, now) })
			if err != nil {
				return err
			}
			result := CheckResult{
				Name: "repair", State: CheckOK, Problem: p.Name, Count: p.Count, Left: &after,
				Detail: fmt.Sprintf("%s: %s. Left: %d", p, p.Repair, after),
			}
			if after > 0 {
				result.State = CheckFailed
				left = append(left, p.Name)
			}
			report(result)
		}
		var err error
		if problems, err = db.CheckIntegrity(ctx); err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		for _, p := range problems {
			left = append(left, p.Name)
		}
		return fmt.Errorf("not everything could be repaired: %s", strings.Join(left, ", "))
	}
	return nil
}

// auditRepair records a repair in the audit log of every project: the rows may belong
// to any.
func auditRepair(tx *store.Tx, p store.Problem, now time.Time) error {
	return eachProject(tx, func(project monitor.Project) error {
		return tx.AddAuditEntry(auth.Operator(project, operatorName()).Audit(now, "database.repair", "database", p.String()+": "+p.Repair))
	})
}
