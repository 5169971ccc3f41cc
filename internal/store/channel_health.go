package store

import (
	"database/sql"
	"fmt"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
)

// failureColumns are in the order of scanFailure.
const failureColumns = `f.channel, f.recipient, f.since, f.last, f.attempts, f.failing, f.status, f.reason, f.announced, f.logged, f.recovered`

// scanFailure reads failureColumns, and what follows them into more.
func scanFailure(row scanner, more ...any) (monitor.ChannelFailure, error) {
	var f monitor.ChannelFailure
	var since, last, announced, logged, recovered sql.NullInt64
	err := row.Scan(append([]any{
		&f.Channel, &f.Recipient, &since, &last, &f.Attempts, &f.Failing, &f.StatusCode, &f.Reason, &announced, &logged, &recovered,
	}, more...)...)
	f.Since, f.LastFailed, f.NotifiedAt, f.LoggedAt, f.RecoveredAt = timeFromMicros(since), timeFromMicros(last), timeFromMicros(announced), timeFromMicros(logged), timeFromMicros(recovered)
	return f, err
}

// RecordDelivery records the results of one attempt on a channel. attempts is the
// number of attempts of that alert so far. whole means that the attempt was for all
// recipients of the channel: if it failed for all of them, the channel fails and not
// each recipient.
func (tx *Tx) RecordDelivery(channel string, results []monitor.DeliveryResult, whole bool, attempts int, at time.Time) error {
	var delivered []string
	var failed []monitor.DeliveryResult
	for _, r := range results {
		if r.Delivered {
			delivered = append(delivered, r.Recipient)
		} else {
			failed = append(failed, r)
		}
	}
	if len(delivered) > 0 {
		if err := tx.recordSuccess(channel, delivered, at); err != nil {
			return err
		}
	} else if whole && len(failed) > 0 {
		same := failed[0]
		same.Recipient = ""
		for _, r := range failed {
			same.Permanent = same.Permanent && r.Permanent
		}
		if len(failed) == 1 || samePermanence(failed) {
			failed = []monitor.DeliveryResult{same}
		}
	}
	for _, r := range failed {
		if err := tx.recordFailure(channel, r, attempts, at); err != nil {
			return err
		}
	}
	return tx.updateFailing(channel)
}

// samePermanence reports whether either all or none of the results are permanent.
func samePermanence(results []monitor.DeliveryResult) bool {
	for _, r := range results {
		if r.Permanent != results[0].Permanent {
			return false
		}
	}
	return true
}

// recordSuccess ends the failures of the channel as a whole and of the recipients. A
// recipient "" means all.
func (tx *Tx) recordSuccess(channel string, recipients []string, at time.Time) error {
	all := recipients[0] == ""
	ended, err := tx.exec(`UPDATE channel_failures SET recovered = $2, failing = FALSE
		WHERE channel = $1 AND recovered IS NULL AND ($3 OR recipient = '' OR `+tx.d.InList("recipient", "$4")+`)`,
		channel, micros(at), all, tx.d.TextList(recipients))
	if err != nil {
		return fmt.Errorf("recovery of channel: %w", err)
	}
	if ended > 0 {
		if err := tx.expediteRetries(channel, recipients, at); err != nil {
			return err
		}
	}
	if _, err := tx.exec(`UPDATE channels SET last_delivery = $2 WHERE id = $1`, channel, micros(at)); err != nil {
		return fmt.Errorf("last delivery of channel: %w", err)
	}
	return nil
}

// minOutage is the minimum duration of a failure for pending alerts to be attempted
// as soon as it ends. Otherwise, an alert that alone fails would be attempted after
// each success of another.
const minOutage = time.Minute

// expediteRetries makes pending alerts due whose recipients' failure ended at that
// time. It honours the time that a provider asked for.
func (tx *Tx) expediteRetries(channel string, recipients []string, at time.Time) error {
	_, err := tx.exec(`UPDATE alerts SET next_at = CASE WHEN asked <= $2 THEN $2 WHEN asked < next_at THEN asked ELSE next_at END
		WHERE channel = $1 AND state = 'pending' AND attempts > 0 AND holder IS NULL AND next_at > $2 AND event <> $3
			AND ($4 OR recipient = '' OR `+tx.d.InList("recipient", "$5")+`)
			AND EXISTS (SELECT 1 FROM channel_failures f WHERE f.channel = $1 AND f.recovered = $2 AND f.since <= $6)`,
		channel, micros(at), string(monitor.IncidentReminder), recipients[0] == "", tx.d.TextList(recipients), micros(at.Add(-minOutage)))
	if err != nil {
		return fmt.Errorf("retry pending alerts: %w", err)
	}
	return nil
}

// recordFailure records one failed attempt. A failure before the recovery was
// announced continues the old one.
func (tx *Tx) recordFailure(channel string, r monitor.DeliveryResult, attempts int, at time.Time) error {
	failing := r.Permanent || attempts >= monitor.FailingAttempts
	_, err := tx.exec(`INSERT INTO channel_failures (channel, recipient, since, last, attempts, failing, status, reason)
		VALUES ($1, $2, $3, $3, $4, $5, $6, $7)
		ON CONFLICT (channel, recipient) DO UPDATE SET last = excluded.last, status = excluded.status, reason = excluded.reason,
			since = CASE WHEN channel_failures.recovered IS NULL THEN channel_failures.since ELSE excluded.since END,
			attempts = CASE WHEN channel_failures.recovered IS NULL AND channel_failures.attempts > excluded.attempts
				THEN channel_failures.attempts ELSE excluded.attempts END,
			failing = excluded.failing OR channel_failures.failing, recovered = NULL`,
		channel, r.Recipient, micros(at), attempts, failing, r.StatusCode, validText(r.Reason))
	if err != nil {
		return fmt.Errorf("failure of channel: %w", err)
	}
	return nil
}

// PauseChannel makes the alerts of a channel wait until the given time: its receiver asked
// for it. It never ends an earlier pause.
func (tx *Tx) PauseChannel(channel string, until time.Time) error {
	_, err := tx.exec(`UPDATE channels SET paused_until = $2 WHERE id = $1 AND (paused_until IS NULL OR paused_until < $2)`, channel, micros(until))
	if err != nil {
		return fmt.Errorf("pause channel: %w", err)
	}
	return nil
}

// ResumeChannel ends the pause of a channel.
func (tx *Tx) ResumeChannel(channel string) error {
	if _, err := tx.exec(`UPDATE channels SET paused_until = NULL WHERE id = $1 AND paused_until IS NOT NULL`, channel); err != nil {
		return fmt.Errorf("resume channel: %w", err)
	}
	return nil
}

// updateFailing updates the failing column of the channel from its failures.
func (tx *Tx) updateFailing(channel string) error {
	const failing = `EXISTS (SELECT 1 FROM channel_failures f WHERE f.channel = channels.id AND f.failing AND f.recovered IS NULL)`
	if _, err := tx.exec(`UPDATE channels SET failing = `+failing+` WHERE id = $1 AND failing <> `+failing, channel); err != nil {
		return fmt.Errorf("state of channel: %w", err)
	}
	return nil
}

// DeleteRecipientFailures deletes the failures of recipients that a channel no longer
// has.
func (tx *Tx) DeleteRecipientFailures(channel string, recipients []string) error {
	_, err := tx.exec(`DELETE FROM channel_failures WHERE channel = $1 AND recipient <> '' AND NOT (`+tx.d.InList("recipient", "$2")+`)`,
		channel, tx.d.TextList(append([]string{}, recipients...)))
	if err != nil {
		return fmt.Errorf("delete failures of recipients: %w", err)
	}
	return tx.updateFailing(channel)
}

// FailingChannel is a failure with its channel.
type FailingChannel struct {
	monitor.ChannelFailure
	Project    int64
	Kind, Name string
	Pending    bool // an alert waits for its next attempt after a failed one
}

// ChannelFailures lists the failures of all channels, and the recoveries that were
// not announced yet.
func (tx *Tx) ChannelFailures() ([]FailingChannel, error) {
	found, err := queryAll(tx, func(row scanner) (c FailingChannel, err error) {
		c.ChannelFailure, err = scanFailure(row, &c.Project, &c.Kind, &c.Name, &c.Pending)
		return c, err
	}, `SELECT `+failureColumns+`, c.project, c.kind, c.name, EXISTS (SELECT 1 FROM alerts a
			WHERE a.channel = f.channel AND a.state = 'pending' AND a.attempts > 0 AND (f.recipient = '' OR a.recipient = f.recipient))
		FROM channel_failures f JOIN channels c ON c.id = f.channel WHERE c.deleted IS NULL ORDER BY f.channel, f.recipient`)
	if err != nil {
		return nil, fmt.Errorf("failures of channels: %w", err)
	}
	return found, nil
}

// MarkFailing records that a failure is Failing and no longer Retrying.
func (tx *Tx) MarkFailing(f monitor.ChannelFailure) error {
	_, err := tx.exec(`UPDATE channel_failures SET failing = TRUE WHERE channel = $1 AND recipient = $2 AND recovered IS NULL`, f.Channel, f.Recipient)
	if err != nil {
		return fmt.Errorf("mark channel as failing: %w", err)
	}
	return tx.updateFailing(f.Channel)
}

// MarkAnnounced records that the other channels are notified of a failure. It reports
// whether no other node did so before.
func (tx *Tx) MarkAnnounced(f monitor.ChannelFailure, now time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE channel_failures SET announced = $3 WHERE channel = $1 AND recipient = $2 AND announced IS NULL AND recovered IS NULL`,
		f.Channel, f.Recipient, micros(now))
	if err != nil {
		return false, fmt.Errorf("mark failure as announced: %w", err)
	}
	return n > 0, nil
}

// MarkLogged records that a channel failure was logged. It reports whether no node
// has logged it since before.
func (tx *Tx) MarkLogged(f monitor.ChannelFailure, before, now time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE channel_failures SET logged = $4 WHERE channel = $1 AND recipient = $2 AND (logged IS NULL OR logged <= $3)`,
		f.Channel, f.Recipient, micros(before), micros(now))
	if err != nil {
		return false, fmt.Errorf("mark failure as logged: %w", err)
	}
	return n > 0, nil
}

// DeleteRecoveredFailure deletes a failure that has ended. It reports whether no
// other node did so before.
func (tx *Tx) DeleteRecoveredFailure(f monitor.ChannelFailure) (bool, error) {
	n, err := tx.exec(`DELETE FROM channel_failures WHERE channel = $1 AND recipient = $2 AND recovered IS NOT NULL`, f.Channel, f.Recipient)
	if err != nil {
		return false, fmt.Errorf("delete recovered failure: %w", err)
	}
	return n > 0, nil
}

// pendingAlerts selects alerts that are not delivered yet at now, except reminders without an attempt, and later
// steps of policies and alerts that a mute holds back until then.
func pendingAlerts(now string) string {
	return `a.state = 'pending' AND (a.attempts > 0 OR a.event <> 'incident.reminder' AND a.asked <= ` + now + `)`
}

// WithHealth sets the health, as of now, of channels of one project.
func (tx *Tx) WithHealth(project int64, channels []monitor.Channel, now time.Time) ([]monitor.Channel, error) {
	failures := map[string][]monitor.ChannelFailure{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		f, err := scanFailure(row)
		failures[f.Channel] = append(failures[f.Channel], f)
		return struct{}{}, err
	}, `SELECT `+failureColumns+` FROM channel_failures f JOIN channels c ON c.id = f.channel
		WHERE c.project = $1 AND f.recovered IS NULL ORDER BY f.channel, f.recipient`, project)
	if err != nil {
		return nil, fmt.Errorf("health of channels: %w", err)
	}
	for i, c := range channels {
		pending, next, err := tx.pendingOf(c, now)
		if err != nil {
			return nil, err
		}
		channels[i].Health = c.EvaluateHealth(failures[c.ID], pending, next, now)
	}
	return channels, nil
}

// pendingOf counts the pending alerts of a channel, and returns the time of the next
// attempt, zero for none or for one in progress.
func (tx *Tx) pendingOf(c monitor.Channel, now time.Time) (pending int, next time.Time, err error) {
	pending, _, err = queryOne(tx, scanInt, `SELECT COUNT(*) FROM alerts a WHERE `+pendingAlerts("$2")+` AND a.channel = $1`, c.ID, micros(now))
	if err != nil || pending == 0 {
		return pending, next, err
	}
	next, err = queryTime(tx, `SELECT MIN(a.next_at) FROM (SELECT a.next_at FROM alerts a WHERE `+pendingAlerts("$2")+` AND a.channel = $1 AND a.holder IS NULL
		AND `+isNoMember+` AND `+isUnblocked("a")+` ORDER BY a.next_at LIMIT 1) a`, c.ID, micros(now))
	if err != nil {
		return 0, next, fmt.Errorf("pending alerts of channel: %w", err)
	}
	if c.PausedUntil.After(now) && next.Before(c.PausedUntil) && !next.IsZero() {
		next = c.PausedUntil
	}
	return pending, next, nil
}

// Outbox counts the alerts that are not delivered yet.
type Outbox struct {
	Pending  int
	Oldest   time.Time // when the oldest pending alert was created, zero for none
	Channels map[string]ChannelOutbox
}

// ChannelOutbox counts the pending alerts of a channel.
type ChannelOutbox struct {
	Pending     int
	Oldest      time.Time
	Failing     bool
	PausedUntil time.Time // zero if its receiver never asked for a pause
}

// Outbox returns the alerts that are not delivered yet, except those of canaries. It reads
// all of them: call it rarely, and in no transaction that writes.
func (tx *Tx) Outbox() (Outbox, error) {
	o := Outbox{Channels: map[string]ChannelOutbox{}}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var id string
		var c ChannelOutbox
		var oldest, paused sql.NullInt64
		err := row.Scan(&id, &c.Failing, &paused, &c.Pending, &oldest)
		c.Oldest, c.PausedUntil = timeFromMicros(oldest), timeFromMicros(paused)
		o.Channels[id] = c
		o.Pending += c.Pending
		o.Oldest = monitor.Earlier(o.Oldest, c.Oldest)
		return struct{}{}, err
	}, `SELECT c.id, c.failing, c.paused_until, COALESCE(p.n, 0), p.oldest FROM channels c
		LEFT JOIN (SELECT a.channel, COUNT(*) AS n, MIN(a.created) AS oldest FROM alerts a WHERE `+pendingAlerts("$1")+` AND a.project > 0 GROUP BY a.channel) p
			ON p.channel = c.id
		WHERE c.deleted IS NULL AND c.project > 0`, micros(tx.db.Now()))
	if err != nil {
		return o, fmt.Errorf("pending alerts: %w", err)
	}
	return o, nil
}

// threadBatch keeps the first thread of an incident: replies to it are messages of the same thread.
var threadBatch = dialect.Batch{Table: "threads", IgnoreExisting: true, Columns: dialect.Columns(`
	incident text, channel text, recipient text, thread text`)}

// maxThreadLength is the maximum length of what a service returns for a message, in bytes. A longer one is not stored.
const maxThreadLength = 500

// Thread is what a service returned for the first message about an incident. Recipient is empty
// for a channel with one destination.
type Thread struct {
	Incident, Channel, Recipient, Thread string
}

// AddThreads stores threads. An earlier thread of the same incident, channel and recipient stays.
func (tx *Tx) AddThreads(threads []Thread) error {
	var rows [][]any
	for _, t := range threads {
		if len(t.Thread) <= maxThreadLength {
			rows = append(rows, []any{t.Incident, t.Channel, validText(t.Recipient), validText(t.Thread)})
		}
	}
	if err := tx.insertBatch(&threadBatch, rows); err != nil {
		return fmt.Errorf("add threads: %w", err)
	}
	return nil
}

// ThreadsOfIncidents returns the threads of incidents.
func (tx *Tx) ThreadsOfIncidents(incidents []string) ([]Thread, error) {
	found, err := queryAll(tx, func(row scanner) (t Thread, err error) {
		return t, row.Scan(&t.Incident, &t.Channel, &t.Recipient, &t.Thread)
	}, `SELECT incident, channel, recipient, thread FROM threads WHERE `+tx.d.InList("incident", "$1"), tx.d.TextList(incidents))
	if err != nil {
		return nil, fmt.Errorf("threads of incidents: %w", err)
	}
	return found, nil
}

// NotifiedIncident is an incident whose opening was delivered to a channel.
type NotifiedIncident struct {
	ID        string
	Heartbeat int64
}

// notifiedIncidentsSQL selects incidents whose opening was delivered. OFFSET 0: PostgreSQL then looks for the alert of each
// incident. Without statistics, it would read all alerts of the channel.
const notifiedIncidentsSQL = `SELECT i.id, i.heartbeat FROM incidents i WHERE i.project = $1 AND i.resolved IS NULL AND ` + openingSentSQL + `
	UNION ALL SELECT i.id, i.heartbeat FROM incidents i WHERE i.resolved > $3 AND i.project = $1 AND ` + openingSentSQL

const openingSentSQL = `EXISTS (SELECT 1 FROM alerts a WHERE a.incident = i.id AND a.channel = $2 AND a.event = 'incident.opened' AND a.state = 'sent'
	LIMIT 1 OFFSET 0)`

// NotifiedIncidents returns the incidents of a channel whose opening was delivered, and that are open or were resolved
// after a time.
func (tx *Tx) NotifiedIncidents(c monitor.Channel, resolvedAfter time.Time) ([]NotifiedIncident, error) {
	found, err := queryAll(tx, func(row scanner) (i NotifiedIncident, err error) { return i, row.Scan(&i.ID, &i.Heartbeat) },
		notifiedIncidentsSQL, c.Project, c.ID, micros(resolvedAfter))
	if err != nil {
		return nil, fmt.Errorf("incidents of channel: %w", err)
	}
	return found, nil
}

// PendingAlert is an alert that is not delivered yet, with what it is about.
type PendingAlert struct {
	monitor.Alert
	IncidentNumber int64  // 0 if it is not about an incident
	HeartbeatName  string // "" if it is not about a heartbeat
	InProgress     bool   // a node attempts it now
	Blocked        bool   // it waits for an earlier alert of the heartbeat
}

// PendingAlerts lists the n oldest pending alerts of a channel, except future reminders.
func (tx *Tx) PendingAlerts(channel string, n int) ([]PendingAlert, error) {
	found, err := queryAll(tx, func(row scanner) (PendingAlert, error) {
		var a PendingAlert
		var created, next, number sql.NullInt64
		var incident, name sql.NullString
		err := row.Scan(&a.ID, &a.Event, &a.Subject, &a.Attempts, &created, &next, &a.Recipient, &incident, &number, &name, &a.InProgress, &a.Blocked)
		a.Created, a.NextAttempt, a.Channel, a.State = timeFromMicros(created), timeFromMicros(next), channel, monitor.AlertPending
		a.Incident, a.IncidentNumber, a.HeartbeatName = incident.String, number.Int64, name.String
		return a, err
	}, `SELECT a.id, a.event, a.about, a.attempts, a.created, a.next_at, a.recipient, a.incident, i.number, h.name, a.holder IS NOT NULL, NOT `+isUnblocked("a")+`
		FROM alerts a LEFT JOIN incidents i ON i.id = a.incident LEFT JOIN heartbeats h ON h.key = a.heartbeat
		WHERE `+pendingAlerts("$3")+` AND a.channel = $1 ORDER BY a.created, a.turn, a.id LIMIT $2`, channel, n, micros(tx.db.Now()))
	if err != nil {
		return nil, fmt.Errorf("pending alerts of channel: %w", err)
	}
	return found, nil
}

// RetryPending makes the pending alerts of a channel due at now and ends its pause: a person
// asked for it, so a time that the receiver asked for no longer counts. It leaves future
// reminders, later steps of policies, alerts that a mute holds back, and those that a node attempts now.
// It returns the number of changed alerts.
func (tx *Tx) RetryPending(channel string, now time.Time) (int, error) {
	if err := tx.ResumeChannel(channel); err != nil {
		return 0, err
	}
	n, err := tx.exec(`UPDATE alerts SET next_at = $2 WHERE channel = $1 AND state = 'pending' AND holder IS NULL AND next_at > $2
		AND (attempts > 0 OR event <> $3 AND asked <= $2) AND `+isNoMember, channel, micros(now), string(monitor.IncidentReminder))
	if err != nil {
		return 0, fmt.Errorf("retry pending alerts of channel: %w", err)
	}
	return int(n), nil
}
