package postgres

import "sync"

// maxRemembered is the number of heartbeats in each of the two parts of Acknowledged.
const maxRemembered = 2048

// Acknowledged remembers how many pings of the last heartbeats were acknowledged. After
// a failover to a standby that had not received everything, the database has fewer. The
// zero value is ready to use.
type Acknowledged struct {
	mu           sync.Mutex
	recent, past map[int64]int64 // pings by key
}

// Record remembers the number of pings of each heartbeat. It never decreases.
func (a *Acknowledged) Record(pings map[int64]int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.recent == nil || len(a.recent) >= maxRemembered {
		a.recent, a.past = make(map[int64]int64, len(pings)), a.recent
	}
	for key, n := range pings {
		a.recent[key] = max(n, a.recent[key])
	}
}

// All returns the number of pings of each remembered heartbeat.
func (a *Acknowledged) All() map[int64]int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make(map[int64]int64, len(a.recent)+len(a.past))
	for _, part := range []map[int64]int64{a.past, a.recent} {
		for key, n := range part {
			all[key] = max(n, all[key])
		}
	}
	return all
}

// Forget forgets everything.
func (a *Acknowledged) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recent, a.past = nil, nil
}
