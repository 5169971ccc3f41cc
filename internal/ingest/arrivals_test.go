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
		older := a.Begin("slow")
		time.Sleep(time.Second)
		newer := a.Begin("slow")
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

func TestOtherNodesWaitForWhatIsCompleteOrKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewArrivals()
		a.Stored(a.Begin("known"))
		free := func() time.Time { return time.Now().UTC().Add(-monitor.Tick) }
		stranger := a.Begin("made up")
		time.Sleep(time.Second)
		if cut := a.Cut(); !cut.Horizon.Equal(free()) {
			t.Errorf("a stranger's slow body holds other nodes back to %s", cut.Horizon)
		}
		a.Bind(stranger)
		if cut := a.Cut(); !cut.Horizon.Equal(stranger.At.Add(-monitor.Tick)) {
			t.Errorf("with a binding ping on its way the horizon is %s; want just before %s", cut.Horizon, stranger.At)
		}
		a.End(stranger)
		slow := a.Begin("known")
		time.Sleep(time.Second)
		if cut := a.Cut(); !cut.Horizon.Equal(slow.At.Add(-monitor.Tick)) {
			t.Errorf("with a known slow ping on its way the horizon is %s; want just before %s", cut.Horizon, slow.At)
		}
		a.Stored(slow)
		if cut := a.Cut(); !cut.Horizon.Equal(free()) {
			t.Errorf("with nothing on its way the horizon is %s; want now", cut.Horizon)
		}
	})
}

func TestArrivalsEndInAnyOrder(t *testing.T) {
	a := NewArrivals()
	var all []*Arrival
	for i := range 6 {
		all = append(all, a.Begin([]string{"a", "b"}[i%2]))
	}
	for _, i := range []int{3, 0, 5, 2, 4, 1} {
		a.End(all[i])
	}
	if a.Waiting() != 0 || len(a.byID) != 0 {
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
