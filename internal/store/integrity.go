package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// OpenExisting opens a database that must be there already, and leaves its schema as
// it is: what only looks or copies must not be what upgrades. older tells that
// a server of this version would migrate it first.
func OpenExisting(ctx context.Context, address string) (db *DB, older bool, err error) {
	if !isPostgres(address) {
		_, absent := os.Stat(address)
		_, cutOff := os.Stat(swapFile(address)) // a restore, which is finished then
		if errors.Is(absent, fs.ErrNotExist) && cutOff != nil {
			return nil, false, noDatabaseFile(address)
		}
	}
	db, err = connect(ctx, address, 0)
	if err != nil {
		return nil, false, err
	}
	older, err = db.schemaIsOlder(ctx)
	if err != nil {
		return nil, false, errors.Join(err, db.Close())
	}
	return db, older, nil
}

// noDatabaseFile tells what to do about a file that is not there.
func noDatabaseFile(address string) error {
	return fmt.Errorf("there is no %s; start the server first, which makes it, or name another with --database", DescribeAddress(address))
}

// CheckIntegrity looks for damage: in the file (SQLite), and in what must hold between
// the rows.
func (db *DB) CheckIntegrity(ctx context.Context) error {
	return db.View(ctx, func(tx *Tx) error {
		if db.path != "" {
			if err := tx.checkFileIntegrity(); err != nil {
				return err
			}
		}
		for _, must := range []struct{ never, query string }{
			{"heartbeats that are down without an open incident", `SELECT COUNT(*) FROM heartbeats h WHERE h.status = 'down' AND h.deleted IS NULL
				AND NOT EXISTS (SELECT 1 FROM incidents i WHERE i.id = h.incident AND i.resolved IS NULL)`},
			{"open incidents whose heartbeat is not down", `SELECT COUNT(*) FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
				WHERE i.resolved IS NULL AND (h.status <> 'down' OR h.incident <> i.id)`},
			{"judged heartbeats that nobody would look at again", `SELECT COUNT(*) FROM heartbeats WHERE status IN ('up', 'late') AND next_at IS NULL
				AND runs IS NULL AND deleted IS NULL`},
		} {
			n, _, err := queryOne(tx, func(row scanner) (n int64, err error) { return n, row.Scan(&n) }, must.query)
			if err != nil {
				return err
			}
			if n > 0 {
				return fmt.Errorf("%d %s", n, must.never)
			}
		}
		return nil
	})
}

// checkFileIntegrity returns an error if SQLite finds damage in its file.
func (tx *Tx) checkFileIntegrity() error {
	said, _, err := queryOne(tx, func(row scanner) (s string, err error) { return s, row.Scan(&s) }, `PRAGMA integrity_check(1)`)
	if err != nil {
		return err
	}
	if said != "ok" {
		return fmt.Errorf("the file is damaged: %s; restore a backup", said)
	}
	return nil
}

// summary returns the number of heartbeats and the time of the last ping.
func (tx *Tx) summary() (heartbeats int64, last time.Time, err error) {
	_, _, err = queryOne(tx, func(row scanner) (struct{}, error) {
		var at sql.NullInt64
		err := row.Scan(&heartbeats, &at)
		last = timeFromMicros(at)
		return struct{}{}, err
	}, `SELECT COUNT(*), MAX(h.last_ping) FROM heartbeats h WHERE h.deleted IS NULL`)
	return heartbeats, last, err
}
