package ingest

import (
	"fmt"
	"sync"
	"time"
)

// When failed pings mean that no ping can be stored. Failures of one heartbeat
// are not enough: another session may have locked its row. Failures expire,
// because a load balancer that avoids this node sends no ping that could clear
// them.
const (
	failureThreshold = 3 // heartbeats
	failureExpiry    = 30 * time.Second
)

// failures counts the heartbeats whose pings failed since the last stored batch.
type failures struct {
	mu   sync.Mutex
	ids  map[string]bool // at most failureThreshold
	last time.Time
	err  error
}

// record records the result of a batch.
func (f *failures) record(now time.Time, gathered *batch, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		clear(f.ids)
		return
	}
	if f.ids == nil {
		f.ids = map[string]bool{}
	}
	for _, w := range gathered.pings {
		if len(f.ids) < failureThreshold {
			f.ids[w.id] = true
		}
	}
	f.last, f.err = now, err
}

// reset forgets all failures.
func (f *failures) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.ids)
}

// check returns the last error if several heartbeats failed and no batch was
// stored since.
func (f *failures) check(now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.ids) < failureThreshold || now.Sub(f.last) > failureExpiry {
		return nil
	}
	return fmt.Errorf("ping batches: the last ones were not stored: %w", f.err)
}
