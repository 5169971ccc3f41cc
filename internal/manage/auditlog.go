package manage

import (
	"context"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// AuditQuery says which part of the audit log is wanted.
type AuditQuery struct {
	Text string // in who did it or what it was done to; empty: all
	Page
}

// AuditLog lists who changed what in the actor's project, newest first.
func (d *Desk) AuditLog(ctx context.Context, a auth.Actor, q AuditQuery) (Listing[monitor.AuditEntry], error) {
	var listing Listing[monitor.AuditEntry]
	if err := may(a, auth.SeeAudit); err != nil {
		return listing, err
	}
	from, limit, err := q.place("audit")
	if err != nil {
		return listing, err
	}
	if !askable(q.Text) {
		return listing, nil // it occurs nowhere
	}
	var lines []store.AuditLine
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		lines, err = tx.AuditLog(store.AuditQuery{Project: a.Project.Key, Text: q.Text, Before: from, Limit: limit + 1})
		return err
	})
	if len(lines) > limit {
		lines = lines[:limit]
		listing.Next = place{"audit", lines[limit-1].Place}.String()
	}
	for _, l := range lines {
		listing.Items = append(listing.Items, l.AuditEntry)
	}
	return listing, err
}
