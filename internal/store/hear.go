package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"overdue/internal/monitor"
)

// Heard is one ping, and what it takes to judge it.
type Heard struct {
	ID      string
	Ping    monitor.Ping
	Horizon time.Time // see monitor.Heartbeat.Hear
}

// Hearing is what a batch of pings brought about.
type Hearing struct {
	Unknown map[string]bool // ids that no heartbeat has
	Owed    int             // alerts that became owed
	Touched []int64         // keys of the heartbeats that heard something
	Next    time.Time       // the first moment at which one of the heartbeats lapses by itself
}

// Hear judges a batch of pings, in the order given, and keeps all of it, synced.
func (db *DB) Hear(ctx context.Context, batch []Heard) (Hearing, error) {
	if db.backlog == nil {
		var heard Hearing
		err := db.Update(ctx, func(tx *Tx) (err error) {
			heard, err = tx.hear(batch)
			return err
		})
		return heard, err
	}
	heard, done, err := db.hearQuietly(ctx, batch)
	if done || err != nil {
		return heard, err
	}
	return db.hearNews(ctx, batch)
}

// hear judges a batch by the tables, and puts it there.
func (tx *Tx) hear(batch []Heard) (Hearing, error) {
	states, err := tx.Pinged(idsOf(batch))
	if err != nil {
		return Hearing{}, err
	}
	heard, judged := judge(batch, states)
	heard.Owed, err = tx.Save(time.Now().UTC(), judged)
	return heard, err
}

// idsOf lists the ids of a batch, each once.
func idsOf(batch []Heard) []string {
	ids := make([]string, 0, len(batch))
	for _, h := range batch {
		ids = append(ids, h.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// judge lets each heartbeat hear its pings. states is brought up to date.
func judge(batch []Heard, states map[string]monitor.Heartbeat) (Hearing, []Judgement) {
	heard := Hearing{Unknown: map[string]bool{}, Touched: make([]int64, 0, len(batch))}
	judged := make([]Judgement, 0, len(batch))
	for _, b := range batch {
		before, known := states[b.ID]
		if !known {
			heard.Unknown[b.ID] = true
			continue
		}
		h, change := before.Hear(b.Ping, b.Horizon)
		states[b.ID] = h
		heard.Touched = append(heard.Touched, h.Key)
		judged = append(judged, Judgement{Heartbeat: h, Change: change})
		heard.Next = monitor.Sooner(heard.Next, h.Next())
	}
	return heard, judged
}

// hearQuietly judges a batch by the states in memory and appends it to the
// journal. It is not done, and has done nothing, when the batch brings news or
// the backlog is full.
func (db *DB) hearQuietly(ctx context.Context, batch []Heard) (heard Hearing, done bool, err error) {
	b := db.backlog
	if err := b.turn.take(ctx); err != nil {
		return Hearing{}, false, err
	}
	defer b.turn.give()
	states, err := db.recall(ctx, batch)
	if err != nil {
		return Hearing{}, false, err
	}
	heard, judged := judge(batch, states)
	if len(judged) == 0 {
		return heard, true, nil
	}
	if b.full() || !quiet(judged) {
		return Hearing{}, false, nil
	}
	record, err := written(batch, judged)
	if err != nil {
		return Hearing{}, false, err
	}
	if err := b.append(record); err != nil {
		return Hearing{}, false, err
	}
	b.keep(judged, states, heard.Next)
	return heard, true, nil
}

// rehearsal is a batch without pings, as long as one with many.
var rehearsal = []byte("[" + strings.Repeat(" ", 16<<10) + "]")

// Rehearse keeps a batch without pings. An error says that one with pings could
// not be kept either, before any is refused.
func (db *DB) Rehearse(ctx context.Context) error {
	b := db.backlog
	if b == nil {
		return nil // the sign of life was written where pings are
	}
	if err := b.turn.take(ctx); err != nil {
		return err
	}
	defer b.turn.give()
	if b.count == 0 {
		b.log.Clear() // idle for years it must not grow
	}
	return b.append(rehearsal)
}

// append adds a record to the journal and returns when it is on disk.
func (b *backlog) append(record []byte) error {
	err := b.log.Append(record)
	if err != nil && !errors.Is(err, ErrMoved) {
		return fmt.Errorf("%w: %w", ErrDisk, err)
	}
	return err
}

// hearNews puts all that is pending and a batch into the tables. The batch is
// judged again: another batch may have been stored since it was found to bring news.
func (db *DB) hearNews(ctx context.Context, batch []Heard) (heard Hearing, err error) {
	err = db.settling(ctx, func(tx *Tx) error {
		heard, err = tx.hear(batch)
		return err
	})
	return heard, err
}

// recall returns the heartbeats of a batch: from memory, or else as the tables
// have them, which is right for all that nothing is pending for. The caller has
// the turn.
func (db *DB) recall(ctx context.Context, batch []Heard) (map[string]monitor.Heartbeat, error) {
	states := make(map[string]monitor.Heartbeat, len(batch))
	var unread []Heard
	for _, heard := range batch {
		if h, known := db.backlog.states[heard.ID]; known {
			states[heard.ID] = h
		} else {
			unread = append(unread, heard)
		}
	}
	if len(unread) == 0 {
		return states, nil
	}
	err := db.look(ctx, func(tx *Tx) error {
		read, err := tx.Pinged(idsOf(unread))
		for id, h := range read {
			states[id] = h
		}
		return err
	})
	return states, err
}

// quiet reports whether judgements can wait in the journal: nobody is to be
// told of them, and they are small.
func quiet(judged []Judgement) bool {
	bodies := 0
	for _, j := range judged {
		if bodies += len(j.Change.Ping.Body); j.Change.News() || bodies > mostBodies {
			return false
		}
	}
	return true
}
