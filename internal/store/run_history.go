package store

import (
	"cmp"
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
	"overdue/internal/store/pingblock"
	"overdue/internal/store/writebehind"
)

// Limits of the run history of a heartbeat, in addition to its age.
// One in pruneOneIn new spans deletes the oldest ones.
const (
	maxSpans   = 2000
	pruneOneIn = 50
)

// spanBatch inserts spans. A server that died during a flush stores some spans again,
// so an existing row stays unchanged.
var spanBatch = dialect.Batch{Table: "slots", IgnoreExisting: true, Columns: dialect.Columns(`
	heartbeat bigint, first bigint, last bigint, count bigint, outcome text, late_by bigint,
	at bigint`)}

// spanRow returns a span in the order of spanBatch.
func spanRow(heartbeat int64, s monitor.Span) []any {
	return []any{heartbeat, s.First.UnixMicro(), s.Last.UnixMicro(), s.Count, string(s.Outcome), s.LateBy.Microseconds(), micros(s.LastPing)}
}

// addSpans stores spans that are closed.
func (tx *Tx) addSpans(rows [][]any) error {
	if err := tx.insertBatch(&spanBatch, rows); err != nil {
		return fmt.Errorf("add spans: %w", err)
	}
	for _, row := range rows {
		if rand.IntN(pruneOneIn) > 0 {
			continue
		}
		if _, err := tx.exec(`DELETE FROM slots WHERE heartbeat = $1 AND first <
			(SELECT s.first FROM slots s WHERE s.heartbeat = $1 ORDER BY s.first DESC LIMIT 1 OFFSET $2)`, row[0], maxSpans-1); err != nil {
			return fmt.Errorf("prune run history: %w", err)
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

// RunHistoryFilter selects a part of a run history. A zero time does not limit it.
type RunHistoryFilter struct {
	Heartbeat int64
	Since     time.Time // spans that end at or after it
	Before    time.Time // spans that begin before it
	Limit     int
}

// RunHistory lists closed spans, newest first. Open spans are in the state of the
// heartbeat, see [monitor.Heartbeat.UnstoredSpans].
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
		return nil, fmt.Errorf("run history: %w", err)
	}
	pending, err := tx.pendingSpans(f.Heartbeat)
	for _, s := range pending {
		if s.First.UnixMicro() < before && s.Last.UnixMicro() >= since {
			list = append(list, s)
		}
	}
	slices.SortStableFunc(list, func(a, b monitor.Span) int { return b.First.Compare(a.First) })
	return list[:min(len(list), f.Limit)], err
}

// pendingSpans returns the closed spans of a heartbeat that are not in the tables.
func (tx *Tx) pendingSpans(heartbeat int64) ([]monitor.Span, error) {
	pending, err := tx.pendingPings(heartbeat)
	var spans []monitor.Span
	for _, p := range pending {
		spans = append(spans, p.Spans...)
	}
	return spans, err
}

// RecentRunHistory returns the newest n closed spans of each heartbeat, oldest first.
// It reads no other spans.
func (tx *Tx) RecentRunHistory(heartbeats []int64, n int) (map[int64][]monitor.Span, error) {
	byKey := map[int64][]monitor.Span{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var key int64
		s, err := scanSpan(scannerWithFirst{row, &key})
		byKey[key] = append(byKey[key], s)
		return struct{}{}, err
	}, `SELECT s.heartbeat, `+spanColumns+` FROM heartbeats h JOIN slots s ON s.heartbeat = h.key
		AND s.first >= COALESCE((SELECT x.first FROM slots x WHERE x.heartbeat = h.key ORDER BY x.first DESC LIMIT 1 OFFSET $2), 0)
		WHERE `+tx.d.InList("h.key", "$1")+` ORDER BY s.heartbeat, s.first`, tx.d.IntList(heartbeats), n-1)
	if err != nil {
		return nil, fmt.Errorf("recent run history: %w", err)
	}
	for _, key := range heartbeats {
		pending, err := tx.pendingSpans(key)
		if err != nil {
			return nil, fmt.Errorf("recent run history: %w", err)
		}
		if len(pending) > 0 {
			all := append(byKey[key], pending...)
			slices.SortStableFunc(all, func(a, b monitor.Span) int { return a.First.Compare(b.First) })
			byKey[key] = all[max(len(all)-n, 0):]
		}
	}
	return byKey, nil
}

// Uptime is the number of expected runs, and of those that came on time or late.
type Uptime struct{ Expected, Good int64 }

// Add adds a span, unless its runs do not count.
func (u *Uptime) Add(s monitor.Span) {
	if !s.Outcome.Counts() {
		return
	}
	u.Expected += s.Count
	if s.Outcome.Good() {
		u.Good += s.Count
	}
}

// Uptime adds up the closed spans that begin at or after since.
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
	pending, err := tx.pendingSpans(heartbeat)
	for _, s := range pending {
		if !s.First.Before(since) {
			u.Add(s)
		}
	}
	return u, err
}

// Outage is the part of an incident that run histories show.
type Outage struct {
	Heartbeat        int64
	Cause            monitor.Cause
	Opened, Resolved time.Time // Resolved is zero for an open incident
}

// Outages returns the newest n incidents of heartbeats that were open at or after
// since, by heartbeat and oldest first.
func (tx *Tx) Outages(heartbeats []int64, since time.Time, n int) (map[int64][]Outage, error) {
	found, err := queryAll(tx, func(row scanner) (Outage, error) {
		var o Outage
		var opened, resolved sql.NullInt64
		err := row.Scan(&o.Heartbeat, &o.Cause, &opened, &resolved)
		o.Opened, o.Resolved = timeFromMicros(opened), timeFromMicros(resolved)
		return o, err
	}, `SELECT i.heartbeat, i.cause, i.opened, i.resolved FROM incidents i
		WHERE `+tx.d.InList("i.heartbeat", "$1")+` AND (i.resolved IS NULL OR i.resolved >= $2) ORDER BY i.opened DESC LIMIT $3`,
		tx.d.IntList(heartbeats), since.UnixMicro(), n)
	if err != nil {
		return nil, fmt.Errorf("outages: %w", err)
	}
	byKey := map[int64][]Outage{}
	for i := len(found) - 1; i >= 0; i-- {
		byKey[found[i].Heartbeat] = append(byKey[found[i].Heartbeat], found[i])
	}
	return byKey, nil
}

// RecentPings returns, by heartbeat, the pings that ended a run among the last n
// of each heartbeat, oldest first and without bodies. It reads at most n pings of
// each history, and the rest of a block.
func (tx *Tx) RecentPings(heartbeats []int64, n int) (map[int64][]monitor.Ping, error) {
	byKey := map[int64][]monitor.Ping{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var key int64
		p, err := scanPing(scannerWithFirst{row, &key})
		byKey[key] = append(byKey[key], p)
		return struct{}{}, err
	}, `SELECT p.heartbeat, p.n, p.kind, p.at, p.run_time, p.exit_code, p.run_id, p.method, p.source, p.user_agent, p.body_size, p.flags
		FROM heartbeats h JOIN pings p ON p.heartbeat = h.key AND p.n > h.pings - $2
		WHERE `+tx.d.InList("h.key", "$1")+` AND p.kind IN ('success', 'fail')`,
		tx.d.IntList(heartbeats), n)
	if err != nil {
		return nil, fmt.Errorf("recent pings: %w", err)
	}
	_, err = queryAll(tx, func(row scanner) (struct{}, error) {
		var newest int64
		b, err := scanBlock(scannerWithFirst{row, &newest})
		pings, _ := b.Decode()
		for _, p := range pings {
			if p.Number > newest-int64(n) && (p.Kind == monitor.PingSuccess || p.Kind == monitor.PingFail) {
				byKey[b.Heartbeat] = append(byKey[b.Heartbeat], p)
			}
		}
		return struct{}{}, err
	}, `SELECT h.pings, b.heartbeat, b.count, b.first, b.earliest, b.duration, b.body_bytes, b.format, b.pings, NULL
		FROM heartbeats h JOIN ping_blocks b ON b.heartbeat = h.key AND b.first > h.pings - $2
		WHERE `+tx.d.InList("h.key", "$1"), tx.d.IntList(heartbeats), n+pingblock.MaxPings)
	if err != nil {
		return nil, fmt.Errorf("recent pings: %w", err)
	}
	for _, key := range heartbeats {
		pending, err := tx.pendingPings(key)
		if err != nil {
			return nil, fmt.Errorf("recent pings: %w", err)
		}
		if len(pending) > 0 {
			byKey[key] = addRecent(byKey[key], pending, int64(n))
		}
	}
	for _, pings := range byKey {
		slices.SortFunc(pings, func(a, b monitor.Ping) int {
			return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Number, b.Number))
		})
	}
	return byKey, nil
}

// addRecent adds pending pings to the recent ones of a heartbeat, see RecentPings.
func addRecent(recent []monitor.Ping, pending []writebehind.PendingPing, n int64) []monitor.Ping {
	for _, p := range pending {
		if p.Ping.Kind == monitor.PingSuccess || p.Ping.Kind == monitor.PingFail {
			p.Ping.Body = nil
			recent = append(recent, p.Ping)
		}
	}
	newest := pending[len(pending)-1].Ping.Number
	return slices.DeleteFunc(recent, func(p monitor.Ping) bool { return p.Number <= newest-n })
}

// CountPingsSince counts the pings of a heartbeat at or after since.
func (tx *Tx) CountPingsSince(heartbeat int64, since time.Time) (int, error) {
	at := since.UnixMicro()
	n, _, err := queryOne(tx, scanInt, `SELECT (SELECT COUNT(*) FROM pings WHERE heartbeat = $1 AND at >= $2) +
		(SELECT COALESCE(SUM(count), 0) FROM ping_blocks WHERE heartbeat = $1 AND earliest >= $2)`, heartbeat, at)
	if err != nil {
		return 0, err
	}
	_, err = queryAll(tx, func(row scanner) (struct{}, error) {
		b, err := scanBlock(row)
		pings, _ := b.Decode()
		for _, p := range pings {
			if p.At.UnixMicro() >= at {
				n++
			}
		}
		return struct{}{}, err
	}, `SELECT `+blockColumns+` FROM ping_blocks WHERE heartbeat = $1 AND earliest < $2 AND earliest + duration >= $2`, heartbeat, at)
	if err != nil {
		return 0, err
	}
	pending, err := tx.pendingPings(heartbeat)
	for _, p := range pending {
		if p.Ping.At.UnixMicro() >= at {
			n++
		}
	}
	return n, err
}
