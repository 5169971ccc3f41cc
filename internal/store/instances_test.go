package store_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// newHostsHeartbeat returns a stored heartbeat of which each host must succeed.
func (w *fixture) newHostsHeartbeat(name string, n monitor.Instances) monitor.Heartbeat {
	h := w.newHeartbeat(name)
	h.Rule.Instances = n
	return w.addHeartbeat(h)
}

// The hosts are a part of the state, so they are as durable as the pings: on each node, in the buffer, and
// after a restart without a flush.
func TestApplyPings_HostsAreStoredWithThePings(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		other := w
		if !store.OnSQLite(w.db) {
			other = w.onNode(w.open())
		}
		h := w.newHostsHeartbeat("hosts", monitor.EachHost)
		for i := range 9 {
			on := []*fixture{w, other}[i%2]
			on.applyAll(w.fromHost(h, fmt.Sprint("web", i%3), monitor.PingSuccess, time.Duration(i)*time.Second))
		}
		got := w.reload(h)
		want := []monitor.HostState{
			{Name: "web0", At: w.at(6 * time.Second), Success: w.at(6 * time.Second)},
			{Name: "web1", At: w.at(7 * time.Second), Success: w.at(7 * time.Second)},
			{Name: "web2", At: w.at(8 * time.Second), Success: w.at(8 * time.Second)},
		}
		if diff := cmp.Diff(want, got.Hosts); diff != "" || got.Rule.Instances != monitor.EachHost {
			w.Errorf("instances %s (-want +got):\n%s", got.Rule.Instances, diff)
		}
		w.applyAll(w.fromHost(h, "web0", monitor.PingSuccess, 4*time.Minute))
		w.evaluate(8 * time.Minute)
		if i := w.incident(h); i.Host != "web1" {
			w.Errorf("host %q of the incident; want web1, which has been silent for the longest time", i.Host)
		}
	})
}

func TestApplyPings_ARestartKeepsTheHostsInTheWAL(t *testing.T) {
	w, path := serveSQLite(t)
	h := w.newHostsHeartbeat("hosts", 2)
	w.applyBatch(w.fromHost(h, "web1", monitor.PingSuccess, 0), w.fromHost(h, "web2", monitor.PingSuccess, time.Second))
	before := w.reload(h)
	after := &fixture{T: t, db: openStore(t, copyOfKilledServer(t, path)), start: w.start, project: w.project}
	if err := after.db.Serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.Hosts, after.reload(h).Hosts); diff != "" || len(before.Hosts) != 2 {
		t.Errorf("hosts (-before +after):\n%s", diff)
	}
}

// The same random pings on a store with a write-behind buffer and on one without have the same hosts.
func TestApplyPings_ABufferedStoreHasTheSameHosts(t *testing.T) {
	with, _ := serveSQLite(t)
	without := &fixture{T: t, db: openStore(t, filepath.Join(t.TempDir(), "plain.db")), start: realTimeStart}
	without.project = without.addProject("main")
	a, b := with.newHostsHeartbeat("hosts", monitor.EachHost), without.newHostsHeartbeat("hosts", monitor.EachHost)
	r := rand.New(rand.NewPCG(64, 1))
	for n := range 300 {
		host, kind := fmt.Sprint("web", r.IntN(3)), []monitor.PingKind{"success", "success", "success", "success", "fail", "start"}[r.IntN(6)]
		at := time.Duration(n) * 37 * time.Second
		with.applyBatch(with.fromHost(a, host, kind, at))
		without.applyBatch(without.fromHost(b, host, kind, at))
		if r.IntN(10) == 0 {
			if err := store.Flush(with.db); err != nil {
				t.Fatal(err)
			}
		}
	}
	x, y := with.reload(a), without.reload(b)
	if diff := cmp.Diff(y.Hosts, x.Hosts); diff != "" || x.Status != y.Status || !x.CountedFrom.Equal(y.CountedFrom) {
		t.Errorf("%s and %s (-without +with):\n%s", y.Status, x.Status, diff)
	}
	if n, m := len(with.incidents(with.project.Key)), len(without.incidents(without.project.Key)); n != m || n < 5 {
		t.Errorf("%d and %d incidents; want the same, and some", m, n)
	}
}
