package store

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"overdue/internal/monitor"
)

var incidentBatch = columnBatch{table: "incidents", columns: []column{
	{"id", "text"},
	{"number", "bigint"},
	{"project", "bigint"},
	{"heartbeat", "bigint"},
	{"cause", "text"},
	{"opened", "bigint"},
	{"detected", "bigint"},
	{"due", "bigint"},
	{"last_ping", "bigint"},
	{"because", "text"},
	{"ping", "bigint"},
	{"resolved", "bigint"},
	{"resolution", "text"},
	{"acknowledged_by", "text"},
}}

var timelineBatch = columnBatch{table: "timeline", columns: []column{
	{"id", "text"},
	{"incident", "text"},
	{"at", "bigint"},
	{"kind", "text"},
	{"text", "text"},
}}

// incidentColumns are in the order of scanIncident.
const incidentColumns = `i.id, i.number, i.project, i.heartbeat, i.cause, i.opened, i.detected, i.due, i.last_ping, i.because,
	i.ping, i.acknowledged, i.acknowledged_by, i.resolved, i.resolution, h.id, h.ref, h.name`

// scanIncident reads incidentColumns.
func scanIncident(row scanner) (monitor.Incident, error) {
	var i monitor.Incident
	var opened, detected, due, last, acknowledged, resolved sql.NullInt64
	err := row.Scan(&i.ID, &i.Number, &i.Project, &i.Heartbeat, &i.Cause, &opened, &detected, &due, &last, &i.Reason,
		&i.PingNumber, &acknowledged, &i.AcknowledgedBy, &resolved, &i.Resolution, &i.HeartbeatID, &i.HeartbeatRef, &i.HeartbeatName)
	i.OpenedAt, i.DetectedAt, i.Due, i.LastPing = timeFromMicros(opened), timeFromMicros(detected), timeFromMicros(due), timeFromMicros(last)
	i.AcknowledgedAt, i.ResolvedAt = timeFromMicros(acknowledged), timeFromMicros(resolved)
	return i, err
}

// Incident returns the one with the given id, in a project.
func (tx *Tx) Incident(project int64, id string) (monitor.Incident, error) {
	i, found, err := queryOne(tx, scanIncident, `SELECT `+incidentColumns+` FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
		WHERE i.id = $1 AND i.project = $2`, id, project)
	if err == nil && !found {
		err = notFound("incident")
	}
	return i, err
}

// IncidentFilter says which incidents are listed, and from where on.
type IncidentFilter struct {
	Project   int64
	State     monitor.IncidentState // any when empty
	Heartbeat int64                 // of any when 0
	Before    int64                 // number of the last one of the page before, 0 to begin
	Limit     int
}

// Incidents lists a page, newest first.
func (tx *Tx) Incidents(f IncidentFilter) ([]monitor.Incident, error) {
	where, args := []string{"i.project = $1"}, []any{f.Project}
	add := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	switch f.State {
	case monitor.StateOpen:
		where = append(where, "i.resolved IS NULL AND i.acknowledged IS NULL")
	case monitor.StateAcknowledged:
		where = append(where, "i.resolved IS NULL AND i.acknowledged IS NOT NULL")
	case monitor.StateResolved:
		where = append(where, "i.resolved IS NOT NULL")
	}
	if f.Heartbeat > 0 {
		add("i.heartbeat = $%d", f.Heartbeat)
	}
	if f.Before > 0 {
		add("i.number < $%d", f.Before)
	}
	args = append(args, f.Limit)
	return queryAll(tx, scanIncident, fmt.Sprintf(`SELECT %s FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
		WHERE %s ORDER BY i.number DESC LIMIT $%d`, incidentColumns, strings.Join(where, " AND "), len(args)), args...)
}

// CountOpenIncidents counts the incidents that are not resolved.
func (tx *Tx) CountOpenIncidents() (int64, error) {
	n, _, err := queryOne(tx, func(row scanner) (n int64, err error) { return n, row.Scan(&n) },
		`SELECT COUNT(*) FROM incidents WHERE resolved IS NULL`)
	return n, err
}

// AcknowledgeIncident notes that somebody takes care of an incident, stops its
// reminders, and owes "acknowledged" to the channels that were told of it. It
// reports false when somebody did so before, or the incident is resolved.
func (tx *Tx) AcknowledgeIncident(i monitor.Incident, by string, now time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE incidents SET acknowledged = $2, acknowledged_by = $3
		WHERE id = $1 AND acknowledged IS NULL AND resolved IS NULL`, i.ID, micros(now), by)
	if err != nil {
		return false, fmt.Errorf("acknowledge incident: %w", err)
	}
	if n == 0 {
		return false, nil
	}
	if err := tx.deleteUnsentReminders(i.ID); err != nil {
		return false, err
	}
	if err := tx.AddTimelineEntry(i.ID, "acknowledged", "Acknowledged by "+by+".", now); err != nil {
		return false, err
	}
	told, err := tx.notifiedChannels(i.ID)
	if err != nil {
		return false, err
	}
	var rows [][]any
	for _, channel := range told {
		a := monitor.Alert{
			Project: i.Project, Channel: channel, Event: monitor.IncidentAcknowledged, Heartbeat: i.Heartbeat,
			Incident: i.ID, IncidentNumber: i.Number, Subject: by, Created: now, NextAttempt: now,
		}
		a.ID = alertID(a, 0)
		rows = append(rows, alertRow(a))
	}
	return true, tx.insertBatch(&alertBatch, rows)
}

// notifiedChannels lists the channels, of those that still exist, that were owed the
// opening of an incident. It is never nil.
func (tx *Tx) notifiedChannels(incident string) ([]string, error) {
	channels, err := queryAll(tx, func(row scanner) (c string, err error) { return c, row.Scan(&c) },
		`SELECT a.channel FROM alerts a JOIN channels c ON c.id = a.channel AND c.deleted IS NULL
		WHERE a.incident = $1 AND a.event = $2 AND a.parent IS NULL ORDER BY a.channel`, incident, string(monitor.IncidentOpened))
	if err != nil {
		return nil, fmt.Errorf("channels that were told: %w", err)
	}
	if channels == nil {
		channels = []string{}
	}
	return channels, nil
}

// AddTimelineEntry adds a line to an incident's timeline.
func (tx *Tx) AddTimelineEntry(incident, kind, sentence string, now time.Time) error {
	err := tx.insertBatch(&timelineBatch, [][]any{{newID(), incident, now.UnixMicro(), kind, validText(sentence)}})
	if err != nil {
		return fmt.Errorf("add to timeline: %w", err)
	}
	return nil
}

// CountTimelineEntries counts the entries of a kind in an incident's timeline.
func (tx *Tx) CountTimelineEntries(incident, kind string) (n int, err error) {
	n, _, err = queryOne(tx, func(row scanner) (n int, err error) { return n, row.Scan(&n) },
		`SELECT COUNT(*) FROM timeline WHERE incident = $1 AND kind = $2`, incident, kind)
	return n, err
}

// resolutionTexts say in a timeline how an incident was resolved.
var resolutionTexts = map[monitor.ResolutionReason]struct{ kind, sentence string }{
	monitor.ResolvedByPing:   {"recovered", "Recovered: a success ping came."},
	monitor.ResolvedByEdit:   {"resolved", "Resolved: its settings were edited, and under the new ones it is not down."},
	monitor.ResolvedByPause:  {"resolved", "Resolved: the heartbeat was paused."},
	monitor.ResolvedByDelete: {"resolved", "Resolved: the heartbeat was deleted."},
}

// Timeline lists what happened in an incident, oldest first. How it began and
// ended is read from the incident itself. The attempts to tell people are in
// Deliveries.
func (tx *Tx) Timeline(i monitor.Incident) ([]monitor.TimelineEntry, error) {
	var all []monitor.TimelineEntry
	if i.Cause == monitor.CauseMissed && !i.Due.IsZero() {
		all = append(all,
			monitor.TimelineEntry{At: i.Due, Kind: "due", Text: "A ping was expected by now."},
			monitor.TimelineEntry{At: i.Due, Kind: "late", Text: "Late: the grace period began."})
	}
	all = append(all, monitor.TimelineEntry{At: i.OpenedAt, Kind: "opened", Text: i.Reason})
	noted, err := queryAll(tx, func(row scanner) (monitor.TimelineEntry, error) {
		var e monitor.TimelineEntry
		var at sql.NullInt64
		err := row.Scan(&at, &e.Kind, &e.Text)
		e.At = timeFromMicros(at)
		return e, err
	}, `SELECT at, kind, text FROM timeline WHERE incident = $1 ORDER BY at, id`, i.ID)
	if err != nil {
		return nil, err
	}
	all = append(all, noted...)
	if !i.ResolvedAt.IsZero() {
		end := resolutionTexts[i.Resolution]
		all = append(all, monitor.TimelineEntry{At: i.ResolvedAt, Kind: end.kind, Text: end.sentence})
	}
	slices.SortStableFunc(all, func(a, b monitor.TimelineEntry) int { return a.At.Compare(b.At) })
	return all, nil
}
