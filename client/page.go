package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"
)

// PageQuery selects a page of a list. The zero value is the first page with the default
// length of the server.
type PageQuery struct {
	Limit  int    // number of items; 0: the default of the server
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

// setNonEmpty omits empty values: the server treats an empty filter as a value.
func setNonEmpty(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

// fetchPage returns one page of a list.
func fetchPage[T any](ctx context.Context, c *Client, path string, query url.Values) (Page[T], error) {
	return fetchValue[Page[T]](ctx, c, call{method: "GET", path: path, query: query})
}

// iteratePages iterates over the items of a list. It ends after the last item, after the
// first error, or when the server repeats a cursor, which would loop otherwise.
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

// Page is one page of a list. NextCursor is null on the last.
type Page[T any] struct {
	Items      []T     `json:"items" nullable:"false"`
	NextCursor *string `json:"next_cursor"`
}
