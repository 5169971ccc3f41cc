package manage

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Number of items of a page.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// PageQuery selects a page of a list. The zero value is the first page.
type PageQuery struct {
	Limit  int    // number of items, 0 for the default
	Cursor string // Next of the page before
}

// ListPage is one page of a list. Next is empty on the last page.
type ListPage[T any] struct {
	Items []T
	Next  string
}

// listCursor is the end of a page. It names the list and its order, because it is invalid
// in another.
type listCursor struct {
	List string `json:"l"`
	store.Cursor
}

// String encodes the cursor.
func (p listCursor) String() string {
	b, _ := json.Marshal(p) // texts and a number always marshal
	return base64.RawURLEncoding.EncodeToString(b)
}

// position returns the start of the page in the given list, and its length. The zero Cursor
// is the beginning.
func (p PageQuery) position(list string) (store.Cursor, int, error) {
	limit := p.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	if limit < 1 || limit > MaxLimit {
		return store.Cursor{}, 0, errLimit()
	}
	if p.Cursor == "" {
		return store.Cursor{}, limit, nil
	}
	var at listCursor
	b, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil || json.Unmarshal(b, &at) != nil || at.List != list || at.Key < 1 || !isSearchable(at.Value) {
		return store.Cursor{}, 0, errCursor()
	}
	return at.Cursor, limit, nil
}

// noMatch is a text that no row contains.
const noMatch = "\uFFFD"

// listPosition is the row next to which a page begins, as its cursor contains it. The zero Row is the
// beginning of the list.
type listPosition struct {
	List       string            `json:"l"` // with its order
	Row        store.RowPosition `json:"p"`
	Backwards  bool              `json:"b,omitempty"` // the page ends before the row
	RowsBefore int               `json:"n"`           // number of rows on the pages before, as far as known
}

// parsePosition decodes a cursor. It returns the beginning of the list and false for a cursor of
// another list or order, and for one that is not a cursor.
func parsePosition(list, cursor string) (listPosition, bool) {
	start := listPosition{List: list}
	if cursor == "" {
		return start, true
	}
	var p listPosition
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || json.Unmarshal(b, &p) != nil || p.List != list || p.Row.Key < 1 || !isSearchable(p.Row.Text) || p.RowsBefore < 0 {
		return start, false
	}
	return p, true
}

// validPosition is parsePosition with faults for an invalid cursor or limit. It also returns the limit.
func validPosition(list, cursor string, limit int) (listPosition, int, error) {
	if limit == 0 {
		limit = DefaultLimit
	}
	if limit < 1 || limit > MaxLimit {
		return listPosition{}, 0, errLimit()
	}
	p, ok := parsePosition(list, cursor)
	if !ok {
		return listPosition{}, 0, errCursor()
	}
	return p, limit, nil
}

// clampLimit returns the nearest valid limit.
func clampLimit(limit int) int { return min(max(limit, 1), MaxLimit) }

// errLimit is the fault of an invalid limit.
func errLimit() error {
	return monitor.Faultf(monitor.Invalid, "limit", "limit must be between 1 and %d.", MaxLimit)
}

// errCursor is the fault of a cursor that does not belong to the list.
func errCursor() error {
	return monitor.Faultf(monitor.Invalid, "cursor", "The cursor belongs to another list or order: omit it to start at the first page.")
}

// prev encodes the cursor of the page before row; before is the number of rows before that page.
func (p listPosition) prev(row store.RowPosition, before int) string {
	return listPosition{p.List, row, true, max(before, 0)}.encode()
}

// next encodes the cursor of the page after row; before is the number of rows before that page.
func (p listPosition) next(row store.RowPosition, before int) string {
	return listPosition{p.List, row, false, before}.encode()
}

// encode returns the position as an opaque text.
func (p listPosition) encode() string {
	b, _ := json.Marshal(p) // texts and numbers always marshal
	return base64.RawURLEncoding.EncodeToString(b)
}

// pageBounds are the bounds of a page within the rows that were read, and within the list.
type pageBounds struct {
	from, to         int // of the rows that were read
	before           int // number of rows on the pages before
	hasPrev, hasNext bool
}

// boundsOf returns the bounds of the page at a position. read is the number of rows that were read:
// limit, and one more if there are others beyond.
func boundsOf(read, limit, total int, at listPosition) pageBounds {
	more := read > limit
	b := pageBounds{to: min(read, limit)}
	if more && at.Backwards {
		b.from, b.to = 1, read
	}
	b.before = min(at.RowsBefore, max(total-(b.to-b.from), 0))
	if at.Backwards && !more || at.Row.Key == 0 {
		b.before = 0
	}
	if b.to > b.from {
		b.hasPrev = at.Backwards && more || !at.Backwards && at.Row.Key > 0
		b.hasNext = at.Backwards || more
	}
	return b
}

// paginate returns a page of at most limit items. items contains one more item if there is
// a next page. key returns the position of an item.
func paginate[T any](items []T, limit int, list string, key func(T) int64) ListPage[T] {
	if len(items) <= limit {
		return ListPage[T]{Items: items}
	}
	items = items[:limit]
	return ListPage[T]{Items: items, Next: listCursor{list, store.Cursor{Key: key(items[limit-1])}}.String()}
}

// MaxExportRows is the maximum number of rows of a file. exportBatch rows are read at a
// time, so a file is never in memory as a whole.
const (
	MaxExportRows = 10_000
	exportBatch   = 500
)

// ExportEvents passes the events of a heartbeat that match the kind and the days of q to
// each in batches, newest first and without bodies. No transaction is open meanwhile, however slow each is. more reports
// whether the limit cut the export.
func (svc *Service) ExportEvents(ctx context.Context, a auth.Actor, idOrRef string, q HeartbeatDetailQuery, each func([]monitor.Ping) error) (more bool, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return false, err
	}
	var h monitor.Heartbeat
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
		h, err = findHeartbeat(tx, a, idOrRef)
		return err
	})
	if err != nil {
		return false, err
	}
	if err := svc.auditExport(ctx, a, auditEntry{action: "heartbeat.export", target: heartbeatLabel(h)}); err != nil {
		return false, err
	}
	before := int64(0)
	return exportBatches(each, func() (part []monitor.Ping, err error) {
		err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
			part, err = tx.PingLog(store.PingLogFilter{Heartbeat: h.Key, Kind: eventKinds[q.Kind], Since: q.Since, Until: q.Until, Before: before, Limit: exportBatch})
			if err != nil {
				return err
			}
			return redactPings(tx, a, h.ID, part)
		})
		if n := len(part); n > 0 {
			before = part[n-1].Number
		}
		return part, err
	})
}

// ExportIncidents passes the incidents of a filter to each, like [Service.ExportEvents].
func (svc *Service) ExportIncidents(ctx context.Context, a auth.Actor, q IncidentListQuery, each func([]monitor.Incident) error) (more bool, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return false, err
	}
	if err := svc.auditExport(ctx, a, auditEntry{action: "incident.export", target: "incidents"}); err != nil {
		return false, err
	}
	s := q.storeFilter(a)
	s.From, s.Backwards, s.Limit = 0, false, exportBatch
	return exportBatches(each, func() (part []monitor.Incident, err error) {
		err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
			if part, err = tx.Incidents(s); err != nil {
				return err
			}
			return redactIncidents(tx, a, part)
		})
		for _, i := range part {
			s.From = i.Number
		}
		return part, err
	})
}

// auditExport records a download before the first row is sent.
func (svc *Service) auditExport(ctx context.Context, a auth.Actor, what auditEntry) error {
	return svc.db.Update(ctx, func(tx *store.Tx) error { return writeAudit(tx, a, svc.currentTime(), what) })
}

// exportBatches reads batches until one is not full, or the limit is reached.
func exportBatches[T any](each func([]T) error, next func() ([]T, error)) (more bool, err error) {
	for n := 0; n < MaxExportRows; n += exportBatch {
		part, err := next()
		if err != nil {
			return false, err
		}
		if err := each(part); err != nil {
			return false, err
		}
		if len(part) < exportBatch {
			return false, nil
		}
	}
	return true, nil
}
