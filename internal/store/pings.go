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
	Unknown    map[string]bool  // ids that no heartbeat has
	Locked     map[string]bool  // ids whose pings were not stored, see ApplyUnlockedPings
	Failed     map[string]error // ids whose pings were not stored, while others were
	NewAlerts  int              // number of alerts that became pending
	Heartbeats []int64          // keys of the heartbeats that got a ping
	NextDue    time.Time        // first time that one of these heartbeats is due for evaluation
	counts     map[int64]int64  // number of pings of each of these heartbeats
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
	if err == nil && len(result.Heartbeats) > 0 {
		db.recordCommit()
		if db.postgres != nil {
			db.lastTestPing.Store(time.Now().UnixNano())
			db.postgres.Acknowledged.Record(result.counts)
		}
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
	err := db.update(ctx, func(tx *Tx) (err error) {
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
	cached, held := b.Begin(batch)
	defer b.Finish()
	if whole && len(held) > 0 {
		return ApplyResult{Locked: held}, nil, nil
	}
	if len(held) > 0 {
		batch = slices.DeleteFunc(slices.Clone(batch), func(p ReceivedPing) bool { return held[p.ID] })
	}
	states, read, err := db.lookupStates(ctx, batch, cached)
	if err != nil {
		return result, nil, err
	}
	result, transitions := transitionsOf(batch, states, db.ownWatermark, db.blackoutsForPings)
	if direct := notableIDs(transitions); len(direct) > 0 {
		// Their pings are applied to the tables afterwards, so they are evaluated again.
		is := func(p ReceivedPing) bool { return direct[p.ID] }
		notable = slices.DeleteFunc(slices.Clone(batch), func(p ReceivedPing) bool { return !is(p) })
		batch = slices.DeleteFunc(slices.Clone(batch), is)
		if states, read, err = db.lookupStates(ctx, batch, cached); err != nil {
			return result, nil, err
		}
		result, transitions = transitionsOf(batch, states, db.ownWatermark, db.blackoutsForPings)
	}
	result.Locked = held
	if len(transitions) == 0 {
		return result, notable, nil
	}
	if err := b.Append(batch, transitions, read); err != nil {
		return ApplyResult{}, nil, err
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

// lookupStates returns the heartbeats of a batch: those in memory, and those that it
// read from the tables, which are right for all others. The caller has the lock of the
// log, so none of them can change.
func (db *DB) lookupStates(ctx context.Context, batch []ReceivedPing, cached map[string]monitor.Heartbeat) (states, read map[string]monitor.Heartbeat, err error) {
	var unread []ReceivedPing
	states = make(map[string]monitor.Heartbeat, len(batch))
	for _, received := range batch {
		if h, found := cached[received.ID]; found {
			states[received.ID] = h
		} else {
			unread = append(unread, received)
		}
	}
	if len(unread) == 0 {
		return states, nil, nil
	}
	err = db.viewTables(ctx, func(tx *Tx) error {
		read, err = tx.HeartbeatsForPings(uniqueIDs(unread))
		maps.Copy(states, read)
		return err
	})
	return states, read, err
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
	list, err := queryAll(tx, scanPing, `SELECT `+pingColumns+` FROM pings
		WHERE heartbeat = $1 AND ($2 = 0 OR n < $2) ORDER BY n DESC LIMIT $3`, heartbeat, before, limit)
	if err != nil {
		return nil, err
	}
	return tx.withPending(list, PingLogFilter{Heartbeat: heartbeat, Before: before, Limit: limit})
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
	for i := range pending { // as pingRow stores them
		p := &pending[i].Ping
		p.BodySize = int64(len(p.Body))
		p.RunID, p.Method, p.Source, p.UserAgent = validText(p.RunID), validText(p.Method), validText(p.Source), validText(p.UserAgent)
	}
	return pending, err
}

// withPending returns a page of pings, newest first, with those of the filter that are
// not in the tables in front. Their bodies are cut to the length of the filter.
func (tx *Tx) withPending(page []monitor.Ping, l PingLogFilter) ([]monitor.Ping, error) {
	pending, err := tx.pendingPings(l.Heartbeat)
	if len(pending) == 0 || err != nil {
		return page, err
	}
	var all []monitor.Ping
	for _, p := range slices.Backward(pending) {
		if l.matches(p.Ping) && len(all) < l.Limit {
			if p.Ping.Body = p.Ping.Body[:min(len(p.Ping.Body), l.BodyBytes)]; len(p.Ping.Body) == 0 {
				p.Ping.Body = nil
			}
			all = append(all, p.Ping)
		}
	}
	all = append(all, page...)
	return all[:min(len(all), l.Limit)], nil
}

// Ping returns one ping with its body.
func (tx *Tx) Ping(heartbeat, n int64) (monitor.Ping, error) {
	pending, err := tx.pendingPings(heartbeat)
	if err != nil {
		return monitor.Ping{}, err
	}
	for _, p := range pending {
		if p.Ping.Number == n {
			return p.Ping, nil
		}
	}
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
	for _, key := range heartbeats {
		pending, err := tx.pendingPings(key)
		if err != nil {
			return nil, fmt.Errorf("recent pings: %w", err)
		}
		if len(pending) > 0 {
			byKey[key] = recentOf(byKey[key], pending, int64(n))
		}
	}
	return byKey, nil
}

// recentOf adds pending pings to the recent ones of a heartbeat, see RecentPings.
func recentOf(recent []monitor.Ping, pending []writebehind.PendingPing, n int64) []monitor.Ping {
	oldest := pending[len(pending)-1].Ping.Number - n
	for _, p := range pending {
		if p.Ping.Kind == monitor.PingSuccess || p.Ping.Kind == monitor.PingFail {
			p.Ping.Body = nil
			recent = append(recent, p.Ping)
		}
	}
	recent = slices.DeleteFunc(recent, func(p monitor.Ping) bool { return p.Number <= oldest })
	slices.SortStableFunc(recent, func(a, b monitor.Ping) int { return a.At.Compare(b.At) })
	return recent
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

// matches reports whether a ping of the heartbeat is selected.
func (l PingLogFilter) matches(p monitor.Ping) bool {
	return (l.Kind == "" || p.Kind == l.Kind) && (l.Before == 0 || p.Number < l.Before) &&
		!p.At.Before(l.Since) && (l.Until.IsZero() || p.At.Before(l.Until))
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
	return tx.withPending(pings, l)
}

// CountPingsSince counts the pings of a heartbeat at or after since.
func (tx *Tx) CountPingsSince(heartbeat int64, since time.Time) (int, error) {
	n, _, err := queryOne(tx, scanInt, `SELECT COUNT(*) FROM pings WHERE heartbeat = $1 AND at >= $2`, heartbeat, since.UnixMicro())
	if err != nil {
		return 0, err
	}
	pending, err := tx.pendingPings(heartbeat)
	for _, p := range pending {
		if !p.Ping.At.Before(since) {
			n++
		}
	}
	return n, err
}
