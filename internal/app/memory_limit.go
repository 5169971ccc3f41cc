package app

import (
	"errors"
	"log/slog"
	"math"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// How a memory limit is divided.
const (
	// nonHeapFixed is the fixed amount outside of Go's heap: pages of the program,
	// stacks of threads, SQLite's WAL index.
	nonHeapFixed = 30 << 20
	// nonHeapShare is the share of the limit, outside of Go's heap, for SQLite's
	// page cache and the kernel's pages of files that are written.
	nonHeapShare = 0.1
	// minMemory is the lowest tested limit, in bytes.
	minMemory = 64 << 20
	// gcPercent allows the heap to grow sevenfold before a collection: the live
	// heap is small, and pings allocate much.
	gcPercent = 600
)

// memoryLimit is the number of bytes that the process may use, 0 for no limit.
type memoryLimit int64

// limitMemory applies the memory limit of the container (cgroup v1 or v2) to
// Go's garbage collector. GOGC and GOMEMLIMIT take precedence.
func limitMemory(log *slog.Logger) memoryLimit {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	container, err := memlimit.FromCgroup()
	if err != nil {
		container = 0
		if !errors.Is(err, memlimit.ErrNoLimit) && !errors.Is(err, memlimit.ErrNoCgroup) && !errors.Is(err, memlimit.ErrCgroupsNotSupported) {
			log.Warn("memory limit not read", "component", "memory", "error", err)
		}
	}
	limit := processLimit(container, debug.SetMemoryLimit(-1))
	if limit == 0 {
		return 0
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit.heapLimit())
	}
	if limit < minMemory {
		log.Warn("memory limit too low", "component", "memory", "limit_mib", limit>>20, "minimum_mib", minMemory>>20)
	}
	return limit
}

// processLimit returns the limit for the whole process: the lower of the
// container's limit and the limit that corresponds to the given limit of Go's heap.
func processLimit(container uint64, heap int64) memoryLimit {
	limit := memoryLimit(0)
	if container > 0 && container < math.MaxInt64 {
		limit = memoryLimit(container)
	}
	if heap == math.MaxInt64 {
		return limit
	}
	if whole := memoryLimit(float64(heap)/(1-nonHeapShare)) + nonHeapFixed; limit == 0 || whole < limit {
		return whole
	}
	return limit
}

// heapLimit returns the limit of Go's heap: at least half of the whole limit.
func (m memoryLimit) heapLimit() int64 {
	return max(int64(float64(m)*(1-nonHeapShare))-nonHeapFixed, int64(m)/2)
}

// bodyBudget returns the memory for ping bodies in progress, in bytes.
func (m memoryLimit) bodyBudget() int64 {
	const unlimited = 256 << 20
	if m == 0 {
		return unlimited
	}
	return min(int64(m)/8, unlimited)
}

// maxDeliveries returns the maximum number of concurrent sends. Each has a
// connection with buffers of about 100 kB.
func (m memoryLimit) maxDeliveries() int {
	const unlimited, each = 1024, 1 << 20
	if m == 0 {
		return unlimited
	}
	return min(int(m/each), unlimited)
}
