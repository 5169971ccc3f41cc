package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// addGroup lets five heartbeats fail, groups their alerts, and claims the group for a node.
func (w *fixture) addGroup(c monitor.Channel) (leader monitor.Alert, members []monitor.Heartbeat) {
	w.Helper()
	for i := range 5 {
		h := w.newSavedHeartbeat(fmt.Sprintf("job-%d", i))
		w.fail(h, time.Minute)
		members = append(members, h)
	}
	w.groupAlerts(c, time.Minute)
	claimed := w.claimDecided(c, time.Minute)
	if len(claimed) != 1 || claimed[0].Event != monitor.IncidentsGrouped {
		w.Fatalf("claimed %+v; want a group", claimed)
	}
	return claimed[0], members
}

func (w *fixture) groupAlerts(c monitor.Channel, d time.Duration) {
	w.Helper()
	w.update(func(tx *store.Tx) error { _, err := tx.GroupAlerts(c.ID, w.at(d)); return err })
}

func (w *fixture) claimDecided(c monitor.Channel, d time.Duration) []monitor.Alert {
	w.Helper()
	return updateValue(w, func(tx *store.Tx) ([]monitor.Alert, error) {
		return tx.ClaimDecided(c.ID, "a", w.at(d), w.at(d+time.Minute), 10)
	})
}

// TestGroupAlerts_WhileAnotherNodeFinishesAGroupLeavesNoAlertWaiting: a recovery of a member that becomes
// pending while the group is sent waits for no group that has ended.
func TestGroupAlerts_WhileAnotherNodeFinishesAGroupLeavesNoAlertWaiting(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		leader, members := w.addGroup(ops)
		w.applyPings(members[0], w.ping(monitor.PingSuccess, 2*time.Minute))
		other, done := w.onNode(w.open()), make(chan bool)
		w.update(func(tx *store.Tx) error {
			if _, err := tx.MarkSent(leader.ID); err != nil {
				return err
			}
			if err := tx.FinishGroup(leader.ID, monitor.AlertSent, "Sent.", w.at(3*time.Minute)); err != nil {
				return err
			}
			go other.updateConcurrently(done, func(tx *store.Tx) error { _, err := tx.GroupAlerts(ops.ID, w.at(3*time.Minute)); return err })
			if !store.OnSQLite(w.db) {
				other.lockRowsFirst()
			}
			return nil
		})
		<-done
		w.groupAlerts(ops, 4*time.Minute)
		if got := eventsOf(w.claimDecided(ops, 4*time.Minute)); !slices.Equal(got, []monitor.Event{monitor.IncidentResolved}) {
			w.Errorf("claimed %v; want the recovery", got)
		}
	})
}

// TestOutbox_CountsAnAlertFromTheEndOfItsMute: an alert that waits to be sent after a mute is late like any other.
func TestOutbox_CountsAnAlertFromTheEndOfItsMute(t *testing.T) {
	for name, mute := range map[string]struct {
		end  time.Duration
		want int
	}{"muted": {time.Hour, 0}, "the mute ended": {-time.Minute, 1}} {
		t.Run(name, func(t *testing.T) {
			onEachDatabase(t, func(w *fixture) {
				ops := w.addChannel(w.newChannel("ops"))
				h := w.newSavedHeartbeat("backup")
				h.MutedUntil = w.at(mute.end)
				w.update(func(tx *store.Tx) error { return tx.SaveMute(h, w.at(-time.Hour)) })
				i := w.fail(h, -time.Hour)
				outbox := view(w, func(tx *store.Tx) (store.Outbox, error) { return tx.Outbox() })
				listed := view(w, func(tx *store.Tx) ([]store.PendingAlert, error) { return tx.PendingAlerts(ops.ID, 10) })
				counts := view(w, func(tx *store.Tx) (map[string]store.AlertCounts, error) {
					return tx.AlertCountsByIncident([]string{i.ID})
				})
				got := []int{outbox.Pending, outbox.Channels[ops.ID].Pending, len(listed), counts[i.ID][monitor.AlertPending], w.channelHealth(ops, 0).Pending}
				if want := mute.want; !slices.Equal(got, []int{want, want, want, want, want}) {
					w.Errorf("%v pending; want %d everywhere", got, want)
				}
			})
		})
	}
}

// TestWithHealth_AGroupThatIsSentHasNoNextAttempt: the far time of its members is not when they are sent.
func TestWithHealth_AGroupThatIsSentHasNoNextAttempt(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		w.addGroup(ops)
		if h := w.channelHealth(ops, time.Minute); !h.NextAttempt.IsZero() || h.Pending == 0 {
			w.Errorf("%d pending, the next attempt is at %s; want one in progress", h.Pending, h.NextAttempt)
		}
	})
}
