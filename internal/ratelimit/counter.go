package ratelimit

import (
	"sync"
	"time"
)

// Counter counts events per key in fixed windows. The window of a key starts with
// its first event. A Counter is safe for concurrent use.
type Counter struct {
	window time.Duration

	mu     sync.Mutex
	counts table[*count]
}

// count is the number of events of one key in the current window.
type count struct {
	n      int
	ends   time.Time
	window time.Duration
}

func (c *count) idle(now time.Time) bool { return !now.Before(c.ends) }

// pressure orders by the number of events, then by the end of the window.
func (c *count) pressure(now time.Time) float64 {
	return float64(c.n) + float64(c.ends.Sub(now))/float64(c.window+1)
}

// NewCounter returns a Counter without events.
func NewCounter(window time.Duration) *Counter {
	return &Counter{window: window, counts: table[*count]{}}
}

// Count returns the number of events of a key in its current window, and the end of
// that window.
func (c *Counter) Count(key string, now time.Time) (n int, ends time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, found := c.counts[key]; found && !s.idle(now) {
		return s.n, s.ends
	}
	return 0, now
}

// Add counts an event.
func (c *Counter) Add(key string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, found := c.counts[key]
	if !found || s.idle(now) {
		delete(c.counts, key)
		s = &count{ends: now.Add(c.window), window: c.window}
		c.counts.add(key, s, now)
	}
	s.n++
}

// Undo takes one event back.
func (c *Counter) Undo(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, found := c.counts[key]; found {
		if s.n--; s.n <= 0 {
			delete(c.counts, key)
		}
	}
}

// Reset removes the events of a key.
func (c *Counter) Reset(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.counts, key)
}

// ResetFunc removes the events of the keys that match.
func (c *Counter) ResetFunc(match func(key string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.counts {
		if match(key) {
			delete(c.counts, key)
		}
	}
}

// Len returns the number of keys.
func (c *Counter) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.counts)
}
