package store

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
	"overdue/internal/store/listindex"
)

var incidentBatch = dialect.Batch{Table: "incidents", Columns: dialect.Columns(`
	id text, number bigint, project bigint, heartbeat bigint, cause text, opened bigint,
	detected bigint, due bigint, last_ping bigint, because text, ping bigint, resolved bigint,
	resolution text, acknowledged_by text, host text`)}

var timelineBatch = dialect.Batch{Table: "timeline", Columns: dialect.Columns(`
	id text, incident text, at bigint, kind text, text text`)}

// incidentColumns are in the order of scanIncident.
const incidentColumns = `i.id, i.number, i.project, i.heartbeat, i.cause, i.opened, i.detected, i.due, i.last_ping, i.because,
	i.ping, i.host, i.acknowledged, i.acknowledged_by, i.snoozed_until, i.resolved, i.resolution, i.group_number, h.id, h.ref, h.name, h.severity`

// scanIncident reads incidentColumns.
func scanIncident(row scanner) (monitor.Incident, error) {
	var i monitor.Incident
	var opened, detected, due, last, acknowledged, snoozed, resolved, group sql.NullInt64
	var host sql.NullString
	err := row.Scan(&i.ID, &i.Number, &i.Project, &i.Heartbeat, &i.Cause, &opened, &detected, &due, &last, &i.Reason,
		&i.PingNumber, &host, &acknowledged, &i.AcknowledgedBy, &snoozed, &resolved, &i.Resolution, &group, &i.HeartbeatID, &i.HeartbeatRef, &i.HeartbeatName, &i.Severity)
	i.Group = group.Int64
	i.OpenedAt, i.DetectedAt, i.Due, i.LastPing = timeFromMicros(opened), timeFromMicros(detected), timeFromMicros(due), timeFromMicros(last)
	i.AcknowledgedAt, i.SnoozedUntil, i.ResolvedAt = timeFromMicros(acknowledged), timeFromMicros(snoozed), timeFromMicros(resolved)
	i.Host = host.String
	return i, err
}

// Incident returns the incident with the given id, in a project.
func (tx *Tx) Incident(project int64, id string) (monitor.Incident, error) {
	i, found, err := queryOne(tx, scanIncident, `SELECT `+incidentColumns+` FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
		WHERE i.id = $1 AND i.project = $2`, id, project)
	if err == nil && !found {
		err = notFound("incident", tx.db.retention.IncidentsText())
	}
	return i, err
}

// CountOpenIncidents counts the incidents that are not resolved, except those of canaries.
func (tx *Tx) CountOpenIncidents() (int64, error) {
	n, _, err := queryOne(tx, func(row scanner) (n int64, err error) { return n, row.Scan(&n) },
		`SELECT COUNT(*) FROM incidents WHERE resolved IS NULL AND project > 0`)
	return n, err
}

// AcknowledgeIncident records who acknowledges an incident, deletes its reminders,
// and notifies the channels that were notified of it. It reports false if the
// incident was already acknowledged or resolved.
func (tx *Tx) AcknowledgeIncident(i monitor.Incident, by string, now time.Time) (bool, error) {
	done, err := tx.acknowledge([]monitor.Incident{i}, by, "Acknowledged by "+by+".", now)
	return len(done) > 0, err
}

// acknowledge is AcknowledgeIncident for several incidents, with the entry for their timelines. It returns
// those that were open. The number of statements does not depend on theirs.
func (tx *Tx) acknowledge(incidents []monitor.Incident, by, text string, now time.Time) (done []monitor.Incident, err error) {
	ids := make([]string, 0, len(incidents))
	for _, i := range incidents {
		ids = append(ids, i.ID)
	}
	updated, err := queryAll(tx, scanText, `UPDATE incidents SET acknowledged = $2, acknowledged_by = $3
		WHERE `+tx.d.InList("id", "$1")+` AND acknowledged IS NULL AND resolved IS NULL RETURNING id`, tx.d.TextList(ids), micros(now), by)
	if err != nil {
		return nil, fmt.Errorf("acknowledge incident: %w", err)
	}
	if len(updated) == 0 {
		return nil, nil
	}
	steps, err := tx.deleteUnsentReminders(updated...)
	if err != nil {
		return nil, err
	}
	notified, err := tx.notifiedChannels(updated...)
	if err != nil {
		return nil, err
	}
	var entries, alerts [][]any
	for _, i := range incidents {
		if !slices.Contains(updated, i.ID) {
			continue
		}
		done = append(done, i)
		entries = append(entries, timelineRow(i.ID, "acknowledged", text, now))
		if ended := steps[i.ID]; len(ended) > 0 {
			entries = append(entries, timelineRow(i.ID, "escalation", monitor.EndedSteps(ended, "acknowledged"), now))
		}
		for _, channel := range notified[i.ID] {
			a := monitor.Alert{
				Project: i.Project, Channel: channel, Event: monitor.IncidentAcknowledged, Heartbeat: i.Heartbeat,
				Incident: i.ID, IncidentNumber: i.Number, Subject: by, Created: now, NextAttempt: now,
			}
			a.ID = alertID(a, 0)
			alerts = append(alerts, alertRow(a, false))
		}
	}
	if err := tx.insertBatch(&timelineBatch, entries); err != nil {
		return nil, fmt.Errorf("add to timelines: %w", err)
	}
	return done, tx.insertBatch(&alertBatch, alerts)
}

// amongIncidents returns the condition that a column, $1, is one of some incidents, and its argument. Most
// often there is one.
func (tx *Tx) amongIncidents(column string, incidents []string) (condition string, arg any) {
	if len(incidents) == 1 {
		return column + " = $1", incidents[0]
	}
	return tx.d.InList(column, "$1"), tx.d.TextList(incidents)
}

// notifiedChannels lists the channels that were notified of the opening of each
// incident and still exist. Channels of later steps of a policy that were
// not attempted are not among them. Every incident has a list, which can be empty.
func (tx *Tx) notifiedChannels(incidents ...string) (map[string][]string, error) {
	channels := make(map[string][]string, len(incidents))
	for _, id := range incidents {
		channels[id] = []string{}
	}
	among, ids := tx.amongIncidents("a.incident", incidents)
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var incident, channel string
		err := row.Scan(&incident, &channel)
		channels[incident] = append(channels[incident], channel)
		return struct{}{}, err
	}, `SELECT a.incident, a.channel FROM alerts a JOIN channels c ON c.id = a.channel AND c.deleted IS NULL
		WHERE `+among+` AND a.event = $2 AND a.parent IS NULL AND NOT (a.about <> '' AND a.state = 'pending' AND a.attempts = 0)
		ORDER BY a.channel`, ids, string(monitor.IncidentOpened))
	if err != nil {
		return nil, fmt.Errorf("channels notified of incident: %w", err)
	}
	return channels, nil
}

// AddTimelineEntry adds an entry to an incident's timeline.
func (tx *Tx) AddTimelineEntry(incident, kind, text string, now time.Time) error {
	err := tx.insertBatch(&timelineBatch, [][]any{timelineRow(incident, kind, text, now)})
	if err != nil {
		return fmt.Errorf("add to timeline: %w", err)
	}
	return nil
}

// timelineRow returns an entry in the order of timelineBatch.
func timelineRow(incident, kind, text string, at time.Time) []any {
	return []any{newID(), incident, at.UnixMicro(), kind, validText(text)}
}

// AddTimelineEntryOnce is AddTimelineEntry, unless the timeline has an entry with this text.
func (tx *Tx) AddTimelineEntryOnce(incident, kind, text string, now time.Time) error {
	n, _, err := queryOne(tx, scanInt, `SELECT COUNT(*) FROM timeline WHERE incident = $1 AND kind = $2 AND text = $3`, incident, kind, validText(text))
	if err != nil || n > 0 {
		return err
	}
	return tx.AddTimelineEntry(incident, kind, text, now)
}

// CountTimelineEntries counts the entries of a kind in an incident's timeline.
func (tx *Tx) CountTimelineEntries(incident, kind string) (n int, err error) {
	n, _, err = queryOne(tx, func(row scanner) (n int, err error) { return n, row.Scan(&n) },
		`SELECT COUNT(*) FROM timeline WHERE incident = $1 AND kind = $2`, incident, kind)
	return n, err
}

// resolutionTexts describe in a timeline how an incident was resolved.
var resolutionTexts = map[monitor.ResolutionReason]struct{ kind, text string }{
	monitor.ResolvedByPing:   {"recovered", "Recovered: a success ping arrived."},
	monitor.ResolvedByEdit:   {"resolved", "Resolved: the settings were edited, and the heartbeat is not Down with the new settings."},
	monitor.ResolvedByPause:  {"resolved", "Resolved: the heartbeat was paused."},
	monitor.ResolvedByDelete: {"resolved", "Resolved: the heartbeat was deleted."},
	monitor.ResolvedByRepair: {"resolved", "Resolved: a repair of the database found that the heartbeat is not Down."},
}

// Timeline lists the events of an incident, oldest first. It derives the beginning
// and the end from the incident itself. Deliveries has the delivery attempts.
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
	if i.SnoozeEnded(tx.db.Now()) {
		all = append(all, monitor.TimelineEntry{At: i.SnoozedUntil, Kind: "snoozed", Text: snoozeEndedText})
	}
	if !i.ResolvedAt.IsZero() {
		end := resolutionTexts[i.Resolution]
		all = append(all, monitor.TimelineEntry{At: i.ResolvedAt, Kind: end.kind, Text: end.text})
	}
	slices.SortStableFunc(all, func(a, b monitor.TimelineEntry) int { return a.At.Compare(b.At) })
	return all, nil
}

// IncidentFilter selects a page of the list of incidents, for the API and the pages.
type IncidentFilter struct {
	Project   int64
	Heartbeat int64  // of any heartbeat if 0
	Group     int64  // of any group, or none, if 0
	Tag       string // of the heartbeat
	Host      string // see monitor.Incident.Host
	State     monitor.IncidentState
	Cause     monitor.Cause
	Text      string // in the name of the heartbeat, or the number
	SearchIDs bool   // Text can match the id of the heartbeat in its name
	From      int64  // number of the incident next to the page; 0: the first page
	Backwards bool   // the page is before From (newer), not after it
	Limit     int
}

// MaxCountedIncidents is the maximum number of incidents that a list counts.
const MaxCountedIncidents = 10_000

// maxNamedHeartbeats is the maximum number of heartbeats whose incidents a search looks up. If more
// have a matching name, it compares the names of incidents instead.
const maxNamedHeartbeats = 500

// incidentsWhere returns the condition of a search, without the position.
func (tx *Tx) incidentsWhere(s IncidentFilter) (*whereClause, error) {
	c := &whereClause{}
	c.add("i.project = ?", s.Project)
	if s.Heartbeat > 0 {
		c.add("i.heartbeat = ?", s.Heartbeat)
	}
	if s.Group > 0 {
		c.add("i.group_number = ?", s.Group)
	}
	switch s.State {
	case monitor.StateOpen:
		c.parts = append(c.parts, "i.resolved IS NULL AND i.acknowledged IS NULL")
	case monitor.StateAcknowledged:
		c.parts = append(c.parts, "i.resolved IS NULL AND i.acknowledged IS NOT NULL")
	case monitor.StateResolved:
		c.parts = append(c.parts, "i.resolved IS NOT NULL")
	}
	if s.Cause != "" {
		c.add("i.cause = ?", string(s.Cause))
	}
	if s.Host != "" {
		c.add("i.host = ?", s.Host)
	}
	if s.Tag != "" {
		c.add(`EXISTS (SELECT 1 FROM heartbeats h, `+tx.d.TagRows+` tag WHERE h.key = i.heartbeat AND tag.value = ?)`, s.Tag)
	}
	if n, err := strconv.ParseInt(strings.TrimPrefix(s.Text, "#"), 10, 64); err == nil && n > 0 {
		c.add("i.number = ?", n)
	} else if s.Text != "" {
		keys, few, err := tx.heartbeatsWithName(s)
		if err != nil {
			return c, err
		}
		if few {
			c.args = append(c.args, tx.d.IntList(append([]int64{}, keys...)))
			c.parts = append(c.parts, tx.d.InList("i.heartbeat", fmt.Sprintf("$%d", len(c.args))))
		}
		// OFFSET keeps the lookup by key: most often, the first incidents match.
		c.add(`EXISTS (SELECT 1 FROM heartbeats h WHERE h.key = i.heartbeat AND `+searchExpression("h.name", s.SearchIDs)+`
			LIKE lower(?) ESCAPE '\' LIMIT 1 OFFSET 0)`, "%"+escapeLike(s.Text)+"%")
	}
	return c, nil
}

// heartbeatsWithName returns the keys of the heartbeats whose name can contain the text of a search,
// deleted ones included. few is false if there are too many, or no index.
func (tx *Tx) heartbeatsWithName(s IncidentFilter) (keys []int64, few bool, err error) {
	tx.viewLists(func(v listindex.View) { keys, few = v.NameCandidates(s.Project, s.Text, maxNamedHeartbeats) })
	if !few {
		return nil, false, nil
	}
	// The index of lists has no deleted heartbeats, but the database has an index of them.
	deleted, err := queryAll(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) }, `SELECT h.key FROM heartbeats h
		WHERE h.deleted > 0 AND h.project = $1 AND `+searchExpression("h.name", s.SearchIDs)+` LIKE lower($2) ESCAPE '\' LIMIT $3`,
		s.Project, "%"+escapeLike(s.Text)+"%", maxNamedHeartbeats-len(keys)+1)
	if err != nil {
		return nil, false, fmt.Errorf("deleted heartbeats with a name: %w", err)
	}
	keys = append(keys, deleted...)
	return keys, len(keys) <= maxNamedHeartbeats, nil
}

// orderInHeartbeat is the second column of the index incidents_heartbeat. It orders the incidents of
// one heartbeat like their numbers: an open one is the newest.
const orderInHeartbeat = `(CASE WHEN i.resolved IS NULL THEN 9223372036854775807 ELSE i.number END)`

// addPage adds the position of a page to the condition of a search, and returns the order.
func (s IncidentFilter) addPage(c *whereClause) (order string) {
	beyond, way := "<", "DESC"
	if s.Backwards {
		beyond, way = ">", "ASC"
	}
	if s.From > 0 {
		c.add("i.number "+beyond+" ?", s.From)
	}
	switch {
	case s.Heartbeat == 0:
		return "i.number " + way
	case s.From > 0 && s.Backwards:
		c.add(orderInHeartbeat+" > ?", s.From)
	case s.From > 0:
		// If the open incident is before From, all others are, too.
		c.args = append(c.args, s.Heartbeat, s.From)
		c.parts = append(c.parts, fmt.Sprintf(orderInHeartbeat+` <= COALESCE((SELECT 9223372036854775807 FROM incidents o
			WHERE o.heartbeat = $%[1]d AND o.resolved IS NULL AND o.number < $%[2]d LIMIT 1), $%[2]d - 1)`, len(c.args)-1, len(c.args)))
	}
	return orderInHeartbeat + " " + way
}

// Incidents returns a page, newest first.
func (tx *Tx) Incidents(s IncidentFilter) ([]monitor.Incident, error) {
	c, err := tx.incidentsWhere(s)
	if err != nil {
		return nil, err
	}
	order := s.addPage(c)
	c.args = append(c.args, s.Limit)
	found, err := queryAll(tx, scanIncident, fmt.Sprintf(`SELECT %s FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
		WHERE %s ORDER BY %s LIMIT $%d`, incidentColumns, c, order, len(c.args)), c.args...)
	if err != nil {
		return nil, fmt.Errorf("list of incidents: %w", err)
	}
	if s.Backwards {
		slices.Reverse(found)
	}
	return found, nil
}

// IncidentCount is the number of incidents that a search matches, on all pages. More means that
// older incidents are not counted.
type IncidentCount struct {
	Total int
	More  bool
	read  int
}

// CountIncidents counts the incidents that a search matches, among the newest MaxCountedIncidents.
func (tx *Tx) CountIncidents(s IncidentFilter) (IncidentCount, error) {
	c, err := tx.incidentsWhere(s)
	if err != nil {
		return IncidentCount{}, err
	}
	c.args = append(c.args, MaxCountedIncidents+1)
	text := fmt.Sprintf(`SELECT COUNT(CASE WHEN %s THEN 1 END), COUNT(*) FROM (SELECT n.id, n.number, n.project, n.heartbeat, n.cause, n.acknowledged, n.resolved, n.group_number, n.host
		FROM incidents n WHERE n.project = $1 ORDER BY n.number DESC LIMIT $%d) i`, c, len(c.args))
	n, err := costly(tx, countsReused, fmt.Sprint(text, c.args), func(n IncidentCount) int { return n.read }, func() (IncidentCount, error) {
		n, _, err := queryOne(tx, func(row scanner) (n IncidentCount, err error) {
			err = row.Scan(&n.Total, &n.read)
			n.More = n.read > MaxCountedIncidents
			return n, err
		}, text, c.args...)
		return n, err
	})
	if err != nil {
		return n, fmt.Errorf("number of incidents: %w", err)
	}
	return n, nil
}

// CountUnresolvedIncidents counts the incidents of a project that are open, and acknowledged.
func (tx *Tx) CountUnresolvedIncidents(project int64) (open, acknowledged int, err error) {
	type counts struct{ open, acknowledged int }
	n, err := costly(tx, countsReused, fmt.Sprint("open ", project), func(n counts) int { return n.open + n.acknowledged }, func() (counts, error) {
		n, _, err := queryOne(tx, func(row scanner) (n counts, err error) { return n, row.Scan(&n.open, &n.acknowledged) },
			`SELECT COUNT(CASE WHEN acknowledged IS NULL THEN 1 END), COUNT(acknowledged) FROM incidents WHERE project = $1 AND resolved IS NULL`, project)
		return n, err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("unresolved incidents: %w", err)
	}
	return n.open, n.acknowledged, nil
}

// IncidentByID returns an incident of any project, for a person who has a link to it.
func (tx *Tx) IncidentByID(id string) (monitor.Incident, error) {
	i, found, err := queryOne(tx, scanIncident, `SELECT `+incidentColumns+` FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
		WHERE i.id = $1`, id)
	if err == nil && !found {
		err = notFound("incident", tx.db.retention.IncidentsText())
	}
	return i, err
}

// IncidentsByID returns the incidents of a project with the given ids, newest first.
func (tx *Tx) IncidentsByID(project int64, ids []string) ([]monitor.Incident, error) {
	found, err := queryAll(tx, scanIncident, `SELECT `+incidentColumns+` FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
		WHERE `+tx.d.InList("i.id", "$2")+` AND i.project = $1 ORDER BY i.number DESC`, project, tx.d.TextList(ids))
	if err != nil {
		return nil, fmt.Errorf("incidents: %w", err)
	}
	return found, nil
}

// IncidentsOfAlerts returns incidents of any project, by id.
func (tx *Tx) IncidentsOfAlerts(ids []string) (map[string]monitor.Incident, error) {
	found, err := queryAll(tx, scanIncident, `SELECT `+incidentColumns+` FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
		WHERE `+tx.d.InList("i.id", "$1"), tx.d.TextList(ids))
	if err != nil {
		return nil, fmt.Errorf("incidents of alerts: %w", err)
	}
	byID := make(map[string]monitor.Incident, len(found))
	for _, i := range found {
		byID[i.ID] = i
	}
	return byID, nil
}

// HeartbeatsOfAlerts returns heartbeats of any project, by key.
func (tx *Tx) HeartbeatsOfAlerts(keys []int64) (map[int64]monitor.Heartbeat, error) {
	found, err := queryAll(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h WHERE `+tx.d.InList("h.key", "$1"), tx.d.IntList(keys))
	if err != nil {
		return nil, fmt.Errorf("heartbeats of alerts: %w", err)
	}
	byKey := make(map[int64]monitor.Heartbeat, len(found))
	for _, h := range found {
		byKey[h.Key] = h
	}
	return byKey, nil
}

// AdjacentIncidents returns the incidents of the same heartbeat before and after one.
// They are zero if there are none.
func (tx *Tx) AdjacentIncidents(i monitor.Incident) (before, after monitor.Incident, err error) {
	const of = ` FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat WHERE i.heartbeat = $1 AND ` + orderInHeartbeat
	before, _, err = queryOne(tx, scanIncident, `SELECT `+incidentColumns+of+` < $2 ORDER BY `+orderInHeartbeat+` DESC LIMIT 1`, i.Heartbeat, i.Number)
	if err != nil {
		return before, after, fmt.Errorf("incident before: %w", err)
	}
	after, _, err = queryOne(tx, scanIncident, `SELECT `+incidentColumns+of+` > $2 AND i.number > $2 ORDER BY `+orderInHeartbeat+` LIMIT 1`, i.Heartbeat, i.Number)
	if err != nil {
		return before, after, fmt.Errorf("incident after: %w", err)
	}
	return before, after, nil
}

// AlertCounts counts the alerts of one incident by state.
type AlertCounts map[monitor.AlertState]int

// total returns the number of alerts of any state.
func (c AlertCounts) total() (n int) {
	for _, count := range c {
		n += count
	}
	return n
}

// AlertCountsByIncident counts the alerts of incidents, by incident and state. It
// omits future reminders, later steps of policies and alerts that a mute holds back: they are not late.
func (tx *Tx) AlertCountsByIncident(incidents []string) (map[string]AlertCounts, error) {
	tallies := map[string]AlertCounts{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var id string
		var state monitor.AlertState
		var n int
		err := row.Scan(&id, &state, &n)
		if tallies[id] == nil {
			tallies[id] = AlertCounts{}
		}
		tallies[id][state] = n
		return struct{}{}, err
	}, `SELECT a.incident, a.state, COUNT(*) FROM alerts a WHERE `+tx.d.InList("a.incident", "$1")+`
		AND NOT ((a.event = $2 OR a.asked > $3) AND a.state = 'pending' AND a.attempts = 0) GROUP BY a.incident, a.state`,
		tx.d.TextList(incidents), string(monitor.IncidentReminder), micros(tx.db.Now()))
	if err != nil {
		return nil, fmt.Errorf("alerts of incidents: %w", err)
	}
	return tallies, nil
}

// IncidentTimes holds the times of one incident; a time that has not come is zero.
type IncidentTimes struct{ Opened, Acknowledged, Resolved, Notified time.Time }

// IncidentTimesSince returns those of the newest n incidents of a project that opened at or
// after since. Notified is when the first alert about the opening was delivered.
func (tx *Tx) IncidentTimesSince(project int64, since time.Time, n int) ([]IncidentTimes, error) {
	spans, err := costly(tx, statisticsReused, fmt.Sprint("times ", project), func(list []IncidentTimes) int { return len(list) }, func() ([]IncidentTimes, error) {
		return tx.incidentTimesSince(project, since, n)
	})
	if err != nil {
		return nil, fmt.Errorf("times of incidents: %w", err)
	}
	return spans, nil
}

// incidentTimesSince is IncidentTimesSince, which can return an earlier result.
func (tx *Tx) incidentTimesSince(project int64, since time.Time, n int) ([]IncidentTimes, error) {
	return queryAll(tx, func(row scanner) (IncidentTimes, error) {
		var opened, acknowledged, resolved, notified sql.NullInt64
		err := row.Scan(&opened, &acknowledged, &resolved, &notified)
		return IncidentTimes{timeFromMicros(opened), timeFromMicros(acknowledged), timeFromMicros(resolved), timeFromMicros(notified)}, err
	}, `SELECT i.opened, i.acknowledged, i.resolved, (SELECT MIN(t.at + t.took) FROM alerts a JOIN attempts t ON t.alert = COALESCE(NULLIF(a.carrier, ''), a.id)
			WHERE a.incident = i.id AND a.event = $3 AND t.outcome = 'sent')
		FROM (SELECT n.id, n.opened, n.acknowledged, n.resolved FROM incidents n WHERE n.project = $1 ORDER BY n.number DESC LIMIT $4) i
		WHERE i.opened >= $2 ORDER BY i.opened DESC`,
		project, since.UnixMicro(), string(monitor.IncidentOpened), n)
}

// AlertCountsSince counts the alerts of a project's incidents that opened at or after
// since, by state.
func (tx *Tx) AlertCountsSince(project int64, since time.Time) (AlertCounts, error) {
	t, err := costly(tx, statisticsReused, fmt.Sprint("alerts ", project), AlertCounts.total, func() (AlertCounts, error) {
		return tx.alertCountsSince(project, since)
	})
	if err != nil {
		return nil, fmt.Errorf("number of alerts: %w", err)
	}
	return t, nil
}

// maxSkewOfNumbers is the time by which an incident with a higher number can have been detected
// earlier, because the clocks of two nodes differ.
const maxSkewOfNumbers = time.Hour

// alertCountsSince is AlertCountsSince, which can return an earlier result. Incidents have
// no index of their times, but their numbers are in the order of their detection.
func (tx *Tx) alertCountsSince(project int64, since time.Time) (AlertCounts, error) {
	t := AlertCounts{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var state monitor.AlertState
		var n int
		err := row.Scan(&state, &n)
		t[state] = n
		return struct{}{}, err
	}, `SELECT a.state, COUNT(*) FROM incidents i JOIN alerts a ON a.incident = i.id
		WHERE i.project = $1 AND i.opened >= $2 AND NOT ((a.event = $3 OR a.asked > $5) AND a.state = 'pending' AND a.attempts = 0)
		AND i.number > COALESCE((SELECT o.number FROM incidents o WHERE o.project = $1 AND o.detected < $4 ORDER BY o.number DESC LIMIT 1), 0)
		GROUP BY a.state`, project, since.UnixMicro(), string(monitor.IncidentReminder), since.Add(-maxSkewOfNumbers).UnixMicro(), micros(tx.db.Now()))
	return t, err
}

// repeatedFailureText describes a further failed run.
func repeatedFailureText(p monitor.Ping) string {
	if p.Kind == monitor.PingSuccess {
		return "Another run was too short."
	}
	return "The job reported another failure."
}
