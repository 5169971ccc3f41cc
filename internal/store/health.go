package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store/circuit"
)

// WatchAvailability starts to watch whether the database answers. It calls onChange
// with the cause when the database stops answering, and with nil when it answers
// again. onChange must return at once. Without it, as in commands, operations have
// no limit. It returns a function that stops watching.
func (db *DB) WatchAvailability(onChange func(cause error)) (stop func()) {
	o := circuit.Options{Probe: db.storeTestPing, Disconnect: func() {}, Reconnect: func() {}, OnChange: onChange}
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

// testPingInterval is the interval of test pings on PostgreSQL while no real ping
// is stored.
const testPingInterval = 15 * time.Second

// StoreTestPing stores a test ping and removes it. An error means that no ping can
// be stored, before a real one fails.
func (db *DB) StoreTestPing(ctx context.Context) error {
	if db.postgres != nil && time.Since(time.Unix(0, db.lastTestPing.Load())) < testPingInterval {
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
	return db.buffer.AppendTest(testRecord)
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
	return nil
}

// testPing stores a ping of a temporary heartbeat and deletes both. The key is
// negative, so no real heartbeat has it, and random: nodes that test at the same
// time must not wait for each other.
func (tx *Tx) testPing(project int64) error {
	now, id := time.Now().UTC().Truncate(monitor.Precision), uuid.NewString()
	h := monitor.Heartbeat{
		Key: -1 - rand.Int64N(1<<31-1), ID: id, Ref: id, Project: project, Name: "test ping", Slug: id, Status: monitor.New,
		Rule: monitor.Rule{Interval: time.Hour, Grace: time.Hour, Methods: monitor.AnyMethod}, Created: now, Updated: now,
	}
	if err := tx.insertHeartbeat(h); err != nil {
		return err
	}
	result, err := tx.applyPings([]ReceivedPing{{ID: id, Watermark: now, Ping: monitor.Ping{
		Kind: monitor.PingSuccess, At: now, ExitCode: monitor.NoExitCode, Method: "POST", Source: "test", UserAgent: "test", Body: []byte("test"), BodySize: 4,
	}}})
	if err != nil {
		return err
	}
	if result.Unknown[id] {
		return fmt.Errorf("heartbeat %s: not found in the transaction that added it", id)
	}
	for _, statement := range []string{
		`DELETE FROM pings WHERE heartbeat = $1`, `DELETE FROM slots WHERE heartbeat = $1`, `DELETE FROM heartbeats WHERE key = $1`,
	} {
		if _, err := tx.exec(statement, h.Key); err != nil {
			return fmt.Errorf("delete the test ping: %w", err)
		}
	}
	return nil
}

// CheckIntegrity looks for damage: in the file (SQLite), and in the relations
// between rows.
func (db *DB) CheckIntegrity(ctx context.Context) error {
	return db.View(ctx, func(tx *Tx) error {
		if db.path != "" {
			if err := tx.checkFileIntegrity(); err != nil {
				return err
			}
		}
		for _, check := range []struct{ problem, query string }{
			{"heartbeats that are down without an open incident", `SELECT COUNT(*) FROM heartbeats h WHERE h.status = 'down' AND h.deleted IS NULL
				AND NOT EXISTS (SELECT 1 FROM incidents i WHERE i.id = h.incident AND i.resolved IS NULL)`},
			{"open incidents whose heartbeat is not down", `SELECT COUNT(*) FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
				WHERE i.resolved IS NULL AND (h.status <> 'down' OR h.incident <> i.id)`},
			{"heartbeats that are up or late and never evaluated again", `SELECT COUNT(*) FROM heartbeats WHERE status IN ('up', 'late') AND next_at IS NULL
				AND runs IS NULL AND deleted IS NULL`},
		} {
			n, _, err := queryOne(tx, func(row scanner) (n int64, err error) { return n, row.Scan(&n) }, check.query)
			if err != nil {
				return err
			}
			if n > 0 {
				return fmt.Errorf("%d %s", n, check.problem)
			}
		}
		return nil
	})
}

// checkFileIntegrity returns an error if SQLite finds damage in its file.
func (tx *Tx) checkFileIntegrity() error {
	result, _, err := queryOne(tx, func(row scanner) (s string, err error) { return s, row.Scan(&s) }, `PRAGMA integrity_check(1)`)
	if err != nil {
		return err
	}
	if result != "ok" {
		return fmt.Errorf("the file is damaged: %s; restore a backup", result)
	}
	return nil
}
