package manage

import (
	"context"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// AuditQuery says which part of the audit log is wanted.
type AuditQuery struct {
	Text    string // in who did it or what it was done to; empty: all
	ActorID string // only what this person, key or link did; empty: all
	PageQuery
	Backwards bool // the cursor is Newer of another page
}

// AuditPage is one page of the audit log.
type AuditPage struct {
	ListPage[monitor.AuditEntry]
	Prev string // cursor of the page before, to be asked for with Back; empty on the first
}

// AuditLog lists who changed what in the actor's project, newest first.
func (d *Service) AuditLog(ctx context.Context, a auth.Actor, q AuditQuery) (page AuditPage, err error) {
	if err := authorize(a, auth.SeeAudit); err != nil {
		return page, err
	}
	from, limit, err := q.position("audit")
	if err != nil {
		return page, err
	}
	if !isSearchable(q.Text) || !isSearchable(q.ActorID) {
		return page, nil // it occurs nowhere
	}
	back := q.Backwards && from.Key > 0
	var lines []store.AuditLine
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		lines, err = tx.AuditLog(store.AuditQuery{Project: a.Project.Key, Text: q.Text, ActorID: q.ActorID, Before: from, Backwards: back, Limit: limit + 1})
		return err
	})
	more := len(lines) > limit
	switch {
	case more && back:
		lines = lines[1:]
	case more:
		lines = lines[:limit]
	}
	if n := len(lines); n > 0 && (more || back) {
		page.Next = listCursor{"audit", lines[n-1].Cursor}.String()
	}
	if len(lines) > 0 && (back && more || !back && from.Key > 0) {
		page.Prev = listCursor{"audit", lines[0].Cursor}.String()
	}
	for _, l := range lines {
		page.Items = append(page.Items, l.AuditEntry)
	}
	return page, err
}
