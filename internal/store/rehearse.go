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

// rehearseEvery is the interval of test pings on PostgreSQL while no real ping is
// stored.
const rehearseEvery = 15 * time.Second

// Rehearse stores a test ping and keeps nothing of it. An error means that no ping
// can be stored, before a real one fails.
func (db *DB) Rehearse(ctx context.Context) error {
	if db.pool != nil && time.Since(time.Unix(0, db.proven.Load())) < rehearseEvery {
		return nil
	}
	return db.guarded(ctx, db.rehearse)
}

// rehearse is Rehearse without a cached result.
func (db *DB) rehearse(ctx context.Context) error {
	switch {
	case db.pool != nil:
		return db.rehearseTables(ctx)
	case db.backlog != nil:
		return db.rehearseJournal(ctx)
	}
	return nil // a file that is not served takes no pings
}

// rehearsal is a batch without pings, as long as one with many.
var rehearsal = []byte("[" + strings.Repeat(" ", 16<<10) + "]")

// rehearseJournal keeps a batch without pings.
func (db *DB) rehearseJournal(ctx context.Context) error {
	b := db.backlog
	if err := b.turn.take(ctx); err != nil {
		return err
	}
	defer b.turn.give()
	if b.count == 0 {
		b.log.Clear() // idle for years it must not grow
	}
	return b.append(rehearsal)
}

// rehearseTables adds a heartbeat, stores a ping of it and deletes both, in one
// transaction that is committed and synced: a savepoint that is rolled back would
// not show what only fails at a commit. It uses a separate connection, so that it
// waits for no other statement.
func (db *DB) rehearseTables(ctx context.Context) error {
	err := db.run(ctx, db.prober, nil, func(tx *Tx) error {
		project, found, err := one(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) }, `SELECT key FROM projects ORDER BY key LIMIT 1`)
		if err != nil || !found {
			return err
		}
		return tx.rehearsePing(project)
	})
	if err != nil {
		return fmt.Errorf("test ping: %w", err)
	}
	db.proven.Store(time.Now().UnixNano())
	return nil
}

// rehearsePing stores a ping of a temporary heartbeat and deletes both. The key is
// negative, so no real heartbeat has it, and random: nodes that rehearse at the same
// time must not wait for each other.
func (tx *Tx) rehearsePing(project int64) error {
	now, id := time.Now().UTC().Truncate(monitor.Tick), uuid.NewString()
	h := monitor.Heartbeat{
		Key: -1 - rand.Int64N(1<<31-1), ID: id, Ref: id, Project: project, Name: "test ping", Slug: id, Status: monitor.New,
		Rule: monitor.Rule{Interval: time.Hour, Grace: time.Hour, Methods: monitor.AnyMethod}, Created: now, Updated: now,
	}
	if err := tx.insertHeartbeat(h); err != nil {
		return err
	}
	heard, err := tx.hear([]Heard{{ID: id, Horizon: now, Ping: monitor.Ping{
		Kind: monitor.Success, At: now, ExitCode: monitor.NoExitCode, Method: "POST", Source: "test", UserAgent: "test", Body: []byte("test"), BodySize: 4,
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
