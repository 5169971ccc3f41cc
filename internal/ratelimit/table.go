package ratelimit

import (
	"cmp"
	"slices"
	"time"
)

// MaxKeys is the maximum number of keys of a Limiter or a Counter.
const MaxKeys = 10_000

// state is the stored state of one key.
type state interface {
	// idle reports whether the key is like one that was never used.
	idle(now time.Time) bool
	// pressure returns how close the key is to its limit. Only the order matters.
	pressure(now time.Time) float64
}

// table stores a state for each key. It is not safe for concurrent use.
type table[S state] map[string]S

// add stores the state of a new key and makes room for it.
func (t table[S]) add(key string, s S, now time.Time) {
	if len(t) >= MaxKeys {
		t.evict(now)
	}
	t[key] = s
}

// evict drops idle keys. If there are none, it drops the quarter with the lowest
// pressure: a whole quarter, because each pass over the table takes milliseconds.
func (t table[S]) evict(now time.Time) {
	type ranked struct {
		key      string
		pressure float64
	}
	var all []ranked
	for key, s := range t {
		if s.idle(now) {
			delete(t, key)
			continue
		}
		all = append(all, ranked{key, s.pressure(now)})
	}
	if len(t) < MaxKeys {
		return
	}
	slices.SortFunc(all, func(a, b ranked) int { return cmp.Compare(a.pressure, b.pressure) })
	for _, r := range all[:MaxKeys/4] {
		delete(t, r.key)
	}
}
