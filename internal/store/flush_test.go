package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// serveSQLite returns a fixture on SQLite whose store has a write-behind buffer, and the path
// of its file.
func serveSQLite(t *testing.T) (*fixture, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "overdue.db")
	w := &fixture{T: t, db: openStore(t, path), start: realTimeStart}
	if err := w.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	store.OnlyFlushAboveThreshold(w.db)
	w.project = w.addProject("main")
	return w, path
}

// serveWithLowThreshold is serveSQLite with background flushes from a thousand pending pings on.
func serveWithLowThreshold(t *testing.T) (*fixture, string) {
	t.Helper()
	w, path := serveSQLite(t)
	store.SetFlushThreshold(w.db, 1000)
	return w, path
}

// applyBatch applies a batch of pings.
func (w *fixture) applyBatch(batch ...store.ReceivedPing) store.ApplyResult {
	w.Helper()
	result, err := w.db.ApplyPings(context.Background(), batch)
	if err != nil {
		w.Fatal(err)
	}
	return result
}

// receivedPing returns a ping as the store gets it.
func (w *fixture) receivedPing(h monitor.Heartbeat, kind monitor.PingKind, d time.Duration) store.ReceivedPing {
	p := w.ping(kind, d)
	return store.ReceivedPing{ID: h.ID, Ping: p, Watermark: p.At}
}

// storeState is everything that is stored about some heartbeats.
type storeState struct {
	Heartbeats []monitor.Heartbeat
	Pings      [][]monitor.Ping
	Incidents  []monitor.Incident
}

// storeState reads the state of heartbeats, without values that differ between two stores.
func (w *fixture) storeState(heartbeats []monitor.Heartbeat) storeState {
	w.Helper()
	var s storeState
	for _, h := range heartbeats {
		h = view(w, func(tx *store.Tx) (monitor.Heartbeat, error) { return tx.HeartbeatByKey(h.Key) })
		s.Pings = append(s.Pings, view(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 1000) }))
		h.ID, h.Ref = "", ""
		if h.OpenIncident != "" {
			h.OpenIncident = "open"
		}
		s.Heartbeats = append(s.Heartbeats, h)
	}
	for _, i := range w.incidents(w.project.Key) {
		i.ID, i.HeartbeatID, i.HeartbeatRef, i.DetectedAt = "", "", "", time.Time{}
		s.Incidents = append(s.Incidents, i)
	}
	return s
}

// TestApplyPings_ABufferedStoreHasTheSameStateAsAnUnbufferedOne runs the
// same scenario on a store with a write-behind buffer and on one without.
func TestApplyPings_ABufferedStoreHasTheSameStateAsAnUnbufferedOne(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			with, _ := serveSQLite(t)
			without := &fixture{T: t, db: openStore(t, filepath.Join(t.TempDir(), "plain.db")), start: realTimeStart}
			without.project = without.addProject("main")
			var a, b []monitor.Heartbeat
			for n := range 5 {
				a, b = append(a, with.newSavedHeartbeat(fmt.Sprint("job", n))), append(b, without.newSavedHeartbeat(fmt.Sprint("job", n)))
			}
			r := rand.New(rand.NewPCG(seed, 7))
			now := time.Duration(0)
			for range 120 {
				now += time.Duration(r.IntN(200)) * time.Second
				act := r.IntN(20)
				size := 1 + r.IntN(6)
				picks := make([]int, size)
				kinds := make([]monitor.PingKind, size)
				for i := range picks {
					picks[i] = r.IntN(5)
					kinds[i] = []monitor.PingKind{monitor.PingSuccess, monitor.PingSuccess, monitor.PingSuccess, monitor.PingStart, monitor.PingLog, monitor.PingFail}[r.IntN(6)]
				}
				for _, side := range []struct {
					w    *fixture
					list []monitor.Heartbeat
				}{{with, a}, {without, b}} {
					side.w.randomStep(act, now, side.list, picks, kinds)
				}
			}
			if diff := cmp.Diff(without.storeState(b), with.storeState(a)); diff != "" {
				t.Errorf("without a buffer (-), with one (+):\n%s", diff)
			}
		})
	}
}

// randomStep runs one step of a scenario: a sweep, an edit, or a batch of pings.
func (w *fixture) randomStep(act int, now time.Duration, list []monitor.Heartbeat, picks []int, kinds []monitor.PingKind) {
	w.Helper()
	switch act {
	case 0:
		w.update(func(tx *store.Tx) error {
			lapsing, err := tx.DueForEvaluation(w.at(now), 100)
			if err != nil {
				return err
			}
			var transitions []store.Transition
			for _, h := range lapsing {
				h, c := h.Evaluate(w.at(now))
				transitions = append(transitions, store.Transition{Heartbeat: h, Change: c})
			}
			_, err = tx.Save(w.at(now), transitions)
			return err
		})
	case 1:
		w.update(func(tx *store.Tx) error {
			h, err := tx.HeartbeatForUpdate(w.project.Key, list[picks[0]].ID)
			if err != nil {
				return err
			}
			rule := h.Rule
			rule.Interval += time.Minute
			h, c := h.ChangeRule(rule, w.at(now), w.at(now))
			if err := tx.SaveHeartbeatSettings(h); err != nil {
				return err
			}
			_, err = tx.Save(w.at(now), []store.Transition{{Heartbeat: h, Change: c}})
			return err
		})
	default:
		var batch []store.ReceivedPing
		for i, n := range picks {
			batch = append(batch, w.receivedPing(list[n], kinds[i], now+time.Duration(i)*time.Millisecond))
		}
		w.applyBatch(batch...)
	}
}

func TestView_SeesBufferedPingsAtOnce(t *testing.T) {
	w, _ := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	for n := range 3 {
		w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Duration(n)*time.Minute))
		if list := view(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 10) }); len(list) != n+1 {
			t.Fatalf("after %d pings, a View sees %d", n+1, len(list))
		}
	}
}

func TestUpdate_AFailureLeavesTheBufferUnchanged(t *testing.T) {
	w, _ := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute))
	undone := errors.New("undone")
	if err := w.db.Update(context.Background(), func(*store.Tx) error { return undone }); !errors.Is(err, undone) {
		t.Fatal(err)
	}
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, 2*time.Minute))
	if list := view(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 10) }); len(list) != 2 {
		t.Errorf("a View sees %d pings; want both", len(list))
	}
}

func TestApplyPings_UsesSettingsChangedSinceTheLastPing(t *testing.T) {
	w, _ := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute)) // now it is in memory
	w.update(func(tx *store.Tx) error {
		h, err := tx.HeartbeatForUpdate(w.project.Key, h.ID)
		if err != nil {
			return err
		}
		h.Rule.Methods = monitor.PostOnly
		return tx.SaveHeartbeatSettings(h)
	})
	ping := w.receivedPing(h, monitor.PingSuccess, 2*time.Minute)
	ping.Ping.Method = "GET"
	w.applyBatch(ping)
	if p := view(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 1) })[0]; p.Kind != monitor.PingIgnored {
		t.Errorf("the ping after the edit is a %s; want ignored", p.Kind)
	}
	w.update(func(tx *store.Tx) error {
		h, err := tx.HeartbeatForUpdate(w.project.Key, h.ID)
		if err != nil {
			return err
		}
		h, c := h.Delete(w.at(3*time.Minute), w.at(3*time.Minute))
		if err := tx.SaveHeartbeatSettings(h); err != nil {
			return err
		}
		_, err = tx.Save(w.at(3*time.Minute), []store.Transition{{Heartbeat: h, Change: c}})
		return err
	})
	if result := w.applyBatch(w.receivedPing(h, monitor.PingSuccess, 4*time.Minute)); !result.Unknown[h.ID] {
		t.Error("a deleted heartbeat was pinged")
	}
}

// TestWriteBehind_FlushesManyPingsInTheBackground also checks
// that no ping is flushed below the threshold.
func TestWriteBehind_FlushesManyPingsInTheBackground(t *testing.T) {
	w, _ := serveWithLowThreshold(t)
	h := w.newSavedHeartbeat("backup")
	say := func(batches int) {
		for n := range batches {
			batch := make([]store.ReceivedPing, 800)
			for i := range batch {
				batch[i] = w.receivedPing(h, monitor.PingLog, time.Duration(n)*time.Minute)
			}
			w.applyBatch(batch...)
		}
	}
	say(1)
	if n := w.storedPings(); n != "0" {
		t.Errorf("%s pings are in the tables; want none below the threshold", n)
	}
	say(1)
	patience := time.NewTicker(10 * time.Millisecond)
	defer patience.Stop()
	for range 1000 {
		if w.storedPings() != "0" {
			return
		}
		<-patience.C
	}
	t.Error("no pings were flushed in ten seconds")
}

// TestWriteBehind_KeepsPingsAfterAFailedFlush makes the tables reject pings for a while.
func TestWriteBehind_KeepsPingsAfterAFailedFlush(t *testing.T) {
	w, _ := serveWithLowThreshold(t)
	list := []monitor.Heartbeat{w.newSavedHeartbeat("a"), w.newSavedHeartbeat("b")}
	if _, err := store.QueryWriter(w.db, `CREATE TRIGGER refuse BEFORE INSERT ON ping_blocks BEGIN SELECT RAISE(ABORT, 'refused'); END`); err != nil {
		t.Fatal(err)
	}
	const batches, size = 2, 800
	for n := range batches {
		batch := make([]store.ReceivedPing, size)
		for i := range batch {
			batch[i] = w.receivedPing(list[i%2], monitor.PingSuccess, time.Duration(n)*time.Minute+time.Duration(i)*time.Millisecond)
		}
		w.applyBatch(batch...)
	}
	if _, err := store.FlushSome(w.db); err == nil {
		t.Fatal("no flush failed; the test needs a failure")
	}
	if _, err := store.QueryWriter(w.db, `DROP TRIGGER refuse`); err != nil {
		t.Fatal(err)
	}
	for _, h := range list {
		if got := w.reload(h).PingCount; got != batches*size/2 {
			t.Errorf("%s counts %d pings; want %d", h.Name, got, batches*size/2)
		}
		list := view(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 3) })
		if len(list) != 3 || list[0].Number != batches*size/2 || list[2].Number != list[0].Number-2 {
			t.Errorf("the newest pings of %s: %+v", h.Name, list)
		}
	}
}

// TestWriteBehind_TheWALStaysSmallWithoutReads pings for several rounds, no
// faster than pings are flushed.
func TestWriteBehind_TheWALStaysSmallWithoutReads(t *testing.T) {
	w, path := serveWithLowThreshold(t)
	var list []monitor.Heartbeat
	for n := range 200 {
		list = append(list, w.newSavedHeartbeat(fmt.Sprint("job", n)))
	}
	patience := time.NewTicker(time.Millisecond)
	defer patience.Stop()
	const batches, size = 55, 800
	for n := range batches {
		batch := make([]store.ReceivedPing, size)
		for i := range batch {
			batch[i] = w.receivedPing(list[(n*size+i)%len(list)], monitor.PingLog, time.Duration(n)*time.Minute)
		}
		w.applyBatch(batch...)
		for behind := true; behind; {
			<-patience.C
			behind = w.queryNumber(fmt.Sprintf("SELECT COALESCE(SUM(count), 0) + 3000 < %d FROM ping_blocks", n*size)) == "1"
		}
	}
	var taken int64
	for _, end := range []string{"-pings0", "-pings1"} {
		info, err := os.Stat(path + end)
		if err != nil {
			t.Fatal(err)
		}
		taken += info.Size()
	}
	if most := int64(4 << 20); taken > most {
		t.Errorf("the WAL takes %d bytes after %d pings; want at most %d", taken, batches*size, most)
	}
}

// TestWriteBehind_AcceptsPingsDuringAFlush appends and flushes for some time,
// with some reads, and counts the pings at the end.
func TestWriteBehind_AcceptsPingsDuringAFlush(t *testing.T) {
	w, path := serveWithLowThreshold(t)
	var list []monitor.Heartbeat
	for n := range 300 {
		list = append(list, w.newSavedHeartbeat(fmt.Sprint("job", n)))
	}
	r := rand.New(rand.NewPCG(3, 4))
	const batches, size = 60, 200
	for n := range batches {
		batch := make([]store.ReceivedPing, size)
		for i := range batch {
			kind := monitor.PingSuccess
			if r.IntN(4_000) == 0 {
				kind = monitor.PingFail // news, now and then
			}
			batch[i] = w.receivedPing(list[r.IntN(len(list))], kind, time.Duration(n)*time.Second)
		}
		w.applyBatch(batch...)
	}
	for w.storedPings() == "0" { // the background has not flushed yet, but will: far more than the threshold are pending
		runtime.Gosched()
	}
	copied := copyOfKilledServer(t, path)
	after := &fixture{T: t, db: openStore(t, copied), start: realTimeStart, project: w.project}
	if n := after.storedPings(); n == "0" || n == fmt.Sprint(batches*size) {
		t.Errorf("%s pings are in the tables; the test needs some", n)
	}
	if err := after.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.storeState(list), after.storeState(list)); diff != "" {
		t.Errorf("before the crash (-), after it (+):\n%s", diff)
	}
	if n := after.queryNumber("SELECT SUM(pings) FROM heartbeats"); n != fmt.Sprint(batches*size) {
		t.Errorf("%s pings counted; want %d", n, batches*size)
	}
}

// pendingOf returns how many pings of a heartbeat are only in the WAL.
func (w *fixture) pendingOf(h monitor.Heartbeat) string {
	w.Helper()
	return w.queryNumber(fmt.Sprintf("SELECT %d - pings FROM heartbeats WHERE key = %d", w.reload(h).PingCount, h.Key))
}

func TestWriteBehind_ReadsAndOtherChangesFlushNothing(t *testing.T) {
	w, _ := serveSQLite(t)
	h, other := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("other")
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute), w.receivedPing(other, monitor.PingSuccess, time.Minute))
	for name, change := range map[string]func(tx *store.Tx) error{
		"a change of a project": func(tx *store.Tx) error { p := w.project; p.Name = "Main"; return tx.SaveProject(p) },
		"a change of another heartbeat": func(tx *store.Tx) error {
			h, err := tx.HeartbeatForUpdate(w.project.Key, other.ID)
			if err != nil {
				return err
			}
			return tx.SaveHeartbeatSettings(h)
		},
		"a sweep with nothing due": func(tx *store.Tx) error { _, err := tx.DueForEvaluation(w.at(2*time.Minute), 10); return err },
		"a failure of another heartbeat": func(tx *store.Tx) error {
			states, err := tx.HeartbeatsForPings([]string{other.ID})
			if err != nil {
				return err
			}
			after, change := states[other.ID].ApplyPing(w.ping(monitor.PingFail, 2*time.Minute), w.at(2*time.Minute))
			_, err = tx.Save(w.at(2*time.Minute), []store.Transition{{Heartbeat: after, Change: change}})
			return err
		},
	} {
		w.update(change)
		if n := w.pendingOf(h); n != "1" {
			t.Errorf("after %s, %s pings are pending; want 1", name, n)
		}
	}
	if n := w.pendingOf(other); n != "0" {
		t.Errorf("%s pings of a heartbeat that changed are pending; want none", n)
	}
	w.update(func(tx *store.Tx) error { return tx.DeleteProject(w.project, w.at(time.Hour)) })
	if n := w.queryNumber("SELECT SUM(pings) FROM heartbeats"); n != "3" {
		t.Errorf("%s pings are counted after a statement that changes all heartbeats; want 3", n)
	}
}

// TestWriteBehind_AChangeDelaysOnlyPingsOfItsHeartbeat pings while transactions hold a
// heartbeat.
func TestWriteBehind_AChangeDelaysOnlyPingsOfItsHeartbeat(t *testing.T) {
	w, _ := serveSQLite(t)
	h, other := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("other")
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute))
	waited := make(chan store.ApplyResult, 1)
	w.update(func(tx *store.Tx) error {
		held, err := tx.HeartbeatForUpdate(w.project.Key, h.ID)
		if err != nil {
			return err
		}
		if held.PingCount != 1 {
			t.Errorf("held with %d pings; want 1", held.PingCount)
		}
		both := []store.ReceivedPing{w.receivedPing(h, monitor.PingSuccess, 2*time.Minute), w.receivedPing(other, monitor.PingSuccess, 2*time.Minute)}
		result, err := w.db.ApplyUnlockedPings(context.Background(), both)
		if err != nil || !result.Locked[h.ID] || len(result.Heartbeats) != 1 || result.Heartbeats[0] != other.Key {
			t.Errorf("%+v, %v; want the ping of the other heartbeat stored, and this one locked", result, err)
		}
		go func() { waited <- w.applyBatch(both[0]) }()
		held.Rule.Methods = monitor.PostOnly
		return tx.SaveHeartbeatSettings(held)
	})
	if result := <-waited; len(result.Heartbeats) != 1 {
		t.Errorf("%+v; want the ping stored after the change", result)
	}
	if got := w.reload(h); got.PingCount != 2 || got.Rule.Methods != monitor.PostOnly {
		t.Errorf("%d pings with methods %s; want 2 and the change", got.PingCount, got.Rule.Methods)
	}
	if got := w.reload(other); got.PingCount != 1 {
		t.Errorf("%d pings of the other heartbeat; want 1", got.PingCount)
	}
}

// TestApplyPings_ANotablePingThatFailsDoesNotAffectOthers makes the tables reject incidents.
func TestApplyPings_ANotablePingThatFailsDoesNotAffectOthers(t *testing.T) {
	w, _ := serveSQLite(t)
	h, failing := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("failing")
	if _, err := store.QueryWriter(w.db, `CREATE TRIGGER refuse BEFORE INSERT ON incidents BEGIN SELECT RAISE(ABORT, 'refused'); END`); err != nil {
		t.Fatal(err)
	}
	result := w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute), w.receivedPing(failing, monitor.PingFail, time.Minute))
	if result.Failed[failing.ID] == nil || len(result.Failed) != 1 || len(result.Heartbeats) != 1 {
		t.Errorf("%+v; want only the failure not stored", result)
	}
	if a, b := w.reload(h), w.reload(failing); a.PingCount != 1 || b.PingCount != 0 || b.Status == monitor.Down {
		t.Errorf("%d and %d pings; want 1 and 0", a.PingCount, b.PingCount)
	}
}

// TestView_LacksNoAcknowledgedPingWhileOthersAreSaved reads while pings are flushed and
// heartbeats change.
func TestView_LacksNoAcknowledgedPingWhileOthersAreSaved(t *testing.T) {
	w, _ := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	const pings = 200
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range pings {
			w.update(func(tx *store.Tx) error {
				h, err := tx.HeartbeatForUpdate(w.project.Key, h.ID)
				if err != nil {
					return err
				}
				h.Description = fmt.Sprint(n)
				return tx.SaveHeartbeatSettings(h)
			})
		}
	}()
	for n := range pings {
		w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Duration(n+1)*time.Second))
		view(w, func(tx *store.Tx) (list []monitor.Ping, err error) {
			got, err := tx.HeartbeatByKey(h.Key)
			if err != nil {
				return nil, err
			}
			list, err = tx.Pings(h.Key, 0, 3)
			if want := int64(n + 1); got.PingCount != want || len(list) == 0 || list[0].Number != want {
				t.Errorf("after ping %d, a View sees %d and the history %+v", want, got.PingCount, list)
			}
			return list, err
		})
	}
	<-done
}

// TestWriteBehind_ConcurrentPingsChangesSweepsAndReadsAgree runs everything at the same
// time, with flushes in between, and counts the pings of each read and at the end, also
// after a crash.
func TestWriteBehind_ConcurrentPingsChangesSweepsAndReadsAgree(t *testing.T) {
	w, path := serveWithLowThreshold(t)
	store.SetFlushThreshold(w.db, 100)
	const heartbeats, rounds = 40, 60
	list := make([]monitor.Heartbeat, heartbeats)
	acked := make([]atomic.Int64, heartbeats)
	for n := range list {
		list[n] = w.newSavedHeartbeat(fmt.Sprint("job", n))
	}
	var pingers, others sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for seed := range uint64(3) {
		pingers.Go(func() {
			r := rand.New(rand.NewPCG(seed, 1))
			for n := range rounds {
				w.pingSome(r, list, acked, time.Duration(n)*time.Minute)
			}
		})
	}
	others.Go(func() { w.editAndSweepUntil(ctx, list) })
	others.Go(func() { w.readUntil(ctx, list, acked) })
	pingers.Wait()
	cancel()
	others.Wait()
	after := &fixture{T: t, db: openStore(t, copyOfKilledServer(t, path)), start: realTimeStart, project: w.project}
	if err := after.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	for n, h := range list {
		for name, db := range map[string]*fixture{"before": w, "after": after} {
			got := db.reload(h)
			numbers := len(db.pingNumbers(h, 0, 1000))
			if want := acked[n].Load(); got.PingCount != want || int64(numbers) != want {
				t.Errorf("%s the crash, %s has %d pings counted and %d stored; want %d", name, h.Name, got.PingCount, numbers, want)
			}
		}
	}
}

// pingSome sends a batch of pings of random heartbeats, of which some fail, and counts
// those that were acknowledged. Pings of locked heartbeats wait, as in package ingest.
func (w *fixture) pingSome(r *rand.Rand, list []monitor.Heartbeat, acked []atomic.Int64, at time.Duration) {
	picks := r.Perm(len(list))[:8]
	var batch, late []store.ReceivedPing
	for _, n := range picks {
		kind := monitor.PingSuccess
		if r.IntN(50) == 0 {
			kind = monitor.PingFail
		}
		batch = append(batch, w.receivedPing(list[n], kind, at))
	}
	result, err := w.db.ApplyUnlockedPings(context.Background(), batch)
	for i, n := range picks {
		switch {
		case err != nil || len(result.Failed) > 0:
			w.Errorf("not stored: %v, %v", err, result.Failed)
			return
		case result.Locked[list[n].ID]:
			late = append(late, batch[i])
		default:
			acked[n].Add(1)
		}
	}
	if len(late) == 0 {
		return
	}
	w.applyBatch(late...)
	for _, p := range late {
		n := slices.IndexFunc(list, func(h monitor.Heartbeat) bool { return h.ID == p.ID })
		acked[n].Add(1)
	}
}

// editAndSweepUntil changes random heartbeats and evaluates those that are due.
func (w *fixture) editAndSweepUntil(ctx context.Context, list []monitor.Heartbeat) {
	r := rand.New(rand.NewPCG(9, 9))
	for n := 0; ctx.Err() == nil; n++ {
		w.randomStep(n%2, time.Duration(r.IntN(150))*time.Minute, list, []int{r.IntN(len(list))}, nil)
	}
}

// readUntil checks that each read contains the pings that were acknowledged before it.
func (w *fixture) readUntil(ctx context.Context, list []monitor.Heartbeat, acked []atomic.Int64) {
	for n := 0; ctx.Err() == nil; n = (n + 7) % len(list) {
		least := acked[n].Load()
		view(w, func(tx *store.Tx) (none struct{}, err error) {
			h, err := tx.HeartbeatByKey(list[n].Key)
			if err != nil {
				return none, err
			}
			newest, err := tx.Pings(h.Key, 0, 1)
			if h.PingCount < least || least > 0 && (len(newest) == 0 || newest[0].Number < least) {
				w.Errorf("a read of %s has %d pings and the newest %+v; want at least %d", h.Name, h.PingCount, newest, least)
			}
			return none, err
		})
	}
}
