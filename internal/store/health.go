package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store/circuit"
	"overdue/internal/store/consistency"
)

// WatchAvailability starts to watch whether the database answers. It calls onChange
// with the cause when the database stops answering, and with nil when it answers
// again. onChange must return at once. Without it, as in commands, operations have
// no limit. It returns a function that stops watching.
func (db *DB) WatchAvailability(onChange func(cause error)) (stop func()) {
	o := circuit.Options{Probe: db.probe, Disconnect: func() {}, Reconnect: func() {}, OnChange: onChange}
	if db.postgres != nil {
		o.Disconnect, o.Reconnect = db.postgres.Disconnect, db.postgres.Reconnect
	}
	db.breaker.Store(circuit.Start(o))
	return db.stopWatching
}

// stopWatching ends WatchAvailability.
func (db *DB) stopWatching() {
	if b := db.breaker.Swap(nil); b != nil {
		b.Stop()
	}
}

// Unavailable returns why the database does not answer, or nil if it does, and a
// channel that is closed when it stops answering.
func (db *DB) Unavailable() (opened <-chan struct{}, cause error) {
	return db.breaker.Load().Unavailable()
}

// Loss is the number of acknowledged pings that the database no longer has.
type Loss struct{ Pings, Heartbeats int64 }

// TakeLoss returns what the database lost while it was unavailable, as far as this
// node remembers, and forgets it. A standby that took over can lack the
// last commits.
func (db *DB) TakeLoss() Loss {
	if l := db.loss.Swap(nil); l != nil {
		return *l
	}
	return Loss{}
}

// probe stores a test ping. After an outage, it also looks for lost pings, before any
// other is stored.
func (db *DB) probe(ctx context.Context) error {
	if err := db.storeTestPing(ctx); err != nil || db.postgres == nil {
		return err
	}
	if _, down := db.Unavailable(); down == nil {
		return nil
	}
	return db.findLoss(ctx)
}

// findLoss compares the acknowledged pings with the database.
func (db *DB) findLoss(ctx context.Context) error {
	acknowledged := db.postgres.Acknowledged.All()
	if len(acknowledged) == 0 {
		return nil
	}
	type count struct{ key, pings int64 }
	var stored []count
	err := db.runTx(ctx, db.postgres.Prober, &sql.TxOptions{ReadOnly: true}, func(tx *Tx) (err error) {
		stored, err = queryAll(tx, func(row scanner) (c count, err error) { return c, row.Scan(&c.key, &c.pings) },
			`SELECT key, pings FROM heartbeats WHERE `+tx.d.InList("key", "$1"), tx.d.IntList(slices.Collect(maps.Keys(acknowledged))))
		return err
	})
	if err != nil {
		return fmt.Errorf("look for lost pings: %w", err)
	}
	found := make(map[int64]int64, len(stored))
	for _, c := range stored {
		found[c.key] = c.pings
	}
	var loss Loss
	for key, n := range acknowledged {
		if missing := n - found[key]; missing > 0 {
			loss.Pings += missing
			loss.Heartbeats++
		}
	}
	if loss.Pings > 0 {
		db.loss.Store(&loss)
		db.postgres.Acknowledged.Forget() // each loss is reported once
	}
	return nil
}

// Patience returns how long nothing may be committed before operations fail.
func (db *DB) Patience() time.Duration { return db.breaker.Load().Patience() }

// The intervals of test pings. On PostgreSQL, there are none while real pings are stored.
const (
	testPingInterval       = 15 * time.Second
	sqliteTestPingInterval = 2500 * time.Millisecond
)

// StoreTestPing stores a test ping and removes it. An error means that no ping can
// be stored, before a real one fails.
func (db *DB) StoreTestPing(ctx context.Context) error {
	interval := testPingInterval
	if db.postgres == nil {
		interval = sqliteTestPingInterval
	}
	if time.Since(time.Unix(0, db.lastTestPing.Load())) < interval {
		return nil
	}
	return db.breaker.Load().Guard(ctx, db.storeTestPing)
}

// storeTestPing is StoreTestPing without a cached result.
func (db *DB) storeTestPing(ctx context.Context) error {
	switch {
	case db.postgres != nil:
		return db.testTables(ctx)
	case db.buffer != nil:
		return db.testWAL(ctx)
	}
	return nil // a file without a server gets no pings
}

// testRecord is a batch without pings, as long as one with many.
var testRecord = []byte("[" + strings.Repeat(" ", 16<<10) + "]")

// testWAL appends a batch without pings.
func (db *DB) testWAL(ctx context.Context) error {
	if err := db.buffer.Lock(ctx); err != nil {
		return err
	}
	defer db.buffer.Unlock()
	err := db.buffer.AppendTest(testRecord)
	if err == nil {
		db.lastTestPing.Store(time.Now().UnixNano())
		db.recordCommit()
	}
	return err
}

// testTables adds a heartbeat, stores a ping of it and deletes both, in one
// transaction that is committed and synced: a rolled-back savepoint would not show
// errors of a commit. It uses a separate connection, so that it waits for no other
// statement.
func (db *DB) testTables(ctx context.Context) error {
	err := db.runTx(ctx, db.postgres.Prober, nil, func(tx *Tx) error {
		project, found, err := queryOne(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) }, `SELECT key FROM projects WHERE key > 0 ORDER BY key LIMIT 1`)
		if err != nil || !found {
			return err
		}
		return tx.testPing(project)
	})
	if err != nil {
		return fmt.Errorf("test ping: %w", err)
	}
	db.lastTestPing.Store(time.Now().UnixNano())
	db.recordCommit()
	return nil
}

// testPing stores a ping of a temporary heartbeat and deletes both. The key is
// negative, so no real heartbeat has it, and random: nodes that test at the same
// time must not wait for each other.
func (tx *Tx) testPing(project int64) error {
	now, id := tx.db.Now().Truncate(monitor.Precision), uuid.NewString()
	h := monitor.Heartbeat{
		Key: -1 - rand.Int64N(1<<31-1), ID: id, Ref: id, Project: project, Name: "test ping", Slug: id, Status: monitor.New,
		Rule: monitor.Rule{Interval: time.Hour, Grace: time.Hour, Methods: monitor.AnyMethod}, Created: now, Updated: now,
	}
	if err := tx.insertHeartbeat(h); err != nil {
		return err
	}
	result, err := tx.applyPings([]ReceivedPing{{ID: id, Watermark: now, Ping: monitor.Ping{
		Kind: monitor.PingSuccess, At: now, ExitCode: monitor.NoExitCode, Method: "POST", Source: "test", UserAgent: "test", Body: []byte("test"), BodySize: 4,
	}}}, (*Tx).HeartbeatsForPings)
	if err != nil {
		return err
	}
	if result.Unknown[id] {
		return fmt.Errorf("heartbeat %s: not found in the transaction that added it", id)
	}
	for _, statement := range []string{
		`DELETE FROM ping_blocks WHERE heartbeat = $1`, `DELETE FROM slots WHERE heartbeat = $1`, `DELETE FROM heartbeats WHERE key = $1`,
	} {
		if _, err := tx.exec(statement, h.Key); err != nil {
			return fmt.Errorf("delete the test ping: %w", err)
		}
	}
	tx.changes.declareHeartbeat(h.Project, h.Key)
	return nil
}

// Problem is something wrong in the database.
type Problem = consistency.Problem

// rule finds and repairs one kind of problem.
type rule struct {
	consistency.Rule
	count func(tx *Tx) (int64, error)
	fix   func(tx *Tx, now time.Time) error // nil: not repairable
	where func(tx *Tx) (string, error)      // names the rows; nil: not needed
}

// rules returns all rules, in the order in which they are repaired.
func rules() []rule {
	all := make([]rule, 0, len(consistency.Rules)+5)
	for _, r := range consistency.Rules {
		all = append(all, rule{
			Rule: r,
			count: func(tx *Tx) (int64, error) {
				n, _, err := queryOne(tx, scanInt, r.Count)
				return int64(n), err
			},
			fix: func(tx *Tx, _ time.Time) error {
				for _, text := range r.Fix {
					if _, err := tx.exec(text); err != nil {
						return err
					}
				}
				return nil
			},
		})
	}
	return append(append(all, blockRules()...),
		rule{
			consistency.Rule{Name: "open_without_down", Problem: "open incidents whose heartbeat is not Down", Repair: "resolved"},
			func(tx *Tx) (int64, error) { return countRows(tx.openWithoutDown()) }, (*Tx).resolveOpenWithoutDown, nil,
		},
		rule{
			consistency.Rule{Name: "down_without_incident", Problem: "heartbeats that are Down without an open incident", Repair: "given a new incident, with alerts"},
			func(tx *Tx) (int64, error) { return countRows(tx.downWithoutIncident()) }, (*Tx).openForDown, nil,
		},
		rule{
			consistency.Rule{Name: "evaluated_too_late", Problem: "heartbeats that would be evaluated too late or never", Repair: "scheduled again"},
			func(tx *Tx) (int64, error) { return countRows(tx.evaluatedTooLate()) }, (*Tx).rescheduleEvaluations, nil,
		},
	)
}

// countRows returns the number of rows of a query.
func countRows[T any](list []T, err error) (int64, error) { return int64(len(list)), err }

// openWithoutDown returns the open incidents whose heartbeat is not Down or deleted.
func (tx *Tx) openWithoutDown() ([]monitor.Incident, error) {
	return queryAll(tx, scanIncident, `SELECT `+incidentColumns+` FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
		WHERE i.resolved IS NULL AND (h.status <> 'down' OR h.deleted IS NOT NULL) ORDER BY i.heartbeat`)
}

// resolveOpenWithoutDown resolves them: the state of the heartbeat decides, because it
// changes with every ping.
func (tx *Tx) resolveOpenWithoutDown(now time.Time) error {
	incidents, err := tx.openWithoutDown()
	if err != nil {
		return err
	}
	var transitions []Transition
	for _, i := range incidents {
		h, err := tx.HeartbeatByKey(i.Heartbeat)
		if err != nil {
			return err
		}
		h.OpenIncident = ""
		resolution := monitor.Resolution{Reason: monitor.ResolvedByRepair, At: laterTime(now, i.OpenedAt), Incident: i.ID}
		transitions = append(transitions, Transition{Heartbeat: h, Change: monitor.Change{Resolved: &resolution}})
	}
	_, err = tx.Save(now, transitions)
	return err
}

// downWithoutIncident returns the heartbeats that are Down without an open incident.
func (tx *Tx) downWithoutIncident() ([]monitor.Heartbeat, error) {
	return queryAll(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h WHERE h.status = 'down' AND h.deleted IS NULL
		AND NOT EXISTS (SELECT 1 FROM incidents i WHERE i.heartbeat = h.key AND i.resolved IS NULL) ORDER BY h.key`)
}

// openForDown opens an incident for each of them: otherwise no one would be notified.
func (tx *Tx) openForDown(now time.Time) error {
	heartbeats, err := tx.downWithoutIncident()
	if err != nil {
		return err
	}
	var transitions []Transition
	for _, h := range heartbeats {
		if h.OpenIncident = ""; h.DownCause == "" {
			h.DownCause = monitor.CauseMissed
		}
		opening := monitor.Opening{
			Cause: h.DownCause, At: now, LastPing: h.LastPing,
			Reason: "The heartbeat was Down without an open incident. A repair of the database opened this one.",
		}
		transitions = append(transitions, Transition{Heartbeat: h, Change: monitor.Change{Opened: &opening}})
	}
	_, err = tx.Save(now, transitions)
	return err
}

// evaluatedTooLate returns the heartbeats whose stored time of the next evaluation is
// later than their state says, or missing. An earlier time does no harm.
func (tx *Tx) evaluatedTooLate() ([]monitor.Heartbeat, error) {
	const atOnce = 1000
	var late []monitor.Heartbeat
	for after := int64(0); ; {
		read := 0
		page, err := queryAll(tx, func(row scanner) (monitor.Heartbeat, error) {
			var next sql.NullInt64
			h, err := tx.scanHeartbeat(scanPlusLast{row, &next})
			read, after = read+1, h.Key
			if want := h.EvaluationDue(); want.IsZero() || next.Valid && next.Int64 <= want.UnixMicro() {
				h.Key = 0
			}
			return h, err
		}, `SELECT `+heartbeatColumns+`, h.next_at FROM heartbeats h WHERE h.key > $1 AND h.deleted IS NULL ORDER BY h.key LIMIT $2`, after, atOnce)
		if err != nil {
			return nil, err
		}
		late = append(late, slices.DeleteFunc(page, func(h monitor.Heartbeat) bool { return h.Key == 0 })...)
		if read < atOnce {
			return late, nil
		}
	}
}

// rescheduleEvaluations stores the time of the next evaluation again.
func (tx *Tx) rescheduleEvaluations(now time.Time) error {
	heartbeats, err := tx.evaluatedTooLate()
	if err != nil {
		return err
	}
	transitions := make([]Transition, 0, len(heartbeats))
	for _, h := range heartbeats {
		transitions = append(transitions, Transition{Heartbeat: h})
	}
	_, err = tx.Save(now, transitions)
	return err
}
