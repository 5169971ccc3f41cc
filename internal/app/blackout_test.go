package app

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"overdue/internal/loop"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// blackouts lists the recorded blackouts, oldest first.
func (sim *simulation) blackouts() (all []monitor.Blackout) {
	sim.t.Helper()
	err := sim.db.View(context.Background(), func(tx *store.Tx) (err error) {
		all, err = tx.Blackouts(0, 100)
		return err
	})
	if err != nil {
		sim.t.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

// outcomes lists the outcomes of the run history of a heartbeat, oldest first.
func (sim *simulation) outcomes(name string) (all []monitor.Outcome) {
	sim.t.Helper()
	err := sim.db.View(context.Background(), func(tx *store.Tx) error {
		h, err := tx.Heartbeat(sim.project, sim.ids[name])
		if err != nil {
			return err
		}
		spans, err := tx.RunHistory(store.RunHistoryFilter{Heartbeat: h.Key, Limit: 100})
		slices.Reverse(spans)
		for _, s := range append(spans, h.UnstoredSpans(time.Now(), 0)...) {
			all = append(all, s.Outcome)
		}
		return err
	})
	if err != nil {
		sim.t.Fatal(err)
	}
	return all
}

// expectOutcomes compares the run history of a heartbeat.
func (sim *simulation) expectOutcomes(name string, want ...monitor.Outcome) {
	sim.t.Helper()
	if got := sim.outcomes(name); !slices.Equal(got, want) {
		sim.t.Errorf("runs of %s: %v; want %v", name, got, want)
	}
}

func TestBlackout_ARestartRaisesNoFalseAlarmAndADeadJobIsNoticedOnePeriodLater(t *testing.T) {
	for name, end := range map[string]func(*simulation, *node){"stop": (*simulation).stopNode, "crash": (*simulation).killNode} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(sim *simulation) {
				n := sim.startNode()
				sim.addHeartbeat("healthy", fiveMinuteRule)
				sim.addHeartbeat("dead", fiveMinuteRule)
				sim.mustPing(n, "healthy", "")
				sim.mustPing(n, "dead", "")
				sim.advance(4 * time.Minute)
				end(sim, n)
				from := time.Now()
				sim.advance(time.Hour)
				n = sim.startNode()
				back := time.Now()
				sim.advance(5 * time.Second)
				sim.expectEvents("blackout.noticed")
				sim.expectOutcomes("dead", monitor.RunOnTime, monitor.RunUnknown)
				all := sim.blackouts()
				if len(all) != 1 || string(all[0].Cause) != name || from.Sub(all[0].From).Abs() > 2*time.Second || all[0].To.Sub(back).Abs() > time.Second {
					sim.t.Errorf("blackouts %+v; want one from %s to %s with the cause %s", all, from, back, name)
				}
				sim.advance(4 * time.Minute)
				sim.mustPing(n, "healthy", "")
				sim.advance(4 * time.Minute)
				sim.expectEvents("blackout.noticed", "opened")
				if i := sim.incidents(); len(i) != 1 || i[0].HeartbeatName != "dead" || i[0].OpenedAt.Sub(back).Round(time.Second) != 7*time.Minute {
					sim.t.Errorf("incidents %+v; want one of the dead job, 7 minutes after %s", i, back)
				}
			})
		})
	}
}

func TestBlackout_AShortOneMovesTheDeadlineByItsLength(t *testing.T) {
	simulate(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", monitor.Rule{Interval: time.Hour, Grace: 10 * time.Minute})
		pinged := time.Now()
		sim.mustPing(n, "backup", "")
		sim.advance(65 * time.Minute)
		sim.stopNode(n)
		sim.advance(20 * time.Second)
		sim.startNode()
		sim.advance(6 * time.Minute)
		sim.expectEvents("opened")
		if late := sim.incidents()[0].OpenedAt.Sub(pinged) - 70*time.Minute; late < 19*time.Second || late > 21*time.Second {
			sim.t.Errorf("opened %s after the deadline; want 20 s", late)
		}
		sim.expectOutcomes("backup", monitor.RunOnTime, monitor.RunMissed)
	})
}

func TestBlackout_AHeartbeatThatIsDownStaysDownAndIsNotAlertedAgain(t *testing.T) {
	simulate(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "")
		sim.advance(8 * time.Minute)
		sim.expectEvents("opened")
		sim.killNode(n)
		sim.advance(time.Hour)
		n = sim.startNode()
		sim.advance(10 * time.Minute)
		sim.expectEvents("opened", "blackout.noticed")
		sim.mustPing(n, "backup", "")
		sim.advance(time.Second)
		sim.expectEvents("opened", "blackout.noticed", "resolved")
	})
}

func TestBlackout_AnotherNodeThatWatchesPreventsIt(t *testing.T) {
	simulate(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "")
		sim.startNode()
		sim.killNode(n)
		sim.advance(8 * time.Minute)
		sim.expectEvents("opened")
		if all := sim.blackouts(); len(all) != 0 {
			sim.t.Errorf("blackouts %+v; want none", all)
		}
	})
}

// A server that restarts each time that a job is due must not hide that it died.
func TestBlackout_ARestartAtEachDueTimeDoesNotHideADeadJob(t *testing.T) {
	simulate(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", monitor.Rule{Interval: time.Hour, Grace: 10 * time.Minute})
		sim.mustPing(n, "backup", "")
		for range 3 {
			sim.advance(time.Hour - 20*time.Second)
			sim.stopNode(n)
			sim.advance(50 * time.Second)
			n = sim.startNode()
		}
		sim.advance(11 * time.Minute)
		sim.expectEvents("opened")
	})
}

// affected lists the heartbeats that a blackout affected, by name.
func (sim *simulation) affected(b monitor.Blackout) map[string]monitor.BlackoutEffectKind {
	sim.t.Helper()
	kinds := map[string]monitor.BlackoutEffectKind{}
	err := sim.db.View(context.Background(), func(tx *store.Tx) error {
		list, err := tx.AffectedHeartbeats(b.Key, sim.project, 100)
		for _, a := range list {
			kinds[a.Name] = a.Kind
		}
		return err
	})
	if err != nil {
		sim.t.Fatal(err)
	}
	return kinds
}

// The notice lists every heartbeat that a blackout affects, also those that are due only later.
func TestBlackout_IsTakenIntoAccountByAllHeartbeatsWithinSeconds(t *testing.T) {
	simulate(t, func(sim *simulation) {
		n := sim.startNode()
		rule := monitor.Rule{Interval: 100 * time.Second, Grace: 200 * time.Second}
		for _, name := range []string{"due soon", "late", "not due"} {
			sim.addHeartbeat(name, rule)
		}
		sim.mustPing(n, "late", "")
		sim.advance(110 * time.Second)
		sim.mustPing(n, "due soon", "")
		sim.advance(30 * time.Second)
		sim.killNode(n)
		sim.advance(65 * time.Second)
		n = sim.startNode()
		sim.mustPing(n, "not due", "")
		sim.advance(4 * time.Second)
		sim.expectEvents("blackout.noticed")
		want := map[string]monitor.BlackoutEffectKind{"due soon": monitor.BlackoutUnknown, "late": monitor.BlackoutUnknown}
		if got := sim.affected(sim.blackouts()[0]); !maps.Equal(got, want) {
			sim.t.Errorf("affected: %v; want %v", got, want)
		}
	})
}

// withoutRecords lets a node never record that it is watching.
func withoutRecords(e *Engine) {
	e.publish = loop.New("publish", e.log, func(context.Context, time.Time) (time.Duration, error) { return time.Hour, nil })
}

func TestBlackout_APingThatIsStoredBeforeItIsRecordedEndsNoMissedRun(t *testing.T) {
	simulate(t, func(sim *simulation) {
		n := sim.startNode(withoutRecords)
		sim.addHeartbeat("backup", monitor.Rule{Interval: time.Minute, Grace: 10 * time.Second})
		sim.mustPing(n, "backup", "")
		sim.advance(90 * time.Second)
		sim.mustPing(n, "backup", "")
		sim.advance(time.Second)
		sim.startNode()
		sim.advance(4 * time.Second)
		sim.expectEvents("blackout.noticed")
		sim.expectOutcomes("backup", monitor.RunOnTime, monitor.RunUnknown, monitor.RunOnTime)
		if got := sim.affected(sim.blackouts()[0]); got["backup"] != monitor.BlackoutUnknown {
			sim.t.Errorf("affected: %v; want backup, with an unknown run", got)
		}
	})
}
