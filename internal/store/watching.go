package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"overdue/internal/monitor"
)

// Limits of blackouts.
const (
	// defaultRecordInterval is the time between two records of RecordWatching on a node.
	defaultRecordInterval = time.Second
	// maxMissingRecords is the number of intervals without a record above which there is a
	// blackout.
	maxMissingRecords = 3
	// maxClockSetBack is the largest step of the clock back that is ignored.
	maxClockSetBack = 2 * time.Second
	// minRecordInterval is the shortest time between two records of all nodes.
	minRecordInterval = 500 * time.Millisecond
	// drainTime is the time after a blackout in which nothing that it touches is
	// evaluated: requests that waited in sockets, and the first retries, are read before.
	drainTime = 2 * time.Second
	// maxNoticeDelay is the maximum time after a blackout until its notice is written.
	// It is written sooner if all heartbeats are evaluated.
	maxNoticeDelay = time.Minute
	// maxCachedBlackouts is the number of the newest blackouts that evaluations know.
	// A wait with more of them is a wait in which Overdue hardly watched.
	maxCachedBlackouts = 1000
)

// watchingCache is what this process knows of the table watching.
type watchingCache struct {
	mu        sync.RWMutex
	until     time.Time // of the last record
	newest    int64     // key of the newest blackout in the list
	blackouts []monitor.Blackout
	interval  time.Duration // between two records; 0 means the default
}

// RecordInterval returns the time between two calls of RecordWatching.
func (db *DB) RecordInterval() time.Duration {
	return cmp.Or(db.watching.interval, defaultRecordInterval)
}

// SetRecordInterval sets the time between two calls of RecordWatching, before the first.
// Tests of many hours in virtual time make it longer. All nodes must use the same.
func (db *DB) SetRecordInterval(d time.Duration) { db.watching.interval = d }

// maxUnwatched is the longest time between two records. A longer one is a blackout.
func (c *watchingCache) maxUnwatched() time.Duration {
	return maxMissingRecords * cmp.Or(c.interval, defaultRecordInterval)
}

// list returns the blackouts that evaluations take into account, in the order of
// their keys. The result must not be changed.
func (c *watchingCache) list() []monitor.Blackout {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.blackouts
}

// blackoutsForPings returns the blackouts for a ping. For one that ends a silence, it ends with the blackout
// that is not recorded yet, if there is one: the first pings after it can arrive sooner
// than the record.
func (db *DB) blackoutsForPings(silent bool) []monitor.Blackout {
	c := &db.watching
	if !silent {
		return c.list()
	}
	now := db.Now()
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.until.IsZero() || now.Sub(c.until) <= c.maxUnwatched() {
		return c.blackouts
	}
	return append(slices.Clip(c.blackouts), monitor.Blackout{Key: c.newest + 1, From: c.until, To: now})
}

// set replaces the list.
func (c *watchingCache) set(newest int64, list []monitor.Blackout) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.newest, c.blackouts = newest, list
}

// watchLimits are the times up to which heartbeats can be evaluated, zero for no limit.
type watchLimits struct {
	gap   time.Time // a blackout begins here that is not recorded yet
	drain time.Time // just before a blackout that has just ended
}

// limitsAt returns the limits of evaluations at now.
func (c *watchingCache) limitsAt(now time.Time) (l watchLimits) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.until.IsZero() && now.Sub(c.until) > c.maxUnwatched() {
		l.gap = c.until
	}
	if n := len(c.blackouts); n > 0 && now.Sub(c.blackouts[n-1].To) < drainTime {
		l.drain = c.blackouts[n-1].From.Add(-monitor.Precision)
	}
	return l
}

// Evidence is what a node knows about the time in which nothing was recorded.
type Evidence struct {
	Version string
	Started time.Time // start of the process
	Failure error     // last error of a record in that time, nil for none
	// ClockJump is the time by which the wall clock went further than the monotonic clock: the
	// clock was set forward, or the machine slept.
	ClockJump time.Duration
}

// version returns the version, which is never empty.
func (e Evidence) version() string { return cmp.Or(e.Version, "unknown") }

// watchRow is the row of the table watching.
type watchRow struct {
	until            time.Time
	stopped, version string
	newest           int64
	unnoticed        bool // notices of a blackout are to be written
}

// Recorded is the result of RecordWatching.
type Recorded struct {
	Blackout   *monitor.Blackout // that has just ended, nil for none
	NoticesDue bool              // EnqueueNotices may have something to do
}

// RecordWatching records that pings can be stored at now, and runs also in the same
// transaction. If the last record is too old, no node could store pings since then: it
// records a blackout. If the clock was set back, it shifts the state of all heartbeats,
// and returns a blackout without a length.
func (db *DB) RecordWatching(ctx context.Context, now time.Time, e Evidence, also func(*Tx) error) (r Recorded, err error) {
	var row watchRow
	var b *monitor.Blackout
	record := func(tx *Tx) (err error) {
		if err = also(tx); err == nil {
			b, row, err = tx.watch(now, e)
		}
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, maxRecordTime)
	defer cancel()
	err = db.Update(ctx, record)
	if back, set := errors.AsType[clockSetBackError](err); set {
		err = db.UpdateAll(ctx, func(tx *Tx) error {
			b, row, err = tx.setClockBack(now, time.Duration(back), e)
			return err
		})
	}
	if err != nil {
		return r, err
	}
	db.watching.mu.Lock()
	db.watching.until = now
	stale := db.watching.newest != row.newest
	db.watching.mu.Unlock()
	if stale {
		err = db.RefreshWatching(ctx)
	}
	return Recorded{b, row.unnoticed || b != nil && b.Length() > monitor.NoticeThreshold}, err
}

// SetClockBack is called when the clock of this node, which shares its database with no
// other, was set back by the given time: until now, it continued as if nothing had
// happened. It shifts the state of all heartbeats; then the new time counts.
func (db *DB) SetClockBack(ctx context.Context, by time.Duration, e Evidence) error {
	ctx, cancel := context.WithTimeout(ctx, maxRecordTime)
	defer cancel()
	now := db.Now().Add(-by)
	err := db.UpdateAll(ctx, func(tx *Tx) error {
		_, _, err := tx.setClockBack(now, by, e)
		return err
	})
	if err != nil {
		return err
	}
	db.clock.AcceptStep()
	db.watching.mu.Lock()
	db.watching.until = now
	db.watching.mu.Unlock()
	return nil
}

// maxRecordTime limits the transactions that change all heartbeats. With a million of them, they
// take longer than other operations may; if the database hangs, the circuit ends them.
const maxRecordTime = time.Minute

// clockSetBackError means that the clock was set back by the given time.
type clockSetBackError time.Duration

// Error returns by how much the clock was set back.
func (e clockSetBackError) Error() string { return "clock set back by " + time.Duration(e).String() }

// watch is RecordWatching in a transaction. It fails with a clockSetBackError if the
// clock was set back.
func (tx *Tx) watch(now time.Time, e Evidence) (b *monitor.Blackout, row watchRow, err error) {
	if row, _, err = queryOne(tx, scanWatching, `SELECT `+watchColumns+` FROM watching WHERE key = 1`); err != nil || row.isRecent(now, e) {
		return nil, row, err // no node waits for another one that is slow
	}
	if row, err = tx.lockWatching(now, e); err != nil {
		return nil, row, err
	}
	switch since := now.Sub(row.until); {
	case since > tx.db.watching.maxUnwatched():
		if b, err = tx.addBlackout(now, row, e); err != nil {
			return nil, row, err
		}
		row.newest = b.Key
	case since < -maxClockSetBack:
		back, err := tx.clockSetBack(now, row)
		if err != nil || back > maxClockSetBack {
			return nil, row, errors.Join(err, clockSetBackError(back))
		}
	}
	if b == nil && row.isRecent(now, e) {
		return nil, row, nil
	}
	return b, row, tx.saveWatching(row, laterTime(now, row.until), e)
}

// isRecent reports whether another node has just recorded the same.
func (row watchRow) isRecent(now time.Time, e Evidence) bool {
	since := now.Sub(row.until)
	return since < minRecordInterval && since >= -maxClockSetBack && row.stopped == "" && row.version == e.Version
}

// saveWatching stores until when pings could be stored.
func (tx *Tx) saveWatching(row watchRow, until time.Time, e Evidence) error {
	_, err := tx.exec(`UPDATE watching SET until = $1, stopped = '', version = $2, newest = $3 WHERE key = 1`, until.UnixMicro(), e.Version, row.newest)
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	return nil
}

// laterTime returns the later of two times.
func laterTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// clockSetBack returns by how much the clock was set back. On PostgreSQL, the clock of
// the database counts: that of one node proves nothing.
func (tx *Tx) clockSetBack(now time.Time, row watchRow) (time.Duration, error) {
	if tx.db.postgres == nil {
		return row.until.Sub(now), nil
	}
	ahead, _, err := queryOne(tx, func(row scanner) (us int64, err error) { return us, row.Scan(&us) },
		`SELECT CAST($1 - EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)`, row.until.UnixMicro())
	return durationFromMicros(ahead), err
}

// heartbeatsPerShift is the number of heartbeats that setClockBack changes at a time.
const heartbeatsPerShift = 500

// setClockBack shifts waits, runs, pending alerts, and blackouts that end in the future,
// by the time by which the clock was set back: as much time has passed as before.
// Otherwise, a missed run would be noticed that much later, and pings would count as out
// of order. Times before the last blackout stay: if the clock was set forward in that
// blackout, it was right before.
func (tx *Tx) setClockBack(now time.Time, by time.Duration, e Evidence) (*monitor.Blackout, watchRow, error) {
	row, err := tx.lockWatching(now, e)
	if err != nil {
		return nil, row, err
	}
	b := &monitor.Blackout{Key: row.newest + 1, From: now, To: now, Cause: monitor.BlackoutClock, Detail: fmt.Sprintf("The clock was set back by %s.", by.Round(time.Second))}
	row.newest = b.Key
	since, err := queryTime(tx, `SELECT MAX(ended) FROM blackouts`)
	if err != nil {
		return nil, row, fmt.Errorf("last blackout: %w", err)
	}
	// A blackout that ends in the future would hide every run until then.
	if _, err := tx.exec(`UPDATE blackouts SET started = CASE WHEN started > ended - $1 THEN ended - $1 ELSE started END, ended = ended - $1
		WHERE ended > $2`, by.Microseconds(), now.UnixMicro()); err != nil {
		return nil, row, fmt.Errorf("shift blackouts: %w", err)
	}
	if err := tx.AddBlackout(*b, now); err != nil {
		return nil, row, err
	}
	for after := int64(0); ; {
		list, err := queryAll(tx, tx.lockHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
			WHERE h.key > $1 AND h.deleted IS NULL ORDER BY h.key LIMIT $2`+tx.d.ForUpdate, after, heartbeatsPerShift)
		if err != nil {
			return nil, row, fmt.Errorf("shift waits: %w", err)
		}
		states := make([][]any, 0, len(list))
		for _, h := range list {
			after = h.Key
			states = append(states, stateArgs(new(h.ShiftBack(by, since))))
		}
		if err := tx.updateBatch(&stateBatch, states); err != nil {
			return nil, row, fmt.Errorf("shift waits: %w", err)
		}
		if len(list) < heartbeatsPerShift {
			break
		}
	}
	if _, err := tx.exec(`UPDATE alerts SET next_at = next_at - $1 WHERE state = 'pending'`, by.Microseconds()); err != nil {
		return nil, row, fmt.Errorf("shift alerts: %w", err)
	}
	return b, row, tx.saveWatching(row, now, e)
}

// lockWatching returns the locked row, and creates it at the first start.
func (tx *Tx) lockWatching(now time.Time, e Evidence) (watchRow, error) {
	if _, err := tx.exec(`INSERT INTO watching (key, until, version, newest) VALUES (1, $1, $2, (SELECT COALESCE(MAX(b.key), 0) FROM blackouts b))
		ON CONFLICT (key) DO NOTHING`, now.UnixMicro(), e.Version); err != nil {
		return watchRow{}, fmt.Errorf("watch: %w", err)
	}
	row, _, err := queryOne(tx, scanWatching, `SELECT `+watchColumns+` FROM watching WHERE key = 1`+tx.d.ForUpdate)
	if err != nil {
		return row, fmt.Errorf("watch: %w", err)
	}
	return row, nil
}

// watchColumns are in the order of scanWatching.
const watchColumns = `until, stopped, version, newest, EXISTS (SELECT 1 FROM blackouts WHERE noticed IS NULL)`

// scanWatching reads watchColumns.
func scanWatching(row scanner) (w watchRow, err error) {
	var until sql.NullInt64
	err = row.Scan(&until, &w.stopped, &w.version, &w.newest, &w.unnoticed)
	w.until = timeFromMicros(until)
	return w, err
}

// addBlackout stores the blackout that ends now. Heartbeats that it may touch are due
// for evaluation at its end.
func (tx *Tx) addBlackout(now time.Time, row watchRow, e Evidence) (*monitor.Blackout, error) {
	b := &monitor.Blackout{Key: row.newest + 1, From: row.until, To: now}
	b.Cause, b.Detail = e.causeOf(row)
	if err := tx.AddBlackout(*b, now); err != nil {
		return nil, err
	}
	if err := tx.evaluateTouched(now, keysPerTouch); err != nil {
		return nil, fmt.Errorf("add blackout: heartbeats to evaluate: %w", err)
	}
	tx.changes.declared++ // lists change when these are evaluated, at once
	return b, nil
}

// keysPerTouch is the number of keys that one statement of evaluateTouched reads.
const keysPerTouch = 10_000

// evaluateTouched makes the heartbeats that a blackout may touch due at its end, with one
// statement for a number of keys: one for a million heartbeats would take so long that the
// circuit opens.
func (tx *Tx) evaluateTouched(end time.Time, keys int64) error {
	last, _, err := queryOne(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) }, `SELECT COALESCE(MAX(key), 0) FROM heartbeats`)
	for after := int64(0); err == nil && after < last; after += keys {
		_, err = tx.exec(`UPDATE heartbeats SET next_at = $1 WHERE key > $2 AND key <= $3 AND next_at > $1 AND deleted IS NULL
			AND (status = 'late' OR runs IS NOT NULL OR interval_us > 0 AND next_at - interval_us / 10 <= $1)`,
			end.UnixMicro(), after, after+keys)
		tx.db.breaker.Load().RecordProgress()
	}
	return err
}

// causeOf returns the cause of the blackout that begins with the last record.
func (e Evidence) causeOf(row watchRow) (monitor.BlackoutCause, string) {
	switch {
	case row.until.Before(e.Started) && row.stopped != "" && row.stopped != e.version():
		return monitor.BlackoutUpgrade, fmt.Sprintf("Stopped with version %s, started again with version %s.", row.stopped, e.Version)
	case row.until.Before(e.Started) && row.stopped != "":
		return monitor.BlackoutStop, "Stopped and started again."
	case row.until.Before(e.Started):
		return monitor.BlackoutCrash, "The server ended without a stop: it was killed, it crashed, its machine failed, or a backup was restored."
	case errors.Is(e.Failure, ErrDisk) || errors.Is(e.Failure, ErrFilesMoved):
		return monitor.BlackoutDisk, "The disk did not store pings: " + e.Failure.Error()
	case e.Failure != nil:
		return monitor.BlackoutDatabase, "The database did not store pings: " + e.Failure.Error()
	case e.ClockJump > defaultRecordInterval:
		return monitor.BlackoutClock, fmt.Sprintf("The clock went forward by %s at once: it was set, or the machine slept.", e.ClockJump.Round(time.Second))
	}
	return monitor.BlackoutSuspend, "The process did not run: it or its machine was suspended, or stalled."
}

// StopWatching records that this node stops at now.
func (tx *Tx) StopWatching(now time.Time, version string) error {
	_, err := tx.exec(`UPDATE watching SET until = CASE WHEN until < $1 THEN $1 ELSE until END, stopped = $2 WHERE key = 1`, now.UnixMicro(), Evidence{Version: version}.version())
	if err != nil {
		return fmt.Errorf("stop watching: %w", err)
	}
	return nil
}

// refreshWatching reads until when pings could be stored, and the blackouts if there
// are new ones.
func (tx *Tx) refreshWatching() error {
	row, found, err := queryOne(tx, scanWatching, `SELECT `+watchColumns+` FROM watching WHERE key = 1`)
	if err != nil || !found {
		return err
	}
	c := &tx.db.watching
	c.mu.Lock()
	c.until = row.until
	stale := c.newest != row.newest
	c.mu.Unlock()
	if !stale {
		return nil
	}
	list, err := tx.Blackouts(0, maxCachedBlackouts)
	if err != nil {
		return err
	}
	slices.Reverse(list)
	list = slices.DeleteFunc(list, func(b monitor.Blackout) bool { return b.Length() == 0 }) // the clock was set back
	c.set(row.newest, list)
	return nil
}

// RefreshWatching reads the blackouts, so that evaluations take them into account.
func (db *DB) RefreshWatching(ctx context.Context) error {
	return db.View(ctx, (*Tx).refreshWatching)
}
