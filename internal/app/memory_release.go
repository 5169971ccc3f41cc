package app

import (
	"context"
	"runtime/debug"
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
	return memoryInterval, nil
}
