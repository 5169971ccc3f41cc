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

// readersSince is the time within which someone must have read pages or the API, so that a
// start loads the index of lists before the first list.
const readersSince = 24 * time.Hour

// preloadListIndex loads the index of lists in the background: with a million heartbeats that
// takes seconds, which the first list would wait for.
func (e *Engine) preloadListIndex(ctx context.Context) {
	if err := e.db.PreloadListIndex(ctx, e.db.Now().Add(-readersSince)); err != nil && ctx.Err() == nil {
		e.log.Warn("list index not loaded", "component", "store", "error", err)
	}
}

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

// adjustCollector lets the heap grow as much before a collection as it would without the
// index of lists, which is large and hardly changes.
func (m *memoryRelease) adjustCollector() {
	if os.Getenv("GOGC") != "" {
		return
	}
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	percent := percentWithIndex(int64(sample[0].Value.Uint64()), m.db.ListIndexBytes())
	if percent == m.gcPercent || m.gcPercent == 0 && percent == gcPercent {
		return
	}
	debug.SetGCPercent(percent)
	m.gcPercent = percent
}

// percentWithIndex returns the value of GOGC with which the rest of the live heap grows as without an
// index of the given size.
func percentWithIndex(live, index int64) int {
	if index < minAdjustedIndex || live <= index {
		return gcPercent
	}
	// In steps, because each change stops all goroutines for a moment.
	return int(max(minGCPercent, gcPercent*(live-index)/live/gcPercentStep*gcPercentStep))
}

// Limits of percentWithIndex.
const (
	minAdjustedIndex = 4 << 20 // bytes; a smaller index does not matter
	minGCPercent     = 50
	gcPercentStep    = 25
)
