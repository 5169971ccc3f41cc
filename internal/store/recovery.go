package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store/consistency"
	"overdue/internal/store/pingblock"
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
	damage, err := log.RemoveExceptDamaged(sqlite.DamagedSuffix(time.Now()))
	if err != nil {
		return err
	}
	if db.onDamagedWAL != nil {
		for _, d := range damage {
			db.onDamagedWAL(d)
		}
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
	db.flusher = &flusher{maxHeldPings: maxHeldPings, smallBuffer: smallBuffer, stop: make(chan struct{}), stopped: make(chan struct{})}
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
	if err := tx.applyRecords(records); err != nil {
		return err
	}
	_, err = tx.exec(`DELETE FROM journal`)
	return err
}

// recoveredAtOnce is the number of pings that applyRecords saves in one transaction, so that
// a heartbeat that was pinged often is read and written once.
const recoveredAtOnce = 8192

// applyRecords applies records of the WAL.
func (tx *Tx) applyRecords(records [][]byte) error {
	states := map[string]monitor.Heartbeat{}
	var transitions []Transition
	save := func() error {
		err := tx.saveBuffered(transitions)
		transitions = transitions[:0]
		clear(states)
		return err
	}
	for _, record := range records {
		batch, err := writebehind.DecodeBatch(record)
		if err != nil {
			return err
		}
		unread := slices.DeleteFunc(uniqueIDs(batch), func(id string) bool { _, read := states[id]; return read })
		read, err := tx.HeartbeatsForPings(unread)
		if err != nil {
			return err
		}
		maps.Copy(states, read)
		batch = slices.DeleteFunc(batch, func(p ReceivedPing) bool { return p.Ping.Number <= states[p.ID].PingCount })
		skipLostPings(batch, states)
		_, more := transitionsOf(batch, findIn(states), recordedWatermark, func(bool) []monitor.Blackout { return tx.db.watching.list() })
		for i := range more {
			states[more[i].Heartbeat.ID] = more[i].Heartbeat
		}
		if transitions = append(transitions, more...); len(transitions) >= recoveredAtOnce {
			if err := save(); err != nil {
				return err
			}
		}
	}
	return save()
}

// skipLostPings prepares heartbeats for pings that follow lost ones, whose records are
// damaged. The pings keep their numbers, which make a second recovery harmless. The
// silence before them is not evaluated: a lost ping ended it.
func skipLostPings(batch []ReceivedPing, states map[string]monitor.Heartbeat) {
	next := map[string]int64{}
	for i := range batch {
		p := &batch[i]
		h, found := states[p.ID]
		if !found {
			continue
		}
		if next[p.ID] == 0 {
			next[p.ID] = p.Ping.Number
			if p.Ping.Number > h.PingCount+1 {
				p.Watermark = time.Time{}
				h.PingCount = p.Ping.Number - 1
				states[p.ID] = h
			}
		}
	}
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
	err := db.flush(ctx)
	if err != nil || db.buffer.Len() > 0 {
		return errors.Join(err, db.buffer.Close(false))
	}
	return db.buffer.Close(true)
}

// The problems of a SQLite file.
const (
	brokenIndexes  = "broken_indexes"
	leftoverFiles  = "leftover_files"
	damagedFile    = "damaged_file"
	damagedWAL     = "damaged_wal"
	newerWAL       = "newer_wal"
	maxDamageLines = 1000
)

// CheckIntegrity looks for damage: in the file (SQLite), and in the relations between
// rows. It changes nothing.
func (db *DB) CheckIntegrity(ctx context.Context) ([]Problem, error) {
	var all []Problem
	if db.path != "" {
		leftovers, err := sqlite.Leftovers(db.path)
		if err != nil {
			return nil, err
		}
		if all, err = db.checkWAL(ctx); err != nil {
			return nil, err
		}
		if len(leftovers) > 0 {
			all = append(all, Problem{
				Name: leftoverFiles, Text: "files of an interrupted restore: " + strings.Join(leftovers, ", "), Count: int64(len(leftovers)), Repair: "deleted", Repairable: true,
			})
		}
	}
	inFile := len(all)
	err := db.ViewAll(ctx, func(tx *Tx) error {
		all = all[:inFile]
		if db.path != "" {
			damage, err := tx.fileDamage()
			if err != nil {
				return err
			}
			if all = append(all, damage...); len(damage) > 0 && !damage[0].Repairable {
				return nil // queries of a damaged file prove nothing
			}
		}
		for _, r := range rules() {
			n, err := r.count(tx)
			if err != nil {
				return fmt.Errorf("check %s: %w", r.Name, err)
			}
			if n == 0 {
				continue
			}
			p := Problem{Name: r.Name, Text: r.Problem, Count: n, Repair: r.Repair, Repairable: r.fix != nil}
			if r.where != nil {
				names, err := r.where(tx)
				if err != nil {
					return err
				}
				p.Text += ": " + names
			}
			all = append(all, p)
		}
		return nil
	})
	return all, err
}

// checkWAL looks for records of the WAL that cannot be stored.
func (db *DB) checkWAL(ctx context.Context) (all []Problem, err error) {
	records, damage, err := db.readWAL(ctx)
	if err != nil {
		return nil, err
	}
	if len(damage) > 0 {
		all = append(all, Problem{
			Name: damagedWAL, Text: "damaged parts of the write-ahead log: " + describeDamage(damage), Count: int64(len(damage)),
			Repair: "kept in another file, and all other pings stored", Repairable: true,
		})
	}
	newer := 0
	for _, record := range records {
		if _, err := writebehind.DecodeBatch(record); errors.Is(err, writebehind.ErrNewerFormat) {
			newer++
		} else if err != nil {
			return nil, err
		}
	}
	if newer > 0 {
		all = append(all, Problem{Name: newerWAL, Text: "records of the write-ahead log were written by a newer version; start that version, which stores their pings", Count: int64(newer)})
	}
	return all, nil
}

// describeDamage lists damage, for operators.
func describeDamage(damage []WALDamage) string {
	var all []string
	for _, d := range damage {
		all = append(all, d.String())
	}
	return strings.Join(all, ", ")
}

// WALDamage describes the damage to the WAL of a database, or returns an empty text. Files
// that a start found damaged earlier, and kept, are in keptFiles.
func (db *DB) WALDamage(ctx context.Context) (damage string, keptFiles []string, err error) {
	if db.path == "" {
		return "", nil, nil
	}
	_, found, err := db.readWAL(ctx)
	if err != nil {
		return "", nil, err
	}
	keptFiles, err = sqlite.DamagedFiles(db.path)
	return describeDamage(found), keptFiles, err
}

// fileDamage returns the damage that SQLite finds in its file, as at most one problem.
// Damage to indexes alone loses no data.
func (tx *Tx) fileDamage() ([]Problem, error) {
	lines, err := queryAll(tx, scanText, fmt.Sprintf(`PRAGMA integrity_check(%d)`, maxDamageLines))
	if err != nil {
		return nil, err
	}
	if len(lines) == 1 && lines[0] == "ok" {
		return nil, nil
	}
	for _, line := range lines {
		if !strings.Contains(line, "missing from index ") && !strings.HasPrefix(line, "wrong # of entries in index ") {
			return []Problem{{Name: damagedFile, Text: "errors in the file: " + line + "; restore a backup", Count: int64(len(lines))}}, nil
		}
	}
	return []Problem{{Name: brokenIndexes, Text: "errors in indexes: " + lines[0], Count: int64(len(lines)), Repair: "repaired", Repairable: true}}, nil
}

// checkFileIntegrity returns an error if SQLite finds damage in its file.
func (tx *Tx) checkFileIntegrity() error {
	damage, err := tx.fileDamage()
	if err == nil && len(damage) > 0 {
		err = fmt.Errorf("the file is damaged: %s", damage[0])
	}
	return err
}

// RepairBackup returns the name of a new file for a copy of the database before a
// repair. It is empty on PostgreSQL.
func (db *DB) RepairBackup(now time.Time) string {
	if db.path == "" {
		return ""
	}
	return db.path + ".before-repair-" + now.UTC().Format("20060102T150405Z")
}

// Repair repairs a problem in one transaction, and returns how many of them are left.
// done is called in the same transaction.
func (db *DB) Repair(ctx context.Context, p Problem, now time.Time, done func(*Tx) error) (left int64, err error) {
	switch p.Name {
	case damagedWAL: // RecoverPings did it
		return 0, db.Update(ctx, done)
	case leftoverFiles:
		if err := sqlite.RemoveLeftovers(db.path); err != nil {
			return p.Count, err
		}
		return 0, db.Update(ctx, done)
	case brokenIndexes:
		err = db.Update(ctx, func(tx *Tx) error {
			if _, err := tx.exec(`REINDEX`); err != nil {
				return err
			}
			return done(tx)
		})
		if err != nil {
			return p.Count, err
		}
		err = db.View(ctx, func(tx *Tx) error {
			left = 0
			damage, err := tx.fileDamage()
			for _, d := range damage {
				left += d.Count
			}
			return err
		})
		return left, err
	}
	for _, r := range rules() {
		if r.Name != p.Name || r.fix == nil {
			continue
		}
		err = db.UpdateAll(ctx, func(tx *Tx) error {
			if err := r.fix(tx, now); err != nil {
				return err
			}
			if left, err = r.count(tx); err != nil {
				return err
			}
			return done(tx)
		})
		if err != nil {
			return p.Count, fmt.Errorf("repair %s: %w", r.Name, err)
		}
		return left, nil
	}
	return p.Count, fmt.Errorf("%s: no repair is known", p)
}

// maxNamedBlocks is the maximum number of blocks that a problem names.
const maxNamedBlocks = 5

// blockRules returns the rules for blocks of pings.
func blockRules() []rule {
	count := func(kind error) func(*Tx) (int64, error) {
		return func(tx *Tx) (int64, error) { return countRows(tx.unreadableBlocks(kind)) }
	}
	where := func(kind error) func(*Tx) (string, error) {
		return func(tx *Tx) (string, error) {
			blocks, err := tx.unreadableBlocks(kind)
			var names []string
			for _, b := range blocks[:min(len(blocks), maxNamedBlocks)] {
				names = append(names, b.describe())
			}
			if more := len(blocks) - len(names); more > 0 {
				names = append(names, fmt.Sprintf("and %d more", more))
			}
			return strings.Join(names, ", "), err
		}
	}
	return []rule{
		{
			consistency.Rule{Name: "damaged_pings", Problem: "blocks of pings that are damaged", Repair: "replaced by the pings that can be read"},
			count(pingblock.ErrDamaged), (*Tx).replaceDamagedBlocks, where(pingblock.ErrDamaged),
		},
		{
			consistency.Rule{Name: "newer_pings", Problem: "blocks of pings that a newer version wrote, which this version cannot read"},
			count(pingblock.ErrNewerFormat), nil, where(pingblock.ErrNewerFormat),
		},
	}
}

// unreadableBlock is a block of pings that cannot be read as a whole.
type unreadableBlock struct {
	pingblock.Block
	name  string         // of the heartbeat
	pings []monitor.Ping // that can be read
}

// describe names the block for people.
func (b *unreadableBlock) describe() string {
	numbers := fmt.Sprintf("ping %d", b.First)
	if b.Count != 1 {
		numbers = fmt.Sprintf("pings %d to %d", b.First, b.Last())
	}
	return fmt.Sprintf("%s of %q (%d can be read)", numbers, b.name, len(b.pings))
}

// unreadableBlocks returns the blocks that cannot be read for the given reason.
func (tx *Tx) unreadableBlocks(reason error) (found []unreadableBlock, err error) {
	_, err = queryAll(tx, func(row scanner) (struct{}, error) {
		var name sql.NullString
		b, err := scanBlock(scanPlusLast{row, &name})
		if err == nil {
			if pings, err := b.Verify(); errors.Is(err, reason) {
				found = append(found, unreadableBlock{b, name.String, pings})
			}
		}
		return struct{}{}, err
	}, `SELECT b.heartbeat, b.count, b.first, b.earliest, b.duration, b.body_bytes, b.format, b.pings, b.bodies, h.name
		FROM ping_blocks b LEFT JOIN heartbeats h ON h.key = b.heartbeat ORDER BY b.heartbeat, b.first`)
	return found, err
}

// replaceDamagedBlocks replaces damaged blocks by blocks of the pings that can be read.
func (tx *Tx) replaceDamagedBlocks(time.Time) error {
	blocks, err := tx.unreadableBlocks(pingblock.ErrDamaged)
	if err != nil {
		return err
	}
	var encoder pingblock.Encoder
	for _, b := range blocks {
		if _, err := tx.exec(`DELETE FROM ping_blocks WHERE heartbeat = $1 AND first = $2`, b.Heartbeat, b.First); err != nil {
			return err
		}
		for i := range b.pings {
			encoder.Add(b.Heartbeat, &b.pings[i])
		}
	}
	return tx.addBlocks(encoder.Blocks())
}
