package manage

import (
	"encoding/base64"
	"encoding/json"

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
