package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/pingurl"
	"overdue/internal/store"
)

// pingSlowly sends a ping whose body ends after a delay. It returns when the ping has
// arrived, before it is answered. The ping must be stored.
func (sim *simulation) pingSlowly(n *node, name string, takes time.Duration) (answered chan struct{}) {
	answered = make(chan struct{})
	go func() {
		defer close(answered)
		answer := httptest.NewRecorder()
		n.pingHandler.ServeHTTP(answer, httptest.NewRequest("POST", pingurl.For("", sim.ids[name]), slowBody{takes}))
		if answer.Code != http.StatusOK {
			sim.t.Errorf("slow ping of %s: answered %d %s", name, answer.Code, answer.Body)
		}
	}()
	synctest.Wait()
	return answered
}

// serviceOf returns the service that changes the heartbeats of a node.
func (sim *simulation) serviceOf(n *node) (*manage.Service, auth.Actor) {
	sim.t.Helper()
	var p monitor.Project
	err := n.db.View(context.Background(), func(tx *store.Tx) (err error) {
		p, err = tx.Project(sim.project)
		return err
	})
	if err != nil {
		sim.t.Fatal(err)
	}
	return manage.New(manage.Options{DB: n.db, Snapshot: n.evaluableUntil, Signals: n.signals()}), auth.Operator(p, "root")
}

func TestSweep_ASlowBodyDelaysItsOwnHeartbeatOnlyOnAllNodes(t *testing.T) {
	simulate(t, func(sim *simulation) {
		nodes := []*node{sim.startNode(), sim.startNode()}
		sim.addHeartbeat("slow", fiveMinuteRule)
		sim.addHeartbeat("other", fiveMinuteRule)
		for _, n := range nodes { // both know the ids
			sim.mustPing(n, "slow", "")
			sim.mustPing(n, "other", "")
		}
		deadline := time.Now().Add(7 * time.Minute)
		time.Sleep(7*time.Minute - 3*time.Second)
		// Slow bodies on each node, one after the other, until long after the deadline.
		for range 3 {
			for range 2 {
				sim.pingSlowly(nodes[0], "slow", 9*time.Second)
				sim.pingSlowly(nodes[1], "slow", 9*time.Second)
			}
			time.Sleep(5 * time.Second)
		}
		time.Sleep(10 * time.Second)
		sim.expectEvents("opened")
		i := sim.incidents()[0]
		if late := i.DetectedAt.Sub(i.OpenedAt); i.HeartbeatName != "other" || late > 250*time.Millisecond {
			sim.t.Errorf("%s was noticed %s after its deadline %s; want other, at most 250ms", i.HeartbeatName, late, deadline)
		}
	})
}

func TestApplyPing_APingInTimeOnOneNodeIsNotLostToALatePingOnAnother(t *testing.T) {
	simulate(t, func(sim *simulation) {
		nodes := []*node{sim.startNode(), sim.startNode()}
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(nodes[0], "backup", "")
		time.Sleep(7*time.Minute - time.Second)
		answered := sim.pingSlowly(nodes[1], "backup", 9*time.Second)
		time.Sleep(3 * time.Second)
		sim.mustPing(nodes[0], "backup", "")
		<-answered
		time.Sleep(time.Second)
		if i := sim.incidents(); len(i) != 0 {
			sim.t.Errorf("incidents %+v; want none", i)
		}
	})
}

// heartbeatChanges are the user actions that evaluate a heartbeat.
var heartbeatChanges = map[string]func(*manage.Service, auth.Actor, string, string) error{
	"edit": func(d *manage.Service, a auth.Actor, id, _ string) error {
		grace := "2m30s"
		_, err := d.ChangeHeartbeat(context.Background(), a, id, manage.HeartbeatEdit{Grace: &grace})
		return err
	},
	"put": func(d *manage.Service, a auth.Actor, _, slug string) error {
		grace := "2m30s"
		_, _, err := d.PutHeartbeat(context.Background(), a, slug, manage.HeartbeatEdit{Grace: &grace})
		return err
	},
	"pause": func(d *manage.Service, a auth.Actor, id, _ string) error {
		_, err := d.PauseHeartbeat(context.Background(), a, id)
		return err
	},
	"delete": func(d *manage.Service, a auth.Actor, id, _ string) error {
		return d.DeleteHeartbeat(context.Background(), a, id)
	},
}

func TestChangeHeartbeat_APingThatArrivedInTimeNeverLosesToAChange(t *testing.T) {
	simulate(t, func(sim *simulation) {
		nodes := []*node{sim.startNode(), sim.startNode()}
		service, actor := sim.serviceOf(nodes[0])
		each := func(do func(n *node, change, name string)) {
			for change := range heartbeatChanges {
				do(nodes[0], change, change+"-same-node")
				do(nodes[1], change, change+"-other-node")
			}
		}
		each(func(_ *node, _, name string) { sim.addHeartbeat(name, fiveMinuteRule) })
		each(func(n *node, _, name string) { sim.mustPing(n, name, "") })
		time.Sleep(7*time.Minute - time.Second)
		each(func(n *node, change, name string) {
			if change == "delete" { // afterwards the ping is answered with 404
				n.inFlight.Confirm(n.inFlight.Add(sim.ids[name], nil))
				return
			}
			sim.pingSlowly(n, name, 9*time.Second)
		})
		time.Sleep(3 * time.Second)
		each(func(_ *node, change, name string) {
			if err := heartbeatChanges[change](service, actor, sim.ids[name], name); err != nil {
				sim.t.Fatalf("%s: %v", name, err)
			}
		})
		time.Sleep(8 * time.Second)
		for _, i := range sim.incidents() {
			sim.t.Errorf("%s has an incident: %s", i.HeartbeatName, i.Reason)
		}
	})
}

func TestChangeHeartbeat_AMissIsReportedWhenNoPingIsOnItsWay(t *testing.T) {
	for name, change := range heartbeatChanges {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(sim *simulation) {
				n := sim.startNode(withoutSweeps)
				sim.addHeartbeat("backup", fiveMinuteRule)
				sim.mustPing(n, "backup", "")
				time.Sleep(8 * time.Minute)
				db := sim.openDB()
				service, actor := sim.serviceOf(&node{Engine: NewEngine(db, sim.receiver.send, "", n.log)})
				if err := change(service, actor, sim.ids["backup"], "backup"); err != nil {
					sim.t.Fatal(err)
				}
				if i := sim.incidents(); len(i) != 1 {
					sim.t.Errorf("incidents %+v; want the miss", i)
				}
			})
		})
	}
}
