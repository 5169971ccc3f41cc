package manage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// maxNoteLength is in characters.
const maxNoteLength = 2000

// AcknowledgeIncident records that the actor handles the incident, which stops its
// reminders. An acknowledged incident stays unchanged; a resolved one is a Conflict.
func (svc *Service) AcknowledgeIncident(ctx context.Context, a auth.Actor, id string) (IncidentDetail, error) {
	return svc.updateIncident(ctx, a, id, func(tx *store.Tx, i monitor.Incident, now time.Time) (effects, error) {
		done, err := tx.AcknowledgeIncident(i, a.Name, now)
		if err != nil {
			return effects{}, err
		}
		if done {
			return effects{pending: true, changedHeartbeat: i.Heartbeat}, writeAudit(tx, a, now, auditEntry{action: "incident.acknowledge", target: incidentLabel(i)})
		}
		// It was already acknowledged, or resolved: read again which.
		if i, err = tx.Incident(a.Project.Key, i.ID); err == nil && i.State() == monitor.StateResolved {
			err = monitor.Faultf(monitor.Conflict, "", "Incident #%d is already resolved: only an open incident can be acknowledged.", i.Number)
		}
		return effects{}, err
	})
}

// SnoozeIncident stops the reminders of an open incident for a period. See [monitor.Incident.Snoozed].
func (svc *Service) SnoozeIncident(ctx context.Context, a auth.Actor, id string, q QuietPeriod) (IncidentDetail, error) {
	return svc.updateIncident(ctx, a, id, func(tx *store.Tx, i monitor.Incident, now time.Time) (effects, error) {
		end, err := q.End(now)
		if err == nil && end.IsZero() {
			err = monitor.Faultf(monitor.Invalid, "for", "Enter how long: for, such as 2h, or until, a time.")
		}
		if err != nil {
			return effects{}, err
		}
		done, err := tx.SnoozeIncident(i, a.Name, end, now)
		if err == nil && !done {
			err = monitor.Faultf(monitor.Conflict, "", "Incident #%d is acknowledged or resolved, so it has no reminders to snooze.", i.Number)
		}
		if err != nil {
			return effects{}, err
		}
		return effects{pending: true, changedHeartbeat: i.Heartbeat}, writeAudit(tx, a, now, auditEntry{"incident.snooze", incidentLabel(i), "until " + end.Format("2006-01-02 15:04:05 UTC")})
	})
}

// UnsnoozeIncident ends a snooze, and reminds the channels of the incident. An incident that is not snoozed
// stays unchanged.
func (svc *Service) UnsnoozeIncident(ctx context.Context, a auth.Actor, id string) (IncidentDetail, error) {
	return svc.updateIncident(ctx, a, id, func(tx *store.Tx, i monitor.Incident, now time.Time) (effects, error) {
		done, err := tx.UnsnoozeIncident(i, a.Name, now)
		if err != nil || !done {
			return effects{}, err
		}
		return effects{pending: true, changedHeartbeat: i.Heartbeat}, writeAudit(tx, a, now, auditEntry{action: "incident.unsnooze", target: incidentLabel(i)})
	})
}

// AddNote adds a note to the timeline of an incident, also after its resolution.
func (svc *Service) AddNote(ctx context.Context, a auth.Actor, id, text string, found monitor.Faults) (IncidentDetail, error) {
	return svc.updateIncident(ctx, a, id, func(tx *store.Tx, i monitor.Incident, now time.Time) (effects, error) {
		v := &validator{faults: slices.Clone(found)}
		text, fault := validateNote(text)
		if fault != nil {
			v.add(fault)
		}
		if err := v.err(); err != nil {
			return effects{}, err
		}
		n, err := tx.CountTimelineEntries(i.ID, "note")
		if err == nil && n >= maxNotes {
			err = limitReached("text", maxNotes, "notes on this incident", "Add further notes to the issue tracker of your team.")
		}
		if err != nil {
			return effects{}, err
		}
		return effects{changedHeartbeat: i.Heartbeat}, writeNote(tx, a, i, text, now)
	})
}

// validateNote returns the note as it is stored, or a fault.
func validateNote(text string) (string, *monitor.Fault) {
	text = strings.TrimSpace(text)
	switch {
	case text == "" || utf8.RuneCountInString(text) > maxNoteLength:
		return text, monitor.Faultf(monitor.Invalid, "text", "Enter a note of 1 to %d characters.", maxNoteLength)
	case !isPrintable(text, "\t\r\n"):
		return text, monitor.Faultf(monitor.Invalid, "text", "The note contains a control character: use plain text.")
	}
	return text, nil
}

// writeNote adds a note to the timeline and to the audit log.
func writeNote(tx *store.Tx, a auth.Actor, i monitor.Incident, text string, now time.Time) error {
	if err := tx.AddTimelineEntry(i.ID, "note", a.Name+": "+text, now); err != nil {
		return err
	}
	return writeAudit(tx, a, now, auditEntry{"incident.note", incidentLabel(i), shortenDiffValue(text)})
}

// incidentLabel names an incident in the audit log.
func incidentLabel(i monitor.Incident) string {
	return fmt.Sprintf("#%d of %s", i.Number, i.HeartbeatName)
}

// updateIncident runs a change of an incident and returns its new state.
func (svc *Service) updateIncident(ctx context.Context, a auth.Actor, id string, fn func(*store.Tx, monitor.Incident, time.Time) (effects, error)) (detail IncidentDetail, err error) {
	if err := authorize(a, auth.ChangeIncidents); err != nil {
		return detail, err
	}
	if !isSearchable(id) {
		return detail, notFound("incident")
	}
	now := svc.currentTime()
	err = svc.update(ctx, func(tx *store.Tx) (effects, error) {
		i, err := tx.Incident(a.Project.Key, id)
		if err != nil {
			return effects{}, err
		}
		s, err := fn(tx, i, now)
		if err != nil {
			return s, err
		}
		detail, err = readIncident(tx, a, id)
		return s, err
	})
	return detail, err
}
