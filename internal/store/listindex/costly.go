package listindex

import (
	"sync"
	"time"
)

// CostlyResults are results of queries that read many rows, for all readers. The zero CostlyResults is
// ready for use.
type CostlyResults struct {
	mu    sync.Mutex
	byKey map[string]costlyResult
}

// costlyResult is a value with the time of its reading.
type costlyResult struct {
	value any
	at    time.Time
}

const (
	costlyRows       = 1000 // of the database, from which a result is used again
	maxCostlyResults = 1000 // in memory
)

// Reuse returns the result of fn, or an earlier one of the same key if that read many rows and is not older
// than maxAge. The results of small databases are always exact.
func Reuse[T any](c *CostlyResults, maxAge time.Duration, key string, rows func(T) int, fn func() (T, error)) (T, error) {
	begun := time.Now()
	c.mu.Lock()
	found, ok := c.byKey[key]
	c.mu.Unlock()
	if ok && begun.Sub(found.at) < maxAge {
		return found.value.(T), nil
	}
	value, err := fn()
	if err != nil || rows(value) < costlyRows {
		return value, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey == nil || len(c.byKey) >= maxCostlyResults {
		c.byKey = map[string]costlyResult{}
	}
	c.byKey[key] = costlyResult{value, begun}
	return value, nil
}
