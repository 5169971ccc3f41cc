package store_test

import (
	"context"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// receivedRunPing is a ping with a run id, on its way to the store.
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
		w.Error("a run began whose end is stored")
	}
	if p := view(w, func(tx *store.Tx) (monitor.Ping, error) { return tx.Ping(h.Key, n) }); p.Kind != monitor.PingStart || p.Flags != monitor.StartAfterFinish {
		w.Errorf("stored %+v; want a start with the mark", p)
	}
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
			w.Errorf("finished runs %+v; want the three, the oldest first", got)
		}
	})
}

func TestApplyPings_AFinishedRunDoesNotStartAgainAfterACrash(t *testing.T) {
	w, path := served(t)
	h := w.newSavedHeartbeat("backup")
	w.applyBatch(w.receivedRunPing(h, monitor.PingSuccess, "a", 0))
	copied := copyOfKilledServer(t, path)
	after := &fixture{T: t, db: openStore(t, copied), start: realTimeStart, project: w.project}
	if err := after.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	after.expectNoNewRun(h, after.receivedRunPing(h, monitor.PingStart, "a", time.Minute), 2)
}
