package ingest

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/monitor"
)

// watermarkBefore returns the watermark while a ping that arrived at that time is in flight.
func watermarkBefore(at time.Time) time.Time { return at.UTC().Add(-monitor.Precision) }

// addKnown makes pings for an id hold back other nodes from their first byte on.
func addKnown(a *InFlight, id string) { a.RemoveStored(a.Add(id, neverKnown)) }

func TestSnapshot_AnIncompleteRequestHoldsBackItsOwnHeartbeatOnOtherNodesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewInFlight()
		addKnown(a, "slow")
		slow := a.Add("slow", neverKnown)
		for _, age := range []time.Duration{0, 9 * time.Second} {
			time.Sleep(age)
			h := a.Snapshot().Watermark
			if !h.Holds["slow"].Equal(watermarkBefore(slow.At)) || len(h.Holds) != 1 {
				t.Errorf("after %s the holds are %v; want slow, just before %s", age, h.Holds, slow.At)
			}
			if !h.Default.Equal(watermarkBefore(time.Now())) {
				t.Errorf("after %s all others are held back to %s; want now", age, h.Default)
			}
			if !h.All.Equal(watermarkBefore(slow.At)) {
				t.Errorf("after %s nodes of the previous version evaluate up to %s; want just before the ping", age, h.All)
			}
		}
		a.RemoveStored(slow)
		if h := a.Snapshot().Watermark; len(h.Holds) != 0 || !h.All.Equal(watermarkBefore(time.Now())) {
			t.Errorf("with nothing on its way: holds %v, horizon %s", h.Holds, h.All)
		}
	})
}

func TestSnapshot_ACompleteRequestIsListedWhenItWaitsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewInFlight()
		waits := a.Add("locked row", neverKnown)
		a.Complete(waits)
		time.Sleep(maxUnlisted)
		if h := a.Snapshot().Watermark; len(h.Holds) != 0 || !h.Default.Equal(watermarkBefore(waits.At)) {
			t.Errorf("after %s: holds %v, the rest up to %s; want none, just before it", maxUnlisted, h.Holds, h.Default)
		}
		time.Sleep(monitor.Precision)
		if h := a.Snapshot().Watermark; !h.Holds["locked row"].Equal(watermarkBefore(waits.At)) || !h.Default.Equal(watermarkBefore(time.Now())) {
			t.Errorf("later: holds %v, the rest up to %s; want its own, now", h.Holds, h.Default)
		}
	})
}

func TestSnapshot_AnUnknownIDHoldsBackNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewInFlight()
		for i := range 2 * maxHolds {
			a.Add(fmt.Sprint("made up ", i), neverKnown)
		}
		time.Sleep(time.Second)
		addKnown(a, "real")
		real := a.Add("real", neverKnown)
		time.Sleep(time.Second)
		h := a.Snapshot().Watermark
		if !h.Default.Equal(watermarkBefore(time.Now())) || a.Crowded() {
			t.Errorf("made-up ids hold back all heartbeats to %s; want now", h.Default)
		}
		if len(h.Holds) != maxHolds || !h.Holds["real"].Equal(watermarkBefore(real.At)) {
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
			addKnown(a, id)
			if got := h.bodyTimeLimit(); got != bodyTimeout {
				t.Fatalf("with %d incomplete requests the next has %s; want %s", i, got, bodyTimeout)
			}
			all = append(all, a.Add(id, neverKnown))
			time.Sleep(time.Millisecond)
		}
		last := all[maxHolds]
		if got := h.bodyTimeLimit(); got != crowdedBodyTimeout {
			t.Errorf("with %d incomplete requests one has %s; want %s", len(all), got, crowdedBodyTimeout)
		}
		cut := a.Snapshot()
		if len(cut.Watermark.Holds) != maxHolds || !cut.Watermark.Default.Equal(watermarkBefore(last.At)) {
			t.Errorf("%d holds, the rest up to %s; want %d, just before the youngest, %s", len(cut.Watermark.Holds), cut.Watermark.Default, maxHolds, last.At)
		}
		a.Add("known 0", neverKnown) // one more of a heartbeat that is listed takes no place
		a.Remove(last)
		if cut := a.Snapshot(); !cut.Watermark.Default.Equal(watermarkBefore(time.Now())) || a.Crowded() {
			t.Errorf("when that is over the rest is held back to %s; want now", cut.Watermark.Default)
		}
	})
}
