package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"overdue/internal/journal"
)

// walPath is where the journal of a database file lies.
func (db *DB) walPath() string { return db.path + "-pings" }

// walOwnerSetting names the setting that says which journal is ours.
const walOwnerSetting = "journal"

// recoverWAL puts into the tables what a server that died had only in its journal,
// and begins a backlog of our own.
func (db *DB) recoverWAL(ctx context.Context) error {
	if db.path == "" {
		return nil // PostgreSQL has none
	}
	var owner [16]byte
	err := db.Update(ctx, func(tx *Tx) (err error) {
		owner, err = tx.walOwner(uuid.New())
		return err
	})
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	log, records, err := journal.Open(db.walPath(), owner)
	if errors.Is(err, journal.ErrForeignOwner) {
		return foreignFiles(db.path)
	}
	if err != nil {
		return err
	}
	if err := db.Update(ctx, func(tx *Tx) error { return tx.replay(records) }); err != nil {
		return fmt.Errorf("replay the journal: %w", errors.Join(err, log.Close()))
	}
	if err := log.Remove(); err != nil {
		return err
	}
	if owner, err = db.renewWALOwner(ctx, owner); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if log, _, err = journal.Open(db.walPath(), owner); err != nil {
		return err
	}
	if err := db.trackFiles(); err != nil {
		return errors.Join(err, log.Close())
	}
	log.Confirm = db.checkInPlace
	db.buffer = db.newWriteBehind(log)
	go db.flushInBackground()
	return nil
}

// renewWALOwner marks the database with an owner of this run, and returns the one
// that holds: an older copy of the file then does not fit to the files that this
// run leaves next to it when it is killed. There is no journal meanwhile.
//
// The mark counts when it is in the file itself, not only in SQLite's log, which
// might be that of another file. Another process that reads may prevent that;
// then the old mark stays.
func (db *DB) renewWALOwner(ctx context.Context, old [16]byte) ([16]byte, error) {
	fresh := [16]byte(uuid.New())
	if err := db.setWALOwner(ctx, fresh); err != nil {
		return fresh, err
	}
	var busy, size, done int
	if err := db.writer.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &size, &done); err != nil {
		return fresh, db.dialect.classify(err)
	}
	if busy == 0 {
		return fresh, nil
	}
	return old, db.setWALOwner(ctx, old)
}

// setWALOwner keeps the mark of our journal.
func (db *DB) setWALOwner(ctx context.Context, owner [16]byte) error {
	return db.Update(ctx, func(tx *Tx) error { return tx.SetSetting(walOwnerSetting, hex.EncodeToString(owner[:])) })
}

// walOwner returns what marks our journal, and keeps the given mark if none is.
func (tx *Tx) walOwner(fresh [16]byte) (owner [16]byte, err error) {
	kept, err := tx.EnsureSetting(walOwnerSetting, hex.EncodeToString(fresh[:]))
	if err != nil {
		return owner, err
	}
	return owner, parseOwner(kept, &owner)
}

// parseOwner reads a mark as it is kept.
func parseOwner(kept string, owner *[16]byte) error {
	text, err := hex.DecodeString(kept)
	if err != nil || len(text) != len(owner) {
		return fmt.Errorf("setting %s is %q, not 32 hexadecimal digits", walOwnerSetting, kept)
	}
	copy(owner[:], text)
	return nil
}

// replay judges again what stands in the journal, and in the rows that a backup
// has of one. What the tables have already is left out.
func (tx *Tx) replay(records [][]byte) error {
	rows, err := queryAll(tx, func(row scanner) (s string, err error) { return s, row.Scan(&s) }, `SELECT pings FROM journal ORDER BY n`)
	if err != nil {
		return err
	}
	for i, row := range rows {
		records = slices.Insert(records, i, []byte(row))
	}
	for _, record := range records {
		batch, err := decodeRecord(record)
		if err != nil {
			return err
		}
		states, err := tx.HeartbeatsForPings(uniqueIDs(batch))
		if err != nil {
			return err
		}
		batch = slices.DeleteFunc(batch, func(b ReceivedPing) bool { return b.Ping.Number <= states[b.ID].PingCount })
		_, judged := judge(batch, states, ownWatermark)
		if err := tx.saveBuffered(judged); err != nil {
			return err
		}
	}
	_, err = tx.exec(`DELETE FROM journal`)
	return err
}

// closeTimeout bounds the last transaction of a server.
const closeTimeout = 10 * time.Second

// closeWriteBehind puts all away and deletes the journal. When that cannot be done
// the journal stays, for the next server.
func (db *DB) closeWriteBehind() error {
	b := db.buffer
	select {
	case <-b.stop:
		return nil // closed before
	default:
	}
	close(b.stop)
	<-b.stopped
	if err := db.untrackSideFiles(); err != nil {
		return errors.Join(err, b.log.Close())
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := db.waitForFlush(ctx); err != nil {
		return errors.Join(err, b.log.Close())
	}
	return b.log.Remove()
}
