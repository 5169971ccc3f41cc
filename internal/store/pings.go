package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/pingblock"
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
		if err == nil && len(result.Heartbeats) > 0 {
			db.recordCommit()
		}
		if err == nil && len(result.Heartbeats) > 0 && db.postgres != nil {
			db.lastTestPing.Store(time.Now().UnixNano())
			db.postgres.Acknowledged.Record(result.counts)
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
	peers := peerWatermark{tx: tx, now: now}
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
	tx     *Tx
	now    time.Time
	loaded bool
	peers  Peers
	err    error
}

// earliest returns own, the watermark of this node, or that of the other nodes if
// it is earlier.
func (w *peerWatermark) earliest(id string, own time.Time) time.Time {
	if !w.loaded {
		w.loaded = true
		w.peers, w.err = w.tx.Peers(w.now)
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

// pingColumns are in the order of scanPing.
const pingColumns = `n, kind, at, run_time, exit_code, run_id, method, source, user_agent, body_size, flags`

// scanPing reads pingColumns from the table pings, which servers of earlier versions
// wrote.
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

// Columns of blocks, in the order of scanBlock. Bodies are read only if they are needed.
const (
	blockColumns         = `heartbeat, count, first, earliest, duration, body_bytes, format, pings, NULL`
	blockColumnsWithBody = `heartbeat, count, first, earliest, duration, body_bytes, format, pings, bodies`
)

// scanBlock reads blockColumns.
func scanBlock(row scanner) (b pingblock.Block, err error) {
	err = row.Scan(&b.Heartbeat, &b.Count, &b.First, &b.Earliest, &b.Latest, &b.BodyBytes, &b.Format, &b.Pings, &b.Bodies)
	b.Latest += b.Earliest
	return b, err
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
	if l.Before == 0 {
		l.Before = math.MaxInt64
	}
	rows, err := tx.pingRows(l)
	if err != nil {
		return nil, fmt.Errorf("log of pings: %w", err)
	}
	blocks, err := tx.pingsOfBlocks(l)
	if err != nil {
		return nil, fmt.Errorf("log of pings: %w", err)
	}
	all := pingblock.MergeNewest(rows, blocks)
	return all[:min(len(all), l.Limit)], nil
}

// Pings lists up to limit pings of a heartbeat, newest first, older than the one with
// number before (0: all). It does not read bodies.
func (tx *Tx) Pings(heartbeat, before int64, limit int) ([]monitor.Ping, error) {
	return tx.PingLog(PingLogFilter{Heartbeat: heartbeat, Before: before, Limit: limit})
}

// period returns the times of the filter in microseconds.
func (l PingLogFilter) period() (since, until int64) {
	since, until = math.MinInt64, math.MaxInt64
	if !l.Since.IsZero() {
		since = l.Since.UnixMicro()
	}
	if !l.Until.IsZero() {
		until = l.Until.UnixMicro()
	}
	return since, until
}

// pingRows is PingLog of the table pings.
func (tx *Tx) pingRows(l PingLogFilter) ([]monitor.Ping, error) {
	since, until := l.period()
	return queryAll(tx, func(row scanner) (monitor.Ping, error) {
		var body []byte
		p, err := scanPing(scanPlusLast{row, &body})
		p.Body = body
		return p, err
	}, `SELECT `+pingColumns+`, CASE WHEN $5 > 0 THEN substr(body, 1, $5) END FROM pings
		WHERE heartbeat = $1 AND n < $2 AND ($3 = '' OR kind = $3) AND at >= $6 AND at < $7 ORDER BY n DESC LIMIT $4`,
		l.Heartbeat, l.Before, string(l.Kind), l.Limit, l.BodyBytes, since, until)
}

// blocksPerQuery is the maximum number of blocks that one query reads.
const blocksPerQuery = 200

// errEnough ends a query whose other rows are not needed.
var errEnough = errors.New("enough")

// pingsOfBlocks is PingLog of the table ping_blocks. It leaves out what it cannot read,
// which overdue check reports.
func (tx *Tx) pingsOfBlocks(l PingLogFilter) (found []monitor.Ping, err error) {
	since, until := l.period()
	filter := pingblock.Filter{Kind: l.Kind, Before: l.Before, Since: l.Since.Truncate(time.Microsecond), Until: l.Until.Truncate(time.Microsecond)}
	columns := blockColumns
	if l.BodyBytes > 0 {
		columns = blockColumnsWithBody
	}
	before, atOnce := l.Before, min(l.Limit, blocksPerQuery)
	for {
		blocks, err := queryAll(tx, func(row scanner) (b pingblock.Block, err error) {
			if len(found) >= l.Limit {
				return b, errEnough
			}
			if b, err = scanBlock(row); err != nil {
				return b, err
			}
			before = b.First
			pings, _ := b.Decode()
			for i := len(pings) - 1; i >= 0; i-- {
				if p := &pings[i]; filter.Matches(p) {
					p.Body = p.Body[:min(len(p.Body), l.BodyBytes)]
					found = append(found, *p)
				}
			}
			return b, nil
		}, `SELECT `+columns+` FROM ping_blocks WHERE heartbeat = $1 AND first < $2
			AND earliest + duration >= $3 AND earliest < $4 ORDER BY first DESC LIMIT $5`, l.Heartbeat, before, since, until, atOnce)
		if errors.Is(err, errEnough) {
			return found, nil
		}
		if err != nil || len(blocks) < atOnce || len(found) >= l.Limit {
			return found, err
		}
	}
}

// Ping returns one ping with its body.
func (tx *Tx) Ping(heartbeat, n int64) (monitor.Ping, error) {
	l := PingLogFilter{Heartbeat: heartbeat, Before: n + 1, Limit: 1, BodyBytes: math.MaxInt32}
	for _, read := range []func(PingLogFilter) ([]monitor.Ping, error){tx.pingsOfBlocks, tx.pingRows} {
		found, err := read(l)
		if err != nil {
			return monitor.Ping{}, err
		}
		if len(found) > 0 && found[0].Number == n {
			return found[0], nil
		}
	}
	return monitor.Ping{}, notFound("ping", tx.db.retention.PingsText())
}
