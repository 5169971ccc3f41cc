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
	Outage          = store.Outage
	StatusCounts    = store.StatusCounts
	TagCount        = store.TagCount
	HeartbeatDigest = store.HeartbeatFingerprint
)

// Bounds of what the list for people reads.
const (
	maxRecentPings = 90  // of each heartbeat: starts, logs and ends of about 30 runs
	maxRecentSpans = 30  // stretches of each heartbeat
	maxOutages     = 500 // of all heartbeats of a page together
	maxMenuTags    = 30  // in the menu of the list
)

// HeartbeatListQuery says what the list for people shows. Empty members do not
// filter.
type HeartbeatListQuery struct {
	Status, Tag, Text string
	Running           bool
	Sort              string // "" for attention first, due, last, name, slowest
	Limit             int
	Cursor            string // Prev or Next of another page
}

// HeartbeatHistory is a heartbeat with what lately became of its runs.
type HeartbeatHistory struct {
	monitor.Heartbeat
	Pings    []monitor.Ping // that ended a run, oldest first, without bodies
	Spans    []monitor.Span // what became of those that have come, oldest first
	Outages  []Outage       // oldest first
	PausedAt time.Time      // when somebody paused it, zero when it is not paused
	PausedBy string         // as the audit log names them, may be empty
}

// HeartbeatList is one page of the list for people, and what stands around it.
type HeartbeatList struct {
	Rows         []HeartbeatHistory
	Before       int    // rows of the pages before this one
	Total        int    // rows of all pages
	Prev, Next   string // cursors, empty at either end
	Tally        StatusCounts
	Standing     store.NavCounts
	Tags         []TagCount // the most used
	TagTotal     int
	DuePerMinute [60]int // pings due in each minute from now
	Newest       NewestKeys
}

// listPosition is the place of a page in the list, as its cursor holds it.
type listPosition struct {
	Sort       string            `json:"s"`
	Mark       store.RowPosition `json:"m"`
	Backwards  bool              `json:"b,omitempty"`
	RowsBefore int               `json:"r"` // before the page that it leads to, as far as known
}

// String is the spot as an opaque cursor.
func (s listPosition) String() string {
	b, _ := json.Marshal(s) // texts and numbers always marshal
	return base64.RawURLEncoding.EncodeToString(b)
}

// position reads the cursor of a query. One from another order, or one that nobody
// here wrote, is the beginning: a stale link still shows a list.
func (q HeartbeatListQuery) position() listPosition {
	var s listPosition
	b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil || json.Unmarshal(b, &s) != nil || s.Sort != q.Sort || s.Mark.Key < 1 || !isSearchable(s.Mark.Text) || s.RowsBefore < 0 {
		return listPosition{Sort: q.Sort}
	}
	return s
}

// storeFilter is the query for the store. Texts that no row can hold find nothing.
func (q HeartbeatListQuery) storeFilter(a auth.Actor) store.OverviewFilter {
	f := store.OverviewFilter{
		Project: a.Project.Key, Status: monitor.Status(q.Status), Tag: q.Tag, Text: q.Text, SearchIDs: a.SeesPingURLs(),
		Running: q.Running, Sort: q.Sort, Limit: min(max(q.Limit, 1), MaxLimit),
	}
	for _, text := range []*string{&f.Tag, &f.Text, (*string)(&f.Status)} {
		if !isSearchable(*text) {
			*text = "\uFFFD"
		}
	}
	return f
}

// HeartbeatList lists heartbeats for people.
func (d *Service) HeartbeatList(ctx context.Context, a auth.Actor, q HeartbeatListQuery) (o HeartbeatList, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return o, err
	}
	f, at, now := q.storeFilter(a), q.position(), currentTime()
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		o = HeartbeatList{}
		if o.Total, err = tx.CountOverview(f); err != nil {
			return err
		}
		if err := o.readSurroundings(tx, a, now); err != nil {
			return err
		}
		return o.readPage(tx, a, f, at)
	})
	return o, err
}

// readSurroundings reads what stands around the list.
func (o *HeartbeatList) readSurroundings(tx *store.Tx, a auth.Actor, now time.Time) (err error) {
	if o.Standing, err = tx.NavCounts(a.Project.Key); err != nil {
		return err
	}
	if o.Tally, err = tx.StatusCounts(a.Project.Key); err != nil {
		return err
	}
	if o.Tags, o.TagTotal, err = tx.TopTags(a.Project.Key, maxMenuTags); err != nil {
		return err
	}
	if o.Newest, err = tx.NewestIDs(a.Project.Key); err != nil {
		return err
	}
	if err := redactTags(tx, a, o.Tags); err != nil {
		return err
	}
	o.DuePerMinute, err = tx.ExpectedByMinute(a.Project.Key, now)
	return err
}

// readPage reads the rows at a spot, one more than are shown to know whether there
// are others beyond.
func (o *HeartbeatList) readPage(tx *store.Tx, a auth.Actor, f store.OverviewFilter, at listPosition) error {
	limit := f.Limit
	f.From, f.Backwards, f.Limit = at.Mark, at.Backwards, limit+1
	rows, err := tx.OverviewPage(f)
	if err != nil {
		return err
	}
	more := len(rows) > limit
	if more && at.Backwards {
		rows = rows[1:]
	} else if more {
		rows = rows[:limit]
	}
	o.Before = min(at.RowsBefore, max(o.Total-len(rows), 0))
	if at.Backwards && !more || at.Mark.Key == 0 {
		o.Before = 0
	}
	if len(rows) > 0 {
		first, last, err := rowPositions(tx, f, rows)
		if err != nil {
			return err
		}
		if at.Backwards && more || !at.Backwards && at.Mark.Key > 0 {
			o.Prev = listPosition{f.Sort, first, true, max(o.Before-limit, 0)}.String()
		}
		if more && !at.Backwards || at.Backwards {
			o.Next = listPosition{f.Sort, last, false, o.Before + len(rows)}.String()
		}
	}
	o.Rows, err = withHistory(tx, a, rows)
	return err
}

// rowPositions are the places of the first and the last of the rows.
func rowPositions(tx *store.Tx, f store.OverviewFilter, rows []monitor.Heartbeat) (first, last store.RowPosition, err error) {
	if first, err = tx.RowPosition(f.Sort, rows[0].Key); err != nil {
		return first, last, err
	}
	last, err = tx.RowPosition(f.Sort, rows[len(rows)-1].Key)
	return first, last, err
}

// withHistory adds to heartbeats what lately became of their runs.
func withHistory(tx *store.Tx, a auth.Actor, list []monitor.Heartbeat) ([]HeartbeatHistory, error) {
	if len(list) == 0 {
		return []HeartbeatHistory{}, nil
	}
	keys := make([]int64, 0, len(list))
	var paused []string
	for _, h := range list {
		keys = append(keys, h.Key)
		if h.Status == monitor.Paused {
			paused = append(paused, heartbeatLabel(h))
		}
	}
	pings, err := tx.RecentPings(keys, maxRecentPings)
	if err != nil {
		return nil, err
	}
	slots, err := tx.RecentRunHistory(keys, maxRecentSpans)
	if err != nil {
		return nil, err
	}
	now := currentTime()
	since := now
	for _, of := range pings {
		if of[0].At.Before(since) {
			since = of[0].At
		}
	}
	outages, err := tx.Outages(keys, since, maxOutages)
	if err != nil {
		return nil, err
	}
	pausedBy, err := tx.LastAuditActions(a.Project.Key, "heartbeat.pause", paused)
	if err != nil {
		return nil, err
	}
	shown := slices.Clone(list)
	if err := redactHeartbeats(tx, a, shown); err != nil {
		return nil, err
	}
	all := make([]HeartbeatHistory, 0, len(list))
	for n, h := range list {
		w := HeartbeatHistory{Heartbeat: shown[n], Pings: pings[h.Key], Outages: outages[h.Key]}
		w.Spans = append(slots[h.Key], h.UnstoredSpans(now, maxRecentSpans)...)
		w.setPaused(pausedBy[heartbeatLabel(h)])
		all = append(all, w)
	}
	return all, nil
}

// setPaused notes who paused it. Whose name the audit log does not know, because
// the heartbeat was renamed since, was paused when it last heard of anything.
func (w *HeartbeatHistory) setPaused(by store.AuditAction) {
	if w.Status != monitor.Paused {
		return
	}
	w.PausedAt, w.PausedBy = by.At, by.Actor
	if by.At.IsZero() {
		w.PausedAt = w.StaleBefore
	}
}

// HeartbeatsByKey reads the heartbeats with the given keys again, in the order of the
// keys and without those that are gone, and how many of the project are Down.
func (d *Service) HeartbeatsByKey(ctx context.Context, a auth.Actor, keys []int64) (rows []HeartbeatHistory, down int, err error) {
	if err := authorize(a, auth.Read); err != nil {
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
		if rows, err = withHistory(tx, a, list); err != nil {
			return err
		}
		tally, err := tx.StatusCounts(a.Project.Key)
		down = tally.ByStatus[monitor.Down]
		return err
	})
	return rows, down, err
}

// HeartbeatDigests tells cheaply whether anything about heartbeats has changed: then the
// answer differs from the one before.
func (d *Service) HeartbeatDigests(ctx context.Context, a auth.Actor, keys []int64) (pulses []HeartbeatDigest, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return nil, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		pulses, err = tx.HeartbeatFingerprints(slices.Sorted(slices.Values(keys)))
		return err
	})
	return pulses, err
}
