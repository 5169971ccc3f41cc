package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
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
	Unknown    map[string]bool  // ids that no heartbeat has
	Locked     map[string]bool  // ids whose pings were not stored, see ApplyUnlockedPings
	Failed     map[string]error // ids whose pings were not stored, while others were
	Rest       map[string]bool  // ids whose pings were not stored, see ApplyQuietPings
	NewAlerts  int              // number of alerts that became pending
	Heartbeats []int64          // keys of the heartbeats that got a ping
	Turned     []int64          // keys of those whose status a ping changed
	NextDue    time.Time        // first time that one of these heartbeats is due for evaluation
	counts     map[int64]int64  // PostgreSQL: number of pings of each of these heartbeats
}

// ApplyPings applies a batch of pings to their heartbeats, in the given order, and
// returns when the result is on disk. It waits for heartbeats that another transaction
// has locked.
func (db *DB) ApplyPings(ctx context.Context, batch []ReceivedPing) (ApplyResult, error) {
	if db.buffer != nil {
		return db.applyBuffered(ctx, batch, true)
	}
	return db.applyToTables(ctx, batch, (*Tx).HeartbeatsForPings)
}

// ApplyUnlockedPings is ApplyPings, but it does not wait for heartbeats that another
// transaction has locked: it stores none of their pings and returns their ids in Locked.
func (db *DB) ApplyUnlockedPings(ctx context.Context, batch []ReceivedPing) (ApplyResult, error) {
	if db.buffer != nil {
		return db.applyBuffered(ctx, batch, false)
	}
	var locked map[string]bool
	result, err := db.applyToTables(ctx, batch, func(tx *Tx, ids []string) (states map[string]monitor.Heartbeat, err error) {
		states, locked, err = tx.unlockedHeartbeats(ids)
		return states, err
	})
	for id := range locked {
		delete(result.Unknown, id)
	}
	result.Locked = locked
	return result, err
}

// applyToTables is ApplyPings without a write-behind buffer. lock is the query for the
// heartbeats of a batch.
func (db *DB) applyToTables(ctx context.Context, batch []ReceivedPing, lock lockFunc) (ApplyResult, error) {
	var result ApplyResult
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

// applyBuffered is ApplyPings with a write-behind buffer: pings that are notable go to
// the tables, all others to the WAL. With wait, it waits for held heartbeats.
func (db *DB) applyBuffered(ctx context.Context, batch []ReceivedPing, wait bool) (result ApplyResult, err error) {
	err = db.breaker.Load().Guard(ctx, func(ctx context.Context) error {
		var notable []ReceivedPing
		for {
			if result, notable, err = db.bufferPings(ctx, batch, wait); err != nil {
				return err
			}
			if !wait || len(result.Locked) == 0 {
				break
			}
			if err := db.buffer.WaitReleased(ctx, result.Locked); err != nil {
				return err
			}
		}
		if len(notable) > 0 {
			db.applyNotable(ctx, notable, &result)
		}
		if len(notable) == len(batch) && len(result.Heartbeats) == 0 {
			for _, err := range result.Failed { // nothing is stored
				return err
			}
		}
		return nil
	})
	return result, err
}

// applyNotable applies the pings of a batch that go to the tables at once. Pings of the
// same batch are stored already, so an error is that of each of these heartbeats. If an
// available database rejects them, each heartbeat is saved separately: one is the cause.
func (db *DB) applyNotable(ctx context.Context, batch []ReceivedPing, result *ApplyResult) {
	var r ApplyResult
	err := db.update(ctx, true, func(tx *Tx) (err error) {
		r, err = tx.applyPings(batch, (*Tx).HeartbeatsForPings)
		return err
	})
	ids := uniqueIDs(batch)
	switch {
	case err == nil:
		result.merge(r)
		db.recordCommit()
	case len(ids) == 1 || errors.Is(err, ErrUnavailable):
		if result.Failed == nil {
			result.Failed = map[string]error{}
		}
		for _, id := range ids {
			result.Failed[id] = err
		}
	default:
		for _, id := range ids {
			alone := slices.DeleteFunc(slices.Clone(batch), func(p ReceivedPing) bool { return p.ID != id })
			db.applyNotable(ctx, alone, result)
		}
	}
}

// merge adds the result of other heartbeats.
func (r *ApplyResult) merge(other ApplyResult) {
	maps.Copy(r.Unknown, other.Unknown)
	maps.Copy(r.counts, other.counts)
	r.NewAlerts += other.NewAlerts
	r.Heartbeats = append(r.Heartbeats, other.Heartbeats...)
	r.Turned = append(r.Turned, other.Turned...)
	r.NextDue = monitor.Earlier(r.NextDue, other.NextDue)
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
	result, transitions := transitionsOf(batch, findIn(states), peers.earliest, tx.db.blackoutsForPings)
	if peers.err != nil {
		return ApplyResult{}, peers.err
	}
	if tx.db.postgres != nil {
		result.counts = countsOf(transitions)
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

// findIn returns a function that finds heartbeats by id; it returns nil for an unknown id.
func findIn(states map[string]monitor.Heartbeat) func(id string) *monitor.Heartbeat {
	return func(id string) *monitor.Heartbeat {
		if h, found := states[id]; found {
			return &h
		}
		return nil
	}
}

// transitionsOf applies pings to their heartbeats, which find returns. If a ping
// ends a silence past its deadline, earliest returns the watermark of all nodes: a
// ping that another node has not stored yet can have been in time. blackouts then
// returns the blackouts to take into account.
func transitionsOf(batch []ReceivedPing, find func(id string) *monitor.Heartbeat, earliest func(id string, own time.Time) time.Time, blackouts func(silent bool) []monitor.Blackout) (ApplyResult, []Transition) {
	result := ApplyResult{Unknown: map[string]bool{}, Heartbeats: make([]int64, 0, len(batch))}
	transitions := make([]Transition, 0, len(batch))
	last := make(map[int64]int, len(batch)) // the last transition of each heartbeat, by key
	for i := range batch {
		received := &batch[i]
		h := find(received.ID)
		if h == nil {
			result.Unknown[received.ID] = true
			continue
		}
		if n, again := last[h.Key]; again {
			h = &transitions[n].Heartbeat
		}
		watermark := received.Watermark
		next := h.EvaluationDue()
		silent := !next.IsZero() && next.Before(received.Ping.At) || h.Status == monitor.Late
		if silent {
			watermark = earliest(received.ID, watermark)
			received.Watermark = watermark // a replay of the record evaluates no further
		}
		transitions = append(transitions, Transition{})
		t := &transitions[len(transitions)-1]
		t.Heartbeat, t.Change = h.WithBlackouts(blackouts(silent)).ApplyPing(received.Ping, watermark)
		last[t.Heartbeat.Key] = len(transitions) - 1
		result.Heartbeats = append(result.Heartbeats, t.Heartbeat.Key)
		if t.Heartbeat.Status != h.Status {
			result.Turned = append(result.Turned, h.Key)
		}
		result.NextDue = monitor.Earlier(result.NextDue, t.Heartbeat.EvaluationDue())
	}
	return result, transitions
}

// countsOf returns the number of pings of each heartbeat after transitions, without the
// canary of this server.
func countsOf(transitions []Transition) map[int64]int64 {
	counts := make(map[int64]int64, len(transitions))
	for i := range transitions {
		if h := &transitions[i].Heartbeat; h.Project > 0 {
			counts[h.Key] = h.PingCount
		}
	}
	return counts
}

// bufferPings applies a batch to the heartbeats in memory and appends it to the WAL,
// without the pings of heartbeats that a transaction holds, which are in Locked, and
// without those that are notable, which it returns. With whole, it appends nothing if a
// heartbeat is held.
func (db *DB) bufferPings(ctx context.Context, batch []ReceivedPing, whole bool) (result ApplyResult, notable []ReceivedPing, err error) {
	b := db.buffer
	if err := db.waitForRoom(ctx); err != nil {
		return result, nil, err
	}
	if err := b.Lock(ctx); err != nil {
		return result, nil, err
	}
	defer b.Unlock()
	states, held := b.Begin(batch)
	defer b.Finish()
	if whole && len(held) > 0 {
		return ApplyResult{Locked: held}, nil, nil
	}
	if len(held) > 0 {
		batch = slices.DeleteFunc(slices.Clone(batch), func(p ReceivedPing) bool { return held[p.ID] })
	}
	read, err := db.readAbsent(ctx, batch, states)
	if err != nil {
		return result, nil, err
	}
	find := func(id string) *monitor.Heartbeat { return states[id] }
	result, transitions := transitionsOf(batch, find, db.ownWatermark, db.blackoutsForPings)
	if direct := notableIDs(transitions); len(direct) > 0 {
		// Their pings are applied to the tables afterwards, so they are evaluated again.
		is := func(p ReceivedPing) bool { return direct[p.ID] }
		notable = slices.DeleteFunc(slices.Clone(batch), func(p ReceivedPing) bool { return !is(p) })
		batch = slices.DeleteFunc(slices.Clone(batch), is)
		result, transitions = transitionsOf(batch, find, db.ownWatermark, db.blackoutsForPings)
	}
	result.Locked = held
	if len(transitions) == 0 {
		return result, notable, nil
	}
	if err := b.Append(batch, transitions, read); err != nil {
		return ApplyResult{}, nil, err
	}
	if db.lists.Active() {
		db.lists.Update(listStates(transitions))
	}
	db.breaker.Load().RecordProgress()
	db.recordCommit()
	return result, notable, nil
}

// waitForRoom flushes if the buffer is full.
func (db *DB) waitForRoom(ctx context.Context) error {
	for db.buffer.IsFull() {
		if _, err := db.flushSome(ctx, true); err != nil {
			return err
		}
	}
	return nil
}

// notableIDs returns the heartbeats whose pings cannot wait in the buffer: they cause a
// notification, or are too large.
func notableIDs(transitions []Transition) map[string]bool {
	var ids map[string]bool
	bytes := 0
	for i := range transitions {
		t := &transitions[i]
		if bytes += len(t.Change.Ping.Body); t.Change.Notable() || bytes > maxBatchBodyBytes {
			if ids == nil {
				ids = map[string]bool{}
			}
			ids[t.Heartbeat.ID] = true
		}
	}
	return ids
}

// readAbsent reads the heartbeats of a batch that are not in memory, and adds them to
// states. The caller has the lock of the log, so none of them can change.
func (db *DB) readAbsent(ctx context.Context, batch []ReceivedPing, states map[string]*monitor.Heartbeat) (read map[string]*writebehind.StoredHeartbeat, err error) {
	absent := make([]string, 0, len(batch))
	for i := range batch {
		if states[batch[i].ID] == nil {
			absent = append(absent, batch[i].ID)
		}
	}
	if len(absent) == 0 {
		return nil, nil
	}
	slices.Sort(absent)
	err = db.viewTables(ctx, func(tx *Tx) error {
		read, err = tx.storedHeartbeats(slices.Compact(absent))
		return err
	})
	for id, h := range read {
		states[id] = &h.Heartbeat
	}
	return read, err
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
	pending, err := tx.pendingOfFilter(l)
	if err != nil {
		return nil, fmt.Errorf("log of pings: %w", err)
	}
	all := append(pending, pingblock.MergeNewest(rows, blocks)...)
	return all[:min(len(all), l.Limit)], nil
}

// filter returns the part of the filter that concerns single pings.
func (l PingLogFilter) filter() pingblock.Filter {
	return pingblock.Filter{Kind: l.Kind, Before: l.Before, Since: l.Since.Truncate(time.Microsecond), Until: l.Until.Truncate(time.Microsecond)}
}

// pendingPings returns the pings of a heartbeat that are not in the tables, oldest
// first.
func (tx *Tx) pendingPings(heartbeat int64) ([]writebehind.PendingPing, error) {
	if tx.reader == nil || !tx.reader.HasPings(heartbeat) {
		return nil, nil
	}
	stored, _, err := queryOne(tx, func(row scanner) (n int64, err error) { return n, row.Scan(&n) },
		`SELECT pings FROM heartbeats WHERE key = $1`, heartbeat)
	pending := tx.reader.Pings(heartbeat, stored)
	for i := range pending { // as savePings stores them
		validateTexts(&pending[i].Ping)
		pending[i].Ping.BodySize = int64(len(pending[i].Ping.Body))
	}
	return pending, err
}

// pendingOfFilter is PingLog of the pings that are not in the tables.
func (tx *Tx) pendingOfFilter(l PingLogFilter) (found []monitor.Ping, err error) {
	pending, err := tx.pendingPings(l.Heartbeat)
	filter := l.filter()
	for i := len(pending) - 1; i >= 0; i-- {
		if p := &pending[i].Ping; filter.Matches(p) {
			if p.Body = p.Body[:min(len(p.Body), l.BodyBytes)]; len(p.Body) == 0 {
				p.Body = nil // as from the tables
			}
			found = append(found, *p)
		}
	}
	return found, err
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
	filter := l.filter()
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
	for _, read := range []func(PingLogFilter) ([]monitor.Ping, error){tx.pendingOfFilter, tx.pingsOfBlocks, tx.pingRows} {
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
