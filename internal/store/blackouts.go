package store

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
)

// AddBlackout stores a blackout.
func (tx *Tx) AddBlackout(b monitor.Blackout, now time.Time) error {
	var noticed any
	if b.Length() <= monitor.NoticeThreshold {
		noticed = now.UnixMicro() // no notice
	}
	_, err := tx.exec(`INSERT INTO blackouts (key, started, ended, cause, detail, noticed) VALUES ($1, $2, $3, $4, $5, $6)`,
		b.Key, b.From.UnixMicro(), b.To.UnixMicro(), string(b.Cause), b.Detail, noticed)
	if err != nil {
		return fmt.Errorf("add blackout: %w", err)
	}
	return nil
}

// LastBlackout returns the last blackout that this process knows, and whether there is
// one.
func (db *DB) LastBlackout() (b monitor.Blackout, ok bool) {
	list := db.watching.list()
	if len(list) == 0 {
		return b, false
	}
	return list[len(list)-1], true
}

// Blackouts lists the newest n blackouts with a key below before, newest first. 0
// begins with the newest.
func (tx *Tx) Blackouts(before int64, n int) ([]monitor.Blackout, error) {
	list, err := queryAll(tx, scanBlackout, `SELECT `+blackoutColumns+` FROM blackouts WHERE ($1 = 0 OR key < $1) ORDER BY key DESC LIMIT $2`, before, n)
	if err != nil {
		return nil, fmt.Errorf("blackouts: %w", err)
	}
	return list, nil
}

// blackoutColumns are in the order of scanBlackout.
const blackoutColumns = `key, started, ended, cause, detail`

// scanBlackout reads blackoutColumns.
func scanBlackout(row scanner) (b monitor.Blackout, err error) {
	var from, to sql.NullInt64
	err = row.Scan(&b.Key, &from, &to, &b.Cause, &b.Detail)
	b.From, b.To = timeFromMicros(from), timeFromMicros(to)
	return b, err
}

// effectBatch inserts effects of blackouts. The first effect on a heartbeat counts.
var effectBatch = dialect.Batch{Table: "blackout_effects", IgnoreExisting: true, Columns: dialect.Columns(`
	blackout bigint, heartbeat bigint, kind text, due bigint, next bigint`)}

// effectRow returns an effect in the order of effectBatch.
func effectRow(heartbeat int64, e monitor.BlackoutEffect) []any {
	return []any{e.Blackout, heartbeat, string(e.Kind), micros(e.Due), micros(e.Next)}
}

// EnqueueNotices enqueues the notices about blackouts that are long enough, once all
// heartbeats that they touch are evaluated. It returns the number of new alerts.
func (tx *Tx) EnqueueNotices(now time.Time) (newAlerts int, err error) {
	due, err := queryAll(tx, scanBlackout, `SELECT `+blackoutColumns+` FROM blackouts WHERE noticed IS NULL AND ended < $1`, now.Add(-drainTime).UnixMicro())
	if err != nil || len(due) == 0 {
		return 0, err
	}
	next, err := tx.NextDue()
	if err != nil {
		return 0, err
	}
	for _, b := range due {
		if now.Sub(b.To) < maxNoticeDelay && !next.IsZero() && !next.After(b.To) {
			continue // heartbeats are still being evaluated
		}
		n, err := tx.enqueueNotice(b, now)
		if err != nil {
			return 0, fmt.Errorf("notice of blackout %d: %w", b.Key, err)
		}
		newAlerts += n
	}
	return newAlerts, nil
}

// enqueueNotice enqueues one alert for each channel of every project, unless another
// node does.
func (tx *Tx) enqueueNotice(b monitor.Blackout, now time.Time) (newAlerts int, err error) {
	claimed, err := tx.exec(`UPDATE blackouts SET noticed = $2 WHERE key = $1 AND noticed IS NULL`, b.Key, now.UnixMicro())
	if err != nil || claimed == 0 {
		return 0, err
	}
	projects, err := tx.Projects()
	if err != nil {
		return 0, err
	}
	var rows [][]any
	for _, p := range projects {
		channels, err := tx.ChannelRoutes(p.Key)
		if err != nil {
			return 0, err
		}
		for _, c := range channels {
			a := monitor.Alert{
				Project: p.Key, Channel: c.ID, Event: monitor.BlackoutNoticed, Subject: strconv.FormatInt(b.Key, 10), Created: now, NextAttempt: now,
			}
			a.ID = alertID(a, 0)
			rows = append(rows, alertRow(a, false))
		}
	}
	return len(rows), tx.insertBatch(&alertBatch, rows)
}

// Blackout returns a blackout by its key.
func (tx *Tx) Blackout(key int64) (monitor.Blackout, error) {
	b, found, err := queryOne(tx, scanBlackout, `SELECT `+blackoutColumns+` FROM blackouts WHERE key = $1`, key)
	if err == nil && !found {
		err = notFound("blackout")
	}
	return b, err
}

// AffectedHeartbeat is a heartbeat that a blackout affected, and how.
type AffectedHeartbeat struct {
	monitor.BlackoutEffect
	Key           int64
	ID, Ref, Name string
}

// AffectedHeartbeats lists up to n heartbeats of a project that a blackout affected and
// that are not deleted, those with an unknown run first, by name. 0 means every
// project.
func (tx *Tx) AffectedHeartbeats(blackout, project int64, n int) ([]AffectedHeartbeat, error) {
	list, err := queryAll(tx, func(row scanner) (a AffectedHeartbeat, err error) {
		var due, next sql.NullInt64
		err = row.Scan(&a.Blackout, &a.Kind, &due, &next, &a.Key, &a.ID, &a.Ref, &a.Name)
		a.Due, a.Next = timeFromMicros(due), timeFromMicros(next)
		return a, err
	}, `SELECT e.blackout, e.kind, e.due, e.next, h.key, h.id, h.ref, h.name FROM blackout_effects e JOIN heartbeats h ON h.key = e.heartbeat
		WHERE e.blackout = $1 AND ($2 = 0 OR h.project = $2) AND h.deleted IS NULL ORDER BY e.kind DESC, h.name, h.key LIMIT $3`, blackout, project, n)
	if err != nil {
		return nil, fmt.Errorf("affected heartbeats: %w", err)
	}
	return list, nil
}

// HeartbeatBlackout is a blackout that affected a heartbeat, and how.
type HeartbeatBlackout struct {
	monitor.Blackout
	Effect monitor.BlackoutEffect
}

// BlackoutsOfHeartbeat lists the blackouts that affected a heartbeat and ended at or
// after since, newest first.
func (tx *Tx) BlackoutsOfHeartbeat(heartbeat int64, since time.Time, n int) ([]HeartbeatBlackout, error) {
	list, err := queryAll(tx, func(row scanner) (h HeartbeatBlackout, err error) {
		var from, to, due, next sql.NullInt64
		err = row.Scan(&h.Key, &from, &to, &h.Cause, &h.Detail, &h.Effect.Kind, &due, &next)
		h.From, h.To = timeFromMicros(from), timeFromMicros(to)
		h.Effect.Blackout, h.Effect.Due, h.Effect.Next = h.Key, timeFromMicros(due), timeFromMicros(next)
		return h, err
	}, `SELECT b.key, b.started, b.ended, b.cause, b.detail, e.kind, e.due, e.next FROM blackout_effects e JOIN blackouts b ON b.key = e.blackout
		WHERE e.heartbeat = $1 AND b.ended >= $2 ORDER BY e.blackout DESC LIMIT $3`, heartbeat, since.UnixMicro(), n)
	if err != nil {
		return nil, fmt.Errorf("blackouts of heartbeat: %w", err)
	}
	pending, err := tx.pendingPings(heartbeat)
	for _, p := range pending {
		for _, e := range p.Effects {
			for _, b := range tx.db.watching.list() {
				if b.Key == e.Blackout && !b.To.Before(since) {
					list = append(list, HeartbeatBlackout{b, e})
				}
			}
		}
	}
	slices.SortStableFunc(list, func(a, b HeartbeatBlackout) int { return cmp.Compare(b.Key, a.Key) })
	list = slices.CompactFunc(list, func(a, b HeartbeatBlackout) bool { return a.Key == b.Key })
	return list[:min(len(list), n)], err
}

// CountAffected returns how many heartbeats of a project each blackout affected, by
// kind of effect. 0 means every project.
func (tx *Tx) CountAffected(project int64, blackouts []int64) (map[int64]map[monitor.BlackoutEffectKind]int, error) {
	counts := map[int64]map[monitor.BlackoutEffectKind]int{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var key int64
		var kind monitor.BlackoutEffectKind
		var n int
		err := row.Scan(&key, &kind, &n)
		if counts[key] == nil {
			counts[key] = map[monitor.BlackoutEffectKind]int{}
		}
		counts[key][kind] = n
		return struct{}{}, err
	}, `SELECT e.blackout, e.kind, COUNT(*) FROM blackout_effects e JOIN heartbeats h ON h.key = e.heartbeat
		WHERE `+tx.d.InList("e.blackout", "$2")+` AND ($1 = 0 OR h.project = $1) AND h.deleted IS NULL GROUP BY e.blackout, e.kind`, project, tx.d.IntList(blackouts))
	if err != nil {
		return nil, fmt.Errorf("count affected heartbeats: %w", err)
	}
	return counts, nil
}

// BlackoutNotices lists the notices of a project about blackouts, by blackout.
func (tx *Tx) BlackoutNotices(project int64, blackouts []int64) (map[int64][]monitor.Alert, error) {
	alerts, err := queryAll(tx, scanAlert, `SELECT `+alertColumns+` FROM alerts
		WHERE channel IN (SELECT c.id FROM channels c WHERE c.project = $1) AND event = $3
		AND incident IS NULL AND created IN (SELECT b.noticed FROM blackouts b WHERE `+tx.d.InList("b.key", "$2")+`) ORDER BY id`, project, tx.d.IntList(blackouts), string(monitor.BlackoutNoticed))
	if err != nil {
		return nil, fmt.Errorf("notices of blackouts: %w", err)
	}
	notices := map[int64][]monitor.Alert{}
	for _, a := range alerts {
		if key, err := strconv.ParseInt(a.Subject, 10, 64); err == nil {
			notices[key] = append(notices[key], a)
		}
	}
	return notices, nil
}

// expiredBlackouts finds blackouts, which are kept as long as incidents.
func (tx *Tx) expiredBlackouts(_ *Cleanup, now time.Time) (expiredRows, error) {
	before, limited := cutoff(now, tx.db.retention.Incidents)
	if !limited {
		return expiredRows{}, nil
	}
	keys, err := queryAll(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) },
		`SELECT key FROM blackouts WHERE ended < $1 ORDER BY ended LIMIT 1`, before)
	if err != nil || len(keys) == 0 {
		return expiredRows{}, err
	}
	// The heartbeats that it affected can be many.
	affected, err := queryAll(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) },
		`SELECT heartbeat FROM blackout_effects WHERE blackout = $1 ORDER BY heartbeat LIMIT $2`, keys[0], maxStepRows)
	rows := expiredRows{more: true}
	if len(affected) > 0 {
		rows.deletions = []deletion{{"blackout_effects", "blackout = $1 AND " + tx.d.InList("heartbeat", "$2"), []any{keys[0], tx.d.IntList(affected)}}}
	} else {
		rows.deletions = []deletion{{"blackouts", "key = $1", []any{keys[0]}}}
	}
	return rows, err
}
