package store_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// receivedRunPing returns a ping with a run id, as the store gets it.
func (w *fixture) receivedRunPing(h monitor.Heartbeat, kind monitor.PingKind, run string, d time.Duration) store.ReceivedPing {
	p := w.ping(kind, d)
	p.RunID = run
	return store.ReceivedPing{ID: h.ID, Ping: p, Watermark: p.At}
}

// expectNoNewRun stores a late start and checks that it is only logged.
func (w *fixture) expectNoNewRun(h monitor.Heartbeat, late store.ReceivedPing, n int64) {
	w.Helper()
	if _, err := w.db.ApplyPings(context.Background(), []store.ReceivedPing{late}); err != nil {
		w.Fatal(err)
	}
	if w.reload(h).Running() {
		w.Error("a run started whose end is stored")
	}
	if p := view(w, func(tx *store.Tx) (monitor.Ping, error) { return tx.Ping(h.Key, n) }); p.Kind != monitor.PingStart || p.Flags != monitor.StartAfterFinish {
		w.Errorf("stored %+v; want a start with the flag", p)
	}
}

func TestApplyPings_ReportsWhichStatusesChanged(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		for n, c := range []struct {
			kind   monitor.PingKind
			turned bool
		}{{monitor.PingSuccess, true}, {monitor.PingSuccess, false}, {monitor.PingFail, true}, {monitor.PingFail, false}, {monitor.PingSuccess, true}} {
			r, err := w.db.ApplyPings(context.Background(), []store.ReceivedPing{w.receivedRunPing(h, c.kind, "", time.Duration(n)*time.Second)})
			if err != nil {
				w.Fatal(err)
			}
			if slices.Contains(r.Turned, h.Key) != c.turned || !slices.Contains(r.Heartbeats, h.Key) {
				w.Errorf("ping %d, %s: turned %v of %v; want turned: %t", n, c.kind, r.Turned, r.Heartbeats, c.turned)
			}
		}
	})
}

func TestApplyPings_AFinishedRunDoesNotStartAgainOnAnotherNode(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		for n, run := range []string{"a", "b", "0f8fad5b-d9cb-469f-a165-70867728950e"} {
			if _, err := w.db.ApplyPings(context.Background(), []store.ReceivedPing{w.receivedRunPing(h, monitor.PingSuccess, run, time.Duration(n)*time.Second)}); err != nil {
				w.Fatal(err)
			}
		}
		w.expectNoNewRun(h, w.receivedRunPing(h, monitor.PingStart, "a", time.Minute), 4)
		if got := w.reload(h).FinishedRuns; len(got) != 3 || !got[0].EndedAt.Equal(w.at(0)) {
			w.Errorf("finished runs %+v; want all three, oldest first", got)
		}
	})
}

func TestApplyPings_AFinishedRunDoesNotStartAgainAfterACrash(t *testing.T) {
	w, path := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	w.applyBatch(w.receivedRunPing(h, monitor.PingSuccess, "a", 0))
	copied := copyOfKilledServer(t, path)
	after := &fixture{T: t, db: openStore(t, copied), start: realTimeStart, project: w.project}
	if err := after.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	after.expectNoNewRun(h, after.receivedRunPing(h, monitor.PingStart, "a", time.Minute), 2)
}

// TestApplyPings_NodesWithTheSameHeartbeatsLoseNoPing stores batches of the same
// heartbeats on two nodes at the same time, in opposite orders.
func TestApplyPings_NodesWithTheSameHeartbeatsLoseNoPing(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		var ids []string
		for n := range 5 {
			ids = append(ids, w.newSavedHeartbeat(fmt.Sprint("job-", n)).ID)
		}
		other := w.onNode(w.open())
		const rounds = 20
		var both sync.WaitGroup
		for node, w := range []*fixture{w, other} {
			both.Go(func() {
				asked := slices.Clone(ids)
				if node == 1 {
					slices.Reverse(asked)
				}
				for range rounds {
					if err := failAndRecoverAll(w, asked); err != nil {
						w.Error(err)
					}
				}
			})
		}
		both.Wait()
		for _, id := range ids {
			h := view(w, func(tx *store.Tx) (monitor.Heartbeat, error) { return tx.Heartbeat(w.project.Key, id) })
			if n := len(w.pingNumbers(h, 0, 1000)); h.PingCount != 4*rounds || n != 4*rounds {
				w.Errorf("%d pings counted and %d stored; want %d", h.PingCount, n, 4*rounds)
			}
			if h.Status != monitor.Up || h.OpenIncident != "" {
				w.Errorf("it is %s with incident %q; want it up", h.Status, h.OpenIncident)
			}
		}
		for n, i := range w.incidents(w.project.Key) {
			if i.Number != int64(n+1) || i.State() != monitor.StateResolved {
				w.Errorf("incident %d has the number %d and is %s; want no gap, and resolved", n+1, i.Number, i.State())
			}
		}
		if n := len(w.incidents(w.project.Key)); n != 2*rounds*len(ids) {
			w.Errorf("%d incidents; want one per failure", n)
		}
	})
}

// failAndRecoverAll applies a failure and a success of each heartbeat in one batch.
func failAndRecoverAll(w *fixture, ids []string) error {
	return w.db.Update(context.Background(), func(tx *store.Tx) error {
		found, err := tx.HeartbeatsForPings(ids)
		if err != nil {
			return err
		}
		var transitions []store.Transition
		for _, id := range ids {
			h, change := found[id].ApplyPing(w.ping(monitor.PingFail, time.Minute), w.at(time.Minute))
			transitions = append(transitions, store.Transition{Heartbeat: h, Change: change})
			h, change = h.ApplyPing(w.ping(monitor.PingSuccess, time.Minute), w.at(time.Minute))
			transitions = append(transitions, store.Transition{Heartbeat: h, Change: change})
		}
		_, err = tx.Save(w.at(time.Minute), transitions)
		return err
	})
}
