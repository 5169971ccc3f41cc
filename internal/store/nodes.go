package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"overdue/internal/monitor"
)

// nodeTimeout is after how long without a sign a node counts as dead: its
// pings in flight are not waited for any more.
const nodeTimeout = 10 * time.Second

// Watermark is the moment up to which all pings that reached a node are stored.
type Watermark struct {
	// All is the moment for every heartbeat. Nodes of earlier versions read
	// nothing else.
	All time.Time
	// Default is the moment for every heartbeat that Holds does not list.
	Default time.Time
	// Holds is the moment for single heartbeats, by id.
	Holds map[string]time.Time
}

// SetNode names the node that uses this database, for the functions below. It is
// called before the node starts, and not at all outside a server.
func (db *DB) SetNode(node string) { db.node = node }

// PublishWatermark records that this node lives at now, and up to when its pings are
// stored.
func (tx *Tx) PublishWatermark(now time.Time, h Watermark) error {
	holds := make(map[string]int64, len(h.Holds))
	for id, until := range h.Holds {
		holds[id] = until.UnixMicro()
	}
	text, err := json.Marshal(holds)
	if err != nil {
		return fmt.Errorf("sign of life: holds: %w", err)
	}
	_, err = tx.exec(`INSERT INTO nodes (id, seen, horizon, rest_horizon, holds) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, horizon = excluded.horizon,
			rest_horizon = excluded.rest_horizon, holds = excluded.holds`,
		tx.db.node, micros(now), micros(h.All), micros(h.Default), string(text))
	if err != nil {
		return fmt.Errorf("sign of life: %w", err)
	}
	return nil
}

// RemoveNode takes this node, which stopped in good order, off the list, and those
// that died long ago.
func (tx *Tx) RemoveNode(now time.Time) error {
	if _, err := tx.exec(`DELETE FROM nodes WHERE id = $1 OR seen < $2`, tx.db.node, micros(now.Add(-24*time.Hour))); err != nil {
		return fmt.Errorf("node gone: %w", err)
	}
	return nil
}

// Peers holds the horizons that the other living nodes have published.
type Peers struct {
	Count            int
	defaultWatermark time.Time            // the earliest of all
	holds            map[string]time.Time // the earliest of each heartbeat
}

// Watermark returns as of when the heartbeat with the given id may be judged, when
// this node alone would judge it as of own: no later than the other nodes have
// stored all of its pings.
func (p Peers) Watermark(id string, own time.Time) time.Time {
	if p.Count == 0 {
		return own
	}
	until := monitor.Earlier(own, p.defaultWatermark)
	return monitor.Earlier(until, p.holds[id])
}

// HeldWatermark is Until for a ping that ends a silence: it waits only for pings of
// the same heartbeat that are known to be on their way to another node. What
// else that node has not stored would count every late ping as in time for as
// long as the node is dead and not known to be.
func (p Peers) HeldWatermark(id string, own time.Time) time.Time {
	return monitor.Earlier(own, p.holds[id])
}

// Peers returns the horizons of the other nodes that are alive at now.
func (tx *Tx) Peers(now time.Time) (Peers, error) {
	published, err := queryAll(tx, scanWatermark, `SELECT horizon, rest_horizon, holds FROM nodes WHERE id <> $1 AND seen > $2`,
		tx.db.node, micros(now.Add(-nodeTimeout)))
	if err != nil {
		return Peers{}, fmt.Errorf("other nodes: %w", err)
	}
	p := Peers{Count: len(published), holds: map[string]time.Time{}}
	for _, h := range published {
		p.defaultWatermark = monitor.Earlier(p.defaultWatermark, h.Default)
		for id, until := range h.Holds {
			p.holds[id] = monitor.Earlier(p.holds[id], until)
		}
	}
	return p, nil
}

// scanWatermark reads what one node has published. A node of an earlier version
// published one moment for all heartbeats.
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
