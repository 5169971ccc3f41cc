package app

import (
	"slices"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
)

// snooze snoozes the newest incident for a duration, or ends its snooze.
func (sim *simulation) snooze(d time.Duration) {
	sim.t.Helper()
	all := sim.incidents()
	i, now := all[len(all)-1], time.Now().UTC().Truncate(time.Microsecond)
	sim.update(func(tx *store.Tx) error {
		done, err := false, error(nil)
		if d > 0 {
			done, err = tx.SnoozeIncident(i, "Ana", now.Add(d), now)
		} else {
			done, err = tx.UnsnoozeIncident(i, "Ana", now)
		}
		if !done {
			sim.t.Error("nothing changed")
		}
		return err
	})
}

func TestSnooze_RemindsOnceAtItsEndIfTheIncidentIsOpen(t *testing.T) {
	for name, every := range map[string]time.Duration{"with reminders": 10 * time.Minute, "without": 0} {
		t.Run(name, func(t *testing.T) {
			simulateHours(t, func(sim *simulation) {
				sim.remindEvery(every)
				n := sim.startNode()
				sim.addHeartbeat("backup", fiveMinuteRule)
				sim.mustPing(n, "backup", "/fail")
				sim.advance(time.Minute)
				sim.snooze(2 * time.Hour)
				sim.advance(time.Hour)
				sim.killNode(n)
				sim.startNode()
				sim.advance(time.Hour - time.Second)
				sim.expectEvents("opened")
				sim.advance(3 * time.Second)
				sim.expectEvents("opened", "reminder")
				want := []string{"opened", "reminder"}
				if every > 0 {
					want = append(want, "reminder")
				}
				sim.advance(every + time.Minute)
				sim.expectEvents(want...)
				entries := sim.timelineTexts(sim.incidents()[0], "snoozed")
				if len(entries) != 2 || entries[1] != "The snooze ended." {
					sim.t.Errorf("timeline %q; want the snooze and its end", entries)
				}
				if got := sim.timelineTexts(sim.incidents()[0], "reminder"); got[0] != "Reminded ops: the snooze ended." {
					sim.t.Errorf("timeline %q; want the reason of the reminder", got)
				}
			})
		})
	}
}

func TestSnooze_TheRecoveryIsSentAtOnceAndEndsIt(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.remindEvery(10 * time.Minute)
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "/fail")
		sim.advance(9*time.Minute + 50*time.Second)
		sim.receiver.setFailure(&notify.SendError{Status: 503})
		sim.advance(15 * time.Second) // the reminder was attempted
		sim.snooze(2 * time.Hour)
		sim.receiver.setFailure(nil)
		sim.advance(30 * time.Minute)
		sim.expectEvents("opened")
		sim.mustPing(n, "backup", "")
		sim.advance(time.Second)
		sim.expectEvents("opened", "resolved")
		sim.advance(8 * time.Minute)
		sim.expectEvents("opened", "resolved", "opened") // the next miss
	})
}

func TestSnooze_AnAcknowledgementEndsReminders(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "/fail")
		sim.advance(time.Minute)
		sim.snooze(time.Hour)
		sim.update(func(tx *store.Tx) error {
			_, err := tx.AcknowledgeIncident(sim.incidents()[0], "Ana", time.Now())
			return err
		})
		sim.advance(2 * time.Hour)
		sim.expectEvents("opened", "acknowledged")
		if got := sim.timelineTexts(sim.incidents()[0], "snoozed"); len(got) != 1 {
			sim.t.Errorf("timeline %q; want no end of the snooze", got)
		}
	})
}

func TestSnooze_AnotherSnoozeReplacesItAndAnEndByHandRemindsAtOnce(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "/fail")
		sim.advance(time.Minute)
		sim.snooze(time.Hour)
		sim.advance(30 * time.Minute)
		sim.snooze(2 * time.Hour)
		sim.advance(time.Hour)
		sim.expectEvents("opened")
		sim.snooze(0)
		sim.advance(time.Minute)
		sim.expectEvents("opened", "reminder")
		sim.advance(3 * time.Hour)
		sim.expectEvents("opened", "reminder")
		sim.snooze(time.Hour)
		sim.advance(2 * time.Hour)
		sim.snooze(time.Hour)
		sim.advance(2 * time.Hour)
		sim.expectEvents("opened", "reminder", "reminder", "reminder")
		got := sim.timelineTexts(sim.incidents()[0], "snoozed")
		ends := slices.DeleteFunc(got, func(text string) bool { return text != "The snooze ended." })
		if len(ends) != 2 {
			sim.t.Errorf("%d ends of a snooze by time on the timeline; want 2", len(ends))
		}
	})
}

func TestSnooze_APendingOpeningIsDeliveredAsAlways(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.receiver.setFailure(&notify.SendError{Status: 503})
		sim.mustPing(n, "backup", "/fail")
		sim.advance(time.Second)
		sim.snooze(2 * time.Hour)
		sim.receiver.setFailure(nil)
		sim.advance(time.Minute)
		sim.expectEvents("opened")
	})
}

func TestSnooze_OfAMutedHeartbeatRemindsAfterBoth(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "/fail")
		sim.advance(time.Minute)
		sim.snooze(time.Hour)
		sim.mute("backup", monitor.MutedUntilUnmuted)
		sim.advance(2 * time.Hour)
		sim.expectEvents("opened")
		sim.mute("backup", time.Time{})
		sim.advance(time.Minute)
		sim.expectEvents("opened", "reminder")
	})
}

// TestSnooze_AgainUntilTheSameTimeRemindsAgain: "until nine" can be chosen twice.
func TestSnooze_AgainUntilTheSameTimeRemindsAgain(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.remindEvery(10 * time.Minute)
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "/fail")
		sim.advance(time.Minute)
		nine := time.Now().Add(2 * time.Hour)
		sim.snooze(time.Until(nine))
		sim.advance(30 * time.Minute)
		sim.snooze(0)
		sim.advance(time.Minute)
		sim.expectEvents("opened", "reminder")
		sim.snooze(time.Until(nine))
		sim.advance(time.Until(nine) + time.Minute)
		sim.expectEvents("opened", "reminder", "reminder")
		sim.advance(10 * time.Minute)
		sim.expectEvents("opened", "reminder", "reminder", "reminder")
	})
}
