package store

import (
	"fmt"
	"time"
)

// longestSilence is after how long without a sign a node counts as dead: its
// pings in flight are not waited for any more.
const longestSilence = 10 * time.Second

// Alive notes that a node lives at now, and that every ping that reached it up
// to horizon is stored.
func (tx *Tx) Alive(node string, now, horizon time.Time) error {
	_, err := tx.exec(`INSERT INTO nodes (id, seen, horizon) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, horizon = excluded.horizon`,
		node, micros(now), micros(horizon))
	if err != nil {
		return fmt.Errorf("sign of life: %w", err)
	}
	return nil
}

// Gone takes a node that stopped in good order off the list, and those that
// died long ago.
func (tx *Tx) Gone(node string, now time.Time) error {
	if _, err := tx.exec(`DELETE FROM nodes WHERE id = $1 OR seen < $2`, node, micros(now.Add(-24*time.Hour))); err != nil {
		return fmt.Errorf("node gone: %w", err)
	}
	return nil
}

// Others tells how many other nodes live, and up to when all of their pings
// are stored; with no other node that is zero.
func (tx *Tx) Others(node string, now time.Time) (count int, horizon time.Time, err error) {
	horizons, err := many(tx, func(row scanner) (n int64, err error) { return n, row.Scan(&n) },
		`SELECT horizon FROM nodes WHERE id <> $1 AND seen > $2 ORDER BY horizon`, node, micros(now.Add(-longestSilence)))
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("other nodes: %w", err)
	}
	if len(horizons) > 0 {
		horizon = time.UnixMicro(horizons[0]).UTC()
	}
	return len(horizons), horizon, nil
}
