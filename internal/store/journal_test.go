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
func served(t *testing.T) (*world, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "overdue.db")
	w := &world{T: t, db: opened(t, path), start: someDay}
	if err := w.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.project = w.addProject("main")
	return w, path
}

// hasty is served, but puts away as soon as a thousand pings are pending.
func hasty(t *testing.T) (*world, string) {
	t.Helper()
	w, path := served(t)
	if err := store.FewPending(w.db, 1000); err != nil {
		t.Fatal(err)
	}
	return w, path
}

// say gives a batch of pings to the store.
func (w *world) say(batch ...store.Heard) store.Hearing {
	w.Helper()
	heard, err := w.db.Hear(context.Background(), batch)
	if err != nil {
		w.Fatal(err)
	}
	return heard
}

// said is a ping as it reaches the store.
func (w *world) said(h monitor.Heartbeat, kind monitor.PingKind, d time.Duration) store.Heard {
	p := w.ping(kind, d)
	return store.Heard{ID: h.ID, Ping: p, Horizon: p.At}
}

// state is all that is known of some heartbeats.
type state struct {
	Heartbeats []monitor.Heartbeat
	Pings      [][]monitor.Ping
	Incidents  []monitor.Incident
}

// look reads the state of heartbeats. What two stores name differently is left out.
func (w *world) look(heartbeats []monitor.Heartbeat) state {
	w.Helper()
	var s state
	for _, h := range heartbeats {
		h = seen(w, func(tx *store.Tx) (monitor.Heartbeat, error) { return tx.HeartbeatByKey(h.Key) })
		s.Pings = append(s.Pings, seen(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 1000) }))
		h.ID, h.Ref = "", ""
		if h.Incident != "" {
			h.Incident = "open"
		}
		s.Heartbeats = append(s.Heartbeats, h)
	}
	for _, i := range w.incidents(w.project.Key) {
		i.ID, i.HeartbeatID, i.HeartbeatRef, i.Detected = "", "", "", time.Time{}
		s.Incidents = append(s.Incidents, i)
	}
	return s
}

// TestAJournalChangesNothingButWhenTheTablesAreWritten plays the same story to
// a store that keeps a journal and to one that does not.
func TestAJournalChangesNothingButWhenTheTablesAreWritten(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			with, _ := served(t)
			without := &world{T: t, db: opened(t, filepath.Join(t.TempDir(), "plain.db")), start: someDay}
			without.project = without.addProject("main")
			var a, b []monitor.Heartbeat
			for n := range 5 {
				a, b = append(a, with.heartbeat(fmt.Sprint("job", n))), append(b, without.heartbeat(fmt.Sprint("job", n)))
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
					kinds[i] = []monitor.PingKind{monitor.Success, monitor.Success, monitor.Success, monitor.Start, monitor.Log, monitor.Fail}[r.IntN(6)]
				}
				for _, side := range []struct {
					w    *world
					list []monitor.Heartbeat
				}{{with, a}, {without, b}} {
					side.w.step(act, now, side.list, picks, kinds)
				}
			}
			if diff := cmp.Diff(without.look(b), with.look(a)); diff != "" {
				t.Errorf("without a journal (-), with one (+):\n%s", diff)
			}
		})
	}
}

// step is one thing that happens in a story: a sweep, an edit, or a batch of pings.
func (w *world) step(act int, now time.Duration, list []monitor.Heartbeat, picks []int, kinds []monitor.PingKind) {
	w.Helper()
	switch act {
	case 0:
		w.update(func(tx *store.Tx) error {
			lapsing, err := tx.Lapsing(w.at(now), 100)
			if err != nil {
				return err
			}
			var judged []store.Judgement
			for _, h := range lapsing {
				h, c := h.Lapse(w.at(now))
				judged = append(judged, store.Judgement{Heartbeat: h, Change: c})
			}
			_, err = tx.Save(w.at(now), judged)
			return err
		})
	case 1:
		w.update(func(tx *store.Tx) error {
			h, err := tx.HeartbeatToChange(w.project.Key, list[picks[0]].ID)
			if err != nil {
				return err
			}
			rule := h.Rule
			rule.Interval += time.Minute
			h, c := h.Amend(rule, w.at(now), w.at(now))
			if err := tx.SaveSettings(h); err != nil {
				return err
			}
			_, err = tx.Save(w.at(now), []store.Judgement{{Heartbeat: h, Change: c}})
			return err
		})
	default:
		var batch []store.Heard
		for i, n := range picks {
			batch = append(batch, w.said(list[n], kinds[i], now+time.Duration(i)*time.Millisecond))
		}
		w.say(batch...)
	}
}

func TestWhatIsInTheJournalIsSeenAtOnce(t *testing.T) {
	w, _ := served(t)
	h := w.heartbeat("backup")
	for n := range 3 {
		w.say(w.said(h, monitor.Success, time.Duration(n)*time.Minute))
		if list := seen(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 10) }); len(list) != n+1 {
			t.Fatalf("after %d pings %d are seen", n+1, len(list))
		}
	}
}

// asKilled copies what a process that is killed now leaves behind, and returns
// the name of the database file.
func asKilled(t *testing.T, path string) string {
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

func TestAServerThatDiedHasLostNothingOfItsJournal(t *testing.T) {
	w, path := served(t)
	h, other := w.heartbeat("backup"), w.heartbeat("other")
	const many = 500
	for n := range many {
		first := w.said(h, monitor.Success, time.Duration(n)*time.Second)
		first.Ping.Body, first.Ping.RunID, first.Ping.ExitCode = []byte("line\x00\xff"), h.ID, 0
		if heard := w.say(first, w.said(other, monitor.Start, time.Duration(n)*time.Second), store.Heard{ID: "nobody's"}); !heard.Unknown["nobody's"] {
			t.Fatal("an unknown id was taken")
		}
	}
	copied := asKilled(t, path)
	after := &world{T: t, db: opened(t, copied), start: someDay, project: w.project}
	if n := after.counted("SELECT COUNT(*) FROM pings"); n != "0" {
		t.Fatalf("%s pings are in the tables already; this would prove nothing", n)
	}
	if err := after.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.look([]monitor.Heartbeat{h, other}), after.look([]monitor.Heartbeat{h, other})); diff != "" {
		t.Errorf("before it died (-), after (+):\n%s", diff)
	}
	p := seen(after, func(tx *store.Tx) (monitor.Ping, error) { return tx.Ping(h.Key, many) })
	if string(p.Body) != "line\x00\xff" || p.RunID != h.ID || p.ExitCode != 0 {
		t.Errorf("the last ping came back as %+v", p)
	}
}

func TestAnUpdateThatFailsLeavesTheJournalAsItWas(t *testing.T) {
	w, _ := served(t)
	h := w.heartbeat("backup")
	w.say(w.said(h, monitor.Success, time.Minute))
	undone := errors.New("undone")
	if err := w.db.Update(context.Background(), func(*store.Tx) error { return undone }); !errors.Is(err, undone) {
		t.Fatal(err)
	}
	w.say(w.said(h, monitor.Success, 2*time.Minute))
	if list := seen(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 10) }); len(list) != 2 {
		t.Errorf("%d pings are seen; want both", len(list))
	}
}

func TestChangesOfSettingsAreHeardByTheNextPing(t *testing.T) {
	w, _ := served(t)
	h := w.heartbeat("backup")
	w.say(w.said(h, monitor.Success, time.Minute)) // now it is in memory
	w.update(func(tx *store.Tx) error {
		h, err := tx.HeartbeatToChange(w.project.Key, h.ID)
		if err != nil {
			return err
		}
		h.Rule.Methods = monitor.PostOnly
		return tx.SaveSettings(h)
	})
	ping := w.said(h, monitor.Success, 2*time.Minute)
	ping.Ping.Method = "GET"
	w.say(ping)
	if p := seen(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 1) })[0]; p.Kind != monitor.Ignored {
		t.Errorf("the ping after the edit is a %s; want ignored", p.Kind)
	}
	w.update(func(tx *store.Tx) error {
		h, err := tx.HeartbeatToChange(w.project.Key, h.ID)
		if err != nil {
			return err
		}
		h, c := h.Delete(w.at(3*time.Minute), w.at(3*time.Minute))
		if err := tx.SaveSettings(h); err != nil {
			return err
		}
		_, err = tx.Save(w.at(3*time.Minute), []store.Judgement{{Heartbeat: h, Change: c}})
		return err
	})
	if heard := w.say(w.said(h, monitor.Success, 4*time.Minute)); !heard.Unknown[h.ID] {
		t.Error("a deleted heartbeat was pinged")
	}
}

// TestManyPendingPingsArePutAwayByThemselves knows the bound: until so many
// gather, none is.
func TestManyPendingPingsArePutAwayByThemselves(t *testing.T) {
	w, _ := hasty(t)
	h := w.heartbeat("backup")
	say := func(batches int) {
		for n := range batches {
			batch := make([]store.Heard, 800)
			for i := range batch {
				batch[i] = w.said(h, monitor.Log, time.Duration(n)*time.Minute)
			}
			w.say(batch...)
		}
	}
	say(1)
	if n := w.counted("SELECT COUNT(*) FROM pings"); n != "0" {
		t.Errorf("%s pings are in the tables; want none while few are pending", n)
	}
	say(1)
	patience := time.NewTicker(10 * time.Millisecond)
	defer patience.Stop()
	for range 1000 {
		if w.counted("SELECT COUNT(*) FROM pings") != "0" {
			return
		}
		<-patience.C
	}
	t.Error("nothing was put away in ten seconds")
}

// TestPingsThatCannotBePutAwayStay lets the tables refuse them for a while.
func TestPingsThatCannotBePutAwayStay(t *testing.T) {
	w, _ := hasty(t)
	list := []monitor.Heartbeat{w.heartbeat("a"), w.heartbeat("b")}
	if _, err := store.Written(w.db, `CREATE TRIGGER refuse BEFORE INSERT ON pings BEGIN SELECT RAISE(ABORT, 'refused'); END`); err != nil {
		t.Fatal(err)
	}
	const batches, size = 2, 800
	for n := range batches {
		batch := make([]store.Heard, size)
		for i := range batch {
			batch[i] = w.said(list[i%2], monitor.Success, time.Duration(n)*time.Minute+time.Duration(i)*time.Millisecond)
		}
		w.say(batch...)
	}
	if _, err := store.PutSomeAway(w.db); err == nil {
		t.Fatal("they were not refused; this would prove nothing")
	}
	if _, err := store.Written(w.db, `DROP TRIGGER refuse`); err != nil {
		t.Fatal(err)
	}
	for _, h := range list {
		if got := w.now(h).Pings; got != batches*size/2 {
			t.Errorf("%s counts %d pings; want %d", h.Name, got, batches*size/2)
		}
		list := seen(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 3) })
		if len(list) != 3 || list[0].N != batches*size/2 || list[2].N != list[0].N-2 {
			t.Errorf("the newest pings of %s: %+v", h.Name, list)
		}
	}
}

// TestTheJournalStaysSmallWhileNobodyLooks keeps pinging for several rounds, no
// faster than pings are put away.
func TestTheJournalStaysSmallWhileNobodyLooks(t *testing.T) {
	w, path := hasty(t)
	var list []monitor.Heartbeat
	for n := range 200 {
		list = append(list, w.heartbeat(fmt.Sprint("job", n)))
	}
	patience := time.NewTicker(time.Millisecond)
	defer patience.Stop()
	const batches, size = 55, 800
	for n := range batches {
		batch := make([]store.Heard, size)
		for i := range batch {
			batch[i] = w.said(list[(n*size+i)%len(list)], monitor.Log, time.Duration(n)*time.Minute)
		}
		w.say(batch...)
		for behind := true; behind; {
			<-patience.C
			behind = w.counted(fmt.Sprintf("SELECT COUNT(*) + 3000 < %d FROM pings", n*size)) == "1"
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

func TestACleanEndLeavesOneFile(t *testing.T) {
	w, path := served(t)
	h := w.heartbeat("backup")
	w.say(w.said(h, monitor.Success, time.Minute))
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(path + "-*"); err != nil || len(left) > 0 {
		t.Errorf("left beside the file: %v, %v", left, err)
	}
	after := &world{T: t, db: opened(t, path), start: someDay, project: w.project}
	if n := after.counted("SELECT COUNT(*) FROM pings"); n != "1" {
		t.Errorf("%s pings are in the tables; want the one", n)
	}
}

// TestPingsOfAnotherFileAreRefused puts a file in the place of one whose server
// died.
func TestPingsOfAnotherFileAreRefused(t *testing.T) {
	w, path := served(t)
	w.say(w.said(w.heartbeat("backup"), monitor.Success, time.Minute))
	copied := asKilled(t, path)
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

func TestABackupHasWhatIsOnlyInTheJournal(t *testing.T) {
	w, path := served(t)
	h := w.heartbeat("backup")
	for n := range 7 {
		w.say(w.said(h, monitor.Success, time.Duration(n)*time.Minute))
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := opened(t, path).Backup(context.Background(), copied); err != nil {
		t.Fatal(err)
	}
	after := &world{T: t, db: opened(t, copied), start: someDay, project: w.project}
	if err := after.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.look([]monitor.Heartbeat{h}), after.look([]monitor.Heartbeat{h})); diff != "" {
		t.Errorf("original (-), copy (+):\n%s", diff)
	}
}

// TestPingsAndPuttingAwayGoOnTogether has both at work for some time, with
// somebody looking now and then, and counts in the end.
func TestPingsAndPuttingAwayGoOnTogether(t *testing.T) {
	w, path := hasty(t)
	var list []monitor.Heartbeat
	for n := range 300 {
		list = append(list, w.heartbeat(fmt.Sprint("job", n)))
	}
	r := rand.New(rand.NewPCG(3, 4))
	const batches, size = 60, 200
	for n := range batches {
		batch := make([]store.Heard, size)
		for i := range batch {
			kind := monitor.Success
			if r.IntN(4_000) == 0 {
				kind = monitor.Fail // news, now and then
			}
			batch[i] = w.said(list[r.IntN(len(list))], kind, time.Duration(n)*time.Second)
		}
		w.say(batch...)
	}
	copied := asKilled(t, path)
	after := &world{T: t, db: opened(t, copied), start: someDay, project: w.project}
	if n := after.counted("SELECT COUNT(*) FROM pings"); n == "0" || n == fmt.Sprint(batches*size) {
		t.Errorf("%s pings are in the tables; want some, or this proves too little", n)
	}
	if err := after.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.look(list), after.look(list)); diff != "" {
		t.Errorf("before it died (-), after (+):\n%s", diff)
	}
	if n := after.counted("SELECT SUM(pings) FROM heartbeats"); n != fmt.Sprint(batches*size) {
		t.Errorf("%s pings are counted; want %d", n, batches*size)
	}
}

// TestAServerThatDiedWhilePuttingAwayHasLostAndDoubledNothing dies at many
// moments of a round, in which some heartbeats are in the tables already and
// the journal still has their pings.
func TestAServerThatDiedWhilePuttingAwayHasLostAndDoubledNothing(t *testing.T) {
	w, path := hasty(t)
	var list []monitor.Heartbeat
	for n := range 400 {
		list = append(list, w.heartbeat(fmt.Sprint("job", n)))
	}
	r := rand.New(rand.NewPCG(1, 2))
	partly := 0
	for n := range 80 {
		batch := make([]store.Heard, 100)
		for i := range batch {
			batch[i] = w.said(list[r.IntN(len(list))], monitor.Success, time.Duration(n)*time.Second)
		}
		w.say(batch...)
		if n < 12 || n%5 != 0 {
			continue
		}
		copied := asKilled(t, path)
		after := &world{T: t, db: opened(t, copied), start: someDay, project: w.project}
		if got := after.counted("SELECT COUNT(*) FROM pings"); got != "0" && got != fmt.Sprint(100*(n+1)) {
			partly++
		}
		if err := after.db.Serve(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got, want := after.counted("SELECT COUNT(*) FROM pings"), fmt.Sprint(100*(n+1)); got != want {
			t.Errorf("after %d batches and a death %s pings are stored; want %s", n+1, got, want)
		}
		if got, want := after.counted("SELECT SUM(pings) FROM heartbeats"), fmt.Sprint(100*(n+1)); got != want {
			t.Errorf("after %d batches and a death %s pings are counted; want %s", n+1, got, want)
		}
	}
	if partly < 3 {
		t.Errorf("only %d deaths came in the middle of a round; this proves too little", partly)
	}
}

// TestBodiesDoNotGatherInMemory: a stream of long bodies that nobody looks at
// must neither fill the memory nor make a journal that is too long to read back.
func TestBodiesDoNotGatherInMemory(t *testing.T) {
	w, path := served(t)
	h := w.heartbeat("job")
	said := w.said(h, monitor.Success, time.Second)
	said.Ping.Body = make([]byte, 60_000)
	for n := range 1200 { // 72 MB
		said.Ping.At = said.Ping.At.Add(time.Duration(n) * time.Millisecond)
		said.Horizon = said.Ping.At
		w.say(said)
	}
	rows, err := store.Looked(w.db, `SELECT COUNT(*) FROM pings`)
	if err != nil || rows == "0" {
		t.Errorf("%s of 1200 pings are in the tables (%v), so the rest is in memory", rows, err)
	}
	for n := range 2 {
		if about, err := os.Stat(fmt.Sprint(path, "-pings", n)); err != nil || about.Size() > 64<<20 {
			t.Errorf("file %d of the journal: %v, %v", n, about.Size(), err)
		}
	}
}

func TestPutSomeAway_LargeBodiesArePutAwayBeforeTheBacklogIsFull(t *testing.T) {
	w, _ := served(t)
	h := w.heartbeat("backup")
	const many = 200 // of 60 kB: more than a third of the bytes that may be pending
	for n := range many {
		ping := w.said(h, monitor.Success, time.Duration(n)*time.Second)
		ping.Ping.Body = make([]byte, 60_000)
		w.say(ping)
	}
	for more := true; more; {
		var err error
		if more, err = store.PutSomeAway(w.db); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.counted("SELECT COUNT(*) FROM pings"); n == "0" {
		t.Errorf("of %d pings with large bodies none was put away", many)
	}
}
