package store

import (
	"database/sql"
	"path/filepath"
	"testing"
)

func TestLimitsFor_AreFullWithoutALimitOrWithAmpleMemory(t *testing.T) {
	for _, memory := range []int64{0, fullLimitsMemory, 1 << 40} {
		if got := limitsFor(memory); got != fullLimits {
			t.Errorf("for %d bytes: %+v; want the full sizes", memory, got)
		}
	}
}

func TestLimitsFor_ShrinkInProportion(t *testing.T) {
	want := memoryLimits{cacheKiB: 2000, checkpointPages: 2000, flushThreshold: 6000, maxPending: 18_000, maxStates: 12_500, maxBodyBytes: 8 << 20}
	if got := limitsFor(fullLimitsMemory / 4); got != want {
		t.Errorf("for a quarter of ample memory: %+v; want %+v", got, want)
	}
	if got := limitsFor(1 << 20); got.cacheKiB < 1 || got.checkpointPages < 1 || got.flushThreshold < 1 || got.maxPending <= got.flushThreshold || got.maxStates < 1 || got.maxBodyBytes < 1 {
		t.Errorf("for 1 MiB: %+v; want nothing to vanish", got)
	}
}

func TestOpenToServe_LimitsConnectionsAndTheBufferByMemory(t *testing.T) {
	const memory = 64 << 20
	db, err := OpenToServe(t.Context(), filepath.Join(t.TempDir(), "overdue.db"), ServeOptions{Memory: memory})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	want := limitsFor(memory)
	for pool, want := range map[*sql.DB]int{db.writer: want.cacheKiB, db.reader: want.readerCacheKiB()} {
		cache := 0
		if err := pool.QueryRow(`PRAGMA cache_size`).Scan(&cache); err != nil || cache != -want {
			t.Errorf("cache_size %d, %v; want %d", cache, err, -want)
		}
	}
	checkpoint := 0
	if err := db.writer.QueryRow(`PRAGMA wal_autocheckpoint`).Scan(&checkpoint); err != nil || checkpoint != want.checkpointPages {
		t.Errorf("wal_autocheckpoint %d, %v; want %d", checkpoint, err, want.checkpointPages)
	}
	if db.buffer.limits != want {
		t.Errorf("the backlog has %+v; want %+v", db.buffer.limits, want)
	}
}
