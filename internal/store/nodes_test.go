package store_test

import (
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// alive publishes for a node.
func (w *world) alive(node string, now time.Duration, h store.Horizon) {
	w.Helper()
	w.db.Join(node)
	w.update(func(tx *store.Tx) error { return tx.Alive(w.at(now), h) })
}

// gone takes a node off the list.
func (w *world) gone(node string, now time.Duration) {
	w.Helper()
	w.db.Join(node)
	w.update(func(tx *store.Tx) error { return tx.Gone(w.at(now)) })
}

// peers reads what a node sees of the others.
func (w *world) peers(node string, now time.Duration) store.Peers {
	w.Helper()
	w.db.Join(node)
	return seen(w, func(tx *store.Tx) (store.Peers, error) { return tx.Peers(w.at(now)) })
}

// upTo is the horizon of a node that lists no heartbeat.
func (w *world) upTo(d time.Duration) store.Horizon {
	return store.Horizon{All: w.at(d), Rest: w.at(d)}
}

func TestPeers_TheOldestHorizonOfTheLivingNodesCounts(t *testing.T) {
	onEach(t, func(w *world) {
		own := w.at(time.Hour)
		others := func(node string, now time.Duration, count int, horizon time.Time) {
			w.Helper()
			p := w.peers(node, now)
			if got := p.Until("any", own); p.Count != count || !got.Equal(horizon) {
				w.Errorf("at %s %s sees %d others up to %s; want %d up to %s", now, node, p.Count, got, count, horizon)
			}
		}
		others("a", 0, 0, own)
		w.alive("a", 0, w.upTo(0))
		others("a", 0, 0, own)
		w.alive("b", time.Second, w.upTo(time.Second/2))
		w.alive("c", 2*time.Second, w.upTo(time.Second))
		others("a", 2*time.Second, 2, w.at(time.Second/2))
		others("b", 2*time.Second, 2, w.at(0))
		w.alive("b", 3*time.Second, w.upTo(2*time.Second))
		others("a", 3*time.Second, 2, w.at(time.Second))
		others("a", 12*time.Second-time.Microsecond, 2, w.at(time.Second))
		others("a", 12*time.Second, 1, w.at(2*time.Second)) // c was silent for 10 s
		w.gone("b", 4*time.Second)
		others("a", 4*time.Second, 1, w.at(time.Second))
		w.gone("none", 24*time.Hour+time.Second)
		others("a", 4*time.Second, 1, w.at(time.Second))
	})
}

func TestPeers_AHoldCountsForItsHeartbeatOnly(t *testing.T) {
	onEach(t, func(w *world) {
		w.alive("a", 0, store.Horizon{All: w.at(-time.Minute), Rest: w.at(0), Holds: map[string]time.Time{"slow": w.at(-time.Minute)}})
		w.alive("b", 0, store.Horizon{All: w.at(-time.Hour), Rest: w.at(-time.Second), Holds: map[string]time.Time{"slow": w.at(-time.Hour), "late": w.at(0)}})
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
			if got := w.peers(row.node, 0).Until(row.id, w.at(time.Second)); !got.Equal(w.at(row.want)) {
				w.Errorf("%s judges %s as of %s; want %s", row.node, row.id, got, w.at(row.want))
			}
		}
		if got := w.peers("c", 0).Until("other", w.at(-time.Hour)); !got.Equal(w.at(-time.Hour)) {
			w.Errorf("what this node holds back itself is judged as of %s; want an hour ago", got)
		}
	})
}

func TestPeers_NodesOfTheVersionBeforeAndOfThisOneUnderstandEachOther(t *testing.T) {
	onEach(t, func(w *world) {
		// What the version before writes, and what it reads.
		before := `INSERT INTO nodes (id, seen, horizon) VALUES ('before', $1, $2)`
		if _, err := store.Written(w.db, before, w.start.UnixMicro(), w.at(-time.Second).UnixMicro()); err != nil {
			w.Fatal(err)
		}
		if got := w.peers("now", 0).Until("any", w.start); !got.Equal(w.at(-time.Second)) {
			w.Errorf("next to the version before, this one judges as of %s; want its horizon, %s", got, w.at(-time.Second))
		}
		w.alive("now", 0, store.Horizon{All: w.at(-time.Minute), Rest: w.start, Holds: map[string]time.Time{"slow": w.at(-time.Minute)}})
		if got := w.counted(`SELECT COUNT(*) FROM nodes WHERE id = 'now' AND horizon < rest_horizon`); got != "1" {
			w.Error("what the version before reads is not the horizon of all heartbeats")
		}
	})
}

func TestHear_EndsNoSilenceThatAPingOnAnotherNodeMayHavePrevented(t *testing.T) {
	onEach(t, func(w *world) {
		for _, row := range []struct {
			name    string
			horizon store.Horizon
			want    int
		}{
			{"nothing on its way", w.upTo(9 * time.Minute), 1},
			{"a ping for another heartbeat", store.Horizon{All: w.at(0), Rest: w.at(9 * time.Minute), Holds: map[string]time.Time{"another": w.at(0)}}, 1},
			{"not known up to the deadline, as when the other node died", w.upTo(7*time.Minute - time.Second), 1},
			{"a ping from before the deadline", store.Horizon{All: w.at(0), Rest: w.at(9 * time.Minute)}, 0},
		} {
			h := w.heartbeat(row.name)
			w.hear(h, w.ping(monitor.Success, 0))
			if row.want == 0 && row.horizon.Rest.Equal(w.at(9*time.Minute)) {
				row.horizon.Holds = map[string]time.Time{h.ID: w.at(7*time.Minute - time.Second)}
			}
			w.alive("other", time.Since(w.start), row.horizon)
			w.db.Join("this")
			w.say(w.said(h, monitor.Success, 8*time.Minute))
			opened := seen(w, func(tx *store.Tx) ([]monitor.Incident, error) {
				return tx.Incidents(store.IncidentFilter{Project: h.Project, Heartbeat: h.Key, Limit: 10})
			})
			if len(opened) != row.want {
				w.Errorf("%s: %d incidents; want %d", row.name, len(opened), row.want)
			}
		}
	})
}
