package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// pendingChannels lists the names of the channels that are owed anything, and when.
func (w *fixture) pendingChannels(channels ...monitor.Channel) map[string]time.Duration {
	w.Helper()
	all := map[string]time.Duration{}
	for _, o := range view(w, (*store.Tx).PendingByChannel) {
		i := slices.IndexFunc(channels, func(c monitor.Channel) bool { return c.ID == o.Channel })
		if i < 0 {
			w.Fatalf("an unexpected channel is owed something")
		}
		all[channels[i].Name] = o.NextAttempt.Sub(w.start)
	}
	return all
}

func TestClaim_AClaimedAlertIsExclusiveUntilItsLeaseEnds(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		i := w.fail(h, time.Minute)
		if early := w.claimAlerts(ops, "a", time.Minute-time.Microsecond, time.Hour, 10); early != nil {
			w.Errorf("claimed %v before it was owed", eventsOf(early))
		}
		want := []monitor.Alert{{
			ID: w.deliveries(i.ID)[0].ID, Project: h.Project, Channel: ops.ID, Event: monitor.IncidentOpened, Heartbeat: h.Key, Incident: i.ID,
			State: monitor.AlertPending, Attempts: 1, Created: w.at(time.Minute), NextAttempt: w.at(3 * time.Minute),
		}}
		if diff := cmp.Diff(want, w.claimAlerts(ops, "a", time.Minute, 3*time.Minute, 10)); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
		for _, node := range []string{"a", "b"} {
			if again := w.claimAlerts(ops, node, 3*time.Minute-time.Microsecond, time.Hour, 10); again != nil {
				w.Errorf("node %s claimed %v during the lease", node, eventsOf(again))
			}
		}
		late := w.claimAlerts(ops, "b", 3*time.Minute, 5*time.Minute, 10)
		if len(late) != 1 || late[0].ID != want[0].ID || late[0].Attempts != 2 {
			w.Errorf("after the lease node b claimed %+v; want the same alert, its second attempt", late)
		}
	})
}

func TestClaim_TakesTheAlertsDueFirstUpToTheLimit(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops, other := w.addChannel(w.newChannel("ops")), w.addChannel(w.newChannel("other"))
		for n := range 7 {
			w.fail(w.newSavedHeartbeat(fmt.Sprint("job-", n)), time.Duration(7-n)*time.Minute)
		}
		var names []string
		for _, size := range []int{3, 3, 1, 0} {
			claimed := w.claimAlerts(ops, "a", time.Hour, 2*time.Hour, 3)
			if len(claimed) != size {
				w.Errorf("claimed %d; want %d", len(claimed), size)
			}
			var some []string
			for _, a := range claimed {
				some = append(some, view(w, func(tx *store.Tx) (monitor.Heartbeat, error) { return tx.HeartbeatByKey(a.Heartbeat) }).Name)
			}
			slices.Sort(some) // a claim is a set
			names = append(names, some...)
		}
		if diff := cmp.Diff([]string{"job-4", "job-5", "job-6", "job-1", "job-2", "job-3", "job-0"}, names); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
		if claimed := w.claimAlerts(other, "a", time.Hour, 2*time.Hour, 10); len(claimed) != 7 {
			w.Errorf("the other channel is owed %d; want 7 of its own", len(claimed))
		}
	})
}

func TestClaim_TwoNodesNeverClaimTheSameAlert(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		for n := range 10 {
			w.fail(w.newSavedHeartbeat(fmt.Sprint("job-", n)), time.Minute)
		}
		other := w.onNode(w.open())
		done := make(chan bool)
		var first, second []monitor.Alert
		w.update(func(tx *store.Tx) (err error) {
			first, err = tx.Claim(ops.ID, "a", w.at(time.Hour), w.at(2*time.Hour), 6)
			go other.updateConcurrently(done, func(tx *store.Tx) (err error) {
				second, err = tx.Claim(ops.ID, "b", w.at(time.Hour), w.at(2*time.Hour), 10)
				return err
			})
			if !store.OnSQLite(w.db) {
				<-done // it must not wait for us
			}
			return err
		})
		<-done
		if len(first) != 6 || len(second) != 4 {
			w.Errorf("claimed %d and %d of 10; want 6 and 4", len(first), len(second))
		}
		for _, a := range first {
			if slices.ContainsFunc(second, func(b monitor.Alert) bool { return a.ID == b.ID }) {
				w.Errorf("both nodes have alert %s", a.ID)
			}
		}
	})
}

func TestClaim_ResolvedIsDeliveredOnlyAfterOpened(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops, other := w.addChannel(w.newChannel("ops")), w.addChannel(w.newChannel("other"))
		h, second := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("second")
		w.applyPings(h, w.ping(monitor.PingFail, time.Minute), w.ping(monitor.PingSuccess, time.Minute))
		opened := w.claimAlerts(ops, "a", time.Minute, 2*time.Minute, 10)
		if diff := cmp.Diff([]monitor.Event{monitor.IncidentOpened}, eventsOf(opened)); diff != "" {
			w.Errorf("claimed first (-want +got):\n%s", diff)
		}
		if early := w.claimAlerts(ops, "b", time.Minute, time.Hour, 10); early != nil {
			w.Errorf("claimed %v while opened is being told", eventsOf(early))
		}
		w.fail(second, time.Minute)
		if claimed := w.claimAlerts(ops, "b", time.Minute, time.Hour, 10); len(claimed) != 1 || claimed[0].Heartbeat != second.Key {
			w.Errorf("claimed %v of another incident; want its opening, which waits for nobody", eventsOf(claimed))
		}
		w.update(func(tx *store.Tx) error { _, err := tx.MarkSent(opened[0].ID); return err })
		if diff := cmp.Diff([]monitor.Event{monitor.IncidentResolved}, eventsOf(w.claimAlerts(ops, "a", time.Minute, time.Hour, 10))); diff != "" {
			w.Errorf("claimed after opened was sent (-want +got):\n%s", diff)
		}
		if claimed := w.claimAlerts(other, "a", time.Minute, time.Hour, 10); len(claimed) != 2 {
			w.Errorf("the other channel is owed %v; want both openings, whatever the first channel was told", eventsOf(claimed))
		}
	})
}

func TestMarkFailed_AFailedOpeningReleasesTheResolution(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		w.applyPings(h, w.ping(monitor.PingFail, time.Minute), w.ping(monitor.PingSuccess, time.Minute))
		opened := w.claimAlerts(ops, "a", time.Minute, time.Hour, 10)[0]
		if did := updateValue(w, func(tx *store.Tx) (bool, error) { return tx.MarkFailed(opened) }); !did {
			w.Error("giving up did nothing")
		}
		if diff := cmp.Diff([]string{"incident.opened ops failed", "incident.resolved ops pending"}, w.alerts(opened.Incident, ops)); diff != "" {
			w.Errorf("alerts (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]monitor.Event{monitor.IncidentResolved}, eventsOf(w.claimAlerts(ops, "a", time.Minute, time.Hour, 10))); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
	})
}

func TestMarkSent_HoldsAfterAnotherNodeClaimedTheAlert(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		i := w.fail(w.newSavedHeartbeat("backup"), time.Minute)
		mine := w.claimAlerts(ops, "a", time.Minute, 2*time.Minute, 1)[0]
		theirs := w.claimAlerts(ops, "b", 2*time.Minute, time.Hour, 1)[0]
		w.update(func(tx *store.Tx) error { return tx.Reschedule(mine, w.at(3*time.Minute), time.Time{}) })
		if did := updateValue(w, func(tx *store.Tx) (bool, error) { return tx.MarkFailed(mine) }); did {
			w.Error("gave up an alert that another node had claimed since")
		}
		if stolen := w.claimAlerts(ops, "c", 4*time.Minute, time.Hour, 1); stolen != nil {
			w.Error("putting off an alert that another node had claimed since ended that node's lease")
		}
		sent := func() bool { return updateValue(w, func(tx *store.Tx) (bool, error) { return tx.MarkSent(mine.ID) }) }
		if !sent() {
			w.Error("the alert was sent, but that did not hold")
		}
		if sent() {
			w.Error("the alert was still owed after it was sent")
		}
		w.update(func(tx *store.Tx) error { return tx.Reschedule(theirs, w.at(3*time.Minute), time.Time{}) })
		if did := updateValue(w, func(tx *store.Tx) (bool, error) { return tx.MarkFailed(theirs) }); did {
			w.Error("gave up an alert that was sent")
		}
		if diff := cmp.Diff([]string{"incident.opened ops sent"}, w.alerts(i.ID, ops)); diff != "" {
			w.Errorf("alerts (-want +got):\n%s", diff)
		}
	})
}

func TestReschedule_MovesAnAlertAndItsSuccessors(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops, other := w.addChannel(w.newChannel("ops")), w.addChannel(w.newChannel("other"))
		w.applyPings(w.newSavedHeartbeat("backup"), w.ping(monitor.PingFail, time.Minute), w.ping(monitor.PingSuccess, 2*time.Minute))
		opened := w.claimAlerts(ops, "a", 2*time.Minute, 3*time.Minute, 1)[0]
		w.update(func(tx *store.Tx) error { return tx.Reschedule(opened, w.at(10*time.Minute), time.Time{}) })
		if diff := cmp.Diff(map[string]time.Duration{"ops": 10 * time.Minute, "other": 2 * time.Minute}, w.pendingChannels(ops, other)); diff != "" {
			w.Errorf("owing (-want +got):\n%s", diff)
		}
		if early := w.claimAlerts(ops, "a", 10*time.Minute-time.Microsecond, time.Hour, 10); early != nil {
			w.Errorf("claimed %v before its time", eventsOf(early))
		}
		again := w.claimAlerts(ops, "a", 10*time.Minute, time.Hour, 10)
		if len(again) != 1 || again[0].ID != opened.ID || again[0].Attempts != 2 {
			w.Errorf("claimed %+v; want the second attempt at the opening", again)
		}
	})
}

func TestReleaseNext_MakesSuccessorsDueExceptReminders(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.newChannel("ops")
		c.RemindEvery = time.Hour
		ops := w.addChannel(c)
		open, over := w.newSavedHeartbeat("open"), w.newSavedHeartbeat("over")
		w.fail(open, time.Minute)
		w.applyPings(over, w.ping(monitor.PingFail, time.Minute), w.ping(monitor.PingSuccess, time.Minute))
		for _, opened := range w.claimAlerts(ops, "a", time.Minute, 2*time.Minute, 10) {
			w.update(func(tx *store.Tx) error {
				if err := tx.Reschedule(opened, w.at(3*time.Hour), time.Time{}); err != nil {
					return err
				}
				if _, err := tx.MarkSent(opened.ID); err != nil {
					return err
				}
				return tx.ReleaseNext(opened, w.at(31*time.Minute))
			})
		}
		if diff := cmp.Diff([]monitor.Event{monitor.IncidentResolved}, eventsOf(w.claimAlerts(ops, "a", 31*time.Minute, 4*time.Hour, 10))); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]time.Duration{"ops": 3 * time.Hour}, w.pendingChannels(ops)); diff != "" {
			w.Errorf("owing; the reminder is as far off as it was put (-want +got):\n%s", diff)
		}
	})
}

// TestPendingByChannel_ReturnsTheNextPossibleAttempt matters to who waits for it: a moment
// that has come, with nothing to claim, would be asked for again and again.
func TestPendingByChannel_ReturnsTheNextPossibleAttempt(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		w.fail(h, time.Minute)
		opened := w.claimAlerts(ops, "a", time.Minute, 3*time.Minute, 1)[0]
		w.applyPings(h, w.ping(monitor.PingSuccess, 2*time.Minute))
		if diff := cmp.Diff(map[string]time.Duration{"ops": 3 * time.Minute}, w.pendingChannels(ops)); diff != "" {
			w.Errorf("while opened is being told (-want +got):\n%s", diff)
		}
		w.update(func(tx *store.Tx) error { return tx.Reschedule(opened, w.at(10*time.Minute), time.Time{}) })
		w.applyPings(h, w.ping(monitor.PingFail, 4*time.Minute))
		w.update(func(tx *store.Tx) error {
			for _, a := range w.deliveries(w.incident(h).ID) {
				if _, err := tx.MarkSent(a.ID); err != nil {
					return err
				}
			}
			return nil
		})
		// There is more to tell of the same heartbeat, and it waits for opened.
		if diff := cmp.Diff(map[string]time.Duration{"ops": 4 * time.Minute}, w.pendingChannels(ops)); diff != "" {
			w.Errorf("while opened is put off (-want +got):\n%s", diff)
		}
	})
}

func TestReleaseNext_LeavesClaimedAlerts(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		w.applyPings(w.newSavedHeartbeat("backup"), w.ping(monitor.PingFail, time.Minute), w.ping(monitor.PingSuccess, time.Minute))
		opened := w.claimAlerts(ops, "a", time.Minute, 2*time.Minute, 10)[0]
		w.update(func(tx *store.Tx) error { _, err := tx.MarkSent(opened.ID); return err })
		w.claimAlerts(ops, "b", time.Minute, time.Hour, 10)
		w.update(func(tx *store.Tx) error { return tx.ReleaseNext(opened, w.at(2*time.Minute)) })
		if stolen := w.claimAlerts(ops, "a", 3*time.Minute, time.Hour, 10); stolen != nil {
			w.Errorf("claimed %v, which another node has", eventsOf(stolen))
		}
	})
}

// TestEnqueue_AddsNoReminderOfAClosedIncident lets one node owe the next reminder while
// another resolves or acknowledges the incident.
func TestEnqueue_AddsNoReminderOfAClosedIncident(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		other := w.onNode(w.open())
		for name, end := range map[string]func(tx *store.Tx, h monitor.Heartbeat, i monitor.Incident) error{
			"resolved": func(tx *store.Tx, h monitor.Heartbeat, _ monitor.Incident) error {
				_, err := judge(tx, h, w.ping(monitor.PingSuccess, time.Hour))
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
				w.Errorf("%d reminders are owed of an incident that is %s", n, name)
			}
		}
	})
}

// lockRowsFirst returns when a transaction on PostgreSQL waits for another, or, so
// that a test can fail, after a while in which none did.
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
				w.Errorf("%d reminders were owed; want %d", got, n)
			}
		}
		opened := w.claimAlerts(ops, "a", time.Minute, 2*time.Minute, 10)
		w.update(func(tx *store.Tx) error { _, err := tx.MarkSent(opened[0].ID); return err })
		if diff := cmp.Diff(map[string]time.Duration{"ops": time.Hour + time.Minute, "quiet": time.Minute}, w.pendingChannels(ops, quiet)); diff != "" {
			w.Errorf("owing (-want +got):\n%s", diff)
		}
		w.applyPings(h, w.ping(monitor.PingSuccess, 2*time.Minute))
		if n := view(w, func(tx *store.Tx) (int, error) { return tx.CountReminders(i.ID, ops.ID) }); n != 0 {
			w.Error("the reminder is still owed after the incident was resolved")
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
			w.Error("the reminder was dropped while a node was sending it")
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
			w.Errorf("%s alerts of failing channels; want one per channel and moment", n)
		}
		again := w.claimAlerts(ops, "a", 3*time.Hour, 4*time.Hour, 10)
		owe(reminder, 2)
		if n := view(w, func(tx *store.Tx) (int, error) { return tx.CountReminders(i.ID, ops.ID) }); n != 2 || len(again) == 0 {
			w.Errorf("%d reminders after one that was claimed was owed again; want 2", n)
		}
	})
}

func TestPendingByChannel_ListsEachChannelOnceWithItsFirstAttempt(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		if none := view(w, (*store.Tx).PendingByChannel); len(none) != 0 {
			w.Errorf("%d channels of an empty store are owed something", len(none))
		}
		var channels []monitor.Channel
		want := map[string]time.Duration{}
		for n := range 40 {
			c := w.addChannel(w.newChannel(fmt.Sprint("c-", n)))
			channels = append(channels, c)
			for k := range n % 4 {
				next := time.Duration(n)*time.Minute + time.Duration((k+2)%3)*time.Second
				w.update(func(tx *store.Tx) error {
					return tx.Enqueue(monitor.Alert{Project: c.Project, Channel: c.ID, Event: monitor.TestAlert, Subject: fmt.Sprint(k), Created: w.start, NextAttempt: w.at(next)}, 0)
				})
				if soonest, ok := want[c.Name]; !ok || next < soonest {
					want[c.Name] = next
				}
			}
		}
		if diff := cmp.Diff(want, w.pendingChannels(channels...)); diff != "" {
			w.Errorf("owing (-want +got):\n%s", diff)
		}
		sent := channels[1]
		a := w.claimAlerts(sent, "a", time.Hour, 2*time.Hour, 1)
		w.update(func(tx *store.Tx) error { _, err := tx.MarkSent(a[0].ID); return err })
		delete(want, sent.Name)
		if diff := cmp.Diff(want, w.pendingChannels(channels...)); diff != "" {
			w.Errorf("owing after all was sent to one (-want +got):\n%s", diff)
		}
	})
}

func TestReleaseClaims_OnlyOnSQLite(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		w.fail(w.newSavedHeartbeat("backup"), time.Minute)
		put := monitor.Alert{Project: w.project.Key, Channel: ops.ID, Event: monitor.TestAlert, Created: w.start, NextAttempt: w.at(30 * time.Minute)}
		w.update(func(tx *store.Tx) error { return tx.Enqueue(put, 0) })
		w.claimAlerts(ops, "dead", time.Minute, time.Hour, 10)
		w.update(func(tx *store.Tx) error { return w.db.ReleaseClaims(tx, w.at(2*time.Minute)) })
		var want []monitor.Event
		if store.OnSQLite(w.db) {
			want = []monitor.Event{monitor.IncidentOpened}
		}
		if diff := cmp.Diff(want, eventsOf(w.claimAlerts(ops, "new", 2*time.Minute, time.Hour, 10))); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
	})
}

func TestAddAttempt_StoresEachAttemptOnce(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		i := w.fail(w.newSavedHeartbeat("backup"), time.Minute)
		a := w.claimAlerts(ops, "a", time.Minute, time.Hour, 1)[0]
		tries := []store.Attempt{
			{AlertID: a.ID, Number: 1, At: w.at(time.Minute), Took: time.Second + time.Microsecond, Outcome: "retry", Status: 503, Detail: `busy "%_'\`},
			{AlertID: a.ID, Number: 2, At: w.at(2 * time.Minute), Outcome: "sent"},
		}
		for _, try := range append(tries, store.Attempt{AlertID: a.ID, Number: 1, At: w.start, Outcome: "refused"}) {
			w.update(func(tx *store.Tx) error { return tx.AddAttempt(try) })
		}
		if diff := cmp.Diff(tries, w.deliveries(i.ID)[0].AttemptLog); diff != "" {
			w.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

func TestAddAttempt_AcceptsInvalidUTF8FromTheProvider(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		i := w.fail(w.newSavedHeartbeat("backup"), time.Minute)
		a := w.claimAlerts(ops, "a", time.Minute, time.Hour, 1)[0]
		w.update(func(tx *store.Tx) error {
			if err := tx.AddTimelineEntry(i.ID, "undelivered", "no: \x00\xff", w.start); err != nil {
				return err
			}
			return tx.AddAttempt(store.Attempt{AlertID: a.ID, Number: 1, At: w.start, Outcome: "retry", Detail: "\x1f\x8b\x00\xffgz"})
		})
		if got := w.deliveries(i.ID)[0].AttemptLog[0].Detail; got != "\x1f\uFFFD\uFFFD\uFFFDgz" {
			w.Errorf("detail %q", got)
		}
	})
}

func TestEnqueue_RequiresAnExistingChannel(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		err := w.db.Update(context.Background(), func(tx *store.Tx) error {
			return tx.Enqueue(monitor.Alert{Project: w.project.Key, Channel: "none", Event: monitor.TestAlert, Created: w.start, NextAttempt: w.start}, 0)
		})
		if err == nil {
			w.Error("an alert is owed to a channel that does not exist")
		}
	})
}
