package store

import (
	"database/sql"
	"fmt"
	"time"

	"overdue/internal/monitor"
)

// How much history a heartbeat keeps.
const (
	maxPings      = 1000
	maxHistoryAge = 90 * 24 * time.Hour
	// pruneEvery bounds how far a history may outgrow maxPings before it is cut.
	pruneEvery = 100
)

var pingBatch = columnBatch{table: "pings", columns: []column{
	{"heartbeat", "bigint"},
	{"n", "bigint"},
	{"kind", "text"},
	{"at", "bigint"},
	{"run_time", "bigint"},
	{"exit_code", "bigint"},
	{"run_id", "text"},
	{"method", "text"},
	{"source", "text"},
	{"user_agent", "text"},
	{"body_size", "bigint"},
	{"flags", "text"},
	{"body", "bytea"},
}}

// pingRow is a ping in the order of pingBatch.
func pingRow(heartbeat int64, p monitor.Ping) []any {
	row := []any{
		heartbeat, p.Number, string(p.Kind), p.At.UnixMicro(), nil, nil, nullableText(validText(p.RunID)),
		validText(p.Method), validText(p.Source), validText(p.UserAgent), int64(len(p.Body)), nullableText(p.Flags.String()), nil,
	}
	if p.HasRunTime {
		row[4] = p.RunTime.Microseconds()
	}
	if p.ExitCode != monitor.NoExitCode {
		row[5] = int64(p.ExitCode)
	}
	if len(p.Body) > 0 {
		row[12] = p.Body
	}
	return row
}

// prunePings cuts a history that has outgrown its bound. Doing it for every
// hundredth ping bounds the history without a chore that could fall behind.
func (tx *Tx) prunePings(heartbeat, newest int64) error {
	if newest <= maxPings || newest%pruneEvery != 0 {
		return nil
	}
	if _, err := tx.exec(`DELETE FROM pings WHERE heartbeat = $1 AND n <= $2`, heartbeat, newest-maxPings); err != nil {
		return fmt.Errorf("prune pings: %w", err)
	}
	return nil
}

// expiringTables are what is forgotten: a table, its order, and the moment of a row.
var expiringTables = []struct{ table, order, moment string }{{"pings", "n", "at"}, {"slots", "first", "last"}}

// DeleteExpired deletes what has been kept long enough, of at most n heartbeats per
// table, and tells of how many: pings and slots older than 90 days, and all of
// heartbeats that were deleted more than a week before now.
func (tx *Tx) DeleteExpired(now time.Time, n int) (int, error) {
	cut, gone := micros(now.Add(-maxHistoryAge)), micros(now.Add(-7*24*time.Hour))
	forgotten := 0
	for _, of := range expiringTables {
		// Only the oldest row of each heartbeat is looked at, not the whole
		// history: a join would leave the databases free to scan all of it.
		keys, err := queryAll(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) },
			fmt.Sprintf(`SELECT h.key FROM heartbeats h
			WHERE (SELECT p.%s FROM %s p WHERE p.heartbeat = h.key ORDER BY p.%s LIMIT 1) < $1
			OR (h.deleted < $2 AND EXISTS (SELECT 1 FROM %s p WHERE p.heartbeat = h.key)) LIMIT $3`, of.moment, of.table, of.order, of.table), cut, gone, n)
		if err != nil {
			return 0, fmt.Errorf("old %s: %w", of.table, err)
		}
		for _, key := range keys {
			if _, err := tx.exec(fmt.Sprintf(`DELETE FROM %s WHERE heartbeat = $1
				AND (%s < $2 OR (SELECT deleted FROM heartbeats WHERE key = $1) < $3)`, of.table, of.moment), key, cut, gone); err != nil {
				return 0, fmt.Errorf("forget %s: %w", of.table, err)
			}
		}
		forgotten = max(forgotten, len(keys))
	}
	return forgotten, nil
}

// pingColumns are in the order of scanPing.
const pingColumns = `n, kind, at, run_time, exit_code, run_id, method, source, user_agent, body_size, flags`

// scanPing reads pingColumns.
func scanPing(row scanner) (monitor.Ping, error) {
	var p monitor.Ping
	var at, took, exit sql.NullInt64
	var run, flags sql.NullString
	err := row.Scan(&p.Number, &p.Kind, &at, &took, &exit, &run, &p.Method, &p.Source, &p.UserAgent, &p.BodySize, &flags)
	p.At, p.RunTime, p.HasRunTime, p.RunID = timeFromMicros(at), durationFromMicros(took.Int64), took.Valid, run.String
	p.ExitCode, p.Flags = monitor.NoExitCode, monitor.ParsePingFlags(flags.String)
	if exit.Valid {
		p.ExitCode = int(exit.Int64)
	}
	return p, err
}

// Pings lists up to limit pings of a heartbeat, newest first, older than the
// one numbered before (all, when before is 0). Bodies are not fetched.
func (tx *Tx) Pings(heartbeat, before int64, limit int) ([]monitor.Ping, error) {
	return queryAll(tx, scanPing, `SELECT `+pingColumns+` FROM pings
		WHERE heartbeat = $1 AND ($2 = 0 OR n < $2) ORDER BY n DESC LIMIT $3`, heartbeat, before, limit)
}

// Ping returns one ping with its body.
func (tx *Tx) Ping(heartbeat, n int64) (monitor.Ping, error) {
	var body []byte
	p, found, err := queryOne(tx, func(row scanner) (monitor.Ping, error) {
		return scanPing(scanPlusLast{row, &body})
	}, `SELECT `+pingColumns+`, body FROM pings WHERE heartbeat = $1 AND n = $2`, heartbeat, n)
	if err == nil && !found {
		err = notFound("ping; histories are bounded, older ones are gone")
	}
	p.Body = body
	return p, err
}
