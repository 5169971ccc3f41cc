package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"
)

// PageQuery says which page of a list is wanted. The zero value is the first
// page, of the length that the server prefers.
type PageQuery struct {
	Limit  int    // items on a page; 0 lets the server choose
	Cursor string // NextCursor of the page before
}

func (q PageQuery) values() url.Values {
	v := url.Values{}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	setNonEmpty(v, "cursor", q.Cursor)
	return v
}

// setNonEmpty leaves out what is empty: an empty filter is not the same as none.
func setNonEmpty(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

// fetchPage fetches one page of a list.
func fetchPage[T any](ctx context.Context, c *Client, path string, query url.Values) (Page[T], error) {
	return fetchValue[Page[T]](ctx, c, call{method: "GET", path: path, query: query})
}

// iteratePages walks a list from one page to the next. It ends after the last item,
// after the first error, or when the server repeats its cursor, which would
// otherwise never end.
func iteratePages[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			got, err := fetchPage[T](ctx, c, path, query)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range got.Items {
				if !yield(item, nil) {
					return
				}
			}
			if got.NextCursor == nil || *got.NextCursor == query.Get("cursor") {
				return
			}
			query.Set("cursor", *got.NextCursor)
		}
	}
}
