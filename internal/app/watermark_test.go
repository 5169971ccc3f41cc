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

// pingSlowly sends a ping whose body takes its time. It returns when the ping has
// arrived, and does not wait for the answer. The ping must be stored.
func (w *world) pingSlowly(n *node, name string, takes time.Duration) (answered chan struct{}) {
	answered = make(chan struct{})
	go func() {
		defer close(answered)
		answer := httptest.NewRecorder()
		n.face.ServeHTTP(answer, httptest.NewRequest("POST", pingurl.For("", w.ids[name]), slowBody{takes}))
		if answer.Code != http.StatusOK {
			w.t.Errorf("slow ping of %s: answered %d %s", name, answer.Code, answer.Body)
		}
	}()
	synctest.Wait()
	return answered
}

// desk is where people change the heartbeats of a node.
func (w *world) desk(n *node) (*manage.Service, auth.Actor) {
	w.t.Helper()
	var p monitor.Project
	err := n.db.View(context.Background(), func(tx *store.Tx) (err error) {
		p, err = tx.Project(w.project)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return manage.New(manage.Options{DB: n.db, Snapshot: n.evaluableUntil, Signals: n.signals()}), auth.Operator(p, "root")
}

func TestSweep_ASlowBodyDelaysItsOwnHeartbeatOnlyOnAllNodes(t *testing.T) {
	simulate(t, func(w *world) {
		nodes := []*node{w.node(), w.node()}
		w.heartbeat("slow", fiveAndTwo)
		w.heartbeat("other", fiveAndTwo)
		for _, n := range nodes { // both know the ids
			w.hear(n, "slow", "")
			w.hear(n, "other", "")
		}
		deadline := time.Now().Add(7 * time.Minute)
		time.Sleep(7*time.Minute - 3*time.Second)
		// Slow bodies on each node, one after the other, until long after the deadline.
		for range 3 {
			for range 2 {
				w.pingSlowly(nodes[0], "slow", 9*time.Second)
				w.pingSlowly(nodes[1], "slow", 9*time.Second)
			}
			time.Sleep(5 * time.Second)
		}
		time.Sleep(10 * time.Second)
		w.expect("opened")
		i := w.incidents()[0]
		if late := i.DetectedAt.Sub(i.OpenedAt); i.HeartbeatName != "other" || late > 250*time.Millisecond {
			w.t.Errorf("%s was noticed %s after its deadline %s; want other, at most 250ms", i.HeartbeatName, late, deadline)
		}
	})
}

func TestApplyPing_APingInTimeOnOneNodeIsNotLostToALatePingOnAnother(t *testing.T) {
	simulate(t, func(w *world) {
		nodes := []*node{w.node(), w.node()}
		w.heartbeat("backup", fiveAndTwo)
		w.hear(nodes[0], "backup", "")
		time.Sleep(7*time.Minute - time.Second)
		answered := w.pingSlowly(nodes[1], "backup", 9*time.Second)
		time.Sleep(3 * time.Second)
		w.hear(nodes[0], "backup", "")
		<-answered
		time.Sleep(time.Second)
		if i := w.incidents(); len(i) != 0 {
			w.t.Errorf("incidents %+v; want none", i)
		}
	})
}

// changes are what a person can do to a heartbeat that judges it.
var changes = map[string]func(*manage.Service, auth.Actor, string, string) error{
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
	simulate(t, func(w *world) {
		nodes := []*node{w.node(), w.node()}
		desk, who := w.desk(nodes[0])
		each := func(do func(n *node, change, name string)) {
			for change := range changes {
				do(nodes[0], change, change+"-same-node")
				do(nodes[1], change, change+"-other-node")
			}
		}
		each(func(_ *node, _, name string) { w.heartbeat(name, fiveAndTwo) })
		each(func(n *node, _, name string) { w.hear(n, name, "") })
		time.Sleep(7*time.Minute - time.Second)
		each(func(n *node, change, name string) {
			if change == "delete" { // afterwards the ping is answered with 404
				n.inFlight.Confirm(n.inFlight.Add(w.ids[name], nil))
				return
			}
			w.pingSlowly(n, name, 9*time.Second)
		})
		time.Sleep(3 * time.Second)
		each(func(_ *node, change, name string) {
			if err := changes[change](desk, who, w.ids[name], name); err != nil {
				w.t.Fatalf("%s: %v", name, err)
			}
		})
		time.Sleep(8 * time.Second)
		for _, i := range w.incidents() {
			w.t.Errorf("%s has an incident: %s", i.HeartbeatName, i.Reason)
		}
	})
}

func TestChangeHeartbeat_AMissIsReportedWhenNoPingIsOnItsWay(t *testing.T) {
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(w *world) {
				n := w.node()
				w.heartbeat("backup", fiveAndTwo)
				w.hear(n, "backup", "")
				w.stop(n) // nothing sweeps
				time.Sleep(8 * time.Minute)
				db := w.open()
				desk, who := w.desk(&node{Engine: NewEngine(db, w.provider.send, "", n.log)})
				if err := change(desk, who, w.ids["backup"], "backup"); err != nil {
					w.t.Fatal(err)
				}
				if i := w.incidents(); len(i) != 1 {
					w.t.Errorf("incidents %+v; want the miss", i)
				}
			})
		})
	}
}
