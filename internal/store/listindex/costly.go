package listindex

import (
	"sync"
	"time"
)

// CostlyResults caches the results of queries that read many rows. The zero CostlyResults is ready for
// use.
type CostlyResults struct {
	mu    sync.Mutex
	byKey map[string]costlyResult
}

// costlyResult is a value with the time at which it was read.
type costlyResult struct {
	value any
	at    time.Time
}

const (
	costlyRows       = 1000 // a result is cached if at least as many rows were read for it
	maxCostlyResults = 1000 // in memory
)

// Reuse returns the result of fn, or an earlier one with the same key if that is not older than maxAge. It
// keeps only results for which at least costlyRows rows were read, so small databases get exact results.
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
