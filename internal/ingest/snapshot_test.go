package ingest

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/monitor"
)

// before is the horizon that a ping which arrived at the moment leaves.
func before(at time.Time) time.Time { return at.UTC().Add(-monitor.Precision) }

// known makes pings for an id hold back other nodes from their first byte on.
func known(a *InFlight, id string) { a.RemoveStored(a.Add(id, unknownWait)) }

func TestSnapshot_AnIncompleteRequestHoldsBackItsOwnHeartbeatOnOtherNodesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewInFlight()
		known(a, "slow")
		slow := a.Add("slow", unknownWait)
		for _, age := range []time.Duration{0, 9 * time.Second} {
			time.Sleep(age)
			h := a.Snapshot().Watermark
			if !h.Holds["slow"].Equal(before(slow.At)) || len(h.Holds) != 1 {
				t.Errorf("after %s the holds are %v; want slow, just before %s", age, h.Holds, slow.At)
			}
			if !h.Default.Equal(before(time.Now())) {
				t.Errorf("after %s all others are held back to %s; want now", age, h.Default)
			}
			if !h.All.Equal(before(slow.At)) {
				t.Errorf("after %s nodes of the version before judge up to %s; want just before the ping", age, h.All)
			}
		}
		a.RemoveStored(slow)
		if h := a.Snapshot().Watermark; len(h.Holds) != 0 || !h.All.Equal(before(time.Now())) {
			t.Errorf("with nothing on its way: holds %v, horizon %s", h.Holds, h.All)
		}
	})
}

func TestSnapshot_ACompleteRequestIsListedWhenItWaitsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewInFlight()
		waits := a.Add("locked row", unknownWait)
		a.Complete(waits)
		time.Sleep(maxUnlisted)
		if h := a.Snapshot().Watermark; len(h.Holds) != 0 || !h.Default.Equal(before(waits.At)) {
			t.Errorf("after %s: holds %v, the rest up to %s; want none, just before it", maxUnlisted, h.Holds, h.Default)
		}
		time.Sleep(monitor.Precision)
		if h := a.Snapshot().Watermark; !h.Holds["locked row"].Equal(before(waits.At)) || !h.Default.Equal(before(time.Now())) {
			t.Errorf("later: holds %v, the rest up to %s; want its own, now", h.Holds, h.Default)
		}
	})
}

func TestSnapshot_AnUnknownIDHoldsBackNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewInFlight()
		for i := range 2 * maxHolds {
			a.Add(fmt.Sprint("made up ", i), unknownWait)
		}
		time.Sleep(time.Second)
		known(a, "real")
		real := a.Add("real", unknownWait)
		time.Sleep(time.Second)
		h := a.Snapshot().Watermark
		if !h.Default.Equal(before(time.Now())) || a.Crowded() {
			t.Errorf("made-up ids hold back all heartbeats to %s; want now", h.Default)
		}
		if len(h.Holds) != maxHolds || !h.Holds["real"].Equal(before(real.At)) {
			t.Errorf("%d holds, of the real heartbeat %s; want %d, just before %s", len(h.Holds), h.Holds["real"], maxHolds, real.At)
		}
	})
}

func TestSnapshot_PingsBeyondTheListHoldBackAllAndGetLessTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewInFlight()
		h := &Handler{InFlight: a}
		var all []*InFlightPing
		for i := range maxHolds + 1 {
			id := fmt.Sprint("known ", i)
			known(a, id)
			if got := h.bodyTimeLimit(); got != bodyTimeout {
				t.Fatalf("with %d incomplete requests the next has %s; want %s", i, got, bodyTimeout)
			}
			all = append(all, a.Add(id, unknownWait))
			time.Sleep(time.Millisecond)
		}
		last := all[maxHolds]
		if got := h.bodyTimeLimit(); got != crowdedBodyTimeout {
			t.Errorf("with %d incomplete requests one has %s; want %s", len(all), got, crowdedBodyTimeout)
		}
		cut := a.Snapshot()
		if len(cut.Watermark.Holds) != maxHolds || !cut.Watermark.Default.Equal(before(last.At)) {
			t.Errorf("%d holds, the rest up to %s; want %d, just before the youngest, %s", len(cut.Watermark.Holds), cut.Watermark.Default, maxHolds, last.At)
		}
		a.Add("known 0", unknownWait) // one more of a heartbeat that is listed takes no place
		a.Remove(last)
		if cut := a.Snapshot(); !cut.Watermark.Default.Equal(before(time.Now())) || a.Crowded() {
			t.Errorf("when that is over the rest is held back to %s; want now", cut.Watermark.Default)
		}
	})
}
