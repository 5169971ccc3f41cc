package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store/dbclock"
	"overdue/internal/store/dialect"
	"overdue/internal/store/listindex"
)

// Limits of what other nodes believe.
const (
	// nodeTimeout is the time without a sign of life after which a node counts as dead:
	// nothing waits for its pings in flight any longer.
	nodeTimeout = 3 * time.Second
	// maxHoldAge is the maximum age of a hold that makes a late ping count as in time. A
	// running node publishes each second, so an older hold is that of a dead node,
	// whose ping in flight will never be stored.
	maxHoldAge = 2 * time.Second
	// connectedTimeout is both limits for a node that still has a connection to the database:
	// it is slow, or suspended.
	connectedTimeout = 8 * time.Second
	// previousNodeTimeout is both limits for nodes of versions that published every 3 s.
	previousNodeTimeout = 10 * time.Second
)

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

// NewNode returns a name for a node that uses this database. The first one is that of the
// connections to PostgreSQL.
func (db *DB) NewNode() string {
	if db.postgres != nil {
		if node := db.postgres.TakeNode(); node != "" {
			return node
		}
	}
	return uuid.NewString()
}

// SetNodeInfo sets what the node publishes about itself. A server calls it before it
// starts.
func (db *DB) SetNodeInfo(host, version string, started time.Time) {
	db.nodeInfo = Node{Host: host, Version: version, Started: started}
}

// Now returns the current time for everything that is compared with stored times. All
// nodes of a PostgreSQL database agree on it, even if their clocks do not.
func (db *DB) Now() time.Time { return db.clock.Now() }

// Now returns the current time, as DB.Now.
func (tx *Tx) Now() time.Time { return tx.db.Now() }

// IsShared reports whether other nodes can use the database.
func (db *DB) IsShared() bool { return db.postgres != nil }

// Clock returns the clock of this node.
func (db *DB) Clock() *dbclock.Clock { return db.clock }

// SetClock replaces the clock of this node and that of the database. It is for tests:
// their virtual time is not that of the database.
func (db *DB) SetClock(c *dbclock.Clock, serverTime func() time.Time) {
	db.clock, db.serverTime = c, serverTime
}

// MeasureClock compares the clock of this node with that of the database, before the
// node publishes or stores anything.
func (db *DB) MeasureClock(ctx context.Context) error {
	return db.Update(ctx, (*Tx).MeasureClock)
}

// MeasureClock compares the clock of this node with that of the database. On SQLite,
// which has none, it does nothing.
func (tx *Tx) MeasureClock() error {
	if tx.d.ClockMicros == "" {
		return nil
	}
	m := tx.db.clock.Measure()
	server, err := queryTime(tx, "SELECT "+tx.d.ClockMicros)
	if err != nil {
		return fmt.Errorf("clock of the database: %w", err)
	}
	if tx.db.serverTime != nil {
		server = tx.db.serverTime()
	}
	m.Record(server)
	return nil
}

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
	var skew, roundTrip any
	if s, known := tx.db.clock.Skew(); known {
		skew, roundTrip = s.Ahead.Microseconds(), s.RoundTrip.Microseconds()
	}
	info := tx.db.nodeInfo
	started := info.Started
	if started.IsZero() {
		started = now
	}
	_, err = tx.exec(`INSERT INTO nodes (id, seen, horizon, rest_horizon, holds, host, version, started, skew, round_trip, last_commit, changes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, horizon = excluded.horizon,
			rest_horizon = excluded.rest_horizon, holds = excluded.holds, host = excluded.host, version = excluded.version,
			skew = excluded.skew, round_trip = excluded.round_trip, last_commit = excluded.last_commit, changes = excluded.changes`,
		tx.db.node, micros(now), micros(h.All), micros(h.Default), string(text),
		info.Host, info.Version, micros(started), skew, roundTrip, micros(tx.db.LastCommit()), tx.db.published.Load())
	if err != nil {
		return fmt.Errorf("publish watermark: %w", err)
	}
	return nil
}

// LastCommit returns when this node last stored a ping or a test ping, zero if it has
// stored none.
func (db *DB) LastCommit() time.Time {
	if n := db.lastCommit.Load(); n != 0 {
		return time.UnixMicro(n).UTC()
	}
	return time.Time{}
}

// recordCommit records that a ping was stored.
func (db *DB) recordCommit() { db.lastCommit.Store(db.Now().UnixMicro()) }

// Node is what a node published about itself. Times and durations are 0 if the node
// published none.
type Node struct {
	ID         string
	Host       string
	Version    string
	Started    time.Time
	Seen       time.Time // last publication
	Watermark  time.Time // all earlier pings of the node are stored
	LastCommit time.Time // of a ping or a test ping
	// Skew is how far the clock of the node is ahead of the database's, and RoundTrip the
	// duration of the measurement. SkewKnown is false without one.
	Skew, RoundTrip time.Duration
	SkewKnown       bool
	Alive           bool // seen within the timeout
	Own             bool // this process
}

// WatermarkLag returns how far the watermark was behind at the last publication: how
// long the oldest ping in flight had waited.
func (n Node) WatermarkLag() time.Duration { return max(0, n.Seen.Sub(n.Watermark)) }

// Nodes returns the nodes that did not stop cleanly, oldest first, as of now. Nodes that died
// are listed for a day.
func (tx *Tx) Nodes(now time.Time) ([]Node, error) {
	found, err := queryAll(tx, func(row scanner) (Node, error) {
		var n Node
		var started, seen, watermark, commit, skew, trip sql.NullInt64
		err := row.Scan(&n.ID, &n.Host, &n.Version, &started, &seen, &watermark, &commit, &skew, &trip)
		n.Started, n.Seen, n.Watermark, n.LastCommit = timeFromMicros(started), timeFromMicros(seen), timeFromMicros(watermark), timeFromMicros(commit)
		n.Skew, n.RoundTrip, n.SkewKnown = durationFromMicros(skew.Int64), durationFromMicros(trip.Int64), skew.Valid
		timeout := nodeTimeout
		if n.Started.IsZero() {
			timeout = previousNodeTimeout
		}
		n.Alive, n.Own = now.Sub(n.Seen) < timeout, n.ID == tx.db.node
		return n, err
	}, `SELECT id, host, version, started, seen, COALESCE(rest_horizon, horizon), last_commit, skew, round_trip FROM nodes ORDER BY started, id`)
	if err != nil {
		return nil, fmt.Errorf("nodes: %w", err)
	}
	return found, nil
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
	freshHolds       map[string]time.Time // holds without those older than maxHoldAge
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
	return monitor.Earlier(monitor.Earlier(own, p.limits.gap), p.freshHolds[id])
}

// Peers returns the watermarks of the other nodes that are alive at now. It also reads
// the blackouts: no heartbeat is evaluated past the time until which pings could be
// stored.
func (tx *Tx) Peers(now time.Time) (Peers, error) {
	published, err := queryAll(tx, scanWatermark, peersSQL(tx.d), tx.db.node,
		micros(now.Add(-nodeTimeout)), micros(now.Add(-maxHoldAge)), micros(now.Add(-previousNodeTimeout)), micros(now.Add(-connectedTimeout)))
	if err != nil {
		return Peers{}, fmt.Errorf("other nodes: %w", err)
	}
	if err := tx.refreshWatching(); err != nil {
		return Peers{}, fmt.Errorf("blackouts: %w", err)
	}
	p := Peers{Count: len(published), holds: map[string]time.Time{}, freshHolds: map[string]time.Time{}, limits: tx.db.watching.limitsAt(now)}
	for _, h := range published {
		p.defaultWatermark = monitor.Earlier(p.defaultWatermark, h.Default)
		for id, until := range h.Holds {
			p.holds[id] = monitor.Earlier(p.holds[id], until)
			if h.fresh {
				p.freshHolds[id] = monitor.Earlier(p.freshHolds[id], until)
			}
		}
	}
	return p, nil
}

// peersSQL is the statement of Peers. It looks for connections only if a node has been silent.
func peersSQL(d *dialect.Dialect) string {
	alive := func(since string) string {
		return `CASE WHEN started IS NULL THEN seen > CAST($4 AS BIGINT) WHEN seen > ` + since + ` THEN TRUE WHEN seen > $5 THEN ` + d.IsNodeConnected + ` ELSE FALSE END`
	}
	return fmt.Sprintf(`SELECT %s, horizon, rest_horizon, holds FROM nodes WHERE id <> $1 AND %s`, alive("$3"), alive("$2"))
}

// publishedWatermark is the watermark of another node.
type publishedWatermark struct {
	Watermark
	fresh bool // published within maxHoldAge
}

// scanWatermark reads the watermark of one node. A node of an earlier version
// published one time for all heartbeats.
func scanWatermark(row scanner) (publishedWatermark, error) {
	var h publishedWatermark
	var all, rest sql.NullInt64
	var text sql.NullString
	if err := row.Scan(&h.fresh, &all, &rest, &text); err != nil {
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

// changesKept is the time for which other nodes can read what this node changed. A node whose index was
// not used for longer loads it again.
const changesKept = time.Minute

// PublishListChanges publishes which heartbeats this node changed since the last call, if there are
// other nodes: their lists read these again.
func (db *DB) PublishListChanges(ctx context.Context, now time.Time) error {
	if db.lists == nil || !db.IsShared() {
		return nil
	}
	keys, unknown := db.outgoing.Take()
	if len(keys) == 0 && !unknown {
		return nil
	}
	if unknown {
		keys = nil
	}
	next, written := db.published.Load()+1, false
	err := db.Update(ctx, func(tx *Tx) error {
		peers, err := tx.Peers(now)
		if written = peers.Count > 0; err != nil || !written {
			return err
		}
		if _, err := tx.exec(`INSERT INTO heartbeat_changes (node, n, at, keys) VALUES ($1, $2, $3, $4)`,
			db.node, next, micros(now), listindex.EncodeKeys(keys)); err != nil {
			return err
		}
		_, err = tx.exec(`DELETE FROM heartbeat_changes WHERE at < $1`, micros(now.Add(-changesKept)))
		return err
	})
	if err != nil { // the row may be written, or not
		written = true
		db.outgoing.Add(listindex.Effects{Unknown: true})
		err = fmt.Errorf("publish changes: %w", err)
	}
	if written {
		db.published.Store(next)
	}
	return err
}
