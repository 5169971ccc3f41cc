package store

import (
	"fmt"

	"overdue/internal/monitor"
)

// NewestHeartbeats lists up to n heartbeats of a project, the one that was
// created last first.
func (tx *Tx) NewestHeartbeats(project int64, n int) ([]monitor.Heartbeat, error) {
	// Keys are given in the order of creation, and have an index.
	list, err := queryAll(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h WHERE h.project = $1 AND h.deleted IS NULL
		ORDER BY h.key DESC LIMIT $2`, project, n)
	if err != nil {
		return nil, fmt.Errorf("newest heartbeats: %w", err)
	}
	return list, nil
}
