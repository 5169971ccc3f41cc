package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
	"overdue/internal/store/listindex"
)

// channelColumns are in the order of scanChannel.
const channelColumns = `id, project, kind, name, settings, notify_on_late, notify_on_recovery, remind_every, failing, last_delivery, paused_until, created, revision`

// scanChannel reads channelColumns.
func (tx *Tx) scanChannel(row scanner) (monitor.Channel, error) {
	c, settings, err := scanSealedChannel(row)
	if err != nil {
		return c, err
	}
	if settings, err = tx.openText(channelSettingsName(c.ID), settings); err != nil {
		return c, err
	}
	if err := json.Unmarshal([]byte(settings), &c.Settings); err != nil {
		return c, fmt.Errorf("settings of channel %s: %w", c.ID, err)
	}
	return c, nil
}

// scanSealedChannel reads channelColumns and leaves the settings as they are stored.
func scanSealedChannel(row scanner) (c monitor.Channel, settings string, err error) {
	var remind int64
	var last, paused, created sql.NullInt64
	err = row.Scan(&c.ID, &c.Project, &c.Kind, &c.Name, &settings, &c.NotifyOnLate, &c.NotifyOnRecovery, &remind, &c.Failing, &last, &paused, &created, &c.Revision)
	c.RemindEvery, c.LastDelivery, c.PausedUntil, c.Created = durationFromMicros(remind), timeFromMicros(last), timeFromMicros(paused), timeFromMicros(created)
	return c, settings, err
}

// Channels lists the channels of a project, oldest first.
func (tx *Tx) Channels(project int64) ([]monitor.Channel, error) {
	return queryAll(tx, tx.scanChannel, `SELECT `+channelColumns+` FROM channels WHERE project = $1 AND deleted IS NULL ORDER BY created, id`, project)
}

// ChannelRoutes is Channels without the settings. Use it for work that must
// continue when secrets cannot be opened, such as storing pings and routing alerts.
func (tx *Tx) ChannelRoutes(project int64) ([]monitor.Channel, error) {
	return queryAll(tx, func(row scanner) (monitor.Channel, error) {
		c, _, err := scanSealedChannel(row)
		return c, err
	}, `SELECT `+channelColumns+` FROM channels WHERE project = $1 AND deleted IS NULL ORDER BY created, id`, project)
}

// ChannelsOfKinds lists the channels of any project with one of the kinds.
func (tx *Tx) ChannelsOfKinds(kinds []string) ([]monitor.Channel, error) {
	found, err := queryAll(tx, tx.scanChannel, `SELECT `+channelColumns+` FROM channels WHERE `+tx.d.InList("kind", "$1")+` AND deleted IS NULL ORDER BY id`, tx.d.TextList(kinds))
	if err != nil {
		return nil, fmt.Errorf("channels of kinds: %w", err)
	}
	return found, nil
}

// Channel returns the channel with the given id, in a project.
func (tx *Tx) Channel(project int64, id string) (monitor.Channel, error) {
	c, found, err := queryOne(tx, tx.scanChannel, `SELECT `+channelColumns+` FROM channels WHERE id = $1 AND project = $2 AND deleted IS NULL`, id, project)
	if err == nil && !found {
		err = notFound("channel")
	}
	return c, err
}

// ChannelForUpdate is Channel with a lock until the transaction ends.
func (tx *Tx) ChannelForUpdate(project int64, id string) (monitor.Channel, error) {
	c, found, err := queryOne(tx, tx.scanChannel, `SELECT `+channelColumns+` FROM channels WHERE id = $1 AND project = $2 AND deleted IS NULL`+tx.d.ForUpdate, id, project)
	if err == nil && !found {
		err = notFound("channel")
	}
	return c, err
}

// AddChannel stores a new channel and sets its id.
func (tx *Tx) AddChannel(c monitor.Channel) (monitor.Channel, error) {
	c.ID, c.Revision = newID(), 1
	settings, err := tx.sealSettings(c)
	if err != nil {
		return c, err
	}
	_, err = tx.exec(`INSERT INTO channels (id, project, kind, name, settings, notify_on_late, notify_on_recovery, remind_every, failing, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, c.ID, c.Project, c.Kind, c.Name, settings,
		c.NotifyOnLate, c.NotifyOnRecovery, c.RemindEvery.Microseconds(), c.Failing, micros(c.Created))
	if err != nil {
		return c, fmt.Errorf("add channel: %w", err)
	}
	return c, nil
}

// sealSettings returns the settings of a channel in their stored form.
func (tx *Tx) sealSettings(c monitor.Channel) (string, error) {
	settings, err := json.Marshal(c.Settings)
	if err != nil {
		return "", fmt.Errorf("settings of channel: %w", err)
	}
	return tx.sealText(channelSettingsName(c.ID), string(settings))
}

// SaveChannel stores the fields of a channel that users can edit, and ends a pause: the
// receiver can be another one.
func (tx *Tx) SaveChannel(c monitor.Channel) error {
	settings, err := tx.sealSettings(c)
	if err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE channels SET name = $2, settings = $3, notify_on_late = $4, notify_on_recovery = $5, remind_every = $6,
		paused_until = NULL, revision = revision + 1 WHERE id = $1`,
		c.ID, c.Name, settings, c.NotifyOnLate, c.NotifyOnRecovery, c.RemindEvery.Microseconds())
	if err != nil {
		return fmt.Errorf("save channel: %w", err)
	}
	return nil
}

// DeleteChannel deletes a channel and fails its pending alerts. The row stays,
// because the histories of incidents name it.
func (tx *Tx) DeleteChannel(c monitor.Channel, now time.Time) error {
	if _, err := tx.exec(`UPDATE channels SET deleted = $2 WHERE id = $1`, c.ID, micros(now)); err != nil {
		return fmt.Errorf("delete channel: %w", err)
	}
	pending, err := queryAll(tx, scanAlert, `UPDATE alerts SET state = 'failed', holder = NULL WHERE channel = $1 AND state = 'pending' RETURNING `+alertColumns, c.ID)
	if err != nil {
		return fmt.Errorf("alerts of deleted channel: %w", err)
	}
	if _, err := tx.exec(`DELETE FROM alert_bursts WHERE channel = $1`, c.ID); err != nil {
		return fmt.Errorf("bursts of deleted channel: %w", err)
	}
	if _, err := tx.exec(`DELETE FROM channel_failures WHERE channel = $1`, c.ID); err != nil {
		return fmt.Errorf("failures of deleted channel: %w", err)
	}
	return tx.SendElsewhere(pending, now)
}

// ChannelRouting counts the heartbeats of a project by the channels that they notify.
type ChannelRouting struct {
	Heartbeats  int            // of the project
	AllChannels int            // heartbeats that name neither channels nor a policy
	ByChannel   map[string]int // heartbeats that name the channel, by its id
	ByPolicy    map[string]int // heartbeats that name the policy, by its slug
}

// ChannelRouting counts the heartbeats of a project by the channels that they notify.
func (tx *Tx) ChannelRouting(project int64) (ChannelRouting, error) {
	r := ChannelRouting{ByChannel: map[string]int{}}
	if !tx.viewLists(func(v listindex.View) { r.Heartbeats = v.Count(project) }) {
		var err error
		if r.Heartbeats, err = tx.CountHeartbeats(project); err != nil {
			return r, fmt.Errorf("heartbeats by channel: %w", err)
		}
	}
	r.AllChannels = r.Heartbeats
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var list string
		var n int
		if err := row.Scan(&list, &n); err != nil {
			return struct{}{}, err
		}
		r.AllChannels -= n
		var ids []string
		err := json.Unmarshal([]byte(list), &ids)
		for _, id := range ids {
			r.ByChannel[id] += n
		}
		return struct{}{}, err
	}, `SELECT h.channels, COUNT(*) FROM heartbeats h WHERE h.project = $1 AND h.deleted IS NULL AND h.channels IS NOT NULL GROUP BY h.channels`, project)
	if err != nil {
		return r, fmt.Errorf("heartbeats by channel: %w", err)
	}
	r.ByPolicy, err = tx.HeartbeatsByPolicy(project)
	for _, n := range r.ByPolicy {
		r.AllChannels -= n
	}
	return r, err
}

// ChannelNames returns the name of every channel that a project has or had, by id:
// histories name deleted channels.
func (tx *Tx) ChannelNames(project int64) (map[string]string, error) {
	type named struct{ id, name string }
	all, err := queryAll(tx, func(row scanner) (n named, err error) { return n, row.Scan(&n.id, &n.name) },
		`SELECT id, name FROM channels WHERE project = $1`, project)
	if err != nil {
		return nil, fmt.Errorf("names of channels: %w", err)
	}
	names := make(map[string]string, len(all))
	for _, n := range all {
		names[n.id] = n.name
	}
	return names, nil
}

var attemptBatch = dialect.Batch{Table: "attempts", IgnoreExisting: true, Columns: dialect.Columns(`
	alert text, n bigint, at bigint, took bigint, outcome text, status bigint, detail text`)}

// Attempt is one attempt to deliver an alert.
type Attempt struct {
	AlertID string
	Number  int // Attempts of the alert when it was claimed
	At      time.Time
	Took    time.Duration
	Outcome string // sent, retry, refused
	Status  int    // status code of the provider, 0 for none
	Detail  string
}

// AddAttempt stores an attempt.
func (tx *Tx) AddAttempt(a Attempt) error { return tx.AddAttempts([]Attempt{a}) }

// AddAttempts stores attempts.
func (tx *Tx) AddAttempts(attempts []Attempt) error {
	rows := make([][]any, len(attempts))
	for i, a := range attempts {
		var status any
		if a.Status != 0 {
			status = int64(a.Status)
		}
		rows[i] = []any{a.AlertID, int64(a.Number), a.At.UnixMicro(), a.Took.Microseconds(), a.Outcome, status, validText(a.Detail)}
	}
	if err := tx.insertBatch(&attemptBatch, rows); err != nil {
		return fmt.Errorf("add attempts: %w", err)
	}
	return nil
}

// Delivery is an alert with all attempts to deliver it.
type Delivery struct {
	monitor.Alert
	AttemptLog []Attempt
}

// Deliveries lists the alerts of an incident, in the order of their creation.
func (tx *Tx) Deliveries(incident string) ([]Delivery, error) {
	alerts, err := queryAll(tx, scanAlert, `SELECT `+alertColumns+` FROM alerts WHERE incident = $1 ORDER BY created, turn, channel, recipient`, incident)
	if err != nil {
		return nil, fmt.Errorf("alerts of incident: %w", err)
	}
	attempts, err := queryAll(tx, scanAttempt, `SELECT t.alert, t.n, t.at, t.took, t.outcome, t.status, t.detail FROM attempts t
		JOIN alerts a ON a.id = t.alert WHERE a.incident = $1 ORDER BY t.n`, incident)
	if err != nil {
		return nil, fmt.Errorf("attempts of incident: %w", err)
	}
	all := make([]Delivery, len(alerts))
	for i, a := range alerts {
		if all[i].Alert = a; !a.NextAttempt.Before(monitor.MutedUntilUnmuted) {
			all[i].NextAttempt = time.Time{} // a user decides
		}
		for _, t := range attempts {
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

// ChannelAttempt is one attempt to deliver on a channel, with its event and the state
// of its alert.
type ChannelAttempt struct {
	Attempt
	Event      monitor.Event
	AlertState monitor.AlertState // of the alert
}

// RecentChannelAttempts lists the attempts of the newest n alerts of a channel,
// newest first.
func (tx *Tx) RecentChannelAttempts(channel string, n int) ([]ChannelAttempt, error) {
	found, err := queryAll(tx, func(row scanner) (ChannelAttempt, error) {
		var d ChannelAttempt
		var at, took, status sql.NullInt64
		err := row.Scan(&d.AlertID, &d.Number, &at, &took, &d.Outcome, &status, &d.Detail, &d.Event, &d.AlertState)
		d.At, d.Took, d.Status = timeFromMicros(at), durationFromMicros(took.Int64), int(status.Int64)
		return d, err
	}, `SELECT t.alert, t.n, t.at, t.took, t.outcome, t.status, t.detail, a.event, a.state
		FROM (SELECT b.id, b.event, b.state FROM alerts b WHERE b.channel = $1 AND b.attempts > 0 ORDER BY b.created DESC LIMIT $2) a
		JOIN attempts t ON t.alert = a.id ORDER BY t.at DESC LIMIT $2`, channel, n)
	if err != nil {
		return nil, fmt.Errorf("last deliveries: %w", err)
	}
	return found, nil
}

// maxTestAlerts is the number of test alerts that a channel keeps: its page shows as
// many.
const maxTestAlerts = 10

// AddTestAlert stores the result of a test alert, as an alert that is sent or failed.
func (tx *Tx) AddTestAlert(c monitor.Channel, a Attempt) error {
	state := monitor.AlertSent
	if a.Outcome != "sent" {
		state = monitor.AlertFailed
	}
	a.AlertID, a.Number = newID(), 1
	_, err := tx.exec(`INSERT INTO alerts (id, project, channel, event, turn, about, state, attempts, created, next_at, asked)
		VALUES ($1, $2, $3, $4, 0, '', $5, 1, $6, $6, 0)`, a.AlertID, c.Project, c.ID, string(monitor.TestAlert), string(state), micros(a.At))
	if err != nil {
		return fmt.Errorf("add test alert: %w", err)
	}
	if err := tx.AddAttempt(a); err != nil {
		return err
	}
	const old = `(SELECT id FROM alerts WHERE channel = $1 AND event = $2 AND attempts > 0 ORDER BY created DESC, id LIMIT 1000 OFFSET $3)`
	for _, text := range []string{`DELETE FROM attempts WHERE alert IN ` + old, `DELETE FROM alerts WHERE id IN ` + old} {
		if _, err := tx.exec(text, c.ID, string(monitor.TestAlert), maxTestAlerts); err != nil {
			return fmt.Errorf("delete old test alerts: %w", err)
		}
	}
	return nil
}

// SplitRecipients returns the recipients that got a separate alert, split from this
// one.
func (tx *Tx) SplitRecipients(alert string) ([]string, error) {
	found, err := queryAll(tx, func(row scanner) (r string, err error) { return r, row.Scan(&r) },
		`SELECT recipient FROM alerts WHERE parent = $1`, alert)
	if err != nil {
		return nil, fmt.Errorf("recipients of split alert: %w", err)
	}
	return found, nil
}

// RecipientsWithEarlierAlerts returns the recipients with an earlier pending alert of
// the same heartbeat and channel, and the time of its next attempt.
func (tx *Tx) RecipientsWithEarlierAlerts(a monitor.Alert) (map[string]time.Time, error) {
	waiting := map[string]time.Time{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var recipient string
		var next sql.NullInt64
		err := row.Scan(&recipient, &next)
		waiting[recipient] = timeFromMicros(next)
		return struct{}{}, err
	}, `SELECT e.recipient, MAX(e.next_at) FROM alerts e WHERE e.heartbeat = $1 AND e.channel = $2 AND e.state = 'pending' AND e.recipient <> ''
		AND e.turn BETWEEN 1 AND (SELECT d.turn FROM alerts d WHERE d.id = $3) - 1 GROUP BY e.recipient`, a.Heartbeat, a.Channel, a.ID)
	if err != nil {
		return nil, fmt.Errorf("recipients with earlier alerts: %w", err)
	}
	return waiting, nil
}

// SplitRecipient creates a separate alert for one recipient of an alert, with the
// given number of attempts so far and the time of the next one. Its id is derived
// from the alert and the recipient, so that splitting twice, or on two nodes, changes
// nothing. It is never grouped with others: a message about a group goes to all recipients.
func (tx *Tx) SplitRecipient(a monitor.Alert, recipient string, attempts int, next time.Time) (monitor.Alert, error) {
	part := a
	part.ID = uuid.NewSHA1(alertIDNamespace, []byte(a.ID+"/"+recipient)).String()
	part.SplitFrom, part.Recipient, part.State, part.Attempts, part.NextAttempt = a.ID, recipient, monitor.AlertPending, attempts, next
	_, err := tx.exec(`INSERT INTO alerts (id, project, channel, event, turn, heartbeat, incident, about, state, attempts, created, next_at,
			asked, urgency, recipient, parent, carrier)
		SELECT CAST($2 AS TEXT), project, channel, event, turn, heartbeat, incident, about, 'pending', CAST($4 AS BIGINT), created, CAST($5 AS BIGINT),
			0, urgency, CAST($3 AS TEXT), id, '' FROM alerts WHERE id = $1
		ON CONFLICT (id) DO NOTHING`, a.ID, part.ID, recipient, attempts, micros(next))
	if err != nil {
		return part, fmt.Errorf("split alert: %w", err)
	}
	return part, nil
}

// NarrowToRecipient makes a pending alert that reached none of its recipients the
// alert of one of them. It does nothing if another node has claimed it since.
func (tx *Tx) NarrowToRecipient(a monitor.Alert, recipient string) (monitor.Alert, error) {
	_, err := tx.exec(`UPDATE alerts SET recipient = $3 WHERE id = $1 AND state = 'pending' AND attempts = $2`, a.ID, a.Attempts, recipient)
	if err != nil {
		return a, fmt.Errorf("narrow alert: %w", err)
	}
	a.Recipient = recipient
	return a, nil
}

// MarkSentToRecipients marks the alerts that were split from another one as sent, for
// recipients that got it meanwhile: another node had sent it too.
func (tx *Tx) MarkSentToRecipients(alert string, recipients []string) error {
	_, err := tx.exec(`UPDATE alerts SET state = 'sent', holder = NULL WHERE parent = $1 AND state = 'pending' AND `+tx.d.InList("recipient", "$2"),
		alert, tx.d.TextList(slices.Clone(recipients)))
	if err != nil {
		return fmt.Errorf("mark split alerts as sent: %w", err)
	}
	return nil
}
