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

// runHistory returns all spans of a heartbeat as of d, oldest first.
func (w *fixture) runHistory(h monitor.Heartbeat, d time.Duration) []monitor.Span {
	w.Helper()
	closed := view(w, func(tx *store.Tx) ([]monitor.Span, error) {
		return tx.RunHistory(store.RunHistoryFilter{Heartbeat: h.Key, Limit: 10_000})
	})
	var all []monitor.Span
	for i := len(closed) - 1; i >= 0; i-- {
		all = append(all, closed[i])
	}
	return append(all, w.reload(h).UnstoredSpans(w.at(d), 0)...)
}

// spanTexts returns the run history as short texts.
func (w *fixture) spanTexts(h monitor.Heartbeat, d time.Duration) []string {
	w.Helper()
	var all []string
	for _, s := range w.runHistory(h, d) {
		all = append(all, fmt.Sprintf("%d %s %v-%v", s.Count, s.Outcome, s.First.Sub(w.start), s.Last.Sub(w.start)))
	}
	return all
}

func TestSave_ASpanIsARowOnlyAfterItEnds(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		for n := range 5 {
			w.applyPings(h, w.ping(monitor.PingSuccess, time.Duration(n)*time.Minute))
		}
		if n := w.queryNumber("SELECT COUNT(*) FROM slots"); n != "0" {
			t.Errorf("%s rows after five equal pings; want none", n)
		}
		w.applyPings(h, w.ping(monitor.PingFail, 5*time.Minute), w.ping(monitor.PingSuccess, 6*time.Minute))
		w.evaluate(60 * time.Minute)
		want := []string{"5 on_time 0s-4m0s", "1 failed 5m0s-5m0s", "1 on_time 6m0s-6m0s", "10 missed 11m0s-56m0s"}
		if diff := cmp.Diff(want, w.spanTexts(h, 60*time.Minute)); diff != "" {
			t.Errorf("run history (-want +got):\n%s", diff)
		}
		if n := w.queryNumber("SELECT COUNT(*) FROM slots"); n != "2" {
			t.Errorf("%s rows; want the two closed spans", n)
		}
		up := view(w, func(tx *store.Tx) (store.Uptime, error) { return tx.Uptime(h.Key, w.start) })
		if up.Expected != 6 || up.Good != 5 {
			t.Errorf("%d of %d runs were good; want 5 of 6", up.Good, up.Expected)
		}
	})
}

func TestRunHistory_ReturnsTheRequestedPart(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h, other := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("other")
		for n := range 10 {
			kind := monitor.PingSuccess
			if n%2 == 1 {
				kind = monitor.PingFail
			}
			for _, of := range []monitor.Heartbeat{h, other} {
				w.applyPings(of, w.ping(kind, time.Duration(n)*time.Minute))
			}
		}
		read := func(f store.RunHistoryFilter) (got []time.Duration) {
			f.Heartbeat = h.Key
			for _, s := range view(w, func(tx *store.Tx) ([]monitor.Span, error) { return tx.RunHistory(f) }) {
				got = append(got, s.First.Sub(w.start)/time.Minute)
			}
			return got
		}
		// The tenth span is still open.
		for _, row := range []struct {
			f    store.RunHistoryFilter
			want []time.Duration
		}{
			{store.RunHistoryFilter{Limit: 3}, []time.Duration{8, 7, 6}},
			{store.RunHistoryFilter{Limit: 3, Before: w.at(6 * time.Minute)}, []time.Duration{5, 4, 3}},
			{store.RunHistoryFilter{Limit: 9, Since: w.at(7 * time.Minute)}, []time.Duration{8, 7}},
		} {
			if diff := cmp.Diff(row.want, read(row.f)); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", row.f, diff)
			}
		}
		recent := view(w, func(tx *store.Tx) (map[int64][]monitor.Span, error) {
			return tx.RecentRunHistory([]int64{h.Key, other.Key}, 2)
		})
		for _, of := range []monitor.Heartbeat{h, other} {
			if got := recent[of.Key]; len(got) != 2 || !got[0].First.Equal(w.at(7*time.Minute)) || !got[1].First.Equal(w.at(8*time.Minute)) {
				t.Errorf("recent spans %+v; want the last two, oldest first", got)
			}
		}
	})
}

func TestSave_LimitsTheRunHistory(t *testing.T) {
	w, _ := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	h.Rule.Interval = time.Minute
	w.update(func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(h) })
	for n := range 40 {
		var transitions []store.Transition
		for k := range 100 {
			at := w.at(time.Duration(100*n+k) * time.Minute)
			transitions = append(transitions, store.Transition{Heartbeat: h, Change: monitor.Change{ClosedSpans: []monitor.Span{
				{Outcome: monitor.RunOnTime, First: at, Last: at, Count: 1},
			}}})
		}
		w.update(func(tx *store.Tx) error { _, err := tx.Save(w.start, transitions); return err })
	}
	// 4,000 spans were added; it is practically impossible that none of the last 2,000 pruned.
	if n := w.queryNumber("SELECT COUNT(*) < 3500 AND COUNT(*) >= 2000 FROM slots"); n != "1" {
		t.Errorf("%s spans are stored; want about 2000", w.queryNumber("SELECT COUNT(*) FROM slots"))
	}
}

// A row of a version without run histories starts one at its last ping.
func TestRunHistory_StartsAtTheLastPingWithoutStoredState(t *testing.T) {
	w, _ := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	w.applyPings(h, w.ping(monitor.PingSuccess, time.Minute))
	if _, err := store.QueryWriter(w.db, "UPDATE heartbeats SET ledger = NULL WHERE key = $1 RETURNING 1", h.Key); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2 missed 6m0s-11m0s"}, w.spanTexts(h, 14*time.Minute)); diff != "" {
		t.Errorf("run history (-want +got):\n%s", diff)
	}
}

func TestHeartbeat_InvalidRunStateIsAnError(t *testing.T) {
	w, _ := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	for _, text := range []string{"", "1 2 3", "x    ", "1  many  "} {
		if _, err := store.QueryWriter(w.db, "UPDATE heartbeats SET ledger = $1 WHERE key = $2 RETURNING 1", text, h.Key); err != nil {
			t.Fatal(err)
		}
		if err := w.db.View(context.Background(), func(tx *store.Tx) error { _, err := tx.HeartbeatByKey(h.Key); return err }); err == nil {
			t.Errorf("the run state %q was accepted", text)
		}
	}
}

// TestServe_LosesAndRepeatsNoSpanAfterACrash kills the server at many times during a
// round of flushes, and compares the run history with that of a server that lived.
func TestServe_LosesAndRepeatsNoSpanAfterACrash(t *testing.T) {
	w, path := serveWithLowThreshold(t)
	var list []monitor.Heartbeat
	for n := range 300 {
		list = append(list, w.newSavedHeartbeat(fmt.Sprint("job", n)))
	}
	r := rand.New(rand.NewPCG(3, 4))
	partly, now := 0, time.Duration(0)
	for n := range 120 {
		// Each job pings after 4.5 to 6.8 minutes: on time or late, without an incident.
		now += time.Duration(90+r.IntN(45)) * time.Second
		batch := make([]store.ReceivedPing, 100)
		for i := range batch {
			batch[i] = w.receivedPing(list[(100*n+i)%len(list)], monitor.PingSuccess, now)
		}
		w.applyBatch(batch...)
		if n < 40 || n%10 != 0 {
			continue
		}
		copied := copyOfKilledServer(t, path)
		after := &fixture{T: t, db: openStore(t, copied), start: realTimeStart, project: w.project}
		if got := after.storedPings(); got != "0" && got != fmt.Sprint(100*(n+1)) && after.queryNumber("SELECT COUNT(*) FROM slots") != "0" {
			partly++
		}
		if err := after.db.Serve(context.Background()); err != nil {
			t.Fatal(err)
		}
		for _, h := range list[:40] {
			got, want := after.runHistory(h, now), after.runHistoryAfterReplay(h, now)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("run history after %d batches and a crash (-from the pings +stored):\n%s", n+1, diff)
			}
		}
	}
	if partly < 2 {
		t.Errorf("only %d crashes in the middle of a round; the test needs more", partly)
	}
}

// runHistoryAfterReplay returns the run history that the stored pings of a heartbeat produce.
func (w *fixture) runHistoryAfterReplay(h monitor.Heartbeat, d time.Duration) []monitor.Span {
	w.Helper()
	pings := view(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 1000) })
	var all []monitor.Span
	for i := len(pings) - 1; i >= 0; i-- {
		var change monitor.Change
		h, change = h.ApplyPing(pings[i], pings[i].At)
		all = append(all, change.ClosedSpans...)
	}
	return append(all, h.UnstoredSpans(w.at(d), 0)...)
}
