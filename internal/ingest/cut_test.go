package ingest

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/monitor"
)

// before is the horizon that a ping which arrived at the moment leaves.
func before(at time.Time) time.Time { return at.UTC().Add(-monitor.Tick) }

// known makes pings for an id hold back other nodes from their first byte on.
func known(a *Arrivals, id string) { a.Stored(a.Begin(id, unknownWait)) }

func TestCut_AnIncompleteRequestHoldsBackItsOwnHeartbeatOnOtherNodesFromTheFirstMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewArrivals()
		known(a, "slow")
		slow := a.Begin("slow", unknownWait)
		for _, age := range []time.Duration{0, 9 * time.Second} {
			time.Sleep(age)
			h := a.Cut().Horizon
			if !h.Holds["slow"].Equal(before(slow.At)) || len(h.Holds) != 1 {
				t.Errorf("after %s the holds are %v; want slow, just before %s", age, h.Holds, slow.At)
			}
			if !h.Rest.Equal(before(time.Now())) {
				t.Errorf("after %s all others are held back to %s; want now", age, h.Rest)
			}
			if !h.All.Equal(before(slow.At)) {
				t.Errorf("after %s nodes of the version before judge up to %s; want just before the ping", age, h.All)
			}
		}
		a.Stored(slow)
		if h := a.Cut().Horizon; len(h.Holds) != 0 || !h.All.Equal(before(time.Now())) {
			t.Errorf("with nothing on its way: holds %v, horizon %s", h.Holds, h.All)
		}
	})
}

func TestCut_ACompleteRequestIsListedWhenItWaitsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewArrivals()
		waits := a.Begin("locked row", unknownWait)
		a.Complete(waits)
		time.Sleep(maxUnlisted)
		if h := a.Cut().Horizon; len(h.Holds) != 0 || !h.Rest.Equal(before(waits.At)) {
			t.Errorf("after %s: holds %v, the rest up to %s; want none, just before it", maxUnlisted, h.Holds, h.Rest)
		}
		time.Sleep(monitor.Tick)
		if h := a.Cut().Horizon; !h.Holds["locked row"].Equal(before(waits.At)) || !h.Rest.Equal(before(time.Now())) {
			t.Errorf("later: holds %v, the rest up to %s; want its own, now", h.Holds, h.Rest)
		}
	})
}

func TestCut_AMadeUpIDHoldsBackNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewArrivals()
		for i := range 2 * maxHolds {
			a.Begin(fmt.Sprint("made up ", i), unknownWait)
		}
		time.Sleep(time.Second)
		known(a, "real")
		real := a.Begin("real", unknownWait)
		time.Sleep(time.Second)
		h := a.Cut().Horizon
		if !h.Rest.Equal(before(time.Now())) || a.Crowded() {
			t.Errorf("made-up ids hold back all heartbeats to %s; want now", h.Rest)
		}
		if len(h.Holds) != maxHolds || !h.Holds["real"].Equal(before(real.At)) {
			t.Errorf("%d holds, of the real heartbeat %s; want %d, just before %s", len(h.Holds), h.Holds["real"], maxHolds, real.At)
		}
	})
}

func TestCut_WhatFindsNoPlaceOnTheListHoldsBackAllAndHasLittleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewArrivals()
		h := &Handler{Arrivals: a}
		var all []*Arrival
		for i := range maxHolds + 1 {
			id := fmt.Sprint("known ", i)
			known(a, id)
			if got := h.bodyTime(); got != longestBody {
				t.Fatalf("with %d incomplete requests the next has %s; want %s", i, got, longestBody)
			}
			all = append(all, a.Begin(id, unknownWait))
			time.Sleep(time.Millisecond)
		}
		last := all[maxHolds]
		if got := h.bodyTime(); got != crowdedBody {
			t.Errorf("with %d incomplete requests one has %s; want %s", len(all), got, crowdedBody)
		}
		cut := a.Cut()
		if len(cut.Horizon.Holds) != maxHolds || !cut.Horizon.Rest.Equal(before(last.At)) {
			t.Errorf("%d holds, the rest up to %s; want %d, just before the youngest, %s", len(cut.Horizon.Holds), cut.Horizon.Rest, maxHolds, last.At)
		}
		a.Begin("known 0", unknownWait) // one more of a heartbeat that is listed takes no place
		a.End(last)
		if cut := a.Cut(); !cut.Horizon.Rest.Equal(before(time.Now())) || a.Crowded() {
			t.Errorf("when that is over the rest is held back to %s; want now", cut.Horizon.Rest)
		}
	})
}
