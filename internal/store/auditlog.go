package store

import (
	"database/sql"
	"fmt"

	"overdue/internal/monitor"
)

// AuditEntries lists up to n of the newest entries of a project's audit log,
// newest first.
func (tx *Tx) AuditEntries(project int64, n int) ([]monitor.AuditEntry, error) {
	entries, err := many(tx, func(row scanner) (monitor.AuditEntry, error) {
		var e monitor.AuditEntry
		var at sql.NullInt64
		err := row.Scan(&e.Project, &at, &e.Actor, &e.Action, &e.Target, &e.Detail)
		e.At = moment(at)
		return e, err
	}, `SELECT project, at, actor, action, target, detail FROM audit WHERE project = $1 ORDER BY at DESC, id DESC LIMIT $2`, project, n)
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	return entries, nil
}
