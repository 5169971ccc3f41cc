package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"overdue/internal/monitor"
)

// nodeTimeout is the time without a sign of life after which a node counts as dead:
// nothing waits for its pings in flight any longer.
const nodeTimeout = 10 * time.Second

// Watermark is the time up to which all pings that reached a node are stored.
type Watermark struct {
	// All is the time for every heartbeat. Nodes of earlier versions read only it.
	All time.Time
	// Default is the time for every heartbeat that Holds does not list.
	Default time.Time
	// Holds is the time for single heartbeats, by id.
	Holds map[string]time.Time
}

// SetNode sets the name of the node that uses this database, for the functions below.
// A server calls it before it starts; other commands do not.
func (db *DB) SetNode(node string) { db.node = node }

// PublishWatermark records that this node is alive at now, and its watermark.
func (tx *Tx) PublishWatermark(now time.Time, h Watermark) error {
	holds := make(map[string]int64, len(h.Holds))
	for id, until := range h.Holds {
		holds[id] = until.UnixMicro()
	}
	text, err := json.Marshal(holds)
	if err != nil {
		return fmt.Errorf("publish watermark: holds: %w", err)
	}
	_, err = tx.exec(`INSERT INTO nodes (id, seen, horizon, rest_horizon, holds) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, horizon = excluded.horizon,
			rest_horizon = excluded.rest_horizon, holds = excluded.holds`,
		tx.db.node, micros(now), micros(h.All), micros(h.Default), string(text))
	if err != nil {
		return fmt.Errorf("publish watermark: %w", err)
	}
	return nil
}

// RemoveNode removes this node, which stopped cleanly, and nodes that died long ago.
func (tx *Tx) RemoveNode(now time.Time) error {
	if _, err := tx.exec(`DELETE FROM nodes WHERE id = $1 OR seen < $2`, tx.db.node, micros(now.Add(-24*time.Hour))); err != nil {
		return fmt.Errorf("remove node: %w", err)
	}
	return nil
}

// Peers holds the watermarks of the other live nodes.
type Peers struct {
	Count            int
	defaultWatermark time.Time            // the earliest of all nodes
	holds            map[string]time.Time // the earliest of each heartbeat, by id
	limits           watchLimits
}

// Watermark returns the time as of which the heartbeat with the given id can be
// evaluated: own, or an earlier time up to which the other nodes have stored all of
// its pings.
func (p Peers) Watermark(id string, own time.Time) time.Time {
	until := monitor.Earlier(monitor.Earlier(own, p.limits.gap), p.limits.drain)
	until = monitor.Earlier(until, p.defaultWatermark)
	return monitor.Earlier(until, p.holds[id])
}

// HeldWatermark is Watermark for a ping that ends a silence: it waits only for pings
// of the same heartbeat that are known to be in flight to another node. Otherwise,
// every late ping would count as in time while a node is dead and not yet known to
// be.
func (p Peers) HeldWatermark(id string, own time.Time) time.Time {
	return monitor.Earlier(monitor.Earlier(own, p.limits.gap), p.holds[id])
}

// Peers returns the watermarks of the other nodes that are alive at now. It also reads
// the blackouts: no heartbeat is evaluated past the time until which pings could be
// stored.
func (tx *Tx) Peers(now time.Time) (Peers, error) {
	published, err := queryAll(tx, scanWatermark, `SELECT horizon, rest_horizon, holds FROM nodes WHERE id <> $1 AND seen > $2`,
		tx.db.node, micros(now.Add(-nodeTimeout)))
	if err != nil {
		return Peers{}, fmt.Errorf("other nodes: %w", err)
	}
	if err := tx.refreshWatching(); err != nil {
		return Peers{}, fmt.Errorf("blackouts: %w", err)
	}
	p := Peers{Count: len(published), holds: map[string]time.Time{}, limits: tx.db.watching.limitsAt(now)}
	for _, h := range published {
		p.defaultWatermark = monitor.Earlier(p.defaultWatermark, h.Default)
		for id, until := range h.Holds {
			p.holds[id] = monitor.Earlier(p.holds[id], until)
		}
	}
	return p, nil
}

// scanWatermark reads the watermark of one node. A node of an earlier version
// published one time for all heartbeats.
func scanWatermark(row scanner) (Watermark, error) {
	var h Watermark
	var all, rest sql.NullInt64
	var text sql.NullString
	if err := row.Scan(&all, &rest, &text); err != nil {
		return h, err
	}
	h.All, h.Default, h.Holds = timeFromMicros(all), timeFromMicros(all), map[string]time.Time{}
	if !rest.Valid {
		return h, nil
	}
	h.Default = timeFromMicros(rest)
	holds := map[string]int64{}
	if err := json.Unmarshal([]byte(text.String), &holds); err != nil {
		return h, fmt.Errorf("holds: %w", err)
	}
	for id, until := range holds {
		h.Holds[id] = time.UnixMicro(until).UTC()
	}
	return h, nil
}

// Setting returns a value that all nodes share, and whether it is set.
func (tx *Tx) Setting(name string) (string, bool, error) {
	return queryOne(tx, func(row scanner) (value string, err error) { return value, row.Scan(&value) },
		`SELECT value FROM settings WHERE name = $1`, name)
}

// SetSetting stores a value in place of any previous one.
func (tx *Tx) SetSetting(name, value string) error {
	_, err := tx.exec(`INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	if err != nil {
		return fmt.Errorf("setting %s: %w", name, err)
	}
	return nil
}

// EnsureSetting stores a value unless there is one, and returns the stored one:
// several nodes that create a secret at the same time get the same one.
func (tx *Tx) EnsureSetting(name, value string) (string, error) {
	if _, err := tx.exec(`INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, value); err != nil {
		return "", fmt.Errorf("setting %s: %w", name, err)
	}
	stored, _, err := tx.Setting(name)
	return stored, err
}

// DeleteSetting deletes a setting with the given value. It reports whether there was
// one, so that a single-use token works once.
func (tx *Tx) DeleteSetting(name, value string) (bool, error) {
	n, err := tx.exec(`DELETE FROM settings WHERE name = $1 AND value = $2`, name, value)
	if err != nil {
		return false, fmt.Errorf("setting %s: %w", name, err)
	}
	return n > 0, nil
}

// UseQuota counts one use of a quota: max uses per window, on all nodes together. If
// the quota is used up, it counts nothing and returns the time until the next use.
// The caller must hold a lock that serializes the uses of the quota.
func (tx *Tx) UseQuota(name string, max int, window time.Duration, now time.Time) (wait time.Duration, err error) {
	if _, err := tx.exec(`DELETE FROM quota_uses WHERE name = $1 AND at <= $2`, name, micros(now.Add(-window))); err != nil {
		return 0, fmt.Errorf("quota: %w", err)
	}
	uses, err := queryAll(tx, func(row scanner) (time.Time, error) {
		var at sql.NullInt64
		err := row.Scan(&at)
		return timeFromMicros(at), err
	}, `SELECT at FROM quota_uses WHERE name = $1 ORDER BY at DESC LIMIT $2`, name, max)
	if err != nil {
		return 0, fmt.Errorf("quota: %w", err)
	}
	if len(uses) >= max {
		return uses[max-1].Add(window).Sub(now), nil
	}
	if _, err := tx.exec(`INSERT INTO quota_uses (id, name, at) VALUES ($1, $2, $3)`, newID(), name, micros(now)); err != nil {
		return 0, fmt.Errorf("quota: %w", err)
	}
	return 0, nil
}
