package store

import (
	"database/sql"
	"fmt"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/urgency"
)

// groupedEvents are the events whose alerts are grouped in a storm.
const groupedEvents = `'incident.opened', 'incident.reminder', 'incident.acknowledged', 'incident.resolved', 'heartbeat.late'`

// isNoMember is the condition that no other alert carries an alert, for statements that make alerts due.
const isNoMember = `COALESCE(carrier, '') = ''`

// isNotInFlight is the condition that no message that was attempted carries an alert: it may have arrived. Statements
// that remove alerts that were not attempted leave these.
const isNotInFlight = `NOT (COALESCE(carrier, '') <> '' AND EXISTS (SELECT 1 FROM alerts l WHERE l.id = alerts.carrier AND l.attempts > 0))`

// memberWait is the delay of an alert that another one carries. It is released or sent long before.
// If the carrier is lost, it is the last resort against a silent miss.
const memberWait = 366 * 24 * time.Hour

// undecided selects the due alerts of a channel about which GroupAlerts has not decided yet.
const undecided = `a.channel = $1 AND a.state = 'pending' AND a.attempts = 0 AND a.next_at <= $2 AND a.carrier IS NULL
	AND a.event IN (` + groupedEvents + `)`

// waitedForGroup returns the time after which only alerts are due that waitForMembers made wait: reminders
// and steps of policies are due within days.
func waitedForGroup(now time.Time) time.Time { return now.Add(memberWait / 2) }

// FailMembers marks the members of a group as failed whose channel was deleted, and returns them.
func (tx *Tx) FailMembers(leader string) ([]monitor.Alert, error) {
	members, err := queryAll(tx, scanAlert, `UPDATE alerts SET state = 'failed' WHERE carrier = $1 AND carrier <> '' AND state = 'pending' RETURNING `+alertColumns, leader)
	if err != nil {
		return nil, fmt.Errorf("members of group: %w", err)
	}
	return members, nil
}

// burstKey is what the alerts of a message have in common. The project follows from the channel.
type burstKey struct {
	event, cause string
	project      int64
}

// GroupAlerts decides which due alerts of a channel are sent alone, and which ones another alert
// carries. It reports whether it decided about any. A group is an alert with its own row, the leader: it has
// attempts, and its members share its result (see [Tx.FinishGroup]).
func (tx *Tx) GroupAlerts(channel string, now time.Time) (bool, error) {
	if err := tx.waitForMembers(channel, now); err != nil {
		return false, err
	}
	if err := tx.leaveOutMuted(channel, now); err != nil {
		return false, err
	}
	type alert struct {
		burstKey
		id string
	}
	due, err := queryAll(tx, func(row scanner) (a alert, err error) {
		return a, row.Scan(&a.id, &a.project, &a.event, &a.cause)
	}, `SELECT a.id, a.project, a.event, COALESCE(i.cause, '') FROM alerts a LEFT JOIN incidents i ON i.id = a.incident
		WHERE `+undecided+` AND `+isUnblocked("a")+` ORDER BY a.event, 4`, channel, micros(now))
	if err != nil {
		return false, fmt.Errorf("alerts to group: %w", err)
	}
	for first := 0; first < len(due); {
		k, ids := due[first].burstKey, []string(nil)
		for ; first < len(due) && due[first].burstKey == k; first++ {
			ids = append(ids, due[first].id)
		}
		if err := tx.groupBurst(channel, k, ids, now); err != nil {
			return false, fmt.Errorf("group alerts: %w", err)
		}
	}
	return len(due) > 0, nil
}

// waitForMembers makes the alerts wait whose predecessor is a member of a group: FinishGroup makes them
// due. Otherwise each run would read all of them again.
func (tx *Tx) waitForMembers(channel string, now time.Time) error {
	if err := tx.lockSending(channel); err != nil {
		return err
	}
	_, err := tx.exec(`UPDATE alerts SET next_at = $3 WHERE channel = $1 AND state = 'pending' AND attempts = 0 AND next_at <= $2 AND carrier IS NULL AND turn > 0
		AND EXISTS (SELECT 1 FROM alerts e WHERE e.heartbeat = alerts.heartbeat AND COALESCE(e.channel, '') = alerts.channel AND e.state = 'pending'
			AND e.carrier <> '' AND e.turn BETWEEN 1 AND alerts.turn - 1 LIMIT 1 OFFSET 0)`,
		channel, micros(now), micros(now.Add(memberWait)))
	if err != nil {
		return fmt.Errorf("wait for grouped alerts: %w", err)
	}
	return nil
}

// lockSending waits for nodes on PostgreSQL that record the result of a group now, and lets others wait: the
// alerts that waitForMembers reads would otherwise wait for a group that ends at the same time.
func (tx *Tx) lockSending(channel string) error {
	if tx.d.ForUpdate == "" {
		return nil
	}
	_, err := queryAll(tx, func(row scanner) (id string, err error) { return id, row.Scan(&id) },
		`SELECT id FROM alerts WHERE channel = $1 AND state = 'pending' AND attempts > 0 AND event = $2 ORDER BY id`+tx.d.ForUpdate,
		channel, string(monitor.IncidentsGrouped))
	if err != nil {
		return fmt.Errorf("lock groups: %w", err)
	}
	return nil
}

// leaveOutMuted marks the alerts of heartbeats that are muted, or that flap, as alone: the dispatcher holds each back
// after it claimed it, and [Tx.Hold] lets them be decided again.
func (tx *Tx) leaveOutMuted(channel string, now time.Time) error {
	_, err := tx.exec(`UPDATE alerts SET carrier = '' WHERE id IN (SELECT a.id FROM alerts a JOIN heartbeats h ON h.key = a.heartbeat
		LEFT JOIN incidents i ON i.id = a.incident WHERE `+undecided+` AND (h.muted_until > $2 AND a.event <> 'incident.resolved'
		OR h.flapping_until > $2 AND (a.incident IS NULL OR (CASE WHEN a.event = 'incident.resolved' THEN i.resolved ELSE i.opened END) > h.flapping_since)))
		AND carrier IS NULL`, channel, micros(now))
	if err != nil {
		return fmt.Errorf("alerts of muted heartbeats: %w", err)
	}
	return nil
}

// groupBurst decides about due alerts of one event and cause, by their ids.
func (tx *Tx) groupBurst(channel string, k burstKey, alerts []string, now time.Time) error {
	storm, leader, err := tx.lockBurst(channel, k)
	if err != nil {
		return err
	}
	storm, alone, sendAt := storm.Add(len(alerts), now)
	carrier, next := "", now
	if !alone {
		next = now.Add(memberWait)
		group := monitor.Alert{
			Project: k.project, Channel: channel, Event: monitor.IncidentsGrouped, Subject: k.event + " " + k.cause, Created: now, NextAttempt: sendAt,
		}
		group.ID = newID() // two groups can be created at the same time
		open, err := tx.collects(leader)
		if err != nil {
			return err
		}
		if !open {
			leader = group.ID
			if err := tx.insertBatch(&alertBatch, [][]any{alertRow(group, false)}); err != nil {
				return err
			}
		}
		carrier = leader
	}
	// By their ids, and no index but that of the ids: with a condition that selects them again, PostgreSQL
	// compared each of 20,000 alerts with all others.
	n, err := tx.exec(`UPDATE alerts SET carrier = $2, next_at = $3 WHERE `+tx.d.InList("id", "$1")+` AND `+isPending+` AND attempts = 0 AND carrier IS NULL`,
		tx.d.TextList(alerts), carrier, micros(next))
	if err != nil {
		return err
	}
	if n == 0 && carrier != "" { // another node grouped them
		_, err := tx.exec(`DELETE FROM alerts WHERE id = $1 AND attempts = 0 AND NOT EXISTS (SELECT 1 FROM alerts m WHERE m.carrier = $1 AND m.carrier <> '')`, carrier)
		return err
	}
	_, err = tx.exec(`UPDATE alert_bursts SET since = $4, alone = $5, until = $6, leader = $7 WHERE channel = $1 AND event = $2 AND cause = $3`,
		channel, k.event, k.cause, max(storm.Since.UnixMicro(), 0), storm.Alone, max(storm.Until.UnixMicro(), 0), leader)
	return err
}

// lockBurst returns the counts of a channel, event and cause, and locks them until the transaction ends.
func (tx *Tx) lockBurst(channel string, k burstKey) (s urgency.Storm, leader string, err error) {
	if _, err := tx.exec(`INSERT INTO alert_bursts (channel, event, cause, since, alone, until, leader) VALUES ($1, $2, $3, 0, 0, 0, '')
		ON CONFLICT (channel, event, cause) DO NOTHING`, channel, k.event, k.cause); err != nil {
		return s, "", err
	}
	_, _, err = queryOne(tx, func(row scanner) (struct{}, error) {
		var since, until sql.NullInt64
		err := row.Scan(&since, &s.Alone, &until, &leader)
		s.Since, s.Until = timeFromMicros(since), timeFromMicros(until)
		return struct{}{}, err
	}, `SELECT since, alone, until, leader FROM alert_bursts WHERE channel = $1 AND event = $2 AND cause = $3`+tx.d.ForUpdate, channel, k.event, k.cause)
	return s, leader, err
}

// collects reports whether a leader still takes members: no node has attempted it.
func (tx *Tx) collects(leader string) (bool, error) {
	_, open, err := queryOne(tx, func(row scanner) (id string, err error) { return id, row.Scan(&id) },
		`SELECT id FROM alerts WHERE id = $1 AND `+isPending+` AND attempts = 0 AND holder IS NULL`+tx.d.ForUpdate, leader)
	return open, err
}

// FinishGroup gives the members of a group the result of their leader, and makes the alerts due that
// wait for them. text is the entry for the timelines of their incidents. If the leader was split by
// recipient, one recipient is enough for "sent", and "failed" waits until no part is pending.
func (tx *Tx) FinishGroup(leader string, state monitor.AlertState, text string, now time.Time) error {
	if state == monitor.AlertFailed {
		n, _, err := queryOne(tx, scanInt, `SELECT COUNT(*) FROM alerts WHERE (id = $1 OR parent = $1) AND state = 'pending'`, leader)
		if err != nil || n > 0 {
			return err
		}
	}
	const members = `carrier = $1 AND carrier <> ''`
	kind := "grouped"
	if state == monitor.AlertFailed {
		kind = "undelivered"
	}
	if _, err := tx.exec(`INSERT INTO timeline (id, incident, at, kind, text)
		SELECT a.id || '-' || CAST($2 AS TEXT), a.incident, CAST($3 AS BIGINT), CAST($2 AS TEXT), CAST($4 AS TEXT) FROM alerts a
		WHERE a.carrier = $1 AND a.carrier <> '' AND a.state = 'pending' AND a.incident IS NOT NULL ON CONFLICT (id) DO NOTHING`,
		leader, kind, micros(now), validText(text)); err != nil {
		return fmt.Errorf("timelines of grouped incidents: %w", err)
	}
	if _, err := tx.exec(`UPDATE alerts SET state = $2 WHERE `+members+` AND state = 'pending'`, leader, string(state)); err != nil {
		return fmt.Errorf("members of group: %w", err)
	}
	_, err := tx.exec(`UPDATE alerts SET next_at = `+releasedAt("$2")+` WHERE state = 'pending' AND holder IS NULL AND next_at > $2 AND turn > 0
		AND (event <> $3 OR next_at > $4) AND `+isNoMember+`
		AND channel = (SELECT l.channel FROM alerts l WHERE l.id = $1) AND heartbeat IN (SELECT m.heartbeat FROM alerts m WHERE `+
		`m.carrier = $1 AND m.carrier <> '')`, leader, micros(now), string(monitor.IncidentReminder), micros(waitedForGroup(now)))
	if err != nil {
		return fmt.Errorf("release alerts after group: %w", err)
	}
	return nil
}

// AlertGroup describes the members of a group of alerts.
type AlertGroup struct {
	Count, Open int       // members, and those whose incident is open
	From, To    time.Time // when their incidents opened, or their alerts became pending
	Members     []GroupMember
	Tags        map[string]int // members by tag
}

// GroupMember is a member of a group.
type GroupMember struct {
	Heartbeat, Incident string // name and id
	Number              int64  // of the incident
	Severity            monitor.Severity
}

// AlertGroup returns the group of a leader, with the first n members: the most severe ones, by name.
func (tx *Tx) AlertGroup(leader string, n int) (g AlertGroup, err error) {
	const from = ` FROM alerts a JOIN heartbeats h ON h.key = a.heartbeat LEFT JOIN incidents i ON i.id = a.incident WHERE a.carrier = $1 AND a.carrier <> ''`
	_, _, err = queryOne(tx, func(row scanner) (struct{}, error) {
		var first, last sql.NullInt64
		err := row.Scan(&g.Count, &g.Open, &first, &last)
		g.From, g.To = timeFromMicros(first), timeFromMicros(last)
		return struct{}{}, err
	}, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN i.id IS NOT NULL AND i.resolved IS NULL THEN 1 ELSE 0 END), 0),
		MIN(COALESCE(i.opened, a.created)), MAX(COALESCE(i.opened, a.created))`+from, leader)
	if err != nil {
		return g, fmt.Errorf("group of alerts: %w", err)
	}
	g.Members, err = queryAll(tx, func(row scanner) (m GroupMember, err error) {
		return m, row.Scan(&m.Heartbeat, &m.Incident, &m.Number, &m.Severity)
	}, `SELECT h.name, COALESCE(i.id, ''), COALESCE(i.number, 0), h.severity`+from+`
		ORDER BY CASE h.severity WHEN 'info' THEN 2 WHEN 'warning' THEN 1 ELSE 0 END, h.name, h.key LIMIT CAST($2 AS BIGINT)`, leader, n)
	if err != nil {
		return g, fmt.Errorf("members of group: %w", err)
	}
	g.Tags = map[string]int{}
	_, err = queryAll(tx, func(row scanner) (struct{}, error) {
		var text string
		var count int
		if err := row.Scan(&text, &count); err != nil {
			return struct{}{}, err
		}
		tags, err := decodeList(text)
		for _, t := range tags {
			g.Tags[t] += count
		}
		return struct{}{}, err
	}, `SELECT h.tags, COUNT(*)`+from+` GROUP BY h.tags`, leader)
	if err != nil {
		return g, fmt.Errorf("tags of group: %w", err)
	}
	return g, nil
}
