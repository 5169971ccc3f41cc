package manage

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Names for what the pages get from the store as it is.
type (
	Outage   = store.Outage
	Tally    = store.Tally
	TagCount = store.TagCount
	Pulse    = store.Pulse
)

// Bounds of what the list for people reads.
const (
	recentPings = 90  // of each heartbeat: starts, logs and ends of about 30 runs
	recentSlots = 30  // stretches of each heartbeat
	mostOutages = 500 // of all heartbeats of a page together
	mostTagsOf  = 30  // in the menu of the list
)

// OverviewQuery says what the list for people shows. Empty members do not
// filter.
type OverviewQuery struct {
	Status, Tag, Text string
	Running           bool
	Sort              string // "" for attention first, due, last, name, slowest
	Limit             int
	Cursor            string // Prev or Next of another page
}

// Watched is a heartbeat with what lately became of its runs.
type Watched struct {
	monitor.Heartbeat
	Pings    []monitor.Ping    // that ended a run, oldest first, without bodies
	Slots    []monitor.Stretch // what became of those that have come, oldest first
	Outages  []Outage          // oldest first
	PausedAt time.Time         // when somebody paused it, zero when it is not paused
	PausedBy string            // as the audit log names them, may be empty
}

// Overview is one page of the list for people, and what stands around it.
type Overview struct {
	Rows       []Watched
	Before     int    // rows of the pages before this one
	Total      int    // rows of all pages
	Prev, Next string // cursors, empty at either end
	Tally      Tally
	Standing   store.Standing
	Tags       []TagCount // the most used
	TagTotal   int
	Minutes    [60]int // pings due in each minute from now
	Newest     Newest
}

// spot is the place of a page in the list, as its cursor holds it.
type spot struct {
	Sort string     `json:"s"`
	Mark store.Mark `json:"m"`
	Back bool       `json:"b,omitempty"`
	Rows int        `json:"r"` // before the page that it leads to, as far as known
}

// String is the spot as an opaque cursor.
func (s spot) String() string {
	b, _ := json.Marshal(s) // texts and numbers always marshal
	return base64.RawURLEncoding.EncodeToString(b)
}

// spot reads the cursor of a query. One from another order, or one that nobody
// here wrote, is the beginning: a stale link still shows a list.
func (q OverviewQuery) spot() spot {
	var s spot
	b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil || json.Unmarshal(b, &s) != nil || s.Sort != q.Sort || s.Mark.Key < 1 || !askable(s.Mark.Text) || s.Rows < 0 {
		return spot{Sort: q.Sort}
	}
	return s
}

// filter is the query for the store. Texts that no row can hold find nothing.
func (q OverviewQuery) filter(a auth.Actor) store.OverviewFilter {
	f := store.OverviewFilter{
		Project: a.Project.Key, Status: monitor.Status(q.Status), Tag: q.Tag, Text: q.Text, IDs: a.SeesPingURLs(),
		Running: q.Running, Sort: q.Sort, Limit: min(max(q.Limit, 1), MostItems),
	}
	for _, text := range []*string{&f.Tag, &f.Text, (*string)(&f.Status)} {
		if !askable(*text) {
			*text = "\uFFFD"
		}
	}
	return f
}

// Overview lists heartbeats for people.
func (d *Desk) Overview(ctx context.Context, a auth.Actor, q OverviewQuery) (o Overview, err error) {
	if err := may(a, auth.Read); err != nil {
		return o, err
	}
	f, at, now := q.filter(a), q.spot(), stamp()
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		o = Overview{}
		if o.Total, err = tx.OverviewCount(f); err != nil {
			return err
		}
		if err := o.around(tx, a, now); err != nil {
			return err
		}
		return o.page(tx, a, f, at)
	})
	return o, err
}

// around reads what stands around the list.
func (o *Overview) around(tx *store.Tx, a auth.Actor, now time.Time) (err error) {
	if o.Standing, err = tx.Standing(a.Project.Key); err != nil {
		return err
	}
	if o.Tally, err = tx.Tally(a.Project.Key); err != nil {
		return err
	}
	if o.Tags, o.TagTotal, err = tx.Tags(a.Project.Key, mostTagsOf); err != nil {
		return err
	}
	if o.Newest, err = tx.Newest(a.Project.Key); err != nil {
		return err
	}
	if err := veilTags(tx, a, o.Tags); err != nil {
		return err
	}
	o.Minutes, err = tx.Ahead(a.Project.Key, now)
	return err
}

// page reads the rows at a spot, one more than are shown to know whether there
// are others beyond.
func (o *Overview) page(tx *store.Tx, a auth.Actor, f store.OverviewFilter, at spot) error {
	limit := f.Limit
	f.From, f.Back, f.Limit = at.Mark, at.Back, limit+1
	rows, err := tx.Overview(f)
	if err != nil {
		return err
	}
	more := len(rows) > limit
	if more && at.Back {
		rows = rows[1:]
	} else if more {
		rows = rows[:limit]
	}
	o.Before = min(at.Rows, max(o.Total-len(rows), 0))
	if at.Back && !more || at.Mark.Key == 0 {
		o.Before = 0
	}
	if len(rows) > 0 {
		first, last, err := marks(tx, f, rows)
		if err != nil {
			return err
		}
		if at.Back && more || !at.Back && at.Mark.Key > 0 {
			o.Prev = spot{f.Sort, first, true, max(o.Before-limit, 0)}.String()
		}
		if more && !at.Back || at.Back {
			o.Next = spot{f.Sort, last, false, o.Before + len(rows)}.String()
		}
	}
	o.Rows, err = histories(tx, a, rows)
	return err
}

// marks are the places of the first and the last of the rows.
func marks(tx *store.Tx, f store.OverviewFilter, rows []monitor.Heartbeat) (first, last store.Mark, err error) {
	if first, err = tx.MarkOf(f.Sort, rows[0].Key); err != nil {
		return first, last, err
	}
	last, err = tx.MarkOf(f.Sort, rows[len(rows)-1].Key)
	return first, last, err
}

// histories adds to heartbeats what lately became of their runs.
func histories(tx *store.Tx, a auth.Actor, list []monitor.Heartbeat) ([]Watched, error) {
	if len(list) == 0 {
		return []Watched{}, nil
	}
	keys := make([]int64, 0, len(list))
	var paused []string
	for _, h := range list {
		keys = append(keys, h.Key)
		if h.Status == monitor.Paused {
			paused = append(paused, called(h))
		}
	}
	pings, err := tx.RecentPings(keys, recentPings)
	if err != nil {
		return nil, err
	}
	slots, err := tx.RecentSlots(keys, recentSlots)
	if err != nil {
		return nil, err
	}
	now := stamp()
	since := now
	for _, of := range pings {
		if of[0].At.Before(since) {
			since = of[0].At
		}
	}
	outages, err := tx.Outages(keys, since, mostOutages)
	if err != nil {
		return nil, err
	}
	pausedBy, err := tx.LastDeeds(a.Project.Key, "heartbeat.pause", paused)
	if err != nil {
		return nil, err
	}
	shown := slices.Clone(list)
	if err := veil(tx, a, shown); err != nil {
		return nil, err
	}
	all := make([]Watched, 0, len(list))
	for n, h := range list {
		w := Watched{Heartbeat: shown[n], Pings: pings[h.Key], Outages: outages[h.Key]}
		w.Slots = append(slots[h.Key], h.Unwritten(now, recentSlots)...)
		w.pause(pausedBy[called(h)])
		all = append(all, w)
	}
	return all, nil
}

// pause notes who paused it. Whose name the audit log does not know, because
// the heartbeat was renamed since, was paused when it last heard of anything.
func (w *Watched) pause(by store.Deed) {
	if w.Status != monitor.Paused {
		return
	}
	w.PausedAt, w.PausedBy = by.At, by.Actor
	if by.At.IsZero() {
		w.PausedAt = w.Heard
	}
}

// Glance reads the heartbeats with the given keys again, in the order of the
// keys and without those that are gone, and how many of the project are Down.
func (d *Desk) Glance(ctx context.Context, a auth.Actor, keys []int64) (rows []Watched, down int, err error) {
	if err := may(a, auth.Read); err != nil {
		return nil, 0, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		byKey, err := tx.HeartbeatsByKey(keys)
		if err != nil {
			return err
		}
		var list []monitor.Heartbeat
		for _, key := range keys {
			if h, found := byKey[key]; found && h.Project == a.Project.Key {
				list = append(list, h)
			}
		}
		if rows, err = histories(tx, a, list); err != nil {
			return err
		}
		tally, err := tx.Tally(a.Project.Key)
		down = tally.ByStatus[monitor.Down]
		return err
	})
	return rows, down, err
}

// Pulses tells cheaply whether anything about heartbeats has changed: then the
// answer differs from the one before.
func (d *Desk) Pulses(ctx context.Context, a auth.Actor, keys []int64) (pulses []Pulse, err error) {
	if err := may(a, auth.Read); err != nil {
		return nil, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		pulses, err = tx.Pulses(slices.Sorted(slices.Values(keys)))
		return err
	})
	return pulses, err
}
