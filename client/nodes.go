package client

import (
	"context"
	"time"
)

// Nodes returns the nodes of the server, oldest first.
func (c *Client) Nodes(ctx context.Context) (Page[Node], error) {
	return fetchPage[Node](ctx, c, "/nodes", nil)
}

// Node is one running process of the server. All nodes of a PostgreSQL database share its data.
type Node struct {
	ID           string     `json:"id"`
	Host         string     `json:"host" doc:"Host name; empty for a node of an earlier version"`
	Version      string     `json:"version" doc:"Version of the program; empty for a node of an earlier version"`
	Status       string     `json:"status" enum:"running,dead" doc:"A node is dead when it was not seen for 3 s. A node that stopped is not listed"`
	StartedAt    *time.Time `json:"started_at"`
	SeenAt       time.Time  `json:"seen_at" doc:"Last sign of life"`
	LastCommitAt *time.Time `json:"last_commit_at" doc:"When the node last stored a ping or a test ping"`
	WatermarkLag float64    `json:"watermark_lag" doc:"Seconds that the oldest ping which was not stored yet had waited"`
	ClockSkew    *float64   `json:"clock_skew" doc:"Seconds that the clock of the node is ahead of the database's. Null: not measured"`
	RoundTrip    *float64   `json:"round_trip" doc:"Seconds that the measurement of the skew took; the skew is wrong by at most half"`
}
