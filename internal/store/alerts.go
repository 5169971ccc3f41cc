package store

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
	"overdue/internal/store/urgency"
)

var alertBatch = dialect.Batch{Table: "alerts", IgnoreExisting: true, Columns: dialect.Columns(`
	id text, project bigint, channel text, event text, turn bigint, heartbeat bigint,
	incident text, about text, state text, attempts bigint, created bigint, next_at bigint,
	asked bigint, urgency bigint`)}

// newAlertBatch is alertBatch for alerts about incidents that open in the same transaction: their ids
// are new. On PostgreSQL, an insert that ignores existing rows takes one more search and one more
// record of the log.
var newAlertBatch = dialect.Batch{Table: alertBatch.Table, Columns: alertBatch.Columns}

// alertIDNamespace is the namespace (RFC 9562, section 6.6) of alert ids.
var alertIDNamespace = uuid.MustParse("6a1f0c9e-7d55-4d0e-9f0b-0a6c5d1c7e42")

// alertID derives an alert's id from its subject, so that the same alert has the same
// id on every node. repeat tells the reminders of an incident apart.
//
// The id of an alert about an incident is a UUIDv8 (RFC 9562, section 5.8): the time and
// the counter of the incident's UUIDv7, then 62 bits of the UUIDv5 that all other alerts
// have. So the ids of many alerts that become pending at once are neighbours in the index.
func alertID(a monitor.Alert, repeat int) string {
	subject := a.Incident
	if subject == "" {
		subject = fmt.Sprintf("%d/%s/%d", a.Heartbeat, a.Subject, a.Created.UnixMicro())
	}
	id := uuid.NewSHA1(alertIDNamespace, []byte(subject+"/"+string(a.Event)+"/"+a.Channel+"/"+strconv.Itoa(repeat)))
	if incident, err := uuid.Parse(a.Incident); err == nil && incident.Version() == 7 {
		copy(id[:8], incident[:8])
		id[6] = 0x80 | id[6]&0x0f
	}
	return id.String()
}

// deliveryOrder returns the order of the alerts of one heartbeat and channel. An
// alert waits for those with a lower number, so that "recovered" is never delivered
// last while a later incident is open. Alerts without an incident wait for nothing.
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

// alertRow returns a new alert in the order of alertBatch. inBurst means that it opens one of
// many incidents.
func alertRow(a monitor.Alert, inBurst bool) []any {
	var heartbeat any
	if a.Heartbeat > 0 {
		heartbeat = a.Heartbeat
	}
	return []any{
		a.ID, a.Project, a.Channel, string(a.Event), deliveryOrder(a), heartbeat, nullableText(a.Incident), a.Subject,
		string(monitor.AlertPending), int64(a.Attempts), a.Created.UnixMicro(), a.NextAttempt.UnixMicro(), max(a.NotBefore.UnixMicro(), 0), urgency.Of(a, inBurst),
	}
}

// alertColumns are in the order of scanAlert. They have no table prefix: SQLite does
// not know the table's alias in RETURNING.
const alertColumns = `id, project, channel, event, heartbeat, incident, about, state, attempts, created, next_at, recipient, parent, carrier`

// scanAlert reads alertColumns.
func scanAlert(row scanner) (monitor.Alert, error) {
	var a monitor.Alert
	var heartbeat, created, next sql.NullInt64
	var incident, parent, carrier sql.NullString
	err := row.Scan(&a.ID, &a.Project, &a.Channel, &a.Event, &heartbeat, &incident, &a.Subject, &a.State, &a.Attempts, &created, &next,
		&a.Recipient, &parent, &carrier)
	a.Carrier = carrier.String
	a.Heartbeat, a.Incident, a.Created, a.NextAttempt, a.SplitFrom = heartbeat.Int64, incident.String, timeFromMicros(created), timeFromMicros(next), parent.String
	return a, err
}

// isUnblocked returns the condition that an alert has no undelivered predecessor, so it
// can be attempted. Predecessors are earlier alerts of the heartbeat on the channel,
// for the same recipient or not split by recipient.
//
// OFFSET 0: PostgreSQL then evaluates it row by row, and stops at a limit; it would
// otherwise join all pending alerts with themselves. COALESCE: it finds the alerts of the
// heartbeat; without statistics, it would otherwise read all those of the channel.
func isUnblocked(alert string) string {
	return `NOT EXISTS (SELECT 1 FROM alerts e WHERE e.heartbeat = ` + alert + `.heartbeat AND COALESCE(e.channel, '') = ` + alert + `.channel
		AND e.state = 'pending' AND e.turn BETWEEN 1 AND ` + alert + `.turn - 1 AND (e.recipient = '' OR e.recipient = ` + alert + `.recipient) LIMIT 1 OFFSET 0)`
}

// deliverySQL returns the statements that every run of the delivery loop sends.
func deliverySQL(d *dialect.Dialect) []string {
	return []string{pendingByChannelSQL(), claimSQL(d), markSentSQL(d), followedSQL(d), outputsSQL(d)}
}

// PendingChannel is a channel with pending alerts, and the time of the first possible
// attempt.
type PendingChannel struct {
	Channel, Kind string
	NextAttempt   time.Time
}

// pendingByChannelSQL is the statement of PendingByChannel.
func pendingByChannelSQL() string {
	return `WITH RECURSIVE pending (channel) AS (
			SELECT (SELECT MIN(channel) FROM alerts WHERE state = 'pending')
			UNION ALL
			SELECT (SELECT MIN(a.channel) FROM alerts a WHERE a.state = 'pending' AND a.channel > pending.channel)
			FROM pending WHERE pending.channel IS NOT NULL
		)
		SELECT pending.channel, c.kind, CASE WHEN c.paused_until > $1 THEN c.paused_until ELSE (SELECT a.next_at FROM alerts a
			WHERE a.state = 'pending' AND a.channel = pending.channel AND ` + isUnblocked("a") + ` ORDER BY a.next_at LIMIT 1) END
		FROM pending JOIN channels c ON c.id = pending.channel`
}

// PendingByChannel lists the channels with pending alerts. It skips from channel to
// channel in the index, so that a long queue of one channel costs no more than a
// short one. As in Claim, an alert with an undelivered predecessor cannot be
// attempted, and no alert of a paused channel can. The canaries of other nodes are left
// to those nodes.
func (tx *Tx) PendingByChannel(now time.Time) ([]PendingChannel, error) {
	pending, err := queryAll(tx, func(row scanner) (PendingChannel, error) {
		var c PendingChannel
		var next sql.NullInt64
		err := row.Scan(&c.Channel, &c.Kind, &next)
		c.NextAttempt = timeFromMicros(next)
		return c, err
	}, pendingByChannelSQL(), micros(now))
	if err != nil {
		return nil, fmt.Errorf("channels with pending alerts: %w", err)
	}
	return slices.DeleteFunc(pending, func(c PendingChannel) bool {
		return strings.HasPrefix(c.Channel, canaryChannelPrefix) && c.Channel != canaryChannelPrefix+tx.db.node
	}), nil
}

// maxSkipped is the maximum number of alerts of one urgency among which a claim looks for
// unblocked ones, newest first. The longest-due alert is found without such a limit.
const maxSkipped = 256

// claimSQL is the statement of Claim. Each subquery reads one range of an index: for each
// urgency, the first attempts, newest first; and all due alerts, longest due first. Of
// four places, the second list gets one.
func claimSQL(d *dialect.Dialect) string {
	var lists []string // CAST: SQLite compiles a prepared statement again if the value of a plain LIMIT changes
	for rank, stored := range urgency.Order {
		lists = append(lists, fmt.Sprintf(`SELECT * FROM (SELECT f.id, %d AS rank, f.next_at FROM (
				SELECT * FROM alerts WHERE state = 'pending' AND attempts = 0 AND channel = $1 AND urgency = %d AND next_at <= $3
				ORDER BY next_at DESC LIMIT %d) f WHERE %s LIMIT CAST($5 AS BIGINT)) u%d`, rank, stored, maxSkipped, isUnblocked("f"), rank))
	}
	// MATERIALIZED: PostgreSQL can run a plain subquery once per row, and would then
	// lock and claim more than n.
	// The condition of due uses no index but that of the ids, and PostgreSQL expects that half of
	// all alerts fulfil it: if it expected few, it would compare all of them with the chosen ones.
	return `WITH urgent AS (` + strings.Join(lists, " UNION ALL ") + `),
		longest AS (SELECT d.id, d.next_at FROM alerts d WHERE d.state = 'pending' AND d.channel = $1 AND d.next_at <= $3
			AND ` + isUnblocked("d") + ` ORDER BY d.next_at LIMIT CAST($5 AS BIGINT)),
		places AS (
			SELECT id, n + (n - 1) / 3 AS place FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY rank, next_at DESC) AS n FROM urgent) ranked
			UNION ALL
			SELECT id, 4 * n - $6 AS place FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY next_at) AS n FROM longest) waiting
		),
		chosen AS (SELECT id, MIN(place) AS place FROM places GROUP BY id),
		due AS MATERIALIZED (
			SELECT d.id FROM chosen c CROSS JOIN alerts d WHERE d.id = c.id AND CASE WHEN d.state = 'pending' AND d.next_at <= $3
			AND ($7 = 0 OR d.carrier IS NOT NULL OR d.attempts > 0 OR d.event NOT IN (` + groupedEvents + `)) THEN TRUE ELSE FALSE END
			ORDER BY c.place LIMIT CAST($5 AS BIGINT)` + d.ForUpdateSkipLocked + `
		)
		UPDATE alerts SET next_at = $4, holder = $2, attempts = attempts + 1
		WHERE id IN (SELECT id FROM due) RETURNING ` + alertColumns
}

// Claim takes up to n due alerts of a channel for the node named holder: no other
// node attempts them before until. Of four alerts, three are the most urgent ones: first
// attempts at single openings, then at those in bursts, and then at other events, newest
// first. The fourth is the one that has been due longest, which can be a retry. So a backlog
// delays no new alert, and every alert gets its turn.
//
// It skips an alert whose predecessor (opened before recovered, one incident before the
// next) is still pending. The predecessors of an alert are those for the same recipient,
// and those that were not split by recipient.
func (tx *Tx) Claim(channel, holder string, now, until time.Time, n int) ([]monitor.Alert, error) {
	return tx.claim(channel, holder, now, until, n, 0, false)
}

// ClaimLongestDue is Claim with the alert that has been due longest in the first place.
func (tx *Tx) ClaimLongestDue(channel, holder string, now, until time.Time, n int) ([]monitor.Alert, error) {
	return tx.claim(channel, holder, now, until, n, 4, false)
}

// ClaimDecided is Claim for a channel whose alerts are grouped. It skips those that [Tx.GroupAlerts]
// has not decided about: another transaction added them since.
func (tx *Tx) ClaimDecided(channel, holder string, now, until time.Time, n int) ([]monitor.Alert, error) {
	return tx.claim(channel, holder, now, until, n, 0, true)
}

// claim claims alerts. The longest-due alert is moved forward by a number of places.
func (tx *Tx) claim(channel, holder string, now, until time.Time, n, forward int, decided bool) ([]monitor.Alert, error) {
	onlyDecided := 0
	if decided {
		onlyDecided = 1
	}
	claimed, err := queryAll(tx, scanAlert, claimSQL(tx.d), channel, holder, micros(now), micros(until), n, forward, onlyDecided)
	if err != nil {
		return nil, fmt.Errorf("claim alerts: %w", err)
	}
	return claimed, nil
}

// MarkSent marks an alert as sent, no matter who has claimed it since. It reports
// whether the alert was still pending.
func (tx *Tx) MarkSent(id string) (bool, error) {
	n, err := tx.exec(`UPDATE alerts SET state = 'sent', holder = NULL WHERE id = $1 AND state = 'pending'`, id)
	if err != nil {
		return false, fmt.Errorf("mark alert as sent: %w", err)
	}
	return n > 0, nil
}

// isPending is the condition that an alert is pending, for statements that find it by its
// id. Without statistics, PostgreSQL would otherwise also read an index of all pending
// alerts.
const isPending = `COALESCE(state, '') = 'pending'`

// markSentSQL is the statement of MarkAllSent.
func markSentSQL(d *dialect.Dialect) string {
	return `UPDATE alerts SET state = 'sent', holder = NULL WHERE ` + d.InList("id", "$1") + ` AND ` + isPending + ` RETURNING id`
}

// MarkAllSent is MarkSent and ReleaseNext for many alerts that were sent to all recipients.
// It returns those that were still pending.
func (tx *Tx) MarkAllSent(ids []string, now time.Time) (pending map[string]bool, err error) {
	first, err := queryAll(tx, func(row scanner) (id string, err error) { return id, row.Scan(&id) }, markSentSQL(tx.d), tx.d.TextList(ids))
	if err != nil {
		return nil, fmt.Errorf("mark alerts as sent: %w", err)
	}
	pending = make(map[string]bool, len(first))
	for _, id := range first {
		pending[id] = true
	}
	if len(first) == 0 {
		return pending, nil
	}
	return pending, tx.releaseAllNext(first, now)
}

// outputsSQL is the statement of HeartbeatsWithOutput. It reads the newest row of each heartbeat.
func outputsSQL(d *dialect.Dialect) string {
	return `SELECT h.key FROM heartbeats h WHERE ` + d.InList("h.key", "$1") + ` AND (
		COALESCE((SELECT b.body_bytes FROM ping_blocks b WHERE b.heartbeat = h.key ORDER BY b.first DESC LIMIT 1), 0) > 0
		OR COALESCE((SELECT p.body_size FROM pings p WHERE p.heartbeat = h.key ORDER BY p.n DESC LIMIT 1), 0) > 0)`
}

// HeartbeatsWithOutput returns those of the given heartbeats whose newest ping can have a body.
// Most have none, so an alert reads it only for these.
func (tx *Tx) HeartbeatsWithOutput(keys []int64) (map[int64]bool, error) {
	found, err := queryAll(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) }, outputsSQL(tx.d), tx.d.IntList(keys))
	if err != nil {
		return nil, fmt.Errorf("heartbeats with output: %w", err)
	}
	with := make(map[int64]bool, len(found))
	for _, key := range found {
		with[key] = true
	}
	return with, nil
}

// followedSQL selects the alerts that have pending successors. OFFSET 0: PostgreSQL then
// looks for the successors of each alert. Without statistics, it would read all pending
// alerts for each.
func followedSQL(d *dialect.Dialect) string {
	return `SELECT s.channel, s.heartbeat FROM alerts s WHERE ` + d.InList("s.id", "$1") + ` AND s.incident IS NOT NULL
		AND EXISTS (SELECT 1 FROM alerts n WHERE n.heartbeat = s.heartbeat AND COALESCE(n.channel, '') = s.channel AND n.state = 'pending'
			AND n.turn > s.turn LIMIT 1 OFFSET 0)`
}

// releaseAllNext is ReleaseNext for many alerts that are for all recipients. Most alerts have
// no successors.
func (tx *Tx) releaseAllNext(alerts []string, now time.Time) error {
	followed := map[string][]int64{} // heartbeats by channel
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var channel string
		var heartbeat int64
		err := row.Scan(&channel, &heartbeat)
		followed[channel] = append(followed[channel], heartbeat)
		return struct{}{}, err
	}, followedSQL(tx.d), tx.d.TextList(alerts))
	if err != nil {
		return fmt.Errorf("following alerts: %w", err)
	}
	for channel, heartbeats := range followed {
		_, err := tx.exec(`UPDATE alerts SET next_at = `+releasedAt("$3")+` WHERE `+tx.d.InList("heartbeat", "$2")+` AND channel = $1 AND state = 'pending'
			AND turn > 0 AND next_at > $3 AND (event <> $4 OR next_at > $5) AND holder IS NULL AND `+isNoMember,
			channel, tx.d.IntList(heartbeats), micros(now), string(monitor.IncidentReminder), micros(waitedForGroup(now)))
		if err != nil {
			return fmt.Errorf("release following alerts: %w", err)
		}
	}
	return nil
}

// Reschedule moves the next attempt of an alert, and those of its successors, to
// next. asked is the time before which the provider asked not to be contacted, zero
// if it did not say. It does nothing if another node has claimed the alert since
// attempt n.
func (tx *Tx) Reschedule(a monitor.Alert, next, asked time.Time) error {
	changed, err := tx.exec(`UPDATE alerts SET next_at = $3, asked = $4, holder = NULL WHERE id = $1 AND state = 'pending' AND attempts = $2`,
		a.ID, a.Attempts, micros(next), max(asked.UnixMicro(), 0))
	if err != nil {
		return fmt.Errorf("reschedule alert: %w", err)
	}
	if changed == 0 || a.Incident == "" {
		return nil
	}
	_, err = tx.exec(`UPDATE alerts SET next_at = $4 WHERE heartbeat = $2 AND channel = $3 AND state = 'pending' AND next_at < $4
		AND ($5 = '' OR recipient = $5) AND turn > (SELECT turn FROM alerts WHERE id = $1)`, a.ID, a.Heartbeat, a.Channel, micros(next), a.Recipient)
	if err != nil {
		return fmt.Errorf("reschedule following alerts: %w", err)
	}
	return nil
}

// releasedAt returns the time at which a successor is due that can be attempted now: a step of a policy
// is not earlier than its time.
func releasedAt(now string) string {
	return `CASE WHEN attempts = 0 AND asked > ` + now + ` THEN asked ELSE ` + now + ` END`
}

// ReleaseNext makes the successors of this alert due at now, and steps of a policy at their time.
func (tx *Tx) ReleaseNext(a monitor.Alert, now time.Time) error {
	if a.Incident == "" {
		return nil
	}
	_, err := tx.exec(`UPDATE alerts SET next_at = `+releasedAt("$4")+` WHERE heartbeat = $2 AND channel = $3 AND state = 'pending' AND next_at > $4
		AND (event <> $5 OR next_at > $7) AND holder IS NULL AND `+isNoMember+` AND ($6 = '' OR recipient = $6) AND turn > (SELECT turn FROM alerts WHERE id = $1)`,
		a.ID, a.Heartbeat, a.Channel, micros(now), string(monitor.IncidentReminder), a.Recipient, micros(waitedForGroup(now)))
	if err != nil {
		return fmt.Errorf("release following alerts: %w", err)
	}
	return nil
}

// expedite makes alerts due at now that wait for their next attempt and whose
// heartbeats have new alerts: the new alerts wait for them. It honours the time that
// a provider asked for, and delays nothing.
func (tx *Tx) expedite(heartbeats []int64, now time.Time) error {
	_, err := tx.exec(`UPDATE alerts SET next_at = CASE WHEN asked <= $2 THEN $2 WHEN asked < next_at THEN asked ELSE next_at END
		WHERE `+tx.d.InList("heartbeat", "$1")+` AND state = 'pending' AND attempts > 0 AND holder IS NULL AND next_at > $2 AND event <> $3`,
		tx.d.IntList(heartbeats), micros(now), string(monitor.IncidentReminder))
	if err != nil {
		return fmt.Errorf("expedite earlier alerts: %w", err)
	}
	return nil
}

// MarkFailed ends the attempts at an alert. It does nothing if another node has
// claimed it since, and reports whether it changed anything.
func (tx *Tx) MarkFailed(a monitor.Alert) (bool, error) {
	n, err := tx.exec(`UPDATE alerts SET state = 'failed', holder = NULL WHERE id = $1 AND state = 'pending' AND attempts = $2`, a.ID, a.Attempts)
	if err != nil {
		return false, fmt.Errorf("mark alert as failed: %w", err)
	}
	return n > 0, nil
}

// Enqueue adds a pending alert that no transition made: the next reminder, or the
// alert about a failing channel. It adds no reminder of an incident that is resolved
// or acknowledged meanwhile: nothing would remove it, and later alerts would wait for
// it.
func (tx *Tx) Enqueue(a monitor.Alert, repeat int) error {
	if a.Event == monitor.IncidentReminder {
		_, open, err := queryOne(tx, func(row scanner) (n int64, err error) { return n, row.Scan(&n) },
			`SELECT number FROM incidents WHERE id = $1 AND resolved IS NULL AND acknowledged IS NULL`+tx.d.ForUpdate, a.Incident)
		if err != nil {
			return fmt.Errorf("incident to remind of: %w", err)
		}
		if !open {
			return nil
		}
	}
	n, _, err := queryOne(tx, scanInt, `SELECT COUNT(*) FROM channels WHERE id = $1`, a.Channel)
	if err == nil && n == 0 {
		err = fmt.Errorf("no channel %s", a.Channel)
	}
	if err != nil {
		return fmt.Errorf("enqueue alert: %w", err)
	}
	a.ID = alertID(a, repeat)
	if err := tx.insertBatch(&alertBatch, [][]any{alertRow(a, false)}); err != nil {
		return fmt.Errorf("enqueue alert: %w", err)
	}
	return nil
}

// CountReminders counts all reminders of an incident on a channel.
func (tx *Tx) CountReminders(incident, channel string) (int, error) {
	n, _, err := queryOne(tx, func(row scanner) (n int, err error) { return n, row.Scan(&n) },
		`SELECT COUNT(*) FROM alerts WHERE incident = $1 AND channel = $2 AND event = $3`, incident, channel, string(monitor.IncidentReminder))
	return n, err
}

// deleteUnsentReminders deletes the reminders and the later steps of a policy that were not attempted
// yet. It returns the steps by incident.
func (tx *Tx) deleteUnsentReminders(incidents ...string) (map[string][]monitor.Escalation, error) {
	among, ids := tx.amongIncidents("incident", incidents)
	deleted, err := queryAll(tx, scanAlert, `DELETE FROM alerts WHERE `+among+` AND (event = $2 OR event = $3 AND about <> '')
		AND state = 'pending' AND attempts = 0 AND `+isNotInFlight+` RETURNING `+alertColumns,
		ids, string(monitor.IncidentReminder), string(monitor.IncidentOpened))
	if err != nil {
		return nil, fmt.Errorf("delete reminders: %w", err)
	}
	steps := map[string][]monitor.Escalation{}
	for _, a := range deleted {
		if e, ok := a.Escalation(); ok {
			steps[a.Incident] = append(steps[a.Incident], e)
		}
	}
	return steps, nil
}

// ReleaseClaims releases the alerts that the only server of a SQLite file had claimed
// when it died, and removes that node: nothing waits for its pings. On PostgreSQL
// another node can hold them, and they wait for the end of their lease.
func (db *DB) ReleaseClaims(tx *Tx, now time.Time) error {
	if db.path == "" {
		return nil
	}
	if _, err := tx.exec(`UPDATE alerts SET next_at = $1, holder = NULL WHERE state = 'pending' AND holder IS NOT NULL`, micros(now)); err != nil {
		return fmt.Errorf("release claimed alerts: %w", err)
	}
	if _, err := tx.exec(`DELETE FROM nodes`); err != nil {
		return fmt.Errorf("remove stopped node: %w", err)
	}
	return nil
}

// Cancel deletes a pending alert that is no longer needed, with its attempts, and
// releases its successors.
func (tx *Tx) Cancel(a monitor.Alert, now time.Time) error {
	if err := tx.ReleaseNext(a, now); err != nil {
		return err
	}
	if _, err := tx.exec(`DELETE FROM attempts WHERE alert = $1`, a.ID); err != nil {
		return fmt.Errorf("delete attempts: %w", err)
	}
	if _, err := tx.exec(`DELETE FROM alerts WHERE id = $1 AND state = 'pending'`, a.ID); err != nil {
		return fmt.Errorf("delete alert: %w", err)
	}
	return nil
}

// RenewClaims extends claims of the node named holder until the given time. It does
// nothing for a claim that is no longer that node's, or an alert that is no longer
// pending.
func (tx *Tx) RenewClaims(alerts []string, holder string, until time.Time) error {
	if len(alerts) == 0 {
		return nil
	}
	_, err := tx.exec(`UPDATE alerts SET next_at = $3 WHERE `+tx.d.InList("id", "$1")+` AND holder = $2 AND `+isPending,
		tx.d.TextList(alerts), holder, micros(until))
	if err != nil {
		return fmt.Errorf("renew claims: %w", err)
	}
	return nil
}
