package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
	"overdue/internal/store/postgres"
	"overdue/internal/store/writebehind"
)

// quietWrite is the statement of ApplyQuietPings on PostgreSQL.
var quietWrite = postgres.NewQuietWrite(&stateBatch, &blockBatch)

// maxQuietWrites is the number of times that ApplyQuietPings tries to store a ping.
const maxQuietWrites = 2

// knownHeartbeat is a heartbeat as this node read or wrote it last.
type knownHeartbeat struct {
	monitor.Heartbeat
	xmin uint32 // of its row, see postgres.Version
}

// ApplyQuietPings applies the pings of a batch that open and resolve no incident. It
// stores no pings of the other heartbeats, and returns their ids in Rest. On PostgreSQL
// it does not lock the heartbeats first: it computes the new states from the rows that
// this node knows, and one statement stores those whose row is still the same. On SQLite
// it is ApplyUnlockedPings.
func (db *DB) ApplyQuietPings(ctx context.Context, batch []ReceivedPing) (ApplyResult, error) {
	if db.postgres == nil {
		return db.ApplyUnlockedPings(ctx, batch)
	}
	q := quietBatch{db: db, now: db.Now(), result: ApplyResult{
		Unknown: map[string]bool{}, Rest: map[string]bool{}, counts: make(map[int64]int64, len(batch)),
	}}
	err := db.breaker.Load().Guard(ctx, func(ctx context.Context) error { return q.applyAll(ctx, batch) })
	if len(q.result.Heartbeats) > 0 {
		db.recordStored(q.result.counts)
	}
	return q.result, err
}

// recordStored records that pings were stored on PostgreSQL. counts is the number of
// pings of each of their heartbeats.
func (db *DB) recordStored(counts map[int64]int64) {
	db.recordCommit()
	db.lastTestPing.Store(time.Now().UnixNano())
	db.postgres.Acknowledged.Record(counts)
}

// quietBatch is one call of ApplyQuietPings.
type quietBatch struct {
	db     *DB
	now    time.Time
	result ApplyResult
}

// applyAll is ApplyQuietPings. If it fails, it has stored nothing, or the result of its commit is
// unknown. If others were stored before, such pings have Failed: to store them again could count
// them twice.
func (q *quietBatch) applyAll(ctx context.Context, batch []ReceivedPing) error {
	left := batch
	for try := 1; len(left) > 0; try++ {
		changed, err := q.apply(ctx, left)
		if err != nil && !errors.Is(err, dialect.ErrRetry) && (try == 1 || errors.Is(err, ErrUnavailable)) {
			if len(q.result.Heartbeats) == 0 {
				return err
			}
			q.result.Failed = map[string]error{}
			for _, p := range left {
				q.result.Failed[p.ID] = err
				delete(q.result.Rest, p.ID) // it was added by this try
			}
			return nil
		}
		if err == nil {
			left = changed
		}
		if err != nil || try == maxQuietWrites {
			for _, p := range left {
				q.result.Rest[p.ID] = true
			}
			return nil
		}
	}
	return nil
}

// apply tries once to store pings. It returns those of heartbeats whose row has changed
// or is locked.
func (q *quietBatch) apply(ctx context.Context, batch []ReceivedPing) (left []ReceivedPing, err error) {
	known, err := q.db.knownHeartbeats(ctx, uniqueIDs(batch))
	if err != nil {
		return nil, err
	}
	find := func(id string) *monitor.Heartbeat {
		if h := known[id]; h != nil {
			return &h.Heartbeat
		}
		return nil
	}
	peers := peerWatermark{load: func() (p Peers, err error) {
		err = q.db.viewTables(ctx, func(tx *Tx) (err error) { p, err = tx.Peers(q.now); return err })
		return p, err
	}}
	applied, transitions := transitionsOf(batch, find, peers.earliest, q.db.blackoutsForPings)
	if peers.err != nil {
		return nil, peers.err
	}
	maps.Copy(q.result.Unknown, applied.Unknown)
	for _, t := range transitions {
		if c := t.Change; c.Notable() || len(c.ClosedSpans) > 0 || len(c.BlackoutEffects) > 0 {
			q.result.Rest[t.Heartbeat.ID] = true
		}
	}
	transitions = slices.DeleteFunc(transitions, func(t Transition) bool { return q.result.Rest[t.Heartbeat.ID] })
	stored, err := q.write(ctx, known, transitions)
	if err != nil {
		return nil, err
	}
	q.record(stored, transitions)
	return slices.DeleteFunc(slices.Clone(batch), func(p ReceivedPing) bool {
		return q.result.Rest[p.ID] || q.result.Unknown[p.ID] || stored[known[p.ID].Key]
	}), nil
}

// record adds stored transitions to the result.
func (q *quietBatch) record(stored map[int64]bool, transitions []Transition) {
	for _, t := range transitions {
		h := t.Heartbeat
		if !stored[h.Key] {
			continue
		}
		q.result.Heartbeats = append(q.result.Heartbeats, h.Key)
		q.result.NextDue = monitor.Earlier(q.result.NextDue, h.EvaluationDue())
		if h.Project > 0 { // not the canary of this server
			q.result.counts[h.Key] = h.PingCount
		}
	}
}

// write stores the pings of transitions and the states after them, if the rows are still
// those in known. It returns the keys of the heartbeats for which they are.
func (q *quietBatch) write(ctx context.Context, known map[string]*knownHeartbeat, transitions []Transition) (map[int64]bool, error) {
	if len(transitions) == 0 {
		return nil, nil
	}
	after := make(map[int64]*knownHeartbeat, len(transitions))
	for _, t := range transitions {
		after[t.Heartbeat.Key] = &knownHeartbeat{Heartbeat: t.Heartbeat} // the last one counts
	}
	blocks, pruned := encodePings(transitions, int64(q.db.retention.PingsPerHeartbeat))
	pings := make([][]any, len(blocks))
	for i := range blocks {
		pings[i] = blockRow(&blocks[i])
	}
	rows := make([][]any, 0, len(after))
	for _, key := range slices.Sorted(maps.Keys(after)) { // every node locks them in the same order
		h := after[key].Heartbeat
		before := known[h.ID]
		version := postgres.Version{Xmin: before.xmin, Pings: before.PingCount, LastPing: micros(before.LastPing)}
		rows = append(rows, version.Row(keepFrom(h, q.now), stateArgs(&h)))
	}
	var changes listChanges
	changes.declared++
	end := q.db.beginListChange(&changes)
	updated, xmin, err := quietWrite.Run(ctx, q.db.postgres, rows, pings, pruned)
	stored, remember := make(map[int64]bool, len(updated)), make(map[string]*knownHeartbeat, len(updated))
	for _, key := range updated {
		stored[key] = true
	}
	changed := make([]Transition, 0, len(after)) // if it failed, any can be stored
	for key, h := range after {
		if err != nil || stored[key] {
			changed = append(changed, Transition{Heartbeat: h.Heartbeat})
		}
	}
	changes.saved = append(changes.saved, changed)
	end(err)
	if err != nil {
		return nil, fmt.Errorf("store pings: %w", q.db.dialect.Classify(err))
	}
	q.db.breaker.Load().RecordProgress()
	for _, key := range updated {
		h := after[key]
		h.xmin, remember[h.ID] = xmin, h
		delete(after, key)
	}
	for _, h := range after {
		q.db.known.Forget(h.ID)
	}
	q.db.known.Put(remember)
	return stored, nil
}

// keepFrom returns from when on the stored time of the next evaluation of a heartbeat can
// stay, in µs. The column is indexed, so a change of it costs an entry in every index of
// the table. A stored time in the second half of the wait stays if it is not later than
// the right one: a sweep then finds nothing to evaluate and stores the right one. With a
// calendar, the right one is always stored, because lists are sorted by it.
func keepFrom(h monitor.Heartbeat, now time.Time) int64 {
	due := h.EvaluationDue()
	if h.Rule.Calendar != nil || due.Before(now) {
		return due.UnixMicro()
	}
	return now.Add(due.Sub(now) / 2).UnixMicro()
}

// knownHeartbeats returns the heartbeats with the given ids as this node knows them, and
// reads those that it does not know.
func (db *DB) knownHeartbeats(ctx context.Context, ids []string) (map[string]*knownHeartbeat, error) {
	known := db.known.Lookup(ids)
	if len(known) == len(ids) {
		return known, nil
	}
	unknown := slices.DeleteFunc(ids, func(id string) bool { return known[id] != nil })
	rows, err := db.reader.QueryContext(ctx, `SELECT `+heartbeatColumns+`, h.xmin::text::bigint FROM heartbeats h
		WHERE `+db.dialect.InList("h.id", "$1")+` AND h.deleted IS NULL`, db.dialect.TextList(unknown))
	if err != nil {
		return nil, fmt.Errorf("heartbeats of the pings: %w", db.dialect.Classify(err))
	}
	defer rows.Close()
	tx := &Tx{ctx: ctx, db: db, d: db.dialect}
	for rows.Next() {
		var xmin int64
		h, err := tx.scanHeartbeat(scanPlusLast{rows, &xmin})
		if err != nil {
			return nil, err
		}
		known[h.ID] = &knownHeartbeat{h, uint32(xmin)}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("heartbeats of the pings: %w", db.dialect.Classify(err))
	}
	return known, nil
}

// storedHeartbeats returns the heartbeats with the given ids, of any project, for pings that go to
// the write-behind buffer.
func (tx *Tx) storedHeartbeats(ids []string) (map[string]*writebehind.StoredHeartbeat, error) {
	var due sql.NullInt64
	found, err := queryAll(tx, func(row scanner) (*writebehind.StoredHeartbeat, error) {
		tables, err := tx.scanTablesHeartbeat(scanPlusLast{row, &due})
		if err != nil {
			return nil, err
		}
		s := &writebehind.StoredHeartbeat{Heartbeat: tables}
		if tx.reader != nil {
			s.Heartbeat, err = tx.reader.Heartbeat(tables)
		}
		if s.PingCount == tables.PingCount {
			s.Due = due.Int64 // otherwise, a flush can replace it before the next ping is buffered
		}
		s.Heartbeat = s.WithBlackouts(tx.db.watching.list())
		return s, err
	}, storedHeartbeatsSQL(tx.d), tx.d.TextList(ids))
	if err != nil {
		return nil, fmt.Errorf("heartbeats of the pings: %w", err)
	}
	byID := make(map[string]*writebehind.StoredHeartbeat, len(found))
	for _, s := range found {
		byID[s.ID] = s
	}
	return byID, nil
}

// storedHeartbeatsSQL is the statement of storedHeartbeats. It is not ordered: SQLite would copy all
// columns to sort them.
func storedHeartbeatsSQL(d *dialect.Dialect) string {
	return `SELECT ` + heartbeatColumns + `, h.next_at FROM heartbeats h WHERE ` + d.InList("h.id", "$1") + ` AND h.deleted IS NULL`
}
