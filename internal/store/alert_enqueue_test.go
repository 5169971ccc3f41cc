package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// TestEnqueue_AddsNoReminderOfAClosedIncident adds the next reminder on one node
// while another node resolves or acknowledges the incident.
func TestEnqueue_AddsNoReminderOfAClosedIncident(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		other := w.onNode(w.open())
		for name, end := range map[string]func(tx *store.Tx, h monitor.Heartbeat, i monitor.Incident) error{
			"resolved": func(tx *store.Tx, h monitor.Heartbeat, _ monitor.Incident) error {
				_, err := applyInTx(tx, h, w.ping(monitor.PingSuccess, time.Hour))
				return err
			},
			"acknowledged": func(tx *store.Tx, _ monitor.Heartbeat, i monitor.Incident) error {
				_, err := tx.AcknowledgeIncident(i, "Ann", w.at(time.Hour))
				return err
			},
		} {
			h := w.newSavedHeartbeat(name)
			i := w.fail(h, time.Minute)
			owe := func(tx *store.Tx, repeat int) error {
				return tx.Enqueue(monitor.Alert{Project: i.Project, Channel: ops.ID, Event: monitor.IncidentReminder, Incident: i.ID, Created: w.start, NextAttempt: w.at(24 * time.Hour)}, repeat)
			}
			done := make(chan bool)
			w.update(func(tx *store.Tx) error {
				err := owe(tx, 1)
				go other.updateConcurrently(done, func(tx *store.Tx) error { return end(tx, h, i) })
				if !store.OnSQLite(w.db) {
					other.lockRowsFirst()
				}
				return err
			})
			<-done
			w.update(func(tx *store.Tx) error { return owe(tx, 2) })
			if n := view(w, func(tx *store.Tx) (int, error) { return tx.CountReminders(i.ID, ops.ID) }); n != 0 {
				w.Errorf("%d pending reminders of an incident that is %s", n, name)
			}
		}
	})
}

// lockRowsFirst returns when a transaction on PostgreSQL waits for another one, or after a
// timeout, so that the test can fail.
func (w *fixture) lockRowsFirst() {
	w.Helper()
	for range 200 {
		if w.queryNumber("SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')") != "0" {
			return
		}
	}
}

func TestEnqueue_RemindersArePendingWhileTheIncidentIsOpen(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.newChannel("ops")
		c.RemindEvery = time.Hour
		ops, quiet := w.addChannel(c), w.addChannel(w.newChannel("quiet"))
		h := w.newSavedHeartbeat("backup")
		i := w.fail(h, time.Minute)
		want := []string{"incident.opened ops pending", "incident.opened quiet pending", "incident.reminder ops pending"}
		got := w.alerts(i.ID, ops, quiet)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			w.Errorf("alerts (-want +got):\n%s", diff)
		}
		for channel, n := range map[string]int{ops.ID: 1, quiet.ID: 0} {
			if got := view(w, func(tx *store.Tx) (int, error) { return tx.CountReminders(i.ID, channel) }); got != n {
				w.Errorf("%d reminders; want %d", got, n)
			}
		}
		opened := w.claimAlerts(ops, "a", time.Minute, 2*time.Minute, 10)
		w.update(func(tx *store.Tx) error { _, err := tx.MarkSent(opened[0].ID); return err })
		if diff := cmp.Diff(map[string]time.Duration{"ops": time.Hour + time.Minute, "quiet": time.Minute}, w.pendingChannels(ops, quiet)); diff != "" {
			w.Errorf("pending (-want +got):\n%s", diff)
		}
		w.applyPings(h, w.ping(monitor.PingSuccess, 2*time.Minute))
		if n := view(w, func(tx *store.Tx) (int, error) { return tx.CountReminders(i.ID, ops.ID) }); n != 0 {
			w.Error("the reminder is pending after the incident was resolved")
		}
	})
}

func TestAcknowledgeIncident_KeepsAttemptedReminders(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.newChannel("ops")
		c.RemindEvery = time.Hour
		ops := w.addChannel(c)
		h := w.newSavedHeartbeat("backup")
		i := w.fail(h, time.Minute)
		opened := w.claimAlerts(ops, "a", time.Minute, 2*time.Minute, 10)
		w.update(func(tx *store.Tx) error { _, err := tx.MarkSent(opened[0].ID); return err })
		reminder := w.claimAlerts(ops, "a", 2*time.Hour, 3*time.Hour, 10)
		if diff := cmp.Diff([]monitor.Event{monitor.IncidentReminder}, eventsOf(reminder)); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
		w.applyPings(h, w.ping(monitor.PingSuccess, 2*time.Hour))
		if n := view(w, func(tx *store.Tx) (int, error) { return tx.CountReminders(i.ID, ops.ID) }); n != 1 {
			w.Error("the reminder was deleted while a node was sending it")
		}
	})
}

func TestEnqueue_TheSameAlertIsPendingOnce(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		i := w.fail(w.newSavedHeartbeat("backup"), time.Minute)
		reminder := monitor.Alert{Project: i.Project, Channel: ops.ID, Event: monitor.IncidentReminder, Incident: i.ID, Created: w.start, NextAttempt: w.at(time.Hour)}
		failing := monitor.Alert{Project: i.Project, Channel: ops.ID, Event: monitor.ChannelFailing, Subject: "mail", Created: w.start, NextAttempt: w.at(time.Hour)}
		owe := func(a monitor.Alert, repeat int) {
			w.update(func(tx *store.Tx) error { return tx.Enqueue(a, repeat) })
		}
		owe(reminder, 1)
		reminder.NextAttempt, reminder.Created = w.at(2*time.Hour), w.at(time.Hour)
		owe(reminder, 1)
		owe(reminder, 2)
		owe(failing, 0)
		owe(failing, 0)
		failing.Subject = "chat"
		owe(failing, 0)
		failing.Created = w.at(time.Hour)
		owe(failing, 0)
		if n := w.queryNumber("SELECT COUNT(*) FROM alerts WHERE event = 'incident.reminder'"); n != "2" {
			w.Errorf("%s reminders; want the first and the second", n)
		}
		if n := w.queryNumber("SELECT COUNT(*) FROM alerts WHERE event = 'channel.failing'"); n != "3" {
			w.Errorf("%s alerts of failing channels; want one per channel and time", n)
		}
		again := w.claimAlerts(ops, "a", 3*time.Hour, 4*time.Hour, 10)
		owe(reminder, 2)
		if n := view(w, func(tx *store.Tx) (int, error) { return tx.CountReminders(i.ID, ops.ID) }); n != 2 || len(again) == 0 {
			w.Errorf("%d reminders after a claimed one was enqueued again; want 2", n)
		}
	})
}

func TestEnqueue_RequiresAnExistingChannel(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		err := w.db.Update(context.Background(), func(tx *store.Tx) error {
			return tx.Enqueue(monitor.Alert{Project: w.project.Key, Channel: "none", Event: monitor.TestAlert, Created: w.start, NextAttempt: w.start}, 0)
		})
		if err == nil {
			w.Error("an alert was added for a channel that does not exist")
		}
	})
}

// Random ids would change one page of the index for each alert.
func TestSave_IDsOfAlertsAreNeighboursInTheOrderOfTheirIncidents(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops, pager := w.addChannel(w.newChannel("ops")), w.addChannel(w.newChannel("pager"))
		var ids []string
		seen := map[string]bool{}
		for n := range 20 {
			i := w.fail(w.newSavedHeartbeat(fmt.Sprintf("job-%02d", n)), time.Minute)
			for _, d := range w.deliveries(i.ID) {
				if d.Alert.Channel == ops.ID {
					ids = append(ids, d.Alert.ID)
				}
				if seen[d.Alert.ID] {
					w.Errorf("two alerts have the id %s", d.Alert.ID)
				}
				seen[d.Alert.ID] = true
				if id := uuid.MustParse(d.Alert.ID); id.Version() != 8 || id.Variant() != uuid.RFC4122 {
					w.Errorf("%s is a UUID of version %d and variant %s; want version 8", id, id.Version(), id.Variant())
				}
			}
		}
		if len(seen) != 40 || !slices.IsSorted(ids) {
			w.Errorf("%d alerts to %s and %s with ids in the order %v; want 40, sorted", len(seen), ops.Name, pager.Name, ids)
		}
	})
}
