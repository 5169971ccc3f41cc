package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// ledger is all that is known of a heartbeat's slots as of d, oldest first.
func (w *world) ledger(h monitor.Heartbeat, d time.Duration) []monitor.Stretch {
	w.Helper()
	closed := seen(w, func(tx *store.Tx) ([]monitor.Stretch, error) {
		return tx.Slots(store.SlotFilter{Heartbeat: h.Key, Limit: 10_000})
	})
	var all []monitor.Stretch
	for i := len(closed) - 1; i >= 0; i-- {
		all = append(all, closed[i])
	}
	return append(all, w.now(h).Unwritten(w.at(d), 0)...)
}

// stretches are what w.ledger tells, in short.
func (w *world) stretches(h monitor.Heartbeat, d time.Duration) []string {
	w.Helper()
	var all []string
	for _, s := range w.ledger(h, d) {
		all = append(all, fmt.Sprintf("%d %s %v-%v", s.Count, s.Outcome, s.First.Sub(w.start), s.Last.Sub(w.start)))
	}
	return all
}

func TestAStretchIsARowOnlyWhenItIsOver(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		for n := range 5 {
			w.hear(h, w.ping(monitor.Success, time.Duration(n)*time.Minute))
		}
		if n := w.counted("SELECT COUNT(*) FROM slots"); n != "0" {
			t.Errorf("%s rows after five pings alike; want none", n)
		}
		w.hear(h, w.ping(monitor.Fail, 5*time.Minute), w.ping(monitor.Success, 6*time.Minute))
		w.lapse(60 * time.Minute)
		want := []string{"5 on_time 0s-4m0s", "1 failed 5m0s-5m0s", "1 on_time 6m0s-6m0s", "10 missed 11m0s-56m0s"}
		if diff := cmp.Diff(want, w.stretches(h, 60*time.Minute)); diff != "" {
			t.Errorf("ledger (-want +got):\n%s", diff)
		}
		if n := w.counted("SELECT COUNT(*) FROM slots"); n != "2" {
			t.Errorf("%s rows; want the two that are over", n)
		}
		up := seen(w, func(tx *store.Tx) (store.Uptime, error) { return tx.Uptime(h.Key, w.start) })
		if up.Expected != 6 || up.Good != 5 {
			t.Errorf("%d of %d runs were good; want 5 of 6", up.Good, up.Expected)
		}
	})
}

func TestThePartOfALedgerThatIsAskedForIsRead(t *testing.T) {
	onEach(t, func(w *world) {
		h, other := w.heartbeat("backup"), w.heartbeat("other")
		for n := range 10 {
			kind := monitor.Success
			if n%2 == 1 {
				kind = monitor.Fail
			}
			for _, of := range []monitor.Heartbeat{h, other} {
				w.hear(of, w.ping(kind, time.Duration(n)*time.Minute))
			}
		}
		read := func(f store.SlotFilter) (got []time.Duration) {
			f.Heartbeat = h.Key
			for _, s := range seen(w, func(tx *store.Tx) ([]monitor.Stretch, error) { return tx.Slots(f) }) {
				got = append(got, s.First.Sub(w.start)/time.Minute)
			}
			return got
		}
		// The tenth is still open.
		for _, row := range []struct {
			f    store.SlotFilter
			want []time.Duration
		}{
			{store.SlotFilter{Limit: 3}, []time.Duration{8, 7, 6}},
			{store.SlotFilter{Limit: 3, Before: w.at(6 * time.Minute)}, []time.Duration{5, 4, 3}},
			{store.SlotFilter{Limit: 9, Since: w.at(7 * time.Minute)}, []time.Duration{8, 7}},
		} {
			if diff := cmp.Diff(row.want, read(row.f)); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", row.f, diff)
			}
		}
		recent := seen(w, func(tx *store.Tx) (map[int64][]monitor.Stretch, error) {
			return tx.RecentSlots([]int64{h.Key, other.Key}, 2)
		})
		for _, of := range []monitor.Heartbeat{h, other} {
			if got := recent[of.Key]; len(got) != 2 || !got[0].First.Equal(w.at(7*time.Minute)) || !got[1].First.Equal(w.at(8*time.Minute)) {
				t.Errorf("recent slots %+v; want the last two, oldest first", got)
			}
		}
	})
}

func TestOldSlotsAreForgotten(t *testing.T) {
	onEach(t, func(w *world) {
		h, gone := w.heartbeat("backup"), w.heartbeat("gone")
		for _, of := range []monitor.Heartbeat{h, gone} {
			w.hear(of, w.ping(monitor.Success, 0), w.ping(monitor.Fail, 24*time.Hour), w.ping(monitor.Success, 48*time.Hour))
		}
		w.update(func(tx *store.Tx) error {
			gone := w.now(gone)
			gone.Deleted = w.at(49 * time.Hour)
			return tx.SaveSettings(gone)
		})
		before := w.counted("SELECT COUNT(*) FROM slots")
		w.update(func(tx *store.Tx) error { _, err := tx.Forget(w.at(49*time.Hour), 10); return err })
		if n := w.counted("SELECT COUNT(*) FROM slots"); n != before {
			t.Errorf("%s of %s stretches are left", n, before)
		}
		w.update(func(tx *store.Tx) error { _, err := tx.Forget(w.at(90*24*time.Hour+time.Hour), 10); return err })
		left := w.ledger(h, 49*time.Hour)
		if len(left) == 0 || !left[0].First.Equal(w.at(5*time.Minute)) {
			t.Errorf("left %+v; want all but the first", left)
		}
		if n := w.counted(fmt.Sprint("SELECT COUNT(*) FROM slots WHERE heartbeat = ", gone.Key)); n != "0" {
			t.Errorf("%s stretches of a deleted heartbeat are left", n)
		}
	})
}

func TestALedgerDoesNotGrowWithoutEnd(t *testing.T) {
	w, _ := served(t)
	h := w.heartbeat("backup")
	h.Rule.Interval = time.Minute
	w.update(func(tx *store.Tx) error { return tx.SaveSettings(h) })
	for n := range 40 {
		var judged []store.Judgement
		for k := range 100 {
			at := w.at(time.Duration(100*n+k) * time.Minute)
			judged = append(judged, store.Judgement{Heartbeat: h, Change: monitor.Change{Decided: []monitor.Stretch{
				{Outcome: monitor.RunOnTime, First: at, Last: at, Count: 1},
			}}})
		}
		w.update(func(tx *store.Tx) error { _, err := tx.Save(w.start, judged); return err })
	}
	// 4,000 were added; that none of the last 2,000 led to a cut is as good as impossible.
	if n := w.counted("SELECT COUNT(*) < 3500 AND COUNT(*) >= 2000 FROM slots"); n != "1" {
		t.Errorf("%s stretches are kept; want about 2000", w.counted("SELECT COUNT(*) FROM slots"))
	}
}

// A row from before there were ledgers begins one at its last ping.
func TestAHeartbeatWithoutALedgerBeginsItAtItsLastPing(t *testing.T) {
	w, _ := served(t)
	h := w.heartbeat("backup")
	w.hear(h, w.ping(monitor.Success, time.Minute))
	if _, err := store.Written(w.db, "UPDATE heartbeats SET ledger = NULL WHERE key = $1 RETURNING 1", h.Key); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2 missed 6m0s-11m0s"}, w.stretches(h, 14*time.Minute)); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestAnUnreadableLedgerIsAnError(t *testing.T) {
	w, _ := served(t)
	h := w.heartbeat("backup")
	for _, text := range []string{"", "1 2 3", "x    ", "1  many  "} {
		if _, err := store.Written(w.db, "UPDATE heartbeats SET ledger = $1 WHERE key = $2 RETURNING 1", text, h.Key); err != nil {
			t.Fatal(err)
		}
		if err := w.db.View(context.Background(), func(tx *store.Tx) error { _, err := tx.HeartbeatByKey(h.Key); return err }); err == nil {
			t.Errorf("a ledger of %q was read", text)
		}
	}
}

// TestDeathsLoseAndDoubleNoSlot kills the server at many moments of a round of
// putting away, and compares the ledger with that of the server that lived.
func TestDeathsLoseAndDoubleNoSlot(t *testing.T) {
	w, path := hasty(t)
	var list []monitor.Heartbeat
	for n := range 300 {
		list = append(list, w.heartbeat(fmt.Sprint("job", n)))
	}
	r := rand.New(rand.NewPCG(3, 4))
	partly, now := 0, time.Duration(0)
	for n := range 120 {
		// Each job pings after 4.5 to 6.8 minutes: on time or late, without news.
		now += time.Duration(90+r.IntN(45)) * time.Second
		batch := make([]store.Heard, 100)
		for i := range batch {
			batch[i] = w.said(list[(100*n+i)%len(list)], monitor.Success, now)
		}
		w.say(batch...)
		if n < 40 || n%10 != 0 {
			continue
		}
		copied := asKilled(t, path)
		after := &world{T: t, db: opened(t, copied), start: someDay, project: w.project}
		if got := after.counted("SELECT COUNT(*) FROM pings"); got != "0" && got != fmt.Sprint(100*(n+1)) && after.counted("SELECT COUNT(*) FROM slots") != "0" {
			partly++
		}
		if err := after.db.Serve(context.Background()); err != nil {
			t.Fatal(err)
		}
		for _, h := range list[:40] {
			got, want := after.ledger(h, now), after.replayed(h, now)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("ledger after %d batches and a death (-from the pings +kept):\n%s", n+1, diff)
			}
		}
	}
	if partly < 2 {
		t.Errorf("only %d deaths came in the middle of a round; this proves too little", partly)
	}
}

// replayed is the ledger as the pings of a heartbeat make it, from the first on.
func (w *world) replayed(h monitor.Heartbeat, d time.Duration) []monitor.Stretch {
	w.Helper()
	pings := seen(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 1000) })
	var all []monitor.Stretch
	for i := len(pings) - 1; i >= 0; i-- {
		var change monitor.Change
		h, change = h.Hear(pings[i], pings[i].At)
		all = append(all, change.Decided...)
	}
	return append(all, h.Unwritten(w.at(d), 0)...)
}
