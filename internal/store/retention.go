package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"overdue/internal/monitor"
)

// Limits of one step of a cleanup. The rows and the bytes bound how long a step holds
// the lock of a SQLite file.
const (
	maxStepRows       = 200
	maxStepBytes      = 2 << 20 // of the bodies of pings
	maxStepHeartbeats = 500     // whose history a step looks at
	// deletedHistoryKept is the time after which the history of a deleted heartbeat
	// expires.
	deletedHistoryKept = 7 * 24 * time.Hour
)

// SetRetention sets how long the history is kept. A server calls it before it starts.
func (db *DB) SetRetention(r monitor.Retention) { db.retention = r }

// Retention returns how long the history is kept.
func (db *DB) Retention() monitor.Retention { return db.retention }

// retentionSetting is the setting with the retention of the server that started last.
const retentionSetting = "retention"

// PublishRetention stores the retention of a server that starts, for the others.
func (tx *Tx) PublishRetention() error {
	return tx.SetSetting(retentionSetting, tx.db.retention.String())
}

// CompareRetention returns the retention of this server, and that of the server on the
// same database that started last.
func (db *DB) CompareRetention(ctx context.Context) (own, last string, err error) {
	own = db.retention.String()
	last = own
	err = db.breaker.Load().Guard(ctx, func(ctx context.Context) error {
		return db.viewTables(ctx, func(tx *Tx) error {
			stored, found, err := tx.Setting(retentionSetting)
			if found {
				last = stored
			}
			return err
		})
	})
	return own, last, err
}

// Cleanup deletes expired rows in small steps. It must not be used concurrently; the
// cleanups of several nodes on one database take turns.
type Cleanup struct {
	db    *DB
	part  int   // index in cleanupParts of the next step
	after int64 // key of the last heartbeat whose history is finished in this round
}

// NewCleanup returns a cleanup at the beginning of a round.
func (db *DB) NewCleanup() *Cleanup { return &Cleanup{db: db} }

// CleanupStep is the result of a step.
type CleanupStep struct {
	Deleted map[string]int64 // rows by table; empty if nothing was deleted
	Done    bool             // the round has ended: nothing else is expired
	Busy    bool             // another node deletes; the step did nothing
}

// cleanupParts are the parts of a round. Each finds what one step deletes. Parents come
// after their children.
var cleanupParts = []func(*Tx, *Cleanup, time.Time) (expiredRows, error){
	(*Tx).expiredHistories, (*Tx).expiredIncidents, (*Tx).expiredAlerts, (*Tx).expiredAudit, (*Tx).expiredHeartbeats, (*Tx).expiredBlackouts,
}

// Step looks for expired rows and deletes some of them in one short transaction. The
// search blocks no ping and no incident.
func (c *Cleanup) Step(ctx context.Context, now time.Time) (CleanupStep, error) {
	var rows expiredRows
	err := c.db.breaker.Load().Guard(ctx, func(ctx context.Context) error {
		return c.db.viewTables(ctx, func(tx *Tx) (err error) {
			rows, err = cleanupParts[c.part](tx, c, now)
			return err
		})
	})
	if err != nil {
		return CleanupStep{}, fmt.Errorf("expired rows: %w", err)
	}
	step := CleanupStep{Deleted: map[string]int64{}}
	if len(rows.deletions) > 0 {
		err := c.db.Update(ctx, func(tx *Tx) (err error) {
			clear(step.Deleted)
			step.Busy, err = tx.deleteRows(rows.deletions, step.Deleted)
			return err
		})
		if err != nil || step.Busy {
			return CleanupStep{Busy: step.Busy}, err
		}
	}
	c.after = rows.after
	if !rows.more {
		c.part, c.after = c.part+1, 0
	}
	if c.part == len(cleanupParts) {
		c.part, step.Done = 0, true
	}
	return step, nil
}

// expiredRows is what one step deletes.
type expiredRows struct {
	deletions []deletion
	after     int64 // where the next step of the part continues
	more      bool  // the part is not finished
}

// deletion deletes rows of one table.
type deletion struct {
	table string
	where string
	args  []any
}

// deleteRows deletes rows and counts them by table. Only one node deletes at a time:
// busy is true if another one does.
func (tx *Tx) deleteRows(deletions []deletion, deleted map[string]int64) (busy bool, err error) {
	_, claimed, err := queryOne(tx, scanInt, `SELECT 1 FROM counters WHERE name = 'cleanup'`+tx.d.ForUpdateSkipLocked)
	if err != nil || !claimed {
		return !claimed, err
	}
	for _, d := range deletions {
		n, err := tx.execOnGone(`DELETE FROM `+d.table+` WHERE `+d.where, d.args...)
		if err != nil {
			return false, fmt.Errorf("delete expired %s: %w", d.table, err)
		}
		if n > 0 {
			deleted[d.table] += n
		}
	}
	return false, nil
}

// cutoff returns the time before which rows are expired. ok is false if rows are kept
// forever.
func cutoff(now time.Time, keep time.Duration) (before int64, ok bool) {
	return now.Add(-keep).UnixMicro(), keep > 0
}

// history is the beginning of the stored history of a heartbeat.
type history struct {
	key, pingCount       int64
	deleted              sql.NullInt64
	firstPing, firstAt   sql.NullInt64 // number and time of the oldest row of pings
	lastPing, lastAt     sql.NullInt64 // last number and latest time of the oldest block
	firstSpan, firstLast sql.NullInt64 // start and end of the oldest span
}

// expiredHistories finds pings and spans of heartbeats, in the order of their keys. It
// reads only the oldest row of each history that has nothing expired.
func (tx *Tx) expiredHistories(c *Cleanup, now time.Time) (expiredRows, error) {
	rows := expiredRows{after: c.after}
	histories, err := queryAll(tx, func(row scanner) (history, error) {
		var h history
		return h, row.Scan(&h.key, &h.pingCount, &h.deleted, &h.firstPing, &h.firstAt, &h.lastPing, &h.lastAt, &h.firstSpan, &h.firstLast)
	}, `SELECT h.key, h.pings, h.deleted,
			(SELECT p.n FROM pings p WHERE p.heartbeat = h.key ORDER BY p.n LIMIT 1),
			(SELECT p.at FROM pings p WHERE p.heartbeat = h.key ORDER BY p.n LIMIT 1),
			(SELECT b.first + b.count - 1 FROM ping_blocks b WHERE b.heartbeat = h.key ORDER BY b.first LIMIT 1),
			(SELECT b.earliest + b.duration FROM ping_blocks b WHERE b.heartbeat = h.key ORDER BY b.first LIMIT 1),
			(SELECT s.first FROM slots s WHERE s.heartbeat = h.key ORDER BY s.first LIMIT 1),
			(SELECT s.last FROM slots s WHERE s.heartbeat = h.key ORDER BY s.first LIMIT 1)
		FROM heartbeats h WHERE h.key > $1 ORDER BY h.key LIMIT $2`, c.after, maxStepHeartbeats)
	if err != nil {
		return rows, err
	}
	budget := stepBudget{rows: maxStepRows, bytes: maxStepBytes}
	for _, h := range histories {
		for _, find := range []func(history, time.Time, *stepBudget) (deletion, error){tx.expiredPings, tx.expiredBlocks, tx.expiredSpans} {
			d, err := find(h, now, &budget)
			if err != nil {
				return rows, err
			}
			if d.table != "" {
				rows.deletions = append(rows.deletions, d)
			}
		}
		if budget.used() {
			rows.more = true // the next step begins with this heartbeat again
			return rows, nil
		}
		rows.after = h.key
	}
	rows.more = len(histories) == maxStepHeartbeats
	return rows, nil
}

// stepBudget is what is left of the limits of a step.
type stepBudget struct{ rows, bytes int64 }

// used reports whether nothing is left.
func (b *stepBudget) used() bool { return b.rows <= 0 || b.bytes <= 0 }

// take uses the budget for a row.
func (b *stepBudget) take(bytes int64) {
	b.rows--
	b.bytes -= bytes
}

// expiredPings finds the oldest rows of pings of a heartbeat that are all expired.
func (tx *Tx) expiredPings(h history, now time.Time, b *stepBudget) (deletion, error) {
	last, err := tx.expiredNumbers(h, now, b, h.firstPing, h.firstAt,
		`SELECT p.n, p.n, p.at, p.body_size FROM pings p WHERE p.heartbeat = $1 ORDER BY p.n LIMIT $2`)
	if last == 0 || err != nil {
		return deletion{}, err
	}
	return deletion{"pings", "heartbeat = $1 AND n <= $2", []any{h.key, last}}, nil
}

// expiredBlocks finds the oldest blocks of a heartbeat whose pings are all expired.
func (tx *Tx) expiredBlocks(h history, now time.Time, b *stepBudget) (deletion, error) {
	last, err := tx.expiredNumbers(h, now, b, h.lastPing, h.lastAt,
		`SELECT b.first, b.first + b.count - 1, b.earliest + b.duration, b.body_bytes FROM ping_blocks b WHERE b.heartbeat = $1 ORDER BY b.first LIMIT $2`)
	if last == 0 || err != nil {
		return deletion{}, err
	}
	return deletion{"ping_blocks", "heartbeat = $1 AND first <= $2", []any{h.key, last}}, nil
}

// expiredNumbers returns the first number of the last row that is expired together with
// all rows before it, or 0. oldestLast and oldestAt are the last number and the latest
// time of the oldest row. rows is a query for the first number, the last number, the
// latest time and the size of the bodies of each row.
func (tx *Tx) expiredNumbers(h history, now time.Time, b *stepBudget, oldestLast, oldestAt sql.NullInt64, rows string) (number int64, err error) {
	keep := tx.db.retention
	before, limited := cutoff(now, keep.Pings)
	discard := h.deleted.Valid && h.deleted.Int64 < now.Add(-deletedHistoryKept).UnixMicro()
	expired := func(last, at int64) bool {
		return discard || limited && at < before || keep.PingsPerHeartbeat > 0 && last <= h.pingCount-int64(keep.PingsPerHeartbeat)
	}
	if !oldestLast.Valid || b.used() || !expired(oldestLast.Int64, oldestAt.Int64) {
		return 0, nil
	}
	done := false
	_, err = queryAll(tx, func(row scanner) (struct{}, error) {
		var first, last, at, size int64
		err := row.Scan(&first, &last, &at, &size)
		if done = done || b.used() || !expired(last, at); !done {
			number = first
			b.take(size)
		}
		return struct{}{}, err
	}, rows, h.key, b.rows)
	return number, err
}

// expiredSpans finds the oldest spans of the run history of a heartbeat.
func (tx *Tx) expiredSpans(h history, now time.Time, b *stepBudget) (deletion, error) {
	before, limited := cutoff(now, tx.db.retention.Runs)
	discard := h.deleted.Valid && h.deleted.Int64 < now.Add(-deletedHistoryKept).UnixMicro()
	if !h.firstSpan.Valid || b.used() || !discard && !(limited && h.firstLast.Int64 < before) {
		return deletion{}, nil
	}
	var last int64
	done := false
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var first, end int64
		err := row.Scan(&first, &end)
		if done = done || !discard && end >= before; !done {
			last = first
			b.take(0)
		}
		return struct{}{}, err
	}, `SELECT s.first, s.last FROM slots s WHERE s.heartbeat = $1 ORDER BY s.first LIMIT $2`, h.key, b.rows)
	return deletion{"slots", "heartbeat = $1 AND first <= $2", []any{h.key, last}}, err
}

// expiredIncidents finds incidents with their timelines and alerts, those first that
// were resolved first. It never finds an open incident, nor one with a pending alert. The first
// incident of a group, which has its number, is the last one of it.
func (tx *Tx) expiredIncidents(_ *Cleanup, now time.Time) (expiredRows, error) {
	before, limited := cutoff(now, tx.db.retention.Incidents)
	if !limited {
		return expiredRows{}, nil
	}
	ids, err := queryAll(tx, scanText, `SELECT i.id FROM incidents i WHERE i.resolved < $1
		AND NOT (i.group_number = i.number AND EXISTS (SELECT 1 FROM incidents m WHERE m.project = i.project AND m.group_number = i.number AND m.number > i.number))
		AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.incident = i.id AND a.state = 'pending') ORDER BY i.resolved LIMIT $2`, before, maxStepRows)
	if err != nil {
		return expiredRows{}, err
	}
	budget := stepBudget{rows: maxStepRows, bytes: 1}
	var whole, alerts, entries []string
	for _, id := range ids {
		if budget.used() {
			break
		}
		ofAlerts, err := tx.alertsWithin(&budget, `a.incident = $1`, id)
		if err != nil {
			return expiredRows{}, err
		}
		ofTimeline, err := queryAll(tx, scanText, `SELECT t.id FROM timeline t WHERE t.incident = $1 LIMIT $2`, id, max(budget.rows, 1))
		if err != nil {
			return expiredRows{}, err
		}
		alerts, entries = append(alerts, ofAlerts...), append(entries, ofTimeline...)
		budget.rows -= int64(len(ofTimeline))
		if !budget.used() { // otherwise it may have more
			whole = append(whole, id)
			budget.take(0)
		}
	}
	rows := expiredRows{more: len(ids) > 0} // the first incident of a group may follow
	rows.addAlerts(tx, alerts)
	rows.addIDs(tx, "timeline", "id", entries)
	// A note may have been added meanwhile.
	rows.addIDs(tx, "timeline", "incident", whole)
	rows.addIDs(tx, "threads", "incident", whole)
	if len(whole) > 0 {
		rows.deletions = append(rows.deletions, deletion{
			"incident_groups", "(project, number) IN (SELECT i.project, i.group_number FROM incidents i WHERE " + tx.d.InList("i.id", "$1") + " AND i.group_number = i.number)",
			[]any{tx.d.TextList(whole)},
		})
	}
	rows.addIDs(tx, "incidents", "id", whole)
	return rows, nil
}

// alertsWithin returns the ids of alerts with a condition, and takes them and their
// attempts from the budget. If some of the budget is left, there are no others.
func (tx *Tx) alertsWithin(b *stepBudget, condition string, arg any) (ids []string, err error) {
	_, err = queryAll(tx, func(row scanner) (struct{}, error) {
		var id string
		var attempts int64
		err := row.Scan(&id, &attempts)
		if !b.used() {
			ids = append(ids, id)
			b.rows -= attempts + 1
		}
		return struct{}{}, err
	}, `SELECT a.id, (SELECT COUNT(*) FROM attempts t WHERE t.alert = a.id) FROM alerts a WHERE `+condition+` LIMIT $2`, arg, b.rows)
	return ids, err
}

// addAlerts adds the deletion of alerts and their attempts.
func (r *expiredRows) addAlerts(tx *Tx, ids []string) {
	r.addIDs(tx, "attempts", "alert", ids)
	r.addIDs(tx, "alerts", "id", ids)
}

// addIDs adds the deletion of the rows with one of the ids in a column.
func (r *expiredRows) addIDs(tx *Tx, table, column string, ids []string) {
	if len(ids) > 0 {
		r.deletions = append(r.deletions, deletion{table, tx.d.InList(column, "$1"), []any{tx.d.TextList(ids)}})
	}
}

// expiredAlerts finds alerts that belong to no incident, such as tests.
func (tx *Tx) expiredAlerts(_ *Cleanup, now time.Time) (expiredRows, error) {
	before, limited := cutoff(now, tx.db.retention.Incidents)
	if !limited {
		return expiredRows{}, nil
	}
	budget := stepBudget{rows: maxStepRows, bytes: 1}
	ids, err := tx.alertsWithin(&budget, `a.incident IS NULL AND a.created < $1 AND a.state <> 'pending' ORDER BY a.created`, before)
	rows := expiredRows{more: len(ids) > 0}
	rows.addAlerts(tx, ids)
	return rows, err
}

// expiredAudit finds entries of the audit log.
func (tx *Tx) expiredAudit(_ *Cleanup, now time.Time) (expiredRows, error) {
	before, limited := cutoff(now, tx.db.retention.Audit)
	if !limited {
		return expiredRows{}, nil
	}
	ids, err := queryAll(tx, scanText, `SELECT id FROM audit WHERE at < $1 ORDER BY at LIMIT $2`, before, maxStepRows)
	rows := expiredRows{more: len(ids) == maxStepRows}
	rows.addIDs(tx, "audit", "id", ids)
	return rows, err
}

// expiredHeartbeats finds deleted heartbeats without a history: their incidents, which
// name them, are deleted too.
func (tx *Tx) expiredHeartbeats(_ *Cleanup, now time.Time) (expiredRows, error) {
	before, limited := cutoff(now, max(tx.db.retention.Incidents, deletedHistoryKept))
	if !limited || tx.db.retention.Incidents == 0 {
		return expiredRows{}, nil
	}
	keys, err := queryAll(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) }, `SELECT h.key FROM heartbeats h
		WHERE h.deleted < $1 AND NOT EXISTS (SELECT 1 FROM incidents i WHERE i.heartbeat = h.key)
		AND NOT EXISTS (SELECT 1 FROM pings p WHERE p.heartbeat = h.key) AND NOT EXISTS (SELECT 1 FROM ping_blocks b WHERE b.heartbeat = h.key)
		AND NOT EXISTS (SELECT 1 FROM slots s WHERE s.heartbeat = h.key)
		ORDER BY h.deleted LIMIT $2`, before, maxStepRows)
	rows := expiredRows{more: len(keys) == maxStepRows}
	if len(keys) > 0 {
		rows.deletions = []deletion{{"heartbeats", tx.d.InList("key", "$1"), []any{tx.d.IntList(keys)}}}
	}
	return rows, err
}

// scanText reads a single text.
func scanText(row scanner) (s string, err error) { return s, row.Scan(&s) }
