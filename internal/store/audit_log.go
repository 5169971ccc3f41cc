package store

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"overdue/internal/monitor"
)

// AddAuditEntry stores an entry of the audit log. It fails if the entry does not identify
// the actor: a name alone is not unique.
func (tx *Tx) AddAuditEntry(e monitor.AuditEntry) error {
	if e.Kind == "" || e.ActorID == "" && e.Kind != monitor.ActorCommandLine {
		return fmt.Errorf("audit: %s: the entry does not identify its actor", e.Action)
	}
	_, err := tx.exec(`INSERT INTO audit (id, project, at, actor, actor_kind, actor_id, source, action, target, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		newID(), e.Project, micros(e.At), e.Actor, string(e.Kind), e.ActorID, e.Source, e.Action, e.Target, e.Detail)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// AuditQuery selects a part of a project's audit log.
type AuditQuery struct {
	Project   int64
	Text      string // in the name of the actor or the target, ignoring case; empty: all
	ActorID   string // entries of this actor; empty: of all
	Before    Cursor // the last entry of the previous page; zero: the newest entries
	Backwards bool   // the page is on the newer side of Before
	Limit     int
}

// AuditLine is an entry with its position in the log.
type AuditLine struct {
	monitor.AuditEntry
	Cursor Cursor
}

// AuditLog lists entries of a project's audit log, newest first.
func (tx *Tx) AuditLog(q AuditQuery) ([]AuditLine, error) {
	beyond, way := "<", "DESC"
	if q.Backwards {
		beyond, way = ">", "ASC"
	}
	lines, err := queryAll(tx, func(row scanner) (AuditLine, error) {
		var l AuditLine
		var at sql.NullInt64
		err := row.Scan(&l.Cursor.Value, &l.Project, &at, &l.Actor, &l.Kind, &l.ActorID, &l.Source, &l.Action, &l.Target, &l.Detail)
		l.At, l.Cursor.Key = timeFromMicros(at), at.Int64
		return l, err
	}, `SELECT id, project, at, actor, actor_kind, actor_id, source, action, target, detail FROM audit
		WHERE project = $1 AND ($2 = '' OR LOWER(actor) LIKE $2 ESCAPE '\' OR LOWER(target) LIKE $2 ESCAPE '\')
		AND ($3 = '' OR actor_id = $3)
		AND (CAST($4 AS BIGINT) = 0 OR (at, id) `+beyond+` ($4, $5)) ORDER BY at `+way+`, id `+way+` LIMIT $6`,
		q.Project, containsPattern(q.Text), q.ActorID, q.Before.Key, q.Before.Value, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	if q.Backwards {
		slices.Reverse(lines)
	}
	return lines, nil
}

// containsPattern returns the LIKE pattern of texts that contain the given one; empty
// matches all.
func containsPattern(text string) string {
	if text == "" {
		return ""
	}
	return "%" + escapeLike(strings.ToLower(text)) + "%"
}

// RecentAuditEntries lists up to n of the newest entries of a project's audit log,
// newest first.
func (tx *Tx) RecentAuditEntries(project int64, n int) ([]monitor.AuditEntry, error) {
	lines, err := tx.AuditLog(AuditQuery{Project: project, Limit: n})
	entries := make([]monitor.AuditEntry, 0, len(lines))
	for _, l := range lines {
		entries = append(entries, l.AuditEntry)
	}
	return entries, err
}

// AuditAction contains the last actor of an action, and the time.
type AuditAction struct {
	Actor string
	At    time.Time
}

// LastAuditActions returns the last time of an action on each of the targets, by
// target, as the audit log names them.
func (tx *Tx) LastAuditActions(project int64, action string, targets []string) (map[string]AuditAction, error) {
	actions := map[string]AuditAction{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var target string
		var d AuditAction
		var at sql.NullInt64
		err := row.Scan(&target, &d.Actor, &at)
		d.At = timeFromMicros(at)
		actions[target] = d
		return struct{}{}, err
	}, `SELECT a.target, a.actor, a.at FROM audit a
		WHERE a.project = $1 AND a.action = $2 AND `+tx.d.InList("a.target", "$3")+` ORDER BY a.at`, project, action, tx.d.TextList(targets))
	if err != nil {
		return nil, fmt.Errorf("last audit actions: %w", err)
	}
	return actions, nil
}
