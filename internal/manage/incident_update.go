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

// IncidentQuery says which incidents are listed. Empty members do not filter.
type IncidentQuery struct {
	State     string
	Heartbeat string // id or ref
	PageQuery
}

// IncidentDetail is an incident with all that happened and who was told.
type IncidentDetail struct {
	monitor.Incident
	Timeline   []monitor.TimelineEntry // with the attempts at telling, oldest first
	Deliveries []store.Delivery
}

// Incidents lists the incidents of the actor's project, newest first.
func (d *Service) Incidents(ctx context.Context, a auth.Actor, q IncidentQuery) (ListPage[monitor.Incident], error) {
	var listing ListPage[monitor.Incident]
	if err := authorize(a, auth.Read); err != nil {
		return listing, err
	}
	state := monitor.IncidentState(q.State)
	if state != "" && !slices.Contains([]monitor.IncidentState{monitor.StateOpen, monitor.StateAcknowledged, monitor.StateResolved}, state) {
		return listing, monitor.Faultf(monitor.Invalid, "state", "There is no state %q: ask for open, acknowledged or resolved.", q.State)
	}
	from, limit, err := q.position("incidents")
	if err != nil {
		return listing, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		filter := store.IncidentFilter{Project: a.Project.Key, State: state, Before: from.Key, Limit: limit + 1}
		if q.Heartbeat != "" {
			h, err := findHeartbeat(tx, a, q.Heartbeat)
			if err != nil {
				return missingToFieldFault(err, "heartbeat")
			}
			filter.Heartbeat = h.Key
		}
		items, err := tx.Incidents(filter)
		if err != nil {
			return err
		}
		listing = paginate(items, limit, "incidents", func(i monitor.Incident) int64 { return i.Number })
		return redactIncidents(tx, a, listing.Items)
	})
	return listing, err
}

// Incident returns one with its timeline.
func (d *Service) Incident(ctx context.Context, a auth.Actor, id string) (detail IncidentDetail, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return detail, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		detail, err = readIncident(tx, a, id)
		return err
	})
	return detail, err
}

// readIncident reads one with its timeline.
func readIncident(tx *store.Tx, a auth.Actor, id string) (IncidentDetail, error) {
	var detail IncidentDetail
	if !isSearchable(id) {
		return detail, notFound("incident")
	}
	i, err := tx.Incident(a.Project.Key, id)
	if err != nil {
		return detail, err
	}
	if detail.Incident, err = redactIncident(tx, a, i); err != nil {
		return detail, err
	}
	if detail.Timeline, err = tx.Timeline(i); err != nil {
		return detail, err
	}
	if detail.Deliveries, err = tx.Deliveries(id); err != nil {
		return detail, err
	}
	if err := redactTimeline(tx, a, i.HeartbeatID, detail.Timeline, detail.Deliveries); err != nil {
		return detail, err
	}
	names, err := tx.ChannelNames(a.Project.Key)
	if err != nil {
		return detail, err
	}
	for _, delivery := range detail.Deliveries {
		for _, try := range delivery.AttemptLog {
			detail.Timeline = append(detail.Timeline, monitor.TimelineEntry{
				At: try.At, Kind: "delivery", Text: describeAttempt(names[delivery.Channel], delivery.Event, try),
			})
		}
	}
	slices.SortStableFunc(detail.Timeline, func(a, b monitor.TimelineEntry) int { return a.At.Compare(b.At) })
	return detail, nil
}

// describeAttempt tells how one attempt at a delivery went.
func describeAttempt(channel string, event monitor.Event, try store.Attempt) string {
	verdict := map[string]string{
		"sent":    "was told",
		"retry":   "could not be told, and is tried again",
		"refused": "refused",
	}[try.Outcome]
	text := fmt.Sprintf("“%s” %s (%s)", channel, verdict, event)
	if try.Status != 0 {
		text += fmt.Sprintf(", status %d", try.Status)
	}
	if try.Detail != "" {
		text += ": " + try.Detail
	}
	return text
}

// AcknowledgeIncident notes that the actor takes care of it, which stops its
// reminders. Doing so again changes nothing; a resolved one needs nobody.
func (d *Service) AcknowledgeIncident(ctx context.Context, a auth.Actor, id string) (IncidentDetail, error) {
	return d.updateIncident(ctx, a, id, func(tx *store.Tx, i monitor.Incident, now time.Time) (effects, error) {
		done, err := tx.AcknowledgeIncident(i, a.Name, now)
		if err != nil {
			return effects{}, err
		}
		if done {
			return effects{pending: true, changedHeartbeat: i.Heartbeat}, writeAudit(tx, a, now, auditEntry{action: "incident.acknowledge", target: incidentLabel(i)})
		}
		// Somebody was first, or it is over: read again which.
		if i, err = tx.Incident(a.Project.Key, i.ID); err == nil && i.State() == monitor.StateResolved {
			err = monitor.Faultf(monitor.Conflict, "", "Incident #%d is resolved already: there is nothing to acknowledge.", i.Number)
		}
		return effects{}, err
	})
}

// AddNote writes a note on an incident's timeline, also after its end.
func (d *Service) AddNote(ctx context.Context, a auth.Actor, id, text string, found monitor.Faults) (IncidentDetail, error) {
	return d.updateIncident(ctx, a, id, func(tx *store.Tx, i monitor.Incident, now time.Time) (effects, error) {
		f := &validator{faults: slices.Clone(found)}
		text, fault := validateNote(text)
		if fault != nil {
			f.add(fault)
		}
		if err := f.err(); err != nil {
			return effects{}, err
		}
		n, err := tx.CountTimelineEntries(i.ID, "note")
		if err == nil && n >= maxNotes {
			err = limitReached("text", maxNotes, "notes on this incident", "Write the next one where your team keeps longer texts.")
		}
		if err != nil {
			return effects{}, err
		}
		return effects{changedHeartbeat: i.Heartbeat}, writeNote(tx, a, i, text, now)
	})
}

// validateNote returns a validated note, or a fault.
func validateNote(text string) (string, *monitor.Fault) {
	text = strings.TrimSpace(text)
	switch {
	case text == "" || utf8.RuneCountInString(text) > maxNoteLength:
		return text, monitor.Faultf(monitor.Invalid, "text", "Write a note of 1 to %d characters.", maxNoteLength)
	case !isPrintable(text, "\t\r\n"):
		return text, monitor.Faultf(monitor.Invalid, "text", "A note must not contain control characters: write plain text.")
	}
	return text, nil
}

// writeNote writes a note on the timeline of an incident.
func writeNote(tx *store.Tx, a auth.Actor, i monitor.Incident, text string, now time.Time) error {
	if err := tx.AddTimelineEntry(i.ID, "note", a.Name+": "+text, now); err != nil {
		return err
	}
	return writeAudit(tx, a, now, auditEntry{"incident.note", incidentLabel(i), shortenDiffValue(text)})
}

// incidentLabel names an incident as people do.
func incidentLabel(i monitor.Incident) string {
	return fmt.Sprintf("#%d of %s", i.Number, i.HeartbeatName)
}

// updateIncident runs a change of one incident, and returns it as it then is.
func (d *Service) updateIncident(ctx context.Context, a auth.Actor, id string, fn func(*store.Tx, monitor.Incident, time.Time) (effects, error)) (detail IncidentDetail, err error) {
	if err := authorize(a, auth.ChangeIncidents); err != nil {
		return detail, err
	}
	if !isSearchable(id) {
		return detail, notFound("incident")
	}
	now := currentTime()
	err = d.update(ctx, func(tx *store.Tx) (effects, error) {
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
