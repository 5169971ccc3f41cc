package manage

import (
	"context"
	"slices"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/safetext"
	"overdue/internal/schedule"
	"overdue/internal/store"
)

// ChangeHeartbeat sets the values of the edit. A new schedule is evaluated at once.
func (svc *Service) ChangeHeartbeat(ctx context.Context, a auth.Actor, idOrRef string, e HeartbeatEdit) (monitor.Heartbeat, error) {
	return svc.updateHeartbeat(ctx, a, idOrRef, func(tx *store.Tx, h monitor.Heartbeat, now changeTime) (monitor.Heartbeat, effects, error) {
		return applyEdit(tx, a, h, e, now)
	})
}

// clockSnapshot is the time at which a change began, and the watermark of this node at that
// time.
type clockSnapshot struct {
	now       time.Time
	watermark func(id string) time.Time
}

// takeSnapshot reads the clock. It must run before the transaction begins: the transaction
// then sees every ping that is no longer in flight.
func (svc *Service) takeSnapshot() clockSnapshot {
	now, until := svc.snapshot()
	return clockSnapshot{now, until}
}

// changeTime is the time of a change.
type changeTime struct {
	at time.Time
	// watermark is the time up to which a heartbeat can be evaluated: every earlier ping
	// for it, on any node, is stored.
	watermark func(id string) time.Time
}

// withPeers adds the watermarks of the other nodes.
func (r clockSnapshot) withPeers(tx *store.Tx) (changeTime, error) {
	peers, err := tx.Peers(r.now)
	return changeTime{r.now, func(id string) time.Time { return peers.Watermark(id, r.watermark(id)) }}, err
}

// heartbeatChange changes one locked heartbeat.
type heartbeatChange func(tx *store.Tx, h monitor.Heartbeat, now changeTime) (monitor.Heartbeat, effects, error)

// updateHeartbeat runs a change of one heartbeat.
func (svc *Service) updateHeartbeat(ctx context.Context, a auth.Actor, idOrRef string, fn heartbeatChange) (h monitor.Heartbeat, err error) {
	if err := authorize(a, auth.ChangeHeartbeats); err != nil {
		return h, err
	}
	cut := svc.takeSnapshot()
	err = svc.update(ctx, func(tx *store.Tx) (s effects, err error) {
		now, err := cut.withPeers(tx)
		if err != nil {
			return s, err
		}
		found, err := findHeartbeat(tx, a, idOrRef)
		if err != nil {
			return s, err
		}
		// Read it again, locked: it may have been pinged or deleted since.
		if found, err = tx.HeartbeatForUpdate(a.Project.Key, found.ID); err != nil {
			return s, err
		}
		h, s, err = fn(tx, found, now)
		return s, err
	})
	return h, err
}

// applyEdit applies an edit to a locked heartbeat.
func applyEdit(tx *store.Tx, a auth.Actor, h monitor.Heartbeat, e HeartbeatEdit, now changeTime) (monitor.Heartbeat, effects, error) {
	if err := checkVersion(HeartbeatVersion(h), e.IfVersion); err != nil {
		return h, effects{}, err
	}
	in, err := newEditContext(tx, a, e, now.at)
	if err != nil {
		return h, effects{}, err
	}
	wanted, f := e.apply(h, in)
	if err := f.err(); err != nil {
		return h, effects{}, err
	}
	if wanted.Slug != h.Slug {
		if err := requireSlugAvailable(tx, h.Project, wanted.Slug); err != nil {
			return h, effects{}, err
		}
	}
	diff := heartbeatDiff(h, wanted, in.channels)
	if diff == "" {
		return h, effects{}, nil
	}
	wanted.Updated = now.at
	rule := wanted.Rule
	wanted.Rule = h.Rule
	s := effects{changedHeartbeat: h.Key}
	if !rule.Equal(h.Rule) {
		// edited already has the new channels: alerts of the new rule go there.
		amended, change := wanted.ChangeRule(rule, now.at, now.watermark(h.ID))
		if wanted, s, err = saveChange(tx, amended, change, now.at); err != nil {
			return h, s, err
		}
	}
	if err := tx.SaveHeartbeatSettings(wanted); err != nil {
		return h, s, err
	}
	if wanted.FlappingAlerts != h.FlappingAlerts {
		if err := tx.ReleaseHeld(wanted, now.at); err != nil {
			return h, s, err
		}
		s.pending = true
	}
	if wanted, s, err = planHeartbeat(tx, wanted, s, now); err != nil {
		return h, s, err
	}
	return wanted, s, writeAudit(tx, a, now.at, auditEntry{"heartbeat.change", heartbeatLabel(wanted), diff})
}

// saveChange saves the transition of a heartbeat. The result contains the incident that it
// opened, if any.
func saveChange(tx *store.Tx, h monitor.Heartbeat, change monitor.Change, now time.Time) (monitor.Heartbeat, effects, error) {
	owed, err := tx.Save(now, []store.Transition{{Heartbeat: h, Change: change}})
	s := effects{nextDue: h.EvaluationDue(), pending: owed > 0, changedHeartbeat: h.Key}
	if err == nil && change.Opened != nil {
		var saved monitor.Heartbeat
		saved, err = tx.HeartbeatByKey(h.Key)
		h.OpenIncident = saved.OpenIncident
	}
	return h, s, err
}

// PauseHeartbeat stops the evaluation of a heartbeat. A paused heartbeat stays unchanged.
func (svc *Service) PauseHeartbeat(ctx context.Context, a auth.Actor, idOrRef string) (monitor.Heartbeat, error) {
	return svc.updateHeartbeat(ctx, a, idOrRef, func(tx *store.Tx, h monitor.Heartbeat, now changeTime) (monitor.Heartbeat, effects, error) {
		if h.Status == monitor.Paused {
			return h, effects{}, nil
		}
		h, change := h.Pause(now.at, now.watermark(h.ID))
		h, s, err := saveChange(tx, h, change, now.at)
		if err != nil {
			return h, s, err
		}
		return h, s, writeAudit(tx, a, now.at, auditEntry{action: "heartbeat.pause", target: heartbeatLabel(h)})
	})
}

// ResumeHeartbeat starts the evaluation again, counted from now. A heartbeat that is not
// paused stays unchanged.
func (svc *Service) ResumeHeartbeat(ctx context.Context, a auth.Actor, idOrRef string) (monitor.Heartbeat, error) {
	return svc.updateHeartbeat(ctx, a, idOrRef, func(tx *store.Tx, h monitor.Heartbeat, now changeTime) (monitor.Heartbeat, effects, error) {
		if h.Status != monitor.Paused {
			return h, effects{}, nil
		}
		h, s, err := saveChange(tx, h.Resume(now.at), monitor.Change{}, now.at)
		if err != nil {
			return h, s, err
		}
		return h, s, writeAudit(tx, a, now.at, auditEntry{action: "heartbeat.resume", target: heartbeatLabel(h)})
	})
}

// MuteHeartbeat stops the alerts of a heartbeat for a period, or until it is unmuted. It is evaluated as
// always: see [monitor.Heartbeat.Muted].
func (svc *Service) MuteHeartbeat(ctx context.Context, a auth.Actor, idOrRef string, q QuietPeriod) (monitor.Heartbeat, error) {
	return svc.updateHeartbeat(ctx, a, idOrRef, func(tx *store.Tx, h monitor.Heartbeat, now changeTime) (monitor.Heartbeat, effects, error) {
		end, err := q.End(now.at)
		if err != nil {
			return h, effects{}, err
		}
		if end.IsZero() {
			end = monitor.MutedUntilUnmuted
		}
		if h.MutedUntil.Equal(end) {
			return h, effects{}, nil
		}
		h.MutedUntil = end
		return saveMute(tx, a, h, now.at, auditEntry{"heartbeat.mute", heartbeatLabel(h), muteText(h)}, "Alerts muted by "+a.Name+" "+muteText(h)+".")
	})
}

// UnmuteHeartbeat ends a mute. The opening of an open incident that the mute held back is sent at once. A
// heartbeat that is not muted stays unchanged.
func (svc *Service) UnmuteHeartbeat(ctx context.Context, a auth.Actor, idOrRef string) (monitor.Heartbeat, error) {
	return svc.updateHeartbeat(ctx, a, idOrRef, func(tx *store.Tx, h monitor.Heartbeat, now changeTime) (monitor.Heartbeat, effects, error) {
		if !h.Muted(now.at) {
			return h, effects{}, nil
		}
		h.MutedUntil = time.Time{}
		return saveMute(tx, a, h, now.at, auditEntry{action: "heartbeat.unmute", target: heartbeatLabel(h)}, "Alerts unmuted by "+a.Name+".")
	})
}

// saveMute saves the mute of a heartbeat, with an entry in the audit log and one on the timeline of its
// open incident.
func saveMute(tx *store.Tx, a auth.Actor, h monitor.Heartbeat, now time.Time, audit auditEntry, entry string) (monitor.Heartbeat, effects, error) {
	s := effects{changedHeartbeat: h.Key, pending: true}
	if err := tx.SaveMute(h, now); err != nil {
		return h, s, err
	}
	if h.OpenIncident != "" {
		if err := tx.AddTimelineEntry(h.OpenIncident, "muted", entry, now); err != nil {
			return h, s, err
		}
	}
	return h, s, writeAudit(tx, a, now, audit)
}

// muteText returns the end of a mute in words.
func muteText(h monitor.Heartbeat) string {
	if h.MutedUntil.Equal(monitor.MutedUntilUnmuted) {
		return "until someone unmutes them"
	}
	return "until " + h.MutedUntil.UTC().Format("2006-01-02 15:04:05 UTC")
}

// settingChange is one setting before and after a change, as text.
type settingChange struct{ name, before, after string }

// heartbeatDiff describes the changed settings of a heartbeat for the audit log. It is
// empty if nothing changed. channels has the channels that the heartbeat can name.
func heartbeatDiff(before, after monitor.Heartbeat, channels []monitor.Channel) string {
	return formatDiff(heartbeatSettings(withChannelNames(before, channels), withChannelNames(after, channels)))
}

// heartbeatSummary describes the settings of a new heartbeat for the audit log.
func heartbeatSummary(h monitor.Heartbeat, channels []monitor.Channel) string {
	var parts []string
	for _, m := range heartbeatSettings(monitor.Heartbeat{}, withChannelNames(h, channels)) {
		if m.before != m.after {
			parts = append(parts, m.name+": "+shortenDiffValue(m.after))
		}
	}
	return strings.Join(parts, "; ")
}

// withChannelNames returns h with the names of its channels instead of their ids.
func withChannelNames(h monitor.Heartbeat, channels []monitor.Channel) monitor.Heartbeat {
	names := make([]string, len(h.Channels))
	for i, id := range h.Channels {
		names[i] = id
		if n := slices.IndexFunc(channels, func(c monitor.Channel) bool { return c.ID == id }); n >= 0 {
			names[i] = channels[n].Name
		}
	}
	h.Channels = names
	return h
}

// maxDiffValue is the maximum length of one value in the audit log, in characters.
const maxDiffValue = 100

// formatDiff formats the values that differ.
func formatDiff(members []settingChange) string {
	var parts []string
	for _, m := range members {
		if m.before != m.after {
			parts = append(parts, m.name+": "+shortenDiffValue(m.before)+" → "+shortenDiffValue(m.after))
		}
	}
	return strings.Join(parts, "; ")
}

// shortenDiffValue shortens a long value, and shows a dash for an empty one.
func shortenDiffValue(text string) string {
	if text == "" {
		return "–"
	}
	return safetext.Shorten(text, maxDiffValue)
}

// formatDuration formats a duration, empty for 0.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return schedule.FormatDuration(d)
}

// formatGrace formats the grace period, which is 0 if pings must not be late.
func formatGrace(h monitor.Heartbeat) string {
	if h.ID == "" {
		return ""
	}
	return schedule.FormatDuration(h.Rule.Grace)
}

// formatCalendar formats the lines of a calendar of the given kind.
func formatCalendar(h monitor.Heartbeat, kind monitor.CalendarKind) string {
	if c := h.Rule.Calendar; c != nil && c.Kind() == kind {
		return strings.Join(c.Lines(), "; ")
	}
	return ""
}

// formatZone returns the time zone of a calendar.
func formatZone(h monitor.Heartbeat) string {
	if c := h.Rule.Calendar; c != nil {
		return c.Zone()
	}
	return ""
}

// formatEarly formats the early window, empty for the default.
func formatEarly(h monitor.Heartbeat) string {
	if h.ID == "" || h.Rule.Early < 0 {
		return ""
	}
	return schedule.FormatDuration(h.Rule.Early)
}

// formatTime formats a time, empty for the zero time.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// formatChannels lists the channels of a heartbeat.
func formatChannels(h monitor.Heartbeat) string {
	if h.AllChannels {
		return "all"
	}
	return strings.Join(h.Channels, ", ")
}
