package postgres

import "sync"

// RowCache contains the rows that this node read or wrote last, by id. It has two parts:
// when the recent one is full, it replaces the past one. A row of the past part that is used
// again moves to the recent one. So rows that are not used are dropped. It is safe for
// concurrent use.
type RowCache[T any] struct {
	mu           sync.Mutex
	max          int // rows of each part
	recent, past map[string]*T
}

// NewRowCache returns a cache of at most max rows.
func NewRowCache[T any](max int) *RowCache[T] {
	return &RowCache[T]{max: max / 2, recent: map[string]*T{}}
}

// Lookup returns the rows in the cache with the given ids. They must not be changed.
func (c *RowCache[T]) Lookup(ids []string) map[string]*T {
	found := make(map[string]*T, len(ids))
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		row := c.recent[id]
		if row == nil {
			if row = c.past[id]; row == nil {
				continue
			}
			c.put(id, row)
		}
		found[id] = row
	}
	return found
}

// Put adds rows.
func (c *RowCache[T]) Put(rows map[string]*T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, row := range rows {
		c.put(id, row)
	}
}

// put adds a row. The caller holds the lock.
func (c *RowCache[T]) put(id string, row *T) {
	if len(c.recent) >= c.max {
		c.recent, c.past = map[string]*T{}, c.recent
	}
	c.recent[id] = row
}

// Forget removes a row.
func (c *RowCache[T]) Forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.recent, id)
	delete(c.past, id)
}
