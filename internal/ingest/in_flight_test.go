package ingest

import (
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/monitor"
)

func TestInFlight_AHeartbeatIsHeldBackByItsOwnPingsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewInFlight()
		older := a.Add("slow", neverKnown)
		time.Sleep(time.Second)
		newer := a.Add("slow", neverKnown)
		time.Sleep(time.Second)
		cut := a.Snapshot()
		if want := older.At.Add(-monitor.Precision); !cut.EvaluableUntil("slow").Equal(want) {
			t.Errorf("evaluable until %s; want just before the oldest arrival, %s", cut.EvaluableUntil("slow"), want)
		}
		if want := time.Now().UTC().Add(-monitor.Precision); !cut.EvaluableUntil("other").Equal(want) {
			t.Errorf("another heartbeat is evaluable until %s; want %s", cut.EvaluableUntil("other"), want)
		}
		a.Remove(older)
		if cut := a.Snapshot(); !cut.EvaluableUntil("slow").Equal(newer.At.Add(-monitor.Precision)) {
			t.Errorf("after the oldest is stored the heartbeat is evaluable until %s; want just before %s", cut.EvaluableUntil("slow"), newer.At)
		}
		a.Remove(newer)
		if a.Count() != 0 || len(a.byID) != 0 {
			t.Errorf("with nothing on its way: %d waiting", a.Count())
		}
	})
}

func TestInFlight_StoringSinceIsWhenTheOldestRequestWasComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewInFlight()
		slow, next := a.Add("slow", neverKnown), a.Add("next", neverKnown)
		time.Sleep(time.Minute)
		if at, found := a.StoringSince(); found {
			t.Errorf("an incomplete request counts, since %s", at)
		}
		a.Complete(slow)
		want := time.Now()
		time.Sleep(time.Second)
		a.Complete(next)
		if at, found := a.StoringSince(); !found || !at.Equal(want) {
			t.Errorf("since %s, %t; want %s", at, found, want)
		}
		a.Remove(slow)
		if at, _ := a.StoringSince(); !at.Equal(want.Add(time.Second)) {
			t.Errorf("since %s; want the other ping", at)
		}
	})
}

func TestRemove_PingsEndInAnyOrder(t *testing.T) {
	a := NewInFlight()
	var all []*InFlightPing
	for i := range 6 {
		all = append(all, a.Add([]string{"a", "b"}[i%2], neverKnown))
	}
	for _, i := range []int{3, 0, 5, 2, 4, 1} {
		if i%3 == 0 {
			a.Confirm(all[i])
		}
		if i%2 == 0 {
			a.Complete(all[i])
		}
		a.Remove(all[i])
	}
	if a.Count() != 0 || len(a.byID) != 0 || len(a.incomplete) != 0 {
		t.Errorf("left behind: %+v", a)
	}
}

func TestLimit_CountsByNetworkAndExemptsLoopback(t *testing.T) {
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
