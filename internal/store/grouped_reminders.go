package store

import (
	"database/sql"
	"fmt"

	"overdue/internal/monitor"
)

// GroupedReminder is a reminder that a group carries, with the facts that the next one depends on.
type GroupedReminder struct {
	monitor.Alert
	Incident  monitor.Incident // only its id, number and snooze
	Reminders int              // of the incident on the channel so far
}

// RemindersOfGroup returns the pending reminders that a leader carries, and locks their incidents: those that are open,
// because an acknowledgement ends reminders.
func (tx *Tx) RemindersOfGroup(leader string) ([]GroupedReminder, error) {
	if tx.d.ForUpdate != "" {
		if _, err := queryAll(tx, func(row scanner) (id string, err error) { return id, row.Scan(&id) }, `SELECT id FROM incidents WHERE id IN (
			SELECT incident FROM alerts WHERE carrier = $1 AND carrier <> '' AND state = 'pending') ORDER BY id`+tx.d.ForUpdate, leader); err != nil {
			return nil, fmt.Errorf("lock incidents of reminders: %w", err)
		}
	}
	all, err := queryAll(tx, func(row scanner) (r GroupedReminder, err error) {
		var snoozed sql.NullInt64
		err = row.Scan(&r.ID, &r.Project, &r.Channel, &r.Event, &r.Heartbeat, &r.Alert.Incident, &r.Subject, &r.Severity, &r.Incident.Number, &snoozed, &r.Reminders)
		r.Incident.ID, r.Incident.SnoozedUntil = r.Alert.Incident, timeFromMicros(snoozed)
		return r, err
	}, `SELECT a.id, a.project, a.channel, a.event, a.heartbeat, a.incident, a.about, h.severity, i.number, i.snoozed_until,
			(SELECT COUNT(*) FROM alerts r WHERE r.incident = a.incident AND r.channel = a.channel AND r.event = a.event)
		FROM alerts a JOIN incidents i ON i.id = a.incident JOIN heartbeats h ON h.key = a.heartbeat
		WHERE a.carrier = $1 AND a.carrier <> '' AND a.state = 'pending' AND a.event = 'incident.reminder' AND i.resolved IS NULL AND i.acknowledged IS NULL`, leader)
	if err != nil {
		return nil, fmt.Errorf("reminders of group: %w", err)
	}
	return all, nil
}

// NextReminder is a reminder to add, and how many reminders of its incident the channel had before.
type NextReminder struct {
	monitor.Alert
	Repeat int
}

// EnqueueReminders adds the reminders that follow those of a group.
func (tx *Tx) EnqueueReminders(next []NextReminder) error {
	rows := make([][]any, len(next))
	for i, n := range next {
		n.ID = alertID(n.Alert, n.Repeat)
		rows[i] = alertRow(n.Alert, false)
	}
	if err := tx.insertBatch(&alertBatch, rows); err != nil {
		return fmt.Errorf("add reminders: %w", err)
	}
	return nil
}
