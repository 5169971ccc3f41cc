package store

import (
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"overdue/internal/monitor"
)

// How much of the ledger is kept per heartbeat, beside the 90 days of all
// history. Now and then a heartbeat that gets a new stretch is cut back.
const (
	maxSpans   = 2000
	pruneOneIn = 50
)

// A stretch is found again by a server that died while it put them away, so one
// that is there stays as it is.
var spanBatch = columnBatch{table: "slots", ignoreExisting: true, columns: []column{
	{"heartbeat", "bigint"},
	{"first", "bigint"},
	{"last", "bigint"},
	{"count", "bigint"},
	{"outcome", "text"},
	{"late_by", "bigint"},
	{"at", "bigint"},
}}

// spanRow is a stretch in the order of spanBatch.
func spanRow(heartbeat int64, s monitor.Span) []any {
	return []any{heartbeat, s.First.UnixMicro(), s.Last.UnixMicro(), s.Count, string(s.Outcome), s.LateBy.Microseconds(), micros(s.LastPing)}
}

// addSpans keeps stretches that will not grow any more.
func (tx *Tx) addSpans(rows [][]any) error {
	if err := tx.insertBatch(&spanBatch, rows); err != nil {
		return fmt.Errorf("add slots: %w", err)
	}
	for _, row := range rows {
		if rand.IntN(pruneOneIn) > 0 {
			continue
		}
		if _, err := tx.exec(`DELETE FROM slots WHERE heartbeat = $1 AND first <
			(SELECT s.first FROM slots s WHERE s.heartbeat = $1 ORDER BY s.first DESC LIMIT 1 OFFSET $2)`, row[0], maxSpans-1); err != nil {
			return fmt.Errorf("cut slots: %w", err)
		}
	}
	return nil
}

// spanColumns are in the order of scanSpan.
const spanColumns = `s.first, s.last, s.count, s.outcome, s.late_by, s.at`

// scanSpan reads spanColumns.
func scanSpan(row scanner) (monitor.Span, error) {
	var s monitor.Span
	var first, last, at sql.NullInt64
	var late int64
	err := row.Scan(&first, &last, &s.Count, &s.Outcome, &late, &at)
	s.First, s.Last, s.LastPing, s.LateBy = timeFromMicros(first), timeFromMicros(last), timeFromMicros(at), durationFromMicros(late)
	return s, err
}

// RunHistoryFilter says which part of a ledger is read. Zero moments do not bound it.
type RunHistoryFilter struct {
	Heartbeat int64
	Since     time.Time // stretches that end at or after it
	Before    time.Time // stretches that begin before it
	Limit     int
}

// RunHistory lists closed stretches, newest first. What is still open is in the
// state of the heartbeat, see [monitor.Heartbeat.UnstoredSpans].
func (tx *Tx) RunHistory(f RunHistoryFilter) ([]monitor.Span, error) {
	since, before := int64(math.MinInt64), int64(math.MaxInt64)
	if !f.Since.IsZero() {
		since = f.Since.UnixMicro()
	}
	if !f.Before.IsZero() {
		before = f.Before.UnixMicro()
	}
	list, err := queryAll(tx, scanSpan, `SELECT `+spanColumns+` FROM slots s
		WHERE s.heartbeat = $1 AND s.first < $2 AND s.last >= $3 ORDER BY s.first DESC LIMIT $4`, f.Heartbeat, before, since, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("slots: %w", err)
	}
	return list, nil
}

// RecentRunHistory returns the newest n closed stretches of each heartbeat, oldest
// first. It reads no more than those.
func (tx *Tx) RecentRunHistory(heartbeats []int64, n int) (map[int64][]monitor.Span, error) {
	byKey := map[int64][]monitor.Span{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var key int64
		s, err := scanSpan(scanPlusFirst{row, &key})
		byKey[key] = append(byKey[key], s)
		return struct{}{}, err
	}, `SELECT s.heartbeat, `+spanColumns+` FROM heartbeats h JOIN slots s ON s.heartbeat = h.key
		AND s.first >= COALESCE((SELECT x.first FROM slots x WHERE x.heartbeat = h.key ORDER BY x.first DESC LIMIT 1 OFFSET $2), 0)
		WHERE `+tx.d.inList("h.key", "$1")+` ORDER BY s.heartbeat, s.first`, tx.d.intList(heartbeats), n-1)
	if err != nil {
		return nil, fmt.Errorf("recent slots: %w", err)
	}
	return byKey, nil
}

// Uptime is how many runs were expected, and how many came on time or late.
type Uptime struct{ Expected, Good int64 }

// Add counts one more stretch. What Overdue could not watch does not count.
func (u *Uptime) Add(s monitor.Span) {
	if s.Outcome == monitor.RunUnknown {
		return
	}
	u.Expected += s.Count
	if s.Outcome.Good() {
		u.Good += s.Count
	}
}

// Uptime sums up the closed stretches that begin at or after since.
func (tx *Tx) Uptime(heartbeat int64, since time.Time) (Uptime, error) {
	var u Uptime
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var s monitor.Span
		err := row.Scan(&s.Outcome, &s.Count)
		u.Add(s)
		return struct{}{}, err
	}, `SELECT s.outcome, CAST(SUM(s.count) AS BIGINT) FROM slots s WHERE s.heartbeat = $1 AND s.first >= $2 GROUP BY s.outcome`, heartbeat, since.UnixMicro())
	if err != nil {
		return u, fmt.Errorf("uptime: %w", err)
	}
	return u, nil
}
