package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"overdue/internal/store"
)

// memoryRelease returns the memory of a burst of pings to the system after the
// burst. The runtime alone takes minutes.
type memoryRelease struct {
	stored     func() int64 // pings stored so far
	db         *store.DB
	lastStored int64
	inBurst    bool // a burst has used memory
	gcPercent  int  // that adjustCollector has set; 0: none
}

// When a burst starts and ends, in pings per interval.
const (
	burstStart     = 5000
	burstEnd       = 100
	memoryInterval = time.Second
)

// listIndexKept is the time after its last use for which the index of lists stays in memory.
const listIndexKept = 15 * time.Minute

// run is one turn of the loop "memory".
func (m *memoryRelease) run(ctx context.Context, _ time.Time) (time.Duration, error) {
	stored := m.stored()
	came := stored - m.lastStored
	m.lastStored = stored
	switch {
	case came > burstStart:
		m.inBurst = true
	case m.inBurst && came < burstEnd:
		if err := m.db.ReleaseMemory(ctx); err != nil {
			return 0, err
		}
		debug.FreeOSMemory()
		m.inBurst = false
	}
	if m.db.ReleaseListIndex(time.Now().Add(-listIndexKept)) {
		debug.FreeOSMemory()
	}
	m.adjustCollector()
	return memoryInterval, nil
}

// adjustCollector lets the heap grow before a collection by a multiple of its size, but not
// by more than maxGarbage: during a burst, that saves time; otherwise there is little garbage.
// The index of lists does not count: it is large and hardly changes.
func (m *memoryRelease) adjustCollector() {
	if os.Getenv("GOGC") != "" {
		return
	}
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	percent := collectorPercent(int64(sample[0].Value.Uint64()), m.db.ListIndexBytes(), m.inBurst)
	if percent == m.gcPercent || m.gcPercent == 0 && percent == gcPercent {
		return
	}
	debug.SetGCPercent(percent)
	m.gcPercent = percent
}

// collectorPercent returns the value of GOGC for a live heap that contains an index of lists,
// both in bytes.
func collectorPercent(live, index int64, inBurst bool) int {
	limit := int64(idleGCPercent)
	if inBurst {
		limit = gcPercent
	}
	if live == 0 { // before the first collection
		return int(limit)
	}
	if live <= index { // the index was loaded after the last collection
		index = 0
	}
	garbage := min((live-index)*limit/100, maxGarbage)
	// In steps, because each change stops all goroutines for a moment.
	return int(max(minGCPercent, garbage*100/live/gcPercentStep*gcPercentStep))
}

// Limits of collectorPercent.
const (
	maxGarbage    = 128 << 20 // bytes
	idleGCPercent = 100
	minGCPercent  = 25
	gcPercentStep = 25
)
