package store

// memoryLimits bound what a SQLite store keeps in memory, and with it the files that are
// read back after a crash.
type memoryLimits struct {
	cacheKiB        int   // KiB of SQLite's page cache, for the connection that writes
	checkpointPages int   // pages in SQLite's WAL before they are copied to the file: each page that many pings touched is copied once
	flushThreshold  int   // pending pings that gather before any are put away: the more, the fewer pages each costs
	maxPending      int   // pending pings; then all are put away at once
	maxStates       int   // heartbeats kept in memory
	maxBodyBytes    int64 // bytes of pending bodies; then all are put away at once: they are kept in memory, and read back after a crash
}

// readerCacheKiB is how many KiB each reading connection caches: there are several.
func (s memoryLimits) readerCacheKiB() int { return max(1, s.cacheKiB/4) }

// fullLimits serve a burst of pings on a machine of any size.
var fullLimits = memoryLimits{cacheKiB: 8000, checkpointPages: 8000, flushThreshold: 24_000, maxPending: 72_000, maxStates: 50_000, maxBodyBytes: 32 << 20}

// fullLimitsMemory is the memory limit, in bytes, from which the full sizes apply.
const fullLimitsMemory = 512 << 20

// limitsFor returns the sizes for a process with a memory limit in bytes; 0 means no
// limit. Below roomy, all sizes shrink in proportion.
func limitsFor(memory int64) memoryLimits {
	if memory <= 0 || memory >= fullLimitsMemory {
		return fullLimits
	}
	scale := func(full int64) int64 { return full * (memory >> 10) / (fullLimitsMemory >> 10) }
	f := fullLimits
	return memoryLimits{
		cacheKiB: int(scale(int64(f.cacheKiB))), checkpointPages: int(scale(int64(f.checkpointPages))), flushThreshold: int(scale(int64(f.flushThreshold))),
		maxPending: int(scale(int64(f.maxPending))), maxStates: int(scale(int64(f.maxStates))), maxBodyBytes: scale(f.maxBodyBytes),
	}
}
