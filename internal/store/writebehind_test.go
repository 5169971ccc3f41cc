package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// served is a SQLite world whose store keeps a journal, and the path of its file.
func served(t *testing.T) (*fixture, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "overdue.db")
	w := &fixture{T: t, db: openStore(t, path), start: realTimeStart}
	if err := w.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.project = w.addProject("main")
	return w, path
}

// serveWithLowThreshold is served, but puts away as soon as a thousand pings are pending.
func serveWithLowThreshold(t *testing.T) (*fixture, string) {
	t.Helper()
	w, path := served(t)
	if err := store.SetFlushThreshold(w.db, 1000); err != nil {
		t.Fatal(err)
	}
	return w, path
}

// applyBatch gives a batch of pings to the store.
func (w *fixture) applyBatch(batch ...store.ReceivedPing) store.ApplyResult {
	w.Helper()
	heard, err := w.db.ApplyPings(context.Background(), batch)
	if err != nil {
		w.Fatal(err)
	}
	return heard
}

// receivedPing is a ping as it reaches the store.
func (w *fixture) receivedPing(h monitor.Heartbeat, kind monitor.PingKind, d time.Duration) store.ReceivedPing {
	p := w.ping(kind, d)
	return store.ReceivedPing{ID: h.ID, Ping: p, Watermark: p.At}
}

// storeState is all that is known of some heartbeats.
type storeState struct {
	Heartbeats []monitor.Heartbeat
	Pings      [][]monitor.Ping
	Incidents  []monitor.Incident
}

// storeState reads the state of heartbeats. What two stores name differently is left out.
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

// TestApplyPings_ABufferedStoreHasTheSameStateAsAnUnbufferedOne plays the same story to
// a store that keeps a journal and to one that does not.
func TestApplyPings_ABufferedStoreHasTheSameStateAsAnUnbufferedOne(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			with, _ := served(t)
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
				t.Errorf("without a journal (-), with one (+):\n%s", diff)
			}
		})
	}
}

// randomStep is one thing that happens in a story: a sweep, an edit, or a batch of pings.
func (w *fixture) randomStep(act int, now time.Duration, list []monitor.Heartbeat, picks []int, kinds []monitor.PingKind) {
	w.Helper()
	switch act {
	case 0:
		w.update(func(tx *store.Tx) error {
			lapsing, err := tx.DueForEvaluation(w.at(now), 100)
			if err != nil {
				return err
			}
			var judged []store.Transition
			for _, h := range lapsing {
				h, c := h.Evaluate(w.at(now))
				judged = append(judged, store.Transition{Heartbeat: h, Change: c})
			}
			_, err = tx.Save(w.at(now), judged)
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
	w, _ := served(t)
	h := w.newSavedHeartbeat("backup")
	for n := range 3 {
		w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Duration(n)*time.Minute))
		if list := view(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 10) }); len(list) != n+1 {
			t.Fatalf("after %d pings %d are seen", n+1, len(list))
		}
	}
}

// copyOfKilledServer copies what a process that is killed now leaves behind, and returns
// the name of the database file.
func copyOfKilledServer(t *testing.T, path string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy.db")
	// First the journal, then the tables, as a backup does: they are not stopped.
	for _, end := range []string{"-pings0", "-pings1", "", "-wal"} {
		text, err := os.ReadFile(path + end)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+end, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return copied
}

func TestServe_RecoversEveryPingOfTheWALAfterACrash(t *testing.T) {
	w, path := served(t)
	h, other := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("other")
	const many = 500
	for n := range many {
		first := w.receivedPing(h, monitor.PingSuccess, time.Duration(n)*time.Second)
		first.Ping.Body, first.Ping.RunID, first.Ping.ExitCode = []byte("line\x00\xff"), h.ID, 0
		if heard := w.applyBatch(first, w.receivedPing(other, monitor.PingStart, time.Duration(n)*time.Second), store.ReceivedPing{ID: "nobody's"}); !heard.Unknown["nobody's"] {
			t.Fatal("an unknown id was taken")
		}
	}
	copied := copyOfKilledServer(t, path)
	after := &fixture{T: t, db: openStore(t, copied), start: realTimeStart, project: w.project}
	if n := after.queryNumber("SELECT COUNT(*) FROM pings"); n != "0" {
		t.Fatalf("%s pings are in the tables already; this would prove nothing", n)
	}
	if err := after.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.storeState([]monitor.Heartbeat{h, other}), after.storeState([]monitor.Heartbeat{h, other})); diff != "" {
		t.Errorf("before it died (-), after (+):\n%s", diff)
	}
	p := view(after, func(tx *store.Tx) (monitor.Ping, error) { return tx.Ping(h.Key, many) })
	if string(p.Body) != "line\x00\xff" || p.RunID != h.ID || p.ExitCode != 0 {
		t.Errorf("the last ping came back as %+v", p)
	}
}

func TestUpdate_AFailureLeavesTheBufferUnchanged(t *testing.T) {
	w, _ := served(t)
	h := w.newSavedHeartbeat("backup")
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute))
	undone := errors.New("undone")
	if err := w.db.Update(context.Background(), func(*store.Tx) error { return undone }); !errors.Is(err, undone) {
		t.Fatal(err)
	}
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, 2*time.Minute))
	if list := view(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 10) }); len(list) != 2 {
		t.Errorf("%d pings are seen; want both", len(list))
	}
}

func TestApplyPings_UsesSettingsChangedSinceTheLastPing(t *testing.T) {
	w, _ := served(t)
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
	if heard := w.applyBatch(w.receivedPing(h, monitor.PingSuccess, 4*time.Minute)); !heard.Unknown[h.ID] {
		t.Error("a deleted heartbeat was pinged")
	}
}

// TestWriteBehind_FlushesManyPingsInTheBackground knows the bound: until so many
// gather, none is.
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
	if n := w.queryNumber("SELECT COUNT(*) FROM pings"); n != "0" {
		t.Errorf("%s pings are in the tables; want none while few are pending", n)
	}
	say(1)
	patience := time.NewTicker(10 * time.Millisecond)
	defer patience.Stop()
	for range 1000 {
		if w.queryNumber("SELECT COUNT(*) FROM pings") != "0" {
			return
		}
		<-patience.C
	}
	t.Error("nothing was put away in ten seconds")
}

// TestWriteBehind_KeepsPingsAfterAFailedFlush lets the tables refuse them for a while.
func TestWriteBehind_KeepsPingsAfterAFailedFlush(t *testing.T) {
	w, _ := serveWithLowThreshold(t)
	list := []monitor.Heartbeat{w.newSavedHeartbeat("a"), w.newSavedHeartbeat("b")}
	if _, err := store.QueryWriter(w.db, `CREATE TRIGGER refuse BEFORE INSERT ON pings BEGIN SELECT RAISE(ABORT, 'refused'); END`); err != nil {
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
		t.Fatal("they were not refused; this would prove nothing")
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

// TestWriteBehind_TheWALStaysSmallWithoutReads keeps pinging for several rounds, no
// faster than pings are put away.
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
			behind = w.queryNumber(fmt.Sprintf("SELECT COUNT(*) + 3000 < %d FROM pings", n*size)) == "1"
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
		t.Errorf("the journal takes %d bytes after %d pings; want no more than %d", taken, batches*size, most)
	}
}

func TestClose_LeavesOnlyTheDatabaseFile(t *testing.T) {
	w, path := served(t)
	h := w.newSavedHeartbeat("backup")
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute))
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(path + "-*"); err != nil || len(left) > 0 {
		t.Errorf("left beside the file: %v, %v", left, err)
	}
	after := &fixture{T: t, db: openStore(t, path), start: realTimeStart, project: w.project}
	if n := after.queryNumber("SELECT COUNT(*) FROM pings"); n != "1" {
		t.Errorf("%s pings are in the tables; want the one", n)
	}
}

// TestServe_RejectsTheWALOfAnotherDatabase puts a file in the place of one whose server
// died.
func TestServe_RejectsTheWALOfAnotherDatabase(t *testing.T) {
	w, path := served(t)
	w.applyBatch(w.receivedPing(w.newSavedHeartbeat("backup"), monitor.PingSuccess, time.Minute))
	copied := copyOfKilledServer(t, path)
	other, otherPath := served(t)
	if err := other.db.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(otherPath)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(copied, text, 0o600), os.Remove(copied+"-wal")); err != nil {
		t.Fatal(err)
	}
	db, err := store.OpenToServe(context.Background(), copied, store.ServeOptions{})
	if err == nil {
		t.Fatal("it was opened", db.Close())
	}
	if !strings.Contains(err.Error(), "does not belong to the files next to it") || !strings.Contains(err.Error(), "overdue restore") {
		t.Errorf("serving it: %v; want an error that says what to do", err)
	}
}

func TestBackup_ContainsPingsThatAreOnlyInTheWAL(t *testing.T) {
	w, path := served(t)
	h := w.newSavedHeartbeat("backup")
	for n := range 7 {
		w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Duration(n)*time.Minute))
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := openStore(t, path).Backup(context.Background(), copied); err != nil {
		t.Fatal(err)
	}
	after := &fixture{T: t, db: openStore(t, copied), start: realTimeStart, project: w.project}
	if err := after.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.storeState([]monitor.Heartbeat{h}), after.storeState([]monitor.Heartbeat{h})); diff != "" {
		t.Errorf("original (-), copy (+):\n%s", diff)
	}
}

// TestWriteBehind_AcceptsPingsDuringAFlush has both at work for some time, with
// somebody looking now and then, and counts in the end.
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
	if n := after.queryNumber("SELECT COUNT(*) FROM pings"); n == "0" || n == fmt.Sprint(batches*size) {
		t.Errorf("%s pings are in the tables; want some, or this proves too little", n)
	}
	if err := after.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.storeState(list), after.storeState(list)); diff != "" {
		t.Errorf("before it died (-), after (+):\n%s", diff)
	}
	if n := after.queryNumber("SELECT SUM(pings) FROM heartbeats"); n != fmt.Sprint(batches*size) {
		t.Errorf("%s pings are counted; want %d", n, batches*size)
	}
}

// TestServe_LosesAndRepeatsNoPingAfterACrashDuringAFlush dies at many
// moments of a round, in which some heartbeats are in the tables already and
// the journal still has their pings.
func TestServe_LosesAndRepeatsNoPingAfterACrashDuringAFlush(t *testing.T) {
	w, path := serveWithLowThreshold(t)
	var list []monitor.Heartbeat
	for n := range 400 {
		list = append(list, w.newSavedHeartbeat(fmt.Sprint("job", n)))
	}
	r := rand.New(rand.NewPCG(1, 2))
	partly := 0
	for n := range 80 {
		batch := make([]store.ReceivedPing, 100)
		for i := range batch {
			batch[i] = w.receivedPing(list[r.IntN(len(list))], monitor.PingSuccess, time.Duration(n)*time.Second)
		}
		w.applyBatch(batch...)
		if n < 12 || n%5 != 0 {
			continue
		}
		copied := copyOfKilledServer(t, path)
		after := &fixture{T: t, db: openStore(t, copied), start: realTimeStart, project: w.project}
		if got := after.queryNumber("SELECT COUNT(*) FROM pings"); got != "0" && got != fmt.Sprint(100*(n+1)) {
			partly++
		}
		if err := after.db.Serve(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got, want := after.queryNumber("SELECT COUNT(*) FROM pings"), fmt.Sprint(100*(n+1)); got != want {
			t.Errorf("after %d batches and a death %s pings are stored; want %s", n+1, got, want)
		}
		if got, want := after.queryNumber("SELECT SUM(pings) FROM heartbeats"), fmt.Sprint(100*(n+1)); got != want {
			t.Errorf("after %d batches and a death %s pings are counted; want %s", n+1, got, want)
		}
	}
	if partly < 3 {
		t.Errorf("only %d deaths came in the middle of a round; this proves too little", partly)
	}
}

// TestWriteBehind_LargeBodiesAreNotBuffered: a stream of long bodies that nobody looks at
// must neither fill the memory nor make a journal that is too long to read back.
func TestWriteBehind_LargeBodiesAreNotBuffered(t *testing.T) {
	w, path := served(t)
	h := w.newSavedHeartbeat("job")
	said := w.receivedPing(h, monitor.PingSuccess, time.Second)
	said.Ping.Body = make([]byte, 60_000)
	for n := range 1200 { // 72 MB
		said.Ping.At = said.Ping.At.Add(time.Duration(n) * time.Millisecond)
		said.Watermark = said.Ping.At
		w.applyBatch(said)
	}
	rows, err := store.QueryReader(w.db, `SELECT COUNT(*) FROM pings`)
	if err != nil || rows == "0" {
		t.Errorf("%s of 1200 pings are in the tables (%v), so the rest is in memory", rows, err)
	}
	for n := range 2 {
		if about, err := os.Stat(fmt.Sprint(path, "-pings", n)); err != nil || about.Size() > 64<<20 {
			t.Errorf("file %d of the journal: %v, %v", n, about.Size(), err)
		}
	}
}

func TestWriteBehind_FlushesLargeBodiesBeforeTheBufferIsFull(t *testing.T) {
	w, _ := served(t)
	h := w.newSavedHeartbeat("backup")
	const many = 200 // of 60 kB: more than a third of the bytes that may be pending
	for n := range many {
		ping := w.receivedPing(h, monitor.PingSuccess, time.Duration(n)*time.Second)
		ping.Ping.Body = make([]byte, 60_000)
		w.applyBatch(ping)
	}
	for more := true; more; {
		var err error
		if more, err = store.FlushSome(w.db); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.queryNumber("SELECT COUNT(*) FROM pings"); n == "0" {
		t.Errorf("of %d pings with large bodies none was put away", many)
	}
}
