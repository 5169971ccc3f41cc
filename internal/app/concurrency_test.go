package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
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

// TestRunOnce_AFastChannelGetsMoreAndMoreAlertsAtATime: the first answer decides whether
// the receiver gets several.
func TestRunOnce_AFastChannelGetsMoreAndMoreAlertsAtATime(t *testing.T) {
	const answer = 50 * time.Millisecond
	simulateHours(t, func(sim *simulation) {
		at := failManyHeartbeats(sim, answer)
		together := map[int64]int{}
		for _, moment := range at {
			together[moment.Sub(at[0]).Milliseconds()/answer.Milliseconds()]++
		}
		if want := map[int64]int{0: 1, 1: 2, 2: 4, 3: 8, 4: 5}; !maps.Equal(together, want) {
			t.Errorf("sent per %s: %v; want twice as many each time", answer, together)
		}
	})
}

// TestRunOnce_AMailChannelGetsOneAlertAtATime: mail servers limit concurrent sessions, and
// a node that is killed has one mail to send again. Only four alerts of one cause are sent alone in ten seconds.
func TestRunOnce_AMailChannelGetsOneAlertAtATime(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.addMailChannel()
		var now, peak, sent atomic.Int64
		n := sim.startNode(withSend(func(_ context.Context, kind string, _ setting.Values, _ message.Notification) (notify.Receipt, error) {
			if kind == "email" {
				sent.Add(1)
				peak.Store(max(peak.Load(), now.Add(1)))
				defer now.Add(-1)
				time.Sleep(50 * time.Millisecond)
			}
			return notify.Receipt{Status: 250}, nil
		}))
		for i := range 20 {
			name := fmt.Sprint("job", i)
			sim.addHeartbeat(name, fiveMinuteRule)
			sim.mustPing(n, name, "/fail")
			if i%4 == 3 {
				time.Sleep(11 * time.Second)
			}
		}
		synctest.Wait()
		if sent.Load() != 20 || peak.Load() != 1 {
			t.Errorf("%d mails, %d at a time; want 20, one at a time", sent.Load(), peak.Load())
		}
	})
}

// TestRunOnce_RetryAfterPausesAllAlertsOfTheChannelAndNoOther: a receiver that asks to wait
// means all requests.
func TestRunOnce_RetryAfterPausesAllAlertsOfTheChannelAndNoOther(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.addChannel("pager", monitor.Channel{})
		a := newScriptedReceiver()
		n := sim.startNodeWith(a)
		a.setFailure("ops", &notify.SendError{Status: 429, RetryAfter: 2 * time.Minute})
		sim.addHeartbeat("first", dailyRule)
		sim.mustPing(n, "first", "/fail")
		time.Sleep(time.Second)
		a.setFailure("ops", nil)
		paused := time.Now()
		for i := range 5 {
			name := fmt.Sprint("job", i)
			sim.addHeartbeat(name, dailyRule)
			sim.mustPing(n, name, "/fail")
		}
		time.Sleep(30 * time.Second)
		if ops, pager := a.events("ops"), a.events("pager"); len(ops) != 0 || len(pager) != 6 {
			sim.t.Errorf("during the pause the channel got %v and the other %v; want nothing and six", ops, pager)
		}
		if h := sim.channelHealth("ops"); h.NextAttempt.Sub(paused) < 100*time.Second {
			sim.t.Errorf("the next attempt is shown after %s; want the end of the pause", h.NextAttempt.Sub(paused))
		}
		other := sim.startNodeWith(a) // a pause holds for all nodes, and after a restart
		time.Sleep(60 * time.Second)
		if ops := a.events("ops"); len(ops) != 0 {
			sim.t.Errorf("during the pause another node sent %v", ops)
		}
		time.Sleep(35 * time.Second)
		if ops := a.events("ops"); len(ops) != 6 {
			sim.t.Errorf("after the pause the channel has %v; want all six", ops)
		}
		sim.stopNode(other)
	})
}

// TestRunOnce_ABacklogDelaysNoNewAlert: the receiver takes 300 ms for each alert, and the
// backlog needs a minute.
func TestRunOnce_ABacklogDelaysNoNewAlert(t *testing.T) {
	const many = 400
	simulateHours(t, func(sim *simulation) {
		sim.receiver.setDelay(300 * time.Millisecond)
		sim.addHeartbeat("backup", dailyRule)
		sim.update(func(tx *store.Tx) error { return sim.enqueueMany(tx, many) })
		n := sim.startNode()
		time.Sleep(time.Second)
		sim.mustPing(n, "backup", "/fail")
		failed := time.Now()
		time.Sleep(time.Second)
		synctest.Wait()
		at := slices.IndexFunc(sim.receiver.alerts(), func(a receivedAlert) bool { return a.heartbeat == "backup" })
		if at < 0 {
			sim.t.Fatalf("%s after the failure, %d alerts arrived and not the new one", time.Since(failed), len(sim.receiver.alerts()))
		}
		time.Sleep(2 * time.Minute)
		if got := len(sim.receiver.alerts()); got != many+1 {
			sim.t.Errorf("%d alerts arrived in two minutes; want all %d", got, many+1)
		}
	})
}

// enqueueMany adds pending alerts to all channels.
func (sim *simulation) enqueueMany(tx *store.Tx, n int) error {
	channels, err := tx.ChannelRoutes(sim.project)
	if err != nil {
		return err
	}
	for i := range n {
		for _, c := range channels {
			a := monitor.Alert{Project: c.Project, Channel: c.ID, Event: monitor.ChannelFailing, Subject: fmt.Sprintf(`{"channel":"%d"}`, i), Created: time.Now(), NextAttempt: time.Now()}
			if err := tx.Enqueue(a, 0); err != nil {
				return err
			}
		}
	}
	return nil
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
