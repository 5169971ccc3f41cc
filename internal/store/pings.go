package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
	"overdue/internal/store/writebehind"
)

// ReceivedPing is one ping, with the watermark of its heartbeat.
type ReceivedPing = writebehind.ReceivedPing

// maxBatchBodyBytes is the size of the bodies of a batch above which it is saved to
// the tables at once.
const maxBatchBodyBytes = 64 << 10

// ApplyResult is the effect of a batch of pings.
type ApplyResult struct {
	Unknown    map[string]bool // ids that no heartbeat has
	Locked     map[string]bool // ids whose pings were not stored, see ApplyUnlockedPings
	Rest       map[string]bool // ids whose pings were not stored, see ApplyQuietPings
	NewAlerts  int             // number of alerts that became pending
	Heartbeats []int64         // keys of the heartbeats that got a ping
	NextDue    time.Time       // first time that one of these heartbeats is due for evaluation
	counts     map[int64]int64 // number of pings of each of these heartbeats
}

// ApplyPings applies a batch of pings to their heartbeats, in the given order, and
// returns when the result is on disk.
func (db *DB) ApplyPings(ctx context.Context, batch []ReceivedPing) (ApplyResult, error) {
	return db.applyPings(ctx, batch, (*Tx).HeartbeatsForPings)
}

// ApplyUnlockedPings is ApplyPings, but it does not wait for heartbeats that another
// transaction has locked: it stores none of their pings and returns their ids in Locked.
func (db *DB) ApplyUnlockedPings(ctx context.Context, batch []ReceivedPing) (ApplyResult, error) {
	if db.buffer != nil {
		return db.ApplyPings(ctx, batch) // SQLite has no locked rows
	}
	var locked map[string]bool
	result, err := db.applyPings(ctx, batch, func(tx *Tx, ids []string) (states map[string]monitor.Heartbeat, err error) {
		states, locked, err = tx.unlockedHeartbeats(ids)
		return states, err
	})
	for id := range locked {
		delete(result.Unknown, id)
	}
	result.Locked = locked
	return result, err
}

// applyPings is ApplyPings with the query for the heartbeats of a batch.
func (db *DB) applyPings(ctx context.Context, batch []ReceivedPing, lock lockFunc) (ApplyResult, error) {
	var result ApplyResult
	if db.buffer == nil {
		err := db.Update(ctx, func(tx *Tx) (err error) {
			result, err = tx.applyPings(batch, lock)
			return err
		})
		switch {
		case err != nil || len(result.Heartbeats) == 0:
		case db.postgres != nil:
			db.recordStored(result.counts)
		default:
			db.recordCommit()
		}
		return result, err
	}
	err := db.breaker.Load().Guard(ctx, func(ctx context.Context) (err error) {
		var done bool
		if result, done, err = db.bufferPings(ctx, batch); done || err != nil {
			return err
		}
		result, err = db.flushAndApply(ctx, batch)
		return err
	})
	return result, err
}

// lockFunc locks heartbeats and returns them by id.
type lockFunc func(tx *Tx, ids []string) (map[string]monitor.Heartbeat, error)

// applyPings applies a batch to the heartbeats in the tables and saves them.
func (tx *Tx) applyPings(batch []ReceivedPing, lock lockFunc) (ApplyResult, error) {
	states, err := lock(tx, uniqueIDs(batch))
	if err != nil {
		return ApplyResult{}, err
	}
	now := tx.db.Now()
	peers := peerWatermark{load: func() (Peers, error) { return tx.Peers(now) }}
	result, transitions := transitionsOf(batch, states, peers.earliest, tx.db.blackoutsForPings)
	if peers.err != nil {
		return ApplyResult{}, peers.err
	}
	result.NewAlerts, err = tx.Save(now, transitions)
	return result, err
}

// peerWatermark returns the time before which all nodes have stored the pings of a
// heartbeat that are known to be in flight. It queries the database only when
// first used, because most pings end no silence.
type peerWatermark struct {
	load   func() (Peers, error)
	loaded bool
	peers  Peers
	err    error
}

// earliest returns own, the watermark of this node, or that of the other nodes if
// it is earlier.
func (w *peerWatermark) earliest(id string, own time.Time) time.Time {
	if !w.loaded {
		w.loaded = true
		w.peers, w.err = w.load()
	}
	return w.peers.HeldWatermark(id, own.Add(-monitor.Precision)).Add(monitor.Precision)
}

// ownWatermark is the argument of transitionsOf when no other node can have a ping.
func (db *DB) ownWatermark(_ string, own time.Time) time.Time {
	return monitor.Earlier(own, db.watching.limitsAt(db.Now()).gap)
}

// uniqueIDs returns the ids of a batch, each once.
func uniqueIDs(batch []ReceivedPing) []string {
	ids := make([]string, 0, len(batch))
	for _, p := range batch {
		ids = append(ids, p.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// transitionsOf applies pings to their heartbeats and updates states. If a ping
// ends a silence past its deadline, earliest returns the watermark of all nodes: a
// ping that another node has not stored yet can have been in time. blackouts then
// returns the blackouts to take into account.
func transitionsOf(batch []ReceivedPing, states map[string]monitor.Heartbeat, earliest func(id string, own time.Time) time.Time, blackouts func(silent bool) []monitor.Blackout) (ApplyResult, []Transition) {
	result := ApplyResult{Unknown: map[string]bool{}, Heartbeats: make([]int64, 0, len(batch)), counts: make(map[int64]int64, len(batch))}
	transitions := make([]Transition, 0, len(batch))
	for i, received := range batch {
		h, known := states[received.ID]
		if !known {
			result.Unknown[received.ID] = true
			continue
		}
		watermark := received.Watermark
		next := h.NextEvaluation()
		silent := !next.IsZero() && next.Before(received.Ping.At) || h.Status == monitor.Late
		if silent {
			watermark = earliest(received.ID, watermark)
			batch[i].Watermark = watermark // a replay of the record evaluates no further
		}
		h, change := h.WithBlackouts(blackouts(silent)).ApplyPing(received.Ping, watermark)
		states[received.ID] = h
		result.Heartbeats = append(result.Heartbeats, h.Key)
		if h.Project > 0 { // not the canary of this server
			result.counts[h.Key] = h.PingCount
		}
		transitions = append(transitions, Transition{Heartbeat: h, Change: change})
		result.NextDue = monitor.Earlier(result.NextDue, h.NextEvaluation())
	}
	return result, transitions
}

// bufferPings applies a batch to the heartbeats in memory and appends it to the
// WAL. done is false, and nothing has changed, if the batch is notable or the
// buffer is full.
func (db *DB) bufferPings(ctx context.Context, batch []ReceivedPing) (result ApplyResult, done bool, err error) {
	b := db.buffer
	if err := b.Lock(ctx); err != nil {
		return ApplyResult{}, false, err
	}
	defer b.Unlock()
	states, err := db.lookupStates(ctx, batch)
	if err != nil {
		return ApplyResult{}, false, err
	}
	result, transitions := transitionsOf(batch, states, db.ownWatermark, db.blackoutsForPings)
	if len(transitions) == 0 {
		return result, true, nil
	}
	if b.IsFull() || !bufferable(transitions) {
		return ApplyResult{}, false, nil
	}
	if err := b.Append(batch, transitions, states, result.NextDue); err != nil {
		return ApplyResult{}, false, err
	}
	db.breaker.Load().RecordProgress()
	db.recordCommit()
	return result, true, nil
}

// flushAndApply saves all pending pings and a batch in one transaction. The batch
// is applied again: another batch can have been stored since it was found notable.
func (db *DB) flushAndApply(ctx context.Context, batch []ReceivedPing) (result ApplyResult, err error) {
	err = db.flushThen(ctx, func(tx *Tx) error {
		result, err = tx.applyPings(batch, (*Tx).HeartbeatsForPings)
		return err
	})
	return result, err
}

// lookupStates returns the heartbeats of a batch from memory, or from the tables,
// which are right for heartbeats without pending pings. The caller holds the lock
// of the buffer.
func (db *DB) lookupStates(ctx context.Context, batch []ReceivedPing) (map[string]monitor.Heartbeat, error) {
	states := make(map[string]monitor.Heartbeat, len(batch))
	var unread []ReceivedPing
	for _, received := range batch {
		if h, found := db.buffer.State(received.ID); found {
			states[received.ID] = h
		} else {
			unread = append(unread, received)
		}
	}
	if len(unread) == 0 {
		return states, nil
	}
	err := db.viewTables(ctx, func(tx *Tx) error {
		read, err := tx.HeartbeatsForPings(uniqueIDs(unread))
		for id, h := range read {
			states[id] = h
		}
		return err
	})
	return states, err
}

// bufferable reports whether transitions can wait in the buffer: they cause no
// notification and are small.
func bufferable(transitions []Transition) bool {
	bytes := 0
	for _, t := range transitions {
		if bytes += len(t.Change.Ping.Body); t.Change.Notable() || bytes > maxBatchBodyBytes {
			return false
		}
	}
	return true
}

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

// prunePings deletes the oldest pings of a history that is too long.
func (tx *Tx) prunePings(heartbeat, newest int64) error {
	above, upto := tx.db.prunedPings(newest)
	if upto == 0 {
		return nil
	}
	if _, err := tx.exec(`DELETE FROM pings WHERE heartbeat = $1 AND n <= $2 AND n > $3`, heartbeat, upto, above); err != nil {
		return fmt.Errorf("prune pings: %w", err)
	}
	return nil
}

// prunedPings returns the numbers of the pings to delete from a history with the given
// newest ping: those above the first, up to the second, or none if it is 0. There are some
// for every hundredth ping, so that a busy heartbeat does not wait for the next cleanup. A
// longer rest, after a change of the settings, is left to the cleanup.
func (db *DB) prunedPings(newest int64) (above, upto int64) {
	keep := int64(db.retention.PingsPerHeartbeat)
	if keep == 0 || newest <= keep || newest%pruneEvery != 0 {
		return 0, 0
	}
	return newest - keep - 3*pruneEvery, newest - keep
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
