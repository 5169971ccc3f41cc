package manage

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// How many items a page of a list has.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// PageQuery says which part of a list is wanted. The zero Page is its beginning.
type PageQuery struct {
	Limit  int    // items, 0 for the usual number
	Cursor string // Next of the page before
}

// ListPage is one page of a list. Next is empty on the last.
type ListPage[T any] struct {
	Items []T
	Next  string
}

// listCursor is where a page ended. It says of which list and in which order,
// because it means nothing in another.
type listCursor struct {
	List string `json:"l"`
	store.Cursor
}

// String is the place as an opaque cursor.
func (p listCursor) String() string {
	b, _ := json.Marshal(p) // texts and a number always marshal
	return base64.RawURLEncoding.EncodeToString(b)
}

// position returns where a page begins in the given list, and how many items it
// has. The zero Cursor is the beginning.
func (p PageQuery) position(list string) (store.Cursor, int, error) {
	limit := p.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	if limit < 1 || limit > MaxLimit {
		return store.Cursor{}, 0, monitor.Faultf(monitor.Invalid, "limit", "Ask for 1 to %d items on a page.", MaxLimit)
	}
	if p.Cursor == "" {
		return store.Cursor{}, limit, nil
	}
	var at listCursor
	b, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil || json.Unmarshal(b, &at) != nil || at.List != list || at.Key < 1 || !isSearchable(at.Value) {
		return store.Cursor{}, 0, monitor.Faultf(monitor.Invalid, "cursor",
			"This cursor is not from this list in this order: begin without one.")
	}
	return at.Cursor, limit, nil
}

// paginate makes a listing of up to limit items out of one more than that, if there
// are so many. key tells the place of an item.
func paginate[T any](items []T, limit int, list string, key func(T) int64) ListPage[T] {
	if len(items) <= limit {
		return ListPage[T]{Items: items}
	}
	items = items[:limit]
	return ListPage[T]{Items: items, Next: listCursor{list, store.Cursor{Key: key(items[limit-1])}}.String()}
}

// MaxExportRows bounds the rows of a file, and exportBatch how many of them are
// read at a time: a file is never in memory as a whole.
const (
	MaxExportRows = 10_000
	exportBatch   = 500
)

// ExportEvents hands the event log of a heartbeat to each, in parts, newest
// first and without bodies. No transaction is open meanwhile, however slow each
// is. It reports whether there are more than it may hand out.
func (d *Service) ExportEvents(ctx context.Context, a auth.Actor, idOrRef, kind string, each func([]monitor.Ping) error) (more bool, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return false, err
	}
	var h monitor.Heartbeat
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		h, err = findHeartbeat(tx, a, idOrRef)
		return err
	})
	if err != nil {
		return false, err
	}
	if err := d.auditExport(ctx, a, auditEntry{action: "heartbeat.export", target: heartbeatLabel(h)}); err != nil {
		return false, err
	}
	before := int64(0)
	return exportBatches(each, func() (part []monitor.Ping, err error) {
		err = d.db.View(ctx, func(tx *store.Tx) (err error) {
			part, err = tx.PingLog(store.PingLogFilter{Heartbeat: h.Key, Kind: eventKinds[kind], Before: before, Limit: exportBatch})
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

// ExportIncidents hands the incidents that a query finds to each, like
// [Service.ExportEvents].
func (d *Service) ExportIncidents(ctx context.Context, a auth.Actor, q IncidentListQuery, each func([]monitor.Incident) error) (more bool, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return false, err
	}
	if err := d.auditExport(ctx, a, auditEntry{action: "incident.export", target: "incidents"}); err != nil {
		return false, err
	}
	s := q.storeFilter(a)
	s.From, s.Backwards, s.Limit = 0, false, exportBatch
	return exportBatches(each, func() (part []monitor.Incident, err error) {
		err = d.db.View(ctx, func(tx *store.Tx) (err error) {
			if part, err = tx.SearchIncidents(s); err != nil {
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

// auditExport records a download before its first row leaves.
func (d *Service) auditExport(ctx context.Context, a auth.Actor, what auditEntry) error {
	return d.db.Update(ctx, func(tx *store.Tx) error { return writeAudit(tx, a, currentTime(), what) })
}

// exportBatches reads parts until one is not full, or there are enough.
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
