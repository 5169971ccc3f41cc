package ingest

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/pingurl"
)

// neverKnown returns that the wait of a request is not known.
func neverKnown() (time.Duration, bool) { return 0, false }

// hasWaited is a request whose data arrived some time ago.
func hasWaited(d time.Duration) func() (time.Duration, bool) {
	return func() (time.Duration, bool) { return d, true }
}

// newResumedInFlight returns the register of a process that was suspended for d.
func newResumedInFlight(d time.Duration) *InFlight {
	a := NewInFlight()
	a.Pulse()
	a.lastPulse = a.lastPulse.Add(-d)
	return a
}

func TestAdd_ARequestThatWaitedThroughASuspensionIsDatedWhenItArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, now := newResumedInFlight(30*time.Second), time.Now()
		for _, c := range []struct {
			waited  time.Duration
			want    time.Time
			delayed bool
		}{
			{29 * time.Second, now.Add(-29 * time.Second), true},
			{time.Second, now.Add(-time.Second), true},
			{31 * time.Second, now.Add(-31 * time.Second), true}, // unread when the suspension began
			{0, now, false},
		} {
			if got := a.Add(someID, hasWaited(c.waited)); !got.At.Equal(storedTime(c.want)) || got.delayed != c.delayed {
				t.Errorf("waited %s: dated %s before now, delayed %v; want %s, %v", c.waited, now.Sub(got.At), got.delayed, now.Sub(c.want), c.delayed)
			}
		}
		time.Sleep(5 * time.Second) // the backlog is long
		a.Pulse()
		a.lastSuspension.to, a.lastSuspension.from = now, now.Add(-30*time.Second)
		if got := a.Add(someID, hasWaited(10*time.Second)); !got.At.Equal(storedTime(now.Add(-5 * time.Second))) {
			t.Errorf("read 5 s after the end: dated %s before the end; want 5 s", now.Sub(got.At))
		}
		if got := a.Add(someID, hasWaited(4*time.Second)); !got.At.Equal(storedTime(time.Now())) || got.delayed {
			t.Errorf("arrived after the end: dated %s, delayed %v; want now", got.At, got.delayed)
		}
	})
}

// While a machine sleeps, the clock that measures how long a request has waited
// stops, too.
func TestSuspension_AfterSleepTheEarlierMomentCounts(t *testing.T) {
	from := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	awake := 200 * time.Millisecond // of the process, between the last pulse and the first moment after
	s := suspension{from: from, to: from.Add(awake)}
	at, during := s.arrival(s.to.Add(time.Second), time.Second+150*time.Millisecond)
	if want := from.Add(50 * time.Millisecond); !at.Equal(want) || !during {
		t.Errorf("dated %s after the last pulse, during %v; want %s", at.Sub(from), during, want.Sub(from))
	}
}

func TestSnapshot_AfterASuspensionNothingIsEvaluatedUntilTheSocketsAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, now := newResumedInFlight(30*time.Second), time.Now()
		limit := storedTime(now.Add(-30 * time.Second)).Add(-monitor.Precision)
		cut := a.Snapshot() // the sweep may run before anything else
		if !cut.EvaluableUntil(someID).Equal(limit) || !cut.Watermark.All.Equal(limit) || !cut.Watermark.Default.Equal(limit) {
			t.Errorf("evaluable until %s, others until %s; want both until before the suspension, %s", cut.EvaluableUntil(someID), cut.Watermark.Default, limit)
		}
		waits := a.Add(someID, hasWaited(10*time.Second))
		for range 3 {
			time.Sleep(time.Second)
			a.Pulse()
		}
		if cut := a.Snapshot(); !cut.EvaluableUntil("another").Equal(storedTime(time.Now()).Add(-monitor.Precision)) || !cut.EvaluableUntil(someID).Equal(waits.At.Add(-monitor.Precision)) {
			t.Errorf("3 s later: until %s, until %s; want now, and before the ping that waits", cut.EvaluableUntil("another"), cut.EvaluableUntil(someID))
		}
	})
}

func TestServeHTTP_AfterASuspensionTheOrderInWhichTheSocketsAreReadRaisesNoAlarm(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		d.send("POST", "", nil)
		time.Sleep(61*time.Minute + 10*time.Second) // the deadline is 10 s past
		d.handler.InFlight.lastPulse = time.Now().Add(-30 * time.Second)
		var all sync.WaitGroup
		for _, waited := range []time.Duration{time.Second, 0, 20 * time.Second} { // the last one was in time
			all.Go(func() {
				handler := *d.handler
				handler.DataAge = func(*http.Request) (time.Duration, bool) { return waited, true }
				answer := httptest.NewRecorder()
				handler.ServeHTTP(answer, httptest.NewRequest("POST", pingurl.For("", "")+d.h.ID, nil))
				if answer.Code != 200 {
					d.t.Errorf("answered %d %s; want 200", answer.Code, answer.Body)
				}
			})
			time.Sleep(100 * time.Millisecond) // each is read when the one before could be stored
		}
		all.Wait()
		if incidents := d.incidents(); len(incidents) != 0 {
			d.t.Errorf("incidents %+v; want none, a ping arrived in time", incidents)
		}
	})
}

func TestPulse_ABusyProcessIsNotSuspended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewInFlight()
		time.Sleep(time.Hour) // before the first pulse nothing is known
		a.Pulse()
		for range 100 {
			time.Sleep(PulseInterval + time.Second)
			a.Pulse()
		}
		if !a.lastSuspension.to.IsZero() {
			t.Errorf("suspended %+v; want not at all", a.lastSuspension)
		}
	})
}
