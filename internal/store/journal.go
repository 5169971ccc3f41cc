package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"overdue/internal/monitor"
)

// A ping on SQLite changes a row of heartbeats, adds one to pings, and with
// them two or three pages that other pings of the batch did not touch: writing
// and syncing those costs more than all else. So a batch that brings no news is
// written as one row of the journal, and what it says is put into the tables
// later, with thousands of others:
//
//	Hear, no news   judge ─▶ journal: one row, committed and synced ─▶ pending
//	                some neighbours' pending ─▶ tables     in the same transaction
//	Hear, news      pending ─▶ tables; judged ─▶ tables    one transaction
//	Update          pending ─▶ tables; fn                  one transaction
//	View            pending ─▶ tables; then look
//	Serve           journal ─▶ judged again ─▶ tables      after a crash
//
// Nobody ever sees tables that lag behind: each transaction begins by putting
// them right. Only the one server that holds the file's lock keeps a journal;
// all that it holds in memory is what the file holds too.
type journal struct {
	// turn is held by the one transaction that writes: its holder owns the rest.
	turn   chan struct{}
	states map[string]monitor.Heartbeat // by id, as the pending judgements left them
	rows   int64                        // number of the newest row

	// pending is what is in the journal and not in the tables, by neighbours:
	// heartbeats whose rows lie on the same pages. They are put away in turns,
	// so that nobody waits for all at once; a round has put away all that was
	// in the journal when it began.
	pending map[int64][]Judgement
	count   int     // of pending
	round   []int64 // neighbours that are still to come in this round
	began   int64   // rows when this round began

	// soonest is no later than anything that a pending judgement will let
	// happen by itself; zero when nothing will.
	soonest time.Time
}

// Bounds of the journal.
const (
	fewPending   = 12_000   // pings that gather before any are put away: the more, the fewer pages each costs
	mostPending  = 36_000   // pings; then all are put away at once
	mostStates   = 50_000   // heartbeats kept in memory
	mostBodies   = 64 << 10 // bytes; larger batches go to the tables at once
	neighbouring = 64       // heartbeats that share pages
)

// newJournal makes an empty one.
func newJournal() *journal {
	return &journal{turn: make(chan struct{}, 1), states: map[string]monitor.Heartbeat{}, pending: map[int64][]Judgement{}}
}

// take waits for the turn to write.
func (j *journal) take(ctx context.Context) error {
	select {
	case j.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: no turn to write: %w", ErrAway, ctx.Err())
	}
}

// give hands the turn on.
func (j *journal) give() { <-j.turn }

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
	if db.journal == nil {
		return db.hearAtOnce(ctx, batch)
	}
	if err := db.journal.take(ctx); err != nil {
		return Hearing{}, err
	}
	defer db.journal.give()
	return db.hearWithJournal(ctx, batch)
}

// hearAtOnce puts a batch into the tables.
func (db *DB) hearAtOnce(ctx context.Context, batch []Heard) (Hearing, error) {
	var heard Hearing
	err := db.Update(ctx, func(tx *Tx) error {
		states, err := tx.Pinged(idsOf(batch))
		if err != nil {
			return err
		}
		var judged []Judgement
		heard, judged = judge(batch, states)
		heard.Owed, err = tx.Save(time.Now().UTC(), judged)
		return err
	})
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
	heard := Hearing{Unknown: map[string]bool{}}
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
		if next := h.Next(); !next.IsZero() && (heard.Next.IsZero() || next.Before(heard.Next)) {
			heard.Next = next
		}
	}
	return heard, judged
}

// hearWithJournal judges a batch by the states in memory, and keeps it in the
// journal unless it brings news. The caller has the turn.
func (db *DB) hearWithJournal(ctx context.Context, batch []Heard) (heard Hearing, err error) {
	j := db.journal
	states := make(map[string]monitor.Heartbeat, len(batch))
	var judged []Judgement
	var direct bool
	var away []int64 // neighbours that are put away
	err = db.run(ctx, db.writer, nil, func(tx *Tx) error {
		if err := tx.recall(batch, states); err != nil {
			return err
		}
		if heard, judged = judge(batch, states); len(judged) == 0 {
			return nil
		}
		if direct = !quiet(judged); direct {
			if err := tx.settle(); err != nil {
				return err
			}
			heard.Owed, err = tx.Save(time.Now().UTC(), judged)
			return err
		}
		if away = j.turnOf(2 * len(judged)); len(away) > 0 {
			if err := tx.putAway(away); err != nil {
				return err
			}
		}
		return tx.write(batch, judged)
	})
	switch {
	case err != nil || len(judged) == 0:
	case direct:
		j.forget()
		clear(j.states) // Save may have given them incidents
	default:
		j.putAway(away)
		j.keep(judged)
		for id, h := range states {
			j.states[id] = h
		}
	}
	return heard, err
}

// turnOf chooses neighbours to put away, with about n pings or more; none while
// few are pending, all when the journal is full.
func (j *journal) turnOf(n int) []int64 {
	if j.count >= mostPending || len(j.states) >= mostStates {
		return slices.Sorted(maps.Keys(j.pending))
	}
	if j.count < fewPending {
		return nil
	}
	if len(j.round) == 0 {
		j.round, j.began = slices.Sorted(maps.Keys(j.pending)), j.rows
	}
	chosen, pings := 0, 0
	for chosen < len(j.round) && pings < n {
		pings += len(j.pending[j.round[chosen]])
		chosen++
	}
	return slices.Clone(j.round[:chosen])
}

// putAway notes that neighbours are in the tables.
func (j *journal) putAway(away []int64) {
	for _, n := range away {
		j.count -= len(j.pending[n])
		delete(j.pending, n)
	}
	if len(away) >= len(j.round) {
		j.round = nil
	} else {
		j.round = j.round[len(away):]
	}
	if len(j.states) >= mostStates {
		clear(j.states)
	}
}

// keep notes judgements that are in the journal.
func (j *journal) keep(judged []Judgement) {
	for _, one := range judged {
		n := one.Heartbeat.Key / neighbouring
		j.pending[n] = append(j.pending[n], one)
		if next := one.Heartbeat.Next(); !next.IsZero() && (j.soonest.IsZero() || next.Before(j.soonest)) {
			j.soonest = next
		}
	}
	j.count += len(judged)
	j.rows++
}

// forget notes that all is in the tables.
func (j *journal) forget() {
	if j.count > 0 {
		clear(j.pending)
	}
	j.count, j.round, j.soonest = 0, nil, time.Time{}
}

// recall fills in the heartbeats of a batch: from memory, or else as the
// tables have them, which is right for all that nothing is pending for.
func (tx *Tx) recall(batch []Heard, states map[string]monitor.Heartbeat) error {
	var unread []Heard
	for _, b := range batch {
		if h, known := tx.db.journal.states[b.ID]; known {
			states[b.ID] = h
		} else {
			unread = append(unread, b)
		}
	}
	if len(unread) == 0 {
		return nil
	}
	read, err := tx.Pinged(idsOf(unread))
	for id, h := range read {
		states[id] = h
	}
	return err
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

// entry is a ping in the journal: all of Heard, in few bytes. Moments are in
// microseconds, as everywhere in the store.
type entry struct {
	ID        string           `json:"i"`
	Horizon   int64            `json:"h"`
	At        int64            `json:"a"`
	Kind      monitor.PingKind `json:"k"`
	RunID     string           `json:"r,omitempty"`
	ExitCode  int              `json:"x"`
	Method    string           `json:"m"`
	Source    string           `json:"s"`
	UserAgent string           `json:"u,omitempty"`
	Body      []byte           `json:"b,omitempty"`
	N         int64            `json:"n"` // of the ping; a state that counts as many has heard it
}

// write adds a batch to the journal, as one row. judged are its pings in their
// order, without those for unknown ids.
func (tx *Tx) write(batch []Heard, judged []Judgement) error {
	entries := make([]entry, 0, len(judged))
	for _, b := range batch {
		if len(entries) == len(judged) || judged[len(entries)].Heartbeat.ID != b.ID {
			continue // nobody's
		}
		p := b.Ping
		entries = append(entries, entry{
			b.ID, b.Horizon.UnixMicro(), p.At.UnixMicro(), p.Kind, p.RunID, p.ExitCode, p.Method, p.Source, p.UserAgent, p.Body,
			judged[len(entries)].Change.Ping.N,
		})
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := tx.add(&journalBlock, [][]any{{tx.db.journal.rows + 1, string(text)}}); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// read reads a row of the journal.
func read(row string) ([]Heard, error) {
	var entries []entry
	if err := json.Unmarshal([]byte(row), &entries); err != nil {
		return nil, err
	}
	batch := make([]Heard, len(entries))
	for i, e := range entries {
		batch[i] = Heard{ID: e.ID, Horizon: time.UnixMicro(e.Horizon).UTC(), Ping: monitor.Ping{
			Kind: e.Kind, At: time.UnixMicro(e.At).UTC(), RunID: e.RunID, ExitCode: e.ExitCode, Method: e.Method,
			Source: e.Source, UserAgent: e.UserAgent, Body: e.Body, BodySize: int64(len(e.Body)), N: e.N,
		}}
	}
	return batch, nil
}

var journalBlock = block{table: "journal", columns: []column{{"n", "bigint"}, {"pings", "text"}}}

// putAway puts what is pending for some neighbours into the tables. The rows
// of the journal go when a round is over: until then they hold pings that the
// tables have too, and reading them again leaves those out.
func (tx *Tx) putAway(away []int64) error {
	j := tx.db.journal
	var judged []Judgement
	for _, n := range away {
		judged = append(judged, j.pending[n]...)
	}
	if _, err := tx.Save(time.Now().UTC(), judged); err != nil {
		return fmt.Errorf("put pings away: %w", err)
	}
	upTo := j.began
	switch {
	case len(away) == len(j.pending):
		upTo = j.rows
	case len(away) < len(j.round):
		return nil
	}
	if _, err := tx.exec(`DELETE FROM journal WHERE n <= $1`, upTo); err != nil {
		return fmt.Errorf("shorten the journal: %w", err)
	}
	return nil
}

// settle puts all that is pending into the tables.
func (tx *Tx) settle() error {
	j := tx.db.journal
	if j == nil || j.count == 0 {
		return nil
	}
	return tx.putAway(slices.Sorted(maps.Keys(j.pending)))
}

// settled puts what is pending into the tables, for those who want to look.
func (db *DB) settled(ctx context.Context) error {
	if err := db.journal.take(ctx); err != nil {
		return err
	}
	defer db.journal.give()
	if db.journal.count == 0 {
		return nil
	}
	return db.settling(ctx, func(*Tx) error { return nil })
}

// Rest puts what is pending into the tables, and lets go of what was kept in
// memory to be quick.
func (db *DB) Rest(ctx context.Context) error {
	if db.journal == nil {
		return nil
	}
	if err := db.settled(ctx); err != nil {
		return err
	}
	if err := db.journal.take(ctx); err != nil {
		return err
	}
	defer db.journal.give()
	if j := db.journal; j.count == 0 {
		j.states, j.pending = map[string]monitor.Heartbeat{}, map[int64][]Judgement{}
	}
	return nil
}

// UpdateApart is Update for what has nothing to do with heartbeats, so that
// nothing need be put away for it.
func (db *DB) UpdateApart(ctx context.Context, fn func(*Tx) error) error {
	if db.journal == nil {
		return db.Update(ctx, fn)
	}
	if err := db.journal.take(ctx); err != nil {
		return err
	}
	defer db.journal.give()
	return db.run(ctx, db.writer, nil, fn)
}

// Soonest is no later than the next moment at which anything happens by itself,
// zero when nothing will. others is how many other nodes live. It puts nothing
// away, so that looking costs little while nothing is due.
func (db *DB) Soonest(ctx context.Context, node string, now time.Time) (next time.Time, others int, err error) {
	err = db.UpdateApart(ctx, func(tx *Tx) error {
		if others, _, err = tx.Others(node, now); err != nil {
			return err
		}
		if next, err = tx.NextLapse(); err != nil || db.journal == nil {
			return err
		}
		if pending := db.journal.soonest; !pending.IsZero() && (next.IsZero() || pending.Before(next)) {
			next = pending
		}
		return nil
	})
	return next, others, err
}

// updateWithJournal is one try of Update.
func (db *DB) updateWithJournal(ctx context.Context, fn func(*Tx) error) error {
	if err := db.journal.take(ctx); err != nil {
		return err
	}
	defer db.journal.give()
	return db.settling(ctx, fn)
}

// settling runs fn in a transaction that first puts into the tables what is
// pending. The caller has the turn.
func (db *DB) settling(ctx context.Context, fn func(*Tx) error) error {
	j, touched := db.journal, false
	err := db.run(ctx, db.writer, nil, func(tx *Tx) error {
		if err := tx.settle(); err != nil {
			return err
		}
		tx.touched = false
		err := fn(tx)
		touched = tx.touched
		return err
	})
	if err != nil {
		return err
	}
	j.forget()
	if touched {
		clear(j.states)
	}
	return nil
}

// replay puts into the tables what a server that died had only in its journal,
// and begins a journal of our own.
func (db *DB) replay(ctx context.Context) error {
	if db.path == "" {
		return nil // PostgreSQL has none
	}
	err := db.Update(ctx, func(tx *Tx) error {
		rows, err := many(tx, func(row scanner) (s string, err error) { return s, row.Scan(&s) }, `SELECT pings FROM journal ORDER BY n`)
		if err != nil {
			return err
		}
		for _, row := range rows {
			batch, err := read(row)
			if err != nil {
				return err
			}
			states, err := tx.Pinged(idsOf(batch))
			if err != nil {
				return err
			}
			batch = slices.DeleteFunc(batch, func(b Heard) bool { return b.Ping.N <= states[b.ID].Pings })
			_, judged := judge(batch, states)
			if _, err := tx.Save(time.Now().UTC(), judged); err != nil {
				return err
			}
		}
		_, err = tx.exec(`DELETE FROM journal`)
		return err
	})
	if err != nil {
		return fmt.Errorf("replay the journal: %w", err)
	}
	db.journal = newJournal()
	return nil
}
