package store

import (
	"database/sql"
	"path/filepath"
	"testing"
)

func TestSizesFor_WithoutALimitOrWithAmpleMemoryNothingShrinks(t *testing.T) {
	for _, memory := range []int64{0, roomy, 1 << 40} {
		if got := sizesFor(memory); got != fullSizes {
			t.Errorf("for %d bytes: %+v; want the full sizes", memory, got)
		}
	}
}

func TestSizesFor_EverythingShrinksAlike(t *testing.T) {
	want := sizes{cache: 2000, checkpoint: 2000, few: 6000, pending: 18_000, states: 12_500, bodies: 8 << 20}
	if got := sizesFor(roomy / 4); got != want {
		t.Errorf("for a quarter of ample memory: %+v; want %+v", got, want)
	}
	if got := sizesFor(1 << 20); got.cache < 1 || got.checkpoint < 1 || got.few < 1 || got.pending <= got.few || got.states < 1 || got.bodies < 1 {
		t.Errorf("for 1 MiB: %+v; want nothing to vanish", got)
	}
}

func TestOpenToServe_SizesEveryConnectionAndTheBacklogByTheMemory(t *testing.T) {
	const memory = 64 << 20
	db, err := OpenToServe(t.Context(), filepath.Join(t.TempDir(), "overdue.db"), ServeOptions{Memory: memory})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	want := sizesFor(memory)
	for pool, want := range map[*sql.DB]int{db.writer: want.cache, db.reader: want.readerCache()} {
		cache := 0
		if err := pool.QueryRow(`PRAGMA cache_size`).Scan(&cache); err != nil || cache != -want {
			t.Errorf("cache_size %d, %v; want %d", cache, err, -want)
		}
	}
	checkpoint := 0
	if err := db.writer.QueryRow(`PRAGMA wal_autocheckpoint`).Scan(&checkpoint); err != nil || checkpoint != want.checkpoint {
		t.Errorf("wal_autocheckpoint %d, %v; want %d", checkpoint, err, want.checkpoint)
	}
	if db.backlog.sizes != want {
		t.Errorf("the backlog has %+v; want %+v", db.backlog.sizes, want)
	}
}
