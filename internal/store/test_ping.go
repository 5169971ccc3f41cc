package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
)

// testPingInterval is the interval of test pings on PostgreSQL while no real ping is
// stored.
const testPingInterval = 15 * time.Second

// StoreTestPing stores a test ping and keeps nothing of it. An error means that no ping
// can be stored, before a real one fails.
func (db *DB) StoreTestPing(ctx context.Context) error {
	if db.pool != nil && time.Since(time.Unix(0, db.lastTestPing.Load())) < testPingInterval {
		return nil
	}
	return db.guard(ctx, db.storeTestPing)
}

// storeTestPing is Rehearse without a cached result.
func (db *DB) storeTestPing(ctx context.Context) error {
	switch {
	case db.pool != nil:
		return db.testTables(ctx)
	case db.buffer != nil:
		return db.testWAL(ctx)
	}
	return nil // a file that is not served takes no pings
}

// testRecord is a batch without pings, as long as one with many.
var testRecord = []byte("[" + strings.Repeat(" ", 16<<10) + "]")

// testWAL keeps a batch without pings.
func (db *DB) testWAL(ctx context.Context) error {
	b := db.buffer
	if err := b.buffer.Lock(ctx); err != nil {
		return err
	}
	defer b.buffer.Unlock()
	if b.count == 0 {
		b.log.Reset() // idle for years it must not grow
	}
	return b.appendRecord(testRecord)
}

// testTables adds a heartbeat, stores a ping of it and deletes both, in one
// transaction that is committed and synced: a savepoint that is rolled back would
// not show what only fails at a commit. It uses a separate connection, so that it
// waits for no other statement.
func (db *DB) testTables(ctx context.Context) error {
	err := db.runTx(ctx, db.prober, nil, func(tx *Tx) error {
		project, found, err := queryOne(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) }, `SELECT key FROM projects ORDER BY key LIMIT 1`)
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
// negative, so no real heartbeat has it, and random: nodes that rehearse at the same
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
	heard, err := tx.applyPings([]ReceivedPing{{ID: id, Watermark: now, Ping: monitor.Ping{
		Kind: monitor.PingSuccess, At: now, ExitCode: monitor.NoExitCode, Method: "POST", Source: "test", UserAgent: "test", Body: []byte("test"), BodySize: 4,
	}}})
	if err != nil {
		return err
	}
	if heard.Unknown[id] {
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
