package ingest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/pingurl"
	"overdue/internal/store"
	"overdue/internal/store/writebehind"
	"overdue/internal/wal"
)

// newServedFixture returns a fixture on a SQLite file that a server has open, and its path.
func newServedFixture(t *testing.T) (d *fixture, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "overdue.db")
	db, err := store.OpenToServe(context.Background(), path, store.ServeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return newFixture(t, db), path
}

// discardWriter is a response whose header fields keep their memory.
type discardWriter struct{ header http.Header }

func (w discardWriter) Header() http.Header         { return w.header }
func (w discardWriter) WriteHeader(int)             {}
func (w discardWriter) Write(b []byte) (int, error) { return len(b), nil }

// usualBatch is the number of pings of a batch under load, each of another heartbeat.
const usualBatch = 64

// batchOf returns waiting pings of heartbeats, and a function that reads their answers.
func (d *fixture) batchOf(ids []string) (gathered *batch, read func()) {
	b := d.handler.Batcher
	gathered = &batch{pings: make([]*queuedPing, len(ids))}
	for i, id := range ids {
		w := b.pool.get(id)
		d.handler.InFlight.addComplete(&w.inFlight, w.id, neverKnown)
		w.ping = monitor.Ping{Kind: monitor.PingSuccess, At: w.inFlight.At, ExitCode: monitor.NoExitCode, Method: "POST", Source: "192.0.2.1", UserAgent: "curl/8.14.1"}
		w.waiting.Store(true)
		gathered.pings[i] = w
	}
	return gathered, func() {
		for _, w := range gathered.pings {
			if err := <-w.done; err != nil {
				d.t.Fatal(err)
			}
			b.pool.put(w)
		}
	}
}

// addMany adds heartbeats and returns their ids.
func (d *fixture) addMany(n int) []string {
	d.t.Helper()
	ids := make([]string, n)
	err := d.db.Update(context.Background(), func(tx *store.Tx) error {
		for i := range ids {
			h := d.h
			h.ID = uuid.NewString()
			h.Ref, h.Name, h.Slug, ids[i] = h.ID, h.ID, h.ID, h.ID
			if _, err := tx.AddHeartbeat(h); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return ids
}

// maxAllocations returns a maximum for a test run with the race detector or without: with
// it, pools drop some of what they hold.
func maxAllocations(without, with float64) float64 {
	if raceEnabled {
		return with
	}
	return without
}

// allocatedBytes returns the memory that a function allocates, on average of several runs.
func allocatedBytes(runs int, f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / uint64(runs)
}

// The whole path of a ping: handler, queue, rules, WAL on a disk, answer.
func TestServeHTTP_APingNeedsFewAllocations(t *testing.T) {
	d, _ := newServedFixture(t)
	r := httptest.NewRequest("POST", pingurl.For("", "")+d.h.ID, nil)
	w := discardWriter{http.Header{}}
	send := func() { d.handler.ServeHTTP(w, r) }
	send() // reads the heartbeat from the tables
	if n, limit := testing.AllocsPerRun(100, send), maxAllocations(31, 36); n > limit {
		t.Errorf("%v allocations for a ping alone; want at most %v", n, limit)
	}
}

func TestBatcher_APingInABatchNeedsFewAllocations(t *testing.T) {
	d, _ := newServedFixture(t)
	ids := d.addMany(usualBatch)
	commit := func() {
		gathered, read := d.batchOf(ids)
		d.handler.Batcher.commit(gathered)
		read()
	}
	commit() // reads the heartbeats from the tables
	if n, limit := testing.AllocsPerRun(30, commit)/usualBatch, maxAllocations(3, 4); n > limit {
		t.Errorf("%v allocations per ping; want at most %v", n, limit)
	}
	if n := allocatedBytes(30, commit) / usualBatch; n > 5000 {
		t.Errorf("%d bytes allocated per ping; want at most 5000", n)
	}
}

func TestBatcher_ABatchIsOneSyncedRecord(t *testing.T) {
	d, path := newServedFixture(t)
	ids := d.addMany(usualBatch)
	d.send("POST", "", nil)
	records := func() [][]byte {
		owners, err := wal.Owners(path + "-pings")
		if err != nil || len(owners) == 0 {
			t.Fatal(owners, err)
		}
		all, _, err := wal.Read(path+"-pings", owners[0])
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := len(records())
	gathered, read := d.batchOf(ids)
	d.handler.Batcher.commit(gathered)
	read()
	after := records()
	if len(after) != before+1 {
		t.Fatalf("%d records for a batch; want one, which is synced once", len(after)-before)
	}
	stored, err := writebehind.DecodeBatch(after[before])
	if err != nil || len(stored) != usualBatch {
		t.Errorf("%d pings in the record, %v; want %d", len(stored), err, usualBatch)
	}
	if n := len(after[before]); n > 24*usualBatch {
		t.Errorf("%d bytes for %d pings; want at most 24 each", n, usualBatch)
	}
}
