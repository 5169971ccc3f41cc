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
	burst      burst
	gcPercent  int // that adjustCollector has set; 0: none
}

// When a burst starts and ends, in pings per interval, and for how long the heartbeats of a
// burst stay in memory: many jobs run once per minute.
const (
	burstStart     = 5000
	burstEnd       = 100
	memoryInterval = time.Second
	statesKept     = 2 * time.Minute
)

// burst is what memoryRelease knows about bursts of pings.
type burst struct {
	inProgress bool
	ended      time.Time // the last one, while its heartbeats are in memory; zero: none are
}

// observe records the number of pings of an interval. release means that a burst has ended,
// and forget that its heartbeats were not needed for long.
func (b *burst) observe(pings int64, now time.Time) (release, forget bool) {
	switch {
	case pings > burstStart:
		b.inProgress, b.ended = true, time.Time{}
	case b.inProgress && pings < burstEnd:
		b.inProgress, b.ended = false, now
		return true, false
	case !b.ended.IsZero() && now.Sub(b.ended) >= statesKept:
		b.ended = time.Time{}
		return true, true
	}
	return false, false
}

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
func (m *memoryRelease) run(ctx context.Context, now time.Time) (time.Duration, error) {
	stored := m.stored()
	came := stored - m.lastStored
	m.lastStored = stored
	before := m.burst
	if release, forget := m.burst.observe(came, now); release {
		if err := m.db.ReleaseMemory(ctx, forget); err != nil {
			m.burst = before // it tries again
			return 0, err
		}
		debug.FreeOSMemory()
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
	percent := collectorPercent(int64(sample[0].Value.Uint64()), m.db.ListIndexBytes(), m.burst.inProgress)
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
	maxGarbage    = 64 << 20 // bytes
	idleGCPercent = 100
	minGCPercent  = 25
	gcPercentStep = 25
)
