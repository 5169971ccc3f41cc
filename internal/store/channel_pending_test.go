package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// pendingAlerts describes the pending alerts of a channel.
func (w *fixture) pendingAlerts(c monitor.Channel) string {
	w.Helper()
	var all []string
	for _, a := range view(w, func(tx *store.Tx) ([]store.PendingAlert, error) { return tx.PendingAlerts(c.ID, 10) }) {
		text := fmt.Sprintf("#%d %s of %s at %s", a.IncidentNumber, a.Event, a.HeartbeatName, a.NextAttempt.Sub(w.start))
		if a.Blocked {
			text += " blocked"
		}
		if a.InProgress {
			text += " in progress"
		}
		all = append(all, text)
	}
	return strings.Join(all, "\n")
}

func TestRetryPending_MakesWaitingAlertsOfOneChannelDue(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		nagging := w.newChannel("nagging")
		nagging.RemindEvery = time.Hour
		ops, other := w.addChannel(nagging), w.addChannel(w.newChannel("other"))
		backup, sync := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("sync")
		w.fail(backup, time.Minute)
		w.fail(sync, 2*time.Minute)
		w.update(func(tx *store.Tx) error {
			for _, c := range []monitor.Channel{ops, other} {
				claimed, err := tx.Claim(c.ID, "node", w.at(3*time.Minute), w.at(10*time.Minute), 10)
				if err != nil {
					return err
				}
				for _, a := range claimed {
					if a.Heartbeat == backup.Key { // the receiver asked for half an hour
						a.Attempts = 1
						if err := tx.Reschedule(a, w.at(30*time.Minute), w.at(30*time.Minute)); err != nil {
							return err
						}
					}
				}
			}
			return tx.PauseChannel(ops.ID, w.at(time.Hour))
		})
		before := "#1 incident.opened of backup at 30m0s\n#2 incident.opened of sync at 10m0s in progress"
		if got := w.pendingAlerts(ops); got != before {
			w.Fatalf("before:\n%s", got)
		}
		var n int
		w.update(func(tx *store.Tx) (err error) {
			n, err = tx.RetryPending(ops.ID, w.at(5*time.Minute))
			return err
		})
		want := "#1 incident.opened of backup at 5m0s\n#2 incident.opened of sync at 10m0s in progress"
		if got := w.pendingAlerts(ops); got != want || n != 1 {
			w.Errorf("%d alerts:\n%s", n, got)
		}
		if got := w.pendingAlerts(other); got != before {
			w.Errorf("another channel:\n%s", got)
		}
		if !w.reloadChannel(ops).PausedUntil.IsZero() {
			w.Error("the pause continues")
		}
		// The time that the receiver asked for no longer counts.
		w.update(func(tx *store.Tx) error {
			claimed, err := tx.Claim(ops.ID, "node", w.at(5*time.Minute), w.at(6*time.Minute), 10)
			if len(claimed) == 0 || claimed[0].Event == monitor.IncidentReminder {
				w.Errorf("claimed %+v", claimed)
			}
			return err
		})
	})
}

func TestPendingAlerts_ShowsWhatWaitsForAnEarlierAlert(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		w.fail(h, time.Minute)
		w.applyPings(h, w.ping(monitor.PingSuccess, 2*time.Minute))
		if got := w.pendingAlerts(ops); !strings.Contains(got, "incident.resolved of backup at 2m0s blocked") || strings.Contains(strings.Split(got, "\n")[0], "blocked") {
			w.Errorf("got\n%s", got)
		}
	})
}
