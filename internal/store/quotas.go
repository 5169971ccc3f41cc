package store

import (
	"database/sql"
	"fmt"
	"time"
)

// UseQuota counts one use of what is limited to max in a window, on all nodes
// together. If the quota is used up, it counts nothing and returns the time until
// the next use. The caller must hold a lock that serializes the uses of the quota.
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
