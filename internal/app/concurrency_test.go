package app

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
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

// TestRunOnce_AFastChannelGetsOneAlertAtATime: so a node that is killed has at
// most one alert of it to send again.
func TestRunOnce_AFastChannelGetsOneAlertAtATime(t *testing.T) {
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

func TestRunOnce_ASlowChannelGetsEightAlertsAtATime(t *testing.T) {
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

// TestRunOnce_ChannelsThatHangLeaveSlotsForOthersInASmallContainer uses few places and
// more channels that hang than could fill them.
func TestRunOnce_ChannelsThatHangLeaveSlotsForOthersInASmallContainer(t *testing.T) {
	simulate(t, func(w *world) {
		a := newAnswers()
		for i := range 10 {
			name := fmt.Sprint("hanging", i)
			w.channel(name, monitor.Channel{})
			a.takes[name] = time.Hour
		}
		n := w.answering(a, atMost(16))
		for i := range 20 {
			name := fmt.Sprint("job", i)
			w.heartbeat(name, daily)
			w.hear(n, name, "/fail")
			time.Sleep(5 * time.Second)
			synctest.Wait()
			a.mu.Lock()
			at := a.first["ops/"+name]
			a.mu.Unlock()
			if at.IsZero() || time.Since(at) < 4*time.Second {
				w.t.Errorf("%s: the first attempt at the channel that works came after %s; want it within a second", name, 5*time.Second-time.Since(at))
			}
		}
	})
}

func TestRunOnce_NewAlertsDoNotChangeARetryAfter(t *testing.T) {
	simulate(t, func(w *world) {
		a := newAnswers()
		n := w.answering(a)
		a.set("ops", &notify.SendError{Status: 429, RetryAfter: 24 * time.Hour})
		w.heartbeat("backup", daily)
		w.hear(n, "backup", "/fail")
		time.Sleep(time.Minute)
		a.set("ops", nil)
		w.hear(n, "backup", "")
		time.Sleep(61 * time.Minute)
		if got := a.events("ops"); !slices.Equal(got, []string{"opened", "resolved"}) {
			w.t.Errorf("an hour later the channel has %v; want both", got)
		}
	})
}
