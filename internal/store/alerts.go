package store

import (
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
)

var alertBatch = columnBatch{table: "alerts", ignoreExisting: true, columns: []column{
	{"id", "text"},
	{"project", "bigint"},
	{"channel", "text"},
	{"event", "text"},
	{"turn", "bigint"},
	{"heartbeat", "bigint"},
	{"incident", "text"},
	{"about", "text"},
	{"state", "text"},
	{"attempts", "bigint"},
	{"created", "bigint"},
	{"next_at", "bigint"},
	{"asked", "bigint"},
}}

var attemptBatch = columnBatch{table: "attempts", ignoreExisting: true, columns: []column{
	{"alert", "text"},
	{"n", "bigint"},
	{"at", "bigint"},
	{"took", "bigint"},
	{"outcome", "text"},
	{"status", "bigint"},
	{"detail", "text"},
}}

// alertIDNamespace is the namespace (RFC 9562, section 6.6) of alert ids.
var alertIDNamespace = uuid.MustParse("6a1f0c9e-7d55-4d0e-9f0b-0a6c5d1c7e42")

// alertID makes an alert's id of what it is about: owing the same twice is the
// same id. The repeat tells reminders of one incident apart.
func alertID(a monitor.Alert, repeat int) string {
	about := a.Incident
	if about == "" {
		about = fmt.Sprintf("%d/%s/%d", a.Heartbeat, a.Subject, a.Created.UnixMicro())
	}
	return uuid.NewSHA1(alertIDNamespace, []byte(about+"/"+string(a.Event)+"/"+a.Channel+"/"+strconv.Itoa(repeat))).String()
}

// deliveryOrder puts the alerts of one heartbeat and channel in order: an alert waits
// for those of a lower turn, so that nobody reads "recovered" last while a
// later incident is open. Alerts outside of incidents wait for nothing.
func deliveryOrder(a monitor.Alert) int64 {
	switch a.Event {
	case monitor.IncidentOpened:
		return 10*a.IncidentNumber + 1
	case monitor.IncidentReminder, monitor.IncidentAcknowledged:
		return 10*a.IncidentNumber + 2
	case monitor.IncidentResolved:
		return 10*a.IncidentNumber + 3
	}
	return 0
}

// alertRow is a new alert in the order of alertBatch.
func alertRow(a monitor.Alert) []any {
	var heartbeat any
	if a.Heartbeat > 0 {
		heartbeat = a.Heartbeat
	}
	return []any{
		a.ID, a.Project, a.Channel, string(a.Event), deliveryOrder(a), heartbeat, nullableText(a.Incident), a.Subject,
		string(monitor.AlertPending), int64(a.Attempts), a.Created.UnixMicro(), a.NextAttempt.UnixMicro(), int64(0),
	}
}

// alertColumns are in the order of scanAlert. They name no table: SQLite knows
// none by its alias in RETURNING.
const alertColumns = `id, project, channel, event, heartbeat, incident, about, state, attempts, created, next_at, recipient, parent`

// scanAlert reads alertColumns.
func scanAlert(row scanner) (monitor.Alert, error) {
	var a monitor.Alert
	var heartbeat, created, next sql.NullInt64
	var incident, parent sql.NullString
	err := row.Scan(&a.ID, &a.Project, &a.Channel, &a.Event, &heartbeat, &incident, &a.Subject, &a.State, &a.Attempts, &created, &next,
		&a.Recipient, &parent)
	a.Heartbeat, a.Incident, a.Created, a.NextAttempt, a.SplitFrom = heartbeat.Int64, incident.String, timeFromMicros(created), timeFromMicros(next), parent.String
	return a, err
}

// PendingChannel is a channel with alerts to tell, and when the first may be tried.
type PendingChannel struct {
	Channel     string
	NextAttempt time.Time
}

// unblocked is a condition on an alert: it has no undelivered predecessor, so it can
// be tried. Predecessors are earlier alerts of the heartbeat on the channel, for the
// same recipient or not divided by recipient.
//
// OFFSET 0: PostgreSQL then asks row by row, and stops at a limit; it would
// otherwise join all pending alerts with themselves.
func unblocked(alert string) string {
	return `NOT EXISTS (SELECT 1 FROM alerts e WHERE e.heartbeat = ` + alert + `.heartbeat AND e.channel = ` + alert + `.channel
		AND e.state = 'pending' AND e.turn BETWEEN 1 AND ` + alert + `.turn - 1 AND (e.recipient = '' OR e.recipient = ` + alert + `.recipient) LIMIT 1 OFFSET 0)`
}

// PendingByChannel lists the channels that are owed anything. It skips from channel to
// channel in the index, so that a long queue of one costs no more than a short
// one. As in Claim, what waits for a predecessor cannot be tried.
func (tx *Tx) PendingByChannel() ([]PendingChannel, error) {
	return queryAll(tx, func(row scanner) (PendingChannel, error) {
		var o PendingChannel
		var next sql.NullInt64
		err := row.Scan(&o.Channel, &next)
		o.NextAttempt = timeFromMicros(next)
		return o, err
	}, `WITH RECURSIVE owing (channel) AS (
			SELECT (SELECT MIN(channel) FROM alerts WHERE state = 'pending')
			UNION ALL
			SELECT (SELECT MIN(a.channel) FROM alerts a WHERE a.state = 'pending' AND a.channel > owing.channel)
			FROM owing WHERE owing.channel IS NOT NULL
		)
		SELECT channel, (SELECT a.next_at FROM alerts a WHERE a.state = 'pending' AND a.channel = owing.channel
			AND `+unblocked("a")+`
			ORDER BY a.next_at LIMIT 1)
		FROM owing WHERE channel IS NOT NULL`)
}

// Claim takes up to n alerts of a channel that are due, for the node named
// holder: nobody else tries them before until. An alert whose predecessor
// (opened before recovered, one incident before the next) is still owed stays where it is.
// The predecessors of an alert are those for the same recipient, and those that
// were not split by recipient.
func (tx *Tx) Claim(channel, holder string, now, until time.Time, n int) ([]monitor.Alert, error) {
	// MATERIALIZED: PostgreSQL may run a plain subquery once per row, and then
	// lock and claim more than n.
	claimed, err := queryAll(tx, scanAlert, `WITH due AS MATERIALIZED (
			SELECT d.id FROM alerts d WHERE d.state = 'pending' AND d.channel = $1 AND d.next_at <= $3
			AND `+unblocked("d")+`
			ORDER BY d.next_at LIMIT $5`+tx.d.forUpdateSkipLocked+`)
		UPDATE alerts SET next_at = $4, holder = $2, attempts = attempts + 1
		WHERE id IN (SELECT id FROM due) RETURNING `+alertColumns, channel, holder, micros(now), micros(until), n)
	if err != nil {
		return nil, fmt.Errorf("claim alerts: %w", err)
	}
	return claimed, nil
}

// Attempt is one try at telling, to be kept.
type Attempt struct {
	AlertID string
	Number  int // the alert's Attempts when it was claimed
	At      time.Time
	Took    time.Duration
	Outcome string // sent, retry, refused
	Status  int    // the provider's status code, 0 when there is none
	Detail  string
}

// AddAttempt keeps how a try went.
func (tx *Tx) AddAttempt(a Attempt) error {
	var status any
	if a.Status != 0 {
		status = int64(a.Status)
	}
	err := tx.insertBatch(&attemptBatch, [][]any{{a.AlertID, int64(a.Number), a.At.UnixMicro(), a.Took.Microseconds(), a.Outcome, status, validText(a.Detail)}})
	if err != nil {
		return fmt.Errorf("add attempt: %w", err)
	}
	return nil
}

// MarkSent marks an alert as told. It was told, so this holds whoever has claimed
// it since. It reports whether the alert was still owed.
func (tx *Tx) MarkSent(id string) (bool, error) {
	n, err := tx.exec(`UPDATE alerts SET state = 'sent', holder = NULL WHERE id = $1 AND state = 'pending'`, id)
	if err != nil {
		return false, fmt.Errorf("mark alert as sent: %w", err)
	}
	return n > 0, nil
}

// Reschedule puts an alert off until next, and with it those that wait for it.
// asked is until when the provider wished not to be asked, zero when it did
// not say. It does nothing when another node has claimed the alert since
// attempt n.
func (tx *Tx) Reschedule(a monitor.Alert, next, asked time.Time) error {
	changed, err := tx.exec(`UPDATE alerts SET next_at = $3, asked = $4, holder = NULL WHERE id = $1 AND state = 'pending' AND attempts = $2`,
		a.ID, a.Attempts, micros(next), max(asked.UnixMicro(), 0))
	if err != nil {
		return fmt.Errorf("put alert off: %w", err)
	}
	if changed == 0 || a.Incident == "" {
		return nil
	}
	_, err = tx.exec(`UPDATE alerts SET next_at = $4 WHERE heartbeat = $2 AND channel = $3 AND state = 'pending' AND next_at < $4
		AND ($5 = '' OR recipient = $5) AND turn > (SELECT turn FROM alerts WHERE id = $1)`, a.ID, a.Heartbeat, a.Channel, micros(next), a.Recipient)
	if err != nil {
		return fmt.Errorf("put following alerts off: %w", err)
	}
	return nil
}

// ReleaseNext makes the alerts that waited for this one due at now.
func (tx *Tx) ReleaseNext(a monitor.Alert, now time.Time) error {
	if a.Incident == "" {
		return nil
	}
	_, err := tx.exec(`UPDATE alerts SET next_at = $4 WHERE heartbeat = $2 AND channel = $3 AND state = 'pending' AND next_at > $4
		AND event <> $5 AND holder IS NULL AND ($6 = '' OR recipient = $6) AND turn > (SELECT turn FROM alerts WHERE id = $1)`,
		a.ID, a.Heartbeat, a.Channel, micros(now), string(monitor.IncidentReminder), a.Recipient)
	if err != nil {
		return fmt.Errorf("release following alerts: %w", err)
	}
	return nil
}

// expedite makes due at now what waits to be tried again about heartbeats that
// there is more to tell of: the new alerts wait for it. What a provider asked
// for is still honoured, and nothing is put off.
func (tx *Tx) expedite(heartbeats []int64, now time.Time) error {
	_, err := tx.exec(`UPDATE alerts SET next_at = CASE WHEN asked <= $2 THEN $2 WHEN asked < next_at THEN asked ELSE next_at END
		WHERE `+tx.d.inList("heartbeat", "$1")+` AND state = 'pending' AND attempts > 0 AND holder IS NULL AND next_at > $2 AND event <> $3`,
		tx.d.intList(heartbeats), micros(now), string(monitor.IncidentReminder))
	if err != nil {
		return fmt.Errorf("hurry earlier alerts: %w", err)
	}
	return nil
}

// MarkFailed ends the tries at an alert. It does nothing when another node has
// claimed it since, and reports whether it did something.
func (tx *Tx) MarkFailed(a monitor.Alert) (bool, error) {
	n, err := tx.exec(`UPDATE alerts SET state = 'failed', holder = NULL WHERE id = $1 AND state = 'pending' AND attempts = $2`, a.ID, a.Attempts)
	if err != nil {
		return false, fmt.Errorf("give alert up: %w", err)
	}
	return n > 0, nil
}

// Enqueue adds an alert that no judgement made: a reminder's successor, or the
// news that a channel fails. A reminder of an incident that is resolved or
// acknowledged meanwhile is not owed: nobody would take it back, and what is
// told after it would wait.
func (tx *Tx) Enqueue(a monitor.Alert, repeat int) error {
	if a.Event == monitor.IncidentReminder {
		_, open, err := queryOne(tx, func(row scanner) (n int64, err error) { return n, row.Scan(&n) },
			`SELECT number FROM incidents WHERE id = $1 AND resolved IS NULL AND acknowledged IS NULL`+tx.d.forUpdate, a.Incident)
		if err != nil {
			return fmt.Errorf("incident to remind of: %w", err)
		}
		if !open {
			return nil
		}
	}
	a.ID = alertID(a, repeat)
	if err := tx.insertBatch(&alertBatch, [][]any{alertRow(a)}); err != nil {
		return fmt.Errorf("owe alert: %w", err)
	}
	return nil
}

// CountReminders counts the reminders that an incident ever owed to a channel.
func (tx *Tx) CountReminders(incident, channel string) (int, error) {
	n, _, err := queryOne(tx, func(row scanner) (n int, err error) { return n, row.Scan(&n) },
		`SELECT COUNT(*) FROM alerts WHERE incident = $1 AND channel = $2 AND event = $3`, incident, channel, string(monitor.IncidentReminder))
	return n, err
}

// deleteUnsentReminders takes back the reminders that nobody tried yet.
func (tx *Tx) deleteUnsentReminders(incident string) error {
	_, err := tx.exec(`DELETE FROM alerts WHERE incident = $1 AND event = $2 AND state = 'pending' AND attempts = 0`,
		incident, string(monitor.IncidentReminder))
	if err != nil {
		return fmt.Errorf("drop reminders: %w", err)
	}
	return nil
}

// ReleaseClaims frees the alerts that the only server of a SQLite file had claimed
// when it died, and forgets that one: nobody waits for its pings. On PostgreSQL
// another node may hold them, and they wait for their lease to end.
func (db *DB) ReleaseClaims(tx *Tx, now time.Time) error {
	if db.path == "" {
		return nil
	}
	if _, err := tx.exec(`UPDATE alerts SET next_at = $1, holder = NULL WHERE state = 'pending' AND holder IS NOT NULL`, micros(now)); err != nil {
		return fmt.Errorf("free claimed alerts: %w", err)
	}
	if _, err := tx.exec(`DELETE FROM nodes`); err != nil {
		return fmt.Errorf("forget the node that died: %w", err)
	}
	return nil
}

// Delivery is an alert of an incident with all attempts at it.
type Delivery struct {
	monitor.Alert
	AttemptLog []Attempt
}

// Deliveries lists what was owed for an incident, in the order it became owed.
func (tx *Tx) Deliveries(incident string) ([]Delivery, error) {
	alerts, err := queryAll(tx, scanAlert, `SELECT `+alertColumns+` FROM alerts WHERE incident = $1 ORDER BY created, turn, channel, recipient`, incident)
	if err != nil {
		return nil, fmt.Errorf("alerts of incident: %w", err)
	}
	tries, err := queryAll(tx, scanAttempt, `SELECT t.alert, t.n, t.at, t.took, t.outcome, t.status, t.detail FROM attempts t
		JOIN alerts a ON a.id = t.alert WHERE a.incident = $1 ORDER BY t.n`, incident)
	if err != nil {
		return nil, fmt.Errorf("attempts of incident: %w", err)
	}
	all := make([]Delivery, len(alerts))
	for i, a := range alerts {
		all[i].Alert = a
		for _, t := range tries {
			if t.AlertID == a.ID {
				all[i].AttemptLog = append(all[i].AttemptLog, t)
			}
		}
	}
	return all, nil
}

// scanAttempt reads an attempt.
func scanAttempt(row scanner) (Attempt, error) {
	var t Attempt
	var at, took, status sql.NullInt64
	err := row.Scan(&t.AlertID, &t.Number, &at, &took, &t.Outcome, &status, &t.Detail)
	t.At, t.Took, t.Status = timeFromMicros(at), durationFromMicros(took.Int64), int(status.Int64)
	return t, err
}

// Cancel takes back an alert that need not be told any more, with what was tried,
// and frees those that wait for it.
func (tx *Tx) Cancel(a monitor.Alert, now time.Time) error {
	if err := tx.ReleaseNext(a, now); err != nil {
		return err
	}
	if _, err := tx.exec(`DELETE FROM attempts WHERE alert = $1`, a.ID); err != nil {
		return fmt.Errorf("drop attempts: %w", err)
	}
	if _, err := tx.exec(`DELETE FROM alerts WHERE id = $1 AND state = 'pending'`, a.ID); err != nil {
		return fmt.Errorf("drop alert: %w", err)
	}
	return nil
}
