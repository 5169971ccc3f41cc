package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"overdue/internal/monitor"
)

// longestSilence is after how long without a sign a node counts as dead: its
// pings in flight are not waited for any more.
const longestSilence = 10 * time.Second

// Horizon is the moment up to which all pings that reached a node are stored.
type Horizon struct {
	// All is the moment for every heartbeat. Nodes of earlier versions read
	// nothing else.
	All time.Time
	// Rest is the moment for every heartbeat that Holds does not list.
	Rest time.Time
	// Holds is the moment for single heartbeats, by id.
	Holds map[string]time.Time
}

// Join names the node that uses this database, for the functions below. It is
// called before the node starts, and not at all outside a server.
func (db *DB) Join(node string) { db.node = node }

// Alive records that this node lives at now, and up to when its pings are
// stored.
func (tx *Tx) Alive(now time.Time, h Horizon) error {
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
		tx.db.node, micros(now), micros(h.All), micros(h.Rest), string(text))
	if err != nil {
		return fmt.Errorf("sign of life: %w", err)
	}
	return nil
}

// Gone takes this node, which stopped in good order, off the list, and those
// that died long ago.
func (tx *Tx) Gone(now time.Time) error {
	if _, err := tx.exec(`DELETE FROM nodes WHERE id = $1 OR seen < $2`, tx.db.node, micros(now.Add(-24*time.Hour))); err != nil {
		return fmt.Errorf("node gone: %w", err)
	}
	return nil
}

// Peers holds the horizons that the other living nodes have published.
type Peers struct {
	Count int
	rest  time.Time            // the earliest of all
	holds map[string]time.Time // the earliest of each heartbeat
}

// Until returns as of when the heartbeat with the given id may be judged, when
// this node alone would judge it as of own: no later than the other nodes have
// stored all of its pings.
func (p Peers) Until(id string, own time.Time) time.Time {
	if p.Count == 0 {
		return own
	}
	until := monitor.Sooner(own, p.rest)
	return monitor.Sooner(until, p.holds[id])
}

// UntilHeld is Until for a ping that ends a silence: it waits only for pings of
// the same heartbeat that are known to be on their way to another node. What
// else that node has not stored would count every late ping as in time for as
// long as the node is dead and not known to be.
func (p Peers) UntilHeld(id string, own time.Time) time.Time {
	return monitor.Sooner(own, p.holds[id])
}

// Peers returns the horizons of the other nodes that are alive at now.
func (tx *Tx) Peers(now time.Time) (Peers, error) {
	published, err := many(tx, scanHorizon, `SELECT horizon, rest_horizon, holds FROM nodes WHERE id <> $1 AND seen > $2`,
		tx.db.node, micros(now.Add(-longestSilence)))
	if err != nil {
		return Peers{}, fmt.Errorf("other nodes: %w", err)
	}
	p := Peers{Count: len(published), holds: map[string]time.Time{}}
	for _, h := range published {
		p.rest = monitor.Sooner(p.rest, h.Rest)
		for id, until := range h.Holds {
			p.holds[id] = monitor.Sooner(p.holds[id], until)
		}
	}
	return p, nil
}

// scanHorizon reads what one node has published. A node of an earlier version
// published one moment for all heartbeats.
func scanHorizon(row scanner) (Horizon, error) {
	var h Horizon
	var all, rest sql.NullInt64
	var text sql.NullString
	if err := row.Scan(&all, &rest, &text); err != nil {
		return h, err
	}
	h.All, h.Rest, h.Holds = moment(all), moment(all), map[string]time.Time{}
	if !rest.Valid {
		return h, nil
	}
	h.Rest = moment(rest)
	holds := map[string]int64{}
	if err := json.Unmarshal([]byte(text.String), &holds); err != nil {
		return h, fmt.Errorf("holds: %w", err)
	}
	for id, until := range holds {
		h.Holds[id] = time.UnixMicro(until).UTC()
	}
	return h, nil
}
