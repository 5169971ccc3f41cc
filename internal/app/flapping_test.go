package app

import (
	"slices"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// flap reports failures and successes in turn, a second apart, beginning with the state that the heartbeat
// does not have.
func (sim *simulation) flap(n *node, changes int) {
	sim.t.Helper()
	for range changes {
		form := "/fail"
		if sim.status("backup") == monitor.Down {
			form = ""
		}
		sim.mustPing(n, "backup", form)
		sim.advance(time.Second)
	}
}

// steadyRule has no deadline in the hours of a test.
var steadyRule = monitor.Rule{Interval: 24 * time.Hour, Grace: time.Hour}

// untilFlapping are the alerts until a heartbeat flaps, with the one that says so.
var untilFlapping = []string{"opened", "resolved", "opened", "resolved", "opened", "resolved", "opened"}

// afterFlapping returns the alerts of a heartbeat that flapped.
func afterFlapping(more ...string) []string { return append(slices.Clone(untilFlapping), more...) }

func TestFlapping_OneMessageThenSilenceUntilItIsStable(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", steadyRule)
		sim.mustPing(n, "backup", "")
		sim.flap(n, 8)
		for range 20 {
			sim.flap(n, 2)
			sim.advance(10 * time.Minute)
		}
		sim.expectEvents(untilFlapping...)
		sim.advance(20*time.Minute - 2*time.Second)
		sim.expectEvents(untilFlapping...)
		sim.advance(4 * time.Second)
		sim.expectEvents(afterFlapping("resolved")...)
		all := sim.incidents()
		if got := sim.timelineTexts(all[3], "flapping"); len(got) != 2 || !strings.Contains(got[0], "7 changes in 30 min") || !strings.Contains(got[1], "Recovery not sent") {
			t.Errorf("timeline of the incident that announced it: %q", got)
		}
		if got := sim.timelineTexts(all[4], "flapping"); len(got) != 2 || !strings.Contains(got[1], "ended") {
			t.Errorf("timeline of one that was not announced: %q", got)
		}
		sim.flap(n, 2) // it can fail again
		sim.expectEvents(afterFlapping("resolved", "opened", "resolved")...)
	})
}

func TestFlapping_AFailureThatLastsIsAnnouncedAfter30MinAlsoAfterAKill(t *testing.T) {
	simulate(t, func(sim *simulation) {
		nodes := []*node{sim.startNode(), sim.startNode()}
		sim.addHeartbeat("backup", steadyRule)
		sim.mustPing(nodes[0], "backup", "")
		for i := range 9 {
			sim.flap(nodes[i%2], 1)
		}
		opened := sim.incidents()[4].OpenedAt
		sim.advance(15 * time.Minute)
		sim.killNode(nodes[0])
		sim.advance(time.Until(opened.Add(30*time.Minute - time.Second)))
		sim.expectEvents(untilFlapping...)
		sim.advance(3 * time.Second)
		sim.expectEvents(afterFlapping("resolved", "opened")...)
		sim.flap(nodes[1], 1)
		sim.advance(time.Second)
		sim.expectEvents(afterFlapping("resolved", "opened", "resolved")...)
	})
}

func TestFlapping_TheAnnouncedFailureKeepsItsReminders(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.remindEvery(10 * time.Minute)
		n := sim.startNode()
		sim.addHeartbeat("backup", steadyRule)
		sim.mustPing(n, "backup", "")
		sim.flap(n, 7)
		sim.advance(11 * time.Minute)
		sim.expectEvents(afterFlapping("reminder")...)
		sim.flap(n, 2) // the next one is not announced yet
		sim.advance(29 * time.Minute)
		sim.expectEvents(afterFlapping("reminder")...)
		sim.advance(time.Minute)
		sim.expectEvents(afterFlapping("reminder", "resolved", "opened")...)
		sim.advance(10 * time.Minute)
		sim.expectEvents(afterFlapping("reminder", "resolved", "opened", "reminder")...)
	})
}

func TestFlapping_AUserWhoEndsTheIncidentEndsTheSilence(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", steadyRule)
		sim.mustPing(n, "backup", "")
		sim.flap(n, 9)
		sim.update(func(tx *store.Tx) error {
			h, err := tx.HeartbeatForUpdate(sim.project, sim.ids["backup"])
			if err != nil {
				return err
			}
			h, change := h.Pause(time.Now(), time.Now())
			_, err = tx.Save(time.Now(), []store.Transition{{Heartbeat: h, Change: change}})
			return err
		})
		sim.advance(6 * time.Second)
		sim.expectEvents(afterFlapping("resolved")...)
	})
}

func TestFlapping_AMuteDoesNotHideThatItFlaps(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", steadyRule)
		sim.mustPing(n, "backup", "")
		sim.mute("backup", time.Now().Add(time.Minute))
		sim.flap(n, 8)
		sim.advance(time.Minute)
		sim.expectEvents()
		sim.flap(n, 1) // more than the seventh, and the first one that can be sent
		sim.expectEvents("opened")
		sim.flap(n, 2)
		sim.mute("backup", time.Now().Add(40*time.Minute))
		sim.advance(39 * time.Minute)
		sim.expectEvents("opened", "resolved") // recoveries are sent during a mute
		sim.advance(2 * time.Minute)
		sim.expectEvents("opened", "resolved", "opened")
	})
}

func TestFlapping_AChannelThatIsDeletedLeavesNoFailureUnannounced(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", steadyRule)
		sim.mustPing(n, "backup", "")
		sim.flap(n, 9)
		sim.update(func(tx *store.Tx) error {
			channels, err := tx.Channels(sim.project)
			if err != nil {
				return err
			}
			if _, err := tx.AddChannel(monitor.Channel{Project: sim.project, Kind: "webhook", Name: "new", Settings: map[string]any{}, NotifyOnRecovery: true, Created: time.Now()}); err != nil {
				return err
			}
			return tx.DeleteChannel(channels[0], time.Now())
		})
		sim.advance(29 * time.Minute)
		sim.expectEvents(untilFlapping...)
		sim.advance(time.Minute)
		sim.expectEvents(afterFlapping("opened")...)
	})
}

func TestFlapping_ASettingSendsEveryAlert(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", steadyRule)
		sim.update(func(tx *store.Tx) error {
			h, err := tx.HeartbeatForUpdate(sim.project, sim.ids["backup"])
			if err != nil {
				return err
			}
			h.FlappingAlerts = monitor.FlappingSend
			return tx.SaveHeartbeatSettings(h)
		})
		sim.mustPing(n, "backup", "")
		sim.flap(n, 10)
		sim.expectEvents(afterFlapping("resolved", "opened", "resolved")...)
	})
}

func TestFlapping_LatePingsOfAHeartbeatThatFlapsAreNotSent(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.update(func(tx *store.Tx) error {
			channels, err := tx.Channels(sim.project)
			if err != nil {
				return err
			}
			channels[0].NotifyOnLate = true
			return tx.SaveChannel(channels[0])
		})
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "")
		sim.flap(n, 8)
		sim.advance(6 * time.Minute)
		if got := sim.status("backup"); got != monitor.Late {
			t.Fatalf("status %s", got)
		}
		sim.expectEvents(untilFlapping...)
	})
}

func TestFlapping_ChangesThatAreStoredTogetherAreCounted(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", steadyRule)
		sim.mustPing(n, "backup", "")
		sim.advance(time.Minute)
		sim.update(func(tx *store.Tx) error {
			h, err := tx.HeartbeatForUpdate(sim.project, sim.ids["backup"])
			if err != nil {
				return err
			}
			now := time.Now().UTC().Truncate(monitor.Precision)
			var all []store.Transition
			for i := range 9 {
				p := monitor.Ping{Kind: monitor.PingFail, ExitCode: monitor.NoExitCode, At: now.Add(time.Duration(i-9) * time.Second)}
				if i%2 == 1 {
					p.Kind = monitor.PingSuccess
				}
				var change monitor.Change
				h, change = h.ApplyPing(p, now)
				all = append(all, store.Transition{Heartbeat: h, Change: change})
			}
			_, err = tx.Save(now, all)
			return err
		})
		sim.advance(10 * time.Second)
		sim.expectEvents(untilFlapping...)
		sim.advance(30 * time.Minute)
		sim.expectEvents(afterFlapping("resolved", "opened")...)
	})
}
