package store

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/monitor"
)

// IncidentSearch says which incidents the list for people shows.
type IncidentSearch struct {
	Project   int64
	State     monitor.IncidentState
	Cause     monitor.Cause
	Text      string // in the name of the heartbeat, or the number
	SearchIDs bool   // Text may match the id of the heartbeat in its name
	From      int64  // the number beside which the page lies, 0 to begin
	Backwards bool   // the page lies before From (newer), not behind it
	Limit     int
}

// where is the condition of the search, but for the place.
func (s IncidentSearch) where() *whereClause {
	c := &whereClause{}
	c.add("i.project = ?", s.Project)
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
	if n, err := strconv.ParseInt(strings.TrimPrefix(s.Text, "#"), 10, 64); err == nil && n > 0 {
		c.add("i.number = ?", n)
	} else if s.Text != "" {
		c.add(searchExpression("h.name", s.SearchIDs)+` LIKE lower(?) ESCAPE '\'`, "%"+escapeLike(s.Text)+"%")
	}
	return c
}

// SearchIncidents lists a page, newest first.
func (tx *Tx) SearchIncidents(s IncidentSearch) ([]monitor.Incident, error) {
	c := s.where()
	beyond, way := "<", "DESC"
	if s.Backwards {
		beyond, way = ">", "ASC"
	}
	if s.From > 0 {
		c.add("i.number "+beyond+" ?", s.From)
	}
	c.args = append(c.args, s.Limit)
	found, err := queryAll(tx, scanIncident, fmt.Sprintf(`SELECT %s FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
		WHERE %s ORDER BY i.number %s LIMIT $%d`, incidentColumns, c, way, len(c.args)), c.args...)
	if err != nil {
		return nil, fmt.Errorf("list of incidents: %w", err)
	}
	if s.Backwards {
		slices.Reverse(found)
	}
	return found, nil
}

// CountIncidents tells how many a search finds, on all pages.
func (tx *Tx) CountIncidents(s IncidentSearch) (int, error) {
	c := s.where()
	n, _, err := queryOne(tx, scanInt, `SELECT COUNT(*) FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat WHERE `+c.String(), c.args...)
	if err != nil {
		return 0, fmt.Errorf("number of incidents: %w", err)
	}
	return n, nil
}

// IncidentByID returns one of any project, for who has a link to it.
func (tx *Tx) IncidentByID(id string) (monitor.Incident, error) {
	i, found, err := queryOne(tx, scanIncident, `SELECT `+incidentColumns+` FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
		WHERE i.id = $1`, id)
	if err == nil && !found {
		err = notFound("incident")
	}
	return i, err
}

// IncidentsByID returns those of a project with the given ids, newest first.
func (tx *Tx) IncidentsByID(project int64, ids []string) ([]monitor.Incident, error) {
	found, err := queryAll(tx, scanIncident, `SELECT `+incidentColumns+` FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
		WHERE `+tx.d.inList("i.id", "$2")+` AND i.project = $1 ORDER BY i.number DESC`, project, tx.d.textList(ids))
	if err != nil {
		return nil, fmt.Errorf("incidents: %w", err)
	}
	return found, nil
}

// AdjacentIncidents returns the incidents of the same heartbeat before and after one, each
// zero when there is none.
func (tx *Tx) AdjacentIncidents(i monitor.Incident) (before, after monitor.Incident, err error) {
	const of = ` FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat WHERE i.heartbeat = $1 AND i.number `
	before, _, err = queryOne(tx, scanIncident, `SELECT `+incidentColumns+of+`< $2 ORDER BY i.number DESC LIMIT 1`, i.Heartbeat, i.Number)
	if err != nil {
		return before, after, fmt.Errorf("incident before: %w", err)
	}
	after, _, err = queryOne(tx, scanIncident, `SELECT `+incidentColumns+of+`> $2 ORDER BY i.number LIMIT 1`, i.Heartbeat, i.Number)
	if err != nil {
		return before, after, fmt.Errorf("incident after: %w", err)
	}
	return before, after, nil
}

// AlertCounts counts the alerts of one incident by what became of them.
type AlertCounts map[monitor.AlertState]int

// AlertCountsByIncident counts the alerts of incidents, by incident. Reminders to come
// are not counted: nothing is late about them.
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
	}, `SELECT a.incident, a.state, COUNT(*) FROM alerts a WHERE `+tx.d.inList("a.incident", "$1")+`
		AND NOT (a.event = $2 AND a.state = 'pending' AND a.attempts = 0) GROUP BY a.incident, a.state`,
		tx.d.textList(incidents), string(monitor.IncidentReminder))
	if err != nil {
		return nil, fmt.Errorf("alerts of incidents: %w", err)
	}
	return tallies, nil
}

// IncidentTimes is the times of one incident; what has not happened is zero.
type IncidentTimes struct{ Opened, Acknowledged, Resolved, Notified time.Time }

// IncidentTimesSince returns the newest n incidents of a project that opened at or after
// since. Told is when the first alert about the opening was delivered.
func (tx *Tx) IncidentTimesSince(project int64, since time.Time, n int) ([]IncidentTimes, error) {
	spans, err := queryAll(tx, func(row scanner) (IncidentTimes, error) {
		var opened, acknowledged, resolved, told sql.NullInt64
		err := row.Scan(&opened, &acknowledged, &resolved, &told)
		return IncidentTimes{timeFromMicros(opened), timeFromMicros(acknowledged), timeFromMicros(resolved), timeFromMicros(told)}, err
	}, `SELECT i.opened, i.acknowledged, i.resolved, (SELECT MIN(t.at + t.took) FROM alerts a JOIN attempts t ON t.alert = a.id
			WHERE a.incident = i.id AND a.event = $3 AND t.outcome = 'sent')
		FROM incidents i WHERE i.project = $1 AND i.opened >= $2 ORDER BY i.opened DESC LIMIT $4`,
		project, since.UnixMicro(), string(monitor.IncidentOpened), n)
	if err != nil {
		return nil, fmt.Errorf("times of incidents: %w", err)
	}
	return spans, nil
}

// AlertCountsSince counts the alerts of a project's incidents that opened at or after
// since, by what became of them.
func (tx *Tx) AlertCountsSince(project int64, since time.Time) (AlertCounts, error) {
	t := AlertCounts{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var state monitor.AlertState
		var n int
		err := row.Scan(&state, &n)
		t[state] = n
		return struct{}{}, err
	}, `SELECT a.state, COUNT(*) FROM incidents i JOIN alerts a ON a.incident = i.id
		WHERE i.project = $1 AND i.opened >= $2 AND NOT (a.event = $3 AND a.state = 'pending' AND a.attempts = 0) GROUP BY a.state`,
		project, since.UnixMicro(), string(monitor.IncidentReminder))
	if err != nil {
		return nil, fmt.Errorf("number of alerts: %w", err)
	}
	return t, nil
}
