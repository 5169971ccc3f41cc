package app

import (
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"
)

// failMany lets many heartbeats fail at once and returns when each was sent.
func failMany(w *world, answer time.Duration) []time.Time {
	const many = 20
	w.provider.slow = answer
	n := w.node()
	for i := range many {
		name := fmt.Sprint("job", i)
		w.heartbeat(name, fiveAndTwo)
		w.hear(n, name, "/fail")
	}
	time.Sleep(many*answer + time.Minute)
	synctest.Wait()
	w.provider.mu.Lock()
	defer w.provider.mu.Unlock()
	var at []time.Time
	for _, m := range w.provider.heard {
		at = append(at, m.at)
	}
	if len(at) != many {
		w.t.Fatalf("%d alerts were sent; want %d", len(at), many)
	}
	return at
}

// TestTurn_AQuickChannelGetsOneAlertAtATime: so a node that is killed has at
// most one alert of it to send again.
func TestTurn_AQuickChannelGetsOneAlertAtATime(t *testing.T) {
	const answer = 50 * time.Millisecond
	simulate(t, func(w *world) {
		at := failMany(w, answer)
		for i := range at[1:] {
			if gap := at[i+1].Sub(at[i]); gap < answer {
				t.Errorf("alert %d was sent %s after the one before, which takes %s", i+2, gap, answer)
			}
		}
	})
}

func TestTurn_ASlowChannelGetsEightAlertsAtATime(t *testing.T) {
	const answer = 2 * time.Second
	simulate(t, func(w *world) {
		at := failMany(w, answer)
		together := map[int64]int{}
		for _, moment := range at {
			together[moment.Sub(at[0]).Milliseconds()/answer.Milliseconds()]++
		}
		if want := map[int64]int{0: 8, 1: 8, 2: 4}; !maps.Equal(together, want) {
			t.Errorf("sent per %s: %v; want 8 at a time", answer, together)
		}
		if second := at[1].Sub(at[0]); second < 500*time.Millisecond || second > 600*time.Millisecond {
			t.Errorf("the second alert was sent %s after the first; want it when the first has no answer for half a second", second)
		}
	})
}
