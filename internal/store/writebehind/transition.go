package writebehind

import (
	"time"

	"overdue/internal/monitor"
)

// ReceivedPing is one ping, with the watermark of its heartbeat.
type ReceivedPing struct {
	ID        string // of the heartbeat
	Ping      monitor.Ping
	Watermark time.Time // see [monitor.Heartbeat.ApplyPing]
}

// Transition is a heartbeat after a change, and the change.
type Transition struct {
	Heartbeat monitor.Heartbeat
	Change    monitor.Change
	// Packed is the state of the heartbeat, see [staterow.Row.Pack]. If it is not nil, only
	// the key, the id and the number of pings of Heartbeat are set.
	Packed []byte
	// KeepsDue means that the time of the next evaluation in the tables stays: it is early
	// enough.
	KeepsDue bool
}

// StoredHeartbeat is a heartbeat that was read from the tables.
type StoredHeartbeat struct {
	monitor.Heartbeat       // after its pending pings
	Due               int64 // the time of its next evaluation in the tables, in µs since 1970; 0: none
}
