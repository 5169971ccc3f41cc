package staterow

import (
	"database/sql"

	"overdue/internal/monitor"
)

// encodeHosts returns the column hosts: the host of the newest run, NULL if it is unknown. A host
// contains no line break.
func encodeHosts(h *monitor.Heartbeat) sql.NullString {
	return sql.NullString{String: h.LastHost, Valid: h.LastHost != ""}
}

// decodeHosts sets what encodeHosts encoded.
func decodeHosts(h *monitor.Heartbeat, text string) { h.LastHost = text }
