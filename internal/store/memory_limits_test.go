package store

import (
	"database/sql"
	"path/filepath"
	"testing"

	"overdue/internal/store/sqlite"
	"overdue/internal/store/writebehind"
)

func TestLimitsFor_AreFullWithoutALimitOrWithAmpleMemory(t *testing.T) {
	for _, memory := range []int64{0, fullLimitsMemory, 1 << 40} {
		if got := limitsFor(memory); got != fullLimits {
			t.Errorf("for %d bytes: %+v; want the full limits", memory, got)
		}
	}
}

func TestLimitsFor_ShrinkInProportion(t *testing.T) {
	want := memoryLimits{
		cache:  sqlite.Cache{WriterKiB: 2000, CheckpointPages: 2000},
		buffer: writebehind.Limits{FlushThreshold: 50_000, MaxPending: 100_000, MaxStates: 5_000, MaxBodyBytes: 8 << 20},
	}
	if got := limitsFor(fullLimitsMemory / 4); got != want {
		t.Errorf("for a quarter of the memory: %+v; want %+v", got, want)
	}
	got := limitsFor(1 << 20)
	if got.cache.WriterKiB < 1 || got.cache.CheckpointPages < 1 || got.buffer.FlushThreshold < 1 ||
		got.buffer.MaxPending <= got.buffer.FlushThreshold || got.buffer.MaxStates < 1 || got.buffer.MaxBodyBytes < 1 {
		t.Errorf("for 1 MiB: %+v; want no limit of zero", got)
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
	for pool, want := range map[*sql.DB]int{db.writer: want.cache.WriterKiB, db.reader: want.cache.ReaderKiB()} {
		cache := 0
		if err := pool.QueryRow(`PRAGMA cache_size`).Scan(&cache); err != nil || cache != -want {
			t.Errorf("cache_size %d, %v; want %d", cache, err, -want)
		}
	}
	checkpoint := 0
	if err := db.writer.QueryRow(`PRAGMA wal_autocheckpoint`).Scan(&checkpoint); err != nil || checkpoint != want.cache.CheckpointPages {
		t.Errorf("wal_autocheckpoint %d, %v; want %d", checkpoint, err, want.cache.CheckpointPages)
	}
	if got := db.buffer.Limits(); got != want.buffer {
		t.Errorf("buffer limits %+v; want %+v", got, want.buffer)
	}
}
