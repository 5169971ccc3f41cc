package store

import (
	"fmt"

	"overdue/internal/monitor"
)

// HeartbeatsNamingChannel returns the heartbeats that name the channel among those to be told,
// locked in the order of their keys. Heartbeats that tell all channels name none.
func (tx *Tx) HeartbeatsNamingChannel(project int64, channel string) ([]monitor.Heartbeat, error) {
	routed, err := queryAll(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE h.project = $1 AND h.deleted IS NULL AND h.channels LIKE $2 ESCAPE '\' ORDER BY h.key`+tx.d.forUpdate,
		project, `%"`+escapeLike(channel)+`"%`)
	if err != nil {
		return nil, fmt.Errorf("heartbeats of channel: %w", err)
	}
	return routed, nil
}
