package store

// sizes bound what a SQLite store keeps in memory, and with it the files that are
// read back after a crash.
type sizes struct {
	cache      int   // KiB of SQLite's page cache, for the connection that writes
	checkpoint int   // pages in SQLite's WAL before they are copied to the file: each page that many pings touched is copied once
	few        int   // pending pings that gather before any are put away: the more, the fewer pages each costs
	pending    int   // pending pings; then all are put away at once
	states     int   // heartbeats kept in memory
	bodies     int64 // bytes of pending bodies; then all are put away at once: they are kept in memory, and read back after a crash
}

// readerCache is how many KiB each reading connection caches: there are several.
func (s sizes) readerCache() int { return max(1, s.cache/4) }

// fullSizes serve a burst of pings on a machine of any size.
var fullSizes = sizes{cache: 8000, checkpoint: 8000, few: 24_000, pending: 72_000, states: 50_000, bodies: 32 << 20}

// roomy is the memory limit, in bytes, from which the full sizes apply.
const roomy = 512 << 20

// sizesFor returns the sizes for a process with a memory limit in bytes; 0 means no
// limit. Below roomy, all sizes shrink in proportion.
func sizesFor(memory int64) sizes {
	if memory <= 0 || memory >= roomy {
		return fullSizes
	}
	scale := func(full int64) int64 { return full * (memory >> 10) / (roomy >> 10) }
	f := fullSizes
	return sizes{
		cache: int(scale(int64(f.cache))), checkpoint: int(scale(int64(f.checkpoint))), few: int(scale(int64(f.few))),
		pending: int(scale(int64(f.pending))), states: int(scale(int64(f.states))), bodies: scale(f.bodies),
	}
}
