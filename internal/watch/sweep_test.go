package watch

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/sqlite"
)

// fewPerSweep is the number of heartbeats of the first transaction in most tests.
const fewPerSweep = 250

// addDue adds n heartbeats that have been due for up to an hour, the last one the longest, and
// returns their keys and ids.
func (f *fixture) addDue(n int) (keys []int64, ids []string) {
	f.t.Helper()
	now := time.Now().UTC().Truncate(monitor.Precision)
	err := f.db.Update(context.Background(), func(tx *store.Tx) error {
		keys, ids = nil, nil
		var up []store.Transition
		for i := range n {
			name := fmt.Sprintf("job %05d", i)
			h, err := tx.AddHeartbeat(monitor.Heartbeat{
				ID: uuid.NewString(), Ref: uuid.NewString(), Project: f.project, Name: name, Slug: name, AllChannels: true,
				Rule: monitor.Rule{Interval: 5 * time.Minute, Methods: monitor.AnyMethod}, Status: monitor.New, Created: now, Updated: now,
			})
			if err != nil {
				return err
			}
			h.Status, h.CountedFrom = monitor.Up, now.Add(-6*time.Minute-time.Duration(i)*time.Millisecond)
			h.StaleBefore, h.LastPing = h.CountedFrom, h.CountedFrom
			up, keys, ids = append(up, store.Transition{Heartbeat: h}), append(keys, h.Key), append(ids, h.ID)
		}
		_, err := tx.Save(now, up)
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return keys, ids
}

// sweepAll sweeps until the next sweep is to wait, and returns the keys of the heartbeats that
// each transaction evaluated.
func (f *fixture) sweepAll() (transactions [][]int64, wait time.Duration) {
	f.t.Helper()
	for wait == 0 {
		f.changed = nil
		wait = f.sweep()
		transactions = append(transactions, f.changed)
	}
	return transactions, wait
}

func TestSweep_EvaluatesABacklogInTheOrderOfTheTablesAfterTheLongestDue(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.Watcher.sweep.rows = fewPerSweep
		keys, _ := f.addDue(2*fewPerSweep + 140)
		transactions, wait := f.sweepAll()
		first := slices.Clone(keys[len(keys)-fewPerSweep:])
		slices.Reverse(first)
		if diff := cmp.Diff(first, transactions[0]); diff != "" {
			t.Errorf("the first transaction did not evaluate those that have been due longest (-want +got):\n%s", diff)
		}
		others := slices.Concat(transactions[1:]...)
		if n := len(transactions[1]); n != fewPerSweep+fewPerSweep/2 && !f.db.IsShared() {
			t.Errorf("%d heartbeats in the second transaction; want half as many again as in the first", n)
		}
		if f.db.IsShared() { // two transactions at the same time
			slices.Sort(others)
		}
		if diff := cmp.Diff(keys[:len(keys)-fewPerSweep], others); diff != "" {
			t.Errorf("the other transactions (-want +got):\n%s", diff)
		}
		if n := f.openIncidents(); n != int64(len(keys)) {
			t.Errorf("%d incidents; want %d", n, len(keys))
		}
		if wait != maxWaitAlone {
			t.Errorf("wait %s after the backlog; want %s", wait, maxWaitAlone)
		}
		if f.Watcher.sweep.backlog != nil {
			t.Error("the backlog stays in memory")
		}
	})
}

// The lock of SQLite's writer, and on PostgreSQL that of a project, is held for one transaction.
func TestSweep_OneTransactionEvaluatesABoundedNumberOfHeartbeats(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.Watcher.sweep.rows = maxPerSweep
		f.addDue(maxPerSweep + 1)
		transactions, _ := f.sweepAll()
		if len(transactions[0]) != maxPerSweep || len(transactions[1]) != 1 {
			t.Errorf("transactions with %d and %d heartbeats; want %d and 1", len(transactions[0]), len(transactions[1]), maxPerSweep)
		}
		if n := f.Watcher.sweep.perSweep(); n != maxPerSweep {
			t.Errorf("%d heartbeats in the next transaction; want still %d", n, maxPerSweep)
		}
	})
}

func TestAdapt_ATransactionThatTakesTooLongMakesTheNextOneSmaller(t *testing.T) {
	for _, row := range []struct {
		rows int
		took time.Duration
		want int
	}{
		{500, paceAlone.time, 500},
		{500, 2 * paceAlone.time, 250},
		{500, time.Second, paceAlone.minimum},
		{500, paceAlone.time / 4, 750},
		{500, 0, 750},
		{maxPerSweep, 0, maxPerSweep},
	} {
		var s sweepState
		if s.adapt(row.rows, row.took, paceAlone); s.perSweep() != row.want {
			t.Errorf("%d heartbeats in %s: %d in the next transaction; want %d", row.rows, row.took, s.perSweep(), row.want)
		}
	}
}

func TestSweep_HeartbeatsHeldBackDelayNoOther(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.Watcher.sweep.rows = fewPerSweep
		keys, ids := f.addDue(2*fewPerSweep + 1)
		held := map[string]bool{} // all that have been due longest
		for _, id := range ids[1:] {
			held[id] = true
		}
		plain := f.Watcher.Snapshot
		f.Watcher.Snapshot = func() Snapshot {
			s := plain()
			until := s.EvaluableUntil
			s.EvaluableUntil = func(id string) time.Time {
				if held[id] {
					return s.Now.Add(-time.Hour)
				}
				return until(id)
			}
			return s
		}
		if wait := f.sweep(); wait != heldWait {
			t.Errorf("wait %s after a transaction without an evaluation; want %s", wait, heldWait)
		}
		f.sweep()
		if diff := cmp.Diff(keys[:1], f.changed); diff != "" {
			t.Errorf("evaluated (-want +got):\n%s", diff)
		}
		clear(held)
		f.sweepAll()
		f.sweepAll()
		if n := f.openIncidents(); n != int64(len(keys)) {
			t.Errorf("%d incidents after no ping was in flight any longer; want %d", n, len(keys))
		}
	})
}

// Heartbeats of a backlog can get a ping, be edited or deleted before their transaction.
func TestSweep_ABacklogIsReadAgainBeforeItIsEvaluated(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.Watcher.sweep.rows = fewPerSweep
		keys, ids := f.addDue(fewPerSweep + 2)
		f.sweep()
		now := time.Now().UTC().Truncate(monitor.Precision)
		_, err := f.db.ApplyPings(context.Background(), []store.ReceivedPing{
			{ID: ids[0], Ping: monitor.Ping{At: now, Kind: monitor.PingSuccess, ExitCode: monitor.NoExitCode, Method: "POST"}, Watermark: now.Add(-time.Hour)},
		})
		if err != nil {
			t.Fatal(err)
		}
		f.changed = nil
		f.sweepAll()
		if slices.Contains(f.changed, keys[0]) {
			t.Error("a heartbeat was evaluated after its ping")
		}
		if n := f.openIncidents(); n != int64(len(keys)-1) {
			t.Errorf("%d incidents; want %d", n, len(keys)-1)
		}
	})
}

// On SQLite, the heartbeats of each transaction but the first two are read while the one before
// runs.
func TestSweep_ReadsTheNextHeartbeatsWhileItEvaluates(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		if err := f.db.Serve(context.Background()); err != nil {
			t.Fatal(err)
		}
		f.Watcher.sweep.rows = fewPerSweep
		keys, _ := f.addDue(6 * fewPerSweep)
		evaluated := map[int64]int{}
		aheads := 0
		for wait := time.Duration(0); wait == 0; {
			f.changed = nil
			wait = f.sweep()
			for _, key := range f.changed {
				evaluated[key]++
			}
			if next := f.Watcher.sweep.next; next != nil && next.ahead != nil {
				aheads++
			}
		}
		for _, key := range keys {
			if evaluated[key] != 1 {
				t.Fatalf("heartbeat %d was evaluated %d times; want once", key, evaluated[key])
			}
		}
		if n := f.openIncidents(); n != int64(len(keys)) {
			t.Errorf("%d incidents; want %d", n, len(keys))
		}
		if f.db.IsShared() {
			if aheads > 0 {
				t.Errorf("%d batches were read ahead on PostgreSQL, where their rows are not locked", aheads)
			}
		} else if aheads < 2 {
			t.Errorf("%d batches were read ahead; want several", aheads)
		}
	})
}

func TestSweep_ReadsThatTakeLongDelayNoTransaction(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		if f.db.IsShared() {
			return // nothing is read ahead there
		}
		if err := f.db.Serve(context.Background()); err != nil {
			t.Fatal(err)
		}
		f.Watcher.sweep.rows = fewPerSweep
		keys, _ := f.addDue(3 * fewPerSweep)
		done := make(chan struct{})
		var reads sync.WaitGroup
		for range sqlite.MaxReaders {
			reads.Go(func() {
				if err := f.db.View(context.Background(), func(*store.Tx) error { <-done; return nil }); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		begun := time.Now()
		f.sweepAll()
		if took := time.Since(begun); took > time.Second {
			t.Errorf("the sweep took %s; want less than a second", took)
		}
		close(done)
		reads.Wait()
		if n := f.openIncidents(); n != int64(len(keys)) {
			t.Errorf("%d incidents; want %d", n, len(keys))
		}
	})
}

// PostgreSQL keeps plans for a few alerts until the table is analyzed. By itself, that happens a minute
// or two later.
func TestSweep_ABacklogMakesPostgreSQLCountItsAlerts(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		var counted atomic.Int64
		f.db.TraceStatements(func(text string, _ []any) {
			if strings.HasPrefix(text, "ANALYZE") {
				counted.Add(1)
			}
		})
		f.Watcher.sweep.rows = fewPerSweep
		f.addDue(6 * fewPerSweep)
		f.sweepAll()
		want := int64(0)
		if f.db.IsShared() {
			want = 1
		}
		if n := counted.Load(); n != want {
			t.Errorf("%d times during a backlog; want %d", n, want)
		}
	})
}

// A heartbeat that is read ahead can get a ping, or be edited, before its transaction.
func TestSweep_APingAfterItsHeartbeatWasReadAheadCounts(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		if err := f.db.Serve(context.Background()); err != nil {
			t.Fatal(err)
		}
		f.Watcher.sweep.rows = fewPerSweep
		keys, ids := f.addDue(4 * fewPerSweep)
		f.sweep()
		f.sweep()
		next := f.Watcher.sweep.next
		if next == nil {
			if !f.db.IsShared() {
				t.Fatal("nothing was read ahead")
			}
			return
		}
		at := slices.Index(keys, next.keys[0])
		pinged := time.Now().UTC().Truncate(monitor.Precision)
		_, err := f.db.ApplyPings(context.Background(), []store.ReceivedPing{
			{ID: ids[at], Ping: monitor.Ping{At: pinged, Kind: monitor.PingSuccess, ExitCode: monitor.NoExitCode, Method: "POST"}, Watermark: pinged.Add(-time.Hour)},
		})
		if err != nil {
			t.Fatal(err)
		}
		f.changed = nil
		f.sweepAll()
		if slices.Contains(f.changed, keys[at]) {
			t.Error("a heartbeat was evaluated after its ping")
		}
		if n := f.openIncidents(); n != int64(len(keys)-1) {
			t.Errorf("%d incidents; want %d", n, len(keys)-1)
		}
	})
}

// maxAllocations is the limit per deadline, a little above what a sweep needs.
const maxAllocations = 130

func TestSweep_AllocatesABoundedAmountPerDeadline(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.Watcher.sweep.rows = fewPerSweep
		keys, _ := f.addDue(fewPerSweep)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f.sweep()
		runtime.ReadMemStats(&after)
		if n := len(f.changed); n != len(keys) {
			t.Fatalf("%d heartbeats evaluated; want %d", n, len(keys))
		}
		if n := (after.Mallocs - before.Mallocs) / uint64(len(keys)); n > maxAllocations {
			t.Errorf("%d allocations per deadline; want at most %d", n, maxAllocations)
		}
	})
}
