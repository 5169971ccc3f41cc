package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
		if err == nil && len(heard.Touched) > 0 {
			db.proven.Store(time.Now().UnixNano())
		}
		return heard, err
	}
	var heard Hearing
	err := db.guarded(ctx, func(ctx context.Context) (err error) {
		var done bool
		if heard, done, err = db.hearQuietly(ctx, batch); done || err != nil {
			return err
		}
		heard, err = db.hearNews(ctx, batch)
		return err
	})
	return heard, err
}

// hear judges a batch by the tables, and puts it there.
func (tx *Tx) hear(batch []Heard) (Hearing, error) {
	states, err := tx.Pinged(idsOf(batch))
	if err != nil {
		return Hearing{}, err
	}
	now := time.Now().UTC()
	known := knownToAll{tx: tx, now: now}
	heard, judged := judge(batch, states, known.before)
	if known.err != nil {
		return Hearing{}, known.err
	}
	heard.Owed, err = tx.Save(now, judged)
	return heard, err
}

// knownToAll returns the moment before which all nodes have stored the pings of a
// heartbeat that are known to be on their way. It queries the database only when
// first used, because most pings end no silence.
type knownToAll struct {
	tx    *Tx
	now   time.Time
	asked bool
	peers Peers
	err   error
}

// before returns own, the horizon as this node knows it, or that of the other
// nodes when it is earlier.
func (k *knownToAll) before(id string, own time.Time) time.Time {
	if !k.asked {
		k.asked = true
		k.peers, k.err = k.tx.Peers(k.now)
	}
	return k.peers.UntilHeld(id, own.Add(-monitor.Tick)).Add(monitor.Tick)
}

// alone is the function that judge takes when no other node can have a ping.
func alone(_ string, own time.Time) time.Time { return own }

// idsOf lists the ids of a batch, each once.
func idsOf(batch []Heard) []string {
	ids := make([]string, 0, len(batch))
	for _, h := range batch {
		ids = append(ids, h.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// judge lets each heartbeat hear its pings. states is brought up to date. When a
// ping ends a silence that has lapsed, before returns the horizon with regard to
// the other nodes: a ping that one of them has not stored yet may have been in time.
func judge(batch []Heard, states map[string]monitor.Heartbeat, before func(id string, own time.Time) time.Time) (Hearing, []Judgement) {
	heard := Hearing{Unknown: map[string]bool{}, Touched: make([]int64, 0, len(batch))}
	judged := make([]Judgement, 0, len(batch))
	for _, b := range batch {
		h, known := states[b.ID]
		if !known {
			heard.Unknown[b.ID] = true
			continue
		}
		horizon := b.Horizon
		if next := h.Next(); !next.IsZero() && next.Before(b.Ping.At) {
			horizon = before(b.ID, horizon)
		}
		h, change := h.Hear(b.Ping, horizon)
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
	heard, judged := judge(batch, states, alone)
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
	db.progress()
	b.keep(judged, states, heard.Next)
	return heard, true, nil
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
