package manage

import (
	"context"
	"slices"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Types of the store that pages use unchanged.
type (
	Outage          = store.Outage
	StatusCounts    = store.StatusCounts
	TagCount        = store.TagCount
	HeartbeatDigest = store.HeartbeatFingerprint
)

// Limits of the list of heartbeats.
const (
	maxRecentPings = 90  // of each heartbeat: starts, logs and ends of about 30 runs
	maxRecentSpans = 30  // spans of each heartbeat
	maxOutages     = 500 // of all heartbeats of a page together
	maxMenuTags    = 200 // in the tag menu
	maxFilterTags  = 20  // of a query, as many as a heartbeat can have
)

// HeartbeatListQuery filters and sorts the list of heartbeats, for the API and for the pages. An
// empty member does not filter.
type HeartbeatListQuery struct {
	Status  string
	Tags    []string // a heartbeat matches if it has all of them
	Text    string   // in name, slug, description or tag, or the beginning of an id
	Running bool     // only with a run in progress
	Sort    string   // one of heartbeatSorts
	Limit   int
	Cursor  string // Prev or Next of another page
}

// heartbeatSorts are the orders of the list of heartbeats, the default first.
var heartbeatSorts = []string{"", "name", "created", "due", "last", "slowest"}

// HeartbeatHistory is a heartbeat with its recent runs.
type HeartbeatHistory struct {
	monitor.Heartbeat
	Pings    []monitor.Ping // that ended a run, oldest first, without bodies
	Spans    []monitor.Span // outcomes of the slots so far, oldest first
	Outages  []Outage       // oldest first
	PausedAt time.Time      // zero if it is not paused
	PausedBy string         // from the audit log, may be empty
}

// HeartbeatList is one page of the list of heartbeats, with counts for the rest of the list.
type HeartbeatList struct {
	Rows         []HeartbeatHistory
	Before       int    // number of rows on the pages before
	Total        int    // number of rows on all pages
	Prev, Next   string // cursors, empty at either end
	Tally        StatusCounts
	Standing     store.NavCounts
	Tags         []TagCount // the most used
	TagTotal     int
	DuePerMinute [60]int // pings due in each minute from now
	Newest       NewestKeys
}

// list names the list in its order, for cursors.
func (q HeartbeatListQuery) list() string { return "heartbeats/" + q.Sort }

// validate returns the faults of the query. The pages skip it: an outdated link still shows a list.
func (q HeartbeatListQuery) validate() error {
	v := &validator{}
	if q.Status != "" && !slices.Contains(monitor.Statuses, monitor.Status(q.Status)) {
		v.reject("status", "There is no status %q: use new, up, late, down or paused.", q.Status)
	}
	if !slices.Contains(heartbeatSorts, q.Sort) {
		v.reject("sort", "There is no order %q: use %s.", q.Sort, joinWithOr(heartbeatSorts[1:]))
	}
	if slices.ContainsFunc(q.Tags, func(tag string) bool { return !isSearchable(tag) }) {
		v.reject("tag", "A tag cannot contain control characters: remove them.")
	}
	if !isSearchable(q.Text) {
		v.reject("q", "The search text contains a control character: remove it.")
	}
	return v.err()
}

// storeFilter returns the filter of the store. Texts that no row can contain find nothing.
func (q HeartbeatListQuery) storeFilter(a auth.Actor) store.HeartbeatFilter {
	f := store.HeartbeatFilter{
		Project: a.Project.Key, Status: monitor.Status(q.Status), Tags: slices.Clone(q.Tags[:min(len(q.Tags), maxFilterTags)]), Text: q.Text, SearchIDs: a.SeesPingURLs(),
		Running: q.Running, Sort: q.Sort,
	}
	texts := []*string{&f.Text, (*string)(&f.Status)}
	for n := range f.Tags {
		texts = append(texts, &f.Tags[n])
	}
	for _, text := range texts {
		if !isSearchable(*text) {
			*text = noMatch
		}
	}
	return f
}

// heartbeatPage is one page of heartbeats with its cursors.
type heartbeatPage struct {
	rows       []monitor.Heartbeat
	before     int
	total      int // of all pages
	prev, next string
}

// readHeartbeatPage reads the page at a position.
func readHeartbeatPage(tx *store.Tx, f store.HeartbeatFilter, at listPosition, limit int) (heartbeatPage, error) {
	f.From, f.Backwards, f.Limit = at.Row, at.Backwards, limit+1
	found, total, err := tx.SelectHeartbeats(f)
	if err != nil {
		return heartbeatPage{}, err
	}
	b := boundsOf(len(found), limit, total, at)
	found = found[b.from:b.to]
	p := heartbeatPage{before: b.before, total: total}
	if b.hasPrev {
		p.prev = at.prev(found[0], b.before-limit)
	}
	if b.hasNext {
		p.next = at.next(found[len(found)-1], b.before+len(found))
	}
	p.rows, err = tx.HeartbeatsAt(found)
	return p, err
}

// Heartbeats lists the heartbeats of the actor's project.
func (svc *Service) Heartbeats(ctx context.Context, a auth.Actor, q HeartbeatListQuery) (page ListPage[monitor.Heartbeat], err error) {
	if err := authorize(a, auth.Read); err != nil {
		return page, err
	}
	if err := q.validate(); err != nil {
		return page, err
	}
	at, limit, err := validPosition(q.list(), q.Cursor, q.Limit)
	if err != nil {
		return page, err
	}
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) error {
		found, err := readHeartbeatPage(tx, q.storeFilter(a), at, limit)
		if err != nil {
			return err
		}
		page = ListPage[monitor.Heartbeat]{Items: found.rows, Next: found.next}
		return redactHeartbeats(tx, a, page.Items)
	})
	return page, err
}

// HeartbeatList is Heartbeats for the pages: with the recent runs, and the counts around the list.
func (svc *Service) HeartbeatList(ctx context.Context, a auth.Actor, q HeartbeatListQuery) (o HeartbeatList, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return o, err
	}
	f, now := q.storeFilter(a), svc.currentTime()
	at, _ := parsePosition(q.list(), q.Cursor)
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) (err error) {
		o = HeartbeatList{}
		if err := o.readSurroundings(tx, a, now); err != nil {
			return err
		}
		found, err := readHeartbeatPage(tx, f, at, clampLimit(q.Limit))
		if err != nil {
			return err
		}
		o.Before, o.Total, o.Prev, o.Next = found.before, found.total, found.prev, found.next
		o.Rows, err = withHistory(tx, a, found.rows)
		return err
	})
	return o, err
}

// readSurroundings reads the counts around the list.
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

// withHistory adds the recent runs to heartbeats.
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
	now := tx.Now()
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

// setPaused sets who paused the heartbeat and when. If it was renamed since, the audit log
// does not contain its name; then the time of its last event is used.
func (w *HeartbeatHistory) setPaused(by store.AuditAction) {
	if w.Status != monitor.Paused {
		return
	}
	w.PausedAt, w.PausedBy = by.At, by.Actor
	if by.At.IsZero() {
		w.PausedAt = w.StaleBefore
	}
}

// HeartbeatsByKey reads heartbeats in the order of the keys, without deleted ones, and
// counts those of the project that are Down.
func (svc *Service) HeartbeatsByKey(ctx context.Context, a auth.Actor, keys []int64) (rows []HeartbeatHistory, down int, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return nil, 0, err
	}
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) error {
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

// HeartbeatDigests detects cheaply whether heartbeats have changed: then the result differs
// from the one before. It checks no right: the caller must show the result to no one.
func (svc *Service) HeartbeatDigests(ctx context.Context, keys []int64) (pulses []HeartbeatDigest, err error) {
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
		pulses, err = tx.HeartbeatFingerprints(slices.Sorted(slices.Values(keys)))
		return err
	})
	return pulses, err
}

// NewestHeartbeats lists up to n heartbeats of the actor's project, the most recently
// created first.
func (svc *Service) NewestHeartbeats(ctx context.Context, a auth.Actor, n int) (list []monitor.Heartbeat, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return nil, err
	}
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) (err error) {
		if list, err = tx.NewestHeartbeats(a.Project.Key, n); err != nil {
			return err
		}
		return redactHeartbeats(tx, a, list)
	})
	return list, err
}

// NewHeartbeatMatches counts the matches of a list in addition to the heartbeats with the
// given keys, which the page showed when since was the newest.
func (svc *Service) NewHeartbeatMatches(ctx context.Context, a auth.Actor, q HeartbeatListQuery, since NewestKeys, shown []int64) (n NewMatches, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return n, err
	}
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.NewHeartbeatMatches(q.storeFilter(a), since, shown)
		return err
	})
	return n, err
}

// HeartbeatKeys returns the keys of heartbeats by ref. It omits deleted ones.
func (svc *Service) HeartbeatKeys(ctx context.Context, a auth.Actor, refs []string) (keys []int64, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return nil, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.HeartbeatKeys(a.Project.Key, refs)
		return err
	})
	return keys, err
}
