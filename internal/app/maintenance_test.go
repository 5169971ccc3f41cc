package app

import (
	"slices"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// maintain stores maintenance of all heartbeats and plans it. It returns it with its id.
func (sim *simulation) maintain(m monitor.Maintenance) monitor.Maintenance {
	sim.t.Helper()
	m.Project, m.Created = sim.project, time.Now()
	if len(m.Scope.Tags) == 0 {
		m.Scope.All = true
	}
	sim.update(func(tx *store.Tx) (err error) {
		now := time.Now()
		if m, err = tx.SaveMaintenance(m, now); err != nil {
			return err
		}
		_, err = tx.PlanMaintenance(sim.project, now, func(string) time.Time { return now })
		return err
	})
	return m
}

// maintainFor is maintenance in some time, and how long.
func (sim *simulation) maintainFor(in, length time.Duration) monitor.Maintenance {
	from := time.Now().Add(in)
	return sim.maintain(monitor.Maintenance{Reason: "upgrade", From: from, To: from.Add(length)})
}

// The window is created ahead, and the only node that knows it is killed before it starts.
func TestMaintenance_CreatedAheadExcusesRunsAfterAKill(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "")
		sim.maintainFor(4*time.Minute, time.Hour)
		sim.killNode(n)
		n = sim.startNode()
		sim.advance(63 * time.Minute)
		if got := sim.status("backup"); got == monitor.Down {
			t.Error("Down in maintenance")
		}
		sim.expectEvents()
		sim.advance(8*time.Minute - 10*time.Second) // one interval and the grace after its end
		sim.expectEvents()
		sim.advance(15 * time.Second)
		sim.expectEvents("opened")
		sim.mustPing(n, "backup", "")
		sim.expectOutcomes("backup", monitor.RunOnTime, monitor.RunExcused, monitor.RunMissed, monitor.RunOnTime)
		sim.advance(5 * time.Second)
		sim.expectEvents("opened", "resolved")
	})
}

// A ping that arrives one moment after a deadline in the window applies passed deadlines itself.
func TestMaintenance_APingAfterADeadlineInItOpensNothing(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n, other := sim.startNode(), sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "")
		sim.mustPing(other, "backup", "")
		sim.maintainFor(6*time.Minute, time.Hour)
		sim.advance(7*time.Minute + time.Second)
		sim.mustPing(n, "backup", "")
		sim.advance(7*time.Minute + time.Second)
		sim.mustPing(other, "backup", "")
		sim.advance(10 * time.Second)
		sim.expectEvents()
	})
}

func TestMaintenance_EndedEarlyOrExtended(t *testing.T) {
	for name, c := range map[string]struct {
		to   time.Duration // the new end, after half an hour
		down time.Duration
	}{
		"Ended":    {30 * time.Minute, 37 * time.Minute},
		"Extended": {90 * time.Minute, 97 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			simulateHours(t, func(sim *simulation) {
				n := sim.startNode()
				sim.startNode()
				sim.addHeartbeat("backup", fiveMinuteRule)
				sim.mustPing(n, "backup", "")
				begin := time.Now()
				m := sim.maintainFor(0, time.Hour)
				sim.advance(30 * time.Minute)
				m.To = begin.Add(c.to)
				sim.maintain(m)
				sim.advance(c.down - 30*time.Minute - 3*time.Second)
				sim.expectEvents()
				sim.advance(8 * time.Second)
				sim.expectEvents("opened")
			})
		})
	}
}

func TestMaintenance_AFailureInItIsSentAtItsEndIfItPersists(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.addHeartbeat("report", fiveMinuteRule)
		sim.maintainFor(0, time.Hour)
		for _, name := range []string{"backup", "report"} {
			sim.mustPing(n, name, "")
			sim.mustPing(n, name, "/3")
		}
		sim.advance(20 * time.Minute)
		sim.killNode(n)
		n = sim.startNode()
		sim.mustPing(n, "report", "")
		sim.advance(40*time.Minute - 3*time.Second)
		sim.expectEvents()
		sim.advance(8 * time.Second)
		sim.expectEvents("opened")
		if got := sim.incidents()[0]; got.Cause != monitor.CauseFailure || !strings.Contains(got.Reason, "exit code 3") || !strings.Contains(got.Reason, "during maintenance") {
			t.Errorf("incident %s: %s", got.Cause, got.Reason)
		}
	})
}

func TestMaintenance_RemindersWaitForItsEnd(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.remindEvery(10 * time.Minute)
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "/fail")
		sim.advance(time.Minute)
		sim.maintainFor(0, time.Hour)
		sim.advance(58 * time.Minute)
		sim.expectEvents("opened")
		if got := sim.timelineTexts(sim.incidents()[0], "maintenance"); len(got) != 1 {
			t.Errorf("timeline %q; want one entry about the reminders", got)
		}
		sim.advance(3 * time.Minute)
		sim.expectEvents("opened", "reminder")
	})
}

// More windows than are planned at once, with nodes that are restarted, and a heartbeat that gets the tag
// during one.
func TestMaintenance_RecurringWindowsArePlannedBeforeTheyStart(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", monitor.Rule{Interval: time.Minute, Grace: time.Minute, Methods: monitor.AnyMethod})
		calendar, err := monitor.NewCalendar(monitor.Cron, []string{"*/15 * * * *"}, "UTC")
		if err != nil {
			t.Fatal(err)
		}
		sim.advance(time.Until(time.Now().Truncate(15 * time.Minute).Add(15*time.Minute - time.Second)))
		sim.maintain(monitor.Maintenance{From: time.Now(), Calendar: calendar, Length: 5 * time.Minute})
		for minute := range 4 * 60 {
			if minute%15 >= 6 || minute%15 == 0 {
				sim.mustPing(n, "backup", "")
			}
			if minute == 100 {
				sim.killNode(n)
				n = sim.startNode()
			}
			sim.advance(time.Minute)
		}
		sim.expectEvents()
	})
}

func TestMaintenance_StatusAndHistoryAreStored(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "")
		sim.maintainFor(0, time.Hour)
		var h monitor.Heartbeat
		sim.update(func(tx *store.Tx) (err error) { h, err = tx.Heartbeat(sim.project, sim.ids["backup"]); return err })
		if _, open := h.InMaintenance(time.Now()); !open || !strings.Contains(h.Why(time.Now()), "(upgrade)") {
			t.Errorf("Why: %s", h.Why(time.Now()))
		}
		sim.advance(time.Hour + time.Minute)
		sim.mustPing(n, "backup", "")
		sim.expectOutcomes("backup", monitor.RunOnTime, monitor.RunExcused, monitor.RunOnTime)
		if !slices.Contains(monitor.Outcomes, monitor.RunExcused) || monitor.RunExcused.Counts() {
			t.Error("excused runs count")
		}
	})
}
