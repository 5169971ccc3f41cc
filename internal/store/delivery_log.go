package store

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"overdue/internal/monitor"
)

// ChannelAttempt is one attempt at telling a channel, and what it was about.
type ChannelAttempt struct {
	Attempt
	Event      monitor.Event
	AlertState monitor.AlertState // of the alert
}

// RecentChannelAttempts lists the newest attempts at telling a channel, newest first:
// those of its newest n alerts.
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

// maxTestAlerts is how many test alerts of a channel are kept: as many as its page
// has room for.
const maxTestAlerts = 10

// AddTestAlert keeps how a test alert to a channel went, as an alert that is over.
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
	const old = `(SELECT id FROM alerts WHERE channel = $1 AND event = $2 ORDER BY created DESC, id LIMIT 1000 OFFSET $3)`
	for _, text := range []string{`DELETE FROM attempts WHERE alert IN ` + old, `DELETE FROM alerts WHERE id IN ` + old} {
		if _, err := tx.exec(text, c.ID, string(monitor.TestAlert), maxTestAlerts); err != nil {
			return fmt.Errorf("forget test alerts: %w", err)
		}
	}
	return nil
}

// ChannelRouting tells to how many heartbeats of a project each channel belongs.
type ChannelRouting struct {
	Heartbeats  int            // of the project
	AllChannels int            // those that tell all channels
	ByChannel   map[string]int // those that name the channel, by its id
}

// ChannelRouting counts.
func (tx *Tx) ChannelRouting(project int64) (ChannelRouting, error) {
	r := ChannelRouting{ByChannel: map[string]int{}}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var list sql.NullString
		var n int
		if err := row.Scan(&list, &n); err != nil {
			return struct{}{}, err
		}
		r.Heartbeats += n
		if !list.Valid {
			r.AllChannels += n
			return struct{}{}, nil
		}
		var ids []string
		err := json.Unmarshal([]byte(list.String), &ids)
		for _, id := range ids {
			r.ByChannel[id] += n
		}
		return struct{}{}, err
	}, `SELECT h.channels, COUNT(*) FROM heartbeats h WHERE h.project = $1 AND h.deleted IS NULL GROUP BY h.channels`, project)
	if err != nil {
		return r, fmt.Errorf("routing: %w", err)
	}
	return r, nil
}

// EnsureSecret returns the secret of the given name, which is made of fresh when there
// is none yet. All nodes see the same.
func (tx *Tx) EnsureSecret(name, fresh string) (string, error) {
	fresh, err := tx.sealText(secretName(name), fresh)
	if err != nil {
		return "", err
	}
	if _, err := tx.exec(`INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, fresh); err != nil {
		return "", fmt.Errorf("secret: %w", err)
	}
	value, _, err := queryOne(tx, func(row scanner) (s string, err error) { return s, row.Scan(&s) },
		`SELECT value FROM secrets WHERE name = $1`, name)
	if err != nil {
		return "", fmt.Errorf("secret: %w", err)
	}
	return tx.openText(secretName(name), value)
}
