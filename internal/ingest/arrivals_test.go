package ingest

import (
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/monitor"
)

func TestAHeartbeatIsHeldBackByItsOwnPingsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewArrivals()
		older := a.Begin("slow", unknownWait)
		time.Sleep(time.Second)
		newer := a.Begin("slow", unknownWait)
		time.Sleep(time.Second)
		cut := a.Cut()
		if want := older.At.Add(-monitor.Tick); !cut.Until("slow").Equal(want) {
			t.Errorf("judged until %s; want just before the oldest arrival, %s", cut.Until("slow"), want)
		}
		if want := time.Now().UTC().Add(-monitor.Tick); !cut.Until("other").Equal(want) {
			t.Errorf("another heartbeat is judged until %s; want %s", cut.Until("other"), want)
		}
		a.End(older)
		if cut := a.Cut(); !cut.Until("slow").Equal(newer.At.Add(-monitor.Tick)) {
			t.Errorf("after the oldest is stored it is judged until %s; want just before %s", cut.Until("slow"), newer.At)
		}
		a.End(newer)
		if a.Waiting() != 0 || len(a.byID) != 0 {
			t.Errorf("with nothing on its way: %d waiting", a.Waiting())
		}
	})
}

func TestArrivalsEndInAnyOrder(t *testing.T) {
	a := NewArrivals()
	var all []*Arrival
	for i := range 6 {
		all = append(all, a.Begin([]string{"a", "b"}[i%2], unknownWait))
	}
	for _, i := range []int{3, 0, 5, 2, 4, 1} {
		if i%3 == 0 {
			a.Bind(all[i])
		}
		if i%2 == 0 {
			a.Complete(all[i])
		}
		a.End(all[i])
	}
	if a.Waiting() != 0 || len(a.byID) != 0 || len(a.open) != 0 {
		t.Errorf("left behind: %+v", a)
	}
}

func TestTheAbuseLimitKnowsNetworksAndSparesThisMachine(t *testing.T) {
	l := NewLimit(1)
	for i := range 5 {
		if l.Allow("127.0.0.1") > 0 || l.Allow("::1") > 0 {
			t.Fatalf("this machine was limited after %d pings", i)
		}
	}
	for range 3 {
		l.Allow("2001:db8::1")
	}
	if l.Allow("2001:db8::ffff") == 0 {
		t.Error("another address of a limited /64 was let through")
	}
	if l.Allow("2001:db8:0:1::1") > 0 || l.Allow("192.0.2.7") > 0 {
		t.Error("another network was limited")
	}
	if NewLimit(0).Allow("192.0.2.7") > 0 {
		t.Error("no limit limits")
	}
}
