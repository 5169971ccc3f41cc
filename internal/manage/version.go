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

// Stale is the fault of an edit that was made on a version that is no longer the
// newest.
type Stale struct{ *monitor.Fault }

// Unwrap makes a Stale a fault.
func (s *Stale) Unwrap() error { return s.Fault }

// stale returns a fault unless the present version is one of those that an edit
// was made on. An edit without versions takes any.
func stale(now string, madeOn []string) error {
	if len(madeOn) == 0 || slices.Contains(madeOn, now) {
		return nil
	}
	return &Stale{monitor.Wrong(monitor.Conflict, "", "Someone else changed this after you read it. Read it again, then repeat your change.")}
}

// versionLength is how many hexadecimal digits a version has.
const versionLength = 20

// HeartbeatVersion is a digest of what people can set of a heartbeat. It is the
// same for everybody who may see it, and no ping changes it.
func HeartbeatVersion(h monitor.Heartbeat) string {
	h.ID = "-" // viewers do not see it
	var all []string
	for _, m := range heartbeatMembers(monitor.Heartbeat{}, h) {
		all = append(all, m.name, m.after)
	}
	return digest(append(all, strconv.FormatBool(h.AllChannels)))
}

// ChannelVersion counts the edits of a channel. It is no digest: settings hold
// secrets, and a digest of a short one could be guessed.
func ChannelVersion(c monitor.Channel) string { return strconv.FormatInt(c.Revision, 10) }

// ProjectVersion is a digest of what people can set of a project.
func ProjectVersion(p monitor.Project) string { return digest([]string{p.Name, p.Zone}) }

// digest is a short digest of a list of texts.
func digest(texts []string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", texts))
	return hex.EncodeToString(sum[:])[:versionLength]
}

// Deed is who did something, and when.
type Deed = store.Deed

// LastChange tells who changed a heartbeat, a channel, the project or a role last,
// by the action and the target of the audit log. It is zero when nobody did.
func (d *Desk) LastChange(ctx context.Context, a auth.Actor, action, target string) (deed Deed, err error) {
	if err := may(a, auth.Read); err != nil {
		return deed, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		found, err := tx.LastDeeds(a.Project.Key, action, []string{target})
		deed = found[target]
		return err
	})
	return deed, err
}

// The targets of the audit log.
func HeartbeatTarget(h monitor.Heartbeat) string { return called(h) }
func ChannelTarget(c monitor.Channel) string     { return describe(c) }
