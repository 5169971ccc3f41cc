package store_test

import (
	"context"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// heardRun is a ping with a run id, on its way to the store.
func (w *world) heardRun(h monitor.Heartbeat, kind monitor.PingKind, run string, d time.Duration) store.Heard {
	p := w.ping(kind, d)
	p.RunID = run
	return store.Heard{ID: h.ID, Ping: p, Horizon: p.At}
}

// beginsNothing stores a late start and checks that it is only logged.
func (w *world) beginsNothing(h monitor.Heartbeat, late store.Heard, n int64) {
	w.Helper()
	if _, err := w.db.Hear(context.Background(), []store.Heard{late}); err != nil {
		w.Fatal(err)
	}
	if w.now(h).Running() {
		w.Error("a run began whose end is stored")
	}
	if p := seen(w, func(tx *store.Tx) (monitor.Ping, error) { return tx.Ping(h.Key, n) }); p.Kind != monitor.Start || p.Flags != monitor.RunFinished {
		w.Errorf("stored %+v; want a start with the mark", p)
	}
}

func TestHear_AFinishedRunDoesNotBeginAgainWhicheverNodeHasItsStart(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		for n, run := range []string{"a", "b", "0f8fad5b-d9cb-469f-a165-70867728950e"} {
			if _, err := w.db.Hear(context.Background(), []store.Heard{w.heardRun(h, monitor.Success, run, time.Duration(n)*time.Second)}); err != nil {
				w.Fatal(err)
			}
		}
		w.beginsNothing(h, w.heardRun(h, monitor.Start, "a", time.Minute), 4)
		if got := w.now(h).Finished; len(got) != 3 || !got[0].At.Equal(w.at(0)) {
			w.Errorf("finished runs %+v; want the three, the oldest first", got)
		}
	})
}

func TestHear_AFinishedRunDoesNotBeginAgainAfterTheServerDied(t *testing.T) {
	w, path := served(t)
	h := w.heartbeat("backup")
	w.say(w.heardRun(h, monitor.Success, "a", 0))
	copied := asKilled(t, path)
	after := &world{T: t, db: opened(t, copied), start: someDay, project: w.project}
	if err := after.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	after.beginsNothing(h, after.heardRun(h, monitor.Start, "a", time.Minute), 2)
}
