package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store/sqlite"
	"overdue/internal/store/writebehind"
	"overdue/internal/wal"
)

// closeTimeout is the maximum duration of the last flush of a server.
const closeTimeout = 10 * time.Second

// startBuffer saves to the tables what a server that died had only in its WAL, and
// starts a write-behind buffer.
func (db *DB) startBuffer(ctx context.Context) error {
	if db.path == "" {
		return nil // PostgreSQL has none
	}
	var owner sqlite.Owner
	err := db.Update(ctx, func(tx *Tx) (err error) {
		owner, err = tx.walOwner(uuid.New())
		return err
	})
	if err != nil {
		return fmt.Errorf("owner of the WAL: %w", err)
	}
	path := sqlite.WALPath(db.path)
	log, records, err := wal.Open(path, owner)
	if errors.Is(err, wal.ErrForeignOwner) {
		return sqlite.ForeignFilesError(db.path)
	}
	if err != nil {
		return err
	}
	if err := db.Update(ctx, func(tx *Tx) error { return tx.recoverPings(records) }); err != nil {
		return fmt.Errorf("recover the WAL: %w", errors.Join(err, log.Close()))
	}
	if err := log.Remove(); err != nil {
		return err
	}
	if owner, err = db.renewWALOwner(ctx, owner); err != nil {
		return fmt.Errorf("owner of the WAL: %w", err)
	}
	if log, _, err = wal.Open(path, owner); err != nil {
		return err
	}
	if err := db.trackFiles(); err != nil {
		return errors.Join(err, log.Close())
	}
	log.Confirm = db.files.VerifyInPlace
	db.buffer = writebehind.New(log, db.limits.buffer)
	db.flusher = &flusher{stop: make(chan struct{}), stopped: make(chan struct{})}
	go db.flushInBackground()
	return nil
}

// trackFiles records the identity of the files of a server.
func (db *DB) trackFiles() error {
	info, err := db.serverLock.Stat()
	if err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	return db.files.Track(db.path, info)
}

// renewWALOwner gives the database a new owner id for this run and returns the id
// in effect: an older copy of the file then does not match the files that this run
// leaves next to it if it is killed. There is no WAL meanwhile.
//
// The id counts only in the file itself, not in SQLite's log, which could be that
// of another file. Another process that reads can prevent that; then the old id stays.
func (db *DB) renewWALOwner(ctx context.Context, old sqlite.Owner) (sqlite.Owner, error) {
	fresh := sqlite.Owner(uuid.New())
	if err := db.setWALOwner(ctx, fresh); err != nil {
		return fresh, err
	}
	var busy, size, done int
	if err := db.writer.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &size, &done); err != nil {
		return fresh, db.dialect.Classify(err)
	}
	if busy == 0 {
		return fresh, nil
	}
	return old, db.setWALOwner(ctx, old)
}

// setWALOwner stores the owner id of the WAL.
func (db *DB) setWALOwner(ctx context.Context, owner sqlite.Owner) error {
	return db.Update(ctx, func(tx *Tx) error { return tx.SetSetting(sqlite.OwnerSetting, hex.EncodeToString(owner[:])) })
}

// walOwner returns the owner id of the WAL. It stores the given one if there is none.
func (tx *Tx) walOwner(fresh sqlite.Owner) (owner sqlite.Owner, err error) {
	text, err := tx.EnsureSetting(sqlite.OwnerSetting, hex.EncodeToString(fresh[:]))
	if err != nil {
		return owner, err
	}
	return sqlite.ParseOwner(text)
}

// recoverPings applies the pings of the WAL, and of the table that a backup has
// instead of one. It skips pings that are already in the tables.
func (tx *Tx) recoverPings(records [][]byte) error {
	rows, err := queryAll(tx, func(row scanner) (s string, err error) { return s, row.Scan(&s) }, `SELECT pings FROM journal ORDER BY n`)
	if err != nil {
		return err
	}
	for i, row := range rows {
		records = slices.Insert(records, i, []byte(row))
	}
	if err := tx.refreshWatching(); err != nil {
		return err
	}
	for _, record := range records {
		batch, err := writebehind.DecodeBatch(record)
		if err != nil {
			return err
		}
		states, err := tx.HeartbeatsForPings(uniqueIDs(batch))
		if err != nil {
			return err
		}
		batch = slices.DeleteFunc(batch, func(p ReceivedPing) bool { return p.Ping.Number <= states[p.ID].PingCount })
		_, transitions := transitionsOf(batch, states, recordedWatermark, func(bool) []monitor.Blackout { return tx.db.watching.list() })
		if err := tx.saveBuffered(transitions); err != nil {
			return err
		}
	}
	_, err = tx.exec(`DELETE FROM journal`)
	return err
}

// recordedWatermark is the argument of transitionsOf for a record of the WAL, which
// contains the watermark.
func recordedWatermark(_ string, own time.Time) time.Time { return own }

// closeBuffer flushes everything and deletes the WAL. If that fails, the WAL stays
// for the next server.
func (db *DB) closeBuffer() error {
	select {
	case <-db.flusher.stop:
		return nil // already closed
	default:
	}
	close(db.flusher.stop)
	<-db.flusher.stopped
	if err := db.files.UntrackSideFiles(); err != nil {
		return errors.Join(err, db.buffer.Close(false))
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := db.flush(ctx); err != nil {
		return errors.Join(err, db.buffer.Close(false))
	}
	return db.buffer.Close(true)
}
