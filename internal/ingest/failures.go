package ingest

import (
	"fmt"
	"sync"
	"time"
)

// When failed pings mean that no ping can be stored. Failures of one heartbeat
// prove little: another session may have locked its row. Without new failures the
// verdict expires, because a load balancer that avoids this node sends it no ping
// that could clear it.
const (
	failureThreshold = 3 // heartbeats
	failureExpiry    = 30 * time.Second
)

// failures holds the heartbeats whose pings failed since the last stored batch.
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

// check returns the last failure when many heartbeats had one and no batch was
// stored since.
func (f *failures) check(now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.ids) < failureThreshold || now.Sub(f.last) > failureExpiry {
		return nil
	}
	return fmt.Errorf("ping batches: the last ones were not stored: %w", f.err)
}
