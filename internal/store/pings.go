package store

import (
	"database/sql"
	"fmt"
	"math"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
)

// pruneEvery is the number of pings between two prunings of a history.
const pruneEvery = 100

var pingBatch = dialect.Batch{Table: "pings", Columns: dialect.Columns(`
	heartbeat bigint, n bigint, kind text, at bigint, run_time bigint, exit_code bigint,
	run_id text, method text, source text, user_agent text, body_size bigint, flags text,
	body bytea`)}

// pingRow returns a ping in the order of pingBatch.
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

// prunePings deletes the oldest pings of a history that is too long. It does so for
// every hundredth ping, so that a busy heartbeat does not wait for the next cleanup. A
// longer rest, after a change of the settings, is left to the cleanup.
func (tx *Tx) prunePings(heartbeat, newest int64) error {
	keep := int64(tx.db.retention.PingsPerHeartbeat)
	if keep == 0 || newest <= keep || newest%pruneEvery != 0 {
		return nil
	}
	if _, err := tx.exec(`DELETE FROM pings WHERE heartbeat = $1 AND n <= $2 AND n > $3`, heartbeat, newest-keep, newest-keep-3*pruneEvery); err != nil {
		return fmt.Errorf("prune pings: %w", err)
	}
	return nil
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

// Pings lists up to limit pings of a heartbeat, newest first, older than the one with
// number before (0: all). It does not read bodies.
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
		err = notFound("ping", tx.db.retention.PingsText())
	}
	p.Body = body
	return p, err
}

// RecentPings returns, by heartbeat, the pings that ended a run among the last n
// of each heartbeat, oldest first and without bodies. It reads at most n rows of
// each history.
func (tx *Tx) RecentPings(heartbeats []int64, n int) (map[int64][]monitor.Ping, error) {
	byKey := map[int64][]monitor.Ping{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var key int64
		p, err := scanPing(scannerWithFirst{row, &key})
		byKey[key] = append(byKey[key], p)
		return struct{}{}, err
	}, `SELECT p.heartbeat, p.n, p.kind, p.at, p.run_time, p.exit_code, p.run_id, p.method, p.source, p.user_agent, p.body_size, p.flags
		FROM heartbeats h JOIN pings p ON p.heartbeat = h.key AND p.n > h.pings - $2
		WHERE `+tx.d.InList("h.key", "$1")+` AND p.kind IN ('success', 'fail') ORDER BY p.heartbeat, p.at, p.n`,
		tx.d.IntList(heartbeats), n)
	if err != nil {
		return nil, fmt.Errorf("recent pings: %w", err)
	}
	return byKey, nil
}

// PingLogFilter selects a part of the pings of a heartbeat.
type PingLogFilter struct {
	Heartbeat int64
	Kind      monitor.PingKind // empty: any
	Before    int64            // number of the last ping of the previous page; 0: the first page
	Since     time.Time        // arrival at or after it; zero: any
	Until     time.Time        // arrival before it; zero: any
	Limit     int
	BodyBytes int // bytes to read of each body
}

// PingLog lists pings of a heartbeat, newest first, with the beginning of each body.
func (tx *Tx) PingLog(l PingLogFilter) ([]monitor.Ping, error) {
	since, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !l.Since.IsZero() {
		since = l.Since.UnixMicro()
	}
	if !l.Until.IsZero() {
		until = l.Until.UnixMicro()
	}
	pings, err := queryAll(tx, func(row scanner) (monitor.Ping, error) {
		var body []byte
		p, err := scanPing(scanPlusLast{row, &body})
		p.Body = body
		return p, err
	}, `SELECT `+pingColumns+`, substr(body, 1, $5) FROM pings
		WHERE heartbeat = $1 AND ($2 = 0 OR n < $2) AND ($3 = '' OR kind = $3) AND at >= $6 AND at < $7 ORDER BY n DESC LIMIT $4`,
		l.Heartbeat, l.Before, string(l.Kind), l.Limit, l.BodyBytes, since, until)
	if err != nil {
		return nil, fmt.Errorf("log of pings: %w", err)
	}
	return pings, nil
}

// CountPingsSince counts the pings of a heartbeat at or after since.
func (tx *Tx) CountPingsSince(heartbeat int64, since time.Time) (int, error) {
	n, _, err := queryOne(tx, scanInt, `SELECT COUNT(*) FROM pings WHERE heartbeat = $1 AND at >= $2`, heartbeat, since.UnixMicro())
	return n, err
}
