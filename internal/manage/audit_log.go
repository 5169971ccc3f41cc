package manage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// AuditQuery selects a page of the audit log.
type AuditQuery struct {
	Text    string // part of the actor or the target; empty: all
	ActorID string // actions of this person, key or link; empty: all
	PageQuery
	Backwards bool // the cursor is Prev of another page
}

// AuditPage is one page of the audit log.
type AuditPage struct {
	ListPage[monitor.AuditEntry]
	Prev string // cursor of the newer page, for a query with Backwards; empty on the first
}

// AuditLog lists the audit log of the actor's project, newest first.
func (svc *Service) AuditLog(ctx context.Context, a auth.Actor, q AuditQuery) (page AuditPage, err error) {
	if err := authorize(a, auth.SeeAudit); err != nil {
		return page, err
	}
	from, limit, err := q.position("audit")
	if err != nil {
		return page, err
	}
	if !isSearchable(q.Text) || !isSearchable(q.ActorID) {
		return page, nil // no row contains it
	}
	back := q.Backwards && from.Key > 0
	var lines []store.AuditLine
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
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

// StaleEdit is the fault of an edit of an outdated version.
type StaleEdit struct{ *monitor.Fault }

// Unwrap returns the fault.
func (s *StaleEdit) Unwrap() error { return s.Fault }

// checkVersion returns a fault if the edit may not replace the current version.
func checkVersion(now string, madeOn []string) error {
	if len(madeOn) == 0 || slices.Contains(madeOn, now) {
		return nil
	}
	return &StaleEdit{monitor.Faultf(monitor.Conflict, "", "Another user changed this after you read it. Reload it, then repeat your change.")}
}

// versionLength is the number of hexadecimal digits of a version.
const versionLength = 20

// HeartbeatVersion returns a digest of the settings of a heartbeat. It is the same for
// every reader, and pings do not change it.
func HeartbeatVersion(h monitor.Heartbeat) string {
	h.ID = "-" // viewers cannot see it
	var all []string
	for _, m := range heartbeatSettings(monitor.Heartbeat{}, h) {
		all = append(all, m.name, m.after)
	}
	return digest(append(all, strconv.FormatBool(h.AllChannels)))
}

// ChannelVersion returns the number of edits of a channel. It is not a digest: settings
// contain secrets, and a short secret could be guessed from its digest.
func ChannelVersion(c monitor.Channel) string { return strconv.FormatInt(c.Revision, 10) }

// ProjectVersion returns a digest of the settings of a project.
func ProjectVersion(p monitor.Project) string { return digest([]string{p.Name, p.Zone}) }

// digest returns a short digest of a list of texts.
func digest(texts []string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", texts))
	return hex.EncodeToString(sum[:])[:versionLength]
}

// AuditAuthor is the author and the time of an action.
type AuditAuthor = store.AuditAction

// LastChange returns the last change of an object by action and target of the audit log, or
// the zero AuditAction if there is none.
func (svc *Service) LastChange(ctx context.Context, a auth.Actor, action, target string) (deed AuditAuthor, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return deed, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) error {
		found, err := tx.LastAuditActions(a.Project.Key, action, []string{target})
		deed = found[target]
		return err
	})
	return deed, err
}

// HeartbeatAuditTarget returns the name of a heartbeat in the audit log.
func HeartbeatAuditTarget(h monitor.Heartbeat) string { return heartbeatLabel(h) }

// ChannelAuditTarget returns the name of a channel in the audit log.
func ChannelAuditTarget(c monitor.Channel) string { return channelLabel(c) }
