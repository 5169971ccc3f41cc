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

// failManyHeartbeats makes 20 heartbeats fail at once and returns the times of their alerts.
func failManyHeartbeats(sim *simulation, answer time.Duration) []time.Time {
	const many = 20
	sim.receiver.setDelay(answer)
	n := sim.startNode()
	for i := range many {
		name := fmt.Sprint("job", i)
		sim.addHeartbeat(name, fiveMinuteRule)
		sim.mustPing(n, name, "/fail")
	}
	time.Sleep(many*answer + time.Minute)
	synctest.Wait()
	sim.receiver.mu.Lock()
	defer sim.receiver.mu.Unlock()
	var at []time.Time
	for _, m := range sim.receiver.received {
		at = append(at, m.time)
	}
	if len(at) != many {
		sim.t.Fatalf("%d alerts were sent; want %d", len(at), many)
	}
	return at
}

// TestRunOnce_AFastChannelGetsOneAlertAtATime: so a node that is killed has at
// most one alert of it to send again.
func TestRunOnce_AFastChannelGetsOneAlertAtATime(t *testing.T) {
	const answer = 50 * time.Millisecond
	simulateHours(t, func(sim *simulation) {
		at := failManyHeartbeats(sim, answer)
		for i := range at[1:] {
			if gap := at[i+1].Sub(at[i]); gap < answer {
				t.Errorf("alert %d was sent %s after the one before, which takes %s", i+2, gap, answer)
			}
		}
	})
}

func TestRunOnce_ASlowChannelGetsEightAlertsAtATime(t *testing.T) {
	const answer = 2 * time.Second
	simulateHours(t, func(sim *simulation) {
		at := failManyHeartbeats(sim, answer)
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

// TestRunOnce_ChannelsThatHangLeaveSlotsForOthersInASmallContainer has fewer slots
// than the hanging channels could fill.
func TestRunOnce_ChannelsThatHangLeaveSlotsForOthersInASmallContainer(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		a := newScriptedReceiver()
		for i := range 10 {
			name := fmt.Sprint("hanging", i)
			sim.addChannel(name, monitor.Channel{})
			a.delays[name] = time.Hour
		}
		n := sim.startNodeWith(a, withMaxConcurrent(16))
		for i := range 20 {
			name := fmt.Sprint("job", i)
			sim.addHeartbeat(name, dailyRule)
			sim.mustPing(n, name, "/fail")
			time.Sleep(5 * time.Second)
			synctest.Wait()
			a.mu.Lock()
			at := a.firstAttempts["ops/"+name]
			a.mu.Unlock()
			if at.IsZero() || time.Since(at) < 4*time.Second {
				sim.t.Errorf("%s: the first attempt at the channel that works came after %s; want it within a second", name, 5*time.Second-time.Since(at))
			}
		}
	})
}

func TestRunOnce_NewAlertsDoNotChangeARetryAfter(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		a := newScriptedReceiver()
		n := sim.startNodeWith(a)
		a.setFailure("ops", &notify.SendError{Status: 429, RetryAfter: 24 * time.Hour})
		sim.addHeartbeat("backup", dailyRule)
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(time.Minute)
		a.setFailure("ops", nil)
		sim.mustPing(n, "backup", "")
		time.Sleep(61 * time.Minute)
		if got := a.events("ops"); !slices.Equal(got, []string{"opened", "resolved"}) {
			sim.t.Errorf("an hour later the channel has %v; want both", got)
		}
	})
}
