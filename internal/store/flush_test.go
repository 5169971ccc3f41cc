package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
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
	w.project = w.addProject("main")
	return w, path
}

// serveWithLowThreshold is serveSQLite with background flushes from a thousand pending pings on.
func serveWithLowThreshold(t *testing.T) (*fixture, string) {
	t.Helper()
	w, path := serveSQLite(t)
	if err := store.SetFlushThreshold(w.db, 1000); err != nil {
		t.Fatal(err)
	}
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
