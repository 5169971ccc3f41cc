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

// StaleEdit is the fault of an edit of a version that is no longer current.
type StaleEdit struct{ *monitor.Fault }

// Unwrap makes a Stale a fault.
func (s *StaleEdit) Unwrap() error { return s.Fault }

// checkVersion returns a fault if the current version is not one that the edit may
// replace. An edit without versions may replace any.
func checkVersion(now string, madeOn []string) error {
	if len(madeOn) == 0 || slices.Contains(madeOn, now) {
		return nil
	}
	return &StaleEdit{monitor.Faultf(monitor.Conflict, "", "Someone else changed this after you read it. Read it again, then repeat your change.")}
}

// versionLength is how many hexadecimal digits a version has.
const versionLength = 20

// HeartbeatVersion returns a digest of the settings of a heartbeat. It is the same
// for every reader, and pings do not change it.
func HeartbeatVersion(h monitor.Heartbeat) string {
	h.ID = "-" // viewers do not see it
	var all []string
	for _, m := range heartbeatSettings(monitor.Heartbeat{}, h) {
		all = append(all, m.name, m.after)
	}
	return digest(append(all, strconv.FormatBool(h.AllChannels)))
}

// ChannelVersion returns the number of edits of a channel. It is not a digest:
// settings contain secrets, and a short one could be guessed from its digest.
func ChannelVersion(c monitor.Channel) string { return strconv.FormatInt(c.Revision, 10) }

// ProjectVersion returns a digest of the settings of a project.
func ProjectVersion(p monitor.Project) string { return digest([]string{p.Name, p.Zone}) }

// digest returns a short digest of a list of texts.
func digest(texts []string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", texts))
	return hex.EncodeToString(sum[:])[:versionLength]
}

// AuditAuthor is who did something, and when.
type AuditAuthor = store.AuditAction

// LastChange returns the last change of a heartbeat, a channel, the project or a
// role, by action and target of the audit log, or the zero Deed if there is none.
func (d *Service) LastChange(ctx context.Context, a auth.Actor, action, target string) (deed AuditAuthor, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return deed, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		found, err := tx.LastAuditActions(a.Project.Key, action, []string{target})
		deed = found[target]
		return err
	})
	return deed, err
}

// The targets of the audit log.
func HeartbeatAuditTarget(h monitor.Heartbeat) string { return heartbeatLabel(h) }
func ChannelAuditTarget(c monitor.Channel) string     { return channelLabel(c) }
