package ingest

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/store"
)

func TestReject_HoldsBackTheHeartbeatUntilALaterPingIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewInFlight()
		addKnown(a, "job")
		expect := func(when string, want time.Time) {
			t.Helper()
			s := a.Snapshot()
			if got := s.EvaluableUntil("job"); !got.Equal(watermarkBefore(want)) {
				t.Errorf("%s: evaluable until %s; want just before %s", when, got, want)
			}
			if got := s.EvaluableUntil("other"); !got.Equal(watermarkBefore(time.Now())) {
				t.Errorf("%s: another heartbeat is evaluable until %s; want now", when, got)
			}
			if until, listed := s.Watermark.Holds["job"]; listed != want.Before(time.Now()) || listed && !until.Equal(watermarkBefore(want)) {
				t.Errorf("%s: published %v, %s; want just before %s", when, listed, until, want)
			}
		}
		time.Sleep(time.Second)
		first := time.Now().UTC()
		a.Reject("job")
		time.Sleep(40 * time.Second)
		second := a.Add("job", neverKnown)
		a.RejectPing(second)
		time.Sleep(50 * time.Second)
		expect("50s after the second of two rejected pings", first)
		late := a.Add("job", neverKnown)
		if received := a.assign(&batch{pings: []*queuedPing{{id: "job", inFlight: *late}}}, nil); !received[0].Watermark.Equal(first) {
			t.Errorf("a later ping is applied with the watermark %s; want the first rejected ping, %s", received[0].Watermark, first)
		}
		a.RemoveStored(late)
		time.Sleep(time.Second)
		expect("after a later ping was stored", time.Now())
		rejected := time.Now()
		a.Reject("job")
		time.Sleep(rejectedTimeout)
		expect("a minute after a ping that was not sent again", rejected)
		time.Sleep(time.Second)
		expect("more than a minute after it", time.Now())
		stored := time.Now()
		a.Reject("job")
		time.Sleep(time.Second)
		a.ForgetRejected("job", stored.Add(-time.Second))
		expect("an earlier ping was stored on another node", stored)
		a.ForgetRejected("job", stored)
		expect("a ping was stored on another node", time.Now())
	})
}

func TestReject_InventedIDsHoldBackNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewInFlight()
		for n := range maxRejected {
			addKnown(a, fmt.Sprint("known ", n))
		}
		time.Sleep(time.Second)
		at := time.Now()
		for n := range 2 * maxRejected {
			a.Reject(fmt.Sprint("invented ", n))
		}
		for n := range maxRejected / 2 {
			a.Reject(fmt.Sprint("known ", n))
		}
		time.Sleep(time.Second)
		if until := a.Snapshot().EvaluableUntil("other"); !until.Equal(watermarkBefore(time.Now())) {
			t.Errorf("another heartbeat is evaluable until %s; want now", until)
		}
		if until := a.Snapshot().EvaluableUntil("known 0"); !until.Equal(watermarkBefore(at)) {
			t.Errorf("a known heartbeat is evaluable until %s; want just before its rejected ping, %s", until, at)
		}
		more := time.Now()
		a.Reject("known 9999")
		time.Sleep(time.Second)
		s := a.Snapshot()
		if until := s.EvaluableUntil("other"); !until.Equal(watermarkBefore(more)) || !s.Watermark.Default.Before(more) {
			t.Errorf("without a place for a known one, others are evaluable until %s here and %s elsewhere; want before its ping", until, s.Watermark.Default)
		}
	})
}

// TestRemoveBatch_AFailedPingHoldsBackItsHeartbeat: it was answered 503.
func TestRemoveBatch_AFailedPingHoldsBackItsHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewInFlight()
		answers := map[string]error{"failed": store.ErrUnavailable, "broken": errors.New("broken"), "stored": nil, "unknown": errUnknownID}
		gathered := &batch{}
		for id := range answers {
			w := newQueuedPing()
			w.id = id
			a.addTo(&w.inFlight, id, neverKnown)
			gathered.pings = append(gathered.pings, w)
		}
		at := time.Now()
		a.removeBatch(gathered, func(w *queuedPing) error { return answers[w.id] })
		time.Sleep(time.Second)
		for id, want := range map[string]time.Time{"failed": at, "broken": at, "stored": time.Now(), "unknown": time.Now()} {
			if until := a.Snapshot().EvaluableUntil(id); !until.Equal(watermarkBefore(want)) {
				t.Errorf("%s: evaluable until %s; want just before %s", id, until, want)
			}
		}
	})
}
