package store_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/writebehind"
)

// TestFlush_TheNextEvaluationIsNeverStoredTooLate runs random pings, edits, sweeps and flushes, of
// which some fail. A flush can keep an earlier time. Until then, the buffer knows the right one.
func TestFlush_TheNextEvaluationIsNeverStoredTooLate(t *testing.T) {
	w, _ := serveSQLite(t)
	var list []monitor.Heartbeat
	for n := range 6 {
		list = append(list, w.newSavedHeartbeat(fmt.Sprint("job", n)))
	}
	r := rand.New(rand.NewPCG(5, 6))
	early, now := 0, time.Duration(0)
	for range 600 {
		now += time.Duration(r.IntN(60)) * time.Second
		picks, kinds := make([]int, 1+r.IntN(4)), make([]monitor.PingKind, 4)
		for i := range picks {
			picks[i], kinds[i] = r.IntN(len(list)), []monitor.PingKind{"success", "success", "log", "start"}[r.IntN(4)]
		}
		switch act := r.IntN(12); act {
		case 2, 3, 4:
			w.flush()
		case 5:
			w.failToFlush()
		default:
			w.randomStep(act, now, list, picks, kinds)
		}
		next := updateValue(w, (*store.Tx).NextDue)
		for _, h := range list {
			right := w.reload(h).EvaluationDue()
			if right.IsZero() {
				continue // the stored time can be NULL
			}
			if next.IsZero() || next.After(right) {
				t.Fatalf("the next sweep is at %s; want at %s or earlier", next, right)
			}
			if w.pendingOf(h) != "0" {
				continue
			}
			switch stored := w.storedNext(h); {
			case stored.After(right):
				t.Fatalf("evaluated at %s; want at %s or earlier", stored, right)
			case stored.Before(right):
				early++
			}
		}
	}
	if early < 100 {
		t.Errorf("a time was stored too early %d times; the test needs more", early)
	}
}

// flush flushes all pending pings.
func (w *fixture) flush() {
	w.Helper()
	if err := store.Flush(w.db); err != nil {
		w.Fatal(err)
	}
}

// failToFlush runs a flush that fails if pings are pending.
func (w *fixture) failToFlush() {
	w.Helper()
	if _, err := store.QueryWriter(w.db, `CREATE TRIGGER refuse BEFORE UPDATE ON heartbeats BEGIN SELECT RAISE(ABORT, 'refused'); END`); err != nil {
		w.Fatal(err)
	}
	_ = store.Flush(w.db) // nothing is pending, or it fails
	if _, err := store.QueryWriter(w.db, `DROP TRIGGER refuse`); err != nil {
		w.Fatal(err)
	}
}

// TestFlush_ASweepCorrectsATimeThatWasKept also checks that such a sweep changes nothing else.
func TestFlush_ASweepCorrectsATimeThatWasKept(t *testing.T) {
	w, _ := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	for n := range 2 {
		w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Duration(n)*time.Minute))
		w.flush()
	}
	if got, want := w.storedNext(h), w.at(5*time.Minute); !got.Equal(want) {
		t.Fatalf("evaluated at %s; want the time after the first ping, %s", got, want)
	}
	w.evaluate(5*time.Minute + time.Second)
	if got, want := w.storedNext(h), w.at(6*time.Minute); !got.Equal(want) || w.reload(h).Status != monitor.Up {
		t.Errorf("evaluated at %s, and the heartbeat is %s; want %s and up", got, w.reload(h).Status, want)
	}
	w.evaluate(6*time.Minute + time.Second)
	if got := w.reload(h).Status; got != monitor.Late {
		t.Errorf("the heartbeat is %s after its due time; want late", got)
	}
}

// TestFlush_PingsWriteFewPages counts the pages that a flush of pings of random heartbeats writes,
// of 20,000 that are due at random times. If a flush moved their entries in the index of these times,
// each would be on another page.
func TestFlush_PingsWriteFewPages(t *testing.T) {
	const heartbeats, pings, maxPages = 20_000, 2_000, 0.6
	w, path := serveSQLite(t)
	w.addMany(heartbeats)
	r := rand.New(rand.NewPCG(7, 8))
	for picks := range slices.Chunk(r.Perm(heartbeats)[:pings], 100) {
		w.pingMany(picks)
	}
	before := w.sizeOf(path + "-wal")
	w.flush()
	const frame = 24 + 4096 // bytes, https://www.sqlite.org/fileformat2.html, 4.1
	if n := float64(w.sizeOf(path+"-wal")-before) / frame / pings; n > maxPages {
		t.Errorf("%.2f pages written per ping; want at most %.2f", n, maxPages)
	}
	if n := w.queryNumber("SELECT COUNT(*) FROM heartbeats WHERE pings = 2"); n != fmt.Sprint(pings) {
		t.Errorf("%s heartbeats have their ping; want %d", n, pings)
	}
}

// A batch reads the heartbeats that are not in memory. With many heartbeats, these are nearly all.
func TestApplyPings_ReadingAHeartbeatAllocatesLittle(t *testing.T) {
	const heartbeats, size, maxBytes = 2_000, 50, 8_000
	w, _ := serveSQLite(t)
	w.addMany(heartbeats)
	r := rand.New(rand.NewPCG(9, 10))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for picks := range slices.Chunk(r.Perm(heartbeats), size) {
		w.pingMany(picks)
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / heartbeats; n > maxBytes {
		t.Errorf("%d bytes allocated per ping; want at most %d", n, maxBytes)
	}
}

// addMany adds heartbeats with an interval of a day that are due at random times.
func (w *fixture) addMany(n int) {
	w.Helper()
	w.execute(fmt.Sprintf(`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %d)
		INSERT INTO heartbeats (key, id, ref, project, name, slug, description, tags, interval_us, grace, max_run_time, methods, manual_resume,
			created, updated, status, counted_from, last_ping, heard, pings, cause, next_at)
		SELECT 1000 + n, 'id' || n, 'ref' || n, %d, 'job' || n, 'job-' || n, '', '[]', 86400000000, 3600000000, 0, 'any', FALSE,
			%[3]d, %[3]d, 'up', %[3]d, %[3]d, %[3]d, 1, '', %[3]d + 86400000000 - n * 7919 %% %[1]d * 100000 FROM numbers`,
		n, w.project.Key, w.start.UnixMicro()))
}

// pingMany pings some of the heartbeats that addMany added.
func (w *fixture) pingMany(picks []int) {
	w.Helper()
	batch := make([]store.ReceivedPing, len(picks))
	for i, n := range picks {
		batch[i] = w.receivedPing(monitor.Heartbeat{ID: fmt.Sprint("id", 1+n)}, monitor.PingSuccess, time.Second)
	}
	if result := w.applyBatch(batch...); len(result.Heartbeats) != len(batch) {
		w.Fatalf("%d pings stored; want %d", len(result.Heartbeats), len(batch))
	}
}

// sizeOf returns the size of a file.
func (w *fixture) sizeOf(path string) int64 {
	w.Helper()
	info, err := os.Stat(path)
	if err != nil {
		w.Fatal(err)
	}
	return info.Size()
}

// A flush can store another time between the read of a packed heartbeat and its next ping.
func TestStoredHeartbeats_WithPendingPingsTheStoredTimeIsNotKnown(t *testing.T) {
	w, _ := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	read := func() int64 {
		s := view(w, func(tx *store.Tx) (*writebehind.StoredHeartbeat, error) { return store.ReadStoredHeartbeat(tx, h.ID) })
		return s.Due
	}
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, 0))
	w.flush()
	if got, want := read(), w.at(5*time.Minute).UnixMicro(); got != want {
		t.Errorf("without pending pings, it is %d; want %d", got, want)
	}
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute))
	if got := read(); got != 0 {
		t.Errorf("with a pending ping, it is %d; want 0", got)
	}
}

// SQLite would copy all columns of the heartbeats of a batch to sort them.
func TestStoredHeartbeats_AreNotSorted(t *testing.T) {
	w, _ := serveSQLite(t)
	plans, err := store.QueryPlans(w.db, func(tx *store.Tx) error { _, err := store.ReadStoredHeartbeat(tx, "id"); return err })
	if err != nil || len(plans) != 1 || strings.Contains(plans[0], "TEMP B-TREE") || !strings.Contains(plans[0], "(id=?)") {
		t.Errorf("plan %q, %v; want a search by id without a sort", plans, err)
	}
}
