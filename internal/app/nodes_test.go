package app

import (
	"bytes"
	"context"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
	"overdue/internal/store/dbclock"
)

// withClockOffset makes the clock of a node's machine wrong. offset is read each time that
// the clock is.
func withClockOffset(offset *atomic.Int64) func(*Engine) {
	return func(e *Engine) {
		e.db.SetClock(dbclock.WithOffset(func() time.Duration { return time.Duration(offset.Load()) }), time.Now)
	}
}

// onPostgreSQL runs a simulation of several machines, which only PostgreSQL has.
func onPostgreSQL(t *testing.T, test func(*simulation)) {
	simulate(t, func(sim *simulation) {
		if sim.db.IsShared() {
			test(sim)
		}
	})
}

// everySecond calls do each second for a time.
func (sim *simulation) everySecond(d time.Duration, do func(second int)) {
	for second := range int(d / time.Second) {
		do(second)
		sim.advance(time.Second)
	}
}

func TestSweep_ADeadNodeHoldsTheOthersBackForThreeSeconds(t *testing.T) {
	simulate(t, func(sim *simulation) {
		a, b := sim.startNode(), sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(a, "backup", "")
		sim.advance(7*time.Minute - 50*time.Millisecond)
		sim.killNode(b)
		sim.advance(10 * time.Second)
		sim.expectEvents("opened")
		i := sim.incidents()[0]
		if held := i.DetectedAt.Sub(i.OpenedAt); held > 3100*time.Millisecond || held < time.Second {
			sim.t.Errorf("noticed %s after the deadline; want 2 to 3 s, as long as the dead node counted as alive", held)
		}
	})
}

func TestApplyPing_APingInFlightToADeadNodeHidesNoMissAfterTwoSeconds(t *testing.T) {
	simulate(t, func(sim *simulation) {
		a, b := sim.startNode(), sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(a, "backup", "")
		sim.advance(7*time.Minute - 500*time.Millisecond)
		b.inFlight.Confirm(b.inFlight.Add(sim.ids["backup"], nil)) // its body never ends
		sim.advance(1600 * time.Millisecond)                       // b publishes the hold
		sim.expectEvents()
		sim.killNode(b)
		sim.advance(2 * time.Second)
		sim.mustPing(a, "backup", "")
		sim.advance(time.Second)
		sim.expectEvents("opened", "resolved")
	})
}

func TestRunOnce_TheClaimsOfADeadNodeAreSentWithinTenSeconds(t *testing.T) {
	simulate(t, func(sim *simulation) {
		dead := make(chan struct{})
		defer close(dead)
		a := sim.startNode(withSend(func(context.Context, string, setting.Values, message.Notification) (notify.Receipt, error) {
			<-dead
			return notify.Receipt{}, nil
		}))
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(a, "backup", "/fail")
		sim.advance(47 * time.Second) // it renews its claim
		b := sim.startNode()
		if sim.db.IsShared() { // on SQLite, there is one server, which releases all claims when it starts
			sim.advance(20 * time.Second)
			sim.expectEvents()
		}
		sim.killNode(a)
		killed := time.Now()
		sim.advance(10 * time.Second)
		sim.expectEvents("opened")
		if took := sim.receiver.alerts()[0].time.Sub(killed); took > 10*time.Second {
			sim.t.Errorf("sent %s after the node died; want at most 10 s", took)
		}
		sim.stopNode(b)
	})
}

func TestNode_WithAWrongClockCausesNoFalseEarlyOrLateAlertOnPostgreSQL(t *testing.T) {
	for _, ahead := range []time.Duration{30 * time.Second, -30 * time.Second, 300 * time.Second, 900 * time.Millisecond, -450 * time.Millisecond} {
		t.Run(ahead.String(), func(t *testing.T) {
			onPostgreSQL(t, func(sim *simulation) {
				rule := monitor.Rule{Interval: 10 * time.Second, Grace: 5 * time.Second}
				var offset atomic.Int64
				offset.Store(int64(ahead))
				nodes := []*node{sim.startNode(), sim.startNode(withClockOffset(&offset)), sim.startNode()}
				for _, name := range []string{"fast", "right"} {
					sim.addHeartbeat(name, rule)
				}
				var last time.Time
				sim.everySecond(3*time.Minute, func(second int) {
					if second%9 == 0 {
						last = time.Now()
						sim.mustPing(nodes[1], "fast", "")
						sim.mustPing(nodes[second/9%3], "right", "")
					}
				})
				if all := sim.incidents(); len(all) != 0 {
					sim.t.Fatalf("%d incidents, the first %+v; want none", len(all), all[0])
				}
				sim.advance(30 * time.Second)
				all := sim.incidents()
				if len(all) != 2 || len(sim.receiver.alerts()) != 2 {
					sim.t.Fatalf("%d incidents and %d alerts after both jobs died; want 2 of each", len(all), len(sim.receiver.alerts()))
				}
				const tolerance = 1200 * time.Millisecond // a small skew is not corrected
				for _, i := range all {
					if off := i.OpenedAt.Sub(last.Add(15 * time.Second)); off.Abs() > tolerance {
						sim.t.Errorf("%s opened %s after its deadline", i.HeartbeatName, off)
					}
				}
				for _, m := range sim.receiver.alerts() {
					if off := m.time.Sub(last.Add(15 * time.Second)); off.Abs() > tolerance {
						sim.t.Errorf("alert of %s %s after its deadline", m.heartbeat, off)
					}
				}
			})
		})
	}
}

func TestNode_AClockThatIsSetWhileItRunsHasNoEffectOnPostgreSQL(t *testing.T) {
	onPostgreSQL(t, func(sim *simulation) {
		var ahead atomic.Int64 // in ns
		nodes := []*node{sim.startNode(withClockOffset(&ahead)), sim.startNode()}
		sim.addHeartbeat("backup", monitor.Rule{Interval: 10 * time.Second, Grace: 5 * time.Second})
		steps := []time.Duration{30 * time.Second, 0, -30 * time.Second, time.Hour, 0}
		sim.everySecond(2*time.Minute, func(second int) {
			if second%20 == 15 {
				ahead.Store(int64(steps[second/20%len(steps)]))
			}
			if second%9 == 0 {
				sim.mustPing(nodes[second/9%2], "backup", "")
			}
		})
		sim.expectEvents()
		ahead.Store(int64(-time.Hour))
		sim.advance(15 * time.Second)
		sim.expectEvents("opened")
	})
}

func TestNode_AClockThatIsSetBackHidesNoMissedRun(t *testing.T) {
	simulate(t, func(sim *simulation) {
		var log bytes.Buffer
		sim.log = &log
		var ahead atomic.Int64 // in ns
		n := sim.startNode(withClockOffset(&ahead))
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "")
		sim.advance(time.Minute)
		ahead.Store(int64(-time.Hour))
		sim.advance(6*time.Minute + 250*time.Millisecond)
		sim.expectEvents("opened")
		answer := httptest.NewRecorder()
		n.serveReady(answer, nil)
		sim.stopNode(n)
		if sim.db.IsShared() {
			if got := answer.Body.String(); !strings.Contains(got, "ready; warning: the clock of this machine is 3600.0 s behind the database's") {
				sim.t.Errorf("/readyz says %q", got)
			}
			return
		}
		if got := answer.Body.String(); got != "ready\n" {
			sim.t.Errorf("/readyz says %q; want no warning, the new time counts", got)
		}
		if n := strings.Count(log.String(), "clock stepped"); n != 1 {
			sim.t.Errorf("the step is logged %d times; want once:\n%s", n, log.String())
		}
	})
}

func TestReadyz_WarnsOnceAboutAClockThatIsOffOnPostgreSQL(t *testing.T) {
	onPostgreSQL(t, func(sim *simulation) {
		var log bytes.Buffer
		sim.log = &log
		var ahead atomic.Int64 // in ns
		ahead.Store(int64(900 * time.Millisecond))
		n := sim.startNode(withClockOffset(&ahead))
		ready := func(want string) {
			sim.t.Helper()
			sim.advance(2 * time.Second)
			answer := httptest.NewRecorder()
			n.serveReady(answer, nil)
			if got := strings.TrimSpace(answer.Body.String()); got != want {
				sim.t.Errorf("/readyz says %q with a clock %s ahead; want %q", got, time.Duration(ahead.Load()), want)
			}
		}
		ready("ready")
		ahead.Store(int64(1100 * time.Millisecond))
		ready("ready; warning: the clock of this machine is 1.1 s ahead of the database's")
		ahead.Store(int64(900 * time.Millisecond))
		ready("ready; warning: the clock of this machine is 0.9 s ahead of the database's")
		ahead.Store(0)
		ready("ready")
		sim.stopNode(n)
		if got := strings.Count(log.String(), "clock wrong"); got != 1 || strings.Count(log.String(), "clock right again") != 1 {
			sim.t.Errorf("warned %d times; want once, and once that it is over:\n%s", got, log.String())
		}
	})
}
