package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/dbclock"
)

// publishWatermark publishes the watermark of a node.
func (w *fixture) publishWatermark(node string, now time.Duration, h store.Watermark) {
	w.Helper()
	w.db.SetNode(node)
	w.update(func(tx *store.Tx) error { return tx.PublishWatermark(w.at(now), h) })
}

// removeNode removes a node.
func (w *fixture) removeNode(node string, now time.Duration) {
	w.Helper()
	w.db.SetNode(node)
	w.update(func(tx *store.Tx) error { return tx.RemoveNode(w.at(now)) })
}

// peersOf returns the peers of a node.
func (w *fixture) peersOf(node string, now time.Duration) store.Peers {
	w.Helper()
	w.db.SetNode(node)
	return view(w, func(tx *store.Tx) (store.Peers, error) { return tx.Peers(w.at(now)) })
}

// watermarkAt returns the watermark of a node without holds.
func (w *fixture) watermarkAt(d time.Duration) store.Watermark {
	return store.Watermark{All: w.at(d), Default: w.at(d)}
}

func TestPeers_UsesTheEarliestWatermarkOfTheLiveNodes(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		own := w.at(time.Hour)
		others := func(node string, now time.Duration, count int, horizon time.Time) {
			w.Helper()
			p := w.peersOf(node, now)
			if got := p.Watermark("any", own); p.Count != count || !got.Equal(horizon) {
				w.Errorf("at %s: %s has %d peers with the watermark %s; want %d with %s", now, node, p.Count, got, count, horizon)
			}
		}
		others("a", 0, 0, own)
		w.publishWatermark("a", 0, w.watermarkAt(0))
		others("a", 0, 0, own)
		w.publishWatermark("b", time.Second, w.watermarkAt(time.Second/2))
		w.publishWatermark("c", 2*time.Second, w.watermarkAt(time.Second))
		others("a", 2*time.Second, 2, w.at(time.Second/2))
		others("b", 2*time.Second, 2, w.at(0))
		w.publishWatermark("b", 3*time.Second, w.watermarkAt(2*time.Second))
		others("a", 3*time.Second, 2, w.at(time.Second))
		others("a", 5*time.Second-time.Microsecond, 2, w.at(time.Second))
		others("a", 5*time.Second, 1, w.at(2*time.Second)) // c was silent for 3 s
		w.removeNode("b", 4*time.Second)
		others("a", 4*time.Second, 1, w.at(time.Second))
		w.removeNode("none", 24*time.Hour+time.Second)
		others("a", 4*time.Second, 1, w.at(time.Second))
	})
}

func TestPeers_AHoldAffectsOnlyItsHeartbeat(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.publishWatermark("a", 0, store.Watermark{All: w.at(-time.Minute), Default: w.at(0), Holds: map[string]time.Time{"slow": w.at(-time.Minute)}})
		w.publishWatermark("b", 0, store.Watermark{All: w.at(-time.Hour), Default: w.at(-time.Second), Holds: map[string]time.Time{"slow": w.at(-time.Hour), "late": w.at(0)}})
		for _, row := range []struct {
			node, id string
			want     time.Duration
		}{
			{"c", "slow", -time.Hour},
			{"c", "late", -time.Second},
			{"c", "other", -time.Second},
			{"b", "slow", -time.Minute},
			{"b", "other", 0},
		} {
			if got := w.peersOf(row.node, 0).Watermark(row.id, w.at(time.Second)); !got.Equal(w.at(row.want)) {
				w.Errorf("%s evaluates %s as of %s; want %s", row.node, row.id, got, w.at(row.want))
			}
		}
		if got := w.peersOf("c", 0).Watermark("other", w.at(-time.Hour)); !got.Equal(w.at(-time.Hour)) {
			w.Errorf("a heartbeat that this node holds is evaluated as of %s; want an hour ago", got)
		}
	})
}

func TestHeldWatermark_IgnoresAHoldThatARunningNodeWouldHaveRepeated(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.publishWatermark("a", 0, store.Watermark{All: w.at(-time.Minute), Default: w.at(0), Holds: map[string]time.Time{"slow": w.at(-time.Minute)}})
		for _, row := range []struct{ now, want time.Duration }{{2*time.Second - time.Microsecond, -time.Minute}, {2 * time.Second, time.Hour}} {
			p := w.peersOf("b", row.now)
			if got := p.HeldWatermark("slow", w.at(time.Hour)); !got.Equal(w.at(row.want)) {
				w.Errorf("after %s, a late ping waits for %s; want %s", row.now, got, w.at(row.want))
			}
			if got := p.Watermark("slow", w.at(time.Hour)); !got.Equal(w.at(-time.Minute)) {
				w.Errorf("after %s, the heartbeat is evaluated as of %s; want the hold", row.now, got)
			}
		}
	})
}

func TestNodes_ListsWhatEachNodePublished(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ahead := time.Duration(0)
		w.db.SetClock(dbclock.WithOffset(func() time.Duration { return ahead }), time.Now)
		w.db.SetNodeInfo("alpha", "1.2.3", w.at(-time.Hour))
		ahead = 30 * time.Second
		w.update(func(tx *store.Tx) error { return tx.MeasureClock() })
		w.applyBatch(w.receivedPing(w.newSavedHeartbeat("backup"), monitor.PingSuccess, 0))
		w.publishWatermark("a", 2*time.Second, w.watermarkAt(time.Second))
		before := `INSERT INTO nodes (id, seen, horizon) VALUES ('before', $1, $1)`
		if _, err := store.QueryWriter(w.db, before, w.start.UnixMicro()); err != nil {
			w.Fatal(err)
		}
		got := view(w, func(tx *store.Tx) ([]store.Node, error) { return tx.Nodes(w.at(5 * time.Second)) })
		slices.SortFunc(got, func(x, y store.Node) int { return strings.Compare(x.ID, y.ID) })
		want := []store.Node{
			{ID: "a", Host: "alpha", Version: "1.2.3", Started: w.at(-time.Hour), Seen: w.at(2 * time.Second), Watermark: w.at(time.Second), Own: true},
			{ID: "before", Seen: w.start, Watermark: w.start, Alive: true},
		}
		want[0].LastCommit = w.db.LastCommit()
		if !store.OnSQLite(w.db) {
			want[0].SkewKnown, want[0].Skew = true, 30*time.Second
		}
		if len(got) == 2 {
			got[0].RoundTrip = 0
		}
		if diff := cmp.Diff(want, got); diff != "" || got[0].LastCommit.IsZero() || got[0].WatermarkLag() != time.Second {
			w.Errorf("nodes (-want +got):\n%s", diff)
		}
	})
}

func TestPeers_WorksWithNodesOfThePreviousVersion(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		// The columns that the previous version writes and reads.
		before := `INSERT INTO nodes (id, seen, horizon) VALUES ('before', $1, $2)`
		if _, err := store.QueryWriter(w.db, before, w.start.UnixMicro(), w.at(-time.Second).UnixMicro()); err != nil {
			w.Fatal(err)
		}
		if got := w.peersOf("now", 0).Watermark("any", w.start); !got.Equal(w.at(-time.Second)) {
			w.Errorf("with a node of the previous version, this one evaluates as of %s; want its watermark, %s", got, w.at(-time.Second))
		}
		if got := w.peersOf("now", 9*time.Second); got.Count != 1 {
			w.Error("a node of the previous version, which publishes every 3 s, counts as dead after 9 s")
		}
		if got := w.peersOf("now", 10*time.Second); got.Count != 0 {
			w.Error("a node of the previous version counts as alive after 10 s")
		}
		w.publishWatermark("now", 0, store.Watermark{All: w.at(-time.Minute), Default: w.start, Holds: map[string]time.Time{"slow": w.at(-time.Minute)}})
		if got := w.queryNumber(`SELECT COUNT(*) FROM nodes WHERE id = 'now' AND horizon < rest_horizon`); got != "1" {
			w.Error("the column for the previous version is not the watermark of all heartbeats")
		}
	})
}

func TestApplyPings_WaitsForPingsInFlightOnAnotherNode(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		for _, row := range []struct {
			name    string
			horizon store.Watermark
			want    int
		}{
			{"no ping in flight", w.watermarkAt(9 * time.Minute), 1},
			{"a ping for another heartbeat", store.Watermark{All: w.at(0), Default: w.at(9 * time.Minute), Holds: map[string]time.Time{"another": w.at(0)}}, 1},
			{"not known up to the deadline, as when the other node died", w.watermarkAt(7*time.Minute - time.Second), 1},
			{"a ping from before the deadline", store.Watermark{All: w.at(0), Default: w.at(9 * time.Minute)}, 0},
		} {
			h := w.newSavedHeartbeat(row.name)
			w.applyPings(h, w.ping(monitor.PingSuccess, 0))
			if row.want == 0 && row.horizon.Default.Equal(w.at(9*time.Minute)) {
				row.horizon.Holds = map[string]time.Time{h.ID: w.at(7*time.Minute - time.Second)}
			}
			w.publishWatermark("other", time.Since(w.start), row.horizon)
			w.db.SetNode("this")
			w.applyBatch(w.receivedPing(h, monitor.PingSuccess, 8*time.Minute))
			opened := view(w, func(tx *store.Tx) ([]monitor.Incident, error) {
				return tx.Incidents(store.IncidentFilter{Project: h.Project, Heartbeat: h.Key, Limit: 10})
			})
			if len(opened) != row.want {
				w.Errorf("%s: %d incidents; want %d", row.name, len(opened), row.want)
			}
		}
	})
}

func TestUseQuota_CountsPerNameAndWindow(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		use := func(name string, at time.Duration) (wait time.Duration) {
			w.update(func(tx *store.Tx) (err error) {
				wait, err = tx.UseQuota(name, 2, time.Hour, w.at(at))
				return err
			})
			return wait
		}
		for _, c := range []struct {
			name string
			at   time.Duration
			want time.Duration
		}{
			{"a", 0, 0},
			{"a", 10 * time.Minute, 0},
			{"a", 20 * time.Minute, 40 * time.Minute},
			{"b", 20 * time.Minute, 0},
			{"a", time.Hour - time.Microsecond, time.Microsecond},
			{"a", time.Hour, 0},
			{"a", time.Hour, 10 * time.Minute},
		} {
			if got := use(c.name, c.at); got != c.want {
				w.Errorf("%s after %s: wait %s; want %s", c.name, c.at, got, c.want)
			}
		}
	})
}

func TestEnsureSetting_StoresOnceAndDeletesOnce(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		setting := func() lookup[string] {
			return lookUp(w, func(tx *store.Tx) (string, bool, error) { return tx.Setting("s") })
		}
		if setting().Found {
			w.Error("found before it was set")
		}
		for _, value := range []string{"first", "second"} {
			if kept := updateValue(w, func(tx *store.Tx) (string, error) { return tx.EnsureSetting("s", value) }); kept != "first" {
				w.Errorf("value %q; want the first one", kept)
			}
		}
		w.update(func(tx *store.Tx) error { return tx.SetSetting("s", "third") })
		if got := setting(); got.Value != "third" {
			w.Errorf("%q", got.Value)
		}
		for _, step := range []struct {
			value string
			want  bool
		}{{"first", false}, {"third", true}, {"third", false}} {
			if got := updateValue(w, func(tx *store.Tx) (bool, error) { return tx.DeleteSetting("s", step.value) }); got != step.want {
				w.Errorf("deleting %s: %t; want %t", step.value, got, step.want)
			}
		}
		if setting().Found {
			w.Error("found after it was deleted")
		}
	})
}

// TestPeers_ANodeIsConnectedAndSilentOnPostgreSQL: a node that is slow or suspended keeps its connections. Those of
// a process that was killed end at once.
func TestPeers_ANodeIsConnectedAndSilentOnPostgreSQL(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		if !w.db.IsShared() {
			return // SQLite has one node
		}
		other := w.open()
		node := other.NewNode()
		w.publishWatermark(node, 0, store.Watermark{All: w.at(0), Default: w.at(0), Holds: map[string]time.Time{"held": w.at(-time.Second)}})
		expect := func(now time.Duration, peers int, held time.Time) {
			w.Helper()
			p := w.peersOf("a", now)
			if got := p.HeldWatermark("held", w.at(now)); p.Count != peers || !got.Equal(held) {
				w.Errorf("%s after its publication: %d peers, and a ping ends a silence until %s; want %d, %s", now, p.Count, got, peers, held)
			}
		}
		if err := other.Update(w.Context(), func(tx *store.Tx) error { return nil }); err != nil {
			w.Fatal(err)
		}
		expect(7*time.Second, 1, w.at(-time.Second))
		expect(8*time.Second, 0, w.at(8*time.Second))
		if err := other.Close(); err != nil {
			w.Fatal(err)
		}
		for n := 0; n < 10_000 && w.peersOf("a", 3*time.Second).Count > 0; n++ { // the server ends its processes after the close
		}
		expect(2*time.Second+time.Millisecond, 1, w.at(2*time.Second+time.Millisecond))
		expect(3*time.Second, 0, w.at(3*time.Second))
		if again := w.open().NewNode(); again == node {
			w.Errorf("two nodes have the name %s", node)
		}
	})
}
